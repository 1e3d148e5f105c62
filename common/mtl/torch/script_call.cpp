#include "base/error.h"
#include "mtl/torch/script_operations.h"

namespace tenfold::mtl {

using Kind = ScriptValue::Kind;

ScriptCall::ScriptCall(Lowering& lowering, const torch::jit::Node* node, std::vector<ScriptValue> arguments,
                       std::vector<at::Tensor> results)
    : lowering_(lowering), node_(node), arguments_(std::move(arguments)), results_(std::move(results)) {}

bool ScriptCall::in_place() const {
  const std::string& name = node_->schema().name();
  return name.ends_with("_") && !name.ends_with("__");
}

std::string ScriptCall::name() const {
  std::string name = node_->kind().toUnqualString();
  if (in_place()) name.pop_back();
  return name;
}

void ScriptCall::refuse(const std::string& why) const {
  input_error(std::string(node_->kind().toQualString()) + in_source(node_) + ": " + why);
}

std::optional<std::size_t> ScriptCall::index(std::string_view argument) const {
  const auto& declared = node_->schema().arguments();
  for (std::size_t i = 0; i < declared.size() && i < arguments_.size(); ++i)
    if (declared[i].name() == argument) return i;
  return std::nullopt;
}

bool ScriptCall::has(std::string_view argument) const {
  const auto at = index(argument);
  return at && !arguments_[*at].is_none();
}

const ScriptValue& ScriptCall::operator[](std::string_view argument) const {
  const auto at = index(argument);
  if (!at) refuse("has no argument " + std::string(argument));
  return arguments_[*at];
}

namespace {

const c10::IValue& concrete(const ScriptCall& call, std::string_view argument) {
  const ScriptValue& value = call[argument];
  if (depends_on_image(value)) call.refuse(std::string(argument) + " depends on the image's values");
  return value.constant;
}

}  // namespace

bool ScriptCall::flag(std::string_view argument) const {
  const c10::IValue& value = concrete(*this, argument);
  return value.isBool() ? value.toBool() : integer(argument) != 0;
}

std::int64_t ScriptCall::integer(std::string_view argument) const {
  const c10::IValue& value = concrete(*this, argument);
  if (value.isInt()) return value.toInt();
  if (value.isBool()) return value.toBool() ? 1 : 0;
  if (value.isTensor() && value.toTensor().numel() == 1) return value.toTensor().item<std::int64_t>();
  refuse(std::string(argument) + " is no integer");
}

double ScriptCall::real(std::string_view argument) const {
  const c10::IValue& value = concrete(*this, argument);
  if (value.isScalar()) return value.toScalar().to<double>();
  if (value.isTensor() && value.toTensor().numel() == 1) return value.toTensor().item<double>();
  refuse(std::string(argument) + " is no number");
}

std::string ScriptCall::text(std::string_view argument) const {
  const c10::IValue& value = concrete(*this, argument);
  if (!value.isString()) refuse(std::string(argument) + " is no text");
  return value.toStringRef();
}

std::vector<std::int64_t> ScriptCall::integers(std::string_view argument) const {
  if ((*this)[argument].kind == Kind::sequence) {
    std::vector<std::int64_t> list;
    for (const ScriptValue& element : *(*this)[argument].elements) {
      if (!element.is_constant() || !element.constant.isInt()) refuse(std::string(argument) + " is no list of integers");
      list.push_back(element.constant.toInt());
    }
    return list;
  }
  const c10::IValue& value = concrete(*this, argument);
  if (value.isIntList()) return value.toIntVector();
  if (value.isList()) {
    std::vector<std::int64_t> list;
    for (const c10::IValue& element : value.toListRef()) {
      if (!element.isInt()) refuse(std::string(argument) + " is no list of integers");
      list.push_back(element.toInt());
    }
    return list;
  }
  return {integer(argument)};
}

int ScriptCall::image_node(const ScriptValue& value) const {
  if (value.kind != Kind::tensor) refuse("reads no tensor of the image where one is expected");
  if (!value.cell->unusable.empty()) refuse(value.cell->unusable);
  if (value.cell->expanded) refuse("reads an expanded tensor, which a graph has no operation for");
  return value.cell->node;
}

Operand ScriptCall::operand(const ScriptValue& value) {
  if (value.kind == Kind::tensor) {
    if (!value.cell->unusable.empty()) refuse(value.cell->unusable);
    return {Operand::Kind::node, value.cell->node, "", 0};
  }
  if (!value.is_constant()) refuse("reads a list where a tensor or a number is expected");
  if (value.constant.isScalar()) return {Operand::Kind::number, 0, "", value.constant.toScalar().to<double>()};
  if (!value.constant.isTensor()) refuse("reads what is neither a tensor nor a number");
  const at::Tensor& tensor = value.constant.toTensor();
  if (tensor.dim() == 0 && value.name.empty()) return {Operand::Kind::number, 0, "", tensor.item<double>()};
  return {Operand::Kind::parameter, 0, lowering_.weight(value.transposed ? "" : value.name, tensor), 0};
}

std::string ScriptCall::weight(std::string_view argument) {
  const ScriptValue& value = (*this)[argument];
  if (depends_on_image(value))
    refuse(std::string(argument) + " depends on the image: such layers have no counterpart in a graph");
  if (!value.constant.isTensor()) refuse(std::string(argument) + " is no tensor");
  return lowering_.weight(value.transposed ? "" : value.name, value.constant.toTensor());
}

std::map<std::string, std::string> ScriptCall::weights(std::initializer_list<const char*> arguments) {
  std::map<std::string, std::string> named;
  for (const char* argument : arguments)
    if (has(argument)) named[argument] = weight(argument);
  return named;
}

ScriptOrigin ScriptCall::origin(std::initializer_list<std::pair<const char*, const char*>> attributes, int part) const {
  ScriptOrigin origin;
  for (const auto& [attribute, argument] : attributes)
    if (const auto at = index(argument)) origin.inputs[attribute] = *at;
  origin.part = part;
  return origin;
}

ScriptValue ScriptCall::result(int node, std::size_t index) {
  const at::Tensor& tensor = results_.at(index);
  const Shape ours = lowering_.shape(node);
  if (tensor.sizes().vec() != ours) refuse("its result is of another shape than its counterpart's");
  if (tensor.scalar_type() != at::kFloat && name() != "argmax") refuse("its result is not in single precision");
  return lowering_.make_tensor(node, tensor);
}

ScriptValue ScriptCall::emit(Op op, std::map<std::string, Attribute> attributes, std::map<std::string, std::string> parameters,
                             ScriptOrigin origin) {
  const int input = image_node(first());
  return emit_from(op, {{Operand::Kind::node, input, "", 0}}, std::move(attributes), std::move(parameters), std::move(origin));
}

ScriptValue ScriptCall::emit_from(Op op, std::vector<Operand> inputs, std::map<std::string, Attribute> attributes,
                                  std::map<std::string, std::string> parameters, ScriptOrigin origin) {
  return result(lowering_.emit(node_, op, std::move(inputs), std::move(attributes), std::move(parameters), std::move(origin)));
}

}  // namespace tenfold::mtl
