// Expressions. Scalars take a path of their own that makes no Value, as programs are full of scalar loops.
#include <climits>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "hmc-marg/interpret.h"

namespace tenfold::hmc_marg {

Interpreter::Interpreter(const Program& program, const CallTable& library, Graph* graph, PhiloxStream* random,
                         EvaluationLimits limits)
    : program_(program), library_(library), graph_(graph), limits_(limits), frame_(&program_frame_) {
  context_.graph = graph;
  context_.random = random;
  context_.file = &program.file;
  program_frame_.cells.resize(static_cast<std::size_t>(program.frame_size));
}

void Interpreter::fail(Position at, const std::string& text) const {
  input_error(at_position(program_.file, static_cast<std::size_t>(at.line), static_cast<std::size_t>(at.column), text));
}

std::size_t product(std::span<const int> dims) {
  std::size_t n = 1;
  for (const int d : dims) n *= static_cast<std::size_t>(d);
  return n;
}

std::string shape_text(std::span<const int> dims) {
  if (dims.empty()) return "a scalar";
  std::string text = "[";
  for (std::size_t i = 0; i < dims.size(); ++i) text += (i ? ", " : "") + std::to_string(dims[i]);
  return text + "]";
}

Value Interpreter::as_value(Scalar s, Base base) const {
  Value value;
  value.type.base = base;
  value.number.assign(1, s.number);
  if (s.slot) value.slot.assign(1, s.slot);
  return value;
}

double Interpreter::known(Scalar s, Position at, const char* what) const {
  if (!s.slot) return s.number;
  if (graph_ && graph_->is_constant(s.slot)) return graph_->constant_value(s.slot);
  fail(at, std::string(what) + " depends on a parameter; outside generated quantities it has to follow from the data alone");
}

int Interpreter::known_integer(const Expr& e, const char* what) {
  const double value = known(scalar(e), e.at, what);
  if (!(value >= INT_MIN && value <= INT_MAX)) fail(e.at, std::string(what) + " is not an integer of 32 bits");
  return static_cast<int>(value);
}

bool Interpreter::truth(const Expr& e) { return known(scalar(e), e.at, "this condition") != 0; }

const Value& Interpreter::reference(const Expr& e, Value& storage) {
  if (e.kind == ExprKind::variable) return at(e.slot).get();
  storage = evaluate(e);
  return storage;
}

Value Interpreter::evaluate(const Expr& e) {
  if (e.kind == ExprKind::variable) return at(e.slot).get();
  if (e.kind == ExprKind::call) {
    if (e.type.rank() == 0 && e.type.base != Base::none) return as_value(call_scalar(e), e.type.base);
    return call(e);
  }
  if (e.type.rank() == 0) return as_value(scalar(e), e.type.base);
  switch (e.kind) {
    case ExprKind::unary: {
      Value storage;
      const Value& x = reference(*e.args[0], storage);
      context_.at = e.at;
      return apply_unary(context_, e.op, x);
    }
    case ExprKind::binary: {
      Value left, right;
      const Value& x = reference(*e.args[0], left);
      const Value& y = reference(*e.args[1], right);
      context_.at = e.at;
      return apply_binary(context_, e.op, x, y);
    }
    case ExprKind::ternary: {
      Value value = evaluate(*e.args[truth(*e.args[0]) ? 1 : 2]);
      value.type.base = e.type.base;
      return value;
    }
    case ExprKind::index: return index(e);
    case ExprKind::array: return literal_array(e);
    case ExprKind::row_vector: return literal_row_vector(e);
    default: fail(e.at, "this expression has no value");
  }
}

Scalar Interpreter::scalar(const Expr& e) {
  switch (e.kind) {
    case ExprKind::number: return {e.number, 0};
    case ExprKind::variable: return as_scalar(at(e.slot).get());
    case ExprKind::unary: return scalar_unary(e);
    case ExprKind::binary: return scalar_binary(e);
    case ExprKind::ternary: return scalar(*e.args[truth(*e.args[0]) ? 1 : 2]);
    case ExprKind::index: return index_scalar(e);
    case ExprKind::call: return call_scalar(e);
    default: fail(e.at, "a scalar is needed here");
  }
}

Scalar Interpreter::lane(Op op, std::span<const Scalar> x) {
  double number[2];
  Slot slot[2];
  Scalars operands[2];
  for (std::size_t i = 0; i < x.size(); ++i) {
    number[i] = x[i].number;
    slot[i] = x[i].slot;
    operands[i].number = {&number[i], 1};
    if (slot[i]) operands[i].slot = {&slot[i], 1};
  }
  const Slot made = graph_->lane_wise(op, {operands, x.size()}, 1);
  return {0, made};
}

Scalar Interpreter::scalar_unary(const Expr& e) {
  const Expr& operand = *e.args[0];
  const Scalar x = scalar(operand);
  switch (e.op) {
    case Operator::plus:
    case Operator::transpose: return x;
    case Operator::negate:
      if (x.slot) return lane(Op::neg, x);
      if (operand.type.base == Base::integer) return {integer_arithmetic(Operator::subtract, 0, x.number, e.at), 0};
      return {-x.number, 0};
    case Operator::logical_not: return {known(x, operand.at, "the operand of `!`") == 0 ? 1.0 : 0.0, 0};
    default: break;
  }
  fail(e.at, "this operator does not take a scalar");
}

double Interpreter::integer_arithmetic(Operator op, double x, double y, Position at) const {
  double result = 0;
  switch (op) {
    case Operator::add: result = x + y; break;
    case Operator::subtract: result = x - y; break;
    case Operator::multiply:
    case Operator::elementwise_multiply: result = x * y; break;
    case Operator::divide:
    case Operator::elementwise_divide:
    case Operator::integer_divide:
      if (y == 0) fail(at, "integer division of " + std::to_string(static_cast<long>(x)) + " by zero");
      result = std::trunc(x / y);
      break;
    default:
      if (y == 0) fail(at, "remainder of " + std::to_string(static_cast<long>(x)) + " divided by zero");
      result = std::fmod(x, y);
  }
  if (!(result >= INT_MIN && result <= INT_MAX)) fail(at, "the result does not fit an integer of 32 bits; use real numbers");
  return result + 0.0;  // no negative zero
}

Scalar Interpreter::arithmetic(Operator op, Scalar x, Scalar y, bool integer, Position at) {
  if (integer) return {integer_arithmetic(op, known(x, at, "this integer"), known(y, at, "this integer"), at), 0};
  Op node = Op::add;
  const bool known_both = !x.slot && !y.slot;
  switch (op) {
    case Operator::add:
      if (known_both) return {x.number + y.number, 0};
      if (!x.slot && x.number == 0) return y;
      if (!y.slot && y.number == 0) return x;
      break;
    case Operator::subtract:
      if (known_both) return {x.number - y.number, 0};
      if (!y.slot && y.number == 0) return x;
      node = Op::sub;
      break;
    case Operator::multiply:
    case Operator::elementwise_multiply:
      if (known_both) return {x.number * y.number, 0};
      if (!x.slot && x.number == 1) return y;
      if (!y.slot && y.number == 1) return x;
      node = Op::mul;
      break;
    case Operator::divide:
    case Operator::elementwise_divide:
      if (known_both) return {x.number / y.number, 0};
      if (!y.slot && y.number == 1) return x;
      node = Op::div;
      break;
    case Operator::power:
    case Operator::elementwise_power:
      if (known_both) return {std::pow(x.number, y.number), 0};
      if (!y.slot && y.number == 1) return x;
      if (!y.slot && y.number == 2) return lane(Op::square, x);
      node = Op::pow;
      break;
    default: fail(at, "this operator does not take real scalars");
  }
  const Scalar both[] = {x, y};
  return lane(node, both);
}

Scalar Interpreter::scalar_binary(const Expr& e) {
  const Expr& left = *e.args[0];
  const Expr& right = *e.args[1];
  if (e.op == Operator::logical_and) return {truth(left) && truth(right) ? 1.0 : 0.0, 0};
  if (e.op == Operator::logical_or) return {truth(left) || truth(right) ? 1.0 : 0.0, 0};
  if (left.type.rank() != 0 || right.type.rank() != 0) {
    Value a, b;
    const Value& x = reference(left, a);
    const Value& y = reference(right, b);
    context_.at = e.at;
    return as_scalar(apply_binary(context_, e.op, x, y));
  }
  const Scalar x = scalar(left);
  const Scalar y = scalar(right);
  if (e.op >= Operator::less && e.op <= Operator::not_equal) {
    const double a = known(x, left.at, "the left side of this comparison");
    const double b = known(y, right.at, "the right side of this comparison");
    switch (e.op) {
      case Operator::less: return {a < b ? 1.0 : 0.0, 0};
      case Operator::less_equal: return {a <= b ? 1.0 : 0.0, 0};
      case Operator::greater: return {a > b ? 1.0 : 0.0, 0};
      case Operator::greater_equal: return {a >= b ? 1.0 : 0.0, 0};
      case Operator::equal: return {a == b ? 1.0 : 0.0, 0};
      default: return {a != b ? 1.0 : 0.0, 0};
    }
  }
  return arithmetic(e.op, x, y, e.type.base == Base::integer, e.at);
}

// {a, b, ...}: the elements one after the other.
Value Interpreter::literal_array(const Expr& e) {
  Value result;
  result.type = e.type;
  std::vector<int> inner;
  for (std::size_t i = 0; i < e.args.size(); ++i) {
    Value storage;
    const Value& element = reference(*e.args[i], storage);
    if (i == 0) {
      inner = element.dims;
    } else if (element.dims != inner) {
      fail(e.args[i]->at,
           "elements of an array literal need equal sizes: found " + shape_text(inner) + " and " + shape_text(element.dims));
    }
    const std::size_t before = result.number.size();
    result.number.insert(result.number.end(), element.number.begin(), element.number.end());
    if (!element.known() || !result.slot.empty()) {
      result.slot.resize(before, 0);
      if (element.known()) {
        result.slot.resize(result.number.size(), 0);
      } else {
        result.slot.insert(result.slot.end(), element.slot.begin(), element.slot.end());
      }
    }
  }
  if (e.args.empty()) inner.assign(static_cast<std::size_t>(e.type.rank() - 1), 0);
  result.dims.push_back(static_cast<int>(e.args.size()));
  result.dims.insert(result.dims.end(), inner.begin(), inner.end());
  return result;
}

// [a, b, ...] of scalars, or of row vectors: the rows of a matrix.
Value Interpreter::literal_row_vector(const Expr& e) {
  Value result;
  result.type = e.type;
  const std::size_t rows = e.args.size();
  if (e.type.base == Base::row_vector) {
    result.dims = {static_cast<int>(rows)};
    result.number.resize(rows);
    for (std::size_t i = 0; i < rows; ++i) {
      const Scalar s = scalar(*e.args[i]);
      result.number[i] = s.number;
      if (s.slot && result.slot.empty()) result.slot.assign(rows, 0);
      if (s.slot) result.slot[i] = s.slot;
    }
    return result;
  }
  std::size_t columns = 0;
  for (std::size_t i = 0; i < rows; ++i) {
    Value storage;
    const Value& row = reference(*e.args[i], storage);
    if (i == 0) {
      columns = row.size();
      result.number.resize(rows * columns);
    }
    if (row.size() != columns) {
      fail(e.args[i]->at,
           "rows of a matrix need equal sizes: found " + std::to_string(columns) + " and " + std::to_string(row.size()));
    }
    if (!row.known() && result.slot.empty()) result.slot.assign(rows * columns, 0);
    for (std::size_t j = 0; j < columns; ++j) {
      result.number[i + j * rows] = row.number[j];
      if (!row.known()) result.slot[i + j * rows] = row.slot[j];
    }
  }
  result.dims = {static_cast<int>(rows), static_cast<int>(columns)};
  return result;
}

}  // namespace tenfold::hmc_marg
