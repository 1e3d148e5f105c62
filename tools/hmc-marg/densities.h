// Log densities of the language, one lane at a time: value, partial derivatives, support, Stan's dropped summands, random draws.
// Formulas: Stan Functions Reference; which summands `~` drops: Stan Math's include_summand, summand by summand.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace tenfold {
class PhiloxStream;
}

namespace tenfold::hmc_marg {

// Univariate families: every argument is a scalar a lane. Vector families (multi_normal*, dirichlet, categorical*, multinomial,
// lkj*,
// *_glm) are compositions of these and of graph operations; the evaluator builds them.
enum class Density : std::uint8_t {
  none,
  normal,
  std_normal,
  lognormal,
  student_t,
  cauchy,
  double_exponential,
  logistic,
  uniform,
  beta,
  gamma,
  inv_gamma,
  exponential,
  weibull,
  chi_square,
  inv_chi_square,
  scaled_inv_chi_square,
  pareto,
  bernoulli,
  bernoulli_logit,
  binomial,
  binomial_logit,
  beta_binomial,
  poisson,
  poisson_log,
  neg_binomial,
  neg_binomial_2,
  neg_binomial_2_log,
  count_
};

inline constexpr int kMaxDensityArguments = 4;  // the variate and up to three more

struct DensityInfo {
  std::string_view name;          // "normal"
  int arguments = 0;              // the variate included; std_normal: 1
  bool discrete = false;
  std::uint8_t integer_arguments = 0;  // bit i: argument i is an integer (the variate is bit 0; binomial: 0b011)
  // Full log density, constants included, of arguments x[0..arguments); -infinity outside the support; NaN arguments give NaN.
  // An inadmissible argument (scale <= 0 ...) gives NaN: the density is then treated as -infinity.
  double (*log_density)(const double* x) = nullptr;
  // The same, and the partial derivatives (0 for integer arguments) into partial[0..arguments).
  double (*gradient)(const double* x, double* partial) = nullptr;
  // Sum of the summands that Stan's `~` drops when the arguments in the bit set `data` have data type (bit 0: the variate). The
  // dropped summands depend on data only. If every argument is data, the whole log density.
  double (*dropped)(const double* x, unsigned data) = nullptr;
  // A draw of the variate; x[1..arguments) are the parameters, x[0] is ignored. Bounded work.
  double (*draw)(const double* x, PhiloxStream& random) = nullptr;
};

const DensityInfo& info(Density family);
std::optional<Density> density_named(std::string_view family);
std::span<const DensityInfo> all_densities();

// What makes x inadmissible, as Stan words it ("scale is -1, but must be positive"), or nullopt. Used on data, for messages.
std::optional<std::string> argument_fault(Density family, const double* x);

// log P(X <= y) and log P(X > y) where the family has them; false where it does not.
bool has_cdf(Density family);
double log_cdf(Density family, const double* x);
double log_ccdf(Density family, const double* x);

}  // namespace tenfold::hmc_marg
