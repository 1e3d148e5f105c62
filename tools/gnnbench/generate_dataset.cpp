// A generated graph as a dataset in memory.
#include <fmt/format.h>

#include "gnnbench/generate.h"
#include "gnnbench/gnnb_store.h"
#include "gnnbench/split.h"

namespace tenfold::gnnbench {

namespace {

struct Storage {
  Csr graph;
  std::vector<std::int32_t> labels;
  std::vector<std::uint8_t> split;
  std::vector<float> features;
};

}  // namespace

std::string generated_source(const GenerateOptions& o) {
  std::string text = fmt::format("{}:nodes={},classes={},features={},feature-scale={},label-noise={},seed={}", name_of(o.kind),
                                 o.nodes, o.classes, o.features, o.feature_scale, o.label_noise, o.seed);
  if (o.kind == GraphKind::dcsbm || o.kind == GraphKind::rmat) text += fmt::format(",degree={}", o.degree);
  if (o.kind == GraphKind::dcsbm) text += fmt::format(",class-probability={},pareto={}", o.class_probability, o.pareto);
  return text;
}

Dataset generate_facts(const GenerateOptions& options, const EdgeCounts& counts) {
  Dataset data;
  data.name = name_of(options.kind);
  data.source = generated_source(options);
  data.format = "generated";
  data.direction = Direction::symmetric;
  data.counts = counts;
  data.classes = options.classes;
  data.split_name = options.split;
  return data;
}

Dataset generate_dataset(const GenerateOptions& options, int threads) {
  check(options);
  auto storage = std::make_shared<Storage>();
  GeneratedNodes nodes = generate_nodes(options, threads);
  BuiltGraph built = generate_graph(options, nodes.classes, threads);
  storage->graph = std::move(built.csr);
  storage->features.resize(static_cast<std::size_t>(options.nodes * options.features));
  generate_features(options, nodes.classes, 0, storage->features, threads);
  storage->labels = std::move(nodes.labels);
  storage->split = make_split(storage->labels, options.classes, options.split, options.split_seed);

  Dataset data = generate_facts(options, built.counts);
  data.graph = storage->graph.view();
  data.features.width = options.features;
  data.features.dense = storage->features;
  data.labels = storage->labels;
  data.split = storage->split;
  data.storage = storage;
  data.digest = dataset_digest(data);
  return data;
}

}  // namespace tenfold::gnnbench
