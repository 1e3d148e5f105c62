// The conditional in plain arithmetic, one component after the other; shares no elimination code with the block's kernels.
// M = L L' in the order components, then border: L_cc from M_cc, L_bc = M_bc L_cc^-T, L_bb from the border less all L_bc L_bc'.
#include "hmc-marg/recover.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_map>

#include "base/philox.h"
#include "hmc-marg/recover_state.h"

namespace tenfold::hmc_marg {

using recovery::Component;
using recovery::Definition;
using recovery::LocationTerm;
using recovery::Part;
using recovery::Row;
using recovery::solve_lower;

namespace {

constexpr double kHalfLogTwoPi = 0.91893853320467274178;

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
    a[j * n + j] = root;
    for (int i = j + 1; i < n; ++i) a[i * n + j] /= root;
  }
  return true;
}

void solve_upper(const double* l, int n, double* x) {  // L' x = b
  for (int i = n - 1; i >= 0; --i) {
    for (int k = i + 1; k < n; ++k) x[i] -= l[k * n + i] * x[k];
    x[i] /= l[i * n + i];
  }
}

}  // namespace

Recovery::Recovery(const FactorGraph& model, const Marginal& marginal) : state_(std::make_unique<State>()) {
  state_->build(model, marginal);
}
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
      if (slot == 0 || model.graph.is_constant(slot) || !given.try_emplace(slot, true).second)
        continue;  // known, or met before (a symmetric matrix)
      spec.inputs.push_back(slot);
      input_place.push_back(place);
    }
  }
  std::unordered_map<Slot, std::int32_t> output_of;
  const auto output = [&](Slot slot) -> std::int32_t {
    if (slot == 0) return -1;  // the value 1, which comes to stand last
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
    const auto group = [&](std::uint32_t k) {
      return system->priors.rows[static_cast<std::size_t>(system->prior[static_cast<std::size_t>(definitions[k].z)])].together;
    };
    std::uint32_t end = t + 1;
    while (group(t) >= 0 && end < definitions.size() && group(end) == group(t)) ++end;
    for (std::uint32_t k = end; k-- > t;) inverse_order.push_back(k);
    t = end;
  }
  const BlockPartition& shape = system->partition;
  const auto add_scalar = [&](std::int32_t z, std::vector<std::size_t>& list) {
    list.push_back(static_cast<std::size_t>(z));
    diagonal.push_back(system->prior[static_cast<std::size_t>(z)] >= 0 ? 1 : 0);
  };
  std::size_t component_size = 0, coupling_size = 0;
  for (const auto& of_component : shape.components) {
    components.push_back({static_cast<int>(of_component.size()), scalars.size(), component_size, coupling_size, {}});
    for (const std::int32_t z : of_component) add_scalar(z, scalars);
    component_size += of_component.size() * of_component.size();
    coupling_size += of_component.size() * shape.border.size();
  }
  components.push_back({0, scalars.size(), component_size, coupling_size, {}});
  for (const std::int32_t z : shape.border) add_scalar(z, border);
  for (const BlockRow& source : system->rows.rows) {
    std::size_t component = shape.components.size();
    for (const AffineTerm& term : system->rows.terms_of(source))
      if (term.z >= 0 && shape.component_of[static_cast<std::size_t>(term.z)] >= 0)
        component = static_cast<std::size_t>(shape.component_of[static_cast<std::size_t>(term.z)]);
    const int d = components[component].d;
    Row row{static_cast<std::uint32_t>(parts.size()), 0, output(source.scale)};
    for (const AffineTerm& term : system->rows.terms_of(source)) {
      const auto z = static_cast<std::size_t>(term.z);
      const std::int32_t column = term.z < 0                  ? d + border_size()
                                  : shape.component_of[z] < 0 ? d + shape.place_of[z]
                                                              : shape.place_of[z];
      parts.push_back({column, output(term.ref), term.number});
    }
    row.count = static_cast<std::uint32_t>(parts.size()) - row.first;
    components[component].rows.push_back(row);
  }
  lay_out_families(model, marginal, output);
  const auto one = static_cast<std::int32_t>(spec.outputs.size());
  const auto settle = [one](std::int32_t& ref) { ref = ref < 0 ? one : ref; };
  for (Part& part : parts) settle(part.ref);
  for (LocationTerm& term : terms) settle(term.ref);
  for (Definition& d : definitions) settle(d.scale);
  numbers.mean.assign(static_cast<std::size_t>(system->n), 0);
  numbers.component.assign(component_size, 0);
  numbers.coupling.assign(coupling_size, 0);
  numbers.border.assign(shape.border.size() * shape.border.size(), 0);
  numbers.values.assign(spec.outputs.size() + 1, 1);
  border_g.assign(shape.border.size(), 0);
  e.assign(static_cast<std::size_t>(system->n), 0);
  work.assign(static_cast<std::size_t>(std::max(shape.max_component, 1)) + shape.border.size() + 1, 0);
  input.assign(spec.inputs.size(), 0);
  engine = std::make_unique<Engine>(lower(model.graph, spec));
  find_paths();
}

