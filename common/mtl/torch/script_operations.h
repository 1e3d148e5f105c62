// The ATen operations that have a counterpart among the graph's, and how each becomes one.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "mtl/torch/script_lowering.h"

namespace tenfold::mtl {

// A call of an ATen function with arguments found by the schema's names: overloads change between versions, names do not.
class ScriptCall {
 public:
  ScriptCall(Lowering& lowering, const torch::jit::Node* node, std::vector<ScriptValue> arguments,
             std::vector<at::Tensor> results);

  const torch::jit::Node* node() const { return node_; }
  std::string name() const;  // "conv2d", without the `_` of in-place forms
  bool in_place() const;
  Lowering& lowering() { return lowering_; }
  const std::vector<at::Tensor>& results() const { return results_; }

  bool has(std::string_view argument) const;   // the schema has it and it is not None
  const ScriptValue& operator[](std::string_view argument) const;
  const ScriptValue& first() const { return arguments_.at(0); }
  bool flag(std::string_view argument) const;
  std::int64_t integer(std::string_view argument) const;
  double real(std::string_view argument) const;
  std::string text(std::string_view argument) const;
  std::vector<std::int64_t> integers(std::string_view argument) const;  // a number is a list of one

  int image_node(const ScriptValue& value) const;  // refuses constants, lists and unusable tensors
  Operand operand(const ScriptValue& value);       // node, parameter or number
  std::string weight(std::string_view argument);   // the name of the parameter that it is
  std::map<std::string, std::string> weights(std::initializer_list<const char*> arguments);  // those that are not None
  ScriptOrigin origin(std::initializer_list<std::pair<const char*, const char*>> attributes, int part = -1) const;

  // A node of that operation reading the first argument.
  ScriptValue emit(Op op, std::map<std::string, Attribute> attributes = {}, std::map<std::string, std::string> parameters = {},
                   ScriptOrigin origin = {});
  // The same reading these.
  ScriptValue emit_from(Op op, std::vector<Operand> inputs, std::map<std::string, Attribute> attributes = {},
                        std::map<std::string, std::string> parameters = {}, ScriptOrigin origin = {});
  // A result: node's tensor, result `index` of the call.
  ScriptValue result(int node, std::size_t index = 0);

  [[noreturn]] void refuse(const std::string& why) const;  // Error input with operation and source line

 private:
  std::optional<std::size_t> index(std::string_view argument) const;

  Lowering& lowering_;
  const torch::jit::Node* node_;
  std::vector<ScriptValue> arguments_;
  std::vector<at::Tensor> results_;
};

using ScriptOperation = std::vector<ScriptValue> (*)(ScriptCall& call);

// Null: no counterpart.
ScriptOperation find_operation(std::string_view name);

}  // namespace tenfold::mtl
