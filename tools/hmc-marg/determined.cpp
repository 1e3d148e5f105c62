// Rows are rotated into triangles one by one (Givens): those of a component first, what is left of them into the border's.
#include "hmc-marg/determined.h"

#include <algorithm>
#include <cmath>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/philox.h"
#include "hmc-marg/block_system.h"
#include "hmc-marg/evaluate.h"

namespace tenfold::hmc_marg {

namespace {

// d rows of d + rest columns: the triangle of the rows taken so far.
class Triangle {
 public:
  Triangle(std::size_t d, std::size_t rest) : d_(d), columns_(d + rest), rows_(d * columns_, 0.0) {}

  // What is left of the row in the other columns stays in it.
  void take(std::span<double> row) {
    for (std::size_t j = 0; j < d_; ++j) {
      if (row[j] == 0) continue;
      double* const r = rows_.data() + j * columns_;
      const double length = std::hypot(r[j], row[j]), c = r[j] / length, s = row[j] / length;
      for (std::size_t k = j; k < columns_; ++k) {
        const double kept = c * r[k] + s * row[k];
        row[k] = c * row[k] - s * r[k];
        r[k] = kept;
      }
      row[j] = 0;
    }
  }
  // Of column j, what the columns before it leave.
  double left(std::size_t j) const { return std::fabs(rows_[j * columns_ + j]); }

 private:
  std::size_t d_, columns_;
  std::vector<double> rows_;
};

class Rows {
 public:
  Rows(const FactorGraph& model, const Marginal& marginal)
      : system_(*marginal.gaussian),
        column_(static_cast<std::size_t>(system_.n)),
        rows_of_(system_.partition.components.size() + 1) {
    spec_.inputs = marginal.target.inputs;
    const auto want = [&](Slot slot) {
      if (slot != 0 && output_.try_emplace(slot, spec_.outputs.size()).second) spec_.outputs.push_back(slot);
    };
    const auto flat = [&](const std::vector<std::int32_t>& scalars, std::vector<std::int32_t>& out) {
      for (const std::int32_t z : scalars)
        if (system_.prior[static_cast<std::size_t>(z)] < 0) {
          column_[static_cast<std::size_t>(z)] = out.size();
          out.push_back(z);
        }
    };
    flat_.resize(rows_of_.size());
    for (std::size_t c = 0; c < system_.partition.components.size(); ++c) flat(system_.partition.components[c], flat_[c]);
    flat(system_.partition.border, border_);
    for (const auto& scalars : flat_) order_.insert(order_.end(), scalars.begin(), scalars.end());
    order_.insert(order_.end(), border_.begin(), border_.end());
    mentioned_.resize(static_cast<std::size_t>(system_.n));
    for (std::uint32_t k = 0; k < system_.rows.rows.size(); ++k) {
      const BlockRow& row = system_.rows.rows[k];
      std::size_t component = rows_of_.size() - 1;  // rows of the border alone
      bool any = false;
      for (const AffineTerm& term : system_.rows.terms_of(row)) {
        if (!is_flat(term.z)) continue;
        any = mentioned_[static_cast<std::size_t>(term.z)] = true;
        if (const std::int32_t c = system_.partition.component_of[static_cast<std::size_t>(term.z)]; c >= 0)
          component = static_cast<std::size_t>(c);
        want(term.ref);
      }
      if (!any) continue;
      want(row.scale);
      rows_of_[component].push_back(k);
    }
    // In the location of a whitened scalar it is mentioned, though no row may be left that holds it.
    for (const BlockRow& row : system_.priors.rows)
      for (const AffineTerm& term : system_.priors.terms_of(row))
        if (is_flat(term.z)) mentioned_[static_cast<std::size_t>(term.z)] = true;
    values_.resize(spec_.outputs.size());
    if (!values_.empty()) engine_.emplace(lower(model.graph, spec_));
  }

  // Flat scalars in the order of elimination: the first column found to depend is one that does.
  const std::vector<std::int32_t>& flat() const { return order_; }
  bool mentioned(std::size_t z) const { return mentioned_[z]; }
  std::size_t inputs() const { return spec_.inputs.size(); }

