// The type checker: types, data-only typing, scopes, places, and every refusal at its column.
#include "hmc-marg/types.h"

#include <doctest/doctest.h>

#include <filesystem>

#include "base/files.h"
#include "hmc-marg/corpus_support.h"
#include "hmc-marg/language_support.h"

using namespace tenfold;
using namespace tenfold::hmc_marg;
using namespace tenfold::hmc_marg::testing;

TEST_CASE("operators have the types of linear algebra") {
  CHECK(type_of("m * v") == "vector");
  CHECK(type_of("w * m") == "row_vector");
  CHECK(type_of("w * v") == "real");
  CHECK(type_of("v * w") == "matrix");
  CHECK(type_of("m * m'") == "matrix");
  CHECK(type_of("v + 1") == "vector");
  CHECK(type_of("1 - m") == "matrix");
  CHECK(type_of("v'") == "row_vector");
  CHECK(type_of("v .* v ./ v") == "vector");
  CHECK(type_of("2 ./ v") == "vector");
  CHECK(type_of("m \\ v") == "vector");
  CHECK(type_of("N / M") == "int");
  CHECK(type_of("N / 2.0") == "real");
  CHECK(type_of("N ^ 2") == "real");
  CHECK(type_of("N % 2 + N %/% 2") == "int");
  CHECK(type_of("p > 0 && N") == "int");
  CHECK(type_of("!p") == "int");
  CHECK(type_of("N ? 1 : p") == "real");
  CHECK(type_of("-a") == "array[] real");
}

TEST_CASE("indices take dimensions away, ranges and arrays of indices keep them") {
  CHECK(type_of("av[1, 2, 3]") == "real");
  CHECK(type_of("av[1]") == "array[] vector");
  CHECK(type_of("av[1, 2]") == "vector");
  CHECK(type_of("av[:, 2]") == "array[] vector");
  CHECK(type_of("av[n, 2, 1]") == "array[] real");
  CHECK(type_of("m[1]") == "row_vector");
  CHECK(type_of("m[1, 2]") == "real");
  CHECK(type_of("m[n, 2]") == "vector");
  CHECK(type_of("m[2, n]") == "row_vector");
  CHECK(type_of("m[1:2]") == "matrix");
  CHECK(type_of("m[, 2]") == "vector");
  CHECK(type_of("v[n]") == "vector");
  CHECK(type_of("v[nn[1]]") == "vector");
  CHECK(type_of("(v + v)[1]") == "real");
  CHECK(type_refusal("real x = v[1, 2];") == "m.stan:6:10: v is vector and takes 1 index, not 2; remove the last");
  CHECK(type_refusal("real x = p[1];") == "m.stan:6:10: p is real and takes no index; remove the brackets");
  CHECK(contains(type_refusal("real x = v[1.5];"), "m.stan:6:12: an index must be int or array[] int, but this is real"));
  CHECK(contains(type_refusal("real x = v[p:];"), "m.stan:6:12: the bound of a range of indices must be int"));
}

TEST_CASE("a[i][j] is a[i, j], but a[1:2][j] is not a[1:2, j]") {
  const Program merged = typed("av[1][2][3]");
  CHECK(last_expression(merged).indices.size() == 3);
  CHECK(last_expression(merged).args[0]->kind == ExprKind::variable);
  CHECK(type_of("av[1:2][1]") == "array[] vector");
  CHECK(type_of("av[1:2, 1]") == "array[] vector");
  CHECK(type_of("m[1:2][1]") == "row_vector");
  CHECK(type_of("m[1:2, 1]") == "vector");
  CHECK(last_expression(typed("m[1:2][1]")).indices.size() == 1);
}

TEST_CASE("literals take the type that their elements share") {
  CHECK(type_of("{1, 2}") == "array[] int");
  CHECK(type_of("{1, 2.5}") == "array[] real");
  CHECK(type_of("{{1}, {2.5}}") == "array[,] real");
  CHECK(type_of("[1, p]") == "row_vector");
  CHECK(type_of("[w, w]") == "matrix");
  CHECK(type_of("{v, v}") == "array[] vector");
  CHECK(contains(type_refusal("print({1, v});"), "m.stan:6:11: this element is vector, those before it are int"));
  CHECK(contains(type_refusal("print([v, v]);"),
                 "m.stan:6:8: [...] takes scalars, or row vectors, but this is vector; use {...} for an array"));
  CHECK(contains(type_refusal("print({});"), "needs at least one element"));
}

