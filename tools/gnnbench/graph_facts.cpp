// Counting what a dataset holds.
#include "gnnbench/graph_facts.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "gnnbench/feature_table.h"
#include "gnnbench/gnnb_files.h"
#include "gnnbench/split.h"

namespace tenfold::gnnbench {

GraphFacts graph_facts(const Dataset& data) {
  GraphFacts out;
  const auto n = static_cast<std::size_t>(data.nodes());
  std::vector<bool> touched(n, false);
  std::int64_t equal = 0, labelled = 0;
  for (std::size_t v = 0; v < n; ++v) {
    const auto row = data.graph.row(static_cast<std::int64_t>(v));
    out.max_degree = std::max(out.max_degree, static_cast<std::int64_t>(row.size()));
    if (!row.empty()) touched[v] = true;
    for (const NodeId u : row) {
      touched[static_cast<std::size_t>(u)] = true;
      if (data.labels.empty() || data.labels[v] < 0 || data.labels[static_cast<std::size_t>(u)] < 0) continue;
      ++labelled;
      equal += data.labels[v] == data.labels[static_cast<std::size_t>(u)];
    }
  }
  out.isolated = std::count(touched.begin(), touched.end(), false);
  if (labelled > 0) out.homophily = static_cast<double>(equal) / static_cast<double>(labelled);
  return out;
}

Json split_json(const Dataset& data) {
  const SplitCounts counts = count_split(data.split, data.nodes());
  return {{"name", data.split_name}, {"train", counts.train}, {"val", counts.val}, {"test", counts.test}, {"none", counts.none}};
}

Json info_json(const Dataset& data) {
  const GraphFacts facts = graph_facts(data);
  std::vector<std::int64_t> sizes(static_cast<std::size_t>(data.classes), 0);
  std::int64_t unlabelled = data.labels.empty() ? data.nodes() : 0;
  for (const std::int32_t y : data.labels) y < 0 ? ++unlabelled : ++sizes[static_cast<std::size_t>(y)];
  const bool features = data.features.width > 0;
  return {{"name", data.name},
          {"source", data.source},
          {"format", data.format},
          {"digest", data.digest},
          {"direction", name_of(data.direction)},
          {"n", data.nodes()},
          {"nnz", data.graph.edges()},
          {"raw_edges", data.counts.raw_edges},
          {"duplicates", data.counts.duplicates},
          {"self_loops", data.counts.self_loops},
          {"asymmetric", data.counts.asymmetric},
          {"isolated", facts.isolated},
          {"max_degree", facts.max_degree},
          {"homophily", facts.homophily ? Json(*facts.homophily) : Json(nullptr)},
          {"features",
           {{"width", data.features.width},
            {"store", !features                ? "none"
                      : data.features.sparse() ? "sparse"
                                               : "dense"},
            {"norm", data.feature_norm},
            {"nonzeros", nonzeros(data.features)}}},
          {"density", features ? Json(density(data.features, data.nodes())) : Json(nullptr)},
          {"classes", data.classes},
          {"class_sizes", sizes},
          {"unlabelled", unlabelled},
          {"split", split_json(data)}};
}

std::string info_text(const Dataset& data) {
  const Json info = info_json(data);
  std::string out = fmt::format("{} ({}): {} nodes, {} stored edges (direction {})\n", data.name, data.format, data.nodes(),
                                data.graph.edges(), name_of(data.direction));
  out += fmt::format("  input      {} edges: {} self loops and {} duplicates dropped, {} without their reverse\n",
                     data.counts.raw_edges, data.counts.self_loops, data.counts.duplicates, data.counts.asymmetric);
  out += fmt::format("  degrees    at most {}, {} isolated nodes\n", info["max_degree"].get<std::int64_t>(),
                     info["isolated"].get<std::int64_t>());
  if (!info["homophily"].is_null())
    out += fmt::format("  homophily  {:.4f} of the edges join equal labels\n", info["homophily"].get<double>());
  if (data.features.width == 0)
    out += "  features   none\n";
  else
    out += fmt::format("  features   {}, {} ({:.3g} % not zero), norm {}\n", data.features.width,
                       data.features.sparse() ? "sparse" : "dense", 100 * info["density"].get<double>(), data.feature_norm);
  out += fmt::format("  classes    {}, {} nodes without label\n", data.classes, info["unlabelled"].get<std::int64_t>());
  const SplitCounts counts = count_split(data.split, data.nodes());
  out += fmt::format("  split      {}: {} train, {} val, {} test, {} none\n", data.split_name, counts.train, counts.val,
                     counts.test, counts.none);
  return out + "  digest     " + data.digest + "\n";
}

}  // namespace tenfold::gnnbench
