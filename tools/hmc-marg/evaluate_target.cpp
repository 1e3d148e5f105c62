// One sweep from the last node to the first: operands always precede the nodes that read them.
#include "hmc-marg/evaluate_target.h"

#include <algorithm>
#include <cmath>

#include "base/stop.h"

namespace tenfold::hmc_marg {
namespace {

constexpr std::size_t kBetweenLooks = 1 << 16;

class Sweep {
 public:
  Sweep(const Target& target, FactorGraph& model) : target_(target), model_(model), graph_(model.graph) {
    const std::size_t slots = graph_.slot_count();
    coefficient_.assign(slots, 0);
    line_.assign(slots, 0);
  }

  void run() {
    seed();
    const auto& nodes = graph_.nodes();
    for (std::size_t n = nodes.size(); n-- > 1;) {
      const Node& node = nodes[n];
      if (node.op == Op::density) continue;
      if (n % kBetweenLooks == 0) leave_if_stopped();
      for (std::uint32_t lane = node.lanes; lane-- > 0;) {
        const Slot slot = node.first + lane;
        if (coefficient_[slot] == 0) continue;
        if (!push(node, lane, coefficient_[slot], line_[slot])) keep_.push_back(slot);
      }
    }
    collect();
  }

 private:
  void seed() {
    for (const Target::Entry& entry : target_.entries) add(entry.slot, 1, entry.line);
    data_arguments_.assign(graph_.nodes().size(), -1);
    for (const Target::DensityNode& density : target_.densities) {
      const Node& node = graph_.nodes()[density.node];
      auto& known = data_arguments_[density.node];
      known = known < 0 ? density.data_arguments : known & density.data_arguments;
      for (std::uint32_t lane = 0; lane < node.lanes; ++lane) add(node.first + lane, 1, density.line);
    }
  }

  void add(Slot slot, double coefficient, int line) {
    coefficient_[slot] += coefficient;
    if (line_[slot] == 0) line_[slot] = line;
  }

  // Hands the coefficient on to the operands; false where the slot itself is a term.
  bool push(const Node& node, std::uint32_t lane, double c, int line) {
    const auto operands = graph_.operands(node);
    const auto operand = [&](std::size_t i) { return graph_.slot_of(operands[i], lane); };
    const auto number = [&](std::size_t i) { return graph_.is_constant(operand(i)); };
    switch (node.op) {
      case Op::constant: model_.constant += c * graph_.constant_value(node.first + lane); return true;
      case Op::add:
        add(operand(0), c, line);
        add(operand(1), c, line);
        return true;
      case Op::sub:
        add(operand(0), c, line);
        add(operand(1), -c, line);
        return true;
      case Op::neg: add(operand(0), -c, line); return true;
      case Op::sum: {
        const auto offsets = graph_.segments(node);
        for (std::uint32_t k = offsets[lane]; k < offsets[lane + 1]; ++k) add(graph_.slot_of(operands[0], k), c, line);
        return true;
      }
      case Op::mul:
        for (int i = 0; i < 2; ++i) {
          if (!number(static_cast<std::size_t>(i))) continue;
          add(operand(static_cast<std::size_t>(1 - i)), c * graph_.constant_value(operand(static_cast<std::size_t>(i))), line);
          return true;
        }
        return false;
      case Op::div:
        if (!number(1)) return false;
        add(operand(0), c / graph_.constant_value(operand(1)), line);
        return true;
      default: return false;
    }
  }

  void collect() {
    const auto& nodes = graph_.nodes();
    for (std::uint32_t n = 1; n < nodes.size(); ++n) {
      const Node& node = nodes[n];
      if (node.op != Op::density || node.lanes == 0) continue;
      const auto first = coefficient_.begin() + node.first;
      const double least = *std::min_element(first, first + node.lanes);
      double whole = least >= 1 ? std::floor(least) : 0;
      if (whole > static_cast<double>(kMostScalars - std::min(kMostScalars, model_.factors.size())))
        whole = 0;  // a weight: as terms
      // Where the density stands, not where the target takes a sum that it is in.
      const int line = node.line > 0 ? node.line : line_[node.first];
      for (double copy = 0; copy < whole; ++copy) model_.factors.push_back({n, arguments(n), line});
      for (std::uint32_t lane = 0; lane < node.lanes; ++lane) {
        const double rest = first[lane] - whole;
        if (rest != 0) model_.terms.push_back({node.first + lane, rest, line});
      }
    }
    std::sort(keep_.begin(), keep_.end());
    for (const Slot slot : keep_) model_.terms.push_back({slot, coefficient_[slot], line_[slot]});
    model_.dirichlets = target_.dirichlets;
    model_.constant += target_.constant;
    model_.lp_offset = target_.dropped;
  }

  // Which arguments have data type; where the program did not say so at the density, those that are numbers.
  std::uint8_t arguments(std::uint32_t n) const {
    if (data_arguments_[n] >= 0) return static_cast<std::uint8_t>(data_arguments_[n]);
    const Node& node = graph_.nodes()[n];
    std::uint8_t bits = 0;
    const auto operands = graph_.operands(node);
    for (std::size_t i = 0; i < operands.size(); ++i) {
      bool constant = true;
      for (std::uint32_t k = 0; constant && k < operands[i].size; ++k)
        constant = graph_.is_constant(graph_.slot_of(operands[i], k));
      if (constant) bits = static_cast<std::uint8_t>(bits | (1u << i));
    }
    return bits;
  }

  const Target& target_;
  FactorGraph& model_;
  const Graph& graph_;
  std::vector<double> coefficient_;
  std::vector<int> line_;
  std::vector<int> data_arguments_;  // by node; -1: not said
  std::vector<Slot> keep_;
};

}  // namespace

void flatten_target(const Target& target, FactorGraph& model) { Sweep(target, model).run(); }

}  // namespace tenfold::hmc_marg
