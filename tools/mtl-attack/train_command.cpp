#include "mtl-attack/train_command.h"

#include "cli/torch_part.h"
#include "mtl-attack/torch_part.h"
#include "mtl/train_options.h"

namespace tenfold::mtl_attack {
namespace {

cli::Result train(const mtl::TrainOptions& options, cli::Run& run) {
  return cli::open_torch_part<TorchPart>("mtl-attack")->train(options, run);
}

}  // namespace

cli::Subcommand train_command() {
  return cli::subcommand<mtl::TrainOptions>("train", mtl::kTrainSummary, train, mtl::train_traits("mtl-attack"));
}

}  // namespace tenfold::mtl_attack
