// Types of statements: what may be assigned, sampled, returned, and where.
#include <fmt/format.h>

#include <algorithm>

#include "base/suggest.h"
#include "hmc-marg/checker.h"
#include "hmc-marg/functions.h"
#include "hmc-marg/functions_table.h"
#include "hmc-marg/types.h"

namespace tenfold::hmc_marg {

namespace {

const Expr& root_of(const Expr& expr) { return expr.kind == ExprKind::index ? root_of(*expr.args[0]) : expr; }

// How a value of type `from` becomes one of type `to`.
std::string conversion_hint(const Type& to, const Type& from) {
  const bool list = from.array_rank == 1 && from.inner_rank() == 0;
  const bool linear = from.array_rank == 0 && from.inner_rank() == 1;
  if (to == Type{Base::vector, 0} && (list || linear)) return "convert it with to_vector";
  if (to == Type{Base::row_vector, 0} && (list || linear)) return "convert it with to_row_vector";
  if (to == Type{Base::real, 1} && linear) return "convert it with to_array_1d";
  if (to.base == Base::integer && from.base == Base::real && to.array_rank == from.array_rank)
    return "an int holds no real; declare it as real";
  return "make the types agree";
}

}  // namespace

void Checker::check_body(std::vector<StmtPtr>& body) {
  open_scope();
  for (StmtPtr& stmt : body) check(*stmt);
  close_scope();
}

void Checker::check(Stmt& stmt) {
  switch (stmt.kind) {
    case StmtKind::declare: check_declaration(stmt.declaration, false); return;
    case StmtKind::assign: check_assignment(stmt); return;
    case StmtKind::sample: check_sample(stmt); return;
    case StmtKind::target:
      require_target(stmt.at, "`target +=`");
      check_value(*stmt.value);
      return;
    case StmtKind::if_else:
      check_condition(*stmt.value);
      check_body(stmt.body);
      check_body(stmt.otherwise);
      return;
    case StmtKind::for_range:
    case StmtKind::for_each:
    case StmtKind::while_loop: check_loop(stmt); return;
    case StmtKind::break_loop:
    case StmtKind::continue_loop:
      if (loops_ == 0)
        fail(stmt.at,
             fmt::format("{} can only stand in a loop; remove it", stmt.kind == StmtKind::break_loop ? "break" : "continue"));
      return;
    case StmtKind::block: check_body(stmt.body); return;
    case StmtKind::print:
    case StmtKind::reject:
      for (ExprPtr& item : stmt.args)
        if (item->kind != ExprKind::string) check_value(*item);
      return;
    case StmtKind::return_value: check_return(stmt); return;
    case StmtKind::call:
      check(*stmt.value);
      if (stmt.value->type.base != Base::none)
        fail(stmt.at, fmt::format("the value of {} is not used; assign it, or add it with `target +=`", stmt.value->name));
      return;
  }
}

void Checker::check_condition(Expr& condition) {
  check_value(condition);
  if (condition.type.rank() > 0)
    fail(condition.at, fmt::format("a condition must be int, but this is {}; compare scalars", to_string(condition.type)));
}

void Checker::check_loop(Stmt& stmt) {
  open_scope();
  if (stmt.kind == StmtKind::while_loop) {
    check_condition(*stmt.value);
  } else {
    Variable variable;
    variable.at = stmt.at;
    variable.origin = Origin::loop;
    if (stmt.kind == StmtKind::for_range) {
      check_int(*stmt.low, "the bound of a loop");
      check_int(*stmt.high, "the bound of a loop");
      variable.type = {Base::integer, 0};
      variable.is_data = true;
    } else {
      check_value(*stmt.value);
      variable.type = stmt.value->type;
      if (variable.type.rank() == 0)
        fail(stmt.value->at,
             fmt::format("a loop runs over a range or a container, but this is {}; write 1:n", to_string(variable.type)));
      if (variable.type.array_rank > 0)
        --variable.type.array_rank;
      else
        variable.type.base = Base::real;
      variable.is_data = stmt.value->is_data;
      variable.data_if_arguments = stmt.value->data_if_arguments;
    }
    stmt.slot = declare_name(stmt.name, variable);
  }
  ++loops_;
  check_body(stmt.body);
  --loops_;
  close_scope();
}

void Checker::check_return(Stmt& stmt) {
  if (!function_) fail(stmt.at, "return can only stand in a function; remove it");
  const Type result = function_->result;
  if (result.base == Base::none) {
    if (stmt.value) fail(stmt.value->at, fmt::format("{} is void and returns no value; remove it", function_->name));
    return;
  }
  if (!stmt.value) fail(stmt.at, fmt::format("{} returns {}; write the value", function_->name, to_string(result)));
  check_value(*stmt.value);
  if (!fits(result, stmt.value->type))
    fail(stmt.value->at, fmt::format("{} returns {}, this value is {}; {}", function_->name, to_string(result),
                                     to_string(stmt.value->type), conversion_hint(result, stmt.value->type)));
}

void Checker::check_assigned(const std::string& what, const Type& target, const Expr& value) {
  if (!fits(target, value.type))
    fail(value.at, fmt::format("{} is {}, the assigned value is {}; {}", what, to_string(target), to_string(value.type),
                               conversion_hint(target, value.type)));
}

void Checker::check_assignment(Stmt& stmt) {
  check_value(*stmt.left);
  check_assignable(*stmt.left);
  check_value(*stmt.value);
  const std::string name = shown(*stmt.left);
  if (stmt.op == Operator::none) return check_assigned(name, stmt.left->type, *stmt.value);
  const auto type = binary_type(stmt.op, stmt.left->type, stmt.value->type);
  if (!type || !fits(stmt.left->type, *type))
    fail(stmt.value->at,
         fmt::format("{} is {} and cannot be changed by `{}=` with {}; {}", name, to_string(stmt.left->type), symbol(stmt.op),
                     to_string(stmt.value->type),
                     type ? conversion_hint(stmt.left->type, *type) : operator_hint(stmt.op, stmt.left->type, stmt.value->type)));
}

void Checker::check_assignable(const Expr& left) {
  if (left.kind == ExprKind::index && left.args[0]->kind == ExprKind::index)
    fail(left.at, "elements of a range of elements cannot be assigned to; write all indices in one pair of brackets");
  const Expr& root = root_of(left);
  const Variable& variable = variables_.at(root.name);
  switch (variable.origin) {
    case Origin::local: return;
    case Origin::loop: fail(left.at, fmt::format("{} is a loop variable and cannot be assigned to; copy it", root.name));
    case Origin::argument:
      fail(left.at, fmt::format("{} is an argument and cannot be assigned to; copy it into a local variable", root.name));
    case Origin::data:
      fail(left.at, fmt::format("{} is data and cannot be assigned to; copy it into another variable", root.name));
    case Origin::parameter:
      fail(left.at, fmt::format("{} is a parameter and cannot be assigned to; declare a transformed parameter", root.name));
    case Origin::transformed_data:
    case Origin::transformed_parameter:
    case Origin::generated_quantity: break;
  }
  const BlockKind home = variable.origin == Origin::transformed_data        ? BlockKind::transformed_data
                         : variable.origin == Origin::transformed_parameter ? BlockKind::transformed_parameters
                                                                            : BlockKind::generated_quantities;
  if (block_ != home)
    fail(left.at, fmt::format("{} can only be assigned to in the {} block, where it is declared; use a local variable here",
                              root.name, block_name(home)));
}

void Checker::check_sample(Stmt& stmt) {
  require_target(stmt.at, "`~`");
  check_value(*stmt.left);
  for (ExprPtr& arg : stmt.args) check_value(*arg);
  std::vector<Type> types = {stmt.left->type};
  for (const ExprPtr& arg : stmt.args) types.push_back(arg->type);
  const bool known = resolve_sample(stmt, types);
  if (!known) {
    const bool user = is_user_function(stmt.name + "_lpdf") || is_user_function(stmt.name + "_lpmf");
    const std::string suffix = user                     ? (is_user_function(stmt.name + "_lpdf") ? "_lpdf" : "_lpmf")
                               : is_discrete(stmt.name) ? "_lpmf"
                                                        : "_lpdf";
    if (find_overload(stmt.name + suffix, types, true) >= 0)
      fail(stmt.at, fmt::format("{}{} is declared further down; declare it before this use", stmt.name, suffix));
    if (user || is_density(stmt.name)) {
      const std::string signature = user ? user_signatures(stmt.name + suffix) : signatures_of(stmt.name + suffix);
      fail(stmt.at, fmt::format("there is no {}{}({}); it is {}", stmt.name, suffix, list_of_types(types, " | "), signature));
    }
    const std::vector<std::string> names = density_names();
    const std::string near = nearest(stmt.name, names);
    fail(stmt.at,
         fmt::format("there is no distribution `{}`; {}", stmt.name,
                     near.empty() ? "define " + stmt.name + "_lpdf in the functions block" : "did you mean `" + near + "`?"));
  }
  if (!stmt.truncated) return;
  if (stmt.function >= 0 || !is_univariate(stmt.name) || !has_cumulative(stmt.name))
    fail(stmt.at,
         fmt::format("{} cannot be truncated here; write the density with `target +=` and subtract its normaliser", stmt.name));
  for (ExprPtr* bound : {&stmt.low, &stmt.high}) {
    if (!*bound) continue;
    check_value(**bound);
    if ((*bound)->type.rank() > 0)
      fail((*bound)->at, fmt::format("a truncation bound must be real, but this is {}; use a scalar", to_string((*bound)->type)));
  }
}

// The program's own densities come first.
bool Checker::resolve_sample(Stmt& stmt, const std::vector<Type>& types) {
  for (const char* suffix : {"_lpdf", "_lpmf"}) {
    const int function = find_overload(stmt.name + suffix, types);
    if (function < 0) continue;
    stmt.function = function;
    stmt.callee = stmt.name + suffix;
    const FunctionDefinition& definition = program_.functions[static_cast<std::size_t>(function)];
    for (std::size_t i = 0; i < types.size(); ++i) {
      const Expr& arg = i == 0 ? *stmt.left : *stmt.args[i - 1];
      if (definition.arguments[i].data_only && !arg.is_data)
        fail(arg.at, fmt::format("argument {} of {} must be data, but this depends on parameters; compute it from data", i + 1,
                                 stmt.callee));
    }
    if (function_) facts_[static_cast<std::size_t>(function_index_)].calls.push_back({function, stmt.at});
    return true;
  }
  if (!is_density(stmt.name) || !result_type(stmt.name + (is_discrete(stmt.name) ? "_lpmf" : "_lpdf"), types)) return false;
  stmt.callee = stmt.name;
  return true;
}

}  // namespace tenfold::hmc_marg
