#include "mtl/torch/script_lowering.h"

#include <algorithm>
#include <set>

#include "base/error.h"
#include "mtl/op_table.h"
#include "mtl/shape_rules.h"
#include "mtl/torch/script_operations.h"

namespace tenfold::mtl {
namespace {

namespace jit = torch::jit;
using Kind = ScriptValue::Kind;

std::string qualified(const jit::Node* node) { return node->kind().toQualString(); }

[[noreturn]] void refuse(const jit::Node* node, const std::string& why) {
  input_error(qualified(node) + in_source(node) + ": " + why);
}

// The first line of what LibTorch says: the rest is its own stack.
std::string first_line(const std::exception& error) {
  std::string text = error.what();
  if (const auto* torch_error = dynamic_cast<const c10::Error*>(&error)) text = torch_error->what_without_backtrace();
  return text.substr(0, text.find('\n'));
}

// Runs the node's own operation.
jit::Stack execute(jit::Node* node, jit::Stack stack) {
  try {
    node->getOperation()(stack);
  } catch (const Error&) {
    throw;
  } catch (const std::exception& error) {
    refuse(node, "fails at the sample size: " + first_line(error));
  }
  return stack;
}

// Questions about a tensor whose answers do not depend on its values.
bool asks_about_form(const std::string& name) {
  static const std::set<std::string> kNames = {
      "aten::size",      "aten::dim",          "aten::numel",         "aten::len",        "aten::is_floating_point",
      "prim::dtype",     "prim::device",       "prim::layout",        "prim::is_cuda",    "prim::is_quantized",
      "prim::is_mkldnn", "prim::is_meta",      "prim::requires_grad", "aten::stride",     "aten::is_contiguous",
      "aten::__is__",    "aten::__isnot__",    "prim::isinstance",    "aten::get_device", "aten::is_complex",
      "prim::ndim",      "aten::__contains__", "prim::is_xpu",        "prim::is_cpu",     "aten::storage_offset",
      "aten::sym_size",  "prim::is_sparse",    "prim::is_nested",     "prim::is_vulkan",  "prim::is_ipu"};
  return kNames.contains(name);
}

bool is_ignored(const std::string& name) {
  return name == "prim::Print" || name == "aten::warn" || name == "prim::RecordFunction";
}

// Whether two tensors of one storage share an element.
bool overlap(const at::Tensor& a, const at::Tensor& b) {
  if (!a.is_alias_of(b)) return false;
  const auto size = static_cast<std::int64_t>(a.storage().nbytes() / a.itemsize());
  const at::Tensor marks = at::zeros({size}, at::kBool);
  marks.as_strided(a.sizes(), a.strides(), a.storage_offset()).fill_(true);
  return marks.as_strided(b.sizes(), b.strides(), b.storage_offset()).any().item<bool>();
}

// What cannot be read in an argument, lists included; norms are read by the operations that know them.
std::string unusable_in(const ScriptValue& value, bool knows_norms) {
  if (value.kind == Kind::tensor) return value.cell->norm && knows_norms ? "" : value.cell->unusable;
  if (value.elements)
    for (const ScriptValue& element : *value.elements)
      if (const std::string why = unusable_in(element, knows_norms); !why.empty()) return why;
  return "";
}

bool knows_norms(const std::string& name) {
  return name == "clamp_min" || name == "clamp" || name == "expand" || name == "expand_as" || name == "div";
}

}  // namespace

Lowering::Lowering(const CanonicalScript& script, const at::Tensor& image) : script_(script), image_(image.clone()) {
  std::size_t number = 0;
  for (const jit::Node* node : all_nodes(*script.graph)) ordinals_[node] = number++;
}

LoweredScript Lowering::run() {
  const at::NoGradGuard no_gradients;
  lowered_.model.graph.nodes.push_back(Node{"image", Op::image, {}, {}, {}, ""});
  lowered_.shapes.push_back(image_.sizes().vec());
  lowered_.origins.emplace_back();
  taken_.insert("image");
  const auto inputs = script_.graph->inputs();
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    ScriptValue value = ScriptValue::of(c10::IValue());
    if (i == 0) {
      value.kind = Kind::module;
      value.constant = script_.module._ivalue();
    } else if (i == 1) {
      value = make_tensor(0, image_);
    } else {
      const auto& arguments = script_.module.get_method("forward").function().getSchema().arguments();
      value = ScriptValue::of(arguments.at(i).default_value().value_or(c10::IValue()));
    }
    set(inputs[i], std::move(value));
  }
  run_block(script_.graph->block());
  const jit::Value* output = script_.graph->outputs().at(0);
  name_outputs(value(output), output->type(), "");
  if (lowered_.model.graph.outputs.empty()) input_error("forward returns no tensor that depends on the image");
  check_outputs(lowered_.model.graph);
  drop_unreached();
  for (const auto& [name, tensor] : weights_) {
    const at::Tensor host = tensor.to(at::kFloat).contiguous();
    Tensor& weight = lowered_.model.weights[name];
    weight.values.assign(host.data_ptr<float>(), host.data_ptr<float>() + host.numel());
  }
  return std::move(lowered_);
}

