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
std::string to_string(const Type& type);  // "array[,] vector"; "void"

enum class ExprKind : std::uint8_t { number, string, variable, unary, binary, ternary, call, index, array, row_vector };

enum class Operator : std::uint8_t {
  none,
  add,
  subtract,
  multiply,
  divide,
  integer_divide,
  modulo,
  power,
  elementwise_multiply,
  elementwise_divide,
  elementwise_power,
  left_divide,
  less,
  less_equal,
  greater,
  greater_equal,
  equal,
  not_equal,
  logical_and,
  logical_or,
  logical_not,
  negate,
  plus,
  transpose
};
const char* symbol(Operator op);  // "+", "'", ".*"; "" for none

struct Expr;
using ExprPtr = std::unique_ptr<Expr>;

// One index between brackets: `:` (or nothing), `i`, `lo:`, `:hi`, `lo:hi`, or an integer array (multi). The parser tells all
// from single; single becomes multi in the type checker where the expression is an integer array. `a[i][j]` becomes `a[i, j]`
// there if i is single.
struct Index {
  enum class Kind : std::uint8_t { all, single, from, upto, between, multi } kind = Kind::all;
  ExprPtr low, high;  // single, multi and from use low; upto uses high
};

// How a call ends up: a function of the language's library, a density, a cumulative distribution (_cdf, _lcdf, _lccdf), a random
// draw, or a user's function.
enum class CallKind : std::uint8_t { library, density, cdf, random, user };

// Trees are never higher than this, so that walking one by recursion is safe.
inline constexpr int kMaxHeight = 2000;

struct Expr {
  ExprKind kind = ExprKind::number;
  Position at;
  Operator op = Operator::none;   // unary, binary
  double number = 0;              // number (type tells integer from real)
  std::string name;               // variable, call (as written), string literal's text
  std::vector<ExprPtr> args;      // operands; call arguments (a density's variate first); index: args[0] is what is indexed
  std::vector<Index> indices;     // index
  bool bar = false;               // call: written f(y | ...)
  int height = 1;                 // of the tree that hangs here
  // Filled by the type checker.
  Type type;
  // Stan's data-only type: literals, data, transformed data, loop indices, all integers, all in generated quantities, and
  // expressions of these. In a user function the types are those of the call: is_data then says "data in every call", and where
  // it is false, a non-empty data_if_arguments says "data in a call whose arguments in this bit set are all data" (bit i:
  // argument i; a local variable has the bits of all arguments). Empty and not is_data: never data.
  bool is_data = false;
  std::uint64_t data_if_arguments = 0;
  int slot = -1;  // variable: its place in the frame
  CallKind call = CallKind::library;
  std::string callee;  // density, cdf and random: family name ("normal"); library: canonical name; user: as declared.
                       // `target()` is a library call with callee "target" that only the interpreter can answer
  bool propto = false;  // density called as _lupdf/_lupmf
  int function = -1;  // user: index into Program::functions
  mutable int library_index = -1;  // cache of the evaluator: which implementation
};
std::string to_string(const Expr& expr);  // as Stan, every operation in parentheses: "(a + (b * c))"

std::string shown(const Expr& expr);  // the same, cut to what a message can hold
ExprPtr clone(const Expr& expr);

// Whether an expression has data type in a call whose arguments in `data_arguments` are data (bit i: argument i). Outside user
// functions the set does not matter.
inline bool is_data_in_call(const Expr& expr, std::uint64_t data_arguments) {
  return expr.is_data || (expr.data_if_arguments != 0 && (expr.data_if_arguments & ~data_arguments) == 0);
}

enum class ConstraintKind : std::uint8_t {
  none,
  bounded,
  affine,
  simplex,
  ordered,
  positive_ordered,
  cholesky_factor_corr,
  cholesky_factor_cov,
  corr_matrix,
  cov_matrix
};

struct Declaration {
  std::string name;
  Position at;
  int slot = -1;
  Type type;
  std::vector<ExprPtr> dims;  // array sizes, then the sizes of the vector or matrix (simplex[K]: K; corr_matrix[K]: K;
                              // cholesky_factor_cov: rows[, columns])
  ConstraintKind constraint = ConstraintKind::none;
  ExprPtr lower, upper, offset, multiplier;  // bounded; affine
  ExprPtr value;  // initialiser, or null
};

enum class StmtKind : std::uint8_t {
  declare,
  assign,
  sample,
  target,
  if_else,
  for_range,
  for_each,
  while_loop,
  break_loop,
  continue_loop,
  block,
  print,
  reject,
  return_value,
  call
};

struct Stmt;
using StmtPtr = std::unique_ptr<Stmt>;

struct Stmt {
  StmtKind kind = StmtKind::block;
  Position at;
  Declaration declaration;  // declare
  ExprPtr left;  // assign: variable or index expression; sample: the variate
  Operator op = Operator::none;  // assign: compound operator, none for `=`
  ExprPtr value;  // assign, target, return_value (may be null), call; if_else, while_loop: condition; for_each: container
  std::string name;  // sample: distribution as written; for_range, for_each: loop variable; profile block: its name
  std::string callee;  // sample: family ("normal") or user function "foo_lpdf"
  int function = -1;  // sample: user function index, or -1
  std::vector<ExprPtr> args;  // sample: parameters; print, reject: items
  bool truncated = false;  // sample: T[lower, upper]
  ExprPtr low, high;  // for_range: bounds; sample: truncation bounds (either may be null)
  int slot = -1;  // loop variable
  std::vector<StmtPtr> body;  // block, loops, if (then-branch)
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
    Position at;
  };
  std::vector<Argument> arguments;  // at most 64; argument i is in slot i of the function's frame
  std::vector<StmtPtr> body;
  int frame_size = 0;
  bool has_body = true;  // false: a forward declaration; the type checker removes those
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

const char* block_name(BlockKind kind);  // "transformed data"

// Parses and type-checks a Stan program. Throws Error(input) "FILE:LINE:COL: what is wrong; what to do".
Program parse_program(const std::string& text, const std::string& file);

}  // namespace tenfold::hmc_marg
