// Priors are found, then the graph is copied in the order of its new dependencies, with the parameter's scalars as nodes.
#include "hmc-marg/noncentred.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <set>
#include <unordered_map>

#include "base/error.h"
#include "base/philox.h"
#include "hmc-marg/op_program.h"
#include "hmc-marg/plan.h"
#include "hmc-marg/plan_eligibility.h"

namespace tenfold::hmc_marg {

namespace {

constexpr std::uint32_t kNoUnit = 0xffffffff;

// A parameter's scalars with their priors.
struct Standard {
  int parameter = 0;
  std::vector<Slot> location, scale;  // [scalars] slots of the old graph
};

class Rewriter {
 public:
  Rewriter(const FactorGraph& model, const std::vector<int>& parameters) : old_(model), graph_(model.graph) {
    for (const int p : parameters)
      if (!model.parameters[at(p)].noncentred) list_.push_back({p, {}, {}});
  }

  FactorGraph run() {
    find_priors();
    new_ = old_;
    new_.graph = Graph();
    map_.assign(graph_.slot_count(), 0);
    state_.assign(graph_.nodes().size() + list_.size(), kNew);
    for (std::size_t k = 0; k < list_.size(); ++k)
      for (const Slot slot : old_.parameters[at(list_[k].parameter)].value.slot)
        owner_[slot] = static_cast<std::uint32_t>(graph_.nodes().size() + k);
    for (std::size_t p = 0; p < new_.parameters.size(); ++p) {
      Parameter& parameter = new_.parameters[p];
      if (parameter.free_size == 0) continue;
      new_.graph.set_line(parameter.at.line);
      const Slot first = new_.graph.parameters(parameter.free_size);
      for (std::uint32_t i = 0; i < parameter.free_size; ++i) {
        const Slot old = parameter.free_first + i;
        free_[old] = first + i;
        if (owner_.count(old) == 0)
          map_[old] = first + i;  // elsewhere the old scalar is the parameter's value, which is a node now
      }
      parameter.free_first = first;
    }
    for (std::size_t k = 0; k < list_.size(); ++k) declare(list_[k]);
    for (Parameter& parameter : new_.parameters) {
      for (Value* value : {&parameter.lower, &parameter.upper, &parameter.offset, &parameter.multiplier, &parameter.value})
        translate(*value);
      for (Slot& slot : parameter.log_jacobian) slot = moved(slot);
    }
    factors();
    for (Term& term : new_.terms) term.slot = moved(term.slot);
    for (DirichletPrior& prior : new_.dirichlets) {
      prior.kernel = moved(prior.kernel);
      translate(prior.variate);
      translate(prior.alpha);
    }
    for (BoundCheck& check : new_.bound_checks) check.difference = moved(check.difference);
    for (OutputVariable& output : new_.outputs) translate(output.value);
    return std::move(new_);
  }

 private:
  enum State : std::uint8_t { kNew, kOpen, kDone };
  static std::size_t at(int i) { return static_cast<std::size_t>(i); }
  const std::string& name(int p) const { return old_.parameters[at(p)].name; }

  Slot operand(const Node& node, std::size_t k, std::size_t i) const {
    const Operand& list = graph_.operands(node)[k];
    return graph_.slot_of(list, list.size == 1 ? 0 : i);
  }

  void find_priors() {
    std::unordered_map<Slot, std::pair<std::size_t, std::size_t>> wanted;  // scalar -> its parameter in the list, its place
    for (std::size_t k = 0; k < list_.size(); ++k) {
      const Parameter& parameter = old_.parameters[at(list_[k].parameter)];
      if (!declared_unbounded(parameter))
        infeasible_error("--reparam: `" + parameter.name + "` is declared with bounds at line " +
                         std::to_string(parameter.at.line) + " and has no epsilon; leave it out");
      list_[k].location.assign(parameter.value.size(), 0);
      list_[k].scale.assign(parameter.value.size(), 0);
      for (std::size_t i = 0; i < parameter.value.size(); ++i) wanted[parameter.value.slot[i]] = {k, i};
    }
    taken_.resize(old_.factors.size());
    for (std::size_t f = 0; f < old_.factors.size(); ++f) {
      const Node& node = graph_.nodes()[old_.factors[f].node];
      if (node.density != Density::normal && node.density != Density::std_normal) continue;
      for (std::uint32_t lane = 0; lane < node.lanes; ++lane) {
        const auto found = wanted.find(operand(node, 0, lane));
        if (found == wanted.end()) continue;
        const auto [k, i] = found->second;
        if (node.density == Density::normal) {
          list_[k].location[i] = operand(node, 1, lane);
          list_[k].scale[i] = operand(node, 2, lane);
        }
        taken_[f].emplace(lane, Taken{k, i});
        wanted.erase(found);
      }
    }
    for (const Standard& standard : list_)
      for (const Slot slot : old_.parameters[at(standard.parameter)].value.slot)
        if (wanted.count(slot) != 0)
          infeasible_error("--reparam: `" + name(standard.parameter) + "`, declared at line " +
                           std::to_string(old_.parameters[at(standard.parameter)].at.line) +
                           ", has an element without a normal prior of its own; leave it out");
  }

