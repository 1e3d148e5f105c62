// Functions from a container to a number or to a container of equal size: sums, moments, extremes, log_sum_exp, softmax.
#include <fmt/format.h>

#include <cmath>

#include "hmc-marg/library_parts.h"

namespace tenfold::hmc_marg {

namespace {

void require_elements(const CallContext& context, std::string_view what, const Value& x) {
  if (x.size() == 0) call_error(context, fmt::format("{} of an empty container", what));
}

void require_equal_sizes(const CallContext& context, std::string_view what, const Value& x, const Value& y) {
  if (x.size() != y.size()) call_error(context, fmt::format("{}: sizes {} and {} do not match", what, x.size(), y.size()));
}

Value with_integers(const Value& x, Value result) {
  if (is_integer(x)) result.type.base = Base::integer;
  return result;
}

Value sum(CallContext& context, Arguments args) { return with_integers(*args[0], sum_of(context, *args[0])); }

Value mean_of(CallContext& context, const Value& x) {
  return binary(context, Op::div, sum_of(context, x), real_scalar(static_cast<double>(x.size())));
}

Value mean(CallContext& context, Arguments args) {
  require_elements(context, "mean", *args[0]);
  return mean_of(context, *args[0]);
}

Value product(CallContext& context, Arguments args) {
  return with_integers(*args[0], reduce_all(context, Op::product, *args[0]));
}

template <Op op>
Value extreme(CallContext& context, Arguments args) {
  if (args.size() == 2) {
    const Value both = join({args[0], args[1]}, kVector, {2});
    return with_integers(*args[0], reduce_all(context, op, both));
  }
  if (is_integer(*args[0])) require_elements(context, "min or max", *args[0]);
  return with_integers(*args[0], reduce_all(context, op, *args[0]));
}

Value variance_of(CallContext& context, const Value& x) {
  if (x.size() == 1) return real_scalar(0);
  const Value residual = binary(context, Op::sub, x, mean_of(context, x));
  return binary(context, Op::div, dot_of(context, residual, residual), real_scalar(static_cast<double>(x.size() - 1)));
}

Value variance(CallContext& context, Arguments args) {
  require_elements(context, "variance", *args[0]);
  return variance_of(context, *args[0]);
}

Value standard_deviation(CallContext& context, Arguments args) {
  require_elements(context, "sd", *args[0]);
  return unary(context, Op::sqrt, variance_of(context, *args[0]));
}

Value dot_product(CallContext& context, Arguments args) {
  require_equal_sizes(context, "dot_product", *args[0], *args[1]);
  return dot_of(context, *args[0], *args[1]);
}

Value dot_self(CallContext& context, Arguments args) { return dot_of(context, *args[0], *args[0]); }

Value squared_distance_of(CallContext& context, Arguments args) {
  require_equal_sizes(context, "distance", *args[0], *args[1]);
  const std::vector<int> dims{static_cast<int>(args[0]->size())};
  const Value difference = binary(context, Op::sub, reshaped(*args[0], kVector, dims), reshaped(*args[1], kVector, dims));
  return dot_of(context, difference, difference);
}

Value squared_distance(CallContext& context, Arguments args) { return squared_distance_of(context, args); }
Value distance(CallContext& context, Arguments args) { return unary(context, Op::sqrt, squared_distance_of(context, args)); }
Value norm2(CallContext& context, Arguments args) { return unary(context, Op::sqrt, dot_self(context, args)); }
Value norm1(CallContext& context, Arguments args) { return sum_of(context, unary(context, Op::abs, *args[0])); }

Value log_sum_exp(CallContext& context, Arguments args) {
  if (args.size() == 2) return binary(context, Op::log_add_exp, *args[0], *args[1]);
  return reduce_all(context, Op::log_sum_exp, *args[0]);
}

Value softmax(CallContext& context, Arguments args) {
  return whole(context, Op::softmax, *args[0], 0, {args[0]->type, args[0]->dims});
}

Value log_softmax(CallContext& context, Arguments args) {
  return binary(context, Op::sub, *args[0], reduce_all(context, Op::log_sum_exp, *args[0]));
}

Value cumulative_sum(CallContext& context, Arguments args) {
  return whole(context, Op::cumulative_sum, *args[0], 0, {args[0]->type, args[0]->dims});
}

constexpr LibraryEntry kEntries[] = {
    {"sum", sum},
    {"mean", mean},
    {"prod", product},
    {"min", extreme<Op::minimum>},
    {"max", extreme<Op::maximum>},
    {"variance", variance},
    {"sd", standard_deviation},
    {"dot_product", dot_product},
    {"dot_self", dot_self},
    {"squared_distance", squared_distance},
    {"distance", distance},
    {"norm1", norm1},
    {"norm2", norm2},
    {"log_sum_exp", log_sum_exp},
    {"softmax", softmax},
    {"log_softmax", log_softmax},
    {"cumulative_sum", cumulative_sum},
};

}  // namespace

std::span<const LibraryEntry> reduction_functions() { return kEntries; }

}  // namespace tenfold::hmc_marg
