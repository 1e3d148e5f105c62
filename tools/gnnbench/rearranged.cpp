#include "gnnbench/rearranged.h"

#include <algorithm>
#include <memory>
#include <stdexcept>

#include "gnnbench/epoch_order.h"

namespace tenfold::gnnbench {
namespace {

constexpr NodeId kAbsent = -1;

struct Arrays {
  Csr graph;
  std::vector<float> dense, values;
  std::vector<EdgeIndex> indptr;
  std::vector<NodeId> columns;
  std::vector<std::int32_t> labels;
  std::vector<std::uint8_t> split;
};

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

std::vector<NodeId> places(std::int64_t count, std::span<const NodeId> nodes) {
  std::vector<NodeId> place(at(count), kAbsent);
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    if (place[at(nodes[i])] != kAbsent) throw std::invalid_argument("rearranged: a node is named twice");
    place[at(nodes[i])] = static_cast<NodeId>(i);
  }
  return place;
}

Csr induced(CsrView graph, std::span<const NodeId> nodes, std::span<const NodeId> place) {
  Csr out;
  for (const NodeId v : nodes) {
    const auto row_begin = static_cast<std::ptrdiff_t>(out.indices.size());
    for (const NodeId u : graph.row(v))
      if (place[at(u)] != kAbsent) out.indices.push_back(place[at(u)]);
    std::sort(out.indices.begin() + row_begin, out.indices.end());
    out.indptr.push_back(static_cast<EdgeIndex>(out.indices.size()));
  }
  return out;
}

void copy_features(const Features& features, std::span<const NodeId> nodes, Arrays& arrays) {
  if (features.sparse()) {
    arrays.indptr = {0};
    for (const NodeId v : nodes) {
      const auto begin = features.indptr[at(v)], end = features.indptr[at(v) + 1];
      arrays.columns.insert(arrays.columns.end(), features.columns.begin() + begin, features.columns.begin() + end);
      arrays.values.insert(arrays.values.end(), features.values.begin() + begin, features.values.begin() + end);
      arrays.indptr.push_back(static_cast<EdgeIndex>(arrays.columns.size()));
    }
    return;
  }
  arrays.dense.reserve(nodes.size() * at(features.width));
  for (const NodeId v : nodes) {
    const auto row = features.dense.subspan(at(v) * at(features.width), at(features.width));
    arrays.dense.insert(arrays.dense.end(), row.begin(), row.end());
  }
}

}  // namespace

Dataset rearranged(const Dataset& data, std::span<const NodeId> nodes) {
  auto arrays = std::make_shared<Arrays>();
  arrays->graph = induced(data.graph, nodes, places(data.nodes(), nodes));
  if (data.features.width > 0) copy_features(data.features, nodes, *arrays);
  for (const NodeId v : nodes) {
    if (!data.labels.empty()) arrays->labels.push_back(data.labels[at(v)]);
    if (!data.split.empty()) arrays->split.push_back(data.split[at(v)]);
  }
  Dataset out = data;
  out.digest.clear();
  out.node_ids.clear();
  out.graph = arrays->graph.view();
  out.features = {.width = data.features.width,
                  .dense = arrays->dense,
                  .indptr = arrays->indptr,
                  .columns = arrays->columns,
                  .values = arrays->values};
  out.labels = arrays->labels;
  out.split = arrays->split;
  out.storage = std::move(arrays);
  return out;
}

std::vector<NodeId> neighbourhood(const Dataset& data, std::int64_t most, std::uint64_t seed) {
  std::vector<NodeId> roots = epoch_order(RandomKey{seed}, 0, data.part(Part::train));
  for (NodeId v = 0; v < data.nodes(); ++v) roots.push_back(v);
  std::vector<NodeId> found;
  std::vector<bool> seen(at(data.nodes()));
  const auto visit = [&](NodeId v) {
    if (seen[at(v)] || static_cast<std::int64_t>(found.size()) >= most) return;
    seen[at(v)] = true;
    found.push_back(v);
  };
  std::size_t next = 0;
  for (const NodeId root : roots) {
    visit(root);
    for (; next < found.size() && static_cast<std::int64_t>(found.size()) < most; ++next)
      for (const NodeId u : data.graph.row(found[next])) visit(u);
  }
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace tenfold::gnnbench
