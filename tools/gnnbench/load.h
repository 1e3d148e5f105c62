// Any input as a Dataset: .gnnb directories (mapped), gnn-benchmark .npz, edge lists, MatrixMarket; with the split, features and
// normalisation that the command line asks for.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "cli/option_table.h"
#include "cli/run.h"
#include "gnnbench/dataset.h"

namespace tenfold::gnnbench {

struct LoadOptions {
  std::string data;                     // DATA
  Direction direction = Direction::symmetric;
  std::string split = "given";          // given | random:0.6,0.2,0.2 | per-class:20,500,1000
  std::uint64_t split_seed = 1;
  std::string features = "given";       // given | degree | identity
  std::string feature_norm = "auto";    // auto | none | l1 | l2 | std
  std::string store = "auto";           // auto | dense | sparse
  std::string node_features;            // a .npy or text file instead of the input's own features
  std::string labels;                   // likewise
  bool verify = false;                  // compare a .gnnb's hashes; not an option of the command line
};
// DATA and the options above. Without a default (a path or "embedded:karate") DATA is required.
void describe_load(LoadOptions& options, cli::OptionTable& table, const std::string& default_data = "");

// What was detected and said on stderr: separator, header, base, mapped ids, missing labels.
struct Loaded {
  Dataset data;
  std::vector<std::string> notes, warnings;
};

// Throws Error(input) with file:line for what section BAD INPUT of the manual lists, Error(usage) for options that do not fit the
// input. Stored norm and direction of a .gnnb are kept, and others refused.
Loaded open_dataset(const LoadOptions& options);

// The same, with notes and warnings given to the run.
Dataset load_dataset(const LoadOptions& options, cli::Run& run);

// Classes without a node; part of load_dataset's warnings.
std::vector<std::string> label_warnings(const Dataset& data);

// What training needs: features, labels, a labelled node to train on. Throws Error(input) with the counts and what to pass;
// returns warnings (classes without a training node, parts that are empty).
std::vector<std::string> require_task(const Dataset& data);

}  // namespace tenfold::gnnbench
