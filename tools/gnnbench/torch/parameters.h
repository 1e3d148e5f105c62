// A model's parameters: initial values keyed by name, safetensors both ways, one digest.
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "gnnbench/keyed_random.h"
#include "gnnbench/model_spec.h"

namespace tenfold::gnnbench {

struct Parameter {
  ParameterSpec spec;
  torch::Tensor value;
};

class Parameters {
 public:
  Parameters() = default;
  // Entry i of a parameter is bound (2 u - 1), u = (w + 1/2) 2^-32 by word i mod 4 of the draw {update = i / 4, node and draw =
  // the low and high half of FNV-1a of the name}: equal weights for equal names, whatever the system.
  Parameters(const std::vector<ParameterSpec>& specs, const RandomKey& key, torch::Dtype dtype);

  std::vector<Parameter>& all() { return all_; }
  const std::vector<Parameter>& all() const { return all_; }
  std::vector<torch::Tensor> tensors() const;
  // Throws std::logic_error for a name that is none.
  const torch::Tensor& at(std::string_view name) const;
  bool has(std::string_view name) const;

 private:
  std::vector<Parameter> all_;
};

// Bytes of a file with these tensors (float32, float64 or int64).
std::string tensors_to_safetensors(const std::vector<std::pair<std::string, torch::Tensor>>& tensors);
std::vector<std::pair<std::string, torch::Tensor>> tensors_from_safetensors(std::string_view bytes, const std::string& file);

std::string parameters_to_safetensors(const Parameters& parameters);
// Fills the values in place. Throws Error(input), naming the file: a parameter missing, of another shape or dtype, or unknown.
void load_parameters(Parameters& parameters, std::string_view bytes, const std::string& file);

// SHA-256 over the parameters in order: name, shape, float32 bytes.
std::string weights_digest(const Parameters& parameters);

}  // namespace tenfold::gnnbench
