// What `iterate` and `retrain` are told.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/option_table.h"
#include "mtl-prune/options.h"

namespace tenfold::mtl_prune {

// Train, score the training batches, remove the lowest units, go on. The published experiments: --every 500 --step 100 --batch 16
// --lr 5e-5 --epochs 500.
struct IterateOptions {
  ModelOptions model;
  DataOptions data;
  std::string criterion = "cosprune";
  std::string until = "macs=0.7";
  std::string step = "30";  // units an event, or P% of those in scope at first
  std::int64_t every = 25;  // training steps between events
  int batch = 8;
  double lr = 1e-3;
  double weight_decay = 0.01;
  std::int64_t epochs = 500;  // E of the schedule
  std::string allocate = "global";
  std::string normalize = "none";
  std::string scope = "trunk";
  std::string dead = "first";
  std::string private_units = "keep";
  std::int64_t floor = 5;
  std::string couple = "mean";
  std::vector<std::string> exports{"torchscript", "safetensors"};
};

// A pruned network of the same size from new weights, and the pruned weights trained on: which is better?
struct RetrainOptions {
  std::string plan;
  ModelOptions model;
  DataOptions data;
  std::vector<std::string> init{"random", "pruned"};
  int seeds = 3;
  std::int64_t steps = 100;
  std::vector<std::string> lr{"1e-3"};  // several: the best on the validation split
  int batch = 8;
  double weight_decay = 1e-4;
  std::int64_t validate = 50;  // steps between looks at the validation split
};

void describe(IterateOptions& options, cli::OptionTable& table);
void describe(RetrainOptions& options, cli::OptionTable& table);

// Units of an event out of those in scope at first. Throws Error usage.
std::int64_t step_units(const std::string& step, std::int64_t in_scope);
// Throws Error usage.
std::vector<double> learning_rates(const std::vector<std::string>& texts);
SelectOptions select_options(const IterateOptions& options);

}  // namespace tenfold::mtl_prune
