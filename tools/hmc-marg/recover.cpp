// The conditional in plain arithmetic, one component after the other; shares no elimination code with the block's kernels.
// M = L L' in the order components, then border: L_cc from M_cc, L_bc = M_bc L_cc^-T, L_bb from the border less all L_bc L_bc'.
#include "hmc-marg/recover.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <set>
#include <unordered_map>
#include <utility>

#include "base/philox.h"
#include "hmc-marg/block_system.h"
#include "hmc-marg/conjugate_conditional.h"

namespace tenfold::hmc_marg {

namespace {

constexpr double kHalfLogTwoPi = 0.91893853320467274178;

// number * values[ref] * z, or * e_z: an earlier element of a vector with a correlated prior, whose definition comes later.
struct LocationTerm {
  std::int32_t z = kIntercept;
  std::int32_t ref = -1;
  double number = 0;
  bool standard = false;
};

struct Part {
  std::int32_t place = 0;  // >= 0: in the component; -1 - q: border; kInterceptPlace
  std::int32_t ref = -1;
  double number = 0;
};
constexpr std::int32_t kInterceptPlace = 1 << 20;

struct Row {
  std::uint32_t first = 0, count = 0;
  std::int32_t scale = -1;
};

struct Definition {  // z = sum of the terms + scale * e
  std::int32_t z = 0;
  std::uint32_t first = 0, count = 0;
  std::int32_t scale = -1;
  double known_scale = 1;
};

// Sum of logs of positive numbers, with one log for many: the product is taken as long as it is far from overflow.
class LogSum {
 public:
  void add(double x) {
    if (x < 1e-20 || x > 1e20 || product_ < 1e-200 || product_ > 1e200) {
      sum_ += std::log(product_) + std::log(x);
      product_ = 1;
    } else {
      product_ *= x;
    }
  }
  double total() const { return sum_ + std::log(product_); }

 private:
  double sum_ = 0, product_ = 1;
};

// a [n][n] row-major, lower triangle -> its Cholesky factor; false where it is not positive definite.
bool cholesky(double* a, int n) {
  for (int j = 0; j < n; ++j) {
    for (int k = 0; k < j; ++k)
      for (int i = j; i < n; ++i) a[i * n + j] -= a[i * n + k] * a[j * n + k];
    if (!(a[j * n + j] > 0) || !std::isfinite(a[j * n + j])) return false;
    const double root = std::sqrt(a[j * n + j]);
    for (int i = j; i < n; ++i) a[i * n + j] /= root;
  }
  return true;
}

void solve_lower(const double* l, int n, double* x) {
  for (int i = 0; i < n; ++i) {
    for (int k = 0; k < i; ++k) x[i] -= l[i * n + k] * x[k];
    x[i] /= l[i * n + i];
  }
}

void solve_upper(const double* l, int n, double* x) {  // L' x = b
  for (int i = n - 1; i >= 0; --i) {
    for (int k = i + 1; k < n; ++k) x[i] -= l[k * n + i] * x[k];
    x[i] /= l[i * n + i];
  }
}

}  // namespace

struct Recovery::State {
  std::shared_ptr<const BlockSystem> system;
  std::unique_ptr<Engine> engine;
  std::vector<std::uint32_t> input_place;  // of the engine's inputs in the constrained vector
  std::vector<double> input;
  std::size_t kept_size = 0;
  std::vector<Part> parts;
  std::vector<std::vector<Row>> rows;      // of each component; the last: border alone
  std::vector<LocationTerm> terms;
  std::vector<Definition> definitions;     // of whitened scalars, in order; of a vector with a correlated prior the last element first
  std::vector<std::uint32_t> inverse_order;  // of definitions from z to e: such a vector's first element first
  std::vector<std::size_t> component_at, coupling_at;
  ConditionalNumbers numbers;
  FamilyConditional families;
  std::vector<std::uint32_t> place;        // of the block's scalars in z; empty: their own
  std::vector<std::int32_t> place_in_block;  // of z's scalars, -1: of a family
  std::size_t eliminated_size = 0;
  std::vector<double> border_g;
  bool good = false;
  mutable std::vector<double> e, work, block;
  // What the variance of the block's scalar i stands on: definitions, last first, and components. Offsets [n + 1] into the lists.
  std::vector<std::uint32_t> steps, steps_at, reached, reached_at;
  mutable std::vector<double> direction;  // [n], zeros between calls

