// The LibTorch part: opens a network, of which the LibTorch-free attacks ask losses and gradients; and trains.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "cli/result.h"
#include "cli/run.h"
#include "mtl-attack/victim.h"
#include "mtl/train_options.h"

namespace tenfold::mtl_attack {

struct VictimFile {
  std::string model;  // NAME.pt, NAME.mtg.json, NAME.json, embedded:NAME
  std::string tasks;  // "": those the model carries
  bool lower = false; // TorchScript through the graph executor instead of natively
};

class TorchPart {
 public:
  virtual ~TorchPart() = default;
  // For images of height x width. Throws Error: usage for tasks.json, input for the model.
  virtual std::unique_ptr<Victim> open(const VictimFile& file, std::int64_t height, std::int64_t width) = 0;

  // The subcommand `train`.
  virtual cli::Result train(const mtl::TrainOptions& options, cli::Run& run) = 0;
};

}  // namespace tenfold::mtl_attack
