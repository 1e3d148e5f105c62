// The module's object: networks on LibTorch.
#include <torch/torch.h>

#include "base/error.h"
#include "cli/torch_part.h"
#include "mtl-attack/torch/network_victim.h"
#include "mtl-attack/torch_part.h"
#include "mtl/shapes.h"
#include "mtl/torch/train_job.h"

namespace tenfold::mtl_attack {
namespace {

class Networks final : public TorchPart {
 public:
  std::unique_ptr<Victim> open(const VictimFile& file, std::int64_t height, std::int64_t width) override {
    mtl::set_up_training();
    const mtl::ModelFile model{file.model, file.tasks};
    VictimFacts facts;
    facts.path = file.model;
    std::shared_ptr<const mtl::Network> network;
    const bool graph_file = file.model.ends_with(".json") || file.model.starts_with("embedded:");
    if (!graph_file && !file.lower) {
      network = mtl::load_network(model, false, height, width);
    } else {
      const mtl::TaskModel graph = mtl::load_task_model(model, height, width);
      facts.macs = mtl::cost(graph.model, height, width).macs;
      network = mtl::make_network(graph);
    }
    facts.weights_sha256 = network->weights_sha256();
    facts.params = network->parameters();
    return make_victim(std::move(network), std::move(facts));
  }

  cli::Result train(const mtl::TrainOptions& options, cli::Run& run) override { return mtl::train(options, run); }
};

}  // namespace
}  // namespace tenfold::mtl_attack

TENFOLD_TORCH_PART(tenfold::mtl_attack::TorchPart, tenfold::mtl_attack::Networks)
