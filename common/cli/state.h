// What a run saves to go on from: a JSON document and named blobs of bytes.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "data/json.h"

namespace tenfold::cli {

// Kept as checkpoint/state.json and one file a blob. A blob's name is a file name ("chain-1.safetensors"); its bytes are the
// tool's business. Doubles in the JSON survive exactly; NaN does not, so non-finite numbers belong in a blob.
struct State {
  Json json;
  std::map<std::string, std::string> blobs;
};

}  // namespace tenfold::cli
