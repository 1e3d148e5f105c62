// One worker's share of an update: what full-graph and mini-batch systems do differently. The loop around it (clock, reduction,
// Adam, evaluation, checkpoints) is the same for all: train_run.h.
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "gnnbench/run_clock.h"
#include "gnnbench/torch/layer_profile.h"
#include "gnnbench/torch/network.h"
#include "gnnbench/torch_part.h"

namespace tenfold::gnnbench {

// What --dump-updates keeps of a forward pass.
struct UpdateRecord {
  std::vector<std::int64_t> nodes;  // global ids
  torch::Tensor logits;             // [nodes, C]
};

// Who looks on while an update is computed; each may be null.
struct Watch {
  UpdateRecord* record = nullptr;
  LayerProfile* profile = nullptr;
};

class Engine {
 public:
  virtual ~Engine() = default;

  // Adds to the parameters' gradients those of this worker's share of the loss, the sum over its labelled nodes of the update
  // divided by their number on all workers. Returns that share; the shares' sum is the loss.
  virtual double backward(std::uint32_t update, RunClock& clock, const Watch& watch) = 0;

  // Labelled nodes of the update on all workers: 0 means that it has no loss.
  virtual std::int64_t loss_nodes(std::uint32_t update) = 0;

  // What this worker drew in the last update, as lines of a draws file; kept with --record-draws alone.
  virtual std::string draws() const = 0;

  // Digest of what this worker drew so far; empty: nothing is drawn.
  virtual std::string stream_digest() const = 0;

  // What a checkpoint keeps of this worker besides the weights, as bytes.
  virtual std::string save() = 0;
  virtual void restore(const std::string& saved) = 0;
};

// `resumed`: what precomputation costs was charged before. The input's plan, data and transport must outlive the engine.
std::unique_ptr<Engine> make_full_graph_engine(const TrainInput& input, const Network& network, std::uint64_t seed,
                                               RunClock& clock, bool resumed);
std::unique_ptr<Engine> make_mini_batch_engine(const TrainInput& input, const Network& network, std::uint64_t seed,
                                               RunClock& clock);

// Sum over `rows` of the cross-entropy with their labels, divided by `total`.
torch::Tensor cross_entropy(const torch::Tensor& logits, const torch::Tensor& rows, const torch::Tensor& labels,
                            std::int64_t total);

}  // namespace tenfold::gnnbench
