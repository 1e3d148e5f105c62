// The syntax tree of a Stan program, as the parser builds it and the type checker completes it.
// Names are resolved to slots of a frame: the program's own frame holds the block variables and all locals;
// each user function has a frame of its own, its arguments first.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace tenfold::hmc_marg {

struct Position {
  int line = 0;    // 1-based; 0: no position
  int column = 0;  // 1-based, in bytes
};

enum class Base : std::uint8_t { none, integer, real, vector, row_vector, matrix };  // none: void, string

// Type of an expression or variable: `array_rank` array dimensions around a base.
struct Type {
  Base base = Base::none;
  int array_rank = 0;
  bool operator==(const Type&) const = default;
  int inner_rank() const { return base == Base::matrix ? 2 : base == Base::vector || base == Base::row_vector ? 1 : 0; }
  int rank() const { return array_rank + inner_rank(); }
};
std::string to_string(const Type& type);  // "array[,] vector"

enum class ExprKind : std::uint8_t { number, string, variable, unary, binary, ternary, call, index, array, row_vector };

enum class Operator : std::uint8_t {
  none, add, subtract, multiply, divide, integer_divide, modulo, power, elementwise_multiply, elementwise_divide,
  elementwise_power, left_divide, less, less_equal, greater, greater_equal, equal, not_equal, logical_and, logical_or, logical_not,
  negate, plus, transpose
};

struct Expr;
using ExprPtr = std::unique_ptr<Expr>;

// One index between brackets: `:`, `i`, `lo:`, `:hi`, `lo:hi`, or an integer array (multi). all and single are told apart by the
// parser; single becomes multi in the type checker where the expression is an integer array.
struct Index {
  enum class Kind : std::uint8_t { all, single, from, upto, between, multi } kind = Kind::all;
  ExprPtr low, high;  // single, multi and from use low; upto uses high
};

// How a call ends up: a function of the language's library, a density (name without suffix), or a user's function.
enum class CallKind : std::uint8_t { library, density, random, user };

struct Expr {
  ExprKind kind = ExprKind::number;
  Position at;
  Operator op = Operator::none;   // unary, binary
  double number = 0;              // number (type tells integer from real)
  std::string name;               // variable, call (as written), string literal's text
  std::vector<ExprPtr> args;      // operands; call arguments (a density's variate first); index: args[0] is what is indexed
  std::vector<Index> indices;     // index
  // Filled by the type checker.
  Type type;
  bool is_data = false;           // Stan's data-only type: literals, data, transformed data, loop indices and expressions of these
  int slot = -1;                  // variable: its place in the frame
  CallKind call = CallKind::library;
  std::string callee;             // density and random: family name ("normal"); library: canonical name; user: as declared
  bool propto = false;            // density called as _lupdf/_lupmf
  int function = -1;              // user: index into Program::functions
  mutable int library_index = -1; // cache of the evaluator: which implementation
};

enum class ConstraintKind : std::uint8_t {
  none, bounded, affine, simplex, ordered, positive_ordered, cholesky_factor_corr, cholesky_factor_cov, corr_matrix, cov_matrix
};

struct Declaration {
  std::string name;
  Position at;
  int slot = -1;
  Type type;
  std::vector<ExprPtr> dims;  // array sizes, then the sizes of the vector or matrix (simplex[K]: K; corr_matrix[K]: K; cholesky_factor_cov: rows[, columns])
  ConstraintKind constraint = ConstraintKind::none;
  ExprPtr lower, upper, offset, multiplier;  // bounded; affine
  ExprPtr value;                             // initialiser, or null
};

enum class StmtKind : std::uint8_t {
  declare, assign, sample, target, if_else, for_range, for_each, while_loop, break_loop, continue_loop, block, print, reject, return_value, call
};

struct Stmt;
using StmtPtr = std::unique_ptr<Stmt>;

struct Stmt {
  StmtKind kind = StmtKind::block;
  Position at;
  Declaration declaration;       // declare
  ExprPtr left;                  // assign: variable or index expression; sample: the variate
  Operator op = Operator::none;  // assign: compound operator, none for `=`
  ExprPtr value;                 // assign, target, return_value (may be null), call; if_else, while_loop: condition; for_each: container
  std::string name;              // sample: distribution as written
  std::string callee;            // sample: family ("normal") or user function "foo_lpdf"
  int function = -1;             // sample: user function index, or -1
  std::vector<ExprPtr> args;     // sample: parameters; print, reject: items
  bool truncated = false;        // sample: T[lower, upper]
  ExprPtr low, high;             // for_range: bounds; sample: truncation bounds (either may be null)
  int slot = -1;                 // loop variable
  std::vector<StmtPtr> body;     // block, loops, if (then-branch)
  std::vector<StmtPtr> otherwise;
};

struct FunctionDefinition {
  std::string name;
  Position at;
  Type result;  // base none: void
  struct Argument {
    std::string name;
    Type type;
    bool data_only = false;
  };
  std::vector<Argument> arguments;
  std::vector<StmtPtr> body;
  int frame_size = 0;
};

enum class BlockKind : std::uint8_t { data, transformed_data, parameters, transformed_parameters, model, generated_quantities };

struct Program {
  std::string file;  // for messages
  std::vector<FunctionDefinition> functions;
  std::vector<StmtPtr> blocks[6];  // by BlockKind; data and parameters hold declarations only
  int frame_size = 0;
  std::vector<StmtPtr>& block(BlockKind kind) { return blocks[static_cast<int>(kind)]; }
  const std::vector<StmtPtr>& block(BlockKind kind) const { return blocks[static_cast<int>(kind)]; }
};

// Parses and type-checks a Stan program. Throws Error(input) "FILE:LINE:COL: what is wrong; what to do".
Program parse_program(const std::string& text, const std::string& file);

}  // namespace tenfold::hmc_marg
