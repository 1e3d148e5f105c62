// Which scalars depend on which coordinates, and their evaluation.
#include "hmc-marg/exact_functions.h"

#include <algorithm>
#include <utility>

#include "hmc-marg/evaluate.h"

namespace tenfold::hmc_marg {
namespace {

constexpr std::uint32_t kKnown = 0xffffffff;
constexpr std::uint8_t kEliminated = 0x80;

// For each slot, bit a: coordinate a reaches it; kEliminated: an eliminated parameter does.
std::vector<std::uint8_t> reach_of(const FactorGraph& model, const Marginal& marginal) {
  const Graph& graph = model.graph;
  std::vector<std::uint8_t> reach(graph.slot_count(), 0);
  for (std::size_t a = 0; a < marginal.target.inputs.size(); ++a)
    reach[marginal.target.inputs[a]] = static_cast<std::uint8_t>(1u << std::min<std::size_t>(a, 6));
  for (const int p : marginal.eliminated) {
    const Parameter& parameter = model.parameters[static_cast<std::size_t>(p)];
    for (std::uint32_t i = 0; i < parameter.free_size; ++i) reach[parameter.free_first + i] = kEliminated;
  }
  for (const Node& node : graph.nodes()) {
    if (node.op == Op::constant || node.op == Op::parameter) continue;
    const std::span<const Operand> operands = graph.operands(node);
    const auto gather = [&](const Operand& operand, std::size_t first, std::size_t last) {
      std::uint8_t bits = 0;
      for (std::size_t i = first; i < std::min<std::size_t>(last, operand.size); ++i) bits |= reach[graph.slot_of(operand, i)];
      return bits;
    };
    for (std::uint32_t lane = 0; lane < node.lanes; ++lane) {
      std::uint8_t bits = 0;
      for (const Operand& operand : operands) {
        const bool all =
            operand.kind == Operand::Kind::single || !(lane_wise(node.op) || node.op == Op::density || segmented(node.op));
        if (all)
          bits |= gather(operand, 0, operand.size);
        else if (segmented(node.op))
          bits |= gather(operand, graph.segments(node)[lane], graph.segments(node)[lane + 1]);
        else
          bits |= gather(operand, lane, lane + 1);
      }
      reach[node.first + lane] |= bits;
    }
  }
  return reach;
}

}  // namespace

PointFunctions::PointFunctions(std::shared_ptr<const OpProgram> program, std::vector<double> numbers,
                               std::vector<std::uint32_t> places, std::size_t kept, std::unique_ptr<Recovery> recovery,
                               std::span<const ScalarConditional> conditionals)
    : engine_(program ? std::make_unique<Engine>(std::move(program)) : nullptr),
      numbers_(std::move(numbers)),
      places_(std::move(places)),
      kept_(kept),
      recovery_(std::move(recovery)),
      conditionals_(conditionals) {
  for (const std::uint32_t place : places_)
    if (place != kKnown) outputs_.resize(std::max<std::size_t>(outputs_.size(), place + 1u));
}

void PointFunctions::functions(std::span<const double> q, std::span<double> values) {
  if (engine_) engine_->outputs(q, outputs_);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = places_[i] == kKnown ? numbers_[i] : outputs_[places_[i]];
}

bool PointFunctions::evaluate(std::span<const double> q, std::span<double> values, std::span<double> mean,
                              std::span<double> variance) {
  functions(q, values);
  if (!recovery_) return true;
  if (!recovery_->condition(values.first(kept_))) return false;
  recovery_->mean(mean);
  recovery_->variance(variance);
  return true;
}

std::pair<double, double> PointFunctions::conditional(std::size_t eliminated, double mean, double variance) {
  const ScalarConditional& c = conditionals_[eliminated];
  if (c.family == MixtureFamily::normal) return c.parameters({}, mean, variance);
  return c.parameters(recovery_->numbers().family, mean, variance);
}

void ExactFunctions::add(const Value& value, std::size_t i, const std::vector<std::uint8_t>& reach) {
  const Slot slot = value.slot.empty() ? 0 : value.slot[i];
  numbers_.push_back(value.number[i]);
  axes_.push_back(slot == 0 ? 0 : reach[slot]);
  if (slot == 0) {
    places_.push_back(kKnown);
    return;
  }
  const auto at = std::find(outputs_.begin(), outputs_.end(), slot);
  places_.push_back(static_cast<std::uint32_t>(at - outputs_.begin()));
  if (at == outputs_.end()) outputs_.push_back(slot);
}

ExactFunctions::ExactFunctions(const Model& model, const Marginal& marginal) : model_(model), marginal_(marginal) {
  const FactorGraph& graph = model.graph;
  const std::vector<std::uint8_t> reach = reach_of(graph, marginal);
  const std::size_t d = marginal.target.inputs.size();
  // Kept values first, in the order that Recovery takes them; then transformed parameters.
  std::vector<std::size_t> begin(graph.parameters.size(), 0);
  for (const int p : marginal.kept) {
    const Value& value = graph.parameters[static_cast<std::size_t>(p)].value;
    begin[static_cast<std::size_t>(p)] = numbers_.size();
    for (std::size_t i = 0; i < value.size(); ++i) add(value, i, reach);
  }
  kept_ = numbers_.size();
  std::vector<ScalarName> transformed;
  for (const OutputVariable& output : graph.outputs) {
    const Columns columns = columns_of(output.name, output.value.type, output.value.dims);
    for (std::size_t c = 0; c < columns.names.size(); ++c) {
      const std::size_t i = columns.place[c];
      const bool generated = output.block == BlockKind::generated_quantities;
      const Slot slot = generated || output.value.slot.empty() ? 0 : output.value.slot[i];
      if (generated || (slot != 0 && (reach[slot] & kEliminated) != 0)) {
        left_out_.push_back(columns.names[c]);
        continue;
      }
      transformed.push_back({columns.names[c], ColumnKind::transformed, false, numbers_.size()});
      add(output.value, i, reach);
    }
  }
  std::size_t gone = numbers_.size() + d;
  for (std::size_t p = 0; p < graph.parameters.size(); ++p) {
    const Parameter& parameter = graph.parameters[p];
    const bool eliminated = std::binary_search(marginal.eliminated.begin(), marginal.eliminated.end(), static_cast<int>(p));
    const Columns columns = columns_of(parameter.name, parameter.value.type, parameter.value.dims);
    for (std::size_t c = 0; c < columns.names.size(); ++c)
      order_.push_back({columns.names[c], eliminated ? ColumnKind::eliminated : ColumnKind::sampled, false,
                        (eliminated ? gone : begin[p]) + columns.place[c]});
    if (eliminated) gone += parameter.value.size();
  }
  eliminated_ = gone - numbers_.size() - d;
  conditionals_ = scalar_conditionals(graph, marginal);
  order_.insert(order_.end(), transformed.begin(), transformed.end());
  std::size_t coordinate = numbers_.size();
  for (const int p : marginal.kept) {
    const Parameter& parameter = graph.parameters[static_cast<std::size_t>(p)];
    const bool same = parameter.constraint == ConstraintKind::none;
    const bool alike = parameter.free_size == parameter.value.size();
    const Columns columns = columns_of(parameter.name, parameter.value.type, parameter.value.dims);
    for (std::uint32_t i = 0; i < parameter.free_size && !same; ++i) {
      // One coordinate an element: named as the element. Else numbered.
      std::string name = parameter.name + '.' + std::to_string(i + 1);
      for (std::size_t c = 0; c < columns.names.size() && alike; ++c)
        if (columns.place[c] == i) name = columns.names[c];
      order_.push_back({std::move(name), ColumnKind::sampled, true, coordinate + i});
    }
    coordinate += parameter.free_size;
  }
  if (!outputs_.empty()) {
    TargetSpec spec;
    spec.inputs = marginal.target.inputs;
    spec.outputs = outputs_;
    program_ = lower(graph.graph, spec);
  }
}

PointFunctions ExactFunctions::evaluator() const {
  return {program_,
          numbers_,
          places_,
          kept_,
          marginal_.eliminated.empty() ? nullptr : std::make_unique<Recovery>(model_.graph, marginal_),
          conditionals_};
}

}  // namespace tenfold::hmc_marg
