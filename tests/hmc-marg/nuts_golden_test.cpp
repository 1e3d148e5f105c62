// The sampler behaves as Stan's: work, acceptance, step size and effective draws per leapfrog over ten seeds
// (tests/parity/hmc-marg/nuts.py, which runs Stan's own sampler).
#include <doctest/doctest.h>

#include <cmath>
#include <numeric>

#include "data/json_reader.h"
#include "hmc-marg/sampling_support.h"
#include "stats/mcmc.h"

using namespace tenfold;
using namespace tenfold::hmc_marg;

namespace {

struct Figures {
  double leapfrogs = 0, accept_stat = 0, step_size = 0, ess_per_leapfrog = 0;
};

Figures figures_of(const SamplerOutput& output) {
  Figures f;
  const ChainReport& chain = output.chains.front();
  f.leapfrogs = static_cast<double>(chain.leapfrogs) / static_cast<double>(output.rows);
  f.accept_stat = chain.accept_stat;
  f.step_size = chain.step_size;
  double least = 1e300;
  for (std::size_t c = 7; c < output.column_names.size(); ++c)
    least = std::min(least, stats::ess_bulk(stats::Draws(testing::draws_of(output, output.column_names[c]))));
  f.ess_per_leapfrog = least / static_cast<double>(chain.leapfrogs);
  return f;
}

}  // namespace

TEST_CASE("sampling without elimination costs and yields what it does in Stan") {
  const std::filesystem::path root = TENFOLD_SOURCE_DIR;
  const data::JsonValue golden = data::read_json(root / "tests/parity/hmc-marg/nuts.json");
  REQUIRE(golden.object().size() == 3);
  for (const data::JsonMember& entry : golden.object()) {
    const std::filesystem::path programs = root / "tests/hmc-marg/programs";
    const std::string data = entry.key == "schools-noncentred" ? (root / "sample_data/hmc-marg/schools.json").string()
                             : entry.key == "logistic"         ? (programs / "logistic.json").string()
                                                               : "";
    Model model = load_model(read_model((programs / (entry.key + ".stan")).string(), data), 1);
    SamplerOptions options;
    options.chains = 1;
    Figures mean;
    constexpr int kSeeds = 10;
    for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
      const Figures f = figures_of(testing::sample(model, {.marginalize = "none", .keep = {}}, options, seed));
      mean.leapfrogs += f.leapfrogs / kSeeds;
      mean.accept_stat += f.accept_stat / kSeeds;
      mean.step_size += f.step_size / kSeeds;
      mean.ess_per_leapfrog += f.ess_per_leapfrog / kSeeds;
    }
    INFO(entry.key, ": leapfrogs ", mean.leapfrogs, " accept_stat ", mean.accept_stat, " step size ", mean.step_size,
         " ESS per leapfrog ", mean.ess_per_leapfrog);
    const auto near = [&](const char* name, double ours) {
      CHECK_MESSAGE(std::abs(ours / entry.value.find(name)->number - 1) < 0.15, std::string(name), " is ",
                    entry.value.find(name)->number, " in Stan");
    };
    near("leapfrogs", mean.leapfrogs);
    near("accept_stat", mean.accept_stat);
    near("step_size", mean.step_size);
    near("ess_per_leapfrog", mean.ess_per_leapfrog);
  }
}
