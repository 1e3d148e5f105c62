#include "mtl/torch/script_canonical.h"

#include <torch/csrc/jit/passes/constant_propagation.h>
#include <torch/csrc/jit/passes/dead_code_elimination.h>
#include <torch/csrc/jit/passes/freeze_module.h>
#include <torch/csrc/jit/passes/inliner.h>

#include <filesystem>
#include <optional>

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

std::optional<Place> place_of(const jit::SourceRange& range) {
  const std::optional<jit::SourceRange> origin = range.findSourceRangeThatGenerated();
  const auto found = (origin ? *origin : range).file_line_col();
  if (!found) return std::nullopt;
  return Place{std::get<0>(*found), std::get<1>(*found)};
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
  std::vector<jit::SourceRange> ranges;  // from the outermost call in
  if (const auto stack = node->callstack())
    for (const jit::InlinedCallStackEntry& entry : (*stack)->vec()) ranges.push_back(std::get<1>(entry));
  ranges.push_back(node->sourceRange());
  std::optional<Place> best;
  for (auto range = ranges.rbegin(); range != ranges.rend(); ++range) {
    const std::optional<Place> place = place_of(*range);
    if (!place) continue;
    if (!best) best = place;
    if (is_pytorch(place->file)) continue;
    best = place;
    break;
  }
  if (!best) return "";
  return std::filesystem::path(best->file).filename().string() + ":" + std::to_string(best->line);
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
