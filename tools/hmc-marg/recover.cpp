// The conditional: M = L L' in the order components, then border: L_cc from M_cc, L_bc = M_bc L_cc^-T, L_bb from the border less
// all L_bc L_bc'. Components of regular classes are worked on eight at a time, the others in plain arithmetic.
//
// A draw is L'^-1 (u + L^-1 g): the mean is not needed apart. It and the other ConditionalNumbers are written out, by the same
// substitution with u = 0, where a density or moments are asked for.
#include "hmc-marg/recover.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/philox.h"
#include "hmc-marg/recover_state.h"

namespace tenfold::hmc_marg {

using recovery::Batches;
using recovery::Component;
using recovery::Definition;
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

BlockState Recovery::State::class_state(const Batches& of_class) const {
  BlockState state;
  state.factor = factor.data();
  state.border_size = border_size();
  state.work = class_work + of_class.work;
  return state;
}

bool Recovery::State::assemble_batches() {
  for (std::size_t i = 0; i < layout.factors.size(); ++i) {
    const BlockFactor& f = layout.factors[i];
    const auto at = [&](std::int32_t input) { return value(layout_place[static_cast<std::size_t>(input)]); };
    factor[i] = f.ref < 0 ? 1 : at(f.ref);
    if (f.scale >= 0) factor[i] /= at(layout.scales[static_cast<std::size_t>(f.scale)]);
  }
  for (const std::int32_t place : layout.positive)
    if (!(value(layout_place[static_cast<std::size_t>(place)]) > 0)) return false;
  for (const Batches& b : batches) {
    BlockState state = class_state(b);
    state.border_matrix = numbers.border.data();
    state.border_vector = border_g.data();
    b.data->kernels.condition(b.data->shape, state);
    if (!state.good) return false;
  }
  return true;
}

bool Recovery::State::assemble() {
  const int p = border_size();
  std::fill(numbers.border.begin(), numbers.border.end(), 0.0);
  for (int q = 0; q < p; ++q) {
    numbers.border[static_cast<std::size_t>(q * p + q)] = diagonal[scalars.size() + static_cast<std::size_t>(q)];
    border_g[static_cast<std::size_t>(q)] = 0;
  }
  settled = false;
  for (std::size_t t = 0; t < definitions.size(); t += definitions[t].alike)
    if (!(definitions[t].known_scale * value(definitions[t].scale) > 0)) return false;
  if (!assemble_batches()) return false;
  for (const std::uint32_t i : loose) {
    const Component& c = components[i];
    const bool done = c.d != 1 ? eliminate(c)
                      : p == 0 ? eliminate_scalar<0>(c)
                      : p == 1 ? eliminate_scalar<1>(c)
                               : eliminate_scalar<-1>(c);
    if (!done) return false;
  }
  if (!cholesky(numbers.border.data(), p)) return false;
  solve_lower(numbers.border.data(), p, border_g.data());
  const auto finite = [](double x) { return std::isfinite(x); };
  return std::all_of(border_g.begin(), border_g.end(), finite) && std::all_of(y.begin(), y.end(), finite);
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

// Adds a component's rows and takes its scalars out: L_cc, L_bc, L_cc^-1 g_c (into y), and what is left for the border.
bool Recovery::State::eliminate(const Component& c) {
  const int d = c.d, p = border_size();
  double* const l = numbers.component.data() + c.component;
  double* const coupling = numbers.coupling.data() + c.coupling;  // [p][d]
  const std::size_t* const scalar = scalars.data() + c.scalars;
  double* const a = work.data();
  double* const m_border = numbers.border.data();
  for (int i = 0; i < d; ++i) {
    for (int j = 0; j < i; ++j) l[i * d + j] = 0;
    l[i * d + i] = diagonal[c.scalars + static_cast<std::size_t>(i)];
    y[scalar[i]] = 0;
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
      y[scalar[i]] -= a[i] * intercept;
    }
    for (int q = 0; q < p; ++q) {
      if (b[q] == 0) continue;
      for (int s = 0; s <= q; ++s) m_border[q * p + s] += b[q] * b[s];
      border_g[static_cast<std::size_t>(q)] -= b[q] * intercept;
    }
  }
  if (!cholesky(l, d)) return false;
  for (int i = 0; i < d; ++i) a[i] = y[scalar[i]];
  solve_lower(l, d, a);
  for (int i = 0; i < d; ++i) y[scalar[i]] = a[i];
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
  y[scalars[c.scalars]] = g;
  return true;
}

// What densities and moments need; a draw does without.
void Recovery::State::settle() {
  if (settled || !good) return;
  const std::size_t p = border.size();
  for (const Batches& b : batches) {
    const BlockClass& c = b.data->shape;
    const auto d = static_cast<std::size_t>(c.d), own = static_cast<std::size_t>(c.p);
    for (std::size_t i = 0; i < b.data->members.size(); ++i) {
      const Component& component = components[b.data->members[i]];
      const double* const k = class_work + b.work + i / kBlockLanes * c.condition_work() * kBlockLanes + i % kBlockLanes;
      const double* const l = k + (own * d + d) * kBlockLanes;
      double* const coupling = numbers.coupling.data() + component.coupling;
      std::fill(coupling, coupling + p * d, 0.0);
      for (std::size_t q = 0; q < own; ++q)
        for (std::size_t j = 0; j < d; ++j)
          coupling[static_cast<std::size_t>(c.border[q]) * d + j] = k[(q * d + j) * kBlockLanes];
      for (std::size_t r = 0; r < d; ++r)
        for (std::size_t j = 0; j <= r; ++j) numbers.component[component.component + r * d + j] = l[(r * d + j) * kBlockLanes];
    }
  }
  std::fill(numbers.mean.begin(), numbers.mean.end(), 0.0);
  back_substitute(numbers.mean);
  LogSum log_scales, log_diagonal;
  for (const Definition& d : definitions) log_scales.add(d.known_scale * value(d.scale));
  for (const Component& c : components)
    for (int i = 0; i < c.d; ++i) log_diagonal.add(numbers.component[c.component + static_cast<std::size_t>(i * c.d + i)]);
  for (std::size_t q = 0; q < p; ++q) log_diagonal.add(numbers.border[q * p + q]);
  numbers.log_scales = log_scales.total();
  numbers.log_diagonal = log_diagonal.total();
  settled = true;
}

template <int D>
void Recovery::State::back_substitute(const Component& c, std::span<double> x, const double* b) const {
  const int d = D > 0 ? D : c.d, p = border_size();
  const double* const coupling = numbers.coupling.data() + c.coupling;
  const std::size_t* const scalar = scalars.data() + c.scalars;
  double* const a = work.data();
  for (int i = 0; i < d; ++i) {
    a[i] = x[scalar[i]] + y[scalar[i]];
    for (int q = 0; q < p; ++q) a[i] -= coupling[q * d + i] * b[q];
  }
  solve_upper(numbers.component.data() + c.component, d, a);
  for (int i = 0; i < d; ++i) x[scalar[i]] = a[i];
}

void Recovery::State::back_substitute(std::span<double> x) const {
  double* const b = border_work();
  for (std::size_t q = 0; q < border.size(); ++q) b[q] = x[border[q]] + border_g[q];
  solve_upper(numbers.border.data(), border_size(), b);
  for (std::size_t q = 0; q < border.size(); ++q) x[border[q]] = b[q];
  for (const std::uint32_t i : loose) {
    if (components[i].d == 1)
      back_substitute<1>(components[i], x, b);
    else
      back_substitute<0>(components[i], x, b);
  }
  for (const Batches& of_class : batches) {
    BlockState state = class_state(of_class);
    state.border_vector = b;
    const std::vector<std::uint32_t>& scalar = of_class.scalar;
    for (std::size_t i = 0; i < scalar.size(); ++i) class_draw[i] = x[scalar[i]];
    of_class.data->kernels.draw(of_class.data->shape, state, class_draw);
    // Backwards, so that the first lane comes after the padding that names its scalars.
    for (std::size_t i = scalar.size(); i-- > 0;) x[scalar[i]] = class_draw[i];
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
  for (std::size_t t = 0; t < definitions.size();) {
    location_and_scale(definitions[t], z, z, location, scale);  // what is defined later still holds e
    for (const std::size_t end = t + definitions[t].alike; t < end; ++t) {
      double& x = z[static_cast<std::size_t>(definitions[t].z)];
      x = location + scale * x;
    }
  }
}

std::size_t Recovery::kept_size() const { return state_->kept_size; }
std::size_t Recovery::eliminated_size() const { return state_->eliminated_size; }
ConditionalNumbers& Recovery::numbers() {
  state_->settle();
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
    s.back_substitute(x);
    s.to_z(x, x);
  });
  s.families.draw(s.numbers.family, random, z);
}

void Recovery::draw_independent(PhiloxStream& random, double width, std::span<double> z) const {
  State& s = *state_;
  if (!s.good) return std::fill(z.begin(), z.end(), std::numeric_limits<double>::quiet_NaN());
  s.settle();
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
  s.settle();
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