TEST_CASE("data-only: what a parameter enters is not data, locals of the model block count as parameters") {
  CHECK(data_typed("1.5"));
  CHECK(data_typed("d[1] + s * td"));
  CHECK(data_typed("da[n[1]][2]"));
  CHECK(data_typed("p > 0"));
  CHECK(!data_typed("p"));
  CHECK(!data_typed("s + p"));
  CHECK(!data_typed("N > 1 ? s : p"));
  CHECK(!data_typed("{s, p}"));
  const auto in_model = [](const std::string& statements) {
    return parse_program(kDeclarations + "transformed parameters { real tp = s; } model { " + statements + " }", "m.stan");
  };
  CHECK(!last_expression(in_model("real x = 1; print(x);")).is_data);
  CHECK(!last_expression(in_model("print(tp);")).is_data);
  CHECK(last_expression(in_model("int k = 1; print(k);")).is_data);
  const Program loop = in_model("for (x in d) print(x);");
  CHECK(loop.block(BlockKind::model)[0]->body[0]->args[0]->is_data);
  const Program parameters = in_model("for (x in v) print(x);");
  CHECK(!parameters.block(BlockKind::model)[0]->body[0]->args[0]->is_data);
  const Program quantities = parse_program(kDeclarations + "generated quantities { real g = p; }", "m.stan");
  CHECK(quantities.block(BlockKind::generated_quantities)[0]->declaration.value->is_data);
}

TEST_CASE("in a function, data types depend on the call") {
  const Program program = parse_program(R"(functions {
    real g() { real l = 1; return l; }
    real f(real a, data real b, real c) { real l = b; print(a, b, a + c, l, 1.0, g(), g() + a); return a; }
  })",
                                        "m.stan");
  const FunctionDefinition& f = program.functions[1];
  CHECK(f.frame_size == 4);
  const auto& items = f.body[1]->args;
  const std::uint64_t sets[] = {0b001, 0, 0b101, 0b111, 0, 0, 0b001};
  for (std::size_t i = 0; i < 7; ++i) {
    INFO(i);
    CHECK(items[i]->data_if_arguments == sets[i]);
    CHECK(items[i]->is_data == (sets[i] == 0));
    CHECK(is_data_in_call(*items[i], 0b010) == (sets[i] == 0));
    CHECK(is_data_in_call(*items[i], 0b111));
  }
  CHECK(is_data_in_call(*items[2], 0b101));
  CHECK(!is_data_in_call(*items[2], 0b001));
}

TEST_CASE("assignments promote ints and nothing else") {
  CHECK(type_refusal("real x = 1; x = N; array[2] real y = {1, 2};") == "");
  CHECK(type_refusal("int k = p;") ==
        "m.stan:6:9: k is int, the assigned value is real; an int holds no real; declare it as real");
  CHECK(type_refusal("vector[N] x;\nx = a;") ==
        "m.stan:7:5: x is vector, the assigned value is array[] real; convert it with to_vector");
  CHECK(contains(type_refusal("array[N] real x = v;"), "convert it with to_array_1d"));
  CHECK(contains(type_refusal("vector[N] x = w;"), "x is vector, the assigned value is row_vector"));
  CHECK(contains(type_refusal("vector[N] x;\nx[1] = v;"), "m.stan:7:8: x[1] is real, the assigned value is vector"));
  CHECK(type_refusal("vector[N] x = v; x += 1; x .*= v; x /= 2; x[1:2] -= v[1:2];") == "");
  CHECK(contains(type_refusal("vector[N] x = v; x *= v;"), "m.stan:6:23: x is vector and cannot be changed by `*=` with vector"));
  CHECK(contains(type_refusal("int k = 1; k += 1.5;"), "k is int and cannot be changed by `+=` with real"));
}

TEST_CASE("what is read only stays so") {
  CHECK(contains(type_refusal("N = 1;"), "m.stan:6:1: N is data and cannot be assigned to"));
  CHECK(contains(type_refusal("v[1] = 1;"), "v is a parameter and cannot be assigned to"));
  CHECK(contains(type_refusal("td = 1;"), "td can only be assigned to in the transformed data block"));
  CHECK(contains(type_refusal("for (i in 1:2) i = 3;"), "i is a loop variable"));
  CHECK(contains(refusal("functions { real f(real x) { x = 1; return x; } }"),
                 "m.stan:1:30: x is an argument and cannot be assigned to"));
  CHECK(contains(type_refusal("matrix[2, 2] x; x[1:2][1, 1] = 3;"), "elements of a range of elements cannot be assigned to"));
  CHECK(contains(type_refusal("exp(v) = 1;"), "only a variable or elements of one can be assigned to"));
}