  // Runs f on the block's part of z and writes it back.
  template <class F>
  void on_block(std::span<double> z, F f) const {
    if (place_in_block.empty()) return f(z);
    f(std::span<double>(block));
    for (std::size_t i = 0; i < block.size(); ++i) z[place[i]] = block[i];
  }

  double value(std::int32_t ref) const { return ref < 0 ? 1.0 : numbers.values[static_cast<std::size_t>(ref)]; }
  const BlockPartition& partition() const { return system->partition; }
  int border() const { return static_cast<int>(system->partition.border.size()); }

  void build(const FactorGraph& model, const Marginal& marginal);
  void lay_out_families(const FactorGraph& model, const Marginal& marginal, const std::function<std::int32_t(Slot)>& output);
  bool assemble();
  void location_and_scale(const Definition& d, std::span<const double> z, std::span<const double> e, double& location, double& scale) const;
  void to_z(std::span<const double> e, std::span<double> z) const;
  void find_paths();
  double variance_in_block(std::size_t i) const;
  void solve_transposed(std::span<double> x) const;  // L' e = x
  void solve(std::span<double> x) const;             // L y = x
};

Recovery::Recovery(const FactorGraph& model, const Marginal& marginal) : state_(std::make_unique<State>()) { state_->build(model, marginal); }
Recovery::~Recovery() = default;
Recovery::Recovery(Recovery&&) noexcept = default;
Recovery& Recovery::operator=(Recovery&&) noexcept = default;

void Recovery::State::build(const FactorGraph& model, const Marginal& marginal) {
  kept_size = constrained_size(model, marginal.kept);
  system = marginal.gaussian ? marginal.gaussian : std::make_shared<BlockSystem>();
  TargetSpec spec;
  std::unordered_map<Slot, bool> given;
  std::uint32_t place = 0;
  for (const int p : marginal.kept) {
    const Value& kept = model.parameters[static_cast<std::size_t>(p)].value;
    for (std::size_t i = 0; i < kept.size(); ++i, ++place) {
      const Slot slot = kept.known() ? 0 : kept.slot[i];
      if (slot == 0 || model.graph.is_constant(slot) || !given.try_emplace(slot, true).second) continue;  // known, or met before (a symmetric matrix)
      spec.inputs.push_back(slot);
      input_place.push_back(place);
    }
  }
  std::unordered_map<Slot, std::int32_t> output_of;
  const auto output = [&](Slot slot) -> std::int32_t {
    if (slot == 0) return -1;
    const auto [at, is_new] = output_of.try_emplace(slot, static_cast<std::int32_t>(spec.outputs.size()));
    if (is_new) spec.outputs.push_back(slot);
    return at->second;
  };
  for (const std::int32_t z : system->order) {
    const BlockRow& row = system->priors.rows[static_cast<std::size_t>(system->prior[static_cast<std::size_t>(z)])];
    Definition d;
    d.z = z;
    d.first = static_cast<std::uint32_t>(terms.size());
    d.scale = output(row.scale);
    d.known_scale = row.known_scale;
    for (const AffineTerm& term : system->priors.terms_of(row))
      if (term.z >= system->n)
        terms.push_back({term.z - system->n, output(term.ref), -term.number, true});
      else if (term.z != z)
        terms.push_back({term.z, output(term.ref), -term.number});
    d.count = static_cast<std::uint32_t>(terms.size()) - d.first;
    definitions.push_back(d);
  }
  for (std::uint32_t t = 0; t < definitions.size();) {
    const auto group = [&](std::uint32_t k) { return system->priors.rows[static_cast<std::size_t>(system->prior[static_cast<std::size_t>(definitions[k].z)])].together; };
    std::uint32_t end = t + 1;
    while (group(t) >= 0 && end < definitions.size() && group(end) == group(t)) ++end;
    for (std::uint32_t k = end; k-- > t;) inverse_order.push_back(k);
    t = end;
  }
  const BlockPartition& shape = system->partition;
  rows.resize(shape.components.size() + 1);
  for (const BlockRow& source : system->rows.rows) {
    Row row;
    row.first = static_cast<std::uint32_t>(parts.size());
    row.scale = output(source.scale);
    std::size_t component = shape.components.size();
    for (const AffineTerm& term : system->rows.terms_of(source)) {
      std::int32_t where = kInterceptPlace;
      if (term.z >= 0) {
        const auto z = static_cast<std::size_t>(term.z);
        where = shape.component_of[z] < 0 ? -1 - shape.place_of[z] : shape.place_of[z];
        if (shape.component_of[z] >= 0) component = static_cast<std::size_t>(shape.component_of[z]);
      }
      parts.push_back({where, output(term.ref), term.number});
    }
    row.count = static_cast<std::uint32_t>(parts.size()) - row.first;
    rows[component].push_back(row);
  }
  std::size_t component_size = 0, coupling_size = 0;
  for (const auto& scalars : shape.components) {
    component_at.push_back(component_size);
    coupling_at.push_back(coupling_size);
    component_size += scalars.size() * scalars.size();
    coupling_size += scalars.size() * shape.border.size();
  }
  numbers.mean.assign(static_cast<std::size_t>(system->n), 0);
  numbers.component.assign(component_size, 0);
  numbers.coupling.assign(coupling_size, 0);
  numbers.border.assign(shape.border.size() * shape.border.size(), 0);
  lay_out_families(model, marginal, output);
  numbers.values.assign(spec.outputs.size(), 0);
  e.assign(static_cast<std::size_t>(system->n), 0);
  work.assign(static_cast<std::size_t>(std::max(shape.max_component, 1)) + shape.border.size() + 1, 0);
  input.assign(spec.inputs.size(), 0);
  engine = std::make_unique<Engine>(lower(model.graph, spec));
  find_paths();
}

void Recovery::State::lay_out_families(const FactorGraph& model, const Marginal& marginal, const std::function<std::int32_t(Slot)>& output) {
  eliminated_size = static_cast<std::size_t>(system->n);
  if (marginal.families == nullptr) return;
  std::unordered_map<int, std::size_t> begin;
  eliminated_size = 0;
  for (const int p : marginal.eliminated) {
    begin[p] = eliminated_size;
    eliminated_size += model.parameters[static_cast<std::size_t>(p)].value.size();
  }
  place_in_block.assign(eliminated_size, -1);
  std::size_t within = 0;
  for (std::size_t i = 0; i < system->parameter.size(); ++i) {
    within = i > 0 && system->parameter[i] == system->parameter[i - 1] ? within + 1 : 0;
    place.push_back(static_cast<std::uint32_t>(begin[system->parameter[i]] + within));
    place_in_block[place.back()] = static_cast<std::int32_t>(i);
  }
  block.resize(place.size());
  families = FamilyConditional(*marginal.families, output, [&](int p) { return begin[p]; });
  numbers.family.assign(families.parts(), 0);
}

bool Recovery::State::assemble() {
  const BlockPartition& shape = partition();
  const int p = border();
  std::fill(numbers.component.begin(), numbers.component.end(), 0.0);
  std::fill(numbers.coupling.begin(), numbers.coupling.end(), 0.0);
  std::fill(numbers.border.begin(), numbers.border.end(), 0.0);
  std::fill(numbers.mean.begin(), numbers.mean.end(), 0.0);
  border_g.assign(static_cast<std::size_t>(p), 0.0);
  LogSum log_scales, log_diagonal;
  for (const Definition& d : definitions) {
    const double scale = d.known_scale * value(d.scale);
    if (!(scale > 0)) return false;
    log_scales.add(scale);
  }
  numbers.log_scales = log_scales.total();
  std::vector<double>& a = work;  // a row: component, border, intercept
  for (int q = 0; q < p; ++q) numbers.border[static_cast<std::size_t>(q * p + q)] = system->prior[static_cast<std::size_t>(shape.border[static_cast<std::size_t>(q)])] >= 0 ? 1 : 0;
  for (std::size_t c = 0; c < rows.size(); ++c) {
    const bool alone = c == shape.components.size();
    const int d = alone ? 0 : static_cast<int>(shape.components[c].size());
    double* const m = alone ? nullptr : numbers.component.data() + component_at[c];
    double* const coupling = alone ? nullptr : numbers.coupling.data() + coupling_at[c];  // [p][d]
    for (int i = 0; i < d; ++i) m[i * d + i] = system->prior[static_cast<std::size_t>(shape.components[c][static_cast<std::size_t>(i)])] >= 0 ? 1 : 0;
    for (const Row& row : rows[c]) {
      const double inverse_scale = 1 / value(row.scale);
      if (!(inverse_scale > 0)) return false;
      std::fill(a.begin(), a.begin() + d + p + 1, 0.0);
      for (std::uint32_t t = row.first; t < row.first + row.count; ++t) {
        const int column = parts[t].place == kInterceptPlace ? d + p : parts[t].place < 0 ? d - 1 - parts[t].place : parts[t].place;
        a[static_cast<std::size_t>(column)] += parts[t].number * value(parts[t].ref) * inverse_scale;
      }
      const double intercept = a[static_cast<std::size_t>(d + p)];
      const double* const b = a.data() + d;
      for (int i = 0; i < d; ++i) {
        const double x = a[static_cast<std::size_t>(i)];
        if (x == 0) continue;
        for (int j = 0; j <= i; ++j) m[i * d + j] += x * a[static_cast<std::size_t>(j)];
        for (int q = 0; q < p; ++q) coupling[q * d + i] += x * b[q];
        numbers.mean[static_cast<std::size_t>(shape.components[c][static_cast<std::size_t>(i)])] -= x * intercept;
      }
      for (int q = 0; q < p; ++q) {
        if (b[q] == 0) continue;
        for (int s = 0; s <= q; ++s) numbers.border[static_cast<std::size_t>(q * p + s)] += b[q] * b[s];
        border_g[static_cast<std::size_t>(q)] -= b[q] * intercept;
      }
    }
  }
  for (std::size_t c = 0; c < shape.components.size(); ++c) {
    const int d = static_cast<int>(shape.components[c].size());
    double* const l = numbers.component.data() + component_at[c];
    double* const coupling = numbers.coupling.data() + coupling_at[c];
    if (!cholesky(l, d)) return false;
    for (int i = 0; i < d; ++i) log_diagonal.add(l[i * d + i]);
    for (int i = 0; i < d; ++i) a[static_cast<std::size_t>(i)] = numbers.mean[static_cast<std::size_t>(shape.components[c][static_cast<std::size_t>(i)])];
    solve_lower(l, d, a.data());
    for (int i = 0; i < d; ++i) numbers.mean[static_cast<std::size_t>(shape.components[c][static_cast<std::size_t>(i)])] = a[static_cast<std::size_t>(i)];
    for (int q = 0; q < p; ++q) {
      double* const row = coupling + q * d;
      if (std::all_of(row, row + d, [](double x) { return x == 0; })) continue;
      solve_lower(l, d, row);
      for (int s = 0; s <= q; ++s)
        for (int i = 0; i < d; ++i) numbers.border[static_cast<std::size_t>(q * p + s)] -= row[i] * coupling[s * d + i];
      for (int i = 0; i < d; ++i) border_g[static_cast<std::size_t>(q)] -= row[i] * a[static_cast<std::size_t>(i)];
    }
  }
  if (!cholesky(numbers.border.data(), p)) return false;
  for (int q = 0; q < p; ++q) log_diagonal.add(numbers.border[static_cast<std::size_t>(q * p + q)]);
  numbers.log_diagonal = log_diagonal.total();
  solve_lower(numbers.border.data(), p, border_g.data());
  for (int q = 0; q < p; ++q) numbers.mean[static_cast<std::size_t>(shape.border[static_cast<std::size_t>(q)])] = border_g[static_cast<std::size_t>(q)];
  solve_transposed(numbers.mean);
  return std::all_of(numbers.mean.begin(), numbers.mean.end(), [](double x) { return std::isfinite(x); });
}

void Recovery::State::solve_transposed(std::span<double> x) const {
  const BlockPartition& shape = partition();
  const int p = border();
  std::vector<double>& a = work;
  double* const b = a.data() + std::max(shape.max_component, 1);
  for (int q = 0; q < p; ++q) b[q] = x[static_cast<std::size_t>(shape.border[static_cast<std::size_t>(q)])];
  solve_upper(numbers.border.data(), p, b);
  for (int q = 0; q < p; ++q) x[static_cast<std::size_t>(shape.border[static_cast<std::size_t>(q)])] = b[q];
  for (std::size_t c = 0; c < shape.components.size(); ++c) {
    const int d = static_cast<int>(shape.components[c].size());
    const double* const coupling = numbers.coupling.data() + coupling_at[c];
    for (int i = 0; i < d; ++i) {
      double sum = x[static_cast<std::size_t>(shape.components[c][static_cast<std::size_t>(i)])];
      for (int q = 0; q < p; ++q) sum -= coupling[q * d + i] * b[q];
      a[static_cast<std::size_t>(i)] = sum;
    }
    solve_upper(numbers.component.data() + component_at[c], d, a.data());
    for (int i = 0; i < d; ++i) x[static_cast<std::size_t>(shape.components[c][static_cast<std::size_t>(i)])] = a[static_cast<std::size_t>(i)];
  }
}

void Recovery::State::solve(std::span<double> x) const {
  const BlockPartition& shape = partition();
  const int p = border();
  std::vector<double>& a = work;
  double* const b = a.data() + std::max(shape.max_component, 1);
  for (int q = 0; q < p; ++q) b[q] = x[static_cast<std::size_t>(shape.border[static_cast<std::size_t>(q)])];
  for (std::size_t c = 0; c < shape.components.size(); ++c) {
    const int d = static_cast<int>(shape.components[c].size());
    const double* const coupling = numbers.coupling.data() + coupling_at[c];
    for (int i = 0; i < d; ++i) a[static_cast<std::size_t>(i)] = x[static_cast<std::size_t>(shape.components[c][static_cast<std::size_t>(i)])];
    solve_lower(numbers.component.data() + component_at[c], d, a.data());
    for (int i = 0; i < d; ++i) x[static_cast<std::size_t>(shape.components[c][static_cast<std::size_t>(i)])] = a[static_cast<std::size_t>(i)];
    for (int q = 0; q < p; ++q)
      for (int i = 0; i < d; ++i) b[q] -= coupling[q * d + i] * a[static_cast<std::size_t>(i)];
  }
  solve_lower(numbers.border.data(), p, b);
  for (int q = 0; q < p; ++q) x[static_cast<std::size_t>(shape.border[static_cast<std::size_t>(q)])] = b[q];
}

void Recovery::State::location_and_scale(const Definition& d, std::span<const double> z, std::span<const double> e, double& location, double& scale) const {
  location = 0;
  for (std::uint32_t t = d.first; t < d.first + d.count; ++t)
    location += terms[t].number * value(terms[t].ref) * (terms[t].z == kIntercept ? 1.0 : (terms[t].standard ? e : z)[static_cast<std::size_t>(terms[t].z)]);
  scale = d.known_scale * value(d.scale);
}

void Recovery::State::to_z(std::span<const double> from, std::span<double> z) const {
  if (from.data() != z.data()) std::copy(from.begin(), from.end(), z.begin());
  double location = 0, scale = 1;
  for (const Definition& d : definitions) {
    location_and_scale(d, z, z, location, scale);  // what is defined later still holds e
    z[static_cast<std::size_t>(d.z)] = location + scale * z[static_cast<std::size_t>(d.z)];
  }
}

std::size_t Recovery::kept_size() const { return state_->kept_size; }
std::size_t Recovery::eliminated_size() const { return state_->eliminated_size; }
ConditionalNumbers& Recovery::numbers() { return state_->numbers; }

bool Recovery::condition(std::span<const double> kept_constrained) {
  State& s = *state_;
  for (std::size_t i = 0; i < s.input.size(); ++i) s.input[i] = kept_constrained[s.input_place[i]];
  s.engine->outputs(s.input, s.numbers.values);
  return s.good = s.assemble() && s.families.condition(s.numbers.values, s.numbers.family);
}

void Recovery::draw(PhiloxStream& random, std::span<double> z) const {
  const State& s = *state_;
  if (!s.good) return std::fill(z.begin(), z.end(), std::numeric_limits<double>::quiet_NaN());
  s.on_block(z, [&](std::span<double> x) {
    for (double& u : x) u = random.normal();
    s.solve_transposed(x);
    for (std::size_t i = 0; i < x.size(); ++i) x[i] += s.numbers.mean[i];
    s.to_z(x, x);
  });
  s.families.draw(s.numbers.family, random, z);
}

void Recovery::draw_independent(PhiloxStream& random, double width, std::span<double> z) const {
  const State& s = *state_;
  if (!s.good) return std::fill(z.begin(), z.end(), std::numeric_limits<double>::quiet_NaN());
  const BlockPartition& shape = s.partition();
  const std::size_t p = shape.border.size();
  s.on_block(z, [&](std::span<double> x) {
    for (std::size_t c = 0; c < shape.components.size(); ++c) {
      const std::size_t d = shape.components[c].size();
      for (std::size_t i = 0; i < d; ++i) x[static_cast<std::size_t>(shape.components[c][i])] = width * random.normal() / s.numbers.component[s.component_at[c] + i * d + i];
    }
    for (std::size_t q = 0; q < p; ++q) x[static_cast<std::size_t>(shape.border[q])] = width * random.normal() / s.numbers.border[q * p + q];
    for (std::size_t i = 0; i < x.size(); ++i) x[i] += s.numbers.mean[i];
    s.to_z(x, x);
  });
  s.families.draw_unconstrained(random, 4, z);
}

double Recovery::log_conditional(std::span<const double> all) const {
  const State& s = *state_;
  const BlockPartition& shape = s.partition();
  if (!s.good) return std::numeric_limits<double>::quiet_NaN();
  for (std::size_t i = 0; i < s.block.size(); ++i) s.block[i] = all[s.place[i]];
  const std::span<const double> z = s.place_in_block.empty() ? all : std::span<const double>(s.block);
  std::copy(z.begin(), z.end(), s.e.begin());
  double location = 0, scale = 1;
  for (const std::uint32_t t : s.inverse_order) {
    const Definition& d = s.definitions[t];
    s.location_and_scale(d, z, s.e, location, scale);
    s.e[static_cast<std::size_t>(d.z)] = (z[static_cast<std::size_t>(d.z)] - location) / scale;
  }
  for (std::size_t i = 0; i < s.e.size(); ++i) s.e[i] -= s.numbers.mean[i];
  // |L' (e - mean)|^2, multiplied out: the transpose of the factor that draw solves with.
  const int p = s.border();
  double square = 0;
  for (std::size_t c = 0; c < shape.components.size(); ++c) {
    const int d = static_cast<int>(shape.components[c].size());
    const double* const l = s.numbers.component.data() + s.component_at[c];
    const double* const coupling = s.numbers.coupling.data() + s.coupling_at[c];
    for (int i = 0; i < d; ++i) {
      double sum = 0;
      for (int k = i; k < d; ++k) sum += l[k * d + i] * s.e[static_cast<std::size_t>(shape.components[c][static_cast<std::size_t>(k)])];
      for (int q = 0; q < p; ++q) sum += coupling[q * d + i] * s.e[static_cast<std::size_t>(shape.border[static_cast<std::size_t>(q)])];
      square += sum * sum;
    }
  }
  for (int i = 0; i < p; ++i) {
    double sum = 0;
    for (int k = i; k < p; ++k) sum += s.numbers.border[static_cast<std::size_t>(k * p + i)] * s.e[static_cast<std::size_t>(shape.border[static_cast<std::size_t>(k)])];
    square += sum * sum;
  }
  return -0.5 * square + s.numbers.log_diagonal - s.numbers.log_scales - static_cast<double>(z.size()) * kHalfLogTwoPi +
         s.families.log_density(s.numbers.family, all);
}

void Recovery::mean(std::span<double> z) const {
  const State& s = *state_;
  s.on_block(z, [&](std::span<double> x) { s.to_z(s.numbers.mean, x); });
  s.families.mean(s.numbers.family, z);
}

// Cov(z) = J (L L')^-1 J' with J = dz/de: for row i of J, L^-1 J_i' by running whitening backwards.
double Recovery::covariance(std::size_t i, std::size_t j) const {
  const State& s = *state_;
  if (!s.place_in_block.empty()) {
    if (s.place_in_block[i] < 0 || s.place_in_block[j] < 0) return s.families.covariance(s.numbers.family, i, j);
    i = static_cast<std::size_t>(s.place_in_block[i]);
    j = static_cast<std::size_t>(s.place_in_block[j]);
  }
  std::vector<double> x[2];
  for (int k = 0; k < 2; ++k) {
    x[k].assign(static_cast<std::size_t>(s.system->n), 0.0);
    x[k][k == 0 ? i : j] = 1;
    for (std::size_t t = s.definitions.size(); t-- > 0;) {
      const Definition& d = s.definitions[t];
      double& weight = x[k][static_cast<std::size_t>(d.z)];
      for (std::uint32_t u = d.first; u < d.first + d.count && weight != 0; ++u)
        if (s.terms[u].z != kIntercept) x[k][static_cast<std::size_t>(s.terms[u].z)] += weight * s.terms[u].number * s.value(s.terms[u].ref);
      weight *= d.known_scale * s.value(d.scale);
    }
    s.solve(x[k]);
    if (i == j) break;
  }
  const std::vector<double>& y = i == j ? x[0] : x[1];
  double sum = 0;
  for (std::size_t k = 0; k < y.size(); ++k) sum += x[0][k] * y[k];
  return sum;
}

void Recovery::State::find_paths() {
  const auto n = static_cast<std::size_t>(system->n);
  std::vector<std::int32_t> definition_of(n, -1);
  for (std::size_t t = 0; t < definitions.size(); ++t) definition_of[static_cast<std::size_t>(definitions[t].z)] = static_cast<std::int32_t>(t);
  steps_at = reached_at = {0};
  direction.assign(n, 0.0);
  for (std::size_t i = 0; i < n; ++i) {
    std::vector<std::int32_t> open = {static_cast<std::int32_t>(i)};
    std::set<std::int32_t> scalars(open.begin(), open.end());
    std::set<std::uint32_t, std::greater<>> path;
    std::set<std::uint32_t> components;
    while (!open.empty()) {
      const auto z = static_cast<std::size_t>(open.back());
      open.pop_back();
      if (partition().component_of[z] >= 0) components.insert(static_cast<std::uint32_t>(partition().component_of[z]));
      if (definition_of[z] < 0) continue;
      path.insert(static_cast<std::uint32_t>(definition_of[z]));
      const Definition& d = definitions[static_cast<std::size_t>(definition_of[z])];
      for (std::uint32_t u = d.first; u < d.first + d.count; ++u)
        if (terms[u].z != kIntercept && scalars.insert(terms[u].z).second) open.push_back(terms[u].z);
    }
    steps.insert(steps.end(), path.begin(), path.end());
    reached.insert(reached.end(), components.begin(), components.end());
    steps_at.push_back(static_cast<std::uint32_t>(steps.size()));
    reached_at.push_back(static_cast<std::uint32_t>(reached.size()));
  }
}

// As covariance(i, i), but only where row i of J is not zero.
double Recovery::State::variance_in_block(std::size_t i) const {
  const BlockPartition& shape = partition();
  std::vector<double>& x = direction;
  const int p = border();
  double* const a = work.data();
  double* const b = a + std::max(shape.max_component, 1);
  x[i] = 1;
  for (std::uint32_t k = steps_at[i]; k < steps_at[i + 1]; ++k) {
    const Definition& d = definitions[steps[k]];
    double& weight = x[static_cast<std::size_t>(d.z)];
    for (std::uint32_t u = d.first; u < d.first + d.count; ++u)
      if (terms[u].z != kIntercept) x[static_cast<std::size_t>(terms[u].z)] += weight * terms[u].number * value(terms[u].ref);
    weight *= d.known_scale * value(d.scale);
  }
  for (int q = 0; q < p; ++q) b[q] = std::exchange(x[static_cast<std::size_t>(shape.border[static_cast<std::size_t>(q)])], 0.0);
  double sum = 0;
  for (std::uint32_t k = reached_at[i]; k < reached_at[i + 1]; ++k) {
    const std::size_t c = reached[k];
    const int d = static_cast<int>(shape.components[c].size());
    const double* const coupling = numbers.coupling.data() + coupling_at[c];
    for (int j = 0; j < d; ++j) a[j] = std::exchange(x[static_cast<std::size_t>(shape.components[c][static_cast<std::size_t>(j)])], 0.0);
    solve_lower(numbers.component.data() + component_at[c], d, a);
    for (int j = 0; j < d; ++j) sum += a[j] * a[j];
    for (int q = 0; q < p; ++q)
      for (int j = 0; j < d; ++j) b[q] -= coupling[q * d + j] * a[j];
  }
  solve_lower(numbers.border.data(), p, b);
  for (int q = 0; q < p; ++q) sum += b[q] * b[q];
  return sum;
}

void Recovery::variance(std::span<double> z) const {
  const State& s = *state_;
  if (s.place_in_block.empty()) {
    for (std::size_t i = 0; i < z.size(); ++i) z[i] = s.variance_in_block(i);
    return;
  }
  s.families.variance(s.numbers.family, z);
  for (std::size_t i = 0; i < s.place.size(); ++i) z[s.place[i]] = s.variance_in_block(i);
}

void Recovery::excess_kurtosis(std::span<double> z) const {
  std::fill(z.begin(), z.end(), 0.0);
  state_->families.excess_kurtosis(state_->numbers.family, z);
}

}  // namespace tenfold::hmc_marg
