// A TorchScript module written from a graph: parameters under their own names, forward as source text, a line a node.
#include <torch/script.h>

#include <charconv>
#include <sstream>

#include "base/error.h"
#include "base/files.h"
#include "mtl/op_table.h"
#include "mtl/shapes.h"
#include "mtl/torch/script_contents.h"

namespace tenfold::mtl {
namespace {

namespace jit = torch::jit;
using Ints = std::vector<std::int64_t>;

std::string literal(double value) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, value).ptr;
  std::string number(text, end);
  return number.find_first_of(".e") == std::string::npos ? number + ".0" : number;
}

std::string literal(const Ints& list) {
  std::string text = "[";
  for (const std::int64_t value : list) text += (text.size() > 1 ? ", " : "") + std::to_string(value);
  return text + "]";
}

const char* literal(bool value) { return value ? "True" : "False"; }

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

// The expressions of one node.
class Line {
 public:
  Line(const Graph& graph, int index) : graph_(graph), node_(graph.nodes[static_cast<std::size_t>(index)]) {}

  std::string expression() const;

 private:
  static std::string name(int node) { return "v" + std::to_string(node); }
  std::string parameter(const std::string& name) const {
    std::string text = "self";
    std::size_t begin = 0;
    while (begin <= name.size()) {
      const std::size_t dot = std::min(name.find('.', begin), name.size());
      text = "getattr(" + text + ", " + quoted(name.substr(begin, dot - begin)) + ")";
      begin = dot + 1;
    }
    return text;
  }
  std::string role(const char* role) const {
    const auto found = node_.parameters.find(role);
    return found == node_.parameters.end() ? "None" : parameter(found->second);
  }
  // Numbers become tensors where a tensor must stand.
  std::string operand(std::size_t i, bool as_tensor) const {
    const Operand& operand = node_.inputs[i];
    if (operand.kind == Operand::Kind::node) return name(operand.node);
    if (operand.kind == Operand::Kind::parameter) return parameter(operand.parameter);
    return as_tensor ? "torch.tensor(" + literal(operand.number) + ")" : literal(operand.number);
  }
  std::string x() const { return operand(0, true); }
  std::string list(const char* attribute) const { return literal(integers(node_, attribute)); }
  std::string whole(const char* attribute) const { return std::to_string(integer(node_, attribute)); }
  std::string number(const char* attribute) const { return literal(real(node_, attribute)); }
  std::string optional(const char* attribute) const { return has(node_, attribute) ? number(attribute) : "None"; }
  // torch.NAME(x, arguments...)
  std::string call(const std::string& function, std::initializer_list<std::string> arguments = {}) const {
    std::string text = "torch." + function + "(" + x();
    for (const std::string& argument : arguments) text += ", " + argument;
    return text + ")";
  }

  std::string layer() const;
  std::string join() const;
  std::string upsample() const;
  std::string shape() const;

  const Graph& graph_;
  const Node& node_;
};

std::string Line::layer() const {
  switch (node_.op) {
    case Op::conv2d:
      return call("conv2d", {role("weight"), role("bias"), list("stride"), list("padding"), list("dilation"), whole("groups")});
    case Op::conv_transpose2d:
      return call("conv_transpose2d", {role("weight"), role("bias"), list("stride"), list("padding"), list("output_padding"),
                                       whole("groups"), list("dilation")});
    case Op::linear: return call("linear", {role("weight"), role("bias")});
    case Op::batch_norm:
      return call("batch_norm", {role("weight"), role("bias"), role("running_mean"), role("running_var"), "False",
                                 number("momentum"), number("eps"), "False"});
    case Op::instance_norm:
      return call("instance_norm", {role("weight"), role("bias"), "None", "None", "True", "0.1", number("eps"), "False"});
    case Op::group_norm: return call("group_norm", {whole("num_groups"), role("weight"), role("bias"), number("eps"), "False"});
    case Op::layer_norm:
      return call("layer_norm", {list("normalized_shape"), role("weight"), role("bias"), number("eps"), "False"});
    case Op::prelu: return call("prelu", {role("weight")});
    default: return "";
  }
}

