// Step-size and metric adaptation. See the header for the sources.
#include "hmc-marg/adapt.h"

#include <algorithm>
#include <cmath>

namespace tenfold::hmc_marg {

void DualAveraging::restart(double step_size) {
  mu = std::log(10 * step_size);
  counter = s_bar = x_bar = 0;
}

double DualAveraging::learn(double accept_stat) {
  counter += 1;
  const double eta = 1 / (counter + t0);
  s_bar = (1 - eta) * s_bar + eta * (delta - std::min(accept_stat, 1.0));
  const double x = mu - s_bar * std::sqrt(counter) / gamma;
  const double weight = std::pow(counter, -kappa);
  x_bar = (1 - weight) * x_bar + weight * x;
  return std::exp(x);
}

double DualAveraging::final_step_size() const { return std::exp(x_bar); }

WarmupWindows::WarmupWindows(int warmup) {
  if (warmup < 20) return;  // the step size alone is adapted
  int first = 75, last = 50, size = 25;
  if (first + size + last > warmup) {
    first = static_cast<int>(0.15 * warmup);
    last = static_cast<int>(0.1 * warmup);
    size = warmup - first - last;
  }
  begin_ = first;
  end_ = warmup - last;
  for (int at = begin_ + size - 1; at < end_; at += size) {
    last_.push_back(at);
    if (at == end_ - 1) break;
    size *= 2;
    // A window whose successor (twice as long) would overrun takes all that is left.
    if (at + size >= end_ - 1 || at + size + 2 * size >= end_) size = end_ - 1 - at;
  }
}

bool WarmupWindows::estimates(int iteration) const { return iteration >= begin_ && iteration < end_; }
bool WarmupWindows::window_ends(int iteration) const { return std::binary_search(last_.begin(), last_.end(), iteration); }

std::vector<int> WarmupWindows::window_sizes() const {
  std::vector<int> sizes;
  int before = begin_ - 1;
  for (const int at : last_) {
    sizes.push_back(at - before);
    before = at;
  }
  return sizes;
}

WindowMoments::WindowMoments(MetricKind kind, int dimension) : kind_(kind) {
  const auto d = static_cast<std::size_t>(dimension);
  mean.assign(d, 0);
  delta_.assign(d, 0);
  m2.assign(kind == MetricKind::dense ? d * d : d, 0);
}

void WindowMoments::add(std::span<const double> q) {
  count += 1;
  const std::size_t d = mean.size();
  for (std::size_t i = 0; i < d; ++i) {
    delta_[i] = q[i] - mean[i];
    mean[i] += delta_[i] / count;
  }
  if (kind_ == MetricKind::dense) {
    for (std::size_t j = 0; j < d; ++j)
      for (std::size_t i = 0; i < d; ++i) m2[j * d + i] += (q[i] - mean[i]) * delta_[j];
  } else {
    for (std::size_t i = 0; i < d; ++i) m2[i] += delta_[i] * (q[i] - mean[i]);
  }
}

std::vector<double> WindowMoments::regularised() const {
  const std::size_t d = mean.size();
  const double shrink = count / (count + 5), floor = 1e-3 * 5 / (count + 5);
  std::vector<double> out(m2.size());
  for (std::size_t i = 0; i < m2.size(); ++i) out[i] = shrink * m2[i] / (count - 1);
  if (kind_ == MetricKind::dense) {
    for (std::size_t j = 0; j < d; ++j) {
      for (std::size_t i = 0; i < j; ++i) out[j * d + i] = out[i * d + j] = 0.5 * (out[j * d + i] + out[i * d + j]);
      out[j * d + j] += floor;
    }
  } else {
    for (double& v : out) v += floor;
  }
  return out;
}

void WindowMoments::restart() {
  count = 0;
  std::fill(mean.begin(), mean.end(), 0);
  std::fill(m2.begin(), m2.end(), 0);
}

}  // namespace tenfold::hmc_marg
