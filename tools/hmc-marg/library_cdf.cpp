// Tail probabilities on values: log P(X <= y), log P(X > y), P(X <= y), multiplied over the lanes. Known numbers come from
// densities.h; with parameters, those families whose distribution function is elementary.
#include <fmt/format.h>

#include <cmath>
#include <numbers>

#include "hmc-marg/densities.h"
#include "hmc-marg/library_parts.h"

namespace tenfold::hmc_marg {

namespace {

Value times(CallContext& context, double factor, const Value& x) { return binary(context, Op::mul, real_scalar(factor), x); }

// (x - location) / scale
Value standardised(CallContext& context, const Value& x, Arguments args) {
  return binary(context, Op::div, binary(context, Op::sub, x, *args[1]), *args[2]);
}

// Log of the probability from its logarithm's complement: log(1 - e^x).
Value log_rest(CallContext& context, const Value& log_probability) { return unary(context, Op::log1m_exp, log_probability); }

// Lane by lane, for variates inside the support; a size-0 value for a family without an elementary form.
Value log_tail(CallContext& context, Density family, Arguments args, bool upper) {
  const Value& y = *args[0];
  switch (family) {
    case Density::normal:
    case Density::lognormal:
    case Density::std_normal: {
      const Value z = family == Density::std_normal  ? y
                      : family == Density::lognormal ? standardised(context, unary(context, Op::log, y), args)
                                                     : standardised(context, y, args);
      return unary(context, Op::log, unary(context, Op::phi, upper ? unary(context, Op::neg, z) : z));
    }
    case Density::logistic: {
      const Value z = standardised(context, y, args);
      return unary(context, upper ? Op::log1m_inv_logit : Op::log_inv_logit, z);
    }
    case Density::cauchy: {
      const Value z = standardised(context, y, args);
      const Value turn = times(context, std::numbers::inv_pi, unary(context, Op::atan, upper ? unary(context, Op::neg, z) : z));
      return unary(context, Op::log, binary(context, Op::add, turn, real_scalar(0.5)));
    }
    case Density::exponential: {
      const Value tail = unary(context, Op::neg, binary(context, Op::mul, *args[1], y));
      return upper ? tail : log_rest(context, tail);
    }
    case Density::weibull: {
      const Value tail = unary(context, Op::neg, power(context, binary(context, Op::div, y, *args[2]), *args[1]));
      return upper ? tail : log_rest(context, tail);
    }
    case Density::pareto: {
      const Value ratio = unary(context, Op::log, binary(context, Op::div, *args[1], y));
      const Value tail = binary(context, Op::mul, *args[2], ratio);
      return upper ? tail : log_rest(context, tail);
    }
    default: return known_value(kVector, {0}, {});
  }
}

}  // namespace

Value apply_cdf(CallContext& context, std::string_view family, std::string_view suffix, Arguments args) {
  const auto density = density_named(family);
  if (!density || !has_cdf(*density)) call_error(context, fmt::format("{}_{} runs in CmdStan, not here", family, suffix));
  if (args.size() != static_cast<std::size_t>(info(*density).arguments))
    call_error(context, fmt::format("{}_{} takes {} arguments, not {}", family, suffix, info(*density).arguments, args.size()));
  const bool upper = suffix == "lccdf";
  const DensityLaneReader reader(context, family, args);
  Value sum = real_scalar(0);
  if (reader.all_known()) {
    for (std::size_t i = 0; i < reader.count(); ++i) {
      const DensityLane lane = reader.lane(i);
      const double value = upper ? log_ccdf(*density, lane.x) : log_cdf(*density, lane.x);
      if (std::isnan(value)) reader.check(*density, lane);
      sum.number[0] += value;
    }
  } else if (reader.count() > 0) {
    if (reader.checkable(*density))
      for (std::size_t i = 0; i < reader.count(); ++i) reader.check(*density, reader.lane(i));
    const Value logs = log_tail(context, *density, args, upper);
    if (logs.size() == 0) call_error(context, fmt::format("{}_{} of a parameter runs in CmdStan, not here", family, suffix));
    sum = times(context, static_cast<double>(reader.count() / logs.size()), sum_of(context, logs));
  }
  return suffix == "cdf" ? unary(context, Op::exp, sum) : sum;
}

}  // namespace tenfold::hmc_marg
