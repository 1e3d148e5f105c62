// A Stan program with its data, read and partially evaluated: what every subcommand starts from.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "hmc-marg/evaluate.h"
#include "hmc-marg/factor_graph.h"
#include "hmc-marg/plan.h"

namespace tenfold::hmc_marg {

inline constexpr const char* kEmbeddedModel = "embedded:eight-schools";

// Texts and where they come from. A model named embedded:NAME carries its data, if they are shipped.
struct ModelSource {
  std::string program_file, program_text, program_sha256;
  std::string data_file, data_text, data_sha256;  // data_file empty: no data given
};

// "-" is standard input for one of the two. Throws Error(input): missing file; Error(usage): both "-", data given with an
// embedded model that has its own, an unknown embedded name.
ModelSource read_model(const std::string& program, const std::string& data);

struct Model {
  ModelSource source;
  Program program;
  std::shared_ptr<const BoundData> data;
  FactorGraph graph;
  double parse_s = 0, build_s = 0;
};

// seed: of _rng functions in transformed data.
Model load_model(ModelSource source, std::uint64_t seed);

// Parses a JSON file of constrained values (--init, --at). "-" is standard input.
data::JsonValue read_values(const std::string& file);

}  // namespace tenfold::hmc_marg
