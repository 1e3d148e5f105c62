// The linear-Gaussian part of a model, as plain data: rows r = c + sum_i a_i z_i with r ~ N(0, scale^2), and which scalars are
// whitened. Filled by plan.cpp (rows of factors), compress.cpp and whiten.cpp; read by the block's arithmetic and by recovery.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "hmc-marg/graph.h"

namespace tenfold::hmc_marg {

// number * value(ref) * z; ref 0: number * z. z = kIntercept: a part of the intercept, with no z.
struct AffineTerm {
  std::int32_t z = -1;
  Slot ref = 0;
  double number = 0;
};
inline constexpr std::int32_t kIntercept = -1;

struct BlockRow {
  std::uint32_t first = 0, count = 0;  // its terms in RowSet::terms, sorted by (z, ref), no two alike
  Slot scale = 0;                      // 0: scale 1 (known scales are divided out)
  double known_scale = 1;              // further factor of the scale; divided out (1) except in BlockSystem::priors
  double normalisers = 0;              // how many -log scale - (1/2) log 2 pi it stands for
  std::int32_t variate_of = -1;        // the scalar that alone is the variate of this row's factor, or -1
  std::int32_t together = -1;  // rows of one number are priors together (a vector with a correlated prior), or not at all
  int line = 0;
};

struct RowSet {
  std::vector<BlockRow> rows;
  std::vector<AffineTerm> terms;
  void add(BlockRow row, std::span<const AffineTerm> row_terms) {
    row.first = static_cast<std::uint32_t>(terms.size());
    row.count = static_cast<std::uint32_t>(row_terms.size());
    terms.insert(terms.end(), row_terms.begin(), row_terms.end());
    rows.push_back(row);
  }
  std::span<const AffineTerm> terms_of(const BlockRow& row) const { return {terms.data() + row.first, row.count}; }
};

inline constexpr int kMaxComponent = 64;
inline constexpr int kMaxBorder = 64;

// Shape of the block's matrix: independent components and a border of shared scalars, eliminated last.
struct BlockPartition {
  std::vector<std::int32_t> border;  // scalars of the border, ascending
  std::vector<std::vector<std::int32_t>> components;  // scalars of each component, ascending; by first scalar
  std::vector<std::int32_t> component_of;  // [n], or -1: border
  std::vector<std::int32_t> place_of;  // [n] place in its component, or in the border
  int max_component = 0;
  // Where no border of at most 64 leaves components of at most 64: the scalars of the largest one; then the rest is void.
  std::vector<std::int32_t> stuck;
};

// Scalar i is whitened if prior row priors.rows[prior[i]] defines it: z_i = location + scale * e_i, e_i ~ N(0, 1), where the row
// is r = z_i - location. A term of a prior row whose z is n + k stands for e_k: of a vector with covariance L L', z_i = l_i +
// sum_k L_ik e_k. Otherwise z_i = e_i with no prior of its own ("flat": its density, if any, is among the rows).
struct BlockSystem {
  int n = 0;
  std::vector<Slot> value;  // [n] the slot that z_i replaces in the joint graph
  std::vector<int> parameter;  // [n] index into FactorGraph::parameters
  RowSet priors;  // in z, and in e where z >= n
  std::vector<std::int32_t> prior;  // [n] row of priors, or -1
  std::vector<std::int32_t> order;  // whitened scalars, each after those its location refers to
  RowSet rows;  // in e: the likelihood and all other rows, whitened and compressed
  BlockPartition partition;  // of the scalars, by rows
  long rows_before = 0;  // rows before compression, priors of whitened scalars not counted
  // -(m/2) log 2 pi + ((n - n_whitened)/2) log 2 pi - sum of log of known scales: the known part of the log density.
  double constant = 0;
};

}  // namespace tenfold::hmc_marg
