// What lowering knows of a TorchScript value: numbers, lists, texts and parameters concretely, tensors that depend on the image
// as nodes of the graph being made.
#pragma once

#include <ATen/core/ivalue.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tenfold::mtl {

// A tensor that depends on the image. In-place operations give it another node; whoever holds the cell sees that.
struct TensorCell {
  int node = -1;
  at::Tensor value;         // at the sample size: from it come shapes, arithmetic on sizes, and who shares memory
  std::string unusable;         // why it cannot be read: an operation without a counterpart, or memory changed under it
  bool expanded = false;        // node stands for it only where operands broadcast
  struct Norm {
    int of = 0;
    std::int64_t dim = 0;
    double eps = 0;
  };
  std::optional<Norm> norm;     // the 2-norm of node `of`, from which l2_normalize is recognised
};

struct ScriptValue {
  enum class Kind : std::uint8_t { constant, module, tensor, sequence, dictionary };
  Kind kind = Kind::constant;
  c10::IValue constant;             // also parameters
  std::string name;                 // of a parameter ("layer1.0.conv1.weight") or of a module ("layer1.0")
  bool transposed = false;          // the constant is the transpose of the parameter `name`
  std::shared_ptr<TensorCell> cell;
  std::shared_ptr<std::vector<ScriptValue>> elements;    // of sequences (lists, tuples) and dictionaries
  std::shared_ptr<std::vector<std::string>> keys;        // of dictionaries
  c10::TypePtr type;                                     // of sequences

  static ScriptValue of(c10::IValue constant) {
    ScriptValue value;
    value.constant = std::move(constant);
    return value;
  }
  static ScriptValue sequence(std::vector<ScriptValue> elements, c10::TypePtr type) {
    ScriptValue value;
    value.kind = Kind::sequence;
    value.elements = std::make_shared<std::vector<ScriptValue>>(std::move(elements));
    value.type = std::move(type);
    return value;
  }
  bool is_constant() const { return kind == Kind::constant; }
  bool is_none() const { return is_constant() && constant.isNone(); }
};

// A tensor of the image is in it.
bool depends_on_image(const ScriptValue& value);
// With tensors at the sample size.
c10::IValue to_ivalue(const ScriptValue& value);

}  // namespace tenfold::mtl
