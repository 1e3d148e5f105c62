// Writing the user's module back, smaller: tensors replaced, constants of the graph patched at their nodes. What is patched is
// the inlined graph of a copy: modules of one class share code, so that a patch elsewhere would meet all of them.
#include <algorithm>
#include <map>
#include <set>
#include <sstream>

#include "base/error.h"
#include "base/files.h"
#include "mtl/op_table.h"
#include "mtl/torch/script_contents.h"

namespace tenfold::mtl {
namespace {

namespace jit = torch::jit;
using Ints = std::vector<std::int64_t>;
using Patch = ScriptModule::Patch;

// Methods that forward does not come to: a caller may want them, and they would read tensors of other sizes.
void refuse_other_methods(const jit::Module& module, const std::string& file) {
  std::set<std::string> reached = {"forward", "__getstate__", "__setstate__"};
  std::vector<std::string> open = {"forward"};
  while (!open.empty()) {
    const auto method = module.find_method(open.back());
    open.pop_back();
    if (!method) continue;
    const std::shared_ptr<jit::Graph> graph = method->graph();
    for (const jit::Node* node : all_nodes(*graph))
      if (node->kind() == c10::prim::CallMethod && node->input(0) == graph->inputs()[0])
        if (reached.insert(node->s(c10::attr::name)).second) open.push_back(node->s(c10::attr::name));
  }
  for (const jit::Method& method : module.get_methods())
    if (!reached.contains(method.name()))
      input_error(file + ": exports the method " + method.name() + " beside forward, which cannot be kept when channels go");
}

at::Tensor to_tensor(const Tensor& tensor) {
  at::Tensor made = at::empty(tensor.shape, at::kFloat);
  std::copy(tensor.values.begin(), tensor.values.end(), made.data_ptr<float>());
  return made;
}

void set_parameter(jit::Module module, const std::string& name, const at::Tensor& tensor) {
  std::size_t begin = 0;
  for (std::size_t dot = name.find('.'); dot != std::string::npos; dot = name.find('.', begin)) {
    module = module.attr(name.substr(begin, dot - begin)).toModule();
    begin = dot + 1;
  }
  module.setattr(name.substr(begin), tensor);
}

// The constant that stands at an input, written anew before the node.
void set_input(jit::Graph& graph, jit::Node* node, std::size_t input, const c10::IValue& value) {
  const jit::WithInsertPoint before(node);
  node->replaceInput(input, graph.insertConstant(value));
}

class Rewriter {
 public:
  Rewriter(const std::string& file, CanonicalScript script, const LoweredScript& lowered)
      : file_(file), script_(std::move(script)), lowered_(lowered), nodes_(all_nodes(*script_.graph)) {}

  void set_weight(const std::string& name, const Tensor& tensor) {
    const Tensor& before = lowered_.model.weights.at(name);
    if (before.shape == tensor.shape && before.values == tensor.values) return;
    const auto constant = lowered_.constants.find(name);
    if (constant != lowered_.constants.end()) {
      jit::Node* node = nodes_[constant->second];
      const jit::WithInsertPoint at(node);
      node->output()->replaceAllUsesWith(graph().insertConstant(to_tensor(tensor)));
    } else if (name.starts_with("constants.")) {
      input_error(file_ + ": " + name + " is computed from other tensors when the module runs; its channels cannot be taken out");
    } else {
      set_parameter(script_.module, name, to_tensor(tensor));
    }
  }

  void patch(const Patch& patch) {
    const int index = lowered_.model.graph.find(patch.node);
    if (index < 0) machine_error("write_rewritten: no node " + patch.node);
    const ScriptOrigin& origin = lowered_.origins[static_cast<std::size_t>(index)];
    if (origin.part >= 0) {
      bounds_[index][patch.attribute] = patch.value.at(0);
      split_.insert(origin.ordinal);
      return;
    }
    jit::Node* node = nodes_[origin.ordinal];
    const Node& lowered = lowered_.model.graph.nodes[static_cast<std::size_t>(index)];
    if (patch.attribute == "shape") return patch_shape(node, origin, lowered, patch.value);
    if (patch.attribute == "end" && origin.inputs.contains("length")) {
      bounds_[index]["end"] = patch.value.at(0);
      narrowed_.insert(index);
      return;
    }
    if (patch.attribute == "start" && origin.inputs.contains("length")) {
      bounds_[index]["start"] = patch.value.at(0);
      narrowed_.insert(index);
    }
    // select has no end: it takes the channel at its start.
    if (patch.attribute == "end" && !origin.inputs.contains("end") && lowered.op == Op::slice) return;
    set_input(graph(), node, input_of(origin, patch), patch.value.at(0));
  }

  // What several patches of one node decide together.
  void finish() {
    for (const int index : narrowed_) {
      const ScriptOrigin& origin = lowered_.origins[static_cast<std::size_t>(index)];
      set_input(graph(), nodes_[origin.ordinal], origin.inputs.at("length"), bound(index, "end") - bound(index, "start"));
    }
    for (const std::size_t ordinal : split_) replace_split(ordinal);
  }

  std::string bytes() {
    std::ostringstream out;
    script_.module.save(out);
    return out.str();
  }

 private:
  jit::Graph& graph() { return *script_.graph; }

  static std::size_t input_of(const ScriptOrigin& origin, const Patch& patch) {
    const auto found = origin.inputs.find(patch.attribute);
    if (found == origin.inputs.end())
      machine_error("write_rewritten: attribute " + patch.attribute + " of node " + patch.node + " has no place in the module");
    return found->second;
  }

