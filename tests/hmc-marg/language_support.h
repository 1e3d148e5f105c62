// What the tests of the language share: the message of a refused program, pieces of programs around an expression.
#pragma once

#include <string>

#include "base/error.h"
#include "hmc-marg/ast.h"
#include "hmc-marg/parse.h"

namespace tenfold::hmc_marg::testing {

// The message by which a program is refused, "" if it is accepted. Every refusal is exit 3 and one line.
inline std::string refusal(const std::string& text) {
  try {
    parse_program(text, "m.stan");
    return "";
  } catch (const Error& error) {
    if (error.exit_code() != ExitCode::input) return "exit " + std::to_string(static_cast<int>(error.exit_code()));
    return error.message();
  }
}

// How the grammar groups an expression: "(a + (b * c))".
inline std::string grouped(const std::string& expression) {
  const Program program = parse_syntax("model { x = " + expression + "; }", "m.stan");
  return to_string(*program.block(BlockKind::model)[0]->value);
}

// Variables of every kind, for tests of types.
inline const std::string kDeclarations = R"(
data { int N; int M; array[N] int n; array[N] real d; real s; vector[N] dv; matrix[N, M] dm; array[N, M] int nn; array[N] vector[M] da; }
transformed data { real td = 2 * s; }
parameters { real p; vector[N] v; row_vector[N] w; matrix[N, M] m; array[N] real a; array[N, M] vector[3] av; simplex[N] t; }
)";

// The last expression of the model block, type-checked among kDeclarations.
inline Program typed(const std::string& expression) {
  return parse_program(kDeclarations + "model { print(" + expression + "); }", "m.stan");
}
inline const Expr& last_expression(const Program& program) { return *program.block(BlockKind::model).back()->args.back(); }
inline std::string type_of(const std::string& expression) { return to_string(last_expression(typed(expression)).type); }
inline bool data_typed(const std::string& expression) { return last_expression(typed(expression)).is_data; }
inline std::string type_refusal(const std::string& statements) {
  return refusal(kDeclarations + "model {\n" + statements + "\n}");
}

inline bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace tenfold::hmc_marg::testing
