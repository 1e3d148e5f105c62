// The seam between a full-graph worker's layers and its peers: who sends which rows when. A worker holds inner rows (its part,
// by ascending id) and halo rows (remote in-neighbours, by owner and id). One worker: nothing to exchange.
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "gnnbench/torch/layer_graph.h"
#include "gnnbench/torch/network.h"
#include "gnnbench/torch_part.h"

namespace tenfold::gnnbench {

class Exchange {
 public:
  virtual ~Exchange() = default;

  // The rows of layer 0, in the order of graph(0)->source_ids: fetched once, where they come from others, as set-up. Where rows
  // of layer 0 travel at every update, the inner ones alone.
  virtual LayerRows input(const Features& features) = 0;
  // Before the forward pass of an update (updates count from 0).
  virtual void begin(std::uint32_t update) = 0;
  // What layer `layer` takes in: inner rows [inner, D] of h^layer, before dropout, become [inner + halo, D] in the order of
  // graph(layer)->source_ids. Called once a layer in ascending order, for the exchanged layers 1 .. L-1, and 0 where constant
  // rows travel, too. Differentiable: the backward pass of the returned tensor sends the gradients of halo rows to their owners,
  // who add them.
  virtual torch::Tensor rows(const torch::Tensor& inner, int layer) = 0;
  // Whether rows() stands before this layer.
  virtual bool exchanged(int layer) const = 0;
  // Whether received rows are of this very update: their owner's ReLU then stops the gradients of what is 0 in them.
  virtual bool fresh() const { return true; }
  // The graph that a layer aggregates over in this update; degrees (scale, divide) are the whole graph's. Valid until begin().
  virtual GraphPtr graph(int layer) const = 0;
  // After the backward pass: nothing of this update is under way any more that the next one does not await itself.
  virtual void end() = 0;

  // Global ids of the inner rows, ascending; none: all n. A part may have no nodes.
  virtual std::optional<std::span<const NodeId>> inner() const = 0;

  // What a checkpoint must keep besides weights (received rows, messages under way); empty for memoryless methods.
  virtual std::map<std::string, torch::Tensor> save() = 0;
  virtual void restore(const std::map<std::string, torch::Tensor>& state) = 0;
  // Seconds spent sending, receiving and waiting so far, forward and backward.
  virtual double spent_s() const = 0;
  // What this worker drew for the update (bns: what it sends whom), as lines of a draws file; empty: nothing, or it is not
  // recorded.
  virtual std::string draws() const { return {}; }
  // What went into stream_digest (bns: kept ids), lower-case hexadecimal; empty: nothing is drawn.
  virtual std::string stream_digest() const = 0;
};

// The exchange of the plan's system on this worker. One worker: the whole graph, rows unchanged. W > 1: rank 0 partitions the
// graph and tells the others.
std::unique_ptr<Exchange> make_exchange(const TrainInput& input, const Network& network, const RandomKey& key);

}  // namespace tenfold::gnnbench
