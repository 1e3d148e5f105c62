// The interpreter of Stan programs: statements and expressions over a frame of values whose scalars are numbers or slots.
// With a graph, operations on slots become nodes; without one (transformed data, generated quantities) all is numbers.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/stop.h"
#include "hmc-marg/ast.h"
#include "hmc-marg/evaluate.h"
#include "hmc-marg/graph.h"
#include "hmc-marg/interpret_library.h"
#include "hmc-marg/library.h"
#include "hmc-marg/value.h"

namespace tenfold::hmc_marg {

// One scalar: a known number, or (slot != 0) a scalar of the graph.
struct Scalar {
  double number = 0;
  Slot slot = 0;
};

// A variable: its own value, or one that outlives the frame and is only read (data, a function's arguments).
struct Cell {
  Value value;
  const Value* borrowed = nullptr;
  const Value& get() const { return borrowed ? *borrowed : value; }
};

// What `target` was incremented by, in the order of execution.
struct Target {
  struct Entry {
    Slot slot = 0;
    int line = 0;
  };
  struct DensityNode {
    std::uint32_t node = 0;
    std::uint8_t data_arguments = 0;
    int line = 0;
  };
  std::vector<Entry> entries;          // coefficient +1 each
  std::vector<DensityNode> densities;  // all lanes, coefficient +1
  std::vector<DirichletPrior> dirichlets;
  std::vector<Slot> nonnegative;       // truncated variates: below 0 the density is -infinity
  double constant = 0;                 // known summands, in full form
  double dropped = 0;                  // what propto leaves out of the above
};

class Interpreter {
 public:
  // graph null: numbers only. random may be null where no _rng function can occur.
  Interpreter(const Program& program, const CallTable& library, Graph* graph, PhiloxStream* random, EvaluationLimits limits);

  // Executes the statements of a block in the program's frame.
  void run(const std::vector<StmtPtr>& statements);

  Cell& cell(int slot) { return program_frame_.cells[static_cast<std::size_t>(slot)]; }
  void set_random(PhiloxStream* random) { context_.random = random; }
  void restart_budget() { executed_ = 0; }
  bool budget_spent() const { return executed_ > limits_.statements; }
  Target& target() { return target_; }
  CallContext& context() { return context_; }

  Value evaluate(const Expr& e);
  // Sizes of a declaration; throws for a negative or parameter-dependent one, and where the product is too large.
  std::vector<int> sizes(const Declaration& declaration);

  [[noreturn]] void fail(Position at, const std::string& text) const;

 private:
  struct Frame {
    std::vector<Cell> cells;
    const FunctionDefinition* function = nullptr;  // null: the program itself
    std::uint64_t data_arguments = 0;              // bit i: the call's argument i has Stan's data type
    bool propto = true;                            // _lupdf inside drops
  };
  enum class Flow : std::uint8_t { next, leave_loop, next_iteration, leave_function };
  // Places of an index expression's scalars inside a variable, with the shape that they form.
  struct View {
    std::vector<std::uint32_t> places;
    Type type;
    std::vector<int> dims;
  };
  struct Axis;
  // Indices of one expression; few in all real programs, so that they need no allocation.
  class IndexList {
   public:
    void push_back(const Index* index) {
      if (count_ < few_.size()) {
        few_[count_++] = index;
        return;
      }
      if (many_.empty()) many_.assign(few_.begin(), few_.end());
      many_.push_back(index);
    }
    std::span<const Index* const> span() const {
      if (!many_.empty()) return many_;
      return {few_.data(), count_};
    }

   private:
    std::array<const Index*, 6> few_{};
    std::size_t count_ = 0;
    std::vector<const Index*> many_;
  };

