// multi_normal(z | l, L L'): as std_normal(L^-1 (z - l)), rows that are whitened together.
// normal(y | m, s): the row y - m with scale s. std_normal(y): the row y. lognormal(y | m, s): the row log y - m, and the term
// -log y.
#include "hmc-marg/plan_rows.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <unordered_map>

#include "base/stop.h"
#include "hmc-marg/affine_forms.h"
#include "hmc-marg/block_partition.h"
#include "hmc-marg/compress.h"
#include "hmc-marg/whiten.h"

namespace tenfold::hmc_marg {

namespace {

constexpr std::size_t kBetweenLooks = 1 << 16;  // at the flag of an interruption

// Lanes of the model's factors that depend on z.
struct Touched {
  std::uint32_t node = 0, lane = 0;
  int line = 0;
};

class RowMaker {
 public:
  RowMaker(FactorGraph& model, const std::vector<int>& eliminated, TargetSpec& target)
      : model_(model),
        graph_(model.graph),
        coefficients_(model.graph),
        target_(target),
        given_(kept_values(model, eliminated)),
        system_(std::make_shared<BlockSystem>()) {
    for (const int p : eliminated)
      for (const Slot slot : model.parameters[static_cast<std::size_t>(p)].value.slot) {
        system_->value.push_back(slot);
        system_->parameter.push_back(p);
      }
    system_->n = static_cast<int>(system_->value.size());
    for (std::int32_t z = 0; z < system_->n; ++z) z_of_[system_->value[static_cast<std::size_t>(z)]] = z;
  }

  std::shared_ptr<BlockSystem> run(const std::vector<int>& eliminated, bool with_compression) {
    find_dependent();
    split_target(eliminated);
    leave_if_stopped();
    find_vectors();
    const RowSet rest = whitened();
    leave_if_stopped();
    system_->rows_before = static_cast<long>(rest.rows.size());
    std::map<Slot, double> normalisers;
    for (const BlockRow& row : rest.rows)
      if (row.scale != 0) normalisers[row.scale] += row.normalisers;
    for (const auto& [scale, count] : normalisers) target_.terms.push_back({coefficients_.log_of(scale), -count, 0});
    system_->rows = substitute(graph_, with_compression ? compress(graph_, given_, rest) : rest, *system_);
    leave_if_stopped();
    system_->partition = partition(system_->n, system_->rows);
    return system_;
  }

 private:
  static std::vector<Slot> kept_values(const FactorGraph& model, const std::vector<int>& eliminated) {
    std::vector<Slot> slots;
    for (std::size_t p = 0; p < model.parameters.size(); ++p) {
      if (std::binary_search(eliminated.begin(), eliminated.end(), static_cast<int>(p))) continue;
      for (const Slot slot : model.parameters[p].value.slot)
        if (slot != 0) slots.push_back(slot);
    }
    return slots;
  }

  Slot operand(const Touched& t, std::size_t k) const {
    const Operand& list = graph_.operands(graph_.nodes()[t.node])[k];
    return graph_.slot_of(list, list.size == 1 ? 0 : t.lane);
  }

  // dependent_[slot]: computed from z.
  void find_dependent() {
    dependent_.assign(graph_.slot_count(), false);
    std::vector<bool> leaf(graph_.slot_count(), false);
    for (const Slot slot : system_->value) dependent_[slot] = leaf[slot] = true;
    for (const Node& node : graph_.nodes()) {
      if (node.op == Op::constant || node.op == Op::parameter) continue;
      const auto operands = graph_.operands(node);
      const bool by_lane = lane_wise(node.op) || node.op == Op::density;
      bool whole = false;
      if (!by_lane && !segmented(node.op))
        for (const Operand& list : operands)
          for (std::uint32_t i = 0; i < list.size; ++i) whole = whole || dependent_[graph_.slot_of(list, i)];
      for (std::uint32_t lane = 0; lane < node.lanes; ++lane) {
        bool dependent = whole;
        for (const Operand& list : operands) {
          if (by_lane) dependent = dependent || dependent_[graph_.slot_of(list, list.size == 1 ? 0 : lane)];
          if (!segmented(node.op)) continue;
          const auto offsets = graph_.segments(node);
          for (std::uint32_t i = offsets[lane]; i < offsets[lane + 1] && !dependent; ++i)
            dependent = dependent_[graph_.slot_of(list, list.size == 1 ? 0 : i)];
        }
        if (dependent) dependent_[node.first + lane] = true;
      }
    }
  }