  std::int64_t bound(int index, const std::string& name) const {
    const auto node = bounds_.find(index);
    if (node != bounds_.end())
      if (const auto value = node->second.find(name); value != node->second.end()) return value->second;
    return integer(lowered_.model.graph.nodes[static_cast<std::size_t>(index)], name);
  }

  // Elements that change become constants; what the module computes itself (sizes of the image) stays.
  void patch_shape(jit::Node* node, const ScriptOrigin& origin, const Node& lowered, const Ints& shape) {
    const Ints& before = integers(lowered, "shape");
    if (before.size() != shape.size()) machine_error("write_rewritten: shape of node " + lowered.id + " changes its rank");
    const auto found = origin.inputs.find("shape");
    if (found == origin.inputs.end())
      input_error(file_ + ": " + describe(lowered) + ": its shape cannot be patched in the module");
    jit::Value* list = node->input(found->second);
    const jit::WithInsertPoint at(node);
    if (const auto constant = jit::toIValue(list)) {
      Ints elements = constant->toIntVector();
      for (std::size_t i = 0; i < shape.size(); ++i)
        if (shape[i] != before[i]) elements.at(i) = shape[i];
      node->replaceInput(found->second, graph().insertConstant(elements));
      return;
    }
    if (list->node()->kind() != c10::prim::ListConstruct)
      input_error(file_ + ": " + describe(lowered) + ": its shape cannot be patched in the module");
    std::vector<jit::Value*> elements = list->node()->inputs().vec();
    for (std::size_t i = 0; i < shape.size(); ++i)
      if (shape[i] != before[i]) elements.at(i) = graph().insertConstant(shape[i]);
    jit::Node* made = graph().insertNode(graph().createList(c10::IntType::get(), elements));
    node->replaceInput(found->second, made->output());
  }

  // chunk and split become slices: after removal the parts need not be equal. A part that nobody reads lies between its
  // neighbours.
  void replace_split(std::size_t ordinal) {
    std::map<int, int> parts;  // part -> lowered node
    for (std::size_t i = 0; i < lowered_.origins.size(); ++i)
      if (lowered_.origins[i].ordinal == ordinal && lowered_.origins[i].part >= 0)
        parts[lowered_.origins[i].part] = static_cast<int>(i);
    jit::Node* node = nodes_[ordinal];
    const auto& arguments = node->schema().arguments();
    const auto dim_argument = std::ranges::find(arguments, "dim", [](const c10::Argument& a) { return a.name(); });
    jit::Value* dim = node->input(static_cast<std::size_t>(dim_argument - arguments.begin()));
    const jit::WithInsertPoint at(node);
    const int count = part_count(node, parts.rbegin()->first + 1);
    std::vector<jit::Value*> made;
    for (int part = 0; part < count; ++part) {
      std::int64_t start = 0, end = std::numeric_limits<std::int64_t>::max();
      const auto next = parts.lower_bound(part);
      if (next != parts.end() && next->first == part) {
        start = bound(next->second, "start");
        end = bound(next->second, "end");
      } else {
        if (next != parts.begin()) start = bound(std::prev(next)->second, "end");
        if (next != parts.end()) end = bound(next->second, "start");
      }
      made.push_back(graph().insert(c10::aten::slice, {node->input(0), dim, start, end, std::int64_t{1}}));
    }
    jit::Node* list = graph().insertNode(graph().createList(c10::TensorType::get(), made));
    node->output()->replaceAllUsesWith(list->output());
  }

  // How many parts the list has: those that are taken out of it, where it is unpacked whole.
  static int part_count(jit::Node* node, int least) {
    int count = least;
    for (const auto& use : node->output()->uses())
      if (use.user->kind() == c10::prim::ListUnpack) count = std::max(count, static_cast<int>(use.user->outputs().size()));
    return count;
  }

  std::string file_;
  CanonicalScript script_;
  const LoweredScript& lowered_;
  std::vector<jit::Node*> nodes_;
  std::map<int, std::map<std::string, std::int64_t>> bounds_;  // lowered node -> start, end
  std::set<int> narrowed_;
  std::set<std::size_t> split_;
};

}  // namespace

void ScriptModule::write_rewritten(const std::filesystem::path& path, const Weights& weights,
                                   const std::vector<Patch>& patches) const {
  const LoweredScript& lowered = contents_->lowered;
  if (lowered.origins.empty()) machine_error("write_rewritten: the module has not been lowered");
  const bool same =
      patches.empty() && std::ranges::all_of(lowered.model.weights, [&](const auto& entry) {
        const auto given = weights.find(entry.first);
        return given != weights.end() && given->second.shape == entry.second.shape && given->second.values == entry.second.values;
      });
  if (same) return write_file_atomic(path, read_file(contents_->path));
  const std::string file = contents_->path.string();
  refuse_other_methods(contents_->module, file);
  std::string bytes;
  try {
    // Read afresh: names of classes count up with every copy made of a module, and the same plan is to give the same bytes.
    Rewriter rewriter(file, canonicalise(open_script(contents_->path)), lowered);
    for (const auto& [name, tensor] : weights) rewriter.set_weight(name, tensor);
    for (const Patch& patch : patches) rewriter.patch(patch);
    rewriter.finish();
    bytes = rewriter.bytes();  // through a stream: the bytes of a saved file depend on its name
  } catch (const Error&) {
    throw;
  } catch (const std::exception& error) {
    input_error(file + ": cannot be rewritten: " + script_error(error));
  }
  write_file_atomic(path, bytes);
}

}  // namespace tenfold::mtl
