// The class behind types.h: what is in scope, where in the program we are; split over types*.cpp by subject.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "hmc-marg/ast.h"

namespace tenfold::hmc_marg {

class Checker {
 public:
  explicit Checker(Program& program) : program_(program) {}
  void run();  // types.cpp

 private:
  enum class Origin : std::uint8_t {
    data,
    transformed_data,
    parameter,
    transformed_parameter,
    generated_quantity,
    local,
    loop,
    argument
  };
  struct Variable {
    Type type;
    Position at;
    int slot = -1;
    Origin origin = Origin::local;
    bool is_data = false;
    std::uint64_t data_if_arguments = 0;
  };
  struct Overload {
    int function = -1;
    int first_seen = 0;  // place of its first declaration in the functions block
  };
  struct FunctionCall {
    int callee = -1;
    Position at;
  };
  // What is known about a function for the limits on calls.
  struct FunctionFacts {
    std::vector<FunctionCall> calls;
    int height = 0;  // of the highest expression
  };

  // Functions (types_function.cpp).
  void collect_functions();
  void add_definition(FunctionDefinition definition, int first_seen, int written_at);
  void check_function_head(const FunctionDefinition& definition) const;
  void check_function(int function);
  bool always_returns(const std::vector<StmtPtr>& statements) const;
  void check_call_depth() const;
  // -1: none fits. `later`: those declared further down as well.
  int find_overload(std::string_view name, const std::vector<Type>& arguments, bool later = false) const;
  bool is_user_function(std::string_view name) const { return overloads_.contains(std::string(name)); }
  std::string user_signatures(std::string_view name) const;

  // Blocks, scopes, declarations (types.cpp).
  void check_block(BlockKind kind);
  void open_scope() { scopes_.emplace_back(); }
  void close_scope();
  int declare_name(const std::string& name, Variable variable);
  void check_declaration(Declaration& d, bool top_level);
  void check_constraint(Declaration& d);
  void check_bound(Declaration& d, ExprPtr& bound, const char* what);
  Variable declared_variable(const Declaration& d, bool top_level) const;

  // Statements (types_statement.cpp).
  void check_body(std::vector<StmtPtr>& body);  // a scope of its own
  void check(Stmt& stmt);
  void check_assignment(Stmt& stmt);
  void check_assignable(const Expr& left);
  void check_assigned(const std::string& what, const Type& target, const Expr& value);
  void check_sample(Stmt& stmt);
  bool resolve_sample(Stmt& stmt, const std::vector<Type>& types);
  void check_condition(Expr& condition);
  void check_loop(Stmt& stmt);
  void check_return(Stmt& stmt);
  void require_target(Position at, const char* what) const;

  // Expressions (types_expression.cpp).
  void check(Expr& expr);
  void check_value(Expr& expr);  // not void
  void check_int(Expr& expr, const char* what);
  void check_variable(Expr& expr);
  void check_ternary(Expr& expr);
  void check_array(Expr& expr);
  void check_row_vector(Expr& expr);
  void check_index(Expr& expr);
  void merge_indices(Expr& expr) const;
  Type indexed_type(const Expr& expr) const;
  void join_data_types(Expr& expr) const;  // from args to the whole
  [[noreturn]] void unknown_variable(const Expr& expr) const;

  // Calls (types_call.cpp).
  void check_call(Expr& expr);
  void check_user_call(Expr& expr, int function);
  void check_library_call(Expr& expr, const std::vector<Type>& types);
  void check_bar(const Expr& expr) const;
  void check_place(const Expr& expr) const;  // _rng, _lp, _lupdf and target() only where they may be
  [[noreturn]] void unknown_function(const Expr& expr) const;

  bool in_model() const { return !function_ && block_ == BlockKind::model; }
  bool function_ends_with(std::string_view suffix) const {
    return function_ && std::string_view(function_->name).ends_with(suffix);
  }
  [[noreturn]] void fail(Position at, const std::string& message) const;

  Program& program_;
  std::unordered_map<std::string, std::vector<Overload>> overloads_;
  std::vector<int> written_at_;       // by function: place of its definition in the functions block
  std::vector<FunctionFacts> facts_;  // by function
  std::unordered_map<std::string, Variable> variables_;  // in scope; names are never shadowed
  std::vector<std::vector<std::string>> scopes_;
  const FunctionDefinition* function_ = nullptr;  // whose body is checked; null in the blocks
  int function_index_ = -1;
  BlockKind block_ = BlockKind::data;
  int loops_ = 0;
  int frame_size_ = 0;
};

std::vector<Type> types_of(const std::vector<ExprPtr>& exprs);
std::string list_of_types(const std::vector<Type>& types, const char* first_separator = ", ");

}  // namespace tenfold::hmc_marg
