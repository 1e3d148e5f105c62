// What a loaded ScriptModule holds; shared by the files that implement it.
#pragma once

#include <mutex>
#include <vector>

#include "mtl/torch/script.h"
#include "mtl/torch/script_canonical.h"
#include "mtl/torch/script_lowering.h"

namespace tenfold::mtl {

struct ScriptModule::Contents {
  std::filesystem::path path;
  torch::jit::Module module;  // evaluation mode, frozen weights
  LoweredScript lowered;      // after lower()
};

// Throws Error input for what is no TorchScript file that can be run here.
torch::jit::Module load_script(const std::filesystem::path& path);

// The same without asking what it is: evaluation mode, frozen weights, single precision.
torch::jit::Module open_script(const std::filesystem::path& path);

// The message of any exception, its first line.
std::string script_error(const std::exception& error);

}  // namespace tenfold::mtl