TEST_CASE("names live in their block and are never shadowed") {
  CHECK(type_refusal("{ real x = 1; } { int x = 2; } for (x in 1:2) { } real x = 3;") == "");
  CHECK(contains(type_refusal("{ real x; }\nx = 1;"), "m.stan:7:1: there is no variable `x` here"));
  CHECK(contains(type_refusal("real p = 1;"), "m.stan:6:6: `p` is already declared at line 4; choose another name"));
  CHECK(contains(type_refusal("real x; { real x; }"), "`x` is already declared at line 6"));
  CHECK(contains(type_refusal("for (N in 1:2) { }"), "`N` is already declared at line 2"));
  CHECK(type_refusal("real mean = 1; real y = mean + mean(v);") == "");
  CHECK(contains(refusal("functions { real f(real x) { return x; } } data { real f; }"), "`f` is the name of a function"));
  CHECK(contains(refusal("parameters { vector[n] x; } transformed parameters { int n = 1; }"),
                 "n is declared further down, in the transformed parameters block"));
  CHECK(contains(refusal("functions { real f() { return N; } } data { int N; }"),
                 "N is a variable of the data block, which functions do not see; pass it"));
}

TEST_CASE("unknown names are answered with the nearest") {
  CHECK(type_refusal("real sigma; sgima = 1;") == "m.stan:6:13: there is no variable `sgima` here; did you mean `sigma`?");
  CHECK(type_refusal("print(squre(p));") == "m.stan:6:7: there is no function `squre`; did you mean `square`?");
  CHECK(type_refusal("v ~ norml(0, 1);") == "m.stan:6:1: there is no distribution `norml`; did you mean `normal`?");
  CHECK(type_refusal("print(normal(p, 0, 1));") ==
        "m.stan:6:7: normal is a distribution and no function; write normal_lpdf(y | ...)");
  CHECK(type_refusal("print(poisson_lpdf(n | 1));") == "m.stan:6:7: poisson has no _lpdf; its log density is poisson_lpmf");
  CHECK(contains(type_refusal("print(exp);"), "exp is a function and no value"));
  CHECK(contains(type_refusal("print(v(1));"), "v is a variable and cannot be called; index it with brackets"));
  CHECK(contains(type_refusal("print(zzzzqqqq(1));"), "define it in the functions block"));
}

TEST_CASE("operators and calls that do not fit say what would") {
  CHECK(type_refusal("print(v * v);") == "m.stan:6:9: there is no vector * vector; write .* for elements or dot_product(a, b)");
  CHECK(contains(type_refusal("print(v / v);"), "write ./ to divide element by element"));
  CHECK(contains(type_refusal("print(v ^ 2);"), "write .^ to raise element by element"));
  CHECK(contains(type_refusal("print(1.5 % 2);"), "both sides must be int"));
  CHECK(contains(type_refusal("print(a + 1);"), "operators take no arrays"));
  CHECK(contains(type_refusal("print(v < 1);"), "it takes scalars"));
  CHECK(contains(type_refusal("print(a');"), "m.stan:6:8: `'` takes no array[] real"));
  CHECK(type_refusal("v ~ normal(m, 1);") ==
        "m.stan:6:1: there is no normal_lpdf(vector | matrix, int); it is normal_lpdf(reals | reals, reals)");
  CHECK(contains(type_refusal("n ~ poisson(m);"), "it is poisson_lpmf(ints | reals)"));
  CHECK(contains(type_refusal("print(rep_vector(1, 2.5));"), "there is no rep_vector(int, real); it is rep_vector(real, int)"));
  CHECK(contains(type_refusal("print(normal_lpdf(v, 0, 1));"),
                 "m.stan:6:7: the first argument of normal_lpdf is followed by a bar; write normal_lpdf(y | ...)"));
  CHECK(contains(type_refusal("print(exp(v | 1));"), "write `,` for `|`"));
  CHECK(type_refusal("print(std_normal_lpdf(v));") == "");
  CHECK(contains(type_refusal("if (v) { }"), "m.stan:6:5: a condition must be int, but this is vector"));
  CHECK(contains(type_refusal("for (i in 1:p) { }"), "m.stan:6:13: the bound of a loop must be int, but this is real"));
  CHECK(contains(type_refusal("for (i in p) { }"), "a loop runs over a range or a container"));
  CHECK(contains(type_refusal("print(v ? 1 : 2);"), "the condition before ? must be int"));
  CHECK(contains(type_refusal("print(N ? 1 : v);"), "m.stan:6:9: the branches of ? : are int and vector"));
  CHECK(contains(type_refusal("exp(p);"), "the value of exp is not used"));
}