  void split_target(const std::vector<int>& eliminated) {
    for (std::size_t i = 0; i < model_.factors.size(); ++i) {
      if (i % kBetweenLooks == 0) leave_if_stopped();
      const Factor& factor = model_.factors[i];
      const Node& node = graph_.nodes()[factor.node];
      DensityLanes left{factor.node, {}};
      for (std::uint32_t lane = 0; lane < node.lanes; ++lane) {
        if (dependent_[node.first + lane])
          touched_.push_back({factor.node, lane, factor.line});
        else
          left.lanes.push_back(lane);
      }
      if (left.lanes.empty()) continue;
      if (left.lanes.size() == node.lanes) left.lanes.clear();
      target_.densities.push_back(std::move(left));
    }
    target_.terms = model_.terms;
    target_.constant = model_.constant;
    for (std::size_t p = 0; p < model_.parameters.size(); ++p) {
      if (std::binary_search(eliminated.begin(), eliminated.end(), static_cast<int>(p))) continue;
      const Parameter& parameter = model_.parameters[p];
      for (std::uint32_t i = 0; i < parameter.free_size; ++i) target_.inputs.push_back(parameter.free_first + i);
      for (const Slot slot : parameter.log_jacobian) target_.terms.push_back({slot, 1, parameter.at.line});
    }
    for (const BoundCheck& check : model_.bound_checks)
      if (!dependent_[check.difference]) target_.nonnegative.push_back(check.difference);  // the others are proved by their signs
  }

  // Vectors z with std_normal(L^-1 (z - l)): multi_normal as the library composes it. Each is whitened as one, z = l + L e, its
  // rows being z_i - l_i - sum over k < i of L_ik e_k with scale L_ii.
  void find_vectors() {
    std::map<std::pair<std::uint32_t, std::uint32_t>, Vector> found;  // (node of L^-1 B, column)
    for (std::size_t i = 0; i < touched_.size(); ++i) {
      if (graph_.nodes()[touched_[i].node].density != Density::std_normal) continue;
      const Slot r = operand(touched_[i], 0);
      const std::uint32_t number = graph_.node_of(r);
      const Node& node = graph_.nodes()[number];
      if (node.op != Op::solve_lower || node.rows > kMaxComponent) continue;
      const std::uint32_t lane = r - node.first;
      Vector& vector = found[{number, lane / node.rows}];
      vector.solve = number;
      vector.column = lane / node.rows;
      vector.rows.resize(node.rows, -1);
      if (vector.rows[lane % node.rows] < 0) vector.rows[lane % node.rows] = static_cast<std::int32_t>(i);
    }
    for (auto& [key, vector] : found) {
      const Node& node = graph_.nodes()[vector.solve];
      for (std::uint32_t i = 0; i < node.rows; ++i) {
        const std::int32_t z = variate(at(node, 1, vector.column * node.rows + i));
        if (z < 0 || vector.rows[i] < 0 || std::find(vector.z.begin(), vector.z.end(), z) != vector.z.end()) break;
        if (dependent_[at(node, 0, i * node.rows + i)]) break;
        vector.z.push_back(z);
      }
      if (vector.z.size() == node.rows) vectors_.push_back(std::move(vector));
    }
  }

  Slot at(const Node& node, std::size_t k, std::size_t i) const {
    const Operand& list = graph_.operands(node)[k];
    return graph_.slot_of(list, list.size == 1 ? 0 : i);
  }

  // The scalar z of a slot that is z, or z - something.
  std::int32_t variate(Slot slot) const {
    const auto index = [&](Slot s) {
      const auto found = z_of_.find(s);
      return found == z_of_.end() ? -1 : found->second;
    };
    if (const std::int32_t z = index(slot); z >= 0) return z;
    const Node& node = graph_.nodes()[graph_.node_of(slot)];
    return node.op == Op::sub ? index(at(node, 0, slot - node.first)) : -1;
  }

  // Rows after the priors are taken; vectors of which not every element can be whitened become ordinary rows.
  RowSet whitened() {
    const BlockSystem before = *system_;
    for (;;) {
      const RowSet rest = take_priors(rows(), *system_);
      std::map<std::int32_t, std::size_t> taken;
      for (const BlockRow& row : system_->priors.rows)
        if (row.together >= 0) ++taken[row.together];
      const std::size_t had = vectors_.size();
      for (std::size_t v = had; v-- > 0;)
        if (taken[static_cast<std::int32_t>(v)] != vectors_[v].z.size())
          vectors_.erase(vectors_.begin() + static_cast<std::ptrdiff_t>(v));
      if (vectors_.size() == had) {
        add_determinants();
        return rest;
      }
      *system_ = before;
    }
  }

  // The density of L^-1 (z - l) has no determinant; e is standard normal, and dz = |L| de.
  void add_determinants() {
    for (const BlockRow& row : system_->priors.rows) {
      if (row.together < 0) continue;
      target_.constant += std::log(row.known_scale);
      if (row.scale != 0) target_.terms.push_back({coefficients_.log_of(row.scale), 1, row.line});
    }
  }

