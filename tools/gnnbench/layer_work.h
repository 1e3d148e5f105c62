// What one layer of an update has to do at least: the products that it makes, forward and backward, with their floating-point
// operations and the bytes that they must move. Elementwise work (dropout, activation, softmax) is not in it.
#pragma once

#include <cstdint>
#include <vector>

#include "gnnbench/model_spec.h"

namespace tenfold::gnnbench {

struct LayerShape {
  std::int64_t rows_in = 0, rows_out = 0;    // sources, destinations
  std::int64_t edges = 0;                    // loops included
  std::int64_t width_in = 0, width_out = 0;  // of rows; gat: width_out of all heads together
  std::int64_t entries = 0;                  // of sparse rows; 0: they are dense
  bool first = false;                        // nothing before it wants a gradient
  bool aggregated = false;                   // A X is known: nothing runs over edges
};

// A GEMM of [rows, in] with [in, out], or a product of a sparse matrix [rows, in] with a dense one [in, out].
struct Product {
  bool dense = true;
  double rows = 0, in = 0, out = 0;
  double flops = 0;  // 2 rows in out; 2 nnz width
  double bytes = 0;  // 4 (rows in + in out + rows out); nnz (4 width + 4) + 4 rows width, sparse features with 4 nnz for values
};

struct LayerWork {
  std::vector<Product> forward, backward;
};

// The products in a fixed order that depends on the model, `first`, `aggregated` and whether there are entries alone.
LayerWork layer_work(const ModelSpec& model, const LayerShape& shape);

// Sums.
double flops_of(const std::vector<Product>& products);
double bytes_of(const std::vector<Product>& products);

}  // namespace tenfold::gnnbench
