// A lowered network: graph, weights, and the input convention it was made for. As files: NAME.mtg.json beside NAME.safetensors.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "data/json.h"
#include "mtl/graph.h"
#include "mtl/tasks.h"
#include "mtl/tensor.h"

namespace tenfold::mtl {

struct Model {
  Graph graph;
  Weights weights;  // parameters and buffers that nodes name
  std::optional<InputSpec> input;
  std::optional<TaskFile> tasks;  // "tasks" of an MTG that carries them, so that a checkpoint needs no second file
};

// NAME.mtg.json and NAME.safetensors. Throws Error input with file, line and column: unknown operation (named, with its node),
// unknown keys, a parameter that is missing or of the wrong shape, cycles, no output.
Model read_mtg(const std::filesystem::path& path);
Model parse_mtg(std::string_view json, const std::string& file, Weights weights);
std::string mtg_json(const Model& model);  // the same bytes for the same model
// Both files atomically; `stem` is DIR/NAME.
void write_mtg(const std::filesystem::path& stem, const Model& model);

// Every F64/F32/F16/BF16 tensor of the file, widened or rounded to float32.
Weights read_weights(const std::filesystem::path& safetensors);

}  // namespace tenfold::mtl