const ScriptValue& Lowering::value(const jit::Value* of) const {
  const auto found = values_.find(of);
  if (found == values_.end()) machine_error("TorchScript: value %" + of->debugName() + " is not there");
  return found->second;
}

std::vector<ScriptValue> Lowering::arguments(const jit::Node* node) const {
  std::vector<ScriptValue> values;
  for (const jit::Value* input : node->inputs()) values.push_back(value(input));
  return values;
}

void Lowering::run_block(jit::Block* block) {
  for (jit::Node* node : block->nodes()) run_node(node);
}

void Lowering::run_node(jit::Node* node) {
  const std::string name = qualified(node);
  if (name == "prim::Constant") {
    const auto constant = jit::toIValue(node->output());
    if (constant && constant->isTensor()) constant_tensors_[constant->toTensor().unsafeGetTensorImpl()] = ordinal(node);
    set(node->output(), ScriptValue::of(constant.value_or(c10::IValue())));
  } else if (name == "prim::GetAttr") {
    run_attribute(node);
  } else if (name == "prim::If") {
    run_if(node);
  } else if (name == "prim::Loop") {
    run_loop(node);
  } else if (name == "prim::ListConstruct" || name == "prim::TupleConstruct" || name == "prim::DictConstruct") {
    construct(node);
  } else if (name == "prim::TupleUnpack" || name == "prim::ListUnpack" || name == "prim::TupleIndex") {
    unpack(node);
  } else if (name == "prim::Uninitialized") {
    set(node->output(), ScriptValue::of(c10::IValue()));
  } else if (name == "prim::unchecked_cast" || name == "aten::_unwrap_optional" || name == "prim::unchecked_unwrap_optional") {
    set(node->output(), value(node->input(0)));
  } else if (name == "prim::RaiseException") {
    refuse(node, "the network refuses this image: " + value(node->input(0)).constant.toStringRef());
  } else if (name == "prim::SetAttr") {
    refuse(node, "the network changes itself while it runs");
  } else if (!is_ignored(name)) {
    run_operation(node);
  }
}

void Lowering::run_attribute(jit::Node* node) {
  const ScriptValue& object = value(node->input());
  const std::string& attribute = node->s(c10::attr::name);
  if (object.kind != Kind::module || !object.constant.isObject()) refuse(node, "reads ." + attribute + " of what is no module");
  ScriptValue result = ScriptValue::of(object.constant.toObjectRef().getAttr(attribute));
  result.name = object.name.empty() ? attribute : object.name + "." + attribute;
  if (result.constant.isObject()) result.kind = Kind::module;
  set(node->output(), std::move(result));
}

void Lowering::run_if(jit::Node* node) {
  const ScriptValue& condition = value(node->input());
  if (depends_on_image(condition)) refuse(node, "control flow on data");
  jit::Block* taken = node->blocks()[condition.constant.toBool() ? 0 : 1];
  run_block(taken);
  for (std::size_t i = 0; i < node->outputs().size(); ++i) set(node->outputs()[i], value(taken->outputs()[i]));
}

void Lowering::run_loop(jit::Node* node) {
  const auto known = [&](const jit::Value* of) -> const c10::IValue& {
    if (depends_on_image(value(of))) refuse(node, "control flow on data");
    return value(of).constant;
  };
  const std::int64_t trips = known(node->input(0)).toInt();
  bool go_on = known(node->input(1)).toBool();
  jit::Block* body = node->blocks()[0];
  std::vector<ScriptValue> carried;
  for (std::size_t i = 2; i < node->inputs().size(); ++i) carried.push_back(value(node->input(i)));
  for (std::int64_t trip = 0; trip < trips && go_on; ++trip) {
    set(body->inputs()[0], ScriptValue::of(trip));
    for (std::size_t i = 0; i < carried.size(); ++i) set(body->inputs()[i + 1], carried[i]);
    run_block(body);
    go_on = known(body->outputs()[0]).toBool();
    for (std::size_t i = 0; i < carried.size(); ++i) carried[i] = value(body->outputs()[i + 1]);
  }
  for (std::size_t i = 0; i < carried.size(); ++i) set(node->outputs()[i], carried[i]);
}

