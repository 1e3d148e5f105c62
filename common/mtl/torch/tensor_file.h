// Named tensors as the bytes of a safetensors file, and back: how a run's state is kept.
#pragma once

#include <ATen/ATen.h>

#include <map>
#include <string>

namespace tenfold::mtl {

// float32, float64 and int64.
std::string tensor_file(const std::map<std::string, at::Tensor>& tensors);
// Throws Error input naming `file`.
std::map<std::string, at::Tensor> read_tensor_file(const std::string& bytes, const std::string& file);

}  // namespace tenfold::mtl