TEST_CASE("declarations are held to their block") {
  CHECK(
      contains(refusal("parameters { int k; }"), "m.stan:1:18: k is a parameter and cannot be an int; sum integer unknowns out"));
  CHECK(contains(refusal("parameters { array[2] int<lower=0> k; }"), "k is a parameter and cannot be an int"));
  CHECK(contains(refusal("transformed parameters { int k = 1; }"), "k is a transformed parameter and cannot be an int"));
  CHECK(contains(refusal("data { real x = 1; }"), "m.stan:1:17: x is declared in the data block and takes no value"));
  CHECK(contains(refusal("data { vector[2.5] x; }"), "m.stan:1:15: a size must be int, but this is real"));
  CHECK(contains(refusal("data { vector[3] l; real<lower=l> x; }"),
                 "the lower bound of x is vector, and must be real or of the variable's own type"));
  CHECK(refusal("data { vector[3] l; vector<lower=l>[3] x; array[2] vector<upper=l>[3] y; array[2] real s; array[2] "
                "real<multiplier=s> z; }") == "");
  CHECK(contains(refusal("data { real l; int<lower=l> x; }"), "the lower bound of x is real, and must be int"));
}

TEST_CASE("random draws, the target and densities without constants have their places") {
  CHECK(contains(
      type_refusal("real x = normal_rng(0, 1);"),
      "m.stan:6:10: normal_rng draws random numbers, which only transformed data, generated quantities and _rng functions do"));
  CHECK(
      refusal("transformed data { real x = normal_rng(0, 1); } generated quantities { array[2] int k = poisson_rng({1, 2}); }") ==
      "");
  CHECK(contains(refusal("parameters { real p; } transformed parameters { p ~ normal(0, 1); }"),
                 "`~` can only stand in the model block"));
  CHECK(contains(refusal("generated quantities { target += 1; }"), "`target +=` can only stand in the model block"));
  CHECK(contains(
      refusal("generated quantities { real x = normal_lupdf(1 | 0, 1); }"),
      "m.stan:1:33: normal_lupdf can only stand in the model block and in _lpdf, _lpmf and _lp functions; write normal_lpdf"));
  CHECK(type_refusal("target += target() * 0;") == "");
  CHECK(contains(refusal("generated quantities { real x = target(); }"), "target() can only stand in the model block"));
  CHECK(contains(type_refusal("break;"), "break can only stand in a loop"));
  CHECK(contains(type_refusal("return 1;"), "return can only stand in a function"));
  CHECK(type_refusal("v ~ normal(0, 1) T[0, ]; n ~ poisson(1) T[1, 5];") == "");
  CHECK(contains(type_refusal("t ~ dirichlet(v) T[0, ];"), "dirichlet cannot be truncated here"));
  CHECK(contains(type_refusal("p ~ normal(0, 1) T[v, ];"), "a truncation bound must be real, but this is vector"));
}

TEST_CASE("calls end up where they belong") {
  const auto call = [](const std::string& text) { return typed(text); };
  const Program density = call("normal_lupdf(v | 0, 1)");
  CHECK(last_expression(density).call == CallKind::density);
  CHECK(last_expression(density).callee == "normal");
  CHECK(last_expression(density).propto);
  const Program tail = call("student_t_lccdf(0 | 3, 0, 1)");
  CHECK(last_expression(tail).call == CallKind::cdf);
  CHECK(last_expression(tail).callee == "student_t");
  CHECK(last_expression(tail).is_data);
  const Program library = call("square(p)");
  CHECK(last_expression(library).call == CallKind::library);
  CHECK(last_expression(library).callee == "square");
}

