// The grammar: precedence, blocks, statements, declarations in both array syntaxes, limits.
#include "hmc-marg/parse.h"

#include <doctest/doctest.h>

#include <random>

#include "hmc-marg/language_support.h"

using namespace tenfold;
using namespace tenfold::hmc_marg;
using tenfold::hmc_marg::testing::contains;
using tenfold::hmc_marg::testing::grouped;
using tenfold::hmc_marg::testing::refusal;

namespace {

const Declaration& first_declaration(const Program& program, BlockKind kind) { return program.block(kind)[0]->declaration; }

std::string repeated(const std::string& text, int times) {
  std::string result;
  for (int i = 0; i < times; ++i) result += text;
  return result;
}

}  // namespace

TEST_CASE("operators group as in Stan") {
  CHECK(grouped("a + b * c") == "(a + (b * c))");
  CHECK(grouped("a - b - c") == "((a - b) - c)");
  CHECK(grouped("-a ^ b") == "(-(a ^ b))");
  CHECK(grouped("a ^ -b") == "(a ^ (-b))");
  CHECK(grouped("a ^ b ^ c") == "(a ^ (b ^ c))");
  CHECK(grouped("a .^ b'") == "(a .^ (b'))");
  CHECK(grouped("-a'") == "(-(a'))");
  CHECK(grouped("-a * b") == "((-a) * b)");
  CHECK(grouped("!a == b") == "((!a) == b)");
  CHECK(grouped("a * b %/% c") == "(a * (b %/% c))");
  CHECK(grouped("a * b \\ c") == "(a * (b \\ c))");
  CHECK(grouped("a / b * c") == "((a / b) * c)");
  CHECK(grouped("a || b && c == d < e + f") == "(a || (b && (c == (d < (e + f)))))");
  CHECK(grouped("a[1]'[2]") == "(a[1]')[2]");
  CHECK(grouped("a ? b : c ? d : e") == "(a ? b : (c ? d : e))");
  CHECK(grouped("a ? b ? c : d : e") == "(a ? (b ? c : d) : e)");
  CHECK(grouped("a || b ? c + 1 : d") == "((a || b) ? (c + 1) : d)");
}

TEST_CASE("indices, calls and literals") {
  CHECK(grouped("a[, 1:2, :3, 4:, i]") == "a[:, 1:2, :3, 4:, i]");
  CHECK(grouped("a[i ? 1 : 2 : n]") == "a[(i ? 1 : 2):n]");
  CHECK(grouped("normal_lpdf(y | mu, 1.5)") == "normal_lpdf(y | mu, 1.5)");
  CHECK(grouped("{1, {2}}") == "{1, {2}}");
  CHECK(grouped("[[a, b], [c, d]]'") == "([[a, b], [c, d]]')");
}

TEST_CASE("both array syntaxes declare the same") {
  for (const char* text : {"data { array[3, 2] vector<lower=0>[5] x; }", "data { vector<lower=0>[5] x[3, 2]; }"}) {
    const Program program = parse_syntax(text, "m.stan");
    const Declaration& d = first_declaration(program, BlockKind::data);
    CHECK(to_string(d.type) == "array[,] vector");
    REQUIRE(d.dims.size() == 3);
    CHECK(d.dims[0]->number == 3);
    CHECK(d.dims[2]->number == 5);
    CHECK(d.constraint == ConstraintKind::bounded);
    CHECK(d.lower->number == 0);
    CHECK(!d.upper);
  }
}

TEST_CASE("one declaration may name several variables") {
  const Program program = parse_syntax("model { array[2] real a, b = {1, 2}; }", "m.stan");
  REQUIRE(program.block(BlockKind::model).size() == 2);
  CHECK(!program.block(BlockKind::model)[0]->declaration.value);
  CHECK(program.block(BlockKind::model)[1]->declaration.value);
  CHECK(program.block(BlockKind::model)[1]->declaration.dims.size() == 1);
}

TEST_CASE("bounds are arithmetic, so that > closes them") {
  const Program program = parse_syntax(
      "parameters { real<lower=a + 1, upper=(b > c)> x; real<multiplier=s, offset=m> y; cholesky_factor_cov[3, 2] L; }",
      "m.stan");
  CHECK(to_string(*first_declaration(program, BlockKind::parameters).lower) == "(a + 1)");
  CHECK(to_string(*first_declaration(program, BlockKind::parameters).upper) == "(b > c)");
  const Declaration& y = program.block(BlockKind::parameters)[1]->declaration;
  CHECK(y.constraint == ConstraintKind::affine);
  CHECK(to_string(*y.offset) == "m");
  CHECK(program.block(BlockKind::parameters)[2]->declaration.dims.size() == 2);
}

