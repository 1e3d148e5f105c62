#include "mtl-attack/box_step.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace tenfold::mtl_attack {
namespace {

float sign(float value) { return static_cast<float>(static_cast<int>(value > 0) - static_cast<int>(value < 0)); }

// Sums term(j) over j in eight lanes that join in one fixed way.
template <class Term>
double lane_sum(std::size_t count, const Term& term) {
  std::array<double, 8> lanes{};
  std::size_t j = 0;
  for (; j + 8 <= count; j += 8)
    for (std::size_t lane = 0; lane < 8; ++lane) lanes[lane] += term(j + lane);
  for (std::size_t lane = 0; j < count; ++j, ++lane) lanes[lane] += term(j);
  return ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6])) + ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7]));
}

}  // namespace

Ball ball_around(std::span<const float> clean, double eps) {
  const auto radius = static_cast<float>(eps);
  Ball ball{std::vector<float>(clean.size()), std::vector<float>(clean.size())};
  for (std::size_t j = 0; j < clean.size(); ++j) {
    ball.low[j] = std::max(clean[j] - radius, 0.0F);
    ball.high[j] = std::min(clean[j] + radius, 1.0F);
  }
  return ball;
}

void sign_step(std::span<const float> x, std::span<const float> c, float a, Tie tie, const Ball& ball, std::span<float> next) {
  if (tie == Tie::up) {
    for (std::size_t j = 0; j < x.size(); ++j) next[j] = std::clamp(x[j] + (c[j] < 0 ? -a : a), ball.low[j], ball.high[j]);
    return;
  }
  for (std::size_t j = 0; j < x.size(); ++j) next[j] = std::clamp(x[j] + a * sign(c[j]), ball.low[j], ball.high[j]);
}

Box step_box(std::span<const float> x, float a, const Ball& ball) {
  Box box{std::vector<float>(x.size()), std::vector<float>(x.size())};
  for (std::size_t j = 0; j < x.size(); ++j) {
    box.low[j] = std::max(-a, ball.low[j] - x[j]);
    box.high[j] = std::min(a, ball.high[j] - x[j]);
  }
  return box;
}

double box_bound(std::span<const float> c, const Box& box) {
  return lane_sum(c.size(), [&](std::size_t j) {
    const double up = static_cast<double>(c[j]) * static_cast<double>(box.high[j]);
    const double down = static_cast<double>(c[j]) * static_cast<double>(box.low[j]);
    return std::max(up, down);
  });
}

double dot(std::span<const float> a, std::span<const float> b) {
  return lane_sum(a.size(), [&](std::size_t j) { return static_cast<double>(a[j]) * static_cast<double>(b[j]); });
}

double norm1(std::span<const float> a) {
  return lane_sum(a.size(), [&](std::size_t j) { return std::abs(static_cast<double>(a[j])); });
}

}  // namespace tenfold::mtl_attack
