// What each operation of a graph is in ATen.
#pragma once

#include <ATen/ATen.h>

#include <functional>
#include <map>
#include <string>

#include "mtl/graph.h"
#include "mtl/torch/executor.h"

namespace tenfold::mtl {

// What one node is applied to. Lives as long as the call.
struct Application {
  const Graph& graph;
  int index;  // of the node
  const std::map<std::string, at::Tensor>& weights;
  at::ScalarType dtype;
  const std::function<at::Tensor(int)>& read;
  const RunHooks& hooks;

  const Node& node() const { return graph.nodes[static_cast<std::size_t>(index)]; }
};

// The node's result. Throws what ATen throws.
at::Tensor apply(const Application& application);

}  // namespace tenfold::mtl