TEST_CASE("statements keep what they say") {
  const Program program = parse_syntax(R"(model {
    y ~ normal(mu, 1) T[0, ];
    a[1, 2] .*= b;
    for (i in 1:n) { if (i > 2) break; else continue; }
    for (e in xs) print("e = ", e);
    target += foo(x);
    profile("part") { z = 1; }
    ;
    {1, 2} ~ poisson(3);
    for (i in 1:2) {1} ~ poisson(3);
    { z = 1; }
    { {1} ~ poisson(3); }
    {}
  })",
                                       "m.stan");
  const auto& body = program.block(BlockKind::model);
  REQUIRE(body.size() == 11);
  CHECK(body[6]->kind == StmtKind::sample);
  CHECK(body[6]->left->kind == ExprKind::array);
  REQUIRE(body[7]->body.size() == 1);
  CHECK(body[7]->body[0]->left->kind == ExprKind::array);
  CHECK(body[8]->kind == StmtKind::block);
  CHECK(body[9]->kind == StmtKind::block);
  CHECK(body[9]->body[0]->kind == StmtKind::sample);
  CHECK(body[10]->kind == StmtKind::block);
  CHECK(body[0]->kind == StmtKind::sample);
  CHECK(body[0]->truncated);
  CHECK(body[0]->low);
  CHECK(!body[0]->high);
  CHECK(body[1]->op == Operator::elementwise_multiply);
  CHECK(body[2]->kind == StmtKind::for_range);
  CHECK(body[2]->name == "i");
  CHECK(body[2]->body[0]->otherwise[0]->kind == StmtKind::continue_loop);
  CHECK(body[3]->kind == StmtKind::for_each);
  CHECK(body[3]->body[0]->args[0]->kind == ExprKind::string);
  CHECK(body[4]->at.line == 6);
  CHECK(body[4]->at.column == 5);
  CHECK(body[5]->kind == StmtKind::block);
}

TEST_CASE("an else belongs to the nearest if") {
  const Program program = parse_syntax("model { if (a) if (b) x = 1; else x = 2; }", "m.stan");
  const Stmt& outer = *program.block(BlockKind::model)[0];
  CHECK(outer.otherwise.empty());
  CHECK(outer.body[0]->otherwise.size() == 1);
}

TEST_CASE("T may name a variable; empty blocks are a program, an empty file is none") {
  CHECK(refusal("data { int T; } parameters { real y; } model { y ~ normal(T, 1); }") == "");
  CHECK(refusal("model { }") == "");
  for (const char* empty : {"", "  \n", "// nothing"}) CHECK(refusal(empty).find("the program is empty; ") != std::string::npos);
}

TEST_CASE("syntax errors are shown to the column, with what to do") {
  CHECK(refusal("model {\n  real x\n  x = 1;\n}") ==
        "m.stan:2:9: `;` was expected after the declaration, but there is `x`; add it");
  CHECK(refusal("model { x = ; }") ==
        "m.stan:1:13: an expression was expected, but there is `;`; write a value, a variable or a call");
  CHECK(refusal("model { real x;\nx <- 1; }") == "m.stan:2:3: `<-` is no longer an assignment; write `=`");
  CHECK(contains(refusal("model { increment_log_prob(1); }"),
                 "m.stan:1:9: increment_log_prob is no longer part of Stan; write `target += ...;`"));
  CHECK(contains(refusal("model { jacobian += 1; }"), "m.stan:1:9: `jacobian +=` runs in CmdStan, not here"));
  CHECK(contains(refusal("model { target = 1; }"), "target can only be increased"));
  CHECK(contains(refusal("model { lp__ += 1; }"), "lp__ cannot be used"));
  CHECK(refusal("data { int n }") == "m.stan:1:14: `;` was expected after the declaration, but there is `}`; add it");
  CHECK(refusal("model { if (1) real x; }") == "m.stan:1:16: a declaration cannot stand here alone; put it between braces");
  CHECK(refusal("parameters { real a; }\ndata { }") == "m.stan:2:1: the data block must come before parameters; move it");
  CHECK(refusal("model { } model { }") == "m.stan:1:11: a second model block; join the two");
  CHECK(contains(refusal("model { } functions { }"), "the functions block must come first"));
  CHECK(contains(refusal("data { x = 1; }"), "m.stan:1:8: the data block holds declarations only"));
  CHECK(contains(refusal("modle { }"), "m.stan:1:1: a block was expected"));
  CHECK(refusal("model {\n { \n }") == "m.stan:1:7: the model block has no end; close it with a brace");
  CHECK(refusal("model { real<lower=0> x; }") ==
        "m.stan:1:13: a local variable has no constraint; remove what stands between < and >");
  CHECK(refusal("model { simplex[3] x; }") == "m.stan:1:9: a local variable has no constraint; declare it as vector");
  CHECK(refusal("data { vector x; }") == "m.stan:1:15: a vector needs its size; write vector[SIZE]");
  CHECK(contains(refusal("data { matrix[3] x; }"), "a matrix has 2 sizes, not 1"));
  CHECK(contains(refusal("data { real[3] x; }"), "an array is written array[N] real"));
  CHECK(contains(refusal("data { real<lowr=0> x; }"), "m.stan:1:13: `lowr` is no constraint; did you mean lower?"));
  CHECK(contains(refusal("data { real<lower=0, offset=1> x; }"), "bounds cannot be combined"));
  CHECK(contains(refusal("data { real for; }"), "m.stan:1:13: `for` is a word of the language"));
  CHECK(contains(refusal("data { real x__; }"), "two underscores are reserved"));
  CHECK(contains(refusal("model { reel x; }"), "m.stan:1:9: `reel` is no type or statement"));
  CHECK(contains(refusal("model { print(\"a\" \"b\"); }"), "m.stan:1:19: `)` was expected after the items"));
  CHECK(contains(refusal("model { y ~ normal(0, 1) T[0]; }"), "`,` was expected between the truncation bounds"));
}

