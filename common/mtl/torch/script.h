// TorchScript files: running them natively, lowering them to a graph, and writing the user's module back with smaller tensors and
// patched constants, so that call signature and output type stay. The only place (script*.cpp) that sees torch/script.h.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "mtl/model.h"

namespace tenfold::mtl {

// A loaded, inlined module with the map from graph nodes back to TorchScript values. Movable, not copyable.
class ScriptModule {
 public:
  // Throws Error input: missing, truncated, a pickled state_dict (convert to safetensors), .pt2, custom operations (named).
  static ScriptModule load(const std::filesystem::path& path);
  ScriptModule(ScriptModule&&) noexcept;
  ScriptModule& operator=(ScriptModule&&) noexcept;
  ~ScriptModule();

  // Output tensors by name: dict keys, named-tuple fields, else "0", "1", ...
  std::vector<std::pair<std::string, at::Tensor>> run(const at::Tensor& image) const;  // eval mode, weights frozen, thread-safe
  std::string weights_sha256() const;
  std::int64_t parameters() const;

  // Abstract interpretation at [2, channels, height, width], checked at a second size where the model takes one, and against
  // native running to 1e-5 max|out| on two random inputs. Throws Error input naming operation, node and source line.
  Model lower(std::int64_t channels, std::int64_t height, std::int64_t width);

  // After lower(): the module with these weights (by parameter name; shapes may shrink) and these attributes patched.
  struct Patch {
    std::string node;  // id in the lowered graph
    std::string attribute;  // groups, num_groups, start, end, shape ...
    std::vector<std::int64_t> value;
  };
  void write_rewritten(const std::filesystem::path& path, const Weights& weights, const std::vector<Patch>& patches) const;

 private:
  struct Contents;
  explicit ScriptModule(std::unique_ptr<Contents> contents);
  std::unique_ptr<Contents> contents_;
};

// A TorchScript module generated from a graph (Module::define), forward(image) -> Dict[str, Tensor].
void write_generated_script(const std::filesystem::path& path, const Model& model);

}  // namespace tenfold::mtl