void Lowering::construct(jit::Node* node) {
  const c10::TypePtr type = node->output()->type();
  std::vector<ScriptValue> elements = arguments(node);
  if (const auto dictionary = type->cast<c10::DictType>()) {
    ScriptValue made;
    made.kind = Kind::dictionary;
    made.keys = std::make_shared<std::vector<std::string>>();
    made.elements = std::make_shared<std::vector<ScriptValue>>();
    made.type = type;
    for (std::size_t i = 0; i + 1 < elements.size(); i += 2) {
      if (!elements[i].constant.isString()) refuse(node, "a dictionary whose keys are no texts");
      made.keys->push_back(elements[i].constant.toStringRef());
      made.elements->push_back(elements[i + 1]);
    }
    set(node->output(), std::move(made));
    return;
  }
  const bool concrete = std::ranges::all_of(elements, [](const ScriptValue& v) { return v.is_constant(); });
  const auto list = type->cast<c10::ListType>();
  // Lists of numbers stay LibTorch's own, on which its arithmetic works.
  if (concrete && list && !list->getElementType()->isSubtypeOf(*c10::OptionalType::ofTensor()) &&
      !list->getElementType()->containedTypes().size()) {
    c10::impl::GenericList numbers(list->getElementType());
    for (const ScriptValue& element : elements) numbers.push_back(element.constant);
    set(node->output(), ScriptValue::of(numbers));
    return;
  }
  set(node->output(), ScriptValue::sequence(std::move(elements), type));
}

void Lowering::unpack(jit::Node* node) {
  ScriptValue whole = value(node->input(0));
  if (whole.is_constant()) {
    std::vector<ScriptValue> elements;
    if (whole.constant.isTuple())
      for (const c10::IValue& element : whole.constant.toTupleRef().elements()) elements.push_back(ScriptValue::of(element));
    else if (whole.constant.isList())
      for (const c10::IValue& element : whole.constant.toListRef()) elements.push_back(ScriptValue::of(element));
    whole = ScriptValue::sequence(std::move(elements), whole.constant.type());
  }
  if (whole.kind == Kind::tensor && !whole.cell->unusable.empty()) {
    for (const jit::Value* output : node->outputs()) set(output, whole);
    return;
  }
  if (whole.kind != Kind::sequence) refuse(node, "takes apart what is no list or tuple");
  if (qualified(node) == "prim::TupleIndex") {
    const std::int64_t index = value(node->input(1)).constant.toInt(), size = static_cast<std::int64_t>(whole.elements->size());
    set(node->output(), whole.elements->at(static_cast<std::size_t>(index < 0 ? index + size : index)));
    return;
  }
  if (whole.elements->size() != node->outputs().size())
    refuse(node,
           "takes " + std::to_string(node->outputs().size()) + " of " + std::to_string(whole.elements->size()) + " elements");
  for (std::size_t i = 0; i < node->outputs().size(); ++i) set(node->outputs()[i], whole.elements->at(i));
}

void Lowering::run_operation(jit::Node* node) {
  if (run_container(node)) return;
  bool image = false;
  for (const jit::Value* input : node->inputs()) image = image || depends_on_image(value(input));
  if (!image) return compute(node);
  bool returns_tensor = false;
  for (const jit::Value* output : node->outputs())
    returns_tensor = returns_tensor || output->type()->isSubtypeOf(*c10::TensorType::get()) ||
                     output->type()->kind() == c10::TypeKind::ListType || output->type()->kind() == c10::TypeKind::TupleType;
  if (asks_about_form(qualified(node))) return ask_tensor(node);
  if (!returns_tensor) refuse(node, "control flow or arithmetic on data: its result depends on the image's values");
  run_tensor_operation(node);
}

void Lowering::compute(jit::Node* node) {
  jit::Stack stack;
  const std::vector<ScriptValue> values = arguments(node);
  for (const ScriptValue& argument : values) {
    if (argument.kind == Kind::module) refuse(node, "is called with a module");
    stack.push_back(to_ivalue(argument));
  }
  const std::string name = qualified(node);
  stack = execute(node, std::move(stack));
  for (std::size_t i = 0; i < node->outputs().size(); ++i) {
    const c10::IValue& made = stack.at(stack.size() - node->outputs().size() + i);
    ScriptValue result = ScriptValue::of(made);
    // What passes a parameter on keeps its name; so does a transpose, for addmm and matmul.
    if (made.isTensor() && !values.empty() && values[0].is_constant() && values[0].constant.isTensor() &&
        !values[0].name.empty()) {
      const at::Tensor &from = values[0].constant.toTensor(), &to = made.toTensor();
      if (to.is_same(from) || (to.is_alias_of(from) && to.sizes() == from.sizes() && to.strides() == from.strides())) {
        result.name = values[0].name;
      } else if ((name == "aten::t" || name == "aten::transpose") && from.dim() == 2 && to.is_alias_of(from)) {
        result.name = values[0].name;
        result.transposed = true;
      }
    }
    set(node->outputs()[i], std::move(result));
  }
}

