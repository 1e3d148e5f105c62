// bench-gnnbench [ROW]: one JSON line a row on stdout. bench-gnnbench serve-spmm FOLDER WIDTH THREADS: see rows.h.
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/host.h"
#include "base/version.h"
#include "data/json.h"
#include "rows.h"

namespace {

using namespace tenfold;
using gnnbench::bench::Row;

void print(const Row& row) {
  data::Json line;
  line["name"] = row.name;
  line["unit"] = row.unit;
  line["ours"] = row.ours;
  line["peer"] = row.peer;
  line["peer_name"] = row.peer_name;
  line["ratio"] = row.ratio;
  line["ci"] = row.low ? data::Json{*row.low, *row.high} : data::Json(nullptr);
  line["limit_share"] = row.limit_share ? data::Json(*row.limit_share) : data::Json(nullptr);
  line["threads"] = 1;
  line["cpu"] = cpu_model();
  line["git"] = git_revision();
  line["best_ratio"] = row.best_ratio;
  std::printf("%s\n", line.dump().c_str());
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string wanted = argc > 1 ? argv[1] : "";
  if (wanted == "serve-spmm" && argc == 5) return gnnbench::bench::serve_spmm(argv[2], std::atoll(argv[3]), std::atoi(argv[4]));
  bool found = wanted.empty();
  const auto wants = [&](const std::string& prefix) { return wanted.empty() || wanted.starts_with(prefix); };
  const std::pair<std::string, std::vector<Row> (*)()> groups[] = {{"spmm_read", gnnbench::bench::spmm_rows},
                                                                   {"ns_", gnnbench::bench::sampler_rows}};
  for (const auto& [prefix, rows] : groups) {
    if (!wants(prefix)) continue;
    for (const Row& row : rows()) {
      if (!wanted.empty() && row.name != wanted) continue;
      found = true;
      print(row);
    }
  }
  // A row of the other benches of this tool is not an error here.
  if (!found) std::fprintf(stderr, "bench-gnnbench: no row %s here\n", wanted.c_str());
  return 0;
}
