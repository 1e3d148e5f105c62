#include "gnnbench/torch/input_rows.h"

#include <algorithm>

#include "gnnbench/torch/row_messages.h"
#include "gnnbench/torch/tensor_span.h"

namespace tenfold::gnnbench {
namespace {

using torch::Tensor;

std::size_t index(std::int64_t i) { return static_cast<std::size_t>(i); }

// Tags of what one pair exchanges here: row lengths, columns, values; dense rows are values.
enum class Piece : std::uint8_t { lengths, columns, values };
int tag_of(Piece piece) { return message_tag(Traffic::setup, 1 + static_cast<int>(piece), 0); }

// own[j] goes to peer j; what comes from peer i is rows begin[i] .. begin[i + 1] of the result.
Tensor trade(const std::vector<Tensor>& own, const std::vector<std::int64_t>& begin, Piece piece, Transport& transport) {
  std::vector<std::int64_t> shape = own[0].sizes().vec();
  shape[0] = begin.back();
  Tensor coming = torch::empty(shape, own[0].options());
  Messages messages(transport);
  for (int peer = 0; peer < transport.size(); ++peer) {
    messages.receive(peer, tag_of(piece), coming.narrow(0, begin[index(peer)], begin[index(peer) + 1] - begin[index(peer)]));
    messages.send(peer, tag_of(piece), own[index(peer)]);
  }
  messages.finish();
  return coming;
}

// Global ids of the rows that go to each peer.
std::vector<std::vector<NodeId>> sent_ids(const WorkerPart& part) {
  std::vector<std::vector<NodeId>> ids = part.crossing.send;
  for (std::vector<NodeId>& rows : ids)
    for (NodeId& row : rows) row = part.ids[index(row)];
  return ids;
}

Tensor dense_rows(const Features& features, std::span<const NodeId> ids, Compute& compute) {
  Tensor rows = torch::empty({static_cast<std::int64_t>(ids.size()), features.width}, torch::kFloat32);
  gather_rows<float>(features.dense, features.width, ids, writable<float>(rows), compute.pool);
  return rows;
}

Tensor fetch_dense(const Features& features, const WorkerPart& part, Transport& transport, Compute& compute) {
  std::vector<Tensor> own;
  for (const std::vector<NodeId>& ids : sent_ids(part)) own.push_back(dense_rows(features, ids, compute));
  const Tensor halo = trade(own, part.crossing.halo_begin, Piece::values, transport);
  return torch::cat({dense_rows(features, part.inner_ids(), compute), halo});
}

// Sparse rows as tensors: entries a row, their columns, their values.
struct Entries {
  std::vector<Tensor> lengths, columns, values;
  void add(const Features& features, std::span<const NodeId> ids) {
    const SparsePtr rows = gather_sparse_rows(features, ids, torch::kFloat32, false);
    const std::span<const EdgeIndex> indptr = rows->rows.indptr;
    std::vector<std::int64_t> counts(ids.size());
    for (std::size_t i = 0; i < ids.size(); ++i) counts[i] = indptr[i + 1] - indptr[i];
    lengths.push_back(torch::tensor(counts, torch::kInt64));
    columns.push_back(torch::empty({rows->rows.edges()}, torch::kInt32));
    std::copy(rows->rows.indices.begin(), rows->rows.indices.end(), writable<std::int32_t>(columns.back()).begin());
    values.push_back(rows->values);
  }
};

SparsePtr fetch_sparse(const Features& features, const WorkerPart& part, Transport& transport, torch::Dtype dtype) {
  Entries own, inner;
  for (const std::vector<NodeId>& ids : sent_ids(part)) own.add(features, ids);
  inner.add(features, part.inner_ids());
  const std::vector<std::int64_t>& halo = part.crossing.halo_begin;
  const Tensor lengths = trade(own.lengths, halo, Piece::lengths, transport);
  std::vector<std::int64_t> begin = {0};
  for (int peer = 0; peer < transport.size(); ++peer)
    begin.push_back(begin.back() +
                    lengths.narrow(0, halo[index(peer)], halo[index(peer) + 1] - halo[index(peer)]).sum().item<std::int64_t>());
  const Tensor columns = torch::cat({inner.columns[0], trade(own.columns, begin, Piece::columns, transport)});
  const Tensor values = torch::cat({inner.values[0], trade(own.values, begin, Piece::values, transport)});

  auto csr = std::make_shared<Csr>();
  const Tensor all_lengths = torch::cat({inner.lengths[0], lengths});  // named: the span below does not keep it
  for (const std::int64_t length : reals<std::int64_t>(all_lengths)) csr->indptr.push_back(csr->indptr.back() + length);
  const std::span<const std::int32_t> all = reals<std::int32_t>(columns);
  csr->indices.assign(all.begin(), all.end());
  auto rows = c10::make_intrusive<SparseRows>();
  rows->rows = csr->view();
  rows->storage = csr;
  rows->width = features.width;
  rows->values = values.to(dtype);
  rows->ids = part.ids;
  rows->transposed = std::make_shared<TransposedGraph>(transpose_with_edges(rows->rows, rows->width));
  return rows;
}

}  // namespace

LayerRows fetch_input_rows(const Features& features, const WorkerPart& part, Transport& transport, torch::Dtype dtype,
                           Compute& compute) {
  LayerRows rows;
  if (features.sparse())
    rows.sparse = fetch_sparse(features, part, transport, dtype);
  else
    rows.dense = fetch_dense(features, part, transport, compute).to(dtype);
  return rows;
}

}  // namespace tenfold::gnnbench
