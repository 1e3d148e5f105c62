// Any text as a Stan program: parsed, checked, and, where it needs no data, evaluated; or an Error that names a place.
#include <string>

#include "base/error.h"
#include "hmc-marg/ast.h"
#include "hmc-marg/evaluate.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tenfold::hmc_marg;
  const EvaluationLimits limits{.statements = 10'000, .scalars = 10'000};
  try {
    const Program program = parse_program(std::string(reinterpret_cast<const char*>(data), size), "fuzz.stan");
    const auto bound = bind_data(program, nullptr, "", /*seed=*/1, limits);
    build_factor_graph(program, *bound, limits);
  } catch (const tenfold::Error&) {
  }
  return 0;
}
