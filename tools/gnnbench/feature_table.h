// Node features that we own, dense or sparse, and what is done to them: normalising rows or columns, changing the store.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gnnbench/dataset.h"

namespace tenfold::gnnbench {

struct FeatureTable {
  std::int64_t width = 0;         // F; 0: no features
  bool sparse = false;
  std::vector<float> dense;       // [n, F] row-major, where not sparse
  std::vector<EdgeIndex> indptr;  // [n + 1], where sparse
  std::vector<NodeId> columns;    // [nnz], ascending in a row, no entry twice
  std::vector<float> values;      // [nnz]

  Features view() const;  // points into this
  static FeatureTable copy(const Features& features);
};

// Entries that are not zero, of all n * width.
std::int64_t nonzeros(const Features& features);
double density(const Features& features, std::int64_t nodes);  // 0 without features

// Rows sorted by column, equal columns summed, zeros dropped. indptr must rise, columns lie in [0, width).
void tidy_sparse(FeatureTable& table);

FeatureTable to_sparse(const Features& dense);  // entries that are not zero
// Throws Error(infeasible) where [n, F] floats exceed 2^40 bytes.
FeatureTable to_dense(const Features& sparse, std::int64_t nodes);

// Throws Error(input) with the first row and column that is NaN or infinite, and how many more there are.
void require_finite(const Features& features, const std::string& file);

// What `auto` takes: l2 where no entry is negative and at least half of all are zero, else none.
std::string automatic_norm(const Features& features, std::int64_t nodes);

// none; l1, l2: each row divided by its norm (a zero row stays); std: each column less its mean, divided by its standard
// deviation (over n; a constant column by 1). Sums in double. Throws Error(usage) for std on a sparse table, which it would fill.
void normalise(FeatureTable& table, const std::string& norm);

// [ln(1 + d), 1] of each node's degree (row length); the identity as sparse rows.
FeatureTable degree_features(CsrView graph);
FeatureTable identity_features(std::int64_t nodes);

}  // namespace tenfold::gnnbench
