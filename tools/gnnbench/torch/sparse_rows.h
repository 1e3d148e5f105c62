// Sparse features from end to end: X W' by the CSR of X, dW by its transpose. X is never made dense.
#pragma once

#include <torch/torch.h>

#include <memory>
#include <span>

#include "gnnbench/dataset.h"
#include "gnnbench/spmm.h"
#include "gnnbench/torch/dropout.h"

namespace tenfold::gnnbench {

// Rows of X by CSR over features.
struct SparseRows : torch::CustomClassHolder {
  CsrView rows;                 // [rows], indices are features
  std::int64_t width = 0;       // F
  torch::Tensor values;         // [entries]
  std::shared_ptr<const TransposedGraph> transposed;  // [F] rows; null: not differentiated
  std::span<const NodeId> ids;  // [rows] global ids; empty: 0, 1, 2, ...
  std::shared_ptr<const void> storage;
};
using SparsePtr = c10::intrusive_ptr<SparseRows>;

// All rows of a data set's features.
SparsePtr all_sparse_rows(const Features& features, torch::Dtype dtype, bool differentiable);
// The rows of these ids, in their order. `ids` must outlive the result.
SparsePtr gather_sparse_rows(const Features& features, std::span<const NodeId> ids, torch::Dtype dtype, bool differentiable);
// Rows [first, last), not differentiable.
SparsePtr sparse_row_range(const SparseRows& all, std::int64_t first, std::int64_t last);

// Dropout of the stored entries: the same CSR with other values.
SparsePtr dropped_entries(const SparsePtr& x, const DropoutKey& key, Compute& compute);

// The first `count` rows of X times weight' [D', F] -> [count, D'], differentiable by the weight.
torch::Tensor sparse_linear(const SparsePtr& x, const torch::Tensor& weight, std::int64_t count, const ComputePtr& compute);

}  // namespace tenfold::gnnbench
