// Reading the chain files of a run, ours or CmdStan's: draws after warm-up, as many of each chain as the shortest has.
#pragma once

#include <string>
#include <vector>

#include "cli/run.h"
#include "data/csv.h"
#include "hmc-marg/summary.h"

namespace tenfold::hmc_marg {

struct ChainFiles {
  std::vector<data::CsvTable> tables;
  ChainDraws draws;  // views into the tables
};

// Throws Error(input): files whose columns differ, a file without draws. Warns of draws left out.
ChainFiles read_chain_files(const std::vector<std::string>& files, cli::Run& run);

// Columns that the sampler itself writes first: lp__, accept_stat__, ...
std::size_t sampler_columns(const std::vector<std::string>& names);

}  // namespace tenfold::hmc_marg
