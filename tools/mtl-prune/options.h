// What the subcommands are told: one struct each, with its defaults.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/option_table.h"
#include "mtl-prune/scores.h"
#include "mtl-prune/select.h"

namespace tenfold::mtl_prune {

// The network, what its outputs mean, and the images it is looked at with.
struct ModelOptions {
  std::string model;
  std::string tasks;  // tasks.json; empty: those that the model carries
  std::string size;   // "96x128"; empty: the tasks' size, the data's, or 96x128
};

struct DataOptions {
  std::string data;  // SPEC; empty: rooms for the embedded model, none for others
  int test_images = 64;
};

struct InspectOptions {
  ModelOptions model;
  std::string arch;  // inspect a built-in network instead
  std::string layout = "shared";
  std::vector<std::string> widths;
};

struct ScoringOptions {
  int batches = 64;
  int batch = 8;
  std::string couple = "mean";
  bool stream = true;
};

struct ScoreOptions {
  ModelOptions model;
  DataOptions data;
  std::vector<std::string> criteria{"cosprune", "taylor", "l1"};
  std::string scope = "trunk";
  ScoringOptions scoring;
};

struct LatencyRuns {
  std::vector<std::string> batch{"1"};
  int runs = 30;  // of each, after the warm-up
};

struct PruneOptions {
  ModelOptions model;
  DataOptions data;
  std::string criterion = "cosprune";
  std::string target = "macs=0.5";
  std::string allocate = "global";
  std::string normalize = "none";
  std::string scope = "trunk";
  std::string dead = "first";
  std::string private_units = "keep";
  double confidence = 0;
  std::int64_t floor = 5;
  std::string round = "1";
  ScoringOptions scoring;
  std::int64_t finetune = 0;  // steps
  double lr = 1e-3;
  int train_batch = 8;
  std::vector<std::string> exports{"torchscript", "safetensors"};
  int latency_runs = 30;  // 0: not measured
};

struct VerifyOptions {
  std::string directory;
  std::string model;  // where the source model lies now; empty: where it lay
};

struct ApplyOptions {
  std::string plan;
  ModelOptions model;
  std::vector<std::string> exports{"torchscript", "safetensors"};
};

struct LatencyOptions {
  std::vector<std::string> models;
  std::string tasks;
  std::string size;
  LatencyRuns runs;
  bool per_layer = false;
};

struct DemoOptions {
  int batches = 24;
  std::int64_t steps = 60;
  int latency_runs = 30;
};

void describe(InspectOptions& options, cli::OptionTable& table);
void describe(ScoreOptions& options, cli::OptionTable& table);
void describe(PruneOptions& options, cli::OptionTable& table);
void describe(VerifyOptions& options, cli::OptionTable& table);
void describe(ApplyOptions& options, cli::OptionTable& table);
void describe(LatencyOptions& options, cli::OptionTable& table);
void describe(DemoOptions& options, cli::OptionTable& table);

// Shared rows, for iterate and retrain too.
void describe_model(ModelOptions& options, cli::OptionTable& table);
void describe_model_rows(ModelOptions& options, cli::OptionTable& table);  // without the input
void describe_data(DataOptions& options, cli::OptionTable& table);
void describe_scoring(ScoringOptions& options, cli::OptionTable& table);

inline constexpr const char* kEmbeddedModel = "embedded:rooms_shared";
inline constexpr const char* kDefaultData = "rooms:n=512,size=96x128";

// "96x128" -> height, width. Throws Error usage.
std::pair<std::int64_t, std::int64_t> parse_size(const std::string& text);
// The words of --export. Throws Error usage.
void check_exports(const std::vector<std::string>& exports);
// What select_units() is asked for. Throws Error usage for words that are none, with the nearest.
SelectOptions select_options(const PruneOptions& options);

}  // namespace tenfold::mtl_prune
