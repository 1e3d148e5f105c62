// Signatures of the library: promotions, lane-wise shapes, densities and their suffixes.
#include "hmc-marg/functions.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "hmc-marg/language_support.h"

using namespace tenfold::hmc_marg;
using tenfold::hmc_marg::testing::contains;

namespace {

constexpr Type kInt{Base::integer, 0}, kReal{Base::real, 0}, kVector{Base::vector, 0}, kRow{Base::row_vector, 0},
    kMatrix{Base::matrix, 0};
constexpr Type kInts{Base::integer, 1}, kReals{Base::real, 1}, kVectors{Base::vector, 1};

std::string result(std::string_view name, std::vector<Type> arguments) {
  const auto type = result_type(name, arguments);
  return type ? to_string(*type) : "none";
}

}  // namespace

TEST_CASE("lane-wise functions keep the container and make ints real") {
  CHECK(result("exp", {kInt}) == "real");
  CHECK(result("exp", {kInts}) == "array[] real");
  CHECK(result("log", {{Base::matrix, 2}}) == "array[,] matrix");
  CHECK(result("abs", {kInt}) == "int");
  CHECK(result("abs", {kVector}) == "vector");
  CHECK(result("log2", {}) == "real");
  CHECK(result("log2", {kVector}) == "vector");
  CHECK(result("exp", {kReal, kReal}) == "none");
}

TEST_CASE("functions of pairs broadcast scalars and nothing else") {
  CHECK(result("fmax", {kReal, kVector}) == "vector");
  CHECK(result("pow", {kVector, kInt}) == "vector");
  CHECK(result("pow", {kInt, kInt}) == "real");
  CHECK(result("lchoose", {kInts, kInts}) == "array[] real");
  CHECK(result("choose", {kInt, kInt}) == "int");
  CHECK(result("choose", {kReal, kInt}) == "none");
  CHECK(result("hypot", {kVector, kRow}) == "none");
  CHECK(result("hypot", {kVector, kReals}) == "none");
}

TEST_CASE("integers promote to reals, reals do not become integers") {
  CHECK(result("sum", {kInts}) == "int");
  CHECK(result("mean", {kInts}) == "real");
  CHECK(result("dot_product", {kInts, kReals}) == "real");
  CHECK(result("rep_vector", {kInt, kInt}) == "vector");
  CHECK(result("rep_vector", {kReal, kReal}) == "none");
  CHECK(result("rep_array", {kVector, kInt, kInt}) == "array[,] vector");
  CHECK(result("max", {kInt, kInt}) == "int");
  CHECK(result("max", {kInt, kReal}) == "none");
}

TEST_CASE("containers are joined and cut by type") {
  CHECK(result("append_row", {kVector, kVector}) == "vector");
  CHECK(result("append_row", {kRow, kRow}) == "matrix");
  CHECK(result("append_col", {kRow, kRow}) == "row_vector");
  CHECK(result("append_col", {kVector, kReal}) == "none");
  CHECK(result("append_array", {kInts, kReals}) == "array[] real");
  CHECK(result("append_array", {kReals, kVectors}) == "none");
  CHECK(result("segment", {kVectors, kInt, kInt}) == "array[] vector");
  CHECK(result("head", {kMatrix, kInt}) == "none");
  CHECK(result("sub_col", {kMatrix, kInt, kInt, kInt}) == "vector");
  CHECK(result("to_array_1d", {{Base::integer, 3}}) == "array[] int");
  CHECK(result("dims", {kReal}) == "array[] int");
  CHECK(result("quad_form", {kMatrix, kVector}) == "real");
  CHECK(result("quad_form", {kMatrix, kMatrix}) == "matrix");
  CHECK(result("csr_matrix_times_vector", {kInt, kInt, kVector, kInts, kInts, kVector}) == "vector");
}