void Lowering::ask_tensor(jit::Node* node) {
  jit::Stack stack;
  for (const ScriptValue& argument : arguments(node)) {
    if (argument.kind == Kind::tensor && !argument.cell->value.defined()) {
      // Of a tensor that nothing is known of, nothing is known either.
      for (const jit::Value* output : node->outputs()) set(output, argument);
      return;
    }
    stack.push_back(to_ivalue(argument));
  }
  stack = execute(node, std::move(stack));
  for (std::size_t i = 0; i < node->outputs().size(); ++i)
    set(node->outputs()[i], ScriptValue::of(stack.at(stack.size() - node->outputs().size() + i)));
}

void Lowering::run_tensor_operation(jit::Node* node) {
  std::vector<ScriptValue> values = arguments(node);
  const jit::FunctionSchema& schema = node->schema();
  const bool in_place = schema.name().ends_with("_") && !schema.name().ends_with("__");
  if (in_place && !depends_on_image(values[0])) refuse(node, "writes values of the image into a constant");
  jit::Stack stack;
  for (const ScriptValue& argument : values) stack.push_back(to_ivalue(argument));
  stack = execute(node, std::move(stack));
  std::vector<at::Tensor> results;
  for (const c10::IValue& made : stack) {
    if (made.isTensor()) results.push_back(made.toTensor());
    if (made.isTensorList())
      for (const at::Tensor& tensor : made.toTensorVector()) results.push_back(tensor);
  }
  const std::string name = qualified(node);
  const std::string plain = ScriptCall(*this, node, values, {}).name();
  const ScriptOperation lower = name.starts_with("aten::") ? find_operation(plain) : nullptr;
  std::vector<ScriptValue> made;
  std::string unusable;
  for (const ScriptValue& argument : values)
    if (unusable.empty()) unusable = unusable_in(argument, knows_norms(plain));
  if (unusable.empty() && lower == nullptr) unusable = "operation " + name + in_source(node) + " has no counterpart in a graph";
  if (unusable.empty()) {
    ScriptCall call(*this, node, values, results);
    made = lower(call);
  } else {
    ScriptValue unknown = make_tensor(-1, results.empty() ? at::Tensor() : results[0]);
    unknown.cell->unusable = unusable;
    if (in_place) {
      values[0].cell->unusable = unusable;
      unknown = values[0];
    }
    made.assign(node->outputs().size(), unknown);
  }
  if (in_place && unusable.empty()) {
    // The tensor itself has changed: all who hold it see the new node.
    *values[0].cell = *made.at(0).cell;
    made[0] = values[0];
    spoil_views(*values[0].cell, qualified(node) + in_source(node) + " changes its memory in place");
  }
  const bool list = node->outputs().size() == 1 && node->output()->type()->kind() == c10::TypeKind::ListType;
  if (list && unusable.empty()) {
    set(node->output(), ScriptValue::sequence(std::move(made), node->output()->type()));
    return;
  }
  for (std::size_t i = 0; i < node->outputs().size(); ++i) set(node->outputs()[i], made.at(i));
}

void Lowering::spoil_views(const TensorCell& changed, const std::string& why) {
  for (const std::weak_ptr<TensorCell>& weak : cells_) {
    const std::shared_ptr<TensorCell> cell = weak.lock();
    if (!cell || cell.get() == &changed || !cell->value.defined() || !changed.value.defined()) continue;
    if (overlap(cell->value, changed.value)) cell->unusable = "a view is read after " + why;
  }
}

ScriptValue Lowering::make_tensor(int node, at::Tensor tensor) {
  ScriptValue value;
  value.kind = Kind::tensor;
  value.cell = std::make_shared<TensorCell>();
  value.cell->node = node;
  value.cell->value = std::move(tensor);
  cells_.push_back(value.cell);
  return value;
}

std::string Lowering::weight(const std::string& given, const at::Tensor& tensor) {
  std::string name = given;
  if (name.empty()) {
    for (const auto& [known, held] : weights_)
      if (held.is_same(tensor)) return known;
    name = "constants." + std::to_string(constants_++);
    const auto node = constant_tensors_.find(tensor.unsafeGetTensorImpl());
    if (node != constant_tensors_.end()) lowered_.constants[name] = node->second;
  }
  if (weights_.emplace(name, tensor).second) lowered_.model.weights[name].shape = tensor.sizes().vec();
  return name;
}

