// A finished run of `run` or `demo`, read back from its directory.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "mtl-attack/attack_options.h"

namespace tenfold::mtl_attack {

struct RecordedRun {
  std::filesystem::path folder;
  RunOptions options;
  std::uint64_t seed = 1;
  Json result;  // of result.json's envelope
};

// Throws Error input: no such folder, not a finished run of this tool.
RecordedRun read_run(const std::filesystem::path& folder);

// What `demo` runs.
RunOptions demo_options(std::int64_t images);

}  // namespace tenfold::mtl_attack
