// bench-mtl-prune serve-units GRAPH SIZE: for tests/parity/mtl-prune/bench_prune.py, which times it against torch-pruning. GRAPH
// is a file of tests/parity/mtl-prune/graphs. For each line on standard input the sets of channels are found anew (shapes
// included), and a line with CPU seconds, units and sets is printed. Without arguments: no rows of its own.
#include <malloc.h>

#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "base/error.h"
#include "base/files.h"
#include "mtl-prune/units.h"
#include "mtl/model.h"

namespace {

using namespace tenfold;

int serve(const std::string& path, std::int64_t size) {
  const nlohmann::json file = nlohmann::json::parse(read_file(path));
  mtl::Weights weights;
  for (const auto& [name, shape] : file["shapes"].items()) weights[name].shape = shape.get<mtl::Shape>();
  const mtl::Model model = mtl::parse_mtg(file["mtg"].dump(), path, std::move(weights));
  mallopt(M_MMAP_THRESHOLD, 1 << 30);  // as in the tool's jobs: pages that were used once are kept
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  for (std::string line; std::getline(std::cin, line);) {
    const double start = process_cpu_s();
    const mtl_prune::Units units = mtl_prune::find_units(model, mtl::infer_shapes(model, {1, 3, size, size}));
    const double seconds = process_cpu_s() - start;
    std::size_t count = 0;
    for (const mtl_prune::UnitSet& set : units.sets) count += set.units.size();
    std::printf("{\"cpu_s\": %.9f, \"units\": %zu, \"sets\": %zu}\n", seconds, count, units.sets.size());
    std::fflush(stdout);
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc == 4 && std::string_view(argv[1]) == "serve-units") return serve(argv[2], std::atoll(argv[3]));
    return 0;
  } catch (const Error& error) {
    std::fprintf(stderr, "bench-mtl-prune: error: %s\n", error.what());
    return static_cast<int>(error.exit_code());
  }
}
