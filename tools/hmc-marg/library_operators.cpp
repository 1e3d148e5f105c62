// The language's operators on values: integers stay integers, scalars are broadcast, * is the matrix product.
#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "hmc-marg/library_parts.h"

namespace tenfold::hmc_marg {

namespace {

Value checked_integer(const CallContext& context, double number) {
  if (!(std::fabs(number) <= 2147483648.0) || number == 2147483648.0)
    call_error(context, fmt::format("integer overflow: the result would be {:.0f}; compute with reals", number));
  return integer_scalar(number);
}

Value integer_binary(const CallContext& context, Operator op, double x, double y) {
  switch (op) {
    case Operator::add: return checked_integer(context, x + y);
    case Operator::subtract: return checked_integer(context, x - y);
    case Operator::multiply:
    case Operator::elementwise_multiply: return checked_integer(context, x * y);
    case Operator::divide:
    case Operator::integer_divide:
      if (y == 0) call_error(context, fmt::format("integer division of {} by zero", x));
      return checked_integer(context, std::trunc(x / y));
    case Operator::modulo:
      if (y == 0) call_error(context, fmt::format("remainder of {} modulo zero", x));
      return integer_scalar(std::fmod(x, y));
    default: return real_scalar(std::pow(x, y));
  }
}

bool is_comparison(Operator op) { return op >= Operator::less && op <= Operator::logical_or; }

Value compare(const CallContext& context, Operator op, const Value& x, const Value& y) {
  require_known(context, x, "the left side of the comparison");
  require_known(context, y, "the right side of the comparison");
  const double a = x.number.at(0), b = y.number.at(0);
  const auto result = [&] {
    switch (op) {
      case Operator::less: return a < b;
      case Operator::less_equal: return a <= b;
      case Operator::greater: return a > b;
      case Operator::greater_equal: return a >= b;
      case Operator::equal: return a == b;
      case Operator::not_equal: return a != b;
      case Operator::logical_and: return a != 0 && b != 0;
      default: return a != 0 || b != 0;
    }
  }();
  return integer_scalar(result ? 1 : 0);
}

bool is_linear(const Value& x) { return x.type.array_rank == 0 && x.type.inner_rank() > 0; }

}  // namespace

Value apply_unary(CallContext& context, Operator op, const Value& x) {
  switch (op) {
    case Operator::negate:
      if (is_integer(x) && is_scalar(x)) return checked_integer(context, 0 - x.number[0]);
      return unary(context, Op::neg, x);
    case Operator::logical_not: require_known(context, x, "the operand of !"); return integer_scalar(x.number.at(0) == 0 ? 1 : 0);
    case Operator::transpose: return transposed(x);
    default: return x;
  }
}

Value apply_binary(CallContext& context, Operator op, const Value& x, const Value& y) {
  if (is_comparison(op)) return compare(context, op, x, y);
  if (is_integer(x) && is_integer(y) && is_scalar(x) && is_scalar(y))
    return integer_binary(context, op, x.number[0], y.number[0]);
  switch (op) {
    case Operator::add: return binary(context, Op::add, x, y);
    case Operator::subtract: return binary(context, Op::sub, x, y);
    case Operator::elementwise_multiply: return binary(context, Op::mul, x, y);
    case Operator::elementwise_divide: return binary(context, Op::div, x, y);
    case Operator::power:
    case Operator::elementwise_power: return power(context, x, y);
    case Operator::modulo: return binary(context, Op::fmod, x, y);
    case Operator::multiply:
      if (is_linear(x) && is_linear(y)) return matrix_product(context, x, y);
      return binary(context, Op::mul, x, y);
    case Operator::divide:
      if (is_linear(x) && is_linear(y)) return transposed(solve_general(context, transposed(y), transposed(x)));
      return binary(context, Op::div, x, y);
    case Operator::left_divide: return solve_general(context, x, y);
    default: call_error(context, "this operator does not take operands of these types");
  }
}

}  // namespace tenfold::hmc_marg
