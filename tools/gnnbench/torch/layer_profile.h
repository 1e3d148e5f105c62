// Where the time of an update goes, layer by layer (train --explain): measured seconds beside those in which the layer's products
// can be made on this machine. Of this worker, and of the updates since the run began or was resumed.
#pragma once

#include <torch/torch.h>

#include <vector>

#include "data/json.h"
#include "gnnbench/layer_work.h"
#include "gnnbench/torch/compute.h"
#include "gnnbench/torch/network.h"
#include "gnnbench/transport_counting.h"

namespace tenfold::gnnbench {

class Exchange;

// Sources, destinations, edges and widths of a layer that took `in` and gave `out`. graph may be null (mlp).
LayerShape layer_shape(const LayerRows& in, const GraphPtr& graph, const torch::Tensor& out);

class LayerProfile {
 public:
  // `counting` is the transport that counts what layers exchange; null: one worker.
  LayerProfile(const ModelSpec& model, const CountingTransport* counting) : model_(model), counting_(counting) {}

  // In this order in each update, layer_begins() and layer_ends() once a layer. `exchange` may be null; rows that travel before a
  // layer belong to it. The backward pass is followed by hooks on the layers' outputs: a layer's backward time is from when its
  // output's gradient is there until that of the layer before is.
  void begin_update(const Exchange* exchange);
  void layer_begins();
  void layer_ends(int layer, LayerShape shape, const torch::Tensor& out);
  void backward_ends();

  // {updates, threads, read_bytes_per_s, layers: [{layer, width_in, width_out, rows_in, rows_out, edges, forward, backward}]},
  // each pass {flops, bytes, time_s, limit_s, fraction_of_limit, exchanged_bytes, exchange_s}. Seconds are medians over updates,
  // the rest means. Measures the machine's rates first, which takes a second or so and memory.
  Json explain(Compute& compute) const;

 private:
  struct Mark {
    double at_s = 0, exchange_s = 0;
    std::uint64_t exchanged = 0;
  };
  struct Pass {
    std::vector<Product> products;  // sums over the updates
    std::vector<double> time_s, exchange_s;
    double exchanged = 0;
  };
  struct Layer {
    LayerShape last;
    double rows_in = 0, rows_out = 0, edges = 0;  // sums
    Pass forward, backward;
  };

  Mark mark(Traffic traffic) const;
  static void count(Pass& pass, const Mark& from, const Mark& to);
  static void add(Pass& pass, const std::vector<Product>& products);
  Json pass_json(const Pass& pass, double updates, ThreadPool& pool) const;

  ModelSpec model_;
  const CountingTransport* counting_;
  const Exchange* exchange_ = nullptr;
  Mark began_;
  std::vector<Mark> gradients_;  // when the gradient of each layer's output was there, in this update
  std::vector<Layer> layers_;
};

}  // namespace tenfold::gnnbench
