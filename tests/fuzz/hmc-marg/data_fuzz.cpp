// Any bytes as the data of a program that declares one variable of each kind: bound, or an Error.
#include <string_view>

#include "base/error.h"
#include "data/json_reader.h"
#include "hmc-marg/ast.h"
#include "hmc-marg/evaluate.h"

namespace {

using namespace tenfold::hmc_marg;

Program every_kind() {
  return parse_program(
      "data {\n"
      "  int<lower=0> N;\n"
      "  int<lower=0> K;\n"
      "  array[N] int<lower=0, upper=K> group;\n"
      "  vector<lower=0>[N] weight;\n"
      "  row_vector[K] r;\n"
      "  matrix[N, K] x;\n"
      "  array[N, K] real cube;\n"
      "  array[2] simplex[K] share;\n"
      "}\n"
      "transformed data { real total = sum(weight); }\n"
      "parameters { vector[K] beta; }\n"
      "model { beta ~ normal(0, 1); target += dot_product(x * beta, weight) * total; }\n",
      "every_kind.stan");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Program program = every_kind();
  const EvaluationLimits limits{.statements = 10'000, .scalars = 10'000};
  try {
    const auto json = tenfold::data::parse_json({reinterpret_cast<const char*>(data), size}, "fuzz.json");
    const auto bound = bind_data(program, &json, "fuzz.json", /*seed=*/1, limits);
    build_factor_graph(program, *bound, limits);
  } catch (const tenfold::Error&) {
  }
  return 0;
}
