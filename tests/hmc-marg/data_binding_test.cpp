// Data variables: how they are read, and what is said about those that do not fit.
#include <doctest/doctest.h>

#include "base/error.h"
#include "hmc-marg/model_support.h"

using namespace tenfold;
using namespace tenfold::hmc_marg;

namespace {

std::string complaint(const std::string& declarations, const std::string& json) {
  try {
    const Program program = parse_program("data {\n" + declarations + "\n}\nparameters { real m; } model { }", "m.stan");
    const data::JsonValue values = data::parse_json(json, "d.json");
    bind_data(program, &values, "d.json", 1);
  } catch (const Error& error) {
    CHECK(error.exit_code() == ExitCode::input);
    return error.message();
  }
  return "";
}

// The constant that a model makes of its data.
double of_data(const std::string& data, const std::string& json, const std::string& expression) {
  return testing::bound_model("data { " + data + " } parameters { real m; } model { target += " + expression + "; }", json)
      ->graph.constant;
}

}  // namespace

TEST_CASE("nested lists become arrays, vectors and matrices") {
  CHECK(of_data("matrix[2, 3] a;", R"({"a": [[1, 2, 3], [4, 5, 6]]})", "a[1, 2] * 100 + a[2, 3]") == 206);
  CHECK(of_data("array[2] matrix[2, 1] a;", R"({"a": [[[1], [2]], [[3], [4]]]})", "a[1, 2, 1] * 100 + a[2, 1, 1]") == 203);
  CHECK(of_data("array[2, 2] int a;", R"({"a": [[1, 2], [3, 4]], "not declared": "ignored"})", "a[2, 1]") == 3);
  CHECK(of_data("real a[2];", R"({"a": [1.5, "-Inf"]})", "a[2] < -1e300 ? a[1] : 0") == 1.5);
  CHECK(of_data("int N; array[N, 3] real a; matrix[2, N] b;", R"({"N": 0, "a": [], "b": [[], []]})", "size(a) + rows(b)") == 2);
  CHECK(of_data("array[2] simplex[2] s; cov_matrix[2] S;", R"({"s": [[0.5, 0.5], [1, 0]], "S": [[2, 1], [1, 2]]})",
                "s[2, 1] + S[1, 2]") == 2);
}

TEST_CASE("every fault names the variable, its declaration, and what was found") {
  const auto says = [](const std::string& declarations, const std::string& json, const std::string& words) {
    const std::string message = complaint(declarations, json);
    INFO(message);
    CHECK(message.starts_with("m.stan:2:"));
    CHECK(message.find(words) != std::string::npos);
  };
  says("int N;", "{}", "`N` (int) is missing in d.json");
  says("int N;", R"({"N": 1.0})", "write 1, not 1.0");
  says("int N;", R"({"N": 3e2})", "write 300, not 300.0");
  says("int N;", R"({"N": 2.5})", "declared int, found 2.5, which is no integer");
  CHECK(complaint("int N;", R"({"N": 2.5})").find("write") == std::string::npos);
  CHECK(complaint("int N;", "[1]") == "d.json:1:1: data are a JSON object of variables by name, found an array");
  says("int N;", R"({"N": 3000000000})", "32 bits");
  says("int N;", R"({"N": [1]})", "found [1]");
  says("int N;", R"({"N": "three"})", "found a string");
  says("vector[3] y;", R"({"y": [1, 2]})", "declared vector with size [3], found [2]");
  says("matrix[2, 2] y;", R"({"y": [[1, 2], [3]]})", "declared matrix with size [2, 2]");
  says("vector[2] y;", R"({"y": 1})", "found a number");
  says("vector[2] y;", R"({"y": [1, null]})", "found a null where a number belongs");
  says("vector[2] y;", R"({"y": [1, NaN]})", "NaN");
  says("vector<lower=0>[2] y;", R"({"y": [1, -2]})", "element [2]: -2 is below the lower bound 0");
  says("array[2, 2] int<upper=3> y;", R"({"y": [[1, 2], [4, 3]]})", "element [2, 1]: 4 is above the upper bound 3");
  says("simplex[2] y;", R"({"y": [0.5, 0.6]})", "a simplex sums to 1, found 1.1");
  says("ordered[2] y;", R"({"y": [2, 1]})", "not increasing");
  says("int N; ", R"({"n": 1})", "is missing");
}

TEST_CASE("sizes and bounds of transformed data are checked") {
  const auto message = [](const std::string& text) -> std::string {
    try {
      testing::bound_model(text, "{}");
    } catch (const Error& error) {
      return error.message();
    }
    return "";
  };
  CHECK(message("transformed data { real<lower=0> a = -1; } parameters { real m; } model { }")
            .find("`a` of transformed data: -1 is below") != std::string::npos);
  CHECK(message("transformed data { vector[2] a = [1, 2, 3]'; } parameters { real m; } model { }").find("m.stan:1:") == 0);
  CHECK(message("transformed data { reject(\"no\"); } parameters { real m; } model { }").find("rejects: no") !=
        std::string::npos);
}

TEST_CASE("random transformed data follow the seed") {
  const Program program =
      parse_program("transformed data { real a = normal_rng(0, 1); } parameters { real m; } model { target += a; }", "m.stan");
  const auto value = [&](std::uint64_t seed) {
    return build_factor_graph(program, *bind_data(program, nullptr, "", seed)).constant;
  };
  CHECK(value(1) == value(1));
  CHECK(value(1) != value(2));
}
