// Names of types, operators and blocks, and expressions written out, for messages and tests.
#include "hmc-marg/ast.h"

#include <fmt/format.h>

namespace tenfold::hmc_marg {

namespace {

std::string list_of(const std::vector<ExprPtr>& items, std::size_t from = 0, const char* first_separator = ", ") {
  std::string text;
  for (std::size_t i = from; i < items.size(); ++i) {
    if (i > from) text += i == from + 1 ? first_separator : ", ";
    text += to_string(*items[i]);
  }
  return text;
}

std::string index_text(const Index& index) {
  switch (index.kind) {
    case Index::Kind::all: return ":";
    case Index::Kind::single:
    case Index::Kind::multi: return to_string(*index.low);
    case Index::Kind::from: return to_string(*index.low) + ":";
    case Index::Kind::upto: return ":" + to_string(*index.high);
    case Index::Kind::between: return to_string(*index.low) + ":" + to_string(*index.high);
  }
  return "";
}

}  // namespace

std::string to_string(const Type& type) {
  static constexpr const char* kBases[] = {"void", "int", "real", "vector", "row_vector", "matrix"};
  std::string text;
  if (type.array_rank > 0) text = "array[" + std::string(static_cast<std::size_t>(type.array_rank - 1), ',') + "] ";
  return text + kBases[static_cast<int>(type.base)];
}

const char* symbol(Operator op) {
  static constexpr const char* kSymbols[] = {"",  "+",  "-", "*",  "/",  "%/%", "%",  "^",  ".*", "./", ".^", "\\",
                                             "<", "<=", ">", ">=", "==", "!=",  "&&", "||", "!",  "-",  "+",  "'"};
  return kSymbols[static_cast<int>(op)];
}

const char* block_name(BlockKind kind) {
  static constexpr const char* kNames[] = {"data",  "transformed data",    "parameters", "transformed parameters",
                                           "model", "generated quantities"};
  return kNames[static_cast<int>(kind)];
}

std::string to_string(const Expr& expr) {
  switch (expr.kind) {
    case ExprKind::number: return fmt::format("{}", expr.number);
    case ExprKind::string: return '"' + expr.name + '"';
    case ExprKind::variable: return expr.name;
    case ExprKind::unary:
      if (expr.op == Operator::transpose) return "(" + to_string(*expr.args[0]) + "')";
      return std::string("(") + symbol(expr.op) + to_string(*expr.args[0]) + ")";
    case ExprKind::binary: return "(" + to_string(*expr.args[0]) + " " + symbol(expr.op) + " " + to_string(*expr.args[1]) + ")";
    case ExprKind::ternary:
      return "(" + to_string(*expr.args[0]) + " ? " + to_string(*expr.args[1]) + " : " + to_string(*expr.args[2]) + ")";
    case ExprKind::call: return expr.name + "(" + list_of(expr.args, 0, expr.bar ? " | " : ", ") + ")";
    case ExprKind::array: return "{" + list_of(expr.args) + "}";
    case ExprKind::row_vector: return "[" + list_of(expr.args) + "]";
    case ExprKind::index: {
      std::string text = to_string(*expr.args[0]) + "[";
      for (std::size_t i = 0; i < expr.indices.size(); ++i) text += (i == 0 ? "" : ", ") + index_text(expr.indices[i]);
      return text + "]";
    }
  }
  return "";
}

std::string shown(const Expr& expr) {
  constexpr std::size_t kLongest = 80;
  if (expr.height > 20) return "this expression";
  const std::string text = to_string(expr);
  return text.size() <= kLongest ? text : text.substr(0, kLongest) + "...";
}

ExprPtr clone(const Expr& expr) {
  const auto copy = [](const ExprPtr& part) { return part ? clone(*part) : nullptr; };
  auto result = std::make_unique<Expr>();
  result->kind = expr.kind;
  result->at = expr.at;
  result->op = expr.op;
  result->number = expr.number;
  result->name = expr.name;
  for (const ExprPtr& arg : expr.args) result->args.push_back(copy(arg));
  for (const Index& index : expr.indices) result->indices.push_back({index.kind, copy(index.low), copy(index.high)});
  result->bar = expr.bar;
  result->height = expr.height;
  result->type = expr.type;
  result->is_data = expr.is_data;
  result->data_if_arguments = expr.data_if_arguments;
  result->slot = expr.slot;
  result->call = expr.call;
  result->callee = expr.callee;
  result->propto = expr.propto;
  result->function = expr.function;
  result->library_index = expr.library_index;
  return result;
}

}  // namespace tenfold::hmc_marg