void Recovery::State::lay_out_families(const FactorGraph& model, const Marginal& marginal,
                                       const std::function<std::int32_t(Slot)>& output) {
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
  const int p = border_size();
  std::fill(numbers.border.begin(), numbers.border.end(), 0.0);
  for (int q = 0; q < p; ++q) {
    numbers.border[static_cast<std::size_t>(q * p + q)] = diagonal[scalars.size() + static_cast<std::size_t>(q)];
    border_g[static_cast<std::size_t>(q)] = 0;
  }
  logs_known = false;
  for (const Definition& d : definitions)
    if (!(d.known_scale * value(d.scale) > 0)) return false;
  for (const Component& c : components) {
    const bool done = c.d != 1 ? eliminate(c)
                      : p == 0 ? eliminate_scalar<0>(c)
                      : p == 1 ? eliminate_scalar<1>(c)
                               : eliminate_scalar<-1>(c);
    if (!done) return false;
  }
  if (!cholesky(numbers.border.data(), p)) return false;
  solve_lower(numbers.border.data(), p, border_g.data());
  for (std::size_t q = 0; q < border.size(); ++q) numbers.mean[border[q]] = border_g[q];
  solve_transposed(numbers.mean);
  return std::all_of(numbers.mean.begin(), numbers.mean.end(), [](double x) { return std::isfinite(x); });
}

// A row divided by its scale -> work: component, border, intercept. False where the scale is not positive.
inline bool Recovery::State::coefficients(const Row& row, int columns) {
  const double inverse_scale = row.scale < 0 ? 1 : 1 / value(row.scale);
  double* const a = work.data();
  for (int i = 0; i < columns; ++i) a[i] = 0;
  for (std::uint32_t t = row.first; t < row.first + row.count; ++t)
    a[parts[t].column] += parts[t].number * value(parts[t].ref) * inverse_scale;
  return inverse_scale > 0;
}

// Adds a component's rows and takes its scalars out: L_cc, L_bc, L_cc^-1 g_c (into the mean), and what is left for the border.
bool Recovery::State::eliminate(const Component& c) {
  const int d = c.d, p = border_size();
  double* const l = numbers.component.data() + c.component;
  double* const coupling = numbers.coupling.data() + c.coupling;  // [p][d]
  const std::size_t* const scalar = scalars.data() + c.scalars;
  double* const a = work.data();
  double* const mean = numbers.mean.data();
  double* const m_border = numbers.border.data();
  for (int i = 0; i < d; ++i) {
    for (int j = 0; j < i; ++j) l[i * d + j] = 0;
    l[i * d + i] = diagonal[c.scalars + static_cast<std::size_t>(i)];
    mean[scalar[i]] = 0;
  }
  for (int i = 0; i < p * d; ++i) coupling[i] = 0;
  for (const Row& row : c.rows) {
    if (!coefficients(row, d + p + 1)) return false;
    const double* const b = a + d;
    const double intercept = b[p];
    for (int i = 0; i < d; ++i) {
      if (a[i] == 0) continue;
      for (int j = 0; j <= i; ++j) l[i * d + j] += a[i] * a[j];
      for (int q = 0; q < p; ++q) coupling[q * d + i] += a[i] * b[q];
      mean[scalar[i]] -= a[i] * intercept;
    }
    for (int q = 0; q < p; ++q) {
      if (b[q] == 0) continue;
      for (int s = 0; s <= q; ++s) m_border[q * p + s] += b[q] * b[s];
      border_g[static_cast<std::size_t>(q)] -= b[q] * intercept;
    }
  }
  if (!cholesky(l, d)) return false;
  for (int i = 0; i < d; ++i) a[i] = mean[scalar[i]];
  solve_lower(l, d, a);
  for (int i = 0; i < d; ++i) mean[scalar[i]] = a[i];
  for (int q = 0; q < p; ++q) {
    double* const row = coupling + q * d;
    if (std::all_of(row, row + d, [](double x) { return x == 0; })) continue;
    solve_lower(l, d, row);
    for (int s = 0; s <= q; ++s)
      for (int i = 0; i < d; ++i) m_border[q * p + s] -= row[i] * coupling[s * d + i];
    for (int i = 0; i < d; ++i) border_g[static_cast<std::size_t>(q)] -= row[i] * a[i];
  }
  return true;
}

