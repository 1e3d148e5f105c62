// The module's object: training and inference on LibTorch.
#include <malloc.h>
#include <torch/torch.h>

#include "base/error.h"
#include "base/files.h"
#include "cli/torch_part.h"
#include "gnnbench/torch/baseline_run.h"
#include "gnnbench/torch/evaluate.h"
#include "gnnbench/torch/train_run.h"
#include "gnnbench/torch/transport_mpi.h"
#include "gnnbench/torch/verify_training.h"
#include "gnnbench/torch_part.h"

namespace tenfold::gnnbench {
namespace {

// Every update asks for the same arrays again. By default those above 32 MB are given back to the system as they are freed, and
// their pages cleared and mapped anew the next time: a third of an epoch on 169,000 nodes. They stay with the process instead.
void keep_freed_memory() {
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  mallopt(M_TRIM_THRESHOLD, -1);
}

// Moments of features that are rarely seen decay into denormals, which cost a hundred times as much. LibTorch's threads, made
// later, take the setting over.
void set_up_libtorch(int threads) {
  keep_freed_memory();
  at::globalContext().setFlushDenormal(true);
  at::set_num_threads(threads);
}

class Training final : public TorchPart {
 public:
  Json train(const TrainInput& input, cli::Run& run) override {
    set_up_libtorch(run.threads());
    if (input.plan.system.method == Method::labelprop) return run_label_propagation(input, run);
    return TrainRun(input, run).train();
  }

  std::vector<float> predict(const std::filesystem::path& folder, const Dataset& data, int threads,
                             std::int64_t row_chunk) override {
    set_up_libtorch(threads);
    const StoredModel model = parse_model((folder / "config.json").string());
    if (model.features != data.features.width)
      input_error(data.source + ": " + std::to_string(data.features.width) + " features where the model takes " +
                  std::to_string(model.features));
    Network network(model.spec, model.features, model.classes, RandomKey{}, torch::kFloat32,
                    c10::make_intrusive<Compute>(threads));
    const std::string weights = (folder / "model.safetensors").string();
    load_parameters(network.parameters(), read_file(weights), weights);
    const torch::Tensor probabilities = torch::softmax(infer(network, data, row_chunk), 1).contiguous();
    const float* values = probabilities.const_data_ptr<float>();
    return {values, values + probabilities.numel()};
  }

  std::vector<Check> verify(const Dataset& data, const std::vector<int>& workers, cli::Run& run) override {
    at::set_num_threads(run.threads());
    return training_checks(data, workers, run);
  }

  std::unique_ptr<WorkerTransport> join_workers(const JoinOptions& options) override { return join_mpi(options); }
};

}  // namespace
}  // namespace tenfold::gnnbench

TENFOLD_TORCH_PART(tenfold::gnnbench::TorchPart, tenfold::gnnbench::Training)
