// gnnbench data generate. Features, the largest part, are made and written block by block and never lie in memory as a whole.
#include "gnnbench/data_generate_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/stop.h"
#include "gnnbench/generate.h"
#include "gnnbench/gnnb_output.h"
#include "gnnbench/graph_facts.h"
#include "gnnbench/split.h"

namespace tenfold::gnnbench {

struct DataGenerateOptions {
  GenerateOptions generate;
  GnnbOutput output;
};

void describe(DataGenerateOptions& o, cli::OptionTable& table) {
  GenerateOptions& g = o.generate;
  table.choice("--kind", g.kind,
               {{"dcsbm", GraphKind::dcsbm},
                {"rmat", GraphKind::rmat},
                {"ring", GraphKind::ring},
                {"grid", GraphKind::grid},
                {"star", GraphKind::star},
                {"path", GraphKind::path}},
               "the rule that makes the edges");
  table.add("--nodes", g.nodes, "nodes").at_least(1);
  table.add("--degree", g.degree, "mean degree before loops and repetitions are dropped (dcsbm, rmat)").at_least(0);
  table.add("--classes", g.classes, "classes, uniform over the nodes").at_least(1);
  table.add("--features", g.features, "width of the feature rows; 0: none").at_least(0);
  table.add("--class-probability", g.class_probability, "that an edge ends in its first node's class by intent (dcsbm)")
      .between(0, 1);
  table.add("--pareto", g.pareto, "exponent of the degrees' law (dcsbm)").above(0);
  table.add("--feature-scale", g.feature_scale, "distance of the classes' features, in standard deviations a dimension")
      .at_least(0);
  table.add("--label-noise", g.label_noise, "share of the labels that are drawn again at last").between(0, 1);
  table.add("--split", g.split, "random:a,b,c or per-class:t,v,s");
  table.add("--split-seed", g.split_seed, "seed of the split");
  describe_output(o.output, table);
}

namespace {

constexpr std::int64_t kBlockFloats = std::int64_t{1} << 22;  // of features in memory at a time

template <class T>
std::span<const std::byte> bytes_of(const std::vector<T>& values) {
  return std::as_bytes(std::span(values));
}

// Returns how many entries are not zero.
std::int64_t write_features(GnnbWriter& writer, const GenerateOptions& options, std::span<const std::int32_t> classes,
                            cli::Run& run) {
  const std::int64_t rows = std::max<std::int64_t>(1, kBlockFloats / options.features);
  std::vector<float> block;
  std::int64_t nonzeros = 0;
  writer.begin("features.npy", data::NpyType::f32, {options.nodes, options.features});
  for (std::int64_t first = 0; first < options.nodes; first += rows) {
    leave_if_stopped();
    block.resize(static_cast<std::size_t>(std::min(rows, options.nodes - first) * options.features));
    generate_features(options, classes, first, block, run.threads());
    writer.write(bytes_of(block));
    nonzeros += static_cast<std::int64_t>(block.size()) - std::count(block.begin(), block.end(), 0.0f);
    run.step({"writing features", static_cast<double>(std::min(first + rows, options.nodes)), static_cast<double>(options.nodes),
              "rows", ""});
  }
  writer.end();
  return nonzeros;
}

cli::Result data_generate(const DataGenerateOptions& command, cli::Run& run) {
  GenerateOptions options = command.generate;
  options.seed = run.seed();
  check(options);
  if (options.split == "given") usage_error("--split given: a generated graph brings none; give random:0.5,0.15,0.35");
  check_split_rule(options.split);
  GnnbWriter writer(target_of(command.output, name_of(options.kind)));

  const GeneratedNodes nodes = generate_nodes(options, run.threads());
  const BuiltGraph graph = generate_graph(options, nodes.classes, run.threads());
  const std::vector<std::uint8_t> split = make_split(nodes.labels, options.classes, options.split, options.split_seed);
  const auto edges = static_cast<std::int64_t>(graph.csr.indices.size());
  writer.array("indptr.npy", data::NpyType::i64, {options.nodes + 1}, bytes_of(graph.csr.indptr));
  writer.array("indices.npy", data::NpyType::i32, {edges}, bytes_of(graph.csr.indices));
  const std::int64_t nonzeros = options.features > 0 ? write_features(writer, options, nodes.classes, run) : 0;
  writer.array("labels.npy", data::NpyType::i32, {options.nodes}, bytes_of(nodes.labels));
  writer.array("split.npy", data::NpyType::u8, {options.nodes}, bytes_of(split));

  Dataset data = generate_facts(options, graph.counts);
  const GnnbWriter::Written written = writer.finish(data);
  if (!command.output.out) run.note("the graph is in " + written.path.string());

  // What data info would say, without reading the features back.
  data.digest = written.digest;
  data.graph = graph.csr.view();
  data.labels = nodes.labels;
  data.split = split;
  cli::Result result;
  result.value = written_json(written);
  Json& info = result.value["info"] = info_json(data);
  if (options.features > 0) {
    info["features"] = {{"width", options.features}, {"store", "dense"}, {"norm", "none"}, {"nonzeros", nonzeros}};
    info["density"] = static_cast<double>(nonzeros) / static_cast<double>(options.nodes * options.features);
  }
  result.human =
      fmt::format("{}: {} nodes, {} edges, degrees up to {}, {} features, {} bytes\n", written.path.string(), written.nodes,
                  written.edges, info["max_degree"].get<std::int64_t>(), options.features, written.bytes);
  return result;
}

}  // namespace

cli::Subcommand data_generate_command() {
  return cli::subcommand<DataGenerateOptions>(
      "data generate", "make a graph by rule, and write it as a .gnnb folder", data_generate,
      {.random = true,
       .threads = true,
       .examples = {"gnnbench data generate --kind dcsbm --nodes 2000 --degree 14 -o build/dcsbm.gnnb",
                    "gnnbench data generate --kind rmat --nodes 5000 --degree 14 --features 16 -o build/rmat.gnnb",
                    "gnnbench data generate --kind grid --nodes 900 --classes 4 --features 8 -o build/grid.gnnb"},
       .description =
           "dcsbm, a stochastic block model whose degrees follow a power law, is the demo's graph. Labels, features and "
           "split are made alike for every kind; the bytes depend on the options and --seed alone."});
}

}  // namespace tenfold::gnnbench
