// The canonical form of a TorchScript module: evaluation mode, one inlined graph without decided control flow, parameters still
// read by name. What lowering walks and rewriting patches.
#pragma once

#include <torch/script.h>

#include <memory>
#include <string>
#include <vector>

namespace tenfold::mtl {

struct CanonicalScript {
  torch::jit::Module module;  // its own: weights can be set and constants patched without touching the source
  std::shared_ptr<torch::jit::Graph> graph;  // of module.forward, live
};

// The same source gives the same nodes in the same order. Throws what LibTorch throws.
CanonicalScript canonicalise(const torch::jit::Module& source);

// Every node, blocks included, in the order of the text.
std::vector<torch::jit::Node*> all_nodes(torch::jit::Graph& graph);

// "model.py:41" of the user's code (the innermost line that is not PyTorch's own), "" where unknown.
std::string source_of(const torch::jit::Node* node);

// "" or ` (model.py:41)`, to stand behind a name.
std::string in_source(const torch::jit::Node* node);

// The name of element i of a result of that type: a named tuple's field, else the index.
std::string element_name(const c10::TypePtr& type, std::size_t index);

}  // namespace tenfold::mtl
