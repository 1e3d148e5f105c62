// What tests of whole runs share: programs sampled in memory, columns of their draws, the binary started on files.
#pragma once

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/process.h"
#include "cli/scratch.h"
#include "hmc-marg/model.h"
#include "hmc-marg/quiet_run.h"
#include "hmc-marg/sampler.h"

namespace tenfold::hmc_marg::testing {

inline Model load_text(const std::string& program, const std::string& data = "{}") {
  ModelSource source;
  source.program_file = "m.stan";
  source.program_text = program;
  source.data_file = "d.json";
  source.data_text = data;
  return load_model(std::move(source), 1);
}

inline SamplerOutput sample(Model& model, const PlanOptions& plan, const SamplerOptions& options, std::uint64_t seed) {
  QuietRun run(seed);
  const Marginal marginal = marginalize(model.graph, plan);
  return sample_in_memory(model, marginal, options, seed, run);
}

// [chain][row] of a column by name.
inline std::vector<std::vector<double>> draws_of(const SamplerOutput& output, const std::string& name) {
  const auto at = std::find(output.column_names.begin(), output.column_names.end(), name);
  const auto column = static_cast<std::size_t>(at - output.column_names.begin());
  std::vector<std::vector<double>> draws;
  for (const std::vector<double>& values : output.values) {
    draws.emplace_back();
    for (std::size_t i = column; i < values.size(); i += output.column_names.size()) draws.back().push_back(values[i]);
  }
  return draws;
}

// hmc-marg with these arguments; standard error is quiet unless something goes wrong.
inline std::vector<std::string> command(const std::vector<std::string>& arguments) {
  std::vector<std::string> words = {std::string(TENFOLD_BUILD_DIR) + "/bin/hmc-marg"};
  words.insert(words.end(), arguments.begin(), arguments.end());
  return words;
}

}  // namespace tenfold::hmc_marg::testing