  RowSet rows() {
    std::vector<Slot> roots;
    std::map<std::size_t, std::pair<std::int32_t, std::uint32_t>> element;  // touched lane -> its vector, its place there
    for (const Touched& t : touched_)
      for (std::size_t k = 0; k < 2 && k < graph_.nodes()[t.node].arity; ++k) roots.push_back(operand(t, k));
    for (std::size_t v = 0; v < vectors_.size(); ++v) {
      const Node& node = graph_.nodes()[vectors_[v].solve];
      for (std::uint32_t i = 0; i < node.rows; ++i) {
        element[static_cast<std::size_t>(vectors_[v].rows[i])] = {static_cast<std::int32_t>(v), i};
        roots.push_back(at(node, 1, vectors_[v].column * node.rows + i));
      }
    }
    const AffineForms forms(graph_, system_->value, roots);
    RowSet out;
    std::vector<AffineTerm> terms;
    for (std::size_t index = 0; index < touched_.size(); ++index) {
      const Touched& t = touched_[index];
      const Density family = graph_.nodes()[t.node].density;
      graph_.set_line(t.line);
      terms.clear();
      BlockRow row;
      row.normalisers = 1;
      row.line = t.line;
      const auto place = element.find(index);
      if (place != element.end()) {
        add_element(forms, place->second.first, place->second.second, row, terms);
        out.add(row, terms);
        continue;
      }
      const Slot variate = operand(t, 0);
      if (family == Density::lognormal) {
        const NumberOrSlot y = coefficients_.known_or_slot(variate);
        if (y.slot == 0) {
          terms.push_back({kIntercept, 0, std::log(y.number)});
          target_.constant -= std::log(y.number);
        } else {
          const Slot log_y = coefficients_.unary(Op::log, y.slot);  // of the constrained value, which recovery is given
          terms.push_back({kIntercept, log_y, 1});
          target_.terms.push_back({log_y, -1, t.line});
        }
      } else {
        forms.add(variate, 1, terms);
        if (terms.size() == 1 && terms[0].z >= 0 && terms[0].ref == 0 && terms[0].number == 1) row.variate_of = terms[0].z;
      }
      if (family != Density::std_normal) {
        forms.add(operand(t, 1), -1, terms);
        set_scale(operand(t, 2), row);
      }
      normalise(terms);
      out.add(row, terms);
    }
    return out;
  }

  void add_element(const AffineForms& forms, std::int32_t number, std::uint32_t i, BlockRow& row,
                   std::vector<AffineTerm>& terms) {
    const Vector& vector = vectors_[static_cast<std::size_t>(number)];
    const Node node = graph_.nodes()[vector.solve];
    forms.add(at(node, 1, vector.column * node.rows + i), 1, terms);
    for (std::uint32_t k = 0; k < i; ++k) {
      const NumberOrSlot factor = coefficients_.known_or_slot(at(node, 0, k * node.rows + i));
      if (factor.slot != 0 || factor.number != 0) terms.push_back({system_->n + vector.z[k], factor.slot, -factor.number});
    }
    set_scale(at(node, 0, i * node.rows + i), row);
    row.variate_of = vector.z[i];
    row.together = number;
    normalise(terms);
  }

  // A scale that is data times (or divided by data) an element: the data are divided out of the row.
  void set_scale(Slot slot, BlockRow& row) {
    for (;;) {
      const NumberOrSlot scale = coefficients_.known_or_slot(slot);
      if (scale.slot == 0) {
        row.known_scale *= scale.number;
        row.scale = 0;
        return;
      }
      const Node& node = graph_.nodes()[graph_.node_of(slot)];
      const std::uint32_t lane = slot - node.first;
      if ((node.op != Op::mul && node.op != Op::div) || given_.contains(slot)) break;
      const auto at = [&](std::size_t k) {
        const Operand& list = graph_.operands(node)[k];
        return graph_.slot_of(list, list.size == 1 ? 0 : lane);
      };
      const Slot a = at(0), b = at(1);
      if (graph_.is_constant(b) && graph_.constant_value(b) > 0) {
        row.known_scale *= node.op == Op::mul ? graph_.constant_value(b) : 1 / graph_.constant_value(b);
        slot = a;
      } else if (node.op == Op::mul && graph_.is_constant(a) && graph_.constant_value(a) > 0) {
        row.known_scale *= graph_.constant_value(a);
        slot = b;
      } else {
        break;
      }
    }
    row.scale = slot;
  }

  struct Vector {
    std::uint32_t solve = 0, column = 0;  // L^-1 B, and which of its columns
    std::vector<std::int32_t> rows;  // [elements] its density's lane, as an index into touched_
    std::vector<std::int32_t> z;  // [elements]
  };

  FactorGraph& model_;
  Graph& graph_;
  CoefficientGraph coefficients_;
  TargetSpec& target_;
  const GivenSlots given_;
  std::shared_ptr<BlockSystem> system_;
  std::vector<bool> dependent_;
  std::vector<Touched> touched_;
  std::vector<Vector> vectors_;
  std::unordered_map<Slot, std::int32_t> z_of_;
};

}  // namespace

std::shared_ptr<BlockSystem> make_block(FactorGraph& model, const std::vector<int>& eliminated, bool compress,
                                        TargetSpec& target) {
  target = {};
  auto system = RowMaker(model, eliminated, target).run(eliminated, compress);
  target.constant += system->constant;
  return system;
}

}  // namespace tenfold::hmc_marg
