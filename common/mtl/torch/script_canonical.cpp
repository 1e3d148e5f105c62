#include "mtl/torch/script_canonical.h"

#include <torch/csrc/jit/passes/constant_propagation.h>
#include <torch/csrc/jit/passes/dead_code_elimination.h>
#include <torch/csrc/jit/passes/freeze_module.h>
#include <torch/csrc/jit/passes/inliner.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <optional>
#include <sstream>

namespace tenfold::mtl {
namespace {

namespace jit = torch::jit;

bool certainly_raises(jit::Block* block) {
  for (jit::Node* node : block->nodes())
    if (node->kind() == c10::prim::RaiseException) return true;
  return false;
}

// Branches that raise for certain are not taken by a network that works: their conditions become constants. (LibTorch's own
// EliminateExceptions does not end where two branches share a condition.)
void decide_exceptions(jit::Graph& graph, jit::Block* block) {
  for (jit::Node* node : block->nodes()) {
    if (node->kind() == c10::prim::If) {
      const bool first = certainly_raises(node->blocks()[0]), second = certainly_raises(node->blocks()[1]);
      if (first != second) {
        const jit::WithInsertPoint before(node);
        node->replaceInput(0, graph.insertConstant(second));
      }
    }
    for (jit::Block* inner : node->blocks()) decide_exceptions(graph, inner);
  }
}

void gather(jit::Block* block, std::vector<jit::Node*>& nodes) {
  for (jit::Node* node : block->nodes()) {
    nodes.push_back(node);
    for (jit::Block* inner : node->blocks()) gather(inner, nodes);
  }
}

struct Place {
  std::string file;
  std::size_t line = 0;
};

// Traced code keeps Python's stack as its source, a line `FILE(LINE): FUNCTION` a call, the innermost first.
void read_python_stack(const std::string& text, std::vector<Place>& places) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t open = line.rfind('('), close = line.find("): ", open == std::string::npos ? 0 : open);
    if (open == std::string::npos || close == std::string::npos) return;
    std::size_t number = 0;
    const auto [end, error] = std::from_chars(line.data() + open + 1, line.data() + close, number);
    if (error != std::errc() || end != line.data() + close) return;
    places.push_back({line.substr(0, open), number});
  }
}

void read_range(const jit::SourceRange& range, std::vector<Place>& places) {
  const std::optional<jit::SourceRange> origin = range.findSourceRangeThatGenerated();
  const jit::SourceRange& source = origin ? *origin : range;
  const std::size_t before = places.size();
  if (source.source()) read_python_stack(source.source()->text_str().str(), places);
  if (places.size() > before) return;
  const auto found = source.file_line_col();
  if (found && !std::get<0>(*found).empty()) places.push_back({std::get<0>(*found), std::get<1>(*found)});
}

bool is_pytorch(const std::string& file) {
  for (const char* part : {"/torch/nn/", "/torch/functional.py", "/torch/_", "/torch/jit/", "code/__torch__/torch/"})
    if (file.find(part) != std::string::npos) return true;
  return false;
}

}  // namespace

CanonicalScript canonicalise(const jit::Module& source) {
  CanonicalScript canonical;
  canonical.module = jit::freeze_module(source, {}, /*freezeInterfaces=*/true, /*preserveParameters=*/true);
  canonical.graph = canonical.module.get_method("forward").graph();
  jit::Inline(*canonical.graph);
  decide_exceptions(*canonical.graph, canonical.graph->block());
  jit::ConstantPropagation(canonical.graph);
  jit::EliminateDeadCode(canonical.graph);
  return canonical;
}

std::vector<jit::Node*> all_nodes(jit::Graph& graph) {
  std::vector<jit::Node*> nodes;
  gather(graph.block(), nodes);
  return nodes;
}

std::string source_of(const jit::Node* node) {
  std::vector<Place> places;  // from the innermost call out
  read_range(node->sourceRange(), places);
  if (const auto stack = node->callstack()) {
    const std::vector<jit::InlinedCallStackEntry> calls = (*stack)->vec();
    for (auto call = calls.rbegin(); call != calls.rend(); ++call) read_range(std::get<1>(*call), places);
  }
  if (places.empty()) return "";
  const auto users = std::ranges::find_if(places, [](const Place& place) { return !is_pytorch(place.file); });
  const Place& best = users == places.end() ? places.front() : *users;
  return std::filesystem::path(best.file).filename().string() + ":" + std::to_string(best.line);
}

std::string in_source(const jit::Node* node) {
  const std::string source = source_of(node);
  return source.empty() ? "" : " (" + source + ")";
}

std::string element_name(const c10::TypePtr& type, std::size_t index) {
  if (const auto tuple = type->cast<c10::TupleType>(); tuple && tuple->schema())
    return tuple->schema()->arguments().at(index).name();
  return std::to_string(index);
}

}  // namespace tenfold::mtl
