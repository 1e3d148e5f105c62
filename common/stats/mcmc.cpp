// Convergence and precision of Markov chain draws. The steps, their order and their edge cases are those of the R package
// posterior 1.4.
#include "stats/mcmc.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>

#include "base/error.h"
#include "stats/distributions.h"
#include "stats/fft.h"
#include "stats/moments.h"
#include "stats/quantile.h"
#include "stats/ranks.h"

namespace tenfold::stats {

namespace {

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

// Row-major [chains, n].
struct Matrix {
  std::size_t chains = 0;
  std::size_t n = 0;
  std::vector<double> values;

  Matrix(std::size_t chain_count, std::size_t length) : chains(chain_count), n(length), values(chain_count * length) {}
  std::span<const double> chain(std::size_t c) const { return std::span(values).subspan(c * n, n); }
};

// posterior's should_return_NA: an absolute tolerance.
bool unusable(std::span<const double> values) {
  double low = std::numeric_limits<double>::infinity(), high = -low;
  for (const double value : values) {
    if (!std::isfinite(value)) return true;
    low = std::min(low, value);
    high = std::max(high, value);
  }
  return values.empty() || high - low < std::numeric_limits<double>::epsilon();
}

double variance_of_chain_means(const Matrix& x) {
  std::vector<double> means(x.chains);
  for (std::size_t c = 0; c < x.chains; ++c) means[c] = mean(x.chain(c));
  return variance(means);
}

// Split R-hat where x is split: sqrt((B/W + n - 1) / n).
double basic_rhat(const Matrix& x) {
  if (x.n < 2 || x.chains < 2 || unusable(x.values)) return not_a_number;
  const double n = static_cast<double>(x.n);
  double within = 0;
  for (std::size_t c = 0; c < x.chains; ++c) within += variance(x.chain(c));
  within /= static_cast<double>(x.chains);
  const double between = n * variance_of_chain_means(x);
  return std::sqrt((between / within + n - 1) / n);
}

// Geyer's initial monotone sequence. rho is the autocorrelation by lag; gives tau = -1 + 2 sum rho + the next even rho.
template <class Rho>
double integrated_time(std::size_t n, Rho rho) {
  std::vector<double> kept(n, 0.0);
  std::size_t t = 0;
  double even = 1.0;
  double odd = rho(1);
  kept[0] = even;
  kept[1] = odd;
  while (t + 5 < n && even + odd > 0) {  // false for NaN too
    t += 2;
    even = rho(t);
    odd = rho(t + 1);
    if (even + odd >= 0) {
      kept[t] = even;
      kept[t + 1] = odd;
    }
  }
  const std::size_t last = t;
  if (even > 0) kept[last] = even;
  for (t = 2; t + 2 <= last; t += 2) {
    const double before = kept[t - 2] + kept[t - 1];
    if (kept[t] + kept[t + 1] > before) kept[t] = kept[t + 1] = before / 2;
  }
  // With too few draws for one pair R's 1:0 counts the first lag, and so do we.
  const double sum = last == 0 ? kept[0] : sum8(std::span(kept).first(last));
  return -1.0 + 2.0 * sum + kept[last];
}

double ess_of(const Matrix& x, MeanAutocovariance& autocovariance) {
  if (x.n < 3 || unusable(x.values)) return not_a_number;
  const std::span<const double> c = autocovariance(x.values, x.chains);
  const double n = static_cast<double>(x.n);
  const double mean_variance = c[0] * n / (n - 1);
  double total_variance = mean_variance * (n - 1) / n;
  if (x.chains > 1) total_variance += variance_of_chain_means(x);
  const double tau = integrated_time(x.n, [&](std::size_t t) { return 1.0 - (mean_variance - c[t]) / total_variance; });
  const double size = static_cast<double>(x.chains) * n;
  return size / std::max(tau, 1.0 / std::log10(size));  // antithetic chains: at most size log10 size
}

// Tables and buffers of one shape, and what one column's figures share; everything is made when it is first needed.
struct Column {
  std::size_t chains, n, half;
  Matrix x;  // the draws
  Matrix split;  // a buffer for what is split
  std::vector<std::uint32_t> split_place;  // where a draw lands in it; an odd chain's middle draw is dropped
  static constexpr std::uint32_t dropped = std::numeric_limits<std::uint32_t>::max();
  std::vector<Ordered> sorted;
  std::vector<double> sorted_values;
  std::optional<MeanAutocovariance> whole_plan, split_plan;
  std::optional<NormalScores> scores;
  bool usable = false;
  bool any_nan = false;

