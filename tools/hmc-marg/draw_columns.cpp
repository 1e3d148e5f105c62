// Rows of a chain: constrain the kept values, draw the eliminated ones, evaluate the program's outputs.
#include "hmc-marg/draw_columns.h"

#include <algorithm>
#include <optional>
#include <unordered_map>

#include "base/philox.h"
#include "hmc-marg/evaluate.h"
#include "hmc-marg/gamma_ratio.h"
#include "hmc-marg/op_program.h"
#include "hmc-marg/recover.h"

namespace tenfold::hmc_marg {
namespace {

constexpr std::uint32_t kNone = 0xffffffff;

// Where each scalar of a value comes from: a number known at build time, or a place in a list of node values.
struct Source {
  double number = 0;
  std::uint32_t place = kNone;
};

// Slots of several values without repetition, and for each scalar its source.
struct SlotList {
  std::vector<Slot> slots;
  std::unordered_map<Slot, std::uint32_t> place_of;

  Source add(const Value& value, std::size_t i) {
    const Slot slot = value.slot.empty() ? 0 : value.slot[i];
    if (slot == 0) return {value.number[i], kNone};
    const auto [at, is_new] = place_of.try_emplace(slot, static_cast<std::uint32_t>(slots.size()));
    if (is_new) slots.push_back(slot);
    return {0, at->second};
  }
};

double from(const Source& source, const std::vector<double>& values) {
  return source.place == kNone ? source.number : values[source.place];
}

}  // namespace

const char* name_of(ColumnKind kind) {
  switch (kind) {
    case ColumnKind::sampled: return "sampled";
    case ColumnKind::eliminated: return "eliminated";
    case ColumnKind::transformed: return "transformed";
    case ColumnKind::generated: return "generated";
  }
  return "";
}

std::vector<Column> draw_columns(const Model& model, const Marginal& marginal) {
  std::vector<Column> columns;
  const auto append = [&](const std::string& name, const Value& value, ColumnKind kind) {
    for (std::string& column : columns_of(name, value.type, value.dims).names) columns.push_back({std::move(column), kind});
  };
  for (std::size_t i = 0; i < model.graph.parameters.size(); ++i) {
    const bool gone = std::binary_search(marginal.eliminated.begin(), marginal.eliminated.end(), static_cast<int>(i));
    append(model.graph.parameters[i].name, model.graph.parameters[i].value, gone ? ColumnKind::eliminated : ColumnKind::sampled);
  }
  for (const OutputVariable& output : model.graph.outputs)
    append(output.name, output.value,
           output.block == BlockKind::generated_quantities ? ColumnKind::generated : ColumnKind::transformed);
  return columns;
}

struct DrawColumns::State {
  std::array<std::uint32_t, 2> recover_key, generate_key;
  std::optional<Engine> constrain, transform;
  std::optional<Recovery> recovery;
  std::optional<GeneratedQuantities> generate;

  std::vector<Source> kept_sources;              // [kept constrained] into constrained_values
  std::vector<std::uint32_t> kept_place;         // their places among all parameters' scalars
  std::vector<std::uint32_t> eliminated_place;   // the same of the eliminated scalars
  std::vector<std::uint32_t> transform_inputs;   // for each input slot of `transform` a place among all parameters' scalars
  std::vector<Source> transformed_sources;       // [transformed] into transform_outputs
  std::vector<std::uint32_t> order;              // CSV column -> place among parameters ++ transformed ++ generated

