// Type checking of the program as a whole: blocks in order, scopes, declarations.
#include "hmc-marg/types.h"

#include <fmt/format.h>

#include "hmc-marg/checker.h"
#include "hmc-marg/functions_table.h"
#include "hmc-marg/lex.h"
#include "hmc-marg/parse.h"

namespace tenfold::hmc_marg {

Program parse_program(const std::string& text, const std::string& file) {
  Program program = parse_syntax(text, file);
  check_types(program);
  return program;
}

void check_types(Program& program) { Checker(program).run(); }

void Checker::fail(Position at, const std::string& message) const { program_error(program_.file, at, message); }

void Checker::run() {
  collect_functions();
  for (std::size_t i = 0; i < program_.functions.size(); ++i) check_function(static_cast<int>(i));
  check_call_depth();
  function_ = nullptr;
  function_index_ = -1;
  frame_size_ = 0;
  open_scope();
  for (int kind = 0; kind < 6; ++kind) check_block(static_cast<BlockKind>(kind));
  close_scope();
  program_.frame_size = frame_size_;
}

void Checker::check_block(BlockKind kind) {
  block_ = kind;
  const bool own_scope = kind == BlockKind::model;
  if (own_scope) open_scope();
  for (StmtPtr& stmt : program_.block(kind)) {
    if (stmt->kind == StmtKind::declare)
      check_declaration(stmt->declaration, !own_scope);
    else
      check(*stmt);
  }
  if (own_scope) close_scope();
}

void Checker::close_scope() {
  for (const std::string& name : scopes_.back()) variables_.erase(name);
  scopes_.pop_back();
}

// Gives the name a slot of the frame.
int Checker::declare_name(const std::string& name, Variable variable) {
  if (const auto found = variables_.find(name); found != variables_.end())
    fail(variable.at, fmt::format("`{}` is already declared at line {}; choose another name", name, found->second.at.line));
  if (is_user_function(name)) fail(variable.at, fmt::format("`{}` is the name of a function; choose another name", name));
  variable.slot = frame_size_++;
  variables_.emplace(name, variable);
  scopes_.back().push_back(name);
  return variable.slot;
}

Checker::Variable Checker::declared_variable(const Declaration& d, bool top_level) const {
  Variable variable;
  variable.type = d.type;
  variable.at = d.at;
  if (function_) {
    const std::size_t count = function_->arguments.size();
    variable.is_data = count == 0 || d.type.base == Base::integer;
    if (!variable.is_data) variable.data_if_arguments = count == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << count) - 1;
    return variable;
  }
  static constexpr Origin kOrigins[] = {Origin::data,      Origin::transformed_data,
                                        Origin::parameter, Origin::transformed_parameter,
                                        Origin::local,     Origin::generated_quantity};
  if (top_level) variable.origin = kOrigins[static_cast<int>(block_)];
  variable.is_data = block_ == BlockKind::data || block_ == BlockKind::transformed_data ||
                     block_ == BlockKind::generated_quantities || d.type.base == Base::integer;
  return variable;
}

void Checker::check_declaration(Declaration& d, bool top_level) {
  for (ExprPtr& size : d.dims) check_int(*size, "a size");
  check_constraint(d);
  const bool of_parameters = top_level && (block_ == BlockKind::parameters || block_ == BlockKind::transformed_parameters);
  if (of_parameters && d.type.base == Base::integer)
    fail(d.at, fmt::format("{} is a {} and cannot be an int; sum integer unknowns out, or declare it in the model block", d.name,
                           block_ == BlockKind::parameters ? "parameter" : "transformed parameter"));
  if (top_level && d.value && (block_ == BlockKind::data || block_ == BlockKind::parameters))
    fail(d.value->at, fmt::format("{} is declared in the {} block and takes no value; remove it", d.name, block_name(block_)));
  if (d.value) {
    check_value(*d.value);
    check_assigned(d.name, d.type, *d.value);
  }
  d.slot = declare_name(d.name, declared_variable(d, top_level));
}

void Checker::check_constraint(Declaration& d) {
  check_bound(d, d.lower, "the lower bound");
  check_bound(d, d.upper, "the upper bound");
  check_bound(d, d.offset, "the offset");
  check_bound(d, d.multiplier, "the multiplier");
}

// A scalar, or what the variable is, with some of its array dimensions or none.
void Checker::check_bound(Declaration& d, ExprPtr& bound, const char* what) {
  if (!bound) return;
  check_value(*bound);
  const Type scalar{d.type.base == Base::integer ? Base::integer : Base::real, 0};
  bool suitable = fits(scalar, bound->type);
  for (int rank = 0; rank <= d.type.array_rank; ++rank) suitable |= fits(Type{d.type.base, rank}, bound->type);
  if (!suitable)
    fail(bound->at, fmt::format("{} of {} is {}, and must be {} or of the variable's own type", what, d.name,
                                to_string(bound->type), to_string(scalar)));
}

}  // namespace tenfold::hmc_marg
