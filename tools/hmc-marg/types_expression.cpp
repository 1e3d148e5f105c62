// Types of expressions, indices included, and whether they are data.
#include <fmt/format.h>

#include <algorithm>

#include "base/suggest.h"
#include "hmc-marg/checker.h"
#include "hmc-marg/functions.h"
#include "hmc-marg/functions_table.h"
#include "hmc-marg/types.h"

namespace tenfold::hmc_marg {

namespace {

constexpr Type kInt{Base::integer, 0};

// The smallest type that both are or promote to.
std::optional<Type> common_type(const Type& a, const Type& b) {
  if (fits(a, b)) return a;
  if (fits(b, a)) return b;
  return {};
}

}  // namespace

std::vector<Type> types_of(const std::vector<ExprPtr>& exprs) {
  std::vector<Type> types;
  types.reserve(exprs.size());
  for (const ExprPtr& expr : exprs) types.push_back(expr->type);
  return types;
}

std::string list_of_types(const std::vector<Type>& types, const char* first_separator) {
  std::string text;
  for (std::size_t i = 0; i < types.size(); ++i) text += (i == 0 ? "" : i == 1 ? first_separator : ", ") + to_string(types[i]);
  return text;
}

void Checker::check_value(Expr& expr) {
  check(expr);
  if (expr.type.base == Base::none)
    fail(expr.at, fmt::format("{} returns nothing and cannot stand in an expression; call it as a statement", expr.name));
}

void Checker::check_int(Expr& expr, const char* what) {
  check_value(expr);
  if (expr.type != kInt)
    fail(expr.at, fmt::format("{} must be int, but this is {}; use an integer expression", what, to_string(expr.type)));
}

void Checker::check(Expr& expr) {
  if (function_) {
    int& height = facts_[static_cast<std::size_t>(function_index_)].height;
    height = std::max(height, expr.height);
  }
  switch (expr.kind) {
    case ExprKind::string: return;
    case ExprKind::number: expr.is_data = true; return;
    case ExprKind::variable: check_variable(expr); return;
    case ExprKind::call: check_call(expr); return;
    case ExprKind::index: check_index(expr); return;
    case ExprKind::ternary: check_ternary(expr); return;
    case ExprKind::array: check_array(expr); return;
    case ExprKind::row_vector: check_row_vector(expr); return;
    case ExprKind::unary:
    case ExprKind::binary: break;
  }
  for (ExprPtr& arg : expr.args) check_value(*arg);
  const Type& first = expr.args[0]->type;
  const Type& last = expr.args.back()->type;
  const auto type = expr.kind == ExprKind::unary ? unary_type(expr.op, first) : binary_type(expr.op, first, last);
  if (!type && expr.kind == ExprKind::unary)
    fail(expr.at, fmt::format("`{}` takes no {}; {}", symbol(expr.op), to_string(first), operator_hint(expr.op, first, last)));
  if (!type)
    fail(expr.at, fmt::format("there is no {} {} {}; {}", to_string(first), symbol(expr.op), to_string(last),
                              operator_hint(expr.op, first, last)));
  expr.type = *type;
  join_data_types(expr);
}

// Integers are data whatever they are made of: they have no derivative.
void Checker::join_data_types(Expr& expr) const {
  expr.is_data = true;
  expr.data_if_arguments = 0;
  if (expr.type.base == Base::integer) return;
  bool never = false;
  const std::size_t count = expr.kind == ExprKind::index ? 1 : expr.args.size();
  for (std::size_t i = 0; i < count; ++i) {
    const Expr& part = *expr.args[i];
    if (part.is_data) continue;
    expr.is_data = false;
    never |= part.data_if_arguments == 0;
    expr.data_if_arguments |= part.data_if_arguments;
  }
  if (never) expr.data_if_arguments = 0;
}

void Checker::check_variable(Expr& expr) {
  const auto found = variables_.find(expr.name);
  if (found == variables_.end()) unknown_variable(expr);
  expr.type = found->second.type;
  expr.slot = found->second.slot;
  expr.is_data = found->second.is_data;
  expr.data_if_arguments = found->second.data_if_arguments;
  // In generated quantities the draw is known, and everything is data.
  if (!function_ && block_ == BlockKind::generated_quantities) expr.is_data = true;
}

void Checker::unknown_variable(const Expr& expr) const {
  const std::string& name = expr.name;
  if (is_user_function(name) || is_library_function(name))
    fail(expr.at, fmt::format("{} is a function and no value; call it with its arguments in parentheses", name));
  if (name == "lp__") fail(expr.at, "lp__ cannot be used in a program; write target()");
  for (int kind = 0; kind < 6; ++kind) {
    const auto& statements = program_.block(static_cast<BlockKind>(kind));
    const bool declared = std::ranges::any_of(
        statements, [&](const StmtPtr& s) { return s->kind == StmtKind::declare && s->declaration.name == name; });
    if (!declared || kind == static_cast<int>(BlockKind::model)) continue;
    if (function_)
      fail(expr.at, fmt::format("{} is a variable of the {} block, which functions do not see; pass it as an argument", name,
                                block_name(static_cast<BlockKind>(kind))));
    fail(expr.at, fmt::format("{} is declared further down, in the {} block; declare it before this use", name,
                              block_name(static_cast<BlockKind>(kind))));
  }
  std::vector<std::string> names;
  for (const auto& [known, variable] : variables_) names.push_back(known);
  std::ranges::sort(names);
  const std::string near = nearest(name, names);
  fail(expr.at,
       fmt::format("there is no variable `{}` here; {}", name, near.empty() ? "declare it" : "did you mean `" + near + "`?"));
}

void Checker::check_ternary(Expr& expr) {
  check_int(*expr.args[0], "the condition before ?");
  check_value(*expr.args[1]);
  check_value(*expr.args[2]);
  const auto type = common_type(expr.args[1]->type, expr.args[2]->type);
  if (!type)
    fail(expr.at, fmt::format("the branches of ? : are {} and {}; make the types agree", to_string(expr.args[1]->type),
                              to_string(expr.args[2]->type)));
  expr.type = *type;
  join_data_types(expr);
}

void Checker::check_array(Expr& expr) {
  if (expr.args.empty()) fail(expr.at, "an array in braces needs at least one element; declare a variable of size 0 instead");
  Type element;
  for (ExprPtr& arg : expr.args) {
    check_value(*arg);
    if (&arg == &expr.args.front()) element = arg->type;
    const auto type = common_type(element, arg->type);
    if (!type)
      fail(arg->at, fmt::format("this element is {}, those before it are {}; make the types agree", to_string(arg->type),
                                to_string(element)));
    element = *type;
  }
  expr.type = {element.base, element.array_rank + 1};
  join_data_types(expr);
}

// Scalars make a row vector, row vectors a matrix.
void Checker::check_row_vector(Expr& expr) {
  bool rows = false;
  for (ExprPtr& arg : expr.args) {
    check_value(*arg);
    const bool row = arg->type == Type{Base::row_vector, 0};
    if (&arg == &expr.args.front()) rows = row;
    if (row != rows || !(row || arg->type.rank() == 0))
      fail(arg->at,
           fmt::format("[...] takes scalars, or row vectors, but this is {}; use {{...}} for an array", to_string(arg->type)));
  }
  expr.type = {rows ? Base::matrix : Base::row_vector, 0};
  join_data_types(expr);
}

void Checker::check_index(Expr& expr) {
  check_value(*expr.args[0]);
  for (Index& index : expr.indices) {
    if (index.kind == Index::Kind::single) {
      check_value(*index.low);
      if (index.low->type == Type{Base::integer, 1})
        index.kind = Index::Kind::multi;
      else if (index.low->type != kInt)
        fail(index.low->at,
             fmt::format("an index must be int or array[] int, but this is {}; use an integer", to_string(index.low->type)));
      continue;
    }
    if (index.low) check_int(*index.low, "the bound of a range of indices");
    if (index.high) check_int(*index.high, "the bound of a range of indices");
  }
  merge_indices(expr);
  expr.type = indexed_type(expr);
  join_data_types(expr);
}

// a[i][j] is a[i, j] if i is single; a[1:2][j] is not a[1:2, j].
void Checker::merge_indices(Expr& expr) const {
  Expr& base = *expr.args[0];
  if (base.kind != ExprKind::index) return;
  if (!std::ranges::all_of(base.indices, [](const Index& index) { return index.kind == Index::Kind::single; })) return;
  std::vector<Index> indices = std::move(base.indices);
  for (Index& index : expr.indices) indices.push_back(std::move(index));
  ExprPtr root = std::move(base.args[0]);
  expr.indices = std::move(indices);
  expr.args[0] = std::move(root);
}

Type Checker::indexed_type(const Expr& expr) const {
  const Type& base = expr.args[0]->type;
  const auto count = static_cast<int>(expr.indices.size());
  if (count > base.rank()) {
    const std::string has = base.rank() == 0
                                ? "takes no index"
                                : fmt::format("takes {} {}, not {}", base.rank(), base.rank() == 1 ? "index" : "indices", count);
    fail(expr.at, fmt::format("{} is {} and {}; remove {}", shown(*expr.args[0]), to_string(base), has,
                              base.rank() == 0 ? "the brackets" : "the last"));
  }
  const auto single = [&](int i) { return i < count && expr.indices[static_cast<std::size_t>(i)].kind == Index::Kind::single; };
  Type type = base;
  for (int i = 0; i < std::min(count, base.array_rank); ++i) type.array_rank -= single(i) ? 1 : 0;
  const int inner = base.array_rank;
  if (base.base == Base::matrix) {
    const bool row = single(inner), column = single(inner + 1);
    type.base = row && column ? Base::real : row ? Base::row_vector : column ? Base::vector : Base::matrix;
  } else if (base.inner_rank() == 1 && single(inner)) {
    type.base = Base::real;
  }
  return type;
}

}  // namespace tenfold::hmc_marg
