// Convergence and precision of Markov chain draws, equal to the R package posterior (1.4).
// Vehtari, Gelman, Simpson, Carpenter and Bürkner, "Rank-normalization, folding, and localization: an improved R-hat for
// assessing convergence of MCMC" (Bayesian Analysis 2021); Geyer, "Practical Markov chain Monte Carlo" (1992).
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

namespace tenfold::stats {

// One column's draws, [chain][iteration], all chains of one length (else Error input is thrown where they are used).
// Every diagnostic below is NaN for a column that is constant (as posterior has it: its range is below 2^-52), holds a
// non-finite value, or has too few draws (four a chain; three for ess_basic).
struct Draws {
  std::vector<std::span<const double>> chains;

  Draws() = default;
  // values is row-major [chains, iterations].
  Draws(std::span<const double> values, std::size_t chain_count);
  explicit Draws(const std::vector<std::vector<double>>& chain_values);
};

double rhat(const Draws& draws);      // the larger of rank-normalised split and folded R-hat
double ess_bulk(const Draws& draws);  // rank-normalised, split
double ess_tail(const Draws& draws);  // the smaller of those of the 5 % and the 95 % quantile
double ess_mean(const Draws& draws);  // split
double ess_basic(const Draws& draws);  // not split
double ess_quantile(const Draws& draws, double p);
double mcse_mean(const Draws& draws);
double mcse_sd(const Draws& draws);
double mcse_quantile(const Draws& draws, double p);

struct McmcSummary {
  double mean = 0, mcse_mean = 0, sd = 0, mcse_sd = 0;
  double q5 = 0, q50 = 0, q95 = 0;
  double rhat = 0, ess_bulk = 0, ess_tail = 0, ess_basic = 0;
};

// All of a column's figures, the shared work (one sort, ranks, transforms) done once; each equals the function above.
// mean, sd and quantiles are given for a constant column too, quantiles for infinite values, nothing for NaN.
McmcSummary summarize(const Draws& draws);

// The same for many columns of one shape: tables and buffers are made once.
class McmcSummarizer {
 public:
  McmcSummarizer(std::size_t chains, std::size_t iterations);
  McmcSummarizer(McmcSummarizer&&) noexcept;
  ~McmcSummarizer();
  // Throws Error input if the draws are not of that shape.
  McmcSummary operator()(const Draws& draws);

 private:
  struct Work;
  std::unique_ptr<Work> work_;
};

}  // namespace tenfold::stats
