// Warm-up as Stan does it: dual averaging of the step size (Hoffman and Gelman 2014, section 3.2) and a metric estimated over
// doubling windows (Stan Reference Manual, "Automatic parameter tuning"; corrections: the first window is never stretched).
#pragma once

#include <span>
#include <vector>

#include "hmc-marg/nuts.h"

namespace tenfold::hmc_marg {

struct DualAveraging {
  double gamma = 0.05, t0 = 10, kappa = 0.75;
  double delta = 0.8;  // target acceptance
  double mu = 0;       // log of the step size that is shrunk towards
  double counter = 0, s_bar = 0, x_bar = 0;

  void restart(double step_size);       // mu = log(10 * step_size)
  double learn(double accept_stat);     // the next step size
  double final_step_size() const;       // exp(x_bar)
};

// Which warm-up iterations estimate the metric, and where each window ends.
class WarmupWindows {
 public:
  explicit WarmupWindows(int warmup);
  bool estimates(int iteration) const;   // iteration from 0
  bool window_ends(int iteration) const;
  std::vector<int> window_sizes() const;

 private:
  int begin_ = 0, end_ = 0;
  std::vector<int> last_;  // last iteration of each window
};

// Welford's running moments of the draws of one window, diagonal or full.
class WindowMoments {
 public:
  WindowMoments(MetricKind kind, int dimension);
  void add(std::span<const double> q);
  // n/(n+5) * covariance + 1e-3 * 5/(n+5) * I; diag: [d], dense: [d, d].
  std::vector<double> regularised() const;
  void restart();

  double count = 0;
  std::vector<double> mean, m2;  // m2: [d] or [d, d]

 private:
  MetricKind kind_;
  std::vector<double> delta_;
};

}  // namespace tenfold::hmc_marg
