// Result types of operators.
#include "hmc-marg/types.h"

namespace tenfold::hmc_marg {

namespace {

constexpr Type kInt{Base::integer, 0};
constexpr Type kReal{Base::real, 0};

bool is_scalar(const Type& type) { return type.rank() == 0 && type.base != Base::none; }
bool is_linear(const Type& type) { return type.array_rank == 0 && type.inner_rank() > 0; }  // vector, row_vector, matrix
bool is_matrix(const Type& type) { return type == Type{Base::matrix, 0}; }
bool is_vector(const Type& type) { return type == Type{Base::vector, 0}; }
bool is_row_vector(const Type& type) { return type == Type{Base::row_vector, 0}; }
bool both_int(const Type& left, const Type& right) { return left == kInt && right == kInt; }

using Result = std::optional<Type>;

Result sum_type(const Type& left, const Type& right) {
  if (is_scalar(left) && is_scalar(right)) return both_int(left, right) ? kInt : kReal;
  if (is_scalar(left) && is_linear(right)) return right;
  if (is_linear(left) && (is_scalar(right) || left == right)) return left;
  return {};
}

Result product_type(const Type& left, const Type& right) {
  if (is_scalar(left) || is_scalar(right)) return sum_type(left, right);
  if (is_matrix(left)) return is_matrix(right) || is_vector(right) ? Result(right) : Result();
  if (is_row_vector(left)) {
    if (is_vector(right)) return kReal;
    if (is_matrix(right)) return left;
  }
  if (is_vector(left) && is_row_vector(right)) return Type{Base::matrix, 0};
  return {};
}

Result quotient_type(const Type& left, const Type& right) {
  if (is_scalar(right) && (is_scalar(left) || is_linear(left))) return sum_type(left, right);
  if (is_matrix(right) && (is_matrix(left) || is_row_vector(left))) return left;
  return {};
}

// .* and ./ take scalars too, and are then * and /; with ints only, ./ divides ints.
Result elementwise_type(const Type& left, const Type& right) { return sum_type(left, right); }

}  // namespace

std::optional<Type> unary_type(Operator op, const Type& operand) {
  switch (op) {
    case Operator::negate:
    case Operator::plus: return operand.base == Base::none ? Result() : Result(operand);
    case Operator::logical_not: return is_scalar(operand) ? Result(kInt) : Result();
    case Operator::transpose:
      if (is_vector(operand)) return Type{Base::row_vector, 0};
      if (is_row_vector(operand)) return Type{Base::vector, 0};
      return is_matrix(operand) ? Result(operand) : Result();
    default: return {};
  }
}

std::optional<Type> binary_type(Operator op, const Type& left, const Type& right) {
  switch (op) {
    case Operator::add:
    case Operator::subtract: return sum_type(left, right);
    case Operator::multiply: return product_type(left, right);
    case Operator::divide: return quotient_type(left, right);
    case Operator::integer_divide:
    case Operator::modulo: return both_int(left, right) ? Result(kInt) : Result();
    case Operator::power: return is_scalar(left) && is_scalar(right) ? Result(kReal) : Result();
    case Operator::elementwise_multiply:
    case Operator::elementwise_divide: return elementwise_type(left, right);
    case Operator::elementwise_power: return is_scalar(left) && is_scalar(right) ? Result(kReal) : elementwise_type(left, right);
    case Operator::left_divide: return is_matrix(left) && (is_matrix(right) || is_vector(right)) ? Result(right) : Result();
    case Operator::less:
    case Operator::less_equal:
    case Operator::greater:
    case Operator::greater_equal:
    case Operator::equal:
    case Operator::not_equal:
    case Operator::logical_and:
    case Operator::logical_or: return is_scalar(left) && is_scalar(right) ? Result(kInt) : Result();
    default: return {};
  }
}

std::string operator_hint(Operator op, const Type& left, const Type& right) {
  if (left.array_rank > 0 || right.array_rank > 0)
    return "operators take no arrays; loop over the elements, or convert with to_vector";
  switch (op) {
    case Operator::multiply:
      if (left == right) return "write .* for elements or dot_product(a, b)";
      return "transpose one of them with '";
    case Operator::divide: return "write ./ to divide element by element";
    case Operator::power: return "write .^ to raise element by element";
    case Operator::modulo:
    case Operator::integer_divide: return "both sides must be int";
    case Operator::add:
    case Operator::subtract:
      return is_linear(left) && is_linear(right) ? "make the types agree; ' transposes" : "make the types agree";
    default: return "it takes scalars; index or reduce the containers";
  }
}

}  // namespace tenfold::hmc_marg
