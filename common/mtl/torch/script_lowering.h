// Lowering by abstract interpretation: the canonical graph is run at one image size; what does not depend on the image's values
// is computed, so that branches, loops and lists decide themselves; every operation on a tensor of the image becomes a node.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "mtl/model.h"
#include "mtl/shapes.h"
#include "mtl/torch/script_canonical.h"
#include "mtl/torch/script_value.h"

namespace tenfold::mtl {

// Where a graph node came from: the number of the TorchScript node (in all_nodes) and the inputs that hold its attributes.
struct ScriptOrigin {
  std::size_t ordinal = 0;
  std::map<std::string, std::size_t> inputs;  // attribute -> input of that node
  int part = -1;  // of chunk, split: which part
};

struct LoweredScript {
  Model model;
  std::vector<Shape> shapes;          // of every node, as run
  std::vector<ScriptOrigin> origins;  // of every node; the image's is empty
  std::map<std::string, std::size_t> constants;  // weights that are constants of the graph -> number of their node
};

class Lowering {
 public:
  Lowering(const CanonicalScript& script, const at::Tensor& image);
  // Throws Error input naming operation and source line.
  LoweredScript run();

  // For the operations (script_operations.cpp): a node, and its index.
  int emit(const torch::jit::Node* at, Op op, std::vector<Operand> inputs, std::map<std::string, Attribute> attributes = {},
           std::map<std::string, std::string> parameters = {}, ScriptOrigin origin = {});
  std::string weight(const std::string& name, const at::Tensor& tensor);  // makes it one of the model's
  ScriptValue make_tensor(int node, at::Tensor value);
  std::size_t ordinal(const torch::jit::Node* node) const { return ordinals_.at(node); }
  const Shape& shape(int node) const { return lowered_.shapes[static_cast<std::size_t>(node)]; }
  // The memory of `cell` changed: what else shares it must not be read any more.
  void spoil_views(const TensorCell& cell, const std::string& why);

 private:
  void run_block(torch::jit::Block* block);
  void run_node(torch::jit::Node* node);
  void run_if(torch::jit::Node* node);
  void run_loop(torch::jit::Node* node);
  void run_attribute(torch::jit::Node* node);
  void construct(torch::jit::Node* node);
  void unpack(torch::jit::Node* node);
  void run_operation(torch::jit::Node* node);
  void compute(torch::jit::Node* node);          // nothing of the image in it
  void ask_tensor(torch::jit::Node* node);       // sizes and the like of a tensor of the image
  void run_tensor_operation(torch::jit::Node* node);
  bool run_container(torch::jit::Node* node);    // false: none on lists or dictionaries with tensors of the image
  void name_outputs(const ScriptValue& value, const c10::TypePtr& type, const std::string& name);
  void drop_unreached();

  const ScriptValue& value(const torch::jit::Value* of) const;
  std::vector<ScriptValue> arguments(const torch::jit::Node* node) const;
  void set(const torch::jit::Value* of, ScriptValue value) { values_[of] = std::move(value); }

  const CanonicalScript& script_;
  LoweredScript lowered_;
  at::Tensor image_;
  std::map<const torch::jit::Value*, ScriptValue> values_;
  std::map<const torch::jit::Node*, std::size_t> ordinals_;
  std::map<std::string, int> ids_;  // how often an id was asked for
  std::set<std::string> taken_;     // ids given
  std::vector<std::weak_ptr<TensorCell>> cells_;
  std::map<const c10::TensorImpl*, std::size_t> constant_tensors_;  // -> number of their node
  std::map<std::string, at::Tensor> weights_;  // the tensors behind lowered_.model.weights
  std::size_t constants_ = 0;
};

// One graph of the runs at two sizes: attributes that differ become size_of, scale, copied or inferred dimensions. Throws Error
// input naming the node where the runs took other ways.
LoweredScript reconcile(LoweredScript first, const LoweredScript& second);

}  // namespace tenfold::mtl
