// gnnbench partition.
#include "gnnbench/partition_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/sha256.h"
#include "data/npy.h"
#include "gnnbench/graph_facts.h"
#include "gnnbench/load.h"

namespace tenfold::gnnbench {

struct PartitionCommandOptions {
  LoadOptions load;
  int parts = 2;
  PartitionOptions partition;
  std::vector<std::string> widths = {"128"};
};

void describe_partition(PartitionOptions& o, cli::OptionTable& table) {
  table.choice("--partition", o.method,
               {{"metis", PartitionMethod::metis}, {"random", PartitionMethod::random}, {"range", PartitionMethod::range}},
               "how a full graph is divided among workers");
  table.choice("--partition-obj", o.objective, {{"vol", PartitionObjective::vol}, {"cut", PartitionObjective::cut}},
               "what METIS minimises there: rows sent or edges cut");
  table.add("--partition-seed", o.seed, "seed of the partition");
  table.flag("--balance-train", o.balance_train, "divide the training nodes evenly, too");
}

void describe(PartitionCommandOptions& o, cli::OptionTable& table) {
  describe_load(o.load, table, "embedded:karate");
  table.add("--parts", o.parts, "parts, one a worker").shorthand('k').at_least(1);
  describe_partition(o.partition, table);
  table.add("--widths", o.widths, "columns of an exchanged layer, for the bytes of its halo").value_name("N,..");
}

namespace {

std::vector<std::int64_t> parse_widths(const std::vector<std::string>& words) {
  std::vector<std::int64_t> out;
  for (const std::string& word : words) {
    if (word.empty() || word.size() > 9 || word.find_first_not_of("0123456789") != std::string::npos || std::stoll(word) < 1)
      usage_error("--widths: " + word + " is not a number of columns; give 16,128");
    out.push_back(std::stoll(word));
  }
  return out;
}

struct PartTable {
  std::vector<std::int64_t> sizes, train, halo;
  std::vector<std::vector<std::int64_t>> pairs;  // |B_ij|
};

PartTable tabulate(const Dataset& data, const Partition& partition, const Boundary& boundary) {
  const auto k = static_cast<std::size_t>(partition.parts);
  PartTable table{.sizes = std::vector<std::int64_t>(k), .train = std::vector<std::int64_t>(k), .halo = {}, .pairs = {}};
  for (std::size_t v = 0; v < partition.part_of.size(); ++v) {
    const auto part = static_cast<std::size_t>(partition.part_of[v]);
    ++table.sizes[part];
    if (!data.split.empty() && data.split[v] == static_cast<std::uint8_t>(Part::train)) ++table.train[part];
  }
  for (std::size_t w = 0; w < k; ++w) {
    table.halo.push_back(static_cast<std::int64_t>(boundary.halo[w].size()));
    std::vector<std::int64_t> row;
    for (const auto& nodes : boundary.send[w]) row.push_back(static_cast<std::int64_t>(nodes.size()));
    table.pairs.push_back(std::move(row));
  }
  return table;
}

report::Table report_table(const PartTable& table) {
  report::Table out{.title = "Parts", .columns = {"part", "nodes", "training nodes", "halo rows"}, .rows = {}};
  out.caption =
      "Halo rows are those of other parts that a part's nodes aggregate: a full-graph method fetches them, layer by layer. "
      "pair_rows[i][j] of the result counts those of part i that part j fetches.";
  for (std::size_t w = 0; w < table.sizes.size(); ++w)
    out.rows.push_back(
        {std::to_string(w), std::to_string(table.sizes[w]), std::to_string(table.train[w]), std::to_string(table.halo[w])});
  return out;
}

std::vector<report::Bar> bars_of(const PartTable& table) {
  std::vector<report::Bar> out;
  for (std::size_t w = 0; w < table.sizes.size(); ++w) {
    out.push_back({.label = std::to_string(w), .value = static_cast<double>(table.sizes[w]), .group = "own"});
    out.push_back({.label = std::to_string(w), .value = static_cast<double>(table.halo[w]), .group = "halo"});
  }
  return out;
}

cli::Result partition(const PartitionCommandOptions& options, cli::Run& run) {
  const std::vector<std::int64_t> widths = parse_widths(options.widths);
  const Dataset data = load_dataset(options.load, run);
  const bool symmetric = data.direction == Direction::symmetric;
  std::vector<std::uint8_t> train(data.split.size());
  for (std::size_t v = 0; v < train.size(); ++v) train[v] = data.split[v] == static_cast<std::uint8_t>(Part::train);
  if (options.partition.balance_train && std::find(train.begin(), train.end(), 1) == train.end())
    run.warn("no training nodes to divide evenly; --balance-train has nothing to do");
  const Partition parts = partition_graph(data.graph, symmetric, options.parts, train, options.partition);
  run.step({.what = "dividing", .done = 1, .total = 1, .unit = "partition", .note = ""});
  if (run.stop()) run.interrupted();  // SIGINT waits for METIS, SIGTERM ends it
  const Boundary crossing = boundary(data.graph, symmetric, parts);
  const PartTable table = tabulate(data, parts, crossing);
  if (const auto empty = std::count(table.sizes.begin(), table.sizes.end(), 0); empty > 0)
    run.warn(fmt::format("{} of {} parts have no nodes; their workers would have nothing to do", empty, parts.parts));

  const auto bytes = std::as_bytes(std::span(parts.part_of));
  const std::array<std::int64_t, 1> shape = {data.nodes()};
  data::write_npy(run.directory()->claim("parts.npy"), data::NpyType::i32, shape, bytes);

  const std::int64_t halo = crossing.halo_rows();
  Json halo_bytes = Json::array();
  for (const std::int64_t width : widths) halo_bytes.push_back({{"width", width}, {"bytes", halo * width * 4}});
  cli::Result result;
  result.value = {{"data", {{"name", data.name}, {"digest", data.digest}, {"n", data.nodes()}, {"nnz", data.graph.edges()}}},
                  {"parts", parts.parts},
                  {"method", parts.parts == 1 ? "none" : name_of(options.partition.method)},
                  {"cut_edges", crossing.cut_edges},
                  {"halo_rows", halo},
                  {"halo_per_node", static_cast<double>(halo) / static_cast<double>(data.nodes())},
                  {"metis_objective", parts.metis_objective < 0 ? Json() : Json(parts.metis_objective)},
                  {"sizes", table.sizes},
                  {"train_sizes", table.train},
                  {"halo_sizes", table.halo},
                  {"pair_rows", table.pairs},
                  {"halo_bytes", halo_bytes},
                  {"parts_digest", sha256_hex(bytes)}};
  result.asked = fmt::format("How {} divides into {} parts, and what their workers would exchange.", data.name, parts.parts);
  result.answer = fmt::format("{} of {} edges are cut; a full-graph method fetches {} rows for {} nodes in each exchanged layer.",
                              crossing.cut_edges, data.graph.edges() / (symmetric ? 2 : 1), halo, data.nodes());
  result.tables = {report_table(table)};
  result.charts = {report::bars("parts", "Nodes of a part and rows it fetches", bars_of(table), {.x = "part", .y = "rows"})};
  result.human = result.answer + "\n";
  for (std::size_t w = 0; w < table.sizes.size(); ++w)
    result.human += fmt::format("part {:>3}  {:>9} nodes  {:>9} training  {:>9} halo rows\n", w, table.sizes[w], table.train[w],
                                table.halo[w]);
  for (const Json& each : halo_bytes)
    result.human += fmt::format("width {:>4}: {} bytes a layer and direction\n", each["width"].get<std::int64_t>(),
                                each["bytes"].get<std::int64_t>());
  return result;
}

}  // namespace

cli::Subcommand partition_command() {
  return cli::subcommand<PartitionCommandOptions>(
      "partition", "divide a graph among workers, and count what they would exchange", partition,
      {.run_directory = true,
       .examples =
           {"gnnbench partition sample_data/gnn/karate.csv --labels sample_data/gnn/karate_labels.csv -k 2 -o build/parts",
            "gnnbench partition sample_data/gnn/iris.npz --parts 3 --partition-obj cut --widths 16,128 -o build/iris-parts"},
       .description =
           "METIS 5.1.0 k-way with its default options, so that the parts are those of gpmetis of that version; or keyed "
           "random parts, or ranges of ids, of equal sizes."});
}

}  // namespace tenfold::gnnbench