  Column(std::size_t chain_count, std::size_t iterations)
      : chains(chain_count),
        n(iterations),
        half(iterations / 2),
        x(chain_count, iterations),
        split(2 * chain_count, iterations / 2),
        split_place(x.values.size(), dropped) {
    for (std::size_t c = 0; c < chains; ++c) {
      for (std::size_t i = 0; i < half; ++i) {
        split_place[c * n + i] = static_cast<std::uint32_t>(2 * c * half + i);
        split_place[c * n + n - half + i] = static_cast<std::uint32_t>((2 * c + 1) * half + i);
      }
    }
  }

  void load(const Draws& draws) {
    if (draws.chains.size() != chains) input_error("the number of chains differs between columns");
    for (std::size_t c = 0; c < chains; ++c) {
      if (draws.chains[c].size() != n) input_error("the chains are of different lengths");
      std::copy(draws.chains[c].begin(), draws.chains[c].end(), x.values.begin() + static_cast<std::ptrdiff_t>(c * n));
    }
    const auto is_nan = [](double value) { return std::isnan(value); };
    any_nan = std::any_of(x.values.begin(), x.values.end(), is_nan);
    const auto is_finite = [](double value) { return std::isfinite(value); };
    usable = n >= 3 && std::all_of(x.values.begin(), x.values.end(), is_finite);
    sorted.clear();
  }

  void sort() {
    if (!sorted.empty()) return;
    sorted = ordered(x.values);
    sorted_values.resize(sorted.size());
    for (std::size_t i = 0; i < sorted.size(); ++i) sorted_values[i] = sorted[i].value;
  }

  double quantile_at(double p) {
    if (any_nan) return not_a_number;
    sort();
    return stats::quantile(sorted_values, p);
  }

  // split(c, i) = value(draw) for the draws of either half.
  template <class Value>
  const Matrix& split_of(Value value) {
    for (std::size_t c = 0; c < chains; ++c) {
      const double* chain = x.values.data() + c * n;
      double* out = split.values.data() + 2 * c * half;
      for (std::size_t i = 0; i < half; ++i) out[i] = value(chain[i]);
      for (std::size_t i = 0; i < half; ++i) out[half + i] = value(chain[n - half + i]);
    }
    return split;
  }

  // Rank-normal scores of the split draws, from draws in order.
  const Matrix& split_scores(std::vector<Ordered> in_order) {
    if (!scores) scores.emplace(split.values.size());
    std::size_t kept = 0;
    for (const Ordered& one : in_order) {
      const std::uint32_t place = split_place[one.index];
      if (place != dropped) in_order[kept++] = {one.value, place};
    }
    (*scores)(std::span<const Ordered>(in_order).first(kept), split.values);
    return split;
  }

  double split_ess(const Matrix& matrix) {
    if (!split_plan) split_plan.emplace(half);
    return ess_of(matrix, *split_plan);
  }

  bool enough() const { return usable && half >= 2; }

  const Matrix& bulk_scores() {
    sort();
    return split_scores(sorted);
  }

  double folded_rhat() {
    sort();
    // The two middle draws lie equally far from their midpoint only if that is rounded once, as R does.
    const std::size_t size = sorted_values.size();
    const double upper = sorted_values[size / 2];
    const double median =
        size % 2 == 1
            ? upper
            : static_cast<double>((static_cast<long double>(sorted_values[size / 2 - 1]) + static_cast<long double>(upper)) / 2);
    return basic_rhat(split_scores(folded(sorted, median)));
  }

  double rhat_given_bulk(double bulk) {
    const double tail = folded_rhat();
    return std::isnan(bulk) || std::isnan(tail) ? not_a_number : std::max(bulk, tail);
  }

  double ess_at_quantile(double p) {
    if (!enough() || unusable(x.values)) return not_a_number;
    const double size = static_cast<double>(x.values.size());
    const double threshold = quantile_at(p == 1 ? (size - 0.5) / size : p);
    return split_ess(split_of([threshold](double value) { return value <= threshold ? 1.0 : 0.0; }));
  }

  double tail_ess() {
    const double low = ess_at_quantile(0.05), high = ess_at_quantile(0.95);
    return std::isnan(low) || std::isnan(high) ? not_a_number : std::min(low, high);
  }

  double mean_ess() {
    if (!enough()) return not_a_number;
    return split_ess(split_of([](double value) { return value; }));
  }

  double basic_ess() {
    if (!usable) return not_a_number;
    if (!whole_plan) whole_plan.emplace(n);
    return ess_of(x, *whole_plan);
  }