std::string Line::join() const {
  if (node_.inputs.size() < 2 && node_.op != Op::cat) return "";
  const std::string a = operand(0, true), b = operand(node_.inputs.size() - 1, true);
  switch (node_.op) {
    case Op::add: return "torch.add(" + a + ", " + b + ", alpha=" + number("alpha") + ")";
    case Op::sub: return "torch.sub(" + a + ", " + b + ", alpha=" + number("alpha") + ")";
    case Op::mul: return "torch.mul(" + a + ", " + b + ")";
    case Op::div: return "torch.div(" + a + ", " + b + ")";
    case Op::max: return "torch.maximum(" + a + ", " + b + ")";
    case Op::min: return "torch.minimum(" + a + ", " + b + ")";
    case Op::matmul: return "torch.matmul(" + a + ", " + b + ")";
    case Op::cat: {
      std::string all;
      for (std::size_t i = 0; i < node_.inputs.size(); ++i) all += (i > 0 ? ", " : "") + operand(i, true);
      return "torch.cat([" + all + "], " + whole("dim") + ")";
    }
    default: return "";
  }
}

std::string Line::upsample() const {
  std::string size = "None", scale = "None";
  if (has(node_, "size")) {
    size = list("size");
  } else if (has(node_, "scale")) {
    scale = "[" + number("scale") + ", " + number("scale") + "]";
  } else {
    const std::string of = name(graph_.find(text(node_, "size_of")));
    size = "[" + of + ".size(2), " + of + ".size(3)]";
  }
  if (text(node_, "mode") == "nearest") return call("upsample_nearest2d", {size, scale});
  return call("upsample_bilinear2d", {size, literal(flag(node_, "align_corners")), scale});
}

std::string Line::shape() const {
  const auto bound = [](std::int64_t v) { return std::to_string(v); };
  switch (node_.op) {
    case Op::slice:
      return call("slice", {whole("dim"), bound(integer(node_, "start")), bound(integer(node_, "end")), whole("step")});
    case Op::flatten: return call("flatten", {whole("start_dim"), whole("end_dim")});
    case Op::reshape: {
      std::string sizes;
      const Ints& shape = integers(node_, "shape");
      for (std::size_t i = 0; i < shape.size(); ++i)
        sizes += (i > 0 ? ", " : "") + (shape[i] == 0 ? x() + ".size(" + std::to_string(i) + ")" : std::to_string(shape[i]));
      return call("reshape", {"[" + sizes + "]"});
    }
    case Op::permute: return call("permute", {list("dims")});
    case Op::squeeze: return call("squeeze", {whole("dim")});
    case Op::unsqueeze: return call("unsqueeze", {whole("dim")});
    case Op::softmax: return call("softmax", {whole("dim")});
    case Op::log_softmax: return call("log_softmax", {whole("dim")});
    case Op::mean:
    case Op::sum: {
      const std::string function(name_of(node_.op));
      if (integers(node_, "dim").empty() && !flag(node_, "keepdim")) return call(function);
      const std::string dims = integers(node_, "dim").empty() ? "torch.jit.annotate(List[int], [])" : list("dim");
      return call(function, {dims, literal(flag(node_, "keepdim"))});
    }
    case Op::argmax: return call("argmax", {has(node_, "dim") ? whole("dim") : "None", literal(flag(node_, "keepdim"))});
    case Op::l2_normalize:
      return call("div",
                  {"torch.clamp_min(" + call("norm", {"2", "[" + whole("dim") + "]", "True"}) + ", " + number("eps") + ")"});
    case Op::pad:
      return call("pad",
                  {list("pad"), quoted(text(node_, "mode")), text(node_, "mode") == "constant" ? number("value") : "None"});
    case Op::pixel_shuffle: return call("pixel_shuffle", {whole("upscale_factor")});
    default: return "";
  }
}