// The same for a component of one scalar, as most models have many: no inner loops but those over the border (P, or any number:
// -1).
template <int P>
bool Recovery::State::eliminate_scalar(const Component& c) {
  const int p = P >= 0 ? P : border_size();
  double* const coupling = numbers.coupling.data() + c.coupling;
  double* const m_border = numbers.border.data();
  double* const g_border = border_g.data();
  double m = diagonal[c.scalars], g = 0;
  for (int q = 0; q < p; ++q) coupling[q] = 0;
  for (const Row& row : c.rows) {
    if (!coefficients(row, p + 2)) return false;
    const double a = work[0], intercept = work[static_cast<std::size_t>(p) + 1];
    const double* const b = work.data() + 1;
    m += a * a;
    g -= a * intercept;
    for (int q = 0; q < p; ++q) {
      if (P < 0 && b[q] == 0) continue;
      coupling[q] += a * b[q];
      for (int s = 0; s <= q; ++s) m_border[q * p + s] += b[q] * b[s];
      g_border[q] -= b[q] * intercept;
    }
  }
  if (!(m > 0) || !std::isfinite(m)) return false;
  const double l = std::sqrt(m), inverse = 1 / l;
  g *= inverse;
  for (int q = 0; q < p; ++q) {
    if (P < 0 && coupling[q] == 0) continue;
    coupling[q] *= inverse;
    for (int s = 0; s <= q; ++s) m_border[q * p + s] -= coupling[q] * coupling[s];
    g_border[q] -= coupling[q] * g;
  }
  numbers.component[c.component] = l;
  numbers.mean[scalars[c.scalars]] = g;
  return true;
}

// What the density needs besides; a draw does without.
void Recovery::State::take_logs() {
  if (logs_known || !good) return;
  LogSum log_scales, log_diagonal;
  for (const Definition& d : definitions) log_scales.add(d.known_scale * value(d.scale));
  for (const Component& c : components)
    for (int i = 0; i < c.d; ++i) log_diagonal.add(numbers.component[c.component + static_cast<std::size_t>(i * c.d + i)]);
  for (std::size_t q = 0; q < border.size(); ++q) log_diagonal.add(numbers.border[q * border.size() + q]);
  numbers.log_scales = log_scales.total();
  numbers.log_diagonal = log_diagonal.total();
  logs_known = true;
}

template <int D>
void Recovery::State::solve_component_transposed(const Component& c, std::span<double> x, const double* b) const {
  const int d = D > 0 ? D : c.d, p = border_size();
  const double* const coupling = numbers.coupling.data() + c.coupling;
  const std::size_t* const scalar = scalars.data() + c.scalars;
  double* const a = work.data();
  for (int i = 0; i < d; ++i) {
    a[i] = x[scalar[i]];
    for (int q = 0; q < p; ++q) a[i] -= coupling[q * d + i] * b[q];
  }
  solve_upper(numbers.component.data() + c.component, d, a);
  for (int i = 0; i < d; ++i) x[scalar[i]] = a[i];
}

void Recovery::State::solve_transposed(std::span<double> x) const {
  double* const b = border_work();
  for (std::size_t q = 0; q < border.size(); ++q) b[q] = x[border[q]];
  solve_upper(numbers.border.data(), border_size(), b);
  for (std::size_t q = 0; q < border.size(); ++q) x[border[q]] = b[q];
  for (const Component& c : components) {
    if (c.d == 1)
      solve_component_transposed<1>(c, x, b);
    else
      solve_component_transposed<0>(c, x, b);
  }
}