  // At q, of each flat scalar the part of its column's norm that is left. False where a coefficient is not finite.
  bool left(std::span<const double> q, std::vector<double>& out) {
    if (engine_) engine_->outputs(q, values_);
    out.clear();
    Triangle border(border_.size(), 0);
    std::vector<double> row, border_squares(border_.size(), 0.0);
    const auto part = [](double left, double squares) { return squares > 0 ? left / std::sqrt(squares) : 0; };
    for (std::size_t c = 0; c < rows_of_.size(); ++c) {
      const std::size_t d = flat_[c].size();
      Triangle component(d, border_.size());
      std::vector<double> squares(d, 0.0);
      for (const std::uint32_t k : rows_of_[c]) {
        row.assign(d + border_.size(), 0.0);
        if (!fill(system_.rows.rows[k], d, row)) return false;
        for (std::size_t j = 0; j < row.size(); ++j) (j < d ? squares[j] : border_squares[j - d]) += row[j] * row[j];
        component.take(row);
        border.take(std::span(row).subspan(d));
      }
      for (std::size_t j = 0; j < d; ++j) out.push_back(part(component.left(j), squares[j]));
    }
    for (std::size_t j = 0; j < border_.size(); ++j) out.push_back(part(border.left(j), border_squares[j]));
    return true;
  }

 private:
  // z >= n in a prior names the standard normal of an element of a vector with a correlated prior, which is whitened.
  bool is_flat(std::int32_t z) const { return z >= 0 && z < system_.n && system_.prior[static_cast<std::size_t>(z)] < 0; }
  double value(Slot slot) const { return slot == 0 ? 1 : values_[output_.at(slot)]; }

  bool fill(const BlockRow& row, std::size_t d, std::span<double> out) const {
    const double scale = value(row.scale);
    if (!(scale > 0)) return false;
    for (const AffineTerm& term : system_.rows.terms_of(row)) {
      if (!is_flat(term.z)) continue;
      const auto z = static_cast<std::size_t>(term.z);
      out[system_.partition.component_of[z] >= 0 ? column_[z] : d + column_[z]] += term.number * value(term.ref) / scale;
    }
    for (const double x : out)
      if (!std::isfinite(x)) return false;
    return true;
  }

  const BlockSystem& system_;
  TargetSpec spec_;
  std::unordered_map<Slot, std::size_t> output_;
  std::vector<double> values_;
  std::vector<std::size_t> column_;                  // [n] of the flat: its place in its component, or in the border
  std::vector<std::vector<std::uint32_t>> rows_of_;  // of each component; last: of the border alone
  std::vector<std::vector<std::int32_t>> flat_;      // of each component
  std::vector<std::int32_t> border_, order_;         // flat ones: of the border; all
  std::vector<bool> mentioned_;
  std::optional<Engine> engine_;
};

std::string name_of(const FactorGraph& model, const BlockSystem& system, std::size_t z) {
  const Parameter& p = model.parameters[static_cast<std::size_t>(system.parameter[z])];
  std::size_t place = 0;
  while (place < p.value.size() && (p.value.known() || p.value.slot[place] != system.value[z])) ++place;
  const Columns columns = columns_of(p.name, p.value.type, p.value.dims);
  for (std::size_t i = 0; i < columns.names.size(); ++i) {
    if (static_cast<std::size_t>(columns.place[i]) != place) continue;
    // name.1.2 in files, name[1,2] in programs
    std::string indices = columns.names[i].substr(p.name.size());
    if (indices.empty()) break;
    for (char& c : indices)
      if (c == '.') c = ',';
    return p.name + "[" + indices.substr(1) + "]";
  }
  return p.name;
}

}  // namespace

std::optional<Undetermined> undetermined(const FactorGraph& model, const Marginal& marginal, std::uint64_t seed, double least,
                                         int points) {
  if (marginal.gaussian == nullptr) return std::nullopt;
  Rows rows(model, marginal);
  if (rows.flat().empty()) return std::nullopt;
  const BlockSystem& system = *marginal.gaussian;
  std::vector<double> most(rows.flat().size(), 0), left, q(rows.inputs());
  int finite = 0;
  for (int i = 0; i < 25 * points && finite < points; ++i) {
    PhiloxStream random(seed, "determined", static_cast<std::uint32_t>(i));
    for (double& x : q) x = 4 * random.uniform() - 2;
    if (!rows.left(q, left)) continue;
    ++finite;
    for (std::size_t j = 0; j < most.size(); ++j) most[j] = std::max(most[j], left[j]);
  }
  if (finite == 0) return std::nullopt;
  for (std::size_t j = 0; j < most.size(); ++j) {
    const auto z = static_cast<std::size_t>(rows.flat()[j]);
    if (!(most[j] > least)) return Undetermined{name_of(model, system, z), !rows.mentioned(z)};
  }
  return std::nullopt;
}

std::string message(const Undetermined& scalar) {
  return "`" + scalar.name + "`: nothing in the program determines it " + (scalar.alone ? "" : "together with the others ") +
         "(an improper posterior); give it a prior, or drop it";
}

}  // namespace tenfold::hmc_marg