  // Expressions (interpret_expressions.cpp).
  Scalar scalar(const Expr& e);
  const Value& reference(const Expr& e, Value& storage);  // a variable itself, or e's value in storage
  Scalar scalar_unary(const Expr& e);
  Scalar scalar_binary(const Expr& e);
  Scalar arithmetic(Operator op, Scalar x, Scalar y, bool integer, Position at);
  double integer_arithmetic(Operator op, double x, double y, Position at) const;
  Scalar lane(Op op, Scalar x) { return lane(op, std::span<const Scalar>(&x, 1)); }
  Scalar lane(Op op, std::span<const Scalar> x);
  Value literal_array(const Expr& e);
  Value literal_row_vector(const Expr& e);
  bool truth(const Expr& e);  // a condition
  Scalar as_scalar(const Value& value) const { return {value.number[0], value.slot.empty() ? 0 : value.slot[0]}; }
  Value as_value(Scalar s, Base base) const;
  double known(Scalar s, Position at, const char* what) const;
  int known_integer(const Expr& e, const char* what);

  // Calls (interpret_calls.cpp).
  Value call(const Expr& e);
  Scalar call_scalar(const Expr& e);
  Value call_user(int function, std::span<const Expr* const> arguments, bool propto, Position at);
  Value call_density(const Expr& e);
  Value call_distribution_function(const Expr& e, Arguments args);
  bool data_type(const Expr& e) const { return is_data_in_call(e, frame_->data_arguments); }
  Type at_type(const Expr& e) const;  // the type of a variable's present value
  bool effective_propto(const Expr& e) const { return e.propto && frame_->propto; }

  // Indexing (interpret_index.cpp).
  Value index(const Expr& e);
  Scalar index_scalar(const Expr& e);
  // Collects `a[i][j, k]` into its root and indices where all but the last group are single; returns the root.
  const Expr* flatten_index(const Expr& e, IndexList& indices) const;
  bool single_offset(const Value& from, std::span<const Index* const> indices, std::size_t& offset);
  Axis axis(const Index& index, int size);
  View select(const Value& from, std::span<const Index* const> indices);
  View view_of(const Expr& e, Value*& variable);
  Value gather(const Value& from, const View& view) const;

  // Statements (interpret_statements.cpp).
  Flow execute(const Stmt& s);
  void count_statement(Position at) {
    // A handler's flag costs a call to look at; a statement takes ten nanoseconds, or, with long vectors, as much as a
    // millisecond.
    constexpr std::uint64_t kBetweenLooks = 1 << 12;
    ++executed_;
    if (executed_ % kBetweenLooks == 0) leave_if_stopped();
    if (executed_ > limits_.statements) refuse_length(at);
  }
  [[noreturn]] void refuse_length(Position at) const;
  Flow execute_all(const std::vector<StmtPtr>& statements);
  Flow for_range(const Stmt& s);
  Flow for_each(const Stmt& s);
  void declare(const Declaration& d);
  void assign(const Stmt& s);
  void assign_variable(const Stmt& s, Cell& cell);
  void assign_elements(const Stmt& s);
  void print(const std::vector<ExprPtr>& items);
  std::string printed(const std::vector<ExprPtr>& items);

  // Target (interpret_target.cpp).
  void sample(const Stmt& s);
  void truncate(const Stmt& s, Arguments args);
  Scalar truncation_mass(const Stmt& s, Arguments args, const double* lower, const double* upper);  // its logarithm
  void increment(const Expr& e, Position at);
  void increment_by_density(const Expr& e);
  void add_density(std::string_view family, Arguments args, std::span<const bool> is_data, bool propto, Position at);
  void add_to_target(Scalar s, Position at);
  void add_known(double number, Position at);  // throws Error(infeasible) where it is not finite
  Scalar target_value();

  const Cell& at(int slot) const { return frame_->cells[static_cast<std::size_t>(slot)]; }
  Cell& at(int slot) { return frame_->cells[static_cast<std::size_t>(slot)]; }

  const Program& program_;
  const CallTable& library_;
  Graph* graph_;
  CallContext context_;
  EvaluationLimits limits_;
  std::uint64_t executed_ = 0;
  Frame program_frame_;
  Frame* frame_;
  std::vector<std::unique_ptr<Frame>> call_frames_;  // by depth, their storage reused
  std::size_t depth_ = 0;
  Value returned_;
  Target target_;
};

std::size_t product(std::span<const int> dims);
std::string shape_text(std::span<const int> dims);  // "[3, 4]"

}  // namespace tenfold::hmc_marg
