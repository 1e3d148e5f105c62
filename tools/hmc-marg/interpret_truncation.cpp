// The mass between truncation bounds. With known arguments it is a number; else it is built from the distribution function
// of those families that have one in elementary operations.
#include <cmath>
#include <limits>
#include <numbers>

#include "hmc-marg/interpret.h"

namespace tenfold::hmc_marg {
namespace {

// log(e^x - e^y) for x >= y.
double log_difference(double x, double y) {
  return y == -std::numeric_limits<double>::infinity() ? x : x + std::log(-std::expm1(y - x));
}

}  // namespace

Scalar Interpreter::truncation_mass(const Stmt& s, Arguments args, const double* lower, const double* upper) {
  bool all_known = true;
  for (const Value* arg : args.subspan(1)) all_known = all_known && arg->known();
  const bool discrete = args[0]->type.base == Base::integer;
  if (all_known) {
    // P(y >= lower) of an integer is P(y > lower - 1).
    const Value low = known_scalar(lower ? *lower - (discrete ? 1 : 0) : 0, args[0]->type.base);
    const Value high = known_scalar(upper ? *upper : 0, args[0]->type.base);
    const auto log_probability = [&](const char* suffix, const Value& y) {
      std::vector<const Value*> at(args.begin(), args.end());
      at[0] = &y;
      context_.at = s.at;
      return apply_cdf(context_, s.callee, suffix, at).number[0];
    };
    if (lower && upper) return {log_difference(log_probability("lcdf", high), log_probability("lcdf", low)), 0};
    return {lower ? log_probability("lccdf", low) : log_probability("lcdf", high), 0};
  }
  const auto argument = [&](std::size_t i) { return as_scalar(*args[i]); };
  const auto minus = [&](Scalar x, Scalar y) { return arithmetic(Operator::subtract, x, y, false, s.at); };
  const auto times = [&](Scalar x, Scalar y) { return arithmetic(Operator::multiply, x, y, false, s.at); };
  const auto negative = [&](Scalar x) { return x.slot ? lane(Op::neg, x) : Scalar{-x.number, 0}; };
  const auto apply = [&](Op op, Scalar x) { return x.slot ? lane(op, x) : Scalar{info(op).value(x.number, 0), 0}; };
  const bool log_scale = s.callee == "lognormal";
  const auto standardised = [&](double y) {
    return arithmetic(Operator::divide, minus({log_scale ? std::log(y) : y, 0}, argument(1)), argument(2), false, s.at);
  };
  // P(y <= at), or P(y > at) where upper_tail.
  const auto probability = [&](double y, bool upper_tail) -> Scalar {
    if (s.callee == "exponential") {
      const Scalar tail = apply(Op::exp, negative(times(argument(1), {std::max(y, 0.0), 0})));
      return upper_tail ? tail : minus({1, 0}, tail);
    }
    Scalar z = standardised(y);
    if (upper_tail) z = negative(z);
    if (s.callee == "logistic") return apply(Op::inv_logit, z);
    if (s.callee == "cauchy")
      return arithmetic(Operator::add, times(apply(Op::atan, z), {std::numbers::inv_pi, 0}), {0.5, 0}, false, s.at);
    return apply(Op::phi, z);
  };
  if (s.callee != "normal" && s.callee != "lognormal" && s.callee != "logistic" && s.callee != "cauchy" &&
      s.callee != "exponential") {
    fail(s.at, "truncation of `" + s.callee + "` with parameters in its arguments runs in CmdStan, not here");
  }
  if (lower && upper) return apply(Op::log, minus(probability(*upper, false), probability(*lower, false)));
  return apply(Op::log, lower ? probability(*lower, true) : probability(*upper, false));
}

}  // namespace tenfold::hmc_marg
