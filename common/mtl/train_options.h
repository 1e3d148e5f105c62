// What `train` of mtl-prune and mtl-attack is told: the network, its data, and the optimisation.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/option_table.h"
#include "cli/subcommand.h"

namespace tenfold::mtl {

struct TrainOptions {
  std::string model;             // a model whose weights to start from; empty: --arch with new ones
  std::string arch = "rooms-net";
  std::string layout = "shared";
  std::vector<std::string> widths;  // of vgg16's 13 convolutions; empty: the architecture's own
  std::string tasks;             // tasks.json; empty: the model's, or those of rooms
  std::string data = "rooms:n=256,size=96x128";
  std::string test;              // a set of the same form; empty: the test split of DATA's
  int test_images = 64;
  std::int64_t steps = 200;
  int batch = 8;
  double lr = 1e-3;
  std::string optimizer = "adamw";
  double weight_decay = 0.01;
  std::string schedule = "cosine";
  std::string weights = "equal";  // equal | uw | dwa, or a JSON file {TASK: weight}
  bool augment = false;
  std::int64_t every = 100;       // steps between lines of the log
};

void describe(TrainOptions& options, cli::OptionTable& table);

// What `train` is to the command line, in this tool.
cli::Traits train_traits(const std::string& tool);
inline constexpr const char* kTrainSummary = "train a multi-task network";

}  // namespace tenfold::mtl