std::string Line::expression() const {
  switch (node_.op) {
    case Op::dropout:
    case Op::identity: return x();
    case Op::leaky_relu: return call("leaky_relu", {number("negative_slope")});
    case Op::gelu: return call("gelu", {"approximate=" + quoted(text(node_, "approximate"))});
    case Op::hardtanh: return call("hardtanh", {number("min_val"), number("max_val")});
    case Op::softplus: return call("softplus", {number("beta"), number("threshold")});
    case Op::clamp: return call("clamp", {optional("min"), optional("max")});
    case Op::max_pool2d:
      return call("max_pool2d",
                  {list("kernel_size"), list("stride"), list("padding"), list("dilation"), literal(flag(node_, "ceil_mode"))});
    case Op::avg_pool2d:
      return call("avg_pool2d", {list("kernel_size"), list("stride"), list("padding"), literal(flag(node_, "ceil_mode")),
                                 literal(flag(node_, "count_include_pad")),
                                 has(node_, "divisor_override") ? whole("divisor_override") : "None"});
    case Op::adaptive_avg_pool2d: return call("adaptive_avg_pool2d", {list("output_size")});
    case Op::adaptive_max_pool2d: return call("adaptive_max_pool2d", {list("output_size")}) + "[0]";
    case Op::upsample: return upsample();
    default: break;
  }
  for (const std::string& text : {layer(), join(), shape()})
    if (!text.empty()) return text;
  return call(std::string(name_of(node_.op)));
}

std::string forward_source(const Graph& graph) {
  std::string source = "def forward(self, image: Tensor) -> Dict[str, Tensor]:\n  v0 = image\n";
  for (std::size_t i = 1; i < graph.nodes.size(); ++i)
    source += "  v" + std::to_string(i) + " = " + Line(graph, static_cast<int>(i)).expression() + "\n";
  std::string outputs;
  for (const Output& output : graph.outputs)
    outputs += (outputs.empty() ? "" : ", ") + quoted(output.name) + ": v" + std::to_string(output.node);
  return source + "  return {" + outputs + "}\n";
}

// Modules are made from the leaves in: a module's type is closed when it becomes a child.
struct Folder {
  std::map<std::string, Folder> folders;
  std::map<std::string, std::pair<at::Tensor, bool>> tensors;  // and whether it is a buffer
};

// Classes are numbered: a part of a parameter's name need be no identifier.
void fill(jit::Module& module, const Folder& folder, const std::shared_ptr<jit::CompilationUnit>& unit, int& classes) {
  for (const auto& [part, inner] : folder.folders) {
    jit::Module child(c10::QualifiedName("__torch__.tenfold.Part" + std::to_string(classes++)), unit, true);
    fill(child, inner, unit, classes);
    child.train(false);
    module.register_module(part, child);
  }
  for (const auto& [part, tensor] : folder.tensors) {
    if (tensor.second)
      module.register_buffer(part, tensor.first);
    else
      module.register_parameter(part, tensor.first, false);
  }
}

}  // namespace

void write_generated_script(const std::filesystem::path& path, const Model& model) {
  Folder root;
  for (const auto& [name, tensor] : model.weights) {
    Folder* folder = &root;
    std::size_t begin = 0;
    for (std::size_t dot = name.find('.'); dot != std::string::npos; dot = name.find('.', begin)) {
      folder = &folder->folders[name.substr(begin, dot - begin)];
      begin = dot + 1;
    }
    at::Tensor made = at::empty(tensor.shape, at::kFloat);
    std::copy(tensor.values.begin(), tensor.values.end(), made.data_ptr<float>());
    folder->tensors[name.substr(begin)] = {made, is_buffer(model.graph, name)};
  }
  try {
    jit::Module module("TenfoldGraph");
    int classes = 0;
    fill(module, root, module._ivalue()->compilation_unit(), classes);
    module.define(forward_source(model.graph));
    module.eval();
    std::ostringstream out;
    module.save(out);
    write_file_atomic(path, out.str());
  } catch (const Error&) {
    throw;
  } catch (const std::exception& error) {
    input_error(path.string() + ": no TorchScript can be written for this graph: " + script_error(error));
  }
}

}  // namespace tenfold::mtl