TEST_CASE("densities take any mixture of scalars and containers of reals") {
  CHECK(result("normal_lpdf", {kReal, kVector, kReals}) == "real");
  CHECK(result("normal_lpdf", {kInts, kInt, kReal}) == "real");
  CHECK(result("normal_lpdf", {kMatrix, kReal, kReal}) == "none");
  CHECK(result("normal_lpdf", {kReal, kReal}) == "none");
  CHECK(result("poisson_lpmf", {kReal, kReal}) == "none");
  CHECK(result("poisson_lpmf", {kInts, kVector}) == "real");
  CHECK(result("binomial_lpmf", {kInts, kInt, kVector}) == "real");
  CHECK(result("multi_normal_lpdf", {kVectors, kVector, kMatrix}) == "real");
  CHECK(result("multi_normal_lpdf", {kReals, kVector, kMatrix}) == "none");
  CHECK(result("bernoulli_logit_glm_lupmf", {kInts, kMatrix, kReal, kVector}) == "real");
  CHECK(result("student_t_lccdf", {kReal, kReal, kReal, kReal}) == "real");
}

TEST_CASE("draws are scalars for scalars and arrays for containers") {
  CHECK(result("normal_rng", {kReal, kReal}) == "real");
  CHECK(result("normal_rng", {kVector, kReal}) == "array[] real");
  CHECK(result("poisson_rng", {kVector}) == "array[] int");
  CHECK(result("std_normal_rng", {}) == "real");
  CHECK(result("multi_normal_rng", {kVector, kMatrix}) == "vector");
  CHECK(result("multi_normal_rng", {kVectors, kMatrix}) == "array[] vector");
  CHECK(result("dirichlet_rng", {kVector}) == "vector");
  CHECK(result("lkj_corr_cholesky_rng", {kInt, kReal}) == "matrix");
  CHECK(result("normal_rng", {kReal}) == "none");
}

TEST_CASE("a family has the suffixes that belong to it") {
  CHECK(is_library_function("normal_lpdf"));
  CHECK(is_library_function("normal_lupdf"));
  CHECK(!is_library_function("normal_lpmf"));
  CHECK(!is_library_function("poisson_lpdf"));
  CHECK(is_library_function("poisson_lcdf"));
  CHECK(!is_library_function("dirichlet_lcdf"));
  CHECK(!is_library_function("normal"));
  CHECK(density_call("neg_binomial_2_log_lpmf")->family == "neg_binomial_2_log");
  CHECK(density_call("scaled_inv_chi_square_lccdf")->suffix == "lccdf");
  CHECK(!density_call("lpdf"));
  CHECK(is_univariate("beta_binomial"));
  CHECK(!is_univariate("categorical"));
}

TEST_CASE("messages show signatures as one would write them") {
  CHECK(signatures_of("normal_lpdf") == "normal_lpdf(reals | reals, reals)");
  CHECK(signatures_of("std_normal_lpdf") == "std_normal_lpdf(reals)");
  CHECK(signatures_of("binomial_rng") == "binomial_rng(ints, reals)");
  CHECK(signatures_of("rep_vector") == "rep_vector(real, int)");
  CHECK(signatures_of("exp") == "exp(T)");
  CHECK(contains(signatures_of("head"), "head(vector, int)"));
}

TEST_CASE("every name is either of the library or refused, never both") {
  for (const std::string& name : library_function_names()) {
    INFO(name);
    CHECK(is_library_function(name));
    CHECK(refused_reason(name).empty());
    CHECK(!signatures_of(name).empty());
  }
  for (const std::string& family : density_names()) {
    INFO(family);
    CHECK(is_library_function(family + (is_discrete(family) ? "_lpmf" : "_lpdf")));
    CHECK(refused_reason(family).empty());
  }
  CHECK(refused_reason("no_such_thing").empty());
  CHECK(contains(refused_reason("ode_rk45_tol"), "ODE solvers run in CmdStan, not here"));
  CHECK(contains(refused_reason("wishart_rng"), "the distribution wishart runs in CmdStan, not here"));
  CHECK(contains(refused_reason("dirichlet_lcdf"), "dirichlet has no _lcdf"));
  auto names = library_function_names();
  std::ranges::sort(names);
  CHECK(std::ranges::adjacent_find(names) == names.end());
}
