// Log densities and gradients of the programs under tests/hmc-marg/programs, and of those in brms' form under
// sample_data/hmc-marg, as stanli gives them (tests/parity/hmc-marg/grad.py).
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "hmc-marg/model_support.h"

using namespace tenfold;
using namespace tenfold::hmc_marg;

TEST_CASE("programs have the log density and gradient of Stan Math") {
  const std::filesystem::path root = TENFOLD_SOURCE_DIR;
  const data::JsonValue golden = data::read_json(root / "tests/parity/hmc-marg/grad.json");
  const data::JsonValue* programs = golden.find("programs");
  REQUIRE(programs);
  REQUIRE(programs->object().size() >= 12);
  for (const data::JsonMember& entry : programs->object()) {
    INFO(entry.key);
    const auto folder = root / (entry.key.ends_with("_brms") ? "sample_data/hmc-marg" : "tests/hmc-marg/programs");
    const auto model = testing::bind_files(folder / (entry.key + ".stan"), folder / (entry.key + ".json"));
    const TargetSpec spec = testing::joint(model->graph);
    REQUIRE(entry.value.array().size() == (entry.key.ends_with("_brms") ? 4 : 3));
    for (int which = 0; which < static_cast<int>(entry.value.array().size()); ++which) {
      const data::JsonValue& expected = entry.value.array()[static_cast<std::size_t>(which)];
      const std::vector<data::JsonValue>& slopes = expected.find("gradient")->array();
      REQUIRE(static_cast<int>(slopes.size()) == model->graph.free_size);
      std::vector<double> q = testing::point(which, model->graph.free_size);
      if (const data::JsonValue* own = expected.find("q"))
        for (std::size_t i = 0; i < q.size(); ++i) q[i] = own->array().at(i).number;
      std::vector<double> gradient(q.size());
      const double lp = reference_log_density(model->graph.graph, spec, q, gradient) - model->graph.lp_offset;
      INFO("point ", which);
      const double reference = expected.find("lp")->number;
      CHECK(std::abs(lp - reference) <= 1e-9 * std::max(1.0, std::abs(reference)));
      for (std::size_t i = 0; i < q.size(); ++i) {
        INFO("component ", i);
        CHECK(std::abs(gradient[i] - slopes[i].number) <= 1e-9 * std::max(1.0, std::abs(slopes[i].number)));
      }
    }
  }
}