  // The parameter's new declaration: affine, with the prior's location and scale; slots are still the old graph's, translated
  // later.
  void declare(const Standard& standard) {
    Parameter& parameter = new_.parameters[at(standard.parameter)];
    parameter.constraint = ConstraintKind::affine;
    parameter.lower = parameter.upper = {};
    parameter.log_jacobian.clear();
    parameter.noncentred = true;
    const auto set = [&](Value& value, const std::vector<Slot>& slots, double standard_value) {
      value.type = parameter.value.type;
      value.dims = parameter.value.dims;
      value.number.assign(slots.size(), standard_value);
      value.slot = slots;
    };
    set(parameter.offset, standard.location, 0);
    set(parameter.multiplier, standard.scale, 1);
  }

  void translate(Value& value) {
    bool any = false;
    for (std::size_t i = 0; i < value.slot.size(); ++i) {
      Slot& slot = value.slot[i];
      if (slot == 0) continue;
      if (graph_.is_constant(slot)) {
        value.number[i] = graph_.constant_value(slot);
        slot = 0;
        continue;
      }
      slot = moved(slot);
      any = true;
    }
    if (!any) value.slot.clear();
  }

  std::uint32_t unit_of(Slot slot) const {
    if (slot == 0 || graph_.is_constant(slot)) return kNoUnit;
    const auto found = owner_.find(slot);
    if (found != owner_.end()) return found->second;
    const std::uint32_t node = graph_.node_of(slot);
    return graph_.nodes()[node].op == Op::parameter ? kNoUnit : node;
  }

  // The new graph's slot for one of the old; makes what it depends on first.
  Slot moved(Slot slot) {
    if (slot == 0) return 0;
    if (graph_.is_constant(slot)) return new_.graph.constant(graph_.constant_value(slot));
    const std::uint32_t unit = unit_of(slot);
    if (unit != kNoUnit) make(unit);
    return map_[slot];
  }

  template <class Visit>
  void each_operand(std::uint32_t unit, Visit visit) const {
    if (unit >= graph_.nodes().size()) {
      const Standard& standard = list_[unit - graph_.nodes().size()];
      for (const Slot slot : standard.location) visit(slot);
      for (const Slot slot : standard.scale) visit(slot);
      return;
    }
    const Node& node = graph_.nodes()[unit];
    for (const Operand& list : graph_.operands(node))
      for (std::uint32_t i = 0; i < list.size; ++i) visit(graph_.slot_of(list, i));
  }

  void make(std::uint32_t root) {
    std::vector<std::uint32_t> stack = {root};
    while (!stack.empty()) {
      const std::uint32_t unit = stack.back();
      if (state_[unit] == kDone) {
        stack.pop_back();
        continue;
      }
      if (state_[unit] == kOpen) {
        state_[unit] = kDone;
        if (unit >= graph_.nodes().size())
          make_value(list_[unit - graph_.nodes().size()]);
        else
          make_node(graph_.nodes()[unit]);
        stack.pop_back();
        continue;
      }
      state_[unit] = kOpen;
      each_operand(unit, [&](Slot slot) {
        const std::uint32_t other = unit_of(slot);
        if (other == kNoUnit || state_[other] == kDone) return;
        if (state_[other] == kOpen) refuse(stack, unit);
        stack.push_back(other);
      });
    }
  }

  // Some parameter of the list is on the path of open units.
  [[noreturn]] void refuse(const std::vector<std::uint32_t>& stack, std::uint32_t last) const {
    std::uint32_t unit = last;
    for (const std::uint32_t other : stack)
      if (other >= graph_.nodes().size() && state_[other] == kOpen) unit = std::max(unit, other);
    const int p = list_[unit - graph_.nodes().size()].parameter;
    infeasible_error("--reparam: the prior of `" + name(p) + "`, declared at line " +
                     std::to_string(old_.parameters[at(p)].at.line) + ", has a location or scale that depends on `" + name(p) +
                     "` itself; leave it out");
  }

