// The slow obvious form of the engine: node by node, lane by lane, with the scalar forms. Tests hold the engine to it.
#include <cmath>
#include <limits>
#include <vector>

#include "base/error.h"
#include "hmc-marg/op_lists.h"
#include "hmc-marg/op_program.h"

namespace tenfold::hmc_marg {

namespace {

class Reference {
 public:
  Reference(const Graph& graph, const TargetSpec& spec)
      : graph_(graph),
        spec_(spec),
        value_(graph.slot_count()),
        adjoint_(graph.slot_count()),
        needed_(graph.slot_count()),
        input_(graph.slot_count()) {
    for (const Slot slot : spec.inputs) input_[slot] = true;
    find_needed();
  }

  double log_density(std::span<const double> q, std::span<double> gradient) {
    for (std::size_t i = 0; i < q.size(); ++i) value_[spec_.inputs[i]] = q[i];
    for (const Node& node : graph_.nodes()) forward(node);
    const double total = target();
    const bool finite = std::isfinite(total);
    if (!gradient.empty()) {
      if (finite) {
        for (std::size_t i = graph_.nodes().size(); i-- > 0;) backward(graph_.nodes()[i]);
      }
      for (std::size_t i = 0; i < gradient.size(); ++i) gradient[i] = finite ? adjoint_[spec_.inputs[i]] : 0;
    }
    return finite ? total : -std::numeric_limits<double>::infinity();
  }

 private:
  bool wants(const Node& node, std::uint32_t lane) const { return needed_[node.first + lane] && !input_[node.first + lane]; }
  bool wants_any(const Node& node) const {
    for (std::uint32_t i = 0; i < node.lanes; ++i) {
      if (wants(node, i)) return true;
    }
    return false;
  }
  Slot slot(const Operand& operand, std::size_t i) const { return graph_.slot_of(operand, i); }

  void find_needed() {
    for (const DensityLanes& factor : spec_.densities) each_lane(factor, [&](Slot s) { needed_[s] = true; });
    for (const Term& term : spec_.terms) needed_[term.slot] = true;
    for (const Slot s : spec_.nonnegative) needed_[s] = true;
    for (const auto& factor : spec_.factors) {
      for (const Slot s : factor->inputs()) needed_[s] = true;
    }
    for (const Slot s : spec_.outputs) needed_[s] = true;
    for (std::size_t n = graph_.nodes().size(); n-- > 0;) {
      const Node& node = graph_.nodes()[n];
      if (!wants_any(node)) continue;
      if (node.op == Op::parameter) machine_error("a program reads an unconstrained parameter that is not among its inputs");
      for (std::uint32_t i = 0; i < node.lanes; ++i) {
        if (wants(node, i)) need_operands(node, i);
      }
    }
  }

  // Of one lane alone: a target may hold some lanes of a node and leave out others, which read scalars that nobody gives.
  void need_operands(const Node& node, std::uint32_t lane) {
    for (const Operand& operand : graph_.operands(node)) {
      std::uint32_t begin = 0, end = operand.size;
      if (lane_wise(node.op) || node.op == Op::density) {
        begin = lane;
        end = lane + 1;
      } else if (segmented(node.op)) {
        begin = graph_.segments(node)[lane];
        end = graph_.segments(node)[lane + 1];
      }
      for (std::uint32_t i = begin; i < end; ++i) needed_[slot(operand, i)] = true;
    }
  }

  template <class F>
  void each_lane(const DensityLanes& factor, F f) const {
    const Node& node = graph_.nodes()[factor.node];
    if (factor.lanes.empty()) {
      for (std::uint32_t i = 0; i < node.lanes; ++i) f(node.first + i);
    } else {
      for (const std::uint32_t lane : factor.lanes) f(node.first + lane);
    }
  }

  std::vector<double> gather(const Operand& operand, std::size_t begin, std::size_t end) const {
    std::vector<double> x;
    for (std::size_t i = begin; i < end; ++i) x.push_back(value_[slot(operand, i)]);
    return x;
  }

  void forward(const Node& node) {
    if (!wants_any(node)) return;
    const auto operands = graph_.operands(node);
    std::vector<double> out(node.lanes);
    if (node.op == Op::constant) {
      for (std::uint32_t i = 0; i < node.lanes; ++i) out[i] = graph_.constant_value(node.first + i);
    } else if (lane_wise(node.op)) {
      for (std::uint32_t i = 0; i < node.lanes; ++i) {
        if (!wants(node, i)) continue;
        const double x = value_[slot(operands[0], i)];
        out[i] = info(node.op).value(x, node.arity == 2 ? value_[slot(operands[1], i)] : 0);
      }
    } else if (node.op == Op::density) {
      for (std::uint32_t i = 0; i < node.lanes; ++i) {
        if (!wants(node, i)) continue;
        double x[kMaxDensityArguments];
        for (std::uint32_t k = 0; k < node.arity; ++k) x[k] = value_[slot(operands[k], i)];
        out[i] = info(node.density).log_density(x);
      }
    } else if (segmented(node.op)) {
      const auto offsets = graph_.segments(node);
      for (std::uint32_t i = 0; i < node.lanes; ++i) {
        if (!wants(node, i)) continue;
        const auto a = gather(operands[0], offsets[i], offsets[i + 1]);
        const auto b = node.arity == 2 ? gather(operands[1], offsets[i], offsets[i + 1]) : a;
        out[i] = segment_value(node.op, a.data(), b.data(), a.size());
      }
    } else {
      const auto a = gather(operands[0], 0, operands[0].size);
      const auto b = node.arity == 2 ? gather(operands[1], 0, operands[1].size) : std::vector<double>();
      whole_value(node.op, node.lanes, node.rows, a.data(), b.data(), out.data());
    }
    for (std::uint32_t i = 0; i < node.lanes; ++i) {
      if (!input_[node.first + i]) value_[node.first + i] = out[i];
    }
  }

