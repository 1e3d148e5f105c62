#include "gnnbench/rearranged.h"

#include <algorithm>
#include <memory>
#include <numeric>
#include <stdexcept>
#include <utility>

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

Dataset with_fewer_columns(const Dataset& data, std::int64_t most, std::uint64_t seed) {
  const Features& all = data.features;
  if (all.width <= most) return data;
  std::vector<NodeId> chosen(at(all.width));
  std::iota(chosen.begin(), chosen.end(), 0);
  chosen = epoch_order(RandomKey{seed}, 1, chosen);
  chosen.resize(at(most));
  std::sort(chosen.begin(), chosen.end());

  auto arrays = std::make_shared<Arrays>();
  if (all.sparse()) {
    const std::vector<NodeId> place = places(all.width, chosen);
    arrays->indptr = {0};
    for (std::int64_t v = 0; v < data.nodes(); ++v) {
      for (EdgeIndex e = all.indptr[at(v)]; e < all.indptr[at(v) + 1]; ++e) {
        if (place[at(all.columns[at(e)])] == kAbsent) continue;
        arrays->columns.push_back(place[at(all.columns[at(e)])]);
        arrays->values.push_back(all.values[at(e)]);
      }
      arrays->indptr.push_back(static_cast<EdgeIndex>(arrays->columns.size()));
    }
  } else {
    arrays->dense.reserve(at(data.nodes() * most));
    for (std::int64_t v = 0; v < data.nodes(); ++v)
      for (const NodeId column : chosen) arrays->dense.push_back(all.dense[at(v * all.width + column)]);
  }
  Dataset out = data;
  out.digest.clear();
  out.features = {
      .width = most, .dense = arrays->dense, .indptr = arrays->indptr, .columns = arrays->columns, .values = arrays->values};
  out.storage = std::make_shared<std::pair<std::shared_ptr<const void>, std::shared_ptr<const Arrays>>>(data.storage, arrays);
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
