// The LibTorch part, as coarse as whole subcommands; no LibTorch type crosses. Each job returns the fields of its result, and
// writes the files of its run directory.
#pragma once

#include "cli/result.h"
#include "cli/run.h"
#include "data/json.h"
#include "mtl-prune/options.h"
#include "mtl-prune/training_options.h"
#include "mtl/train_options.h"

namespace tenfold::mtl_prune {

class TorchPart {
 public:
  virtual ~TorchPart() = default;

  virtual cli::Result train(const mtl::TrainOptions& options, cli::Run& run) = 0;

  virtual Json inspect(const InspectOptions& options, cli::Run& run) = 0;
  virtual Json score(const ScoreOptions& options, cli::Run& run) = 0;
  virtual Json prune(const PruneOptions& options, cli::Run& run) = 0;
  virtual Json verify(const VerifyOptions& options, cli::Run& run) = 0;
  virtual Json apply(const ApplyOptions& options, cli::Run& run) = 0;
  virtual Json latency(const LatencyOptions& options, cli::Run& run) = 0;
  virtual Json iterate(const IterateOptions& options, cli::Run& run) = 0;
  virtual Json retrain(const RetrainOptions& options, cli::Run& run) = 0;
  virtual Json demo(const DemoOptions& options, cli::Run& run) = 0;
};

}  // namespace tenfold::mtl_prune