  std::vector<double> constrained_values, kept, eliminated, transform_in, transform_out;
  std::vector<double> all;  // parameters ++ transformed ++ generated, value.h's layout
  std::size_t parameters = 0, transformed = 0;
  int faults = 0;
  std::string first_fault;
};

DrawColumns::DrawColumns(const Model& model, const Marginal& marginal, std::uint64_t seed) : state_(std::make_unique<State>()) {
  State& s = *state_;
  const FactorGraph& graph = model.graph;
  s.recover_key = philox_key(seed, "recover");
  s.generate_key = philox_key(seed, "generated");

  SlotList constrained, inputs;
  for (std::size_t p = 0; p < graph.parameters.size(); ++p) {
    const Value& value = graph.parameters[p].value;
    const bool gone = std::binary_search(marginal.eliminated.begin(), marginal.eliminated.end(), static_cast<int>(p));
    for (std::size_t i = 0; i < value.size(); ++i) {
      const auto place = static_cast<std::uint32_t>(s.parameters + i);
      if (gone) {
        s.eliminated_place.push_back(place);
      } else {
        s.kept_sources.push_back(constrained.add(value, i));
        s.kept_place.push_back(place);
      }
      const Slot slot = value.slot.empty() ? 0 : value.slot[i];
      if (slot != 0 && !graph.graph.is_constant(slot) && inputs.place_of.try_emplace(slot, 0).second) {
        inputs.slots.push_back(slot);
        s.transform_inputs.push_back(place);
      }
    }
    s.parameters += value.size();
  }
  if (!constrained.slots.empty()) {
    TargetSpec spec;
    spec.inputs = marginal.target.inputs;
    spec.outputs = constrained.slots;
    s.constrain.emplace(lower(graph.graph, spec));
  }
  if (!marginal.eliminated.empty()) s.recovery.emplace(graph, marginal);

  SlotList outputs;
  std::size_t generated = 0;
  for (const OutputVariable& output : graph.outputs) {
    if (output.block == BlockKind::generated_quantities) {
      std::size_t size = 1;
      for (const int d : output.value.dims) size *= static_cast<std::size_t>(d);
      generated += size;
      continue;
    }
    for (std::size_t i = 0; i < output.value.size(); ++i) s.transformed_sources.push_back(outputs.add(output.value, i));
  }
  s.transformed = s.transformed_sources.size();
  if (!outputs.slots.empty()) {
    TargetSpec spec;
    spec.inputs = inputs.slots;
    spec.outputs = outputs.slots;
    s.transform.emplace(lower(graph.graph, spec));
  }
  if (generated > 0) s.generate.emplace(model.program, model.data, graph);

  std::uint32_t begin = 0;
  const auto add_order = [&](const std::string& name, const Value& value) {
    const Columns columns = columns_of(name, value.type, value.dims);
    for (const std::uint32_t place : columns.place) s.order.push_back(begin + place);
    begin += static_cast<std::uint32_t>(columns.place.size());
  };
  for (const Parameter& parameter : graph.parameters) add_order(parameter.name, parameter.value);
  for (const OutputVariable& output : graph.outputs) add_order(output.name, output.value);

  s.constrained_values.resize(constrained.slots.size());
  s.kept.resize(s.kept_sources.size());
  s.eliminated.resize(s.eliminated_place.size());
  s.transform_in.resize(s.transform_inputs.size());
  s.transform_out.resize(outputs.slots.size());
  s.all.resize(s.parameters + s.transformed + generated);
}

DrawColumns::~DrawColumns() = default;
DrawColumns::DrawColumns(DrawColumns&&) noexcept = default;

void DrawColumns::row(std::span<const double> kept, std::uint32_t chain, std::uint32_t draw, std::span<double> out) {
  State& s = *state_;
  if (s.constrain) s.constrain->outputs(kept, s.constrained_values);
  for (std::size_t i = 0; i < s.kept.size(); ++i)
    s.all[s.kept_place[i]] = s.kept[i] = from(s.kept_sources[i], s.constrained_values);
  if (s.recovery) {
    PhiloxStream random(s.recover_key, chain, draw);
    if (s.recovery->condition(s.kept)) {
      s.recovery->draw(random, s.eliminated);
    } else {
      std::fill(s.eliminated.begin(), s.eliminated.end(), kNaN);
    }
    for (std::size_t i = 0; i < s.eliminated.size(); ++i) s.all[s.eliminated_place[i]] = s.eliminated[i];
  }
  if (s.transform) {
    for (std::size_t i = 0; i < s.transform_in.size(); ++i) s.transform_in[i] = s.all[s.transform_inputs[i]];
    s.transform->outputs(s.transform_in, s.transform_out);
  }
  for (std::size_t i = 0; i < s.transformed; ++i) s.all[s.parameters + i] = from(s.transformed_sources[i], s.transform_out);
  if (s.generate) {
    PhiloxStream random(s.generate_key, chain, draw);
    const std::span<double> all(s.all);
    if (!s.generate->evaluate(all.first(s.parameters), all.subspan(s.parameters, s.transformed), random,
                              all.subspan(s.parameters + s.transformed)) &&
        s.faults++ == 0)
      s.first_fault = s.generate->fault();
  }
  for (std::size_t i = 0; i < s.order.size(); ++i) out[i] = s.all[s.order[i]];
}

std::size_t DrawColumns::size() const { return state_->order.size(); }
int DrawColumns::generated_faults() const { return state_->faults; }
const std::string& DrawColumns::first_fault() const { return state_->first_fault; }

}  // namespace tenfold::hmc_marg