TEST_CASE("what only CmdStan runs is refused by its name") {
  const std::pair<const char*, const char*> cases[] = {
      {"data { complex z; }", "m.stan:1:8: the type complex runs in CmdStan, not here"},
      {"data { tuple(int, real) z; }", "m.stan:1:8: the type tuple runs in CmdStan, not here"},
      {"parameters { unit_vector[3] u; }", "m.stan:1:14: the type unit_vector runs in CmdStan, not here"},
      {"parameters { array[2] sum_to_zero_vector[3] u; }", "m.stan:1:23: the type sum_to_zero_vector runs in CmdStan, not here"},
      {"parameters { row_stochastic_matrix[3, 3] u; }", "the type row_stochastic_matrix runs in CmdStan, not here"},
      {"functions { complex f() { return 1; } }", "the type complex runs in CmdStan, not here"},
      {"model { x = (1, 2); }", "m.stan:1:13: tuples run in CmdStan, not here"},
      {"model { x = y.1; }", "tuples run in CmdStan, not here"},
      {"model { x = ode_rk45(f, y0, t0, ts); }", "m.stan:1:13: ode_rk45: ODE solvers run in CmdStan, not here"},
      {"model { x = integrate_ode_bdf(f, y0, t0, ts); }", "ODE solvers run in CmdStan, not here"},
      {"model { x = dae(f, y0); }", "DAE solvers run in CmdStan, not here"},
      {"model { x = solve_newton(f, y0); }", "algebraic solvers run in CmdStan, not here"},
      {"model { x = algebra_solver(f, y0); }", "algebraic solvers run in CmdStan, not here"},
      {"model { target += reduce_sum(f, y, 1); }", "m.stan:1:19: reduce_sum: reduce_sum calls run in CmdStan, not here"},
      {"model { target += sum(map_rect(f, y)); }", "map_rect: map_rect calls run in CmdStan, not here"},
      {"model { target += hmm_marginal(a, b, c); }", "hmm_marginal: hmm functions run in CmdStan, not here"},
      {"model { y ~ skew_normal(0, 1, 2); }", "m.stan:1:13: the distribution skew_normal runs in CmdStan, not here"},
      {"model { target += von_mises_lpdf(y | 0, 1); }", "the distribution von_mises runs in CmdStan, not here"},
      {"model { x = matrix_exp(y); }", "the function matrix_exp runs in CmdStan, not here"},
      {"model { target += get_lp(); }", "get_lp is no longer part of Stan; write target()"},
      {"model { target += normal_log(y, 0, 1); }", "normal_log is no longer part of Stan; write normal_lpdf"},
      {"transformed data { real x = poisson_log(2, 1); }",
       "poisson_log is a distribution and no function; write poisson_log_lpmf(y | ...)"},
  };
  for (const auto& [program, message] : cases) {
    INFO(program);
    const std::string answer = refusal(program);
    INFO(answer);
    CHECK(contains(answer, message));
  }
}

