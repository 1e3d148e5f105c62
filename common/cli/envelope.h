// The result document that every subcommand prints, unless its output is a product.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "data/json.h"

namespace tenfold::cli {

struct EnvelopeFacts {
  std::string schema;                 // "tenfold.hmc-marg.sample/1"
  std::vector<std::string> argv;
  std::optional<std::uint64_t> seed;  // empty, and null in the document, where nothing is random
  int threads = 1;
  std::string started_at;             // RFC 3339
  double elapsed_s = 0;
  double cpu_s = 0;
};

// NaN and infinities in the result become null, and one warning lists where.
Json make_envelope(const EnvelopeFacts& facts, const Json& config, Json result, std::vector<std::string> warnings);

// Replaces NaN and infinity by null; returns the paths of what was replaced ("/summary/3/rhat").
std::vector<std::string> null_non_finite(Json& value);

}  // namespace tenfold::cli
