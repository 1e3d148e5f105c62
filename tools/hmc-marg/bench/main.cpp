// bench-hmc-marg [ROW]: one JSON line a row on stdout.
#include <cstdio>
#include <optional>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/host.h"
#include "base/version.h"
#include "data/json.h"
#include "rows.h"

namespace {

using namespace tenfold;
using hmc_marg::bench::Row;

data::Json number(const std::optional<double>& x) { return x ? data::Json(*x) : data::Json(nullptr); }

void print(const Row& row) {
  data::Json line;
  line["name"] = row.name;
  line["unit"] = row.unit;
  line["ours"] = row.ours;
  line["peer"] = number(row.peer);
  line["peer_name"] = row.peer_name.empty() ? data::Json(nullptr) : data::Json(row.peer_name);
  line["ratio"] = number(row.ratio);
  line["ci"] = row.low ? data::Json{*row.low, *row.high} : data::Json(nullptr);
  line["limit_share"] = number(row.limit_share);
  line["threads"] = 1;
  line["cpu"] = cpu_model();
  line["git"] = git_revision();
  std::printf("%s\n", line.dump().c_str());
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  const std::pair<std::string, Row (*)()> rows[] = {
      {"eight_schools_gradient", hmc_marg::bench::eight_schools_gradient},
      {"regression_gradient", hmc_marg::bench::regression_gradient},
      {"lowering_time", hmc_marg::bench::lowering_time},
      {"hierarchical_normal_gradient", hmc_marg::bench::hierarchical_normal_gradient}};
  bool found = argc < 2;
  for (const auto& [name, row] : rows) {
    if (argc >= 2 && name != argv[1]) continue;
    found = true;
    print(row());
  }
  // A row of the other benches of this tool is not an error here.
  if (!found) std::fprintf(stderr, "bench-hmc-marg: no row %s here\n", argv[1]);
  return 0;
}
