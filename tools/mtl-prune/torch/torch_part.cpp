// The module's object: each method is one job.
#include "mtl-prune/torch_part.h"

#include "cli/torch_part.h"
#include "mtl-prune/torch/jobs.h"
#include "mtl/torch/train_job.h"

namespace tenfold::mtl_prune {
namespace {

class Jobs final : public TorchPart {
 public:
  cli::Result train(const mtl::TrainOptions& options, cli::Run& run) override { return mtl::train(options, run); }
  Json inspect(const InspectOptions& options, cli::Run& run) override { return inspect_job(options, run); }
  Json score(const ScoreOptions& options, cli::Run& run) override { return score_job(options, run); }
  Json prune(const PruneOptions& options, cli::Run& run) override { return prune_job(options, run); }
  Json verify(const VerifyOptions& options, cli::Run& run) override { return verify_job(options, run); }
  Json apply(const ApplyOptions& options, cli::Run& run) override { return apply_job(options, run); }
  Json latency(const LatencyOptions& options, cli::Run& run) override { return latency_job(options, run); }
  Json iterate(const IterateOptions& options, cli::Run& run) override { return iterate_job(options, run); }
  Json retrain(const RetrainOptions& options, cli::Run& run) override { return retrain_job(options, run); }
  Json demo(const DemoOptions& options, cli::Run& run) override { return demo_job(options, run); }
};

}  // namespace
}  // namespace tenfold::mtl_prune

TENFOLD_TORCH_PART(tenfold::mtl_prune::TorchPart, tenfold::mtl_prune::Jobs)
