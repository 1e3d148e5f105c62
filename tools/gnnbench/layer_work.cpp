// Products by model and order.
#include "gnnbench/layer_work.h"

#include <algorithm>

namespace tenfold::gnnbench {
namespace {

class Counting {
 public:
  Counting(const ModelSpec& model, const LayerShape& shape)
      : shape_(shape),
        in_(static_cast<double>(shape.width_in)),
        out_(static_cast<double>(shape.width_out)),
        sources_(static_cast<double>(shape.rows_in)),
        targets_(static_cast<double>(shape.rows_out)) {
    if (!model.uses_graph())
      multiply(targets_, in_, out_, !shape.first);
    else if (model.kind == ModelKind::gat)
      multiply_then_aggregate(sources_);
    else if (!model.linear_aggregation())
      pool();
    else
      linear(model);
    const bool mean_beside_own = model.kind == ModelKind::sage && model.aggregator != Aggregator::gcn;
    if (mean_beside_own) multiply(targets_, in_, out_, !shape.first);
  }
  LayerWork work;

 private:
  void linear(const ModelSpec& model) {
    if (shape_.aggregated) return multiply(targets_, in_, out_, false);
    if (gemm_first(model, shape_.width_in, shape_.width_out, shape_.entries > 0)) return multiply_then_aggregate(sources_);
    aggregate(in_, !shape_.first);
    multiply(targets_, in_, out_, !shape_.first, false);
  }

  void multiply_then_aggregate(double rows) {
    multiply(rows, in_, out_, !shape_.first);
    aggregate(out_, true);
  }

  // The maximum's backward pass adds one entry a row and column.
  void pool() {
    multiply(sources_, in_, in_, !shape_.first);
    work.forward.push_back(over_edges(in_));
    work.backward.push_back(
        {.dense = false, .rows = targets_, .in = sources_, .out = in_, .flops = targets_ * in_, .bytes = 12 * targets_ * in_});
    multiply(targets_, in_, out_, true, false);
  }

  // x W', and backward dW = dy' x and, where it is wanted, dx = dy W.
  void multiply(double rows, double in, double out, bool input_gradient, bool of_input = true) {
    const bool sparse = of_input && shape_.entries > 0;
    const Product product = sparse ? of_entries(rows, out) : gemm(rows, in, out);
    work.forward.push_back(product);
    work.backward.push_back(product);
    if (input_gradient && !sparse) work.backward.push_back(product);
  }

  void aggregate(double width, bool gradient) {
    work.forward.push_back(over_edges(width));
    if (gradient) work.backward.push_back(over_edges(width));
  }

  static Product gemm(double rows, double in, double out) {
    return {.dense = true,
            .rows = rows,
            .in = in,
            .out = out,
            .flops = 2 * rows * in * out,
            .bytes = 4 * (rows * in + in * out + rows * out)};
  }
  Product of_entries(double rows, double out) const {
    // Of the first rows a proportional share.
    const double nnz = static_cast<double>(shape_.entries) * rows / std::max(sources_, 1.0);
    return {.dense = false,
            .rows = rows,
            .in = in_,
            .out = out,
            .flops = 2 * nnz * out,
            .bytes = nnz * (4 * out + 8) + 4 * rows * out};
  }
  Product over_edges(double width) const {
    const auto nnz = static_cast<double>(shape_.edges);
    return {.dense = false,
            .rows = targets_,
            .in = sources_,
            .out = width,
            .flops = 2 * nnz * width,
            .bytes = nnz * (4 * width + 4) + 4 * targets_ * width};
  }

  const LayerShape& shape_;
  double in_, out_, sources_, targets_;
};

}  // namespace

LayerWork layer_work(const ModelSpec& model, const LayerShape& shape) { return Counting(model, shape).work; }

double flops_of(const std::vector<Product>& products) {
  double sum = 0;
  for (const Product& p : products) sum += p.flops;
  return sum;
}

double bytes_of(const std::vector<Product>& products) {
  double sum = 0;
  for (const Product& p : products) sum += p.bytes;
  return sum;
}

}  // namespace tenfold::gnnbench