TEST_CASE("user functions: overloads, densities, void, forward declarations") {
  CHECK(refusal(R"(functions {
    real twice(real x);
    real fourfold(real x) { return twice(twice(x)); }
    real twice(real x) { return 2 * x; }
    vector twice(vector x) { return 2 * x; }
    void show(array[] real x, int[,] n, data matrix m) { print(x, n, m); return; }
    real my_lpdf(vector y, real s) { return normal_lupdf(y | 0, s); }
    real pick_lpmf(int k, vector p) { if (k > 0) return log(p[k]); else reject("k is ", k); }
    void add_lp(real x) { target += x; x ~ normal(0, 1); }
    array[] real draw_rng(int n) { return normal_rng(rep_vector(0, n), 1); }
  }
  data { int N; array[N, N] int n; matrix[N, N] m; }
  parameters { vector[N] v; real p; simplex[N] t; }
  model {
    v ~ my(p); target += my_lpdf(v | 1) + my_lupdf(twice(v) | fourfold(p)); N ~ pick(t); add_lp(p); show({1, 2}, n, m);
  }
  generated quantities { array[N] real r = draw_rng(N); })") == "");
  const Program program = parse_program(
      "functions { real f(int x) { return 1; } real f(real x) { return 2; } } transformed data { real a = f(1); real b = f(1.5); "
      "}",
      "m.stan");
  CHECK(program.block(BlockKind::transformed_data)[0]->declaration.value->function == 0);
  CHECK(program.block(BlockKind::transformed_data)[1]->declaration.value->function == 1);
  CHECK(program.block(BlockKind::transformed_data)[1]->declaration.value->call == CallKind::user);
  const Program own = parse_program(
      "functions { real foo_lpdf(real y, real s) { return -s * y; } } parameters { real p; } model { p ~ foo(2); }", "m.stan");
  CHECK(own.block(BlockKind::model)[0]->function == 0);
  CHECK(own.block(BlockKind::model)[0]->callee == "foo_lpdf");
}

TEST_CASE("user functions that cannot work are refused") {
  const auto functions = [](const std::string& text) { return refusal("functions {\n" + text + "\n}"); };
  CHECK(functions("real f(real x) { return f(x); }") ==
        "m.stan:2:25: f calls itself, at once or through others: recursion runs in CmdStan, not here; write a loop");
  CHECK(contains(functions("real g(real x);\nreal f(real x) { return g(x); }\nreal g(real x) { return f(x); }"),
                 "calls itself, at once or through others"));
  CHECK(functions("real f(real x) { if (x > 0) return 1; }") ==
        "m.stan:2:6: f can end without returning its real; end every branch with return or reject");
  CHECK(contains(functions("real f(real x) { return; }"), "m.stan:2:18: f returns real; write the value"));
  CHECK(contains(functions("real f(real x) { return {x}; }"), "m.stan:2:25: f returns real, this value is array[] real"));
  CHECK(contains(functions("void f(real x) { return x; }"), "f is void and returns no value"));
  CHECK(contains(functions("real f(real x);"), "m.stan:2:6: f is declared, but never defined"));
  CHECK(contains(functions("real f(real x) { return 1; }\nreal f(real y) { return 2; }"),
                 "m.stan:3:6: f is defined twice for the same arguments"));
  CHECK(contains(functions("real g(real x) { return f(x); }\nreal f(real x) { return 1; }"),
                 "m.stan:2:25: f is declared further down; declare it before this use"));
  CHECK(contains(functions("real exp(real x) { return x; }"), "exp is a function of the language for these arguments"));
  CHECK(contains(functions("real f_lpdf(int x) { return 1; }"), "the variate of an _lpdf function must be real"));
  CHECK(contains(functions("real f_lpmf(real x) { return 1; }"), "the variate of an _lpmf function must be int"));
  CHECK(contains(functions("int f_lpmf(int x) { return 1; }"), "f_lpmf must return real"));
  CHECK(contains(functions("real f_lupdf(real x) { return 1; }"), "define it as _lpdf"));
  CHECK(contains(functions("real f_log(real x) { return 1; }"), "write f_lpdf"));
  CHECK(contains(functions("real f(real x) { target += x; return x; }"),
                 "`target +=` can only stand in the model block or in a function that ends in _lp"));
  CHECK(contains(functions("real f(real x) { return normal_rng(x, 1); }"), "_rng functions"));
  CHECK(contains(functions("real f(array[3] real x) { return 1; }"), "as no sizes are given here"));
  CHECK(contains(functions("real f(real x, real x) { return 1; }"), "m.stan:2:21: `x` is already declared"));
  const std::string data_only = "functions { real f(data real x) { return x; } real g(real y) { return f(y); } }";
  CHECK(contains(refusal(data_only), "m.stan:1:73: argument 1 of f must be data"));
  CHECK(contains(refusal("functions { real f(data real x) { return x; } } parameters { real p; } model { target += f(p); }"),
                 "argument 1 of f must be data, but this depends on parameters"));
  CHECK(contains(refusal("functions { void f(real x) { } } model { real y = f(1); }"),
                 "f returns nothing and cannot stand in an expression"));
  CHECK(contains(refusal("functions { real f(real x) { return x; } } model { target += f({1.0}); }"),
                 "there is no f(array[] real); it is f(real)"));
  CHECK(contains(refusal("functions { void f_lp(real x) { target += x; } } generated quantities { f_lp(1); }"),
                 "f_lp changes the target"));
  CHECK(refusal("functions { vector identity(vector x) { return x; } matrix matrix_exp(matrix x) { return x; } } transformed "
                "data { matrix[1, 1] m = matrix_exp([[1]]); }") == "");
}

