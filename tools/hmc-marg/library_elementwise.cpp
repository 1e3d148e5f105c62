// Functions applied lane by lane: one, two or three arguments, constants, and those that only known numbers have.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "hmc-marg/library_parts.h"
#include "hmc-marg/special_functions.h"

namespace tenfold::hmc_marg {

namespace {

template <Op op>
Value one(CallContext& context, Arguments args) {
  return unary(context, op, *args[0]);
}

template <Op op>
Value two(CallContext& context, Arguments args) {
  return binary(context, op, *args[0], *args[1]);
}

template <Operator op>
Value operation(CallContext& context, Arguments args) {
  return apply_binary(context, op, *args[0], *args[1]);
}

// Functions without a useful derivative: steps, and such whose derivative no operation of the graph has.
// A function's name as a template's argument.
template <std::size_t N>
struct Name {
  char text[N];
  constexpr Name(const char (&name)[N]) { std::copy_n(name, N, text); }
};

template <Name name, double (*f)(double)>
Value known_only(CallContext& context, Arguments args) {
  require_known(context, *args[0], fmt::format("the argument of {}, which has no derivative here,", name.text));
  Value out = *args[0];
  if (out.type.base == Base::integer) out.type.base = Base::real;
  for (double& x : out.number) x = f(x);
  return out;
}

template <Name name, double (*f)(double)>
Value known_integer(CallContext& context, Arguments args) {
  Value out = known_only<name, f>(context, args);
  out.type.base = Base::integer;
  return out;
}

double round_half_away(double x) { return std::round(x); }
double floor_of(double x) { return std::floor(x); }
double ceil_of(double x) { return std::ceil(x); }
double trunc_of(double x) { return std::trunc(x); }
double tgamma_of(double x) { return std::tgamma(x); }
double is_positive(double x) { return x > 0 ? 1 : 0; }
double is_not_negative(double x) { return x < 0 ? 0 : 1; }
double is_zero(double x) { return x == 0 ? 1 : 0; }
double is_nan_of(double x) { return std::isnan(x) ? 1 : 0; }
double is_inf_of(double x) { return std::isinf(x) ? 1 : 0; }

Value absolute(CallContext& context, Arguments args) {
  if (!is_integer(*args[0])) return unary(context, Op::abs, *args[0]);
  Value out = *args[0];
  for (double& x : out.number) x = std::fabs(x);
  return out;
}

Value power_function(CallContext& context, Arguments args) { return power(context, *args[0], *args[1]); }

// a b + c
Value fma_function(CallContext& context, Arguments args) {
  return binary(context, Op::add, binary(context, Op::mul, *args[0], *args[1]), *args[2]);
}

Value beta_function(CallContext& context, Arguments args) {
  return unary(context, Op::exp, binary(context, Op::lbeta, *args[0], *args[1]));
}

Value choose(CallContext& context, Arguments args) {
  require_known(context, *args[0], "choose's first argument");
  require_known(context, *args[1], "choose's second argument");
  Shape shape = broadcast(context, "choose", *args[0], *args[1]);
  shape.type.base = Base::integer;
  const std::size_t n = scalar_count(shape.dims);
  std::vector<double> out(n);
  for (std::size_t i = 0; i < n; ++i) {
    const double total = args[0]->number[is_scalar(*args[0]) ? 0 : i], chosen = args[1]->number[is_scalar(*args[1]) ? 0 : i];
    if (total < 0) call_error(context, fmt::format("choose({}, {}): the first argument must not be negative", total, chosen));
    double count = chosen < 0 || chosen > total ? 0 : 1;
    const double fewer = std::min(chosen, total - chosen);
    for (double k = 1; k <= fewer && count <= std::numeric_limits<int>::max(); ++k) count = count * (total - fewer + k) / k;
    if (count > std::numeric_limits<int>::max())
      call_error(context, fmt::format("choose({}, {}) does not fit an integer; use exp(lchoose(n, k))", total, chosen));
    out[i] = count;
  }
  return known_value(shape.type, std::move(shape.dims), std::move(out));
}

// log(theta e^a + (1 - theta) e^b), or for vectors log sum_k theta_k e^a_k, summed over an array of vectors a.
Value log_mix(CallContext& context, Arguments args) {
  if (args.size() == 3) {
    const Value with = binary(context, Op::add, unary(context, Op::log, *args[0]), *args[1]);
    const Value without = binary(context, Op::add, unary(context, Op::log1m, *args[0]), *args[2]);
    return binary(context, Op::log_add_exp, with, without);
  }
  const Value weights = unary(context, Op::log, reshaped(*args[0], kVector, {static_cast<int>(args[0]->size())}));
  const Value& components = *args[1];
  const std::size_t k = weights.size();
  if (k == 0 || components.size() % k != 0 || (components.dims.back() != static_cast<int>(k)))
    call_error(context, fmt::format("log_mix: {} weights for components of size {}", k, dims_text(components.dims)));
  const std::size_t count = components.size() / k;
  std::vector<std::uint32_t> places(components.size());
  for (std::size_t i = 0; i < places.size(); ++i) places[i] = static_cast<std::uint32_t>(i % k);
  const std::vector<int> all{static_cast<int>(components.size())};
  const Value terms = binary(context, Op::add, take(weights, places, kVector, all), reshaped(components, kVector, all));
  return sum_of(context, reduce(context, Op::log_sum_exp, terms, equal_segments(count, k), {kVector, {static_cast<int>(count)}}));
}

template <double (*value)()>
Value constant(CallContext&, Arguments) {
  return real_scalar(value());
}

double pi() { return std::numbers::pi; }
double euler() { return std::numbers::e; }
double sqrt_two() { return std::numbers::sqrt2; }
double infinity() { return std::numeric_limits<double>::infinity(); }
double minus_infinity() { return -std::numeric_limits<double>::infinity(); }
double not_a_number() { return std::numeric_limits<double>::quiet_NaN(); }
double precision() { return std::numeric_limits<double>::epsilon(); }

// log2() and log10() without an argument are the constants log 2 and log 10.
Value log2_function(CallContext& context, Arguments args) {
  return args.empty() ? real_scalar(std::numbers::ln2) : unary(context, Op::log2, *args[0]);
}
Value log10_function(CallContext& context, Arguments args) {
  return args.empty() ? real_scalar(std::numbers::ln10) : unary(context, Op::log10, *args[0]);
}

constexpr LibraryEntry kEntries[] = {
    {"abs", absolute},
    {"fabs", one<Op::abs>},
    {"exp", one<Op::exp>},
    {"exp2", one<Op::exp2>},
    {"expm1", one<Op::expm1>},
    {"log", one<Op::log>},
    {"log1p", one<Op::log1p>},
    {"log1m", one<Op::log1m>},
    {"log2", log2_function},
    {"log10", log10_function},
    {"sqrt", one<Op::sqrt>},
    {"cbrt", one<Op::cbrt>},
    {"square", one<Op::square>},
    {"inv", one<Op::inv>},
    {"inv_sqrt", one<Op::inv_sqrt>},
    {"inv_square", one<Op::inv_square>},
    {"logit", one<Op::logit>},
    {"inv_logit", one<Op::inv_logit>},
    {"log_inv_logit", one<Op::log_inv_logit>},
    {"log1m_inv_logit", one<Op::log1m_inv_logit>},
    {"log1p_exp", one<Op::log1p_exp>},
    {"log1m_exp", one<Op::log1m_exp>},
    {"inv_cloglog", one<Op::inv_cloglog>},
    {"Phi", one<Op::phi>},
    {"Phi_approx", one<Op::phi_approx>},
    {"inv_Phi", one<Op::inv_phi>},
    {"sin", one<Op::sin>},
    {"cos", one<Op::cos>},
    {"tan", one<Op::tan>},
    {"asin", one<Op::asin>},
    {"acos", one<Op::acos>},
    {"atan", one<Op::atan>},
    {"sinh", one<Op::sinh>},
    {"cosh", one<Op::cosh>},
    {"tanh", one<Op::tanh>},
    {"asinh", one<Op::asinh>},
    {"acosh", one<Op::acosh>},
    {"atanh", one<Op::atanh>},
    {"lgamma", one<Op::lgamma>},
    {"digamma", one<Op::digamma>},
    {"erf", one<Op::erf>},
    {"erfc", one<Op::erfc>},
    {"floor", known_only<"floor", floor_of>},
    {"ceil", known_only<"ceil", ceil_of>},
    {"round", known_only<"round", round_half_away>},
    {"trunc", known_only<"trunc", trunc_of>},
    {"tgamma", known_only<"tgamma", tgamma_of>},
    {"trigamma", known_only<"trigamma", trigamma>},
    {"int_step", known_integer<"int_step", is_positive>},
    {"step", known_only<"step", is_not_negative>},
    {"logical_negation", known_integer<"logical_negation", is_zero>},
    {"is_nan", known_integer<"is_nan", is_nan_of>},
    {"is_inf", known_integer<"is_inf", is_inf_of>},
    {"pow", power_function},
    {"fmin", two<Op::fmin>},
    {"fmax", two<Op::fmax>},
    {"hypot", two<Op::hypot>},
    {"fdim", two<Op::fdim>},
    {"fmod", two<Op::fmod>},
    {"atan2", two<Op::atan2>},
    {"multiply_log", two<Op::multiply_log>},
    {"lmultiply", two<Op::multiply_log>},
    {"lbeta", two<Op::lbeta>},
    {"lchoose", two<Op::lchoose>},
    {"binomial_coefficient_log", two<Op::lchoose>},
    {"log_diff_exp", two<Op::log_diff_exp>},
    {"beta", beta_function},
    {"choose", choose},
    {"fma", fma_function},
    {"log_mix", log_mix},
    {"add", operation<Operator::add>},
    {"subtract", operation<Operator::subtract>},
    {"multiply", operation<Operator::multiply>},
    {"divide", operation<Operator::divide>},
    {"elt_multiply", operation<Operator::elementwise_multiply>},
    {"elt_divide", operation<Operator::elementwise_divide>},
    {"modulus", operation<Operator::modulo>},
    {"pi", constant<pi>},
    {"e", constant<euler>},
    {"sqrt2", constant<sqrt_two>},
    {"positive_infinity", constant<infinity>},
    {"negative_infinity", constant<minus_infinity>},
    {"not_a_number", constant<not_a_number>},
    {"machine_precision", constant<precision>},
};

}  // namespace

std::span<const LibraryEntry> elementwise_functions() { return kEntries; }

}  // namespace tenfold::hmc_marg
