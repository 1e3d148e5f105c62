// A TorchScript module as a network of tasks, run natively.
#pragma once

#include <memory>

#include "mtl/torch/network.h"
#include "mtl/torch/script.h"

namespace tenfold::mtl {

// Outputs are found and checked by one run at this size. Throws Error: usage for tasks.json (or none), input for the model.
std::unique_ptr<Network> load_script_network(const ModelFile& file, std::int64_t height, std::int64_t width);

// Lowered, with the tasks of file.tasks_path. `script` is left lowered, for rewriting.
TaskModel lower_script(ScriptModule& script, const ModelFile& file, std::int64_t height, std::int64_t width);

}  // namespace tenfold::mtl