  Scalars translated(const Operand& list, std::vector<double>& number, std::vector<Slot>& slot) const {
    number.assign(list.size, 0);
    slot.assign(list.size, 0);
    for (std::uint32_t i = 0; i < list.size; ++i) put(graph_.slot_of(list, i), number[i], slot[i]);
    return {number, slot};
  }
  void put(Slot old, double& number, Slot& slot) const {
    if (graph_.is_constant(old))
      number = graph_.constant_value(old);
    else
      slot = map_[old];
  }

  void make_node(const Node& node) {
    std::vector<double> number[kMaxDensityArguments];
    std::vector<Slot> slot[kMaxDensityArguments];
    std::vector<Scalars> operands;
    for (std::size_t k = 0; k < node.arity; ++k) operands.push_back(translated(graph_.operands(node)[k], number[k], slot[k]));
    Graph& graph = new_.graph;
    graph.set_line(node.line);
    Slot first = 0;
    if (node.op == Op::density)
      first = graph.density(node.density, operands, node.lanes);
    else if (lane_wise(node.op))
      first = graph.lane_wise(node.op, operands, node.lanes);
    else if (segmented(node.op))
      first = graph.segmented(node.op, operands, graph_.segments(node));
    else
      first = graph.whole(node.op, operands, node.lanes, node.rows);
    for (std::uint32_t i = 0; i < node.lanes; ++i)
      if (owner_.count(node.first + i) == 0) map_[node.first + i] = first + i;
  }

  // value = location + scale * epsilon
  void make_value(const Standard& standard) {
    const Parameter& parameter = old_.parameters[at(standard.parameter)];
    new_.noncentred.push_back(standard.parameter);
    const std::size_t n = parameter.value.size();
    std::vector<double> zeros(n, 0), scale(n, 1), location(n, 0);
    std::vector<Slot> epsilon(n), scale_slot(n, 0), location_slot(n, 0), product(n);
    bool scaled = false, shifted = false;
    for (std::size_t i = 0; i < n; ++i) {
      epsilon[i] = free_.at(parameter.free_first + static_cast<Slot>(i));
      if (standard.scale[i] != 0) put(standard.scale[i], scale[i], scale_slot[i]);
      if (standard.location[i] != 0) put(standard.location[i], location[i], location_slot[i]);
      scaled = scaled || scale_slot[i] != 0 || scale[i] != 1;
      shifted = shifted || location_slot[i] != 0 || location[i] != 0;
    }
    Graph& graph = new_.graph;
    graph.set_line(parameter.at.line);
    const auto lanes = static_cast<std::uint32_t>(n);
    const auto list = [](Slot first, std::vector<Slot>& slots) {
      for (std::size_t i = 0; i < slots.size(); ++i) slots[i] = first + static_cast<Slot>(i);
    };
    product = epsilon;
    if (scaled) {
      const Scalars operands[2] = {{scale, scale_slot}, {zeros, epsilon}};
      list(graph.lane_wise(Op::mul, operands, lanes), product);
    }
    std::vector<Slot> value = product;
    if (shifted) {
      const Scalars operands[2] = {{location, location_slot}, {zeros, product}};
      list(graph.lane_wise(Op::add, operands, lanes), value);
    }
    for (std::size_t i = 0; i < n; ++i) map_[parameter.value.slot[i]] = value[i];
  }

  // Densities without the lanes that were priors; these become standard normals of epsilon, in the same place of the source
  // order.
  void factors() {
    new_.factors.clear();
    for (std::size_t f = 0; f < old_.factors.size(); ++f) {
      const Factor& factor = old_.factors[f];
      const Node& node = graph_.nodes()[factor.node];
      if (taken_[f].empty()) {
        new_.factors.push_back({new_.graph.node_of(moved(node.first)), factor.data_arguments, factor.line});
        continue;
      }
      new_.graph.set_line(factor.line);
      std::vector<Slot> epsilon;
      for (const auto& [lane, taken] : taken_[f])
        epsilon.push_back(
            free_.at(old_.parameters[at(list_[taken.standard].parameter)].free_first + static_cast<Slot>(taken.place)));
      const std::vector<double> zeros(node.lanes, 0);
      const Scalars variate[1] = {{std::span(zeros).first(epsilon.size()), epsilon}};
      new_.factors.push_back(
          {new_.graph.node_of(new_.graph.density(Density::std_normal, variate, static_cast<std::uint32_t>(epsilon.size()))), 0,
           factor.line});
      if (epsilon.size() == node.lanes) continue;
      std::vector<double> number[kMaxDensityArguments];
      std::vector<Slot> slot[kMaxDensityArguments];
      std::vector<Scalars> operands;
      std::uint32_t lanes = 0;
      for (std::size_t k = 0; k < node.arity; ++k) {
        lanes = 0;
        for (std::uint32_t lane = 0; lane < node.lanes; ++lane) {
          if (taken_[f].count(lane) != 0) continue;
          ++lanes;
          const Slot old = operand(node, k, lane);
          number[k].push_back(graph_.is_constant(old) ? graph_.constant_value(old) : 0);
          slot[k].push_back(graph_.is_constant(old) ? 0 : moved(old));
        }
        operands.push_back({number[k], slot[k]});
      }
      new_.graph.set_line(factor.line);
      new_.factors.push_back(
          {new_.graph.node_of(new_.graph.density(node.density, operands, lanes)), factor.data_arguments, factor.line});
    }
  }