TEST_CASE("chains of calls deeper than an interpreter can follow are refused") {
  std::string text = "functions { real f0(real x) { return x; }\n";
  for (int i = 1; i < 3000; ++i)
    text += "real f" + std::to_string(i) + "(real x) { return f" + std::to_string(i - 1) + "(x); }\n";
  CHECK(contains(refusal(text + "}"), "calls functions that call functions too deep"));
}

TEST_CASE("a program as brms writes it passes") {
  CHECK(refusal(R"(// correlated group-level effects
functions {
 /* compute correlated group-level effects
  * Returns: matrix of scaled effects
  */
  matrix scale_r_cor(matrix z, vector SD, matrix L) {
    // r is stored in another dimension order than z
    return transpose(diag_pre_multiply(SD, L) * z);
  }
}
data {
  int<lower=1> N;  // total number of observations
  vector[N] Y;
  int<lower=1> K;
  matrix[N, K] X;
  int<lower=1> Kc;
  int<lower=1> N_1;
  int<lower=1> M_1;
  array[N] int<lower=1> J_1;
  vector[N] Z_1_1;
  vector[N] Z_1_2;
  int<lower=1> NC_1;
  int prior_only;  // should the likelihood be ignored?
}
transformed data {
  matrix[N, Kc] Xc;
  vector[Kc] means_X;
  for (i in 2:K) {
    means_X[i - 1] = mean(X[, i]);
    Xc[, i - 1] = X[, i] - means_X[i - 1];
  }
}
parameters {
  vector[Kc] b;
  real Intercept;
  real<lower=0> sigma;
  vector<lower=0>[M_1] sd_1;
  matrix[M_1, N_1] z_1;
  cholesky_factor_corr[M_1] L_1;
}
transformed parameters {
  matrix[N_1, M_1] r_1;
  vector[N_1] r_1_1;
  vector[N_1] r_1_2;
  real lprior = 0;
  r_1 = scale_r_cor(z_1, sd_1, L_1);
  r_1_1 = r_1[, 1];
  r_1_2 = r_1[, 2];
  lprior += student_t_lpdf(Intercept | 3, 288.7, 59.3);
  lprior += student_t_lpdf(sigma | 3, 0, 59.3)
    - 1 * student_t_lccdf(0 | 3, 0, 59.3);
  lprior += lkj_corr_cholesky_lpdf(L_1 | 1);
}
model {
  if (!prior_only) {
    vector[N] mu = rep_vector(0.0, N);
    mu += Intercept;
    for (n in 1:N) {
      mu[n] += r_1_1[J_1[n]] * Z_1_1[n] + r_1_2[J_1[n]] * Z_1_2[n];
    }
    target += normal_id_glm_lpdf(Y | Xc, mu, b, sigma);
  }
  target += lprior;
  target += std_normal_lpdf(to_vector(z_1));
}
generated quantities {
  real b_Intercept = Intercept - dot_product(means_X, b);
  corr_matrix[M_1] Cor_1 = multiply_lower_tri_self_transpose(L_1);
  vector<lower=-1,upper=1>[NC_1] cor_1;
  for (k in 1:M_1) {
    for (j in 1:(k - 1)) {
      cor_1[choose(k - 1, 2) + j] = Cor_1[j, k];
    }
  }
}
)") == "");
}

TEST_CASE("the corpus parses and type-checks, except for solvers of differential equations") {
  const std::filesystem::path corpus = test_data("corpus");
  if (corpus.empty()) return;
  int programs = 0;
  for (const auto& entry : std::filesystem::directory_iterator(corpus)) {
    if (entry.path().extension() != ".stan") continue;
    ++programs;
    const std::string answer = refusal(read_file(entry.path()));
    if (answer.empty()) continue;
    MESSAGE(entry.path().filename().string() << ": " << answer);
    CHECK(contains(answer, "ODE solvers run in CmdStan, not here"));
  }
  CHECK(programs >= 77);
}