  double sd_mcse(double center) {
    if (!enough()) return not_a_number;
    const double ess = split_ess(split_of([center](double value) { return (value - center) * (value - center); }));
    std::vector<double> squares(x.values.size());
    for (std::size_t i = 0; i < squares.size(); ++i) squares[i] = (x.values[i] - center) * (x.values[i] - center);
    const double second = mean(squares);
    for (double& square : squares) square *= square;
    const double fourth = mean(squares);
    return std::sqrt((fourth - second * second) / ess / second / 4);
  }

  double quantile_mcse(double p) {
    const double ess = ess_at_quantile(p);
    if (std::isnan(ess)) return not_a_number;
    sort();
    const double size = static_cast<double>(sorted_values.size());
    const double a = beta_quantile(0.1586553, ess * p + 1, ess * (1 - p) + 1);
    const double b = beta_quantile(0.8413447, ess * p + 1, ess * (1 - p) + 1);
    if (std::isnan(a) || std::isnan(b)) return not_a_number;
    const double low = std::max(std::floor(a * size), 1.0);
    const double high = std::min(std::ceil(b * size), size);
    return (sorted_values[static_cast<std::size_t>(high) - 1] - sorted_values[static_cast<std::size_t>(low) - 1]) / 2;
  }

  explicit Column(const Draws& draws) : Column(draws.chains.size(), draws.chains.empty() ? 0 : draws.chains[0].size()) {
    load(draws);
  }
};

}  // namespace

Draws::Draws(std::span<const double> values, std::size_t chain_count) {
  const std::size_t n = chain_count == 0 ? 0 : values.size() / chain_count;
  for (std::size_t c = 0; c < chain_count; ++c) chains.push_back(values.subspan(c * n, n));
}

Draws::Draws(const std::vector<std::vector<double>>& chain_values) {
  for (const std::vector<double>& chain : chain_values) chains.emplace_back(chain);
}

double rhat(const Draws& draws) {
  Column column(draws);
  return column.enough() ? column.rhat_given_bulk(basic_rhat(column.bulk_scores())) : not_a_number;
}

double ess_bulk(const Draws& draws) {
  Column column(draws);
  return column.enough() ? column.split_ess(column.bulk_scores()) : not_a_number;
}

double ess_tail(const Draws& draws) { return Column(draws).tail_ess(); }
double ess_mean(const Draws& draws) { return Column(draws).mean_ess(); }
double ess_basic(const Draws& draws) { return Column(draws).basic_ess(); }
double ess_quantile(const Draws& draws, double p) { return Column(draws).ess_at_quantile(p); }

double mcse_mean(const Draws& draws) {
  Column column(draws);
  return sd(column.x.values) / std::sqrt(column.mean_ess());
}

double mcse_sd(const Draws& draws) {
  Column column(draws);
  return column.sd_mcse(mean(column.x.values));
}

double mcse_quantile(const Draws& draws, double p) { return Column(draws).quantile_mcse(p); }

struct McmcSummarizer::Work : Column {
  using Column::Column;
};

McmcSummarizer::McmcSummarizer(std::size_t chains, std::size_t iterations) : work_(std::make_unique<Work>(chains, iterations)) {}
McmcSummarizer::McmcSummarizer(McmcSummarizer&&) noexcept = default;
McmcSummarizer::~McmcSummarizer() = default;

McmcSummary McmcSummarizer::operator()(const Draws& draws) {
  Work& work = *work_;
  work.load(draws);
  McmcSummary out;
  out.mean = mean(work.x.values);
  out.sd = sd(work.x.values);
  out.q5 = work.quantile_at(0.05);
  out.q50 = work.quantile_at(0.50);
  out.q95 = work.quantile_at(0.95);
  out.mcse_mean = out.sd / std::sqrt(work.mean_ess());
  out.mcse_sd = work.sd_mcse(out.mean);
  out.ess_tail = work.tail_ess();
  out.ess_basic = work.basic_ess();
  out.ess_bulk = out.rhat = not_a_number;
  if (work.enough()) {
    const Matrix& z = work.bulk_scores();
    out.ess_bulk = work.split_ess(z);
    out.rhat = work.rhat_given_bulk(basic_rhat(z));
  }
  return out;
}

McmcSummary summarize(const Draws& draws) {
  return McmcSummarizer(draws.chains.size(), draws.chains.empty() ? 0 : draws.chains[0].size())(draws);
}

}  // namespace tenfold::stats
