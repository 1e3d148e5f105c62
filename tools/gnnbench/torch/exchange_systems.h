// The exchanges of W > 1 workers, one a system, and what they have in common.
#pragma once

#include <memory>

#include "gnnbench/draws_file.h"
#include "gnnbench/keyed_random.h"
#include "gnnbench/model_spec.h"
#include "gnnbench/torch/compute.h"
#include "gnnbench/torch/exchange.h"
#include "gnnbench/torch/worker_part.h"
#include "gnnbench/transport.h"

namespace tenfold::gnnbench {

// What each of them works on; the transport must outlive it.
struct ExchangeContext {
  std::shared_ptr<const WorkerPart> part;
  Transport* transport = nullptr;
  ComputePtr compute;
  ModelSpec model;
  torch::Dtype dtype = torch::kFloat32;
  bool refetch_input = false;
  bool record_draws = false;
  std::shared_ptr<DrawsFile> replay = nullptr;  // draws in place of drawing; null: none

  // Whether rows travel before this layer; those of layer 0 are constant and exact, unless they travel all the same.
  bool exchanged(int layer) const { return layer > 0 || refetch_input; }
};

// A worker's exchange without memory, whose graph is always the whole part's.
class WorkerExchange : public Exchange {
 public:
  explicit WorkerExchange(const ExchangeContext& context) : context_(context) {}
  void begin(std::uint32_t update) override { update_ = update; }
  GraphPtr graph(int) const override { return context_.part->graph; }
  void end() override {}
  std::optional<std::span<const NodeId>> inner() const override { return context_.part->inner_ids(); }
  LayerRows input(const Features& features) override;
  bool exchanged(int layer) const override { return context_.exchanged(layer); }
  std::map<std::string, torch::Tensor> save() override { return {}; }
  void restore(const std::map<std::string, torch::Tensor>&) override {}
  double spent_s() const override { return spent_s_; }
  std::string stream_digest() const override { return {}; }

 protected:
  ExchangeContext context_;
  std::uint32_t update_ = 0;
  double spent_s_ = 0;
};

// Exact: every boundary row of this update, before each exchanged layer, and every gradient back.
std::unique_ptr<Exchange> make_sync_exchange(const ExchangeContext& context);

// PipeGCN (Wan et al., ICLR 2022): rows and gradients of the update before, none of which the first update has: zeros. Own rows
// leave without being waited for.
std::unique_ptr<Exchange> make_pipe_exchange(const ExchangeContext& context);

// Rows of s = max(1, round(rate |B|)) boundary nodes of each ordered pair of workers, drawn for each update; `floor`: int(rate
// |B|), possibly none. Kept rows are multiplied by |B| / s where aggregation is linear.
std::unique_ptr<Exchange> make_bns_exchange(const ExchangeContext& context, const RandomKey& key, double rate, bool floor);

}  // namespace tenfold::gnnbench
