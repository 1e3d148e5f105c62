// The closed form of a step, and the hand case of four pixels and two tasks for every rule that is a direction.
#include <doctest/doctest.h>

#include <cmath>

#include "mtl-attack/box_step.h"
#include "mtl-attack/image_attack.h"
#include "mtl-attack/toy_oracle.h"

using namespace tenfold::mtl_attack;
using namespace tenfold::mtl_attack::testing;

namespace {

// L_1 = 4 with gradient (-2,-2,3,-4), L_2 = 1 with gradient (-1,-1,-1,2), at x = (1/2, ..), in units of eps = 1/10.
const std::vector<float> kImage(4, 0.5F);
std::vector<ToyTask> hand_tasks() { return {linear({-2, -2, 3, -4}, 4 + 2.5), linear({-1, -1, -1, 2}, 1 + 0.5)}; }

std::vector<float> fgsm_step(const std::string& rule, Denominator denominator = Denominator::current) {
  const std::vector<ToyTask> tasks = hand_tasks();
  const CleanImage clean = clean_of(tasks, kImage);
  REQUIRE(clean.loss[0] == 4);
  REQUIRE(clean.loss[1] == 1);
  const LossScale scale = loss_scale({clean}, 2, 1e-3);
  AttackPlan plan{.rule = parse_rule(rule, {"a", "b"}), .attack = AttackKind::fgsm, .eps = 0.1, .denominator = denominator};
  ToyOracle oracle(tasks);
  ImageAttack attack(plan, clean, scale, kImage, kImage);
  std::vector<float> gradients(8);
  std::vector<double> losses;
  if (attack.need() == ImageAttack::Need::weighted) {
    losses = oracle.weighted(
        kImage, [&](std::size_t, std::span<const double> l) { return attack.weigh(l); }, std::span(gradients).first(4));
    attack.take(losses, {std::span<const float>(gradients).first(4)});
  } else {
    losses = oracle.each(kImage, gradients);
    attack.take(losses, {std::span<const float>(gradients).first(4), std::span<const float>(gradients).last(4)});
  }
  REQUIRE(attack.need() == ImageAttack::Need::nothing);
  std::vector<float> d;
  for (std::size_t j = 0; j < 4; ++j) d.push_back((attack.result()[j] - 0.5F) / 0.1F);
  return d;
}

void check_step(const std::vector<float>& d, const std::vector<double>& expected) {
  for (std::size_t j = 0; j < 4; ++j) CHECK_MESSAGE(static_cast<double>(d[j]) == doctest::Approx(expected[j]).epsilon(1e-5), j);
}

}  // namespace

TEST_CASE("hand case: total, signsum, gradnorm and gb take four different steps") {
  check_step(fgsm_step("total"), {-1, -1, 1, -1});
  check_step(fgsm_step("signsum"), {-1, -1, 0, 0});
  check_step(fgsm_step("gradnorm"), {-1, -1, 1, 1});
  check_step(fgsm_step("gb"), {-1, -1, -1, 1});
  check_step(fgsm_step("single:a"), {-1, -1, 1, -1});
  check_step(fgsm_step("single:b"), {-1, -1, -1, 1});
  check_step(fgsm_step("weights:1,4"), {-1, -1, -1, 1});
  check_step(fgsm_step("weights:1,-1"), {-1, -1, 1, -1});
}

TEST_CASE("hand case: worst mixes the boxes' corners") { check_step(fgsm_step("worst"), {-1, -1, 1, 0.25}); }

TEST_CASE("gb's direction and what it predicts") {
  const CleanImage clean{{4, 1}, {true, true}};
  const LossScale scale = loss_scale({clean}, 2, 1e-3);
  const PassWeights w = pass_weights(parse_rule("gb", {"a", "b"}), Denominator::current, clean.loss, clean, scale);
  // sum grad L_i / L_i = (-3/2, -3/2, -1/4, 1); 2 J = its 1-norm = 17/4.
  CHECK(w.w[0] == 1);
  CHECK(w.w[1] == 4);
  CHECK(w.unit == 0.25);
  const std::vector<float> c = {-1.5F, -1.5F, -0.25F, 1}, x(4, 0);
  const Box box{std::vector<float>(4, -1), std::vector<float>(4, 1)};
  CHECK(box_bound(c, box) == 4.25);
}

TEST_CASE("the closed form is the maximum over the box, clipped bounds and zeros included") {
  const std::vector<float> clean = {0.5F, 0.01F, 0.99F, 0.5F, 0}, x = {0.52F, 0.02F, 0.99F, 0.47F, 0}, c = {2, -3, 5, 0, -1};
  const Ball ball = ball_around(clean, 0.03);
  std::vector<float> next(5);
  sign_step(x, c, 0.02F, Tie::zero, ball, next);
  CHECK(next[0] == 0.5F + 0.03F);  // the ball
  CHECK(next[1] == 0.0F);          // the step, and the range
  CHECK(next[2] == 1.0F);          // the range
  CHECK(next[3] == 0.47F);         // c = 0 stays
  CHECK(next[4] == 0.0F);
  sign_step(x, c, 0.02F, Tie::up, ball, next);
  CHECK(next[3] == 0.47F + 0.02F);
  const Box box = step_box(x, 0.02F, ball);
  double reached = 0;
  sign_step(x, c, 0.02F, Tie::zero, ball, next);
  for (std::size_t j = 0; j < 5; ++j) reached += static_cast<double>(c[j]) * static_cast<double>(next[j] - x[j]);
  CHECK(reached == doctest::Approx(box_bound(c, box)).epsilon(1e-6));
}

TEST_CASE("sums have one order, and are sums") {
  std::vector<float> a(1003), b(1003);
  double plain = 0, absolute = 0;
  for (std::size_t j = 0; j < a.size(); ++j) {
    a[j] = static_cast<float>(std::sin(static_cast<double>(j)));
    b[j] = static_cast<float>(std::cos(3.0 * static_cast<double>(j)));
    plain += static_cast<double>(a[j]) * static_cast<double>(b[j]);
    absolute += std::abs(static_cast<double>(a[j]));
  }
  CHECK(dot(a, b) == doctest::Approx(plain).epsilon(1e-12));
  CHECK(norm1(a) == doctest::Approx(absolute).epsilon(1e-12));
}
