// Intervals for a mean and for paired differences.
#include "stats/interval.h"

#include <cmath>
#include <cstdio>
#include <limits>
#include <vector>

#include "base/error.h"
#include "stats/distributions.h"
#include "stats/moments.h"

namespace tenfold::stats {

namespace {

void check(std::size_t n, double level) {
  if (n == 0) input_error("an interval needs at least one value");
  if (!(level > 0 && level < 1)) usage_error("an interval's level lies between 0 and 1");
}

std::string short_text(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g", value);
  return text;
}

std::string interval_text(const Interval& interval, double level, std::size_t n) {
  return "(" + short_text(100 * level) + " % interval " + short_text(interval.low) + " to " + short_text(interval.high) +
         ", n = " + std::to_string(n) + ")";
}

std::vector<double> pairwise(std::span<const double> a, std::span<const double> b, double (*of)(double, double)) {
  if (a.size() != b.size()) input_error("a paired comparison needs as many values on either side");
  std::vector<double> out(a.size());
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = of(a[i], b[i]);
  return out;
}

}  // namespace

MeanInterval mean_interval(std::span<const double> values, double level) {
  check(values.size(), level);
  MeanInterval out;
  out.n = values.size();
  out.mean = mean(values);
  if (out.n == 1) {
    out.sd = std::numeric_limits<double>::quiet_NaN();
    out.interval = {-std::numeric_limits<double>::infinity(), std::numeric_limits<double>::infinity()};
    return out;
  }
  out.sd = sd(values);
  const double n = static_cast<double>(out.n);
  const double half = student_t_quantile(0.5 + level / 2, n - 1) * out.sd / std::sqrt(n);
  out.interval = {out.mean - half, out.mean + half};
  return out;
}

PairedComparison compare_paired(std::span<const double> a, std::span<const double> b, double level) {
  const std::vector<double> differences = pairwise(a, b, [](double x, double y) { return x - y; });
  const MeanInterval of_mean = mean_interval(differences, level);
  PairedComparison out;
  out.level = level;
  out.n = of_mean.n;
  out.difference = of_mean.mean;
  out.interval = of_mean.interval;
  // A NaN among the values shows nothing.
  out.shown = out.interval.low > 0 || out.interval.high < 0;
  if (out.n > 1) {
    const double error = of_mean.sd / std::sqrt(static_cast<double>(out.n));
    const bool nothing_differs = error == 0 && out.difference == 0;
    if (!nothing_differs) {
      out.p_value = 2 * student_t_cdf(-std::fabs(out.difference) / error, static_cast<double>(out.n - 1));
    }
  }
  return out;
}

std::string PairedComparison::verdict(const std::string& a, const std::string& b) const {
  const std::string evidence = interval_text(interval, level, n);
  if (!shown) return "no difference shown between " + a + " and " + b + " " + evidence;
  return a + " is " + (difference > 0 ? "larger" : "smaller") + " than " + b + " by " + short_text(std::fabs(difference)) + " " +
         (difference > 0 ? evidence : interval_text({-interval.high, -interval.low}, level, n));
}

PairedRatio compare_ratio(std::span<const double> a, std::span<const double> b, double level) {
  const std::vector<double> logarithms = pairwise(a, b, [](double x, double y) { return std::log(x) - std::log(y); });
  const MeanInterval of_mean = mean_interval(logarithms, level);
  PairedRatio out;
  out.level = level;
  out.n = of_mean.n;
  out.ratio = std::exp(of_mean.mean);
  out.interval = {std::exp(of_mean.interval.low), std::exp(of_mean.interval.high)};
  out.shown = of_mean.interval.low > 0 || of_mean.interval.high < 0;
  return out;
}

std::string PairedRatio::verdict(const std::string& a, const std::string& b) const {
  const std::string evidence = interval_text(interval, level, n);
  if (!shown) return "no difference shown between " + a + " and " + b + " " + evidence;
  return a + " is " + short_text(ratio) + " times " + b + " " + evidence;
}

}  // namespace tenfold::stats
