// The LibTorch part: training and inference. Coarse on purpose; no LibTorch type crosses.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <vector>

#include "cli/run.h"
#include "data/json.h"
#include "gnnbench/dataset.h"
#include "gnnbench/partition.h"
#include "gnnbench/train_options.h"
#include "gnnbench/transport.h"
#include "gnnbench/verify.h"

namespace tenfold::gnnbench {

struct TrainInput {
  const TrainPlan& plan;
  const Dataset& data;           // whole, on every worker
  Transport* transport = nullptr;  // null: one worker
};

class TorchPart {
 public:
  virtual ~TorchPart() = default;
  // One worker's side of one run; every worker calls it with the same plan and data. Returns the fields of `train`'s result on
  // rank 0, null elsewhere. Rank 0 evaluates, logs, saves, and writes curve.csv, best/ and dump/ where the run has a directory.
  // Throws Error: infeasible for a loss that is not finite, input for a checkpoint that does not fit.
  virtual Json train(const TrainInput& input, cli::Run& run) = 0;

  // Class probabilities [n, C], row-major, by full-neighbour inference with the model in `folder` (config.json,
  // model.safetensors). Throws Error(input) where model and data do not fit.
  virtual std::vector<float> predict(const std::filesystem::path& folder, const Dataset& data, int threads,
                                     std::int64_t row_chunk) = 0;

  // The identities of losses, gradients and logits on this graph: torch/verify_training.h. Throws what training does.
  virtual std::vector<Check> verify(const Dataset& data, const std::vector<int>& workers, cli::Run& run) = 0;

  // Joins the workers that mpirun started, this process one of them; once a process. Throws Error(machine).
  virtual std::unique_ptr<WorkerTransport> join_workers(const JoinOptions& options) = 0;
};

}  // namespace tenfold::gnnbench
