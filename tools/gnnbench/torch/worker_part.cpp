#include "gnnbench/torch/worker_part.h"

#include <algorithm>
#include <memory>

namespace tenfold::gnnbench {
namespace {

std::size_t index(std::int64_t i) { return static_cast<std::size_t>(i); }

// The part's rows by local number. A loop stands where its id belongs, so that a row is summed in the whole graph's order.
Csr local_rows(CsrView whole, const WorkerPart& part, std::span<const NodeId> local, bool loop) {
  Csr out;
  out.indptr.reserve(index(part.inner) + 1);
  for (const NodeId v : part.inner_ids()) {
    bool owed = loop;
    for (const NodeId u : whole.row(v)) {
      if (owed && u > v) {
        out.indices.push_back(local[index(v)]);
        owed = false;
      }
      out.indices.push_back(local[index(u)]);
    }
    if (owed) out.indices.push_back(local[index(v)]);
    out.indptr.push_back(static_cast<EdgeIndex>(out.indices.size()));
  }
  return out;
}

// What a graph made here points into.
struct PartStorage {
  std::shared_ptr<const WorkerPart> part;
  Csr rows;
  std::vector<NodeId> ids;
};

GraphPtr new_graph(std::shared_ptr<PartStorage> storage, std::int64_t sources, const ModelSpec& model) {
  auto graph = c10::make_intrusive<LayerGraph>();
  graph->forward = storage->rows.view();
  graph->sources = sources;
  if (model.uses_graph())
    graph->transposed = std::make_shared<TransposedGraph>(transpose_with_edges(graph->forward, graph->sources));
  graph->storage = std::move(storage);
  return graph;
}

}  // namespace

std::int64_t Crossing::sent_rows() const {
  std::int64_t rows = 0;
  for (const std::vector<NodeId>& to_peer : send) rows += static_cast<std::int64_t>(to_peer.size());
  return rows;
}

std::shared_ptr<const WorkerPart> make_worker_part(CsrView whole, bool symmetric, const Partition& partition, int rank,
                                                   const ModelSpec& model, torch::Dtype dtype) {
  auto part = std::make_shared<WorkerPart>();
  const Boundary border = boundary(whole, symmetric, partition);
  for (std::size_t v = 0; v < partition.part_of.size(); ++v)
    if (partition.part_of[v] == rank) part->ids.push_back(static_cast<NodeId>(v));
  part->inner = static_cast<std::int64_t>(part->ids.size());
  const std::vector<NodeId>& halo = border.halo[index(rank)];
  part->ids.insert(part->ids.end(), halo.begin(), halo.end());

  std::vector<NodeId> local(partition.part_of.size(), -1);
  for (std::size_t i = 0; i < part->ids.size(); ++i) local[index(part->ids[i])] = static_cast<NodeId>(i);
  Crossing& crossing = part->crossing;
  crossing.halo_begin = {0};
  for (std::size_t peer = 0; peer < index(partition.parts); ++peer) {
    std::vector<NodeId> rows = border.send[index(rank)][peer];
    for (NodeId& v : rows) v = local[index(v)];
    crossing.send.push_back(std::move(rows));
    crossing.halo_begin.push_back(crossing.halo_begin.back() + static_cast<std::int64_t>(border.send[peer][index(rank)].size()));
  }

  const bool loop = model.adds_loop();
  auto storage = std::make_shared<PartStorage>();
  storage->rows = local_rows(whole, *part, local, loop);
  part->graph = new_graph(storage, static_cast<std::int64_t>(part->ids.size()), model);
  part->graph->source_ids = part->ids;
  if (model.linear_aggregation()) {
    std::vector<double> degrees;
    for (const NodeId v : part->ids) degrees.push_back(static_cast<double>(whole.degree(v) + (loop ? 1 : 0)));
    set_linear_weights(*part->graph, model, degrees, std::span(degrees).first(index(part->inner)), dtype);
  }
  return part;
}

GraphPtr without_other_halo(const std::shared_ptr<const WorkerPart>& part, std::span<const NodeId> kept, const ModelSpec& model) {
  constexpr NodeId kGone = -1;
  std::vector<NodeId> place(part->ids.size(), kGone);
  for (std::int64_t i = 0; i < part->inner; ++i) place[index(i)] = static_cast<NodeId>(i);
  auto storage = std::make_shared<PartStorage>();
  storage->part = part;
  storage->ids.assign(part->ids.begin(), part->ids.begin() + part->inner);
  for (const NodeId u : kept) {
    place[index(u)] = static_cast<NodeId>(storage->ids.size());
    storage->ids.push_back(part->ids[index(u)]);
  }
  const CsrView all = part->graph->forward;
  storage->rows.indptr.reserve(index(part->inner) + 1);
  storage->rows.indices.reserve(index(all.edges()));
  for (std::int64_t v = 0; v < part->inner; ++v) {
    for (const NodeId u : all.row(v))
      if (place[index(u)] != kGone) storage->rows.indices.push_back(place[index(u)]);
    storage->rows.indptr.push_back(static_cast<EdgeIndex>(storage->rows.indices.size()));
  }
  const GraphPtr graph = new_graph(storage, static_cast<std::int64_t>(storage->ids.size()), model);
  graph->source_ids = storage->ids;
  graph->divide = part->graph->divide;
  graph->inverse_divide = part->graph->inverse_divide;
  if (part->graph->scale.defined()) {
    std::vector<std::int64_t> rows(index(part->inner));
    for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = static_cast<std::int64_t>(i);
    rows.insert(rows.end(), kept.begin(), kept.end());
    const torch::Tensor chosen = torch::tensor(rows, torch::kInt64);
    graph->scale = part->graph->scale.index_select(0, chosen);
    graph->inverse_scale = part->graph->inverse_scale.index_select(0, chosen);
  }
  return graph;
}

}  // namespace tenfold::gnnbench