  // Sum of the target; its partial derivatives go to the adjoints.
  double target() {
    std::fill(adjoint_.begin(), adjoint_.end(), 0.0);
    double total = spec_.constant;
    for (const DensityLanes& factor : spec_.densities) {
      each_lane(factor, [&](Slot s) {
        total += value_[s];
        adjoint_[s] += 1;
      });
    }
    for (const Term& term : spec_.terms) {
      total += term.coefficient * value_[term.slot];
      adjoint_[term.slot] += term.coefficient;
    }
    for (const auto& factor : spec_.factors) {
      const std::vector<Slot> inputs = factor->inputs();
      std::vector<std::uint32_t> places(inputs.begin(), inputs.end());
      std::vector<double> workspace(factor->workspace_size());
      total += factor->bound(places)->evaluate(value_.data(), adjoint_.data(), workspace.data());
    }
    for (const Slot s : spec_.nonnegative) {
      if (!(value_[s] >= 0)) total = -std::numeric_limits<double>::infinity();
    }
    return total;
  }

  void backward(const Node& node) {
    if (node.op == Op::constant || !wants_any(node)) return;
    const auto operands = graph_.operands(node);
    if (lane_wise(node.op)) {
      for (std::uint32_t i = 0; i < node.lanes; ++i) {
        if (!wants(node, i)) continue;
        const Slot x = slot(operands[0], i);
        const Slot y = node.arity == 2 ? slot(operands[1], i) : x;
        double dx = 0, dy = 0;
        info(node.op).partials(value_[x], value_[y], value_[node.first + i], dx, dy);
        adjoint_[x] += dx * adjoint_[node.first + i];
        if (node.arity == 2) adjoint_[y] += dy * adjoint_[node.first + i];
      }
    } else if (node.op == Op::density) {
      for (std::uint32_t i = 0; i < node.lanes; ++i) {
        if (!wants(node, i) || adjoint_[node.first + i] == 0) continue;
        double x[kMaxDensityArguments], partial[kMaxDensityArguments];
        for (std::uint32_t k = 0; k < node.arity; ++k) x[k] = value_[slot(operands[k], i)];
        info(node.density).gradient(x, partial);
        for (std::uint32_t k = 0; k < node.arity; ++k) adjoint_[slot(operands[k], i)] += partial[k] * adjoint_[node.first + i];
      }
    } else if (segmented(node.op)) {
      const auto offsets = graph_.segments(node);
      for (std::uint32_t i = 0; i < node.lanes; ++i) {
        if (!wants(node, i)) continue;
        const auto a = gather(operands[0], offsets[i], offsets[i + 1]);
        const auto b = node.arity == 2 ? gather(operands[1], offsets[i], offsets[i + 1]) : a;
        std::vector<double> da(a.size()), db(a.size());
        segment_partials(node.op, a.data(), b.data(), a.size(), value_[node.first + i], da.data(), db.data());
        for (std::size_t k = 0; k < a.size(); ++k) {
          adjoint_[slot(operands[0], offsets[i] + k)] += da[k] * adjoint_[node.first + i];
          if (node.arity == 2) adjoint_[slot(operands[1], offsets[i] + k)] += db[k] * adjoint_[node.first + i];
        }
      }
    } else if (node.op != Op::parameter) {
      const auto a = gather(operands[0], 0, operands[0].size);
      const auto b = node.arity == 2 ? gather(operands[1], 0, operands[1].size) : std::vector<double>();
      std::vector<double> out(node.lanes), adjoint(node.lanes);
      whole_value(node.op, node.lanes, node.rows, a.data(), b.data(), out.data());
      for (std::uint32_t i = 0; i < node.lanes; ++i) adjoint[i] = wants(node, i) ? adjoint_[node.first + i] : 0;
      std::vector<double> da(a.size()), db(b.size());
      whole_reverse(node.op, node.lanes, node.rows, a.data(), b.data(), out.data(), adjoint.data(), da.data(), db.data());
      for (std::size_t k = 0; k < a.size(); ++k) adjoint_[slot(operands[0], k)] += da[k];
      for (std::size_t k = 0; k < b.size(); ++k) adjoint_[slot(operands[1], k)] += db[k];
    }
  }

  const Graph& graph_;
  const TargetSpec& spec_;
  std::vector<double> value_, adjoint_;
  std::vector<char> needed_, input_;
};

}  // namespace

double reference_log_density(const Graph& graph, const TargetSpec& spec, std::span<const double> q, std::span<double> gradient) {
  return Reference(graph, spec).log_density(q, gradient);
}

}  // namespace tenfold::hmc_marg