  struct Taken {
    std::size_t standard = 0, place = 0;
  };
  const FactorGraph& old_;
  const Graph& graph_;
  FactorGraph new_;
  std::vector<Standard> list_;
  std::vector<std::map<std::uint32_t, Taken>> taken_;  // [factors] lanes that are priors
  std::unordered_map<Slot, std::uint32_t> owner_;      // scalars of the list's parameters -> unit; units: nodes, then the list
  std::unordered_map<Slot, Slot> free_;
  std::vector<Slot> map_;
  std::vector<std::uint8_t> state_;
};

}  // namespace

FactorGraph noncentred(const FactorGraph& model, const std::vector<int>& parameters) { return Rewriter(model, parameters).run(); }

CertificateResult certify_noncentred(const FactorGraph& original, const FactorGraph& rewritten, std::uint64_t seed, int points) {
  // Both as functions of the constrained scalars of the rewritten parameters and of the free ones of the others.
  TargetSpec before = joint_target(original), after = joint_target(rewritten), values;
  values.inputs = after.inputs;
  std::vector<std::pair<std::size_t, std::size_t>> moved;  // input -> its z and s among the outputs
  std::set<Slot> jacobians;
  std::vector<Slot> scales;
  std::size_t first = 0;
  for (std::size_t p = 0; p < original.parameters.size(); ++p) {
    const Parameter &old = original.parameters[p], &now = rewritten.parameters[p];
    if (now.noncentred && !old.noncentred) {
      for (const Slot slot : old.log_jacobian) jacobians.insert(slot);
      for (std::uint32_t i = 0; i < now.free_size; ++i) {
        before.inputs[first + i] = old.value.slot[i];
        moved.emplace_back(first + i, values.outputs.size());
        values.outputs.push_back(now.value.slot[i]);
        const bool known = now.multiplier.slot.empty() || now.multiplier.slot[i] == 0;
        scales.push_back(known ? 0 : now.multiplier.slot[i]);
      }
    }
    first += old.free_size;
  }
  std::erase_if(before.terms, [&](const Term& term) { return jacobians.count(term.slot) != 0; });
  double known_scales = 0;
  std::size_t k = 0;
  for (std::size_t p = 0; p < original.parameters.size(); ++p) {
    const Parameter& now = rewritten.parameters[p];
    if (!now.noncentred || original.parameters[p].noncentred) continue;
    for (std::uint32_t i = 0; i < now.free_size; ++i, ++k) {
      if (scales[k] == 0)
        known_scales += std::log(now.multiplier.number[i]);
      else
        values.outputs.push_back(scales[k]);
    }
  }
  Engine old_engine(lower(original.graph, before)), new_engine(lower(rewritten.graph, after)),
      value_engine(lower(rewritten.graph, values));
  CertificateResult result;
  result.ok = true;
  std::vector<double> q(after.inputs.size()), x, out(values.outputs.size());
  for (int point = 0; point < points; ++point) {
    PhiloxStream random(seed, "noncentred", static_cast<std::uint32_t>(point));
    for (double& v : q) v = 4 * random.uniform() - 2;
    value_engine.outputs(q, out);
    x = q;
    for (const auto& [input, output] : moved) x[input] = out[output];
    double logs = known_scales;
    for (std::size_t i = moved.size(); i < out.size(); ++i) logs += std::log(out[i]);
    const double a = new_engine.log_density(q), b = old_engine.log_density(x);
    if (!std::isfinite(b)) continue;
    ++result.points;
    const double error = std::fabs(a - b - logs), relative = error / std::max(1.0, std::fabs(b) + std::fabs(logs));
    result.max_abs_error = std::max(result.max_abs_error, error);
    if (!(relative <= result.max_rel_error)) {
      result.max_rel_error = relative;
      char text[160];
      std::snprintf(text, sizeof text, "point %d: as declared %.17g, as epsilon %.17g, log of scales %.17g", point, b, a, logs);
      result.worst = text;
    }
    if (!(relative <= kCertificateTolerance)) result.ok = false;
  }
  if (result.points == 0) result.ok = false;
  return result;
}

}  // namespace tenfold::hmc_marg