int Lowering::emit(const jit::Node* at, Op op, std::vector<Operand> inputs, std::map<std::string, Attribute> attributes,
                   std::map<std::string, std::string> parameters, ScriptOrigin origin) {
  // A layer is named after its weight, everything else after its operation.
  std::string id(name_of(op));
  const auto named = parameters.find(parameters.contains("weight") ? "weight" : "running_mean");
  if (named != parameters.end() && named->second.find('.') != std::string::npos)
    id = named->second.substr(0, named->second.rfind('.'));
  Graph& graph = lowered_.model.graph;
  const std::string stem = id;
  int& count = ids_[stem];
  do {
    ++count;
    id = count == 1 && stem != name_of(op) ? stem : stem + "_" + std::to_string(count);
  } while (!taken_.insert(id).second);
  const auto index = static_cast<int>(graph.nodes.size());
  graph.nodes.push_back(Node{id, op, std::move(inputs), std::move(parameters), std::move(attributes), source_of(at)});
  complete_node(graph, index, lowered_.model.weights);
  lowered_.shapes.push_back(shape_of_node(lowered_.model, index, lowered_.shapes));
  origin.ordinal = ordinal(at);
  lowered_.origins.push_back(std::move(origin));
  return index;
}

void Lowering::name_outputs(const ScriptValue& value, const c10::TypePtr& type, const std::string& name) {
  const auto inner = [&](const std::string& part) { return name.empty() ? part : name + "." + part; };
  if (value.kind == Kind::tensor) {
    if (!value.cell->unusable.empty()) input_error("output " + (name.empty() ? "0" : name) + ": " + value.cell->unusable);
    lowered_.model.graph.outputs.push_back({name.empty() ? "0" : name, value.cell->node});
  } else if (value.kind == Kind::dictionary) {
    for (std::size_t i = 0; i < value.keys->size(); ++i)
      name_outputs((*value.elements)[i], c10::AnyType::get(), inner((*value.keys)[i]));
  } else if (value.kind == Kind::sequence) {
    const c10::TypePtr own = type->kind() == c10::TypeKind::TupleType ? type : value.type;
    for (std::size_t i = 0; i < value.elements->size(); ++i)
      name_outputs((*value.elements)[i], c10::AnyType::get(), inner(element_name(own, i)));
  } else if (!value.is_none()) {
    input_error("output " + (name.empty() ? "0" : name) + " is no tensor of the image");
  }
}

// What no output needs (an auxiliary head that is not returned) is none of the network's.
void Lowering::drop_unreached() {
  Graph& graph = lowered_.model.graph;
  std::vector<bool> needed(graph.nodes.size(), false);
  needed[0] = true;
  for (const Output& output : graph.outputs) needed[static_cast<std::size_t>(output.node)] = true;
  for (std::size_t i = graph.nodes.size(); i-- > 0;)
    if (needed[i])
      for (const Operand& operand : graph.nodes[i].inputs)
        if (operand.kind == Operand::Kind::node) needed[static_cast<std::size_t>(operand.node)] = true;
  std::vector<int> moved(graph.nodes.size(), -1);
  LoweredScript kept;
  std::set<std::string> read;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    if (!needed[i]) continue;
    moved[i] = static_cast<int>(kept.model.graph.nodes.size());
    Node node = std::move(graph.nodes[i]);
    for (Operand& operand : node.inputs) {
      if (operand.kind == Operand::Kind::node) operand.node = moved[static_cast<std::size_t>(operand.node)];
      if (operand.kind == Operand::Kind::parameter) read.insert(operand.parameter);
    }
    for (const auto& [role, name] : node.parameters) read.insert(name);
    kept.model.graph.nodes.push_back(std::move(node));
    kept.shapes.push_back(std::move(lowered_.shapes[i]));
    kept.origins.push_back(std::move(lowered_.origins[i]));
  }
  for (const Output& output : graph.outputs)
    kept.model.graph.outputs.push_back({output.name, moved[static_cast<std::size_t>(output.node)]});
  for (auto& [name, tensor] : lowered_.model.weights)
    if (read.contains(name)) kept.model.weights.emplace(name, std::move(tensor));
  kept.constants = std::move(lowered_.constants);
  std::erase_if(weights_, [&](const auto& entry) { return !read.contains(entry.first); });
  lowered_ = std::move(kept);
}

}  // namespace tenfold::mtl
