#include "gnnbench/data_sample_command.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

#include "base/error.h"
#include "gnnbench/load.h"
#include "gnnbench/sampler.h"
#include "gnnbench/system_spec.h"

namespace tenfold::gnnbench {

struct DataSampleOptions {
  LoadOptions load;
  std::string system = "ns:10:10";
  std::vector<std::string> nodes = {"0"};
  std::int64_t draws = 1;
  bool self_loops = true;
};

void describe(DataSampleOptions& o, cli::OptionTable& table) {
  describe_load(o.load, table, "embedded:karate");
  table.add("--system", o.system, "ns or labor with a fanout a hop, next to the seeds first").value_name("ns:K1:..|labor:K1:..");
  table.add("--nodes", o.nodes, "the seeds, as node numbers").value_name("N,..");
  table.add("--draws", o.draws, "batches, the first as of update 0").between(1, 4294967295.0);
  table.add("--self-loops", o.self_loops, "each node's added loop counts in its degree and may be drawn, as in training");
}

namespace {

SystemSpec system_of(const DataSampleOptions& options) {
  SystemSpec system = parse_system(options.system);
  if (system.workers != 1 || !system.overrides.empty())
    usage_error(
        fmt::format("system {}: data sample takes ns or labor with fanouts, without workers and options", options.system));
  if (system.method != Method::ns && system.method != Method::labor)
    usage_error(fmt::format("system {}: it draws no neighbours; data sample takes ns or labor, as in ns:10:10", options.system));
  if (system.fanouts.empty()) system.fanouts = {10, 10};
  return system;
}

std::vector<NodeId> seeds_of(const std::vector<std::string>& words, std::int64_t nodes) {
  std::vector<NodeId> seeds;
  for (const std::string& word : words) {
    const bool digits = !word.empty() && word.size() <= 10 && word.find_first_not_of("0123456789") == std::string::npos;
    const std::int64_t node = digits ? std::stoll(word) : -1;
    if (node < 0 || node >= nodes) usage_error(fmt::format("--nodes {}: node numbers from 0 to {} are needed", word, nodes - 1));
    if (std::find(seeds.begin(), seeds.end(), node) != seeds.end()) usage_error(fmt::format("--nodes: {} stands twice", node));
    seeds.push_back(static_cast<NodeId>(node));
  }
  if (seeds.empty()) usage_error("--nodes: none named; --nodes 3,17 draws for these");
  return seeds;
}

// A line an edge, hop 1 first, destinations in the block's order.
void write_draw(std::ostream& out, std::int64_t draw, const MiniBatch& batch) {
  std::string text;
  for (std::size_t hop = 1; hop <= batch.blocks.size(); ++hop) {
    const Block& block = batch.blocks[batch.blocks.size() - hop];
    for (std::int64_t v = 0; v < block.destinations; ++v)
      for (const NodeId u : block.view().row(v))
        fmt::format_to(std::back_inserter(text), "{{\"draw\": {}, \"hop\": {}, \"dst\": {}, \"src\": {}}}\n", draw, hop,
                       block.sources[static_cast<std::size_t>(v)], block.sources[static_cast<std::size_t>(u)]);
  }
  out << text;
}

cli::Result data_sample(const DataSampleOptions& options, cli::Run& run) {
  const SystemSpec system = system_of(options);
  const Dataset data = load_dataset(options.load, run);
  const SamplerContext context{.graph = data.graph, .added_self_loop = options.self_loops, .key = {run.seed()}};
  const auto sampler = (system.method == Method::ns ? make_ns : make_labor)(context, system.fanouts);
  const std::vector<NodeId> seeds = seeds_of(options.nodes, data.nodes());
  for (std::int64_t draw = 0; draw < options.draws; ++draw) {
    write_draw(run.product(), draw, sampler->sample(static_cast<std::uint32_t>(draw), seeds));
    run.step({.what = "drawing",
              .done = static_cast<double>(draw + 1),
              .total = static_cast<double>(options.draws),
              .unit = "draws",
              .note = ""});
    if (run.stop()) run.interrupted();
  }
  return {};
}

}  // namespace

cli::Subcommand data_sample_command() {
  return cli::subcommand<DataSampleOptions>(
      "data sample", "what a sampler draws, a JSON line an edge", data_sample,
      {.random = true,
       .product = "application/x-ndjson",
       .examples = {"gnnbench data sample sample_data/gnn/karate.csv --system ns:5:5 --nodes 3,17 --draws 2",
                    "gnnbench data sample --system labor:3 --nodes 0,33 --self-loops off --seed 7"},
       .description =
           "Draw i is what training with the same seed draws for these seeds in update i, whatever the other seeds of its "
           "batch. Numbers are the graph's own, from 0."});
}

}  // namespace tenfold::gnnbench
