// Any input as a Dataset: .gnnb directories (mapped), gnn-benchmark .npz, edge lists, MatrixMarket; with the split, features and
// normalisation that the command line asks for.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "cli/option_table.h"
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
  std::string node_features;            // edge lists: .npy or .csv
  std::string labels;                   // edge lists: .npy or .csv
};
// DATA (default "embedded:..." or sample_data where the subcommand has a default) and the options above.
void describe_load(LoadOptions& options, cli::OptionTable& table);

// What was detected and said on stderr: separator, header, base, mapped ids, missing labels.
struct Loaded {
  Dataset data;
  std::vector<std::string> notes, warnings;
};

// Throws Error(input) with file:line for what section 7 of the manual lists, Error(usage) for options that do not fit the input.
Loaded open_dataset(const LoadOptions& options);

}  // namespace tenfold::gnnbench