void Recovery::State::solve(std::span<double> x) const {
  const int p = border_size();
  double* const a = work.data();
  double* const b = border_work();
  for (std::size_t q = 0; q < border.size(); ++q) b[q] = x[border[q]];
  for (const Component& c : components) {
    const double* const coupling = numbers.coupling.data() + c.coupling;
    const std::size_t* const scalar = scalars.data() + c.scalars;
    for (int i = 0; i < c.d; ++i) a[i] = x[scalar[i]];
    solve_lower(numbers.component.data() + c.component, c.d, a);
    for (int i = 0; i < c.d; ++i) x[scalar[i]] = a[i];
    for (int q = 0; q < p; ++q)
      for (int i = 0; i < c.d; ++i) b[q] -= coupling[q * c.d + i] * a[i];
  }
  solve_lower(numbers.border.data(), p, b);
  for (std::size_t q = 0; q < border.size(); ++q) x[border[q]] = b[q];
}

void Recovery::State::location_and_scale(const Definition& d, std::span<const double> z, std::span<const double> e,
                                         double& location, double& scale) const {
  location = 0;
  for (std::uint32_t t = d.first; t < d.first + d.count; ++t)
    location += terms[t].number * value(terms[t].ref) *
                (terms[t].z == kIntercept ? 1.0 : (terms[t].standard ? e : z)[static_cast<std::size_t>(terms[t].z)]);
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
ConditionalNumbers& Recovery::numbers() {
  state_->take_logs();
  return state_->numbers;
}

bool Recovery::condition(std::span<const double> kept_constrained) {
  State& s = *state_;
  for (std::size_t i = 0; i < s.input.size(); ++i) s.input[i] = kept_constrained[s.input_place[i]];
  s.engine->outputs(s.input, std::span(s.numbers.values).first(s.numbers.values.size() - 1));
  return s.good = s.assemble() && s.families.condition(s.numbers.values, s.numbers.family);
}

void Recovery::draw(PhiloxStream& random, std::span<double> z) const {
  const State& s = *state_;
  if (!s.good) return std::fill(z.begin(), z.end(), std::numeric_limits<double>::quiet_NaN());
  s.on_block(z, [&](std::span<double> x) {
    random.normals(x);
    s.solve_transposed(x);
    for (std::size_t i = 0; i < x.size(); ++i) x[i] += s.numbers.mean[i];
    s.to_z(x, x);
  });
  s.families.draw(s.numbers.family, random, z);
}

void Recovery::draw_independent(PhiloxStream& random, double width, std::span<double> z) const {
  const State& s = *state_;
  if (!s.good) return std::fill(z.begin(), z.end(), std::numeric_limits<double>::quiet_NaN());
  const std::size_t p = s.border.size();
  s.on_block(z, [&](std::span<double> x) {
    for (const Component& c : s.components)
      for (int i = 0; i < c.d; ++i)
        x[s.scalars[c.scalars + static_cast<std::size_t>(i)]] =
            width * random.normal() / s.numbers.component[c.component + static_cast<std::size_t>(i * c.d + i)];
    for (std::size_t q = 0; q < p; ++q) x[s.border[q]] = width * random.normal() / s.numbers.border[q * p + q];
    for (std::size_t i = 0; i < x.size(); ++i) x[i] += s.numbers.mean[i];
    s.to_z(x, x);
  });
  s.families.draw_unconstrained(random, 4, z);
}

double Recovery::log_conditional(std::span<const double> all) const {
  State& s = *state_;
  if (!s.good) return std::numeric_limits<double>::quiet_NaN();
  s.take_logs();
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
  const std::size_t p = s.border.size();
  double square = 0;
  for (const Component& c : s.components) {
    const double* const l = s.numbers.component.data() + c.component;
    const double* const coupling = s.numbers.coupling.data() + c.coupling;
    const std::size_t* const scalar = s.scalars.data() + c.scalars;
    const auto d = static_cast<std::size_t>(c.d);
    for (std::size_t i = 0; i < d; ++i) {
      double sum = 0;
      for (std::size_t k = i; k < d; ++k) sum += l[k * d + i] * s.e[scalar[k]];
      for (std::size_t q = 0; q < p; ++q) sum += coupling[q * d + i] * s.e[s.border[q]];
      square += sum * sum;
    }
  }
  for (std::size_t i = 0; i < p; ++i) {
    double sum = 0;
    for (std::size_t k = i; k < p; ++k) sum += s.numbers.border[k * p + i] * s.e[s.border[k]];
    square += sum * sum;
  }
  return -0.5 * square + s.numbers.log_diagonal - s.numbers.log_scales - static_cast<double>(z.size()) * kHalfLogTwoPi +
         s.families.log_density(s.numbers.family, all);
}

}  // namespace tenfold::hmc_marg
