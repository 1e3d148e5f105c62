// Random draws of the language: the univariate families lane by lane, and categorical, multinomial, multi_normal, dirichlet, LKJ.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/philox.h"
#include "hmc-marg/densities.h"
#include "hmc-marg/library_parts.h"
#include "hmc-marg/random_variates.h"

namespace tenfold::hmc_marg {

namespace {

Value univariate(CallContext& context, Density family, Arguments args) {
  const DensityInfo& density = info(family);
  if (args.size() + 1 != static_cast<std::size_t>(density.arguments))
    call_error(context, fmt::format("{}_rng takes {} arguments, not {}", density.name, density.arguments - 1, args.size()));
  std::size_t count = 1;
  const Value* sized = nullptr;
  for (const Value* arg : args) {
    if (is_scalar(*arg)) continue;
    if (sized && sized->size() != arg->size())
      call_error(context,
                 fmt::format("{}_rng: arguments of sizes {} and {} do not match", density.name, sized->size(), arg->size()));
    sized = arg;
    count = arg->size();
  }
  std::vector<double> draws(count);
  for (std::size_t i = 0; i < count; ++i) {
    double x[kMaxDensityArguments] = {density.discrete ? 0 : 0.5};  // an admissible variate, for the check
    for (std::size_t k = 0; k < args.size(); ++k) x[k + 1] = args[k]->number[is_scalar(*args[k]) ? 0 : i];
    if (const auto fault = argument_fault(family, x)) call_error(context, fmt::format("{}_rng: {}", density.name, *fault));
    draws[i] = density.draw(x, *context.random);
    if (std::isnan(draws[i])) call_error(context, fmt::format("{}_rng: a parameter is too large", density.name));
  }
  const Base base = density.discrete ? Base::integer : Base::real;
  if (!sized) return known_value({base, 0}, {}, std::move(draws));
  return known_value({base, 1}, {static_cast<int>(count)}, std::move(draws));
}

void require_probabilities(const CallContext& context, std::string_view what, const Value& theta) {
  double sum = 0;
  for (const double p : theta.number) {
    if (!(p >= 0)) call_error(context, fmt::format("{}: the probability {} must not be negative", what, p));
    sum += p;
  }
  if (!(std::fabs(sum - 1) <= 1e-8))
    call_error(context, fmt::format("{}: the probabilities sum to {}, but must sum to 1", what, sum));
}

Value draw_outcome(CallContext& context, std::span<const double> probability) {
  const double u = context.random->uniform();
  double below = 0;
  std::size_t last = 0;
  for (std::size_t k = 0; k < probability.size(); ++k) {
    if (probability[k] <= 0) continue;
    last = k;
    below += probability[k];
    if (u < below) break;
  }
  return integer_scalar(static_cast<double>(last) + 1);
}

Value categorical(CallContext& context, Arguments args) {
  require_probabilities(context, "categorical_rng", *args[0]);
  return draw_outcome(context, args[0]->number);
}

Value categorical_logit(CallContext& context, Arguments args) {
  const Value probability = whole(context, Op::softmax, *args[0], 0, {kVector, args[0]->dims});
  if (probability.size() == 0 ||
      !std::all_of(probability.number.begin(), probability.number.end(), [](double p) { return p >= 0; }))
    call_error(context, "categorical_logit_rng: the log odds must be finite");
  return draw_outcome(context, probability.number);
}

// One binomial an outcome, given what is left of trials and probability.
Value multinomial(CallContext& context, Arguments args) {
  const Value& theta = *args[0];
  require_probabilities(context, "multinomial_rng", theta);
  double left = size_argument(context, *args[1], "multinomial_rng's total"), probability = 1;
  std::vector<double> counts(theta.size(), 0.0);
  for (std::size_t k = 0; k < counts.size() && left > 0; ++k) {
    const bool rest = k + 1 == counts.size();
    const double share = rest ? 1 : std::min(1.0, theta.number[k] / std::max(probability, theta.number[k]));
    counts[k] = theta.number[k] > 0 || rest ? draw_binomial(left, share, *context.random) : 0;
    left -= counts[k];
    probability -= theta.number[k];
  }
  const int k = static_cast<int>(counts.size());
  return known_value({Base::integer, 1}, {k}, std::move(counts));
}

// Gamma draws over their sum, in logs so that tiny alpha do not give 0/0.
Value dirichlet(CallContext& context, Arguments args) {
  std::vector<double> logs(args[0]->size());
  for (std::size_t k = 0; k < logs.size(); ++k) {
    const double alpha = args[0]->number[k];
    if (!(alpha > 0))
      call_error(context, fmt::format("dirichlet_rng: prior sample size parameter is {}, but must be positive", alpha));
    logs[k] = draw_log_gamma(alpha, *context.random);
  }
  return whole(context, Op::softmax, known_value(kVector, args[0]->dims, std::move(logs)), 0, {kVector, args[0]->dims});
}

enum class Spread { covariance, cholesky, precision };

// mu + L z for a covariance L L', mu + L^-T z for a precision L L'; an array of means gives an array.
template <Spread spread>
Value multi_normal(CallContext& context, Arguments args) {
  const Value &mu = *args[0], &matrix = *args[1];
  require_square(context, "multi_normal_rng", matrix);
  const std::size_t n = extent_of(matrix).rows, count = mu.type.array_rank > 0 ? static_cast<std::size_t>(mu.dims[0]) : 1;
  if (mu.size() != n * count)
    call_error(context, fmt::format("multi_normal_rng: means of size {} for a matrix [{}, {}]",
                                    mu.size() / std::max<std::size_t>(count, 1), n, n));
  const Value factor = spread == Spread::cholesky ? matrix : cholesky_factor(context, "multi_normal_rng", matrix);
  Value z = known_value(kMatrix, {static_cast<int>(n), static_cast<int>(count)}, std::vector<double>(n * count));
  for (double& v : z.number) v = context.random->normal();
  const Value spread_out =
      spread == Spread::precision ? lower_solve(context, factor, z, true) : matrix_product(context, factor, z);
  std::vector<double> draws(mu.number);
  for (std::size_t i = 0; i < draws.size(); ++i) draws[i] += spread_out.number[i];
  Type type = mu.type;
  type.base = Base::vector;
  return known_value(type, mu.dims, std::move(draws));
}

// Canonical partial correlations are 2 Beta(a, a) - 1, a = eta + (K - 1 - column) / 2 (Lewandowski, Kurowicka and Joe 2009).
Value lkj_corr_cholesky(CallContext& context, Arguments args) {
  const int order = size_argument(context, *args[0], "lkj_corr_cholesky_rng's order");
  require_known(context, *args[1], "lkj_corr_cholesky_rng's shape");
  const double eta = args[1]->number[0];
  if (!(eta > 0)) call_error(context, fmt::format("lkj_corr_cholesky_rng: shape parameter is {}, but must be positive", eta));
  const auto n = static_cast<std::size_t>(order);
  std::vector<double> l(n * n, 0.0), left(n, 1.0);  // left: 1 - the squares so far of each row
  for (std::size_t j = 0; j < n; ++j) {
    l[j * n + j] = std::sqrt(left[j]);
    const double shape = eta + 0.5 * static_cast<double>(n - 2 - std::min(j, n - 2));
    for (std::size_t i = j + 1; i < n; ++i) {
      const double partial = 2 * draw_beta(shape, shape, *context.random) - 1;
      l[j * n + i] = partial * std::sqrt(left[i]);
      left[i] *= 1 - partial * partial;
    }
  }
  return known_value(kMatrix, {order, order}, std::move(l));
}

Value lkj_corr(CallContext& context, Arguments args) {
  const Value factor = lkj_corr_cholesky(context, args);
  const Value* const argument[1] = {&factor};
  return find_library_function("multiply_lower_tri_self_transpose")(context, Arguments(argument, 1));
}

Value discrete_range(CallContext& context, Arguments args) {
  const int low = integer_argument(context, *args[0], "discrete_range_rng's lower end");
  const int high = integer_argument(context, *args[1], "discrete_range_rng's upper end");
  if (low > high) call_error(context, fmt::format("discrete_range_rng: the ends {} and {} are not in order", low, high));
  const double width = static_cast<double>(high) - low + 1;
  return integer_scalar(low + std::min(std::floor(context.random->uniform() * width), width - 1));
}

constexpr LibraryEntry kVectorFamilies[] = {
    {"categorical", categorical},
    {"categorical_logit", categorical_logit},
    {"multinomial", multinomial},
    {"dirichlet", dirichlet},
    {"multi_normal", multi_normal<Spread::covariance>},
    {"multi_normal_cholesky", multi_normal<Spread::cholesky>},
    {"multi_normal_prec", multi_normal<Spread::precision>},
    {"lkj_corr_cholesky", lkj_corr_cholesky},
    {"lkj_corr", lkj_corr},
    {"discrete_range", discrete_range},
};

}  // namespace

Value apply_random(CallContext& context, std::string_view family, Arguments args) {
  if (!context.random)
    call_error(context,
               fmt::format("{}_rng: random numbers are drawn in transformed data and generated quantities only", family));
  for (const Value* arg : args) require_known(context, *arg, fmt::format("an argument of {}_rng", family));
  if (const auto density = density_named(family)) return univariate(context, *density, args);
  for (const LibraryEntry& entry : kVectorFamilies)
    if (entry.name == family) return entry.function(context, args);
  call_error(context, fmt::format("{}_rng runs in CmdStan, not here", family));
}

}  // namespace tenfold::hmc_marg