TEST_CASE("depth and length are limited, not the stack") {
  const int many = 100000;
  CHECK(contains(refusal("model { real x = " + repeated("(", many) + "1" + repeated(")", many) + "; }"),
                 "nested more than 200 deep"));
  CHECK(contains(refusal("model { real x = " + repeated("-", many) + "1; }"), "nested more than 200 deep"));
  CHECK(contains(refusal("model { real x = " + repeated("2^", many) + "1; }"), "nested more than 200 deep"));
  CHECK(contains(refusal("model { real x = " + repeated("1+", many) + "1; }"), "more than 2000 chained operations"));
  CHECK(contains(refusal("model { real x = y" + repeated("'", many) + "; }"), "more than 2000 chained operations"));
  CHECK(contains(refusal("model { real x = y" + repeated("[1]", many) + "; }"), "more than 2000 chained operations"));
  CHECK(contains(refusal("model " + repeated("{", many)), "nested more than 200 deep"));
  CHECK(contains(refusal("model { " + repeated("if (1) ", many)), "nested more than 200 deep"));
  CHECK(contains(refusal("model { if (1) ; " + repeated("else if (1) ; ", many) + "}"), "nested more than 200 deep"));
  CHECK(contains(refusal("model { real x = " + repeated("{", many)), "nested more than 200 deep"));
  CHECK(contains(refusal("model { real x = " + repeated("1 ? 1 : ", many) + "1; }"), "nested more than 200 deep"));
  CHECK(refusal("model { real x = " + repeated("1+", 1900) + "1; }") == "");
  CHECK(refusal("model { real x = " + repeated("(", 150) + "1" + repeated(")", 150) + "; }") == "");
  CHECK(refusal("model { real x; " + repeated("x = 1; ", many) + "}") == "");
}

TEST_CASE("mutated programs are accepted or refused in one line, never more") {
  const std::string seed_program =
      R"(functions { real f_lpdf(real y, data real s) { return normal_lpdf(y | 0, s); } vector g(vector[] x, int n) { return x[n]; } }
data { int<lower=0> N; array[N] real<lower=-1, upper=2> y; matrix[N, 2] X; vector[2] z[N]; }
transformed data { int K = N %/% 2; array[2] int idx = {1, 2}; }
parameters { real<offset=1, multiplier=2> mu; vector[2] b; simplex[3] t; ordered[2] o; corr_matrix[2] C; }
transformed parameters { vector[N] eta = X * b + mu; eta[1:2] += b[idx]; }
model { for (i in 1:N) { if (y[i] > 0 && i != 2) y[i] ~ normal(eta[i], 1) T[, 3]; else target += f_lpdf(mu | 2.5e-1); }
  while (K < 0) { break; } b ~ multi_normal(rep_vector(0, 2), [[1, 0], [0, 1]]); print("b", b', t[{1, 2}]); }
generated quantities { array[N] real r = normal_rng(eta, 1); real q = N > 1 ? mean(r) : -b[1] ^ 2; { int k; k = 1; } }
)";
  REQUIRE(refusal(seed_program) == "");
  const unsigned seed = 20240607;
  std::mt19937 random(seed);
  INFO("seed ", seed);
  const std::string alphabet = "(){}[]<>;:,.*/+-=~|'\"^%!?&\\ \n#_xN1e0Tij\x01\xff";
  const auto any = [&](std::size_t n) { return static_cast<std::size_t>(random() % std::max<std::size_t>(n, 1)); };
  int accepted = 0;
  for (int round = 0; round < 4000; ++round) {
    std::string text = seed_program;
    for (std::size_t edits = 1 + any(4); edits > 0; --edits) {
      const std::size_t at = any(text.size()), length = std::min(any(30), text.size() - at);
      switch (any(5)) {
        case 0: text.erase(at, length); break;
        case 1: text.insert(at, 1, alphabet[any(alphabet.size())]); break;
        case 2: text.insert(any(text.size()), text.substr(at, length)); break;
        case 3: text[at] = alphabet[any(alphabet.size())]; break;
        default: text.resize(round % 50 == 0 ? at : text.size()); break;
      }
    }
    const std::string answer = refusal(text);
    accepted += answer.empty() ? 1 : 0;
    if (answer.empty()) continue;
    INFO(text);
    INFO(answer);
    CHECK(answer.find('\n') == std::string::npos);
    CHECK(answer.starts_with("m.stan:"));
    CHECK(answer.find("; ") != std::string::npos);
  }
  CHECK(accepted > 0);
}
