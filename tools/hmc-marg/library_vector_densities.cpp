// Densities of whole vectors and matrices, composed of univariate lanes and of operations: multi_normal and its forms, dirichlet,
// categorical, multinomial, the generalised linear models, LKJ. Normal-like ones end in standard normal or normal lanes whose
// residual is linear in variate and mean.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "hmc-marg/library_parts.h"
#include "hmc-marg/special_functions.h"

namespace tenfold::hmc_marg {

namespace {

struct DensityCall {
  CallContext& context;
  std::string_view family;
  Arguments args;
  std::span<const bool> is_data;
  DensityResult& result;
};

// A summand with coefficient +1; `drops`: propto leaves it out (it is known then).
void add_term(DensityCall& call, const Value& term, bool drops) {
  if (!term.known()) {
    call.result.terms.push_back(term.slot[0]);
    return;
  }
  call.result.constant += term.number[0];
  if (drops) call.result.dropped += term.number[0];
}

Value times(CallContext& context, double factor, const Value& x) { return binary(context, Op::mul, real_scalar(factor), x); }
Value minus_one(CallContext& context, const Value& x) { return binary(context, Op::sub, x, real_scalar(1)); }

std::size_t vector_count(const Value& x) { return x.type.array_rank > 0 ? static_cast<std::size_t>(x.dims[0]) : 1; }

// `count` vectors of size n, one a column; a single vector is repeated.
Value as_columns(const DensityCall& call, const Value& x, std::size_t n, std::size_t count) {
  const std::size_t have = vector_count(x);
  if (have != 1 && have != count)
    call_error(call.context, fmt::format("{}: {} vectors and {} do not match", call.family, have, count));
  if (x.size() != have * n)
    call_error(call.context,
               fmt::format("{}: a vector of size {}, but {} is needed", call.family, have ? x.size() / have : 0, n));
  const std::vector<int> dims{static_cast<int>(n), static_cast<int>(count)};
  if (have == count) return reshaped(x, kMatrix, dims);
  std::vector<std::uint32_t> places(n * count);
  for (std::size_t i = 0; i < places.size(); ++i) places[i] = static_cast<std::uint32_t>(i % n);
  return take(x, places, kMatrix, dims);
}

std::size_t common_count(const Value& x, const Value& y) {
  if (x.type.array_rank > 0) return vector_count(x);
  return vector_count(y);
}

// y ~ multi_normal: r = L^-1 (y - mu) is standard normal, and the density of y has the factor 1 / prod L_ii.
// For a precision P = L L' instead: r = L' (y - mu), factor prod L_ii.
enum class Spread { covariance, cholesky, precision };

void multi_normal(DensityCall& call, Spread spread) {
  CallContext& context = call.context;
  const Value &y = *call.args[0], &mu = *call.args[1], &matrix = *call.args[2];
  require_square(context, call.family, matrix);
  const std::size_t n = extent_of(matrix).rows, count = common_count(y, mu);
  if (n == 0 || count == 0) return;
  const Value residual = binary(context, Op::sub, as_columns(call, y, n, count), as_columns(call, mu, n, count));
  const Value factor = spread == Spread::cholesky ? matrix : cholesky_factor(context, call.family, matrix);
  const Value r = spread == Spread::precision ? matrix_product(context, transposed(factor), residual)
                                              : lower_solve(context, factor, residual, false);
  const Value* const variate[1] = {&r};
  const bool variate_is_data[1] = {false};
  add_density_lanes(context, Density::std_normal, variate, variate_is_data, call.result);
  const double sign = spread == Spread::precision ? 1 : -1;
  add_term(call, times(context, sign * static_cast<double>(count), log_diagonal_sum(context, factor)), call.is_data[2]);
}

// Where all is known, a vector of probabilities sums to 1 (Stan's tolerance 1e-8) and has no negative element.
void require_simplex(const DensityCall& call, const Value& theta) {
  if (!theta.known()) return;
  double sum = 0;
  for (const double p : theta.number) {
    if (!(p >= 0)) call_error(call.context, fmt::format("{}: the probability {} must not be negative", call.family, p));
    sum += p;
  }
  const double count = static_cast<double>(vector_count(theta));
  if (!(std::fabs(sum - count) <= 1e-8 * count))
    call_error(call.context, fmt::format("{}: the probabilities sum to {}, but must sum to 1", call.family, sum / count));
}

// sum_k (alpha_k - 1) log theta_k + lgamma(sum alpha) - sum lgamma(alpha_k), over all vectors.
void dirichlet(DensityCall& call) {
  CallContext& context = call.context;
  const Value &theta = *call.args[0], &alpha = *call.args[1];
  const std::size_t count = common_count(theta, alpha);
  const std::size_t k = vector_count(alpha) ? alpha.size() / vector_count(alpha) : 0;
  if (count == 0 || k == 0) return;
  require_simplex(call, theta);
  if (alpha.known())
    for (const double a : alpha.number)
      if (!(a > 0)) call_error(context, fmt::format("dirichlet: prior sample size parameter is {}, but must be positive", a));
  const Value theta_columns = as_columns(call, theta, k, count), alpha_columns = as_columns(call, alpha, k, count);
  if (!all_equal(alpha, 1) || theta.known())
    add_term(call, dot_of(context, minus_one(context, alpha_columns), unary(context, Op::log, theta_columns)), false);
  if (!theta.known())
    call.result.dirichlet = DirichletPrior{call.result.terms.empty() ? 0 : call.result.terms[0], theta_columns, alpha_columns, 0};
  const std::size_t columns = vector_count(alpha);
  const Value sums = reduce(context, Op::sum, alpha, equal_segments(columns, k), {kVector, {static_cast<int>(columns)}});
  const Value normaliser = binary(context, Op::sub, sum_of(context, unary(context, Op::lgamma, sums)),
                                  sum_of(context, unary(context, Op::lgamma, alpha)));
  add_term(call, times(context, static_cast<double>(count / columns), normaliser), call.is_data[1]);
}

// sum over the outcomes of log_probability[y].
void add_outcomes(DensityCall& call, const Value& log_probability) {
  const Value& y = *call.args[0];
  std::vector<double> counts(log_probability.size(), 0.0);
  for (const double outcome : y.number) {
    if (!(outcome >= 1 && outcome <= static_cast<double>(counts.size())))
      call_error(call.context, fmt::format("{}: outcome {} must be between 1 and {}", call.family, outcome, counts.size()));
    counts[static_cast<std::size_t>(outcome) - 1] += 1;
  }
  // Outcomes that do not occur stay out: their probability may be 0.
  std::vector<std::uint32_t> places;
  std::vector<double> weights;
  for (std::size_t k = 0; k < counts.size(); ++k)
    if (counts[k] > 0) {
      places.push_back(static_cast<std::uint32_t>(k));
      weights.push_back(counts[k]);
    }
  const std::vector<int> dims{static_cast<int>(places.size())};
  add_term(call, dot_of(call.context, known_value(kVector, dims, weights), take(log_probability, places, kVector, dims)), false);
}

void categorical(DensityCall& call) {
  require_simplex(call, *call.args[1]);
  if (call.args[0]->size() > 0) add_outcomes(call, unary(call.context, Op::log, *call.args[1]));
}

void categorical_logit(DensityCall& call) {
  const Value& beta = *call.args[1];
  if (call.args[0]->size() > 0)
    add_outcomes(call, binary(call.context, Op::sub, beta, reduce_all(call.context, Op::log_sum_exp, beta)));
}

// log N! - sum log n_k! (always dropped) + sum n_k log theta_k, a count of 0 contributing 0.
void multinomial(DensityCall& call) {
  const Value &counts = *call.args[0], &theta = *call.args[1];
  if (counts.size() != theta.size())
    call_error(call.context,
               fmt::format("multinomial: {} counts and {} probabilities do not match", counts.size(), theta.size()));
  require_simplex(call, theta);
  double total = 0, coefficient = 0;
  std::vector<std::uint32_t> places;
  for (std::size_t k = 0; k < counts.size(); ++k) {
    const double n = counts.number[k];
    if (n < 0) call_error(call.context, fmt::format("multinomial: the count {} must not be negative", n));
    total += n;
    coefficient -= log_gamma(n + 1);
    if (n > 0) places.push_back(static_cast<std::uint32_t>(k));
  }
  add_term(call, real_scalar(coefficient + log_gamma(total + 1)), true);
  const std::vector<int> dims{static_cast<int>(places.size())};
  const Value seen = take(counts, places, kVector, dims);
  add_term(call, dot_of(call.context, seen, unary(call.context, Op::log, take(theta, places, kVector, dims))), false);
}

// y | X, alpha, beta (, sigma): lanes of the family at alpha + X beta.
void linear_model(DensityCall& call, Density family) {
  CallContext& context = call.context;
  const Value predictor = binary(context, Op::add, *call.args[2], matrix_product(context, *call.args[1], *call.args[3]));
  const bool predictor_is_data = call.is_data[1] && call.is_data[2] && call.is_data[3];
  const bool has_scale = call.args.size() == 5;
  const Value* const args[3] = {call.args[0], &predictor, has_scale ? call.args[4] : nullptr};
  const bool is_data[3] = {call.is_data[0], predictor_is_data, has_scale && call.is_data[4]};
  add_density_lanes(context, family, {args, has_scale ? 3u : 2u}, {is_data, has_scale ? 3u : 2u}, call.result);
}

// Log of the constant that makes det(Omega)^(eta - 1) a density of correlation matrices of order K (Lewandowski, Kurowicka and
// Joe 2009): (K-1) lgamma(eta + (K-1)/2) - sum_{k<K} [lgamma(eta + (K-1-k)/2) + (k/2) log pi].
Value lkj_constant(CallContext& context, const Value& eta, std::size_t order) {
  if (order < 2) return real_scalar(0);
  const double last = static_cast<double>(order - 1);
  std::vector<double> shifts, weights;
  double log_pi_half = 0;
  for (double k = 0; k <= last; ++k) {
    shifts.push_back((last - k) / 2);
    weights.push_back(k == 0 ? last : -1);
    log_pi_half += k;
  }
  const std::vector<int> dims{static_cast<int>(order)};
  const Value gammas = unary(context, Op::lgamma, binary(context, Op::add, known_value(kVector, dims, shifts), eta));
  const Value sum = dot_of(context, known_value(kVector, dims, weights), gammas);
  return binary(context, Op::sub, sum, real_scalar(0.5 * log_pi_half * std::log(std::numbers::pi)));
}

void check_lkj(DensityCall& call) {
  require_square(call.context, call.family, *call.args[0]);
  const Value& eta = *call.args[1];
  if (eta.known() && !(eta.number[0] > 0))
    call_error(call.context, fmt::format("{}: shape parameter is {}, but must be positive", call.family, eta.number[0]));
}

void lkj_corr(DensityCall& call) {
  check_lkj(call);
  CallContext& context = call.context;
  const Value& eta = *call.args[1];
  const std::size_t order = extent_of(*call.args[0]).rows;
  add_term(call, lkj_constant(context, eta, order), call.is_data[1]);
  if (order < 2 || all_equal(eta, 1)) return;
  const Value log_determinant =
      times(context, 2, log_diagonal_sum(context, cholesky_factor(context, call.family, *call.args[0])));
  add_term(call, binary(context, Op::mul, minus_one(context, eta), log_determinant), false);
}

// With the Jacobian of Omega = L L': sum_{k=2}^K (K - k + 2 eta - 2) log L_kk.
void lkj_corr_cholesky(DensityCall& call) {
  check_lkj(call);
  CallContext& context = call.context;
  const Value& eta = *call.args[1];
  const std::size_t order = extent_of(*call.args[0]).rows;
  add_term(call, lkj_constant(context, eta, order), call.is_data[1]);
  if (order < 2) return;
  std::vector<double> powers;
  for (std::size_t k = 2; k <= order; ++k) powers.push_back(static_cast<double>(order - k) - 2);
  const std::vector<int> dims{static_cast<int>(order) - 1};
  const Value weights = binary(context, Op::add, known_value(kVector, dims, powers), times(context, 2, eta));
  const Value diagonal = range_of(diagonal_of(*call.args[0]), 1, order - 1, kVector, dims);
  add_term(call, dot_of(context, weights, unary(context, Op::log, diagonal)), false);
}

struct VectorFamily {
  std::string_view name;
  std::size_t arguments;
  void (*add)(DensityCall&);
};

constexpr VectorFamily kFamilies[] = {
    {"multi_normal", 3, [](DensityCall& call) { multi_normal(call, Spread::covariance); }},
    {"multi_normal_cholesky", 3, [](DensityCall& call) { multi_normal(call, Spread::cholesky); }},
    {"multi_normal_prec", 3, [](DensityCall& call) { multi_normal(call, Spread::precision); }},
    {"dirichlet", 2, dirichlet},
    {"categorical", 2, categorical},
    {"categorical_logit", 2, categorical_logit},
    {"multinomial", 2, multinomial},
    {"normal_id_glm", 5, [](DensityCall& call) { linear_model(call, Density::normal); }},
    {"bernoulli_logit_glm", 4, [](DensityCall& call) { linear_model(call, Density::bernoulli_logit); }},
    {"poisson_log_glm", 4, [](DensityCall& call) { linear_model(call, Density::poisson_log); }},
    {"lkj_corr", 2, lkj_corr},
    {"lkj_corr_cholesky", 2, lkj_corr_cholesky},
};

}  // namespace

bool apply_vector_density(CallContext& context, std::string_view family, Arguments args, std::span<const bool> is_data,
                          DensityResult& result) {
  const auto* const found =
      std::find_if(std::begin(kFamilies), std::end(kFamilies), [&](const VectorFamily& f) { return f.name == family; });
  if (found == std::end(kFamilies)) return false;
  if (args.size() != found->arguments)
    call_error(context, fmt::format("{} takes {} arguments, not {}", family, found->arguments, args.size()));
  DensityCall call{context, family, args, is_data, result};
  found->add(call);
  if (std::all_of(is_data.begin(), is_data.end(), [](bool data) { return data; })) result.dropped = result.constant;
  return true;
}

}  // namespace tenfold::hmc_marg
