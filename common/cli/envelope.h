// The result document that every subcommand prints.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/json.h"

namespace tenfold::cli {

struct EnvelopeFacts {
  std::string tool;
  std::string subcommand;      // "sample", "data info"
  std::string schema;          // "sample", "data-info"
  int schema_version = 1;
  std::vector<std::string> argv;
  std::uint64_t seed = 1;
  bool random = false;         // without randomness the seed is null
  int threads = 1;
  std::string started_at;      // RFC 3339
  double elapsed_s = 0;
  double cpu_s = 0;
};

// Adds a warning for each value of result that is NaN or infinite, and makes it null.
Json make_envelope(const EnvelopeFacts& facts, const Json& config,
                                     Json result, std::vector<std::string> warnings);

// Replaces NaN and infinity by null; returns the paths of what was replaced ("/summary/3/rhat").
std::vector<std::string> null_non_finite(Json& value);

}  // namespace tenfold::cli
