// NUTS: tree doubling by recursion over preallocated levels. See the header for the method.
#include "hmc-marg/nuts.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <limits>
#include <utility>

#include "base/error.h"
#include "base/philox.h"

namespace tenfold::hmc_marg {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();

double log_add(double a, double b) {
  if (a == -kInf) return b;
  if (b == -kInf) return a;
  return a > b ? a + std::log1p(std::exp(b - a)) : b + std::log1p(std::exp(a - b));
}

double dot(const double* a, const double* b, std::size_t n) {
  double sum = 0;
  for (std::size_t i = 0; i < n; ++i) sum += a[i] * b[i];
  return sum;
}

bool all_finite(std::span<const double> x) { return std::all_of(x.begin(), x.end(), [](double v) { return std::isfinite(v); }); }

// A point of phase space with its gradient: q, p, g are [d].
struct Point {
  double* q;
  double* p;
  double* g;
  double log_density;
};

// What one level of the recursion keeps while its second half is built.
struct Level {
  double *rho_left, *rho_right, *p_left_end, *p_right_begin, *sharp_left_end, *sharp_right_begin;
  Point proposal;
  double proposal_energy;
};

}  // namespace

Metric::Metric(MetricKind kind, int dimension) : kind_(kind), dimension_(dimension) {
  const auto d = static_cast<std::size_t>(dimension);
  inverse_mass_.assign(kind == MetricKind::dense ? d * d : d, kind == MetricKind::dense ? 0 : 1);
  if (kind == MetricKind::dense)
    for (std::size_t i = 0; i < d; ++i) inverse_mass_[i * d + i] = 1;
  momentum_scale_ = inverse_mass_;
}

void Metric::set(std::vector<double> inverse_mass) {
  if (inverse_mass.size() != inverse_mass_.size()) input_error("inverse metric has another size than the sampled coordinates");
  if (!all_finite(inverse_mass)) input_error("inverse metric is not finite");
  const auto d = static_cast<std::size_t>(dimension_);
  std::vector<double> scale(inverse_mass.size());
  if (kind_ != MetricKind::dense) {
    for (std::size_t i = 0; i < d; ++i) {
      if (!(inverse_mass[i] > 0)) input_error("inverse metric is not positive");
      scale[i] = 1 / std::sqrt(inverse_mass[i]);
    }
  } else {  // Cholesky, column by column
    for (std::size_t j = 0; j < d; ++j)
      for (std::size_t i = j; i < d; ++i) {
        double s = inverse_mass[j * d + i];
        for (std::size_t k = 0; k < j; ++k) s -= scale[k * d + i] * scale[k * d + j];
        if (i == j) {
          if (!(s > 0)) input_error("inverse metric is not positive definite");
          scale[j * d + j] = std::sqrt(s);
        } else {
          scale[j * d + i] = s / scale[j * d + j];
        }
      }
  }
  inverse_mass_ = std::move(inverse_mass);
  momentum_scale_ = std::move(scale);
}

void Metric::draw_momentum(PhiloxStream& random, std::span<double> p) const {
  const std::size_t d = p.size();
  for (double& v : p) v = random.normal();
  if (kind_ == MetricKind::diag) {
    for (std::size_t i = 0; i < d; ++i) p[i] *= momentum_scale_[i];
  } else if (kind_ == MetricKind::dense) {  // p = L^-T u has covariance (L L')^-1
    for (std::size_t i = d; i-- > 0;) {
      double s = p[i];
      for (std::size_t k = i + 1; k < d; ++k) s -= momentum_scale_[i * d + k] * p[k];
      p[i] = s / momentum_scale_[i * d + i];
    }
  }
}

void Metric::velocity(const double* p, double* out) const {
  const auto d = static_cast<std::size_t>(dimension_);
  switch (kind_) {
    case MetricKind::unit: std::copy_n(p, d, out); break;
    case MetricKind::diag:
      for (std::size_t i = 0; i < d; ++i) out[i] = inverse_mass_[i] * p[i];
      break;
    case MetricKind::dense:
      std::fill_n(out, d, 0.0);
      for (std::size_t j = 0; j < d; ++j)
        for (std::size_t i = 0; i < d; ++i) out[i] += inverse_mass_[j * d + i] * p[j];
      break;
  }
}

struct Nuts::State {
  LogDensity& density;
  Metric metric;
  NutsOptions options;
  std::size_t d;
  double step = 1;
  std::uint64_t gradients = 0;

  std::vector<double> memory;
  std::size_t used = 0;
  Point here{}, moving{}, forward{}, backward{}, proposal{};
  double proposal_energy = 0;
  double *velocity = nullptr, *sum = nullptr;
  double *rho = nullptr, *rho_forward = nullptr, *rho_backward = nullptr;
  // Momenta and velocities at the four ends that the checks of the top level need.
  double *p_front = nullptr, *p_front_inner = nullptr, *p_back = nullptr, *p_back_inner = nullptr;
  double *sharp_front = nullptr, *sharp_front_inner = nullptr, *sharp_back = nullptr, *sharp_back_inner = nullptr;
  std::vector<Level> levels;

  // Of the transition under way.
  double h0 = 0, direction = 1, accept_sum = 0;
  int leapfrogs = 0;
  bool divergent = false;

  State(LogDensity& f, Metric m, NutsOptions o) : density(f), metric(std::move(m)), options(o), d(static_cast<std::size_t>(f.dimension())) {
    memory.resize(d * (15 + 13 + 9 * static_cast<std::size_t>(options.max_depth + 1)));
    for (Point* point : {&here, &moving, &forward, &backward, &proposal}) *point = take_point();
    for (double** v : {&velocity, &sum, &rho, &rho_forward, &rho_backward, &p_front, &p_front_inner, &p_back, &p_back_inner, &sharp_front,
                       &sharp_front_inner, &sharp_back, &sharp_back_inner})
      *v = take();
    levels.resize(static_cast<std::size_t>(options.max_depth + 1));
    for (Level& level : levels) {
      for (double** v : {&level.rho_left, &level.rho_right, &level.p_left_end, &level.p_right_begin, &level.sharp_left_end, &level.sharp_right_begin})
        *v = take();
      level.proposal = take_point();
    }
  }

  double* take() {
    double* at = memory.data() + used;
    used += d;
    return at;
  }
  Point take_point() { return {take(), take(), take(), 0}; }

  void copy(const double* from, double* to) const { std::memcpy(to, from, d * sizeof(double)); }
  void copy(const Point& from, Point& to) const {
    copy(from.q, to.q);
    copy(from.p, to.p);
    copy(from.g, to.g);
    to.log_density = from.log_density;
  }

  void evaluate(Point& point) {
    ++gradients;
    point.log_density = density.evaluate({point.q, d}, {point.g, d});
  }

  double energy(const Point& point) {
    metric.velocity(point.p, velocity);
    return -point.log_density + 0.5 * dot(point.p, velocity, d);
  }

  void leapfrog(Point& point, double epsilon) {
    for (std::size_t i = 0; i < d; ++i) point.p[i] += 0.5 * epsilon * point.g[i];
    metric.velocity(point.p, velocity);
    for (std::size_t i = 0; i < d; ++i) point.q[i] += epsilon * velocity[i];
    evaluate(point);
    for (std::size_t i = 0; i < d; ++i) point.p[i] += 0.5 * epsilon * point.g[i];
  }

  // No U-turn between two ends with velocities a, b and summed momentum r.
  bool persists(const double* sharp_a, const double* sharp_b, const double* r) const { return dot(sharp_a, r, d) > 0 && dot(sharp_b, r, d) > 0; }
  bool persists_with(const double* sharp_a, const double* sharp_b, const double* r, const double* extra) {
    for (std::size_t i = 0; i < d; ++i) sum[i] = r[i] + extra[i];
    return persists(sharp_a, sharp_b, sum);
  }

  // Builds 2^depth steps from `moving` on. Adds their momenta to rho, sets the momenta and velocities of the first and the last step, the
  // proposal, and the log of the summed weights. False: divergent or turned back; then only the counts are of use.
  bool build(int depth, PhiloxStream& random, double* rho_out, double* p_begin, double* p_end, double* sharp_begin, double* sharp_end,
             Point& proposed, double& proposed_energy, double& log_weight) {
    if (depth == 0) {
      leapfrog(moving, direction * step);
      ++leapfrogs;
      metric.velocity(moving.p, sharp_begin);
      double h = -moving.log_density + 0.5 * dot(moving.p, sharp_begin, d);
      if (std::isnan(h)) h = kInf;
      if (h - h0 > options.divergence_threshold) divergent = true;
      log_weight = log_add(log_weight, h0 - h);
      accept_sum += h0 - h > 0 ? 1 : std::exp(h0 - h);
      copy(moving, proposed);
      proposed_energy = h;
      copy(sharp_begin, sharp_end);
      copy(moving.p, p_begin);
      copy(moving.p, p_end);
      for (std::size_t i = 0; i < d; ++i) rho_out[i] += moving.p[i];
      return !divergent;
    }
    Level& level = levels[static_cast<std::size_t>(depth)];
    std::fill_n(level.rho_left, d, 0.0);
    double left_weight = -kInf;
    if (!build(depth - 1, random, level.rho_left, p_begin, level.p_left_end, sharp_begin, level.sharp_left_end, proposed, proposed_energy, left_weight))
      return false;
    std::fill_n(level.rho_right, d, 0.0);
    double right_weight = -kInf;
    if (!build(depth - 1, random, level.rho_right, level.p_right_begin, p_end, level.sharp_right_begin, sharp_end, level.proposal,
               level.proposal_energy, right_weight))
      return false;

    const double both = log_add(left_weight, right_weight);
    log_weight = log_add(log_weight, both);
    if (random.uniform() < std::exp(right_weight - both)) {
      copy(level.proposal, proposed);
      proposed_energy = level.proposal_energy;
    }
    const bool left = persists_with(sharp_begin, level.sharp_right_begin, level.rho_left, level.p_right_begin);
    const bool right = persists_with(level.sharp_left_end, sharp_end, level.rho_right, level.p_left_end);
    for (std::size_t i = 0; i < d; ++i) level.rho_left[i] += level.rho_right[i];
    for (std::size_t i = 0; i < d; ++i) rho_out[i] += level.rho_left[i];
    return persists(sharp_begin, sharp_end, level.rho_left) && left && right;
  }
};

Nuts::Nuts(LogDensity& density, Metric metric, NutsOptions options) : state_(std::make_unique<State>(density, std::move(metric), options)) {}
Nuts::~Nuts() = default;
Nuts::Nuts(Nuts&&) noexcept = default;
Nuts& Nuts::operator=(Nuts&&) noexcept = default;

bool Nuts::set_position(std::span<const double> q) {
  State& s = *state_;
  std::copy(q.begin(), q.end(), s.here.q);
  s.evaluate(s.here);
  return std::isfinite(s.here.log_density) && all_finite({s.here.g, s.d});
}

std::span<const double> Nuts::position() const { return {state_->here.q, state_->d}; }
double Nuts::log_density() const { return state_->here.log_density; }
double Nuts::step_size() const { return state_->step; }
void Nuts::set_step_size(double step_size) { state_->step = step_size; }
const Metric& Nuts::metric() const { return state_->metric; }
void Nuts::set_metric(std::vector<double> inverse_mass) { state_->metric.set(std::move(inverse_mass)); }
std::uint64_t Nuts::gradients() const { return state_->gradients; }

Transition Nuts::transition(PhiloxStream& random) {
  State& s = *state_;
  s.metric.draw_momentum(random, {s.here.p, s.d});
  s.copy(s.here, s.forward);
  s.copy(s.here, s.backward);
  s.metric.velocity(s.here.p, s.sharp_front);
  s.copy(s.sharp_front, s.sharp_front_inner);
  s.copy(s.sharp_front, s.sharp_back);
  s.copy(s.sharp_front, s.sharp_back_inner);
  for (double* p : {s.p_front, s.p_front_inner, s.p_back, s.p_back_inner, s.rho}) s.copy(s.here.p, p);
  s.h0 = -s.here.log_density + 0.5 * dot(s.here.p, s.sharp_front, s.d);
  s.accept_sum = 0;
  s.leapfrogs = 0;
  s.divergent = false;

  double energy = s.h0, log_weight = 0;
  int depth = 0;
  while (depth < s.options.max_depth) {
    std::fill_n(s.rho_forward, s.d, 0.0);
    std::fill_n(s.rho_backward, s.d, 0.0);
    double subtree_weight = -kInf;
    bool valid;
    // "front" is the forward end, "back" the backward one; "inner" names the ends that meet where old and new trees join.
    if (random.uniform() > 0.5) {
      s.direction = 1;
      s.copy(s.forward, s.moving);
      std::swap(s.rho, s.rho_backward);
      s.copy(s.p_front, s.p_back_inner);
      s.copy(s.sharp_front, s.sharp_back_inner);
      valid = s.build(depth, random, s.rho_forward, s.p_front_inner, s.p_front, s.sharp_front_inner, s.sharp_front, s.proposal, s.proposal_energy,
                      subtree_weight);
      s.copy(s.moving, s.forward);
    } else {
      s.direction = -1;
      s.copy(s.backward, s.moving);
      std::swap(s.rho, s.rho_forward);
      s.copy(s.p_back, s.p_front_inner);
      s.copy(s.sharp_back, s.sharp_front_inner);
      valid = s.build(depth, random, s.rho_backward, s.p_back_inner, s.p_back, s.sharp_back_inner, s.sharp_back, s.proposal, s.proposal_energy,
                      subtree_weight);
      s.copy(s.moving, s.backward);
    }
    if (!valid) break;
    ++depth;
    if (subtree_weight > log_weight || random.uniform() < std::exp(subtree_weight - log_weight)) {
      s.copy(s.proposal, s.here);
      energy = s.proposal_energy;
    }
    log_weight = log_add(log_weight, subtree_weight);

    const bool back = s.persists_with(s.sharp_back, s.sharp_front_inner, s.rho_backward, s.p_front_inner);
    const bool front = s.persists_with(s.sharp_back_inner, s.sharp_front, s.rho_forward, s.p_back_inner);
    for (std::size_t i = 0; i < s.d; ++i) s.rho[i] = s.rho_backward[i] + s.rho_forward[i];
    if (!(s.persists(s.sharp_back, s.sharp_front, s.rho) && back && front)) break;
  }
  return {s.leapfrogs > 0 ? s.accept_sum / s.leapfrogs : 0, depth, s.leapfrogs, s.divergent, energy};
}

void Nuts::find_step_size(PhiloxStream& random) {
  State& s = *state_;
  const double threshold = std::log(0.8);
  const auto change = [&] {
    s.copy(s.here, s.moving);
    s.metric.draw_momentum(random, {s.moving.p, s.d});
    const double before = s.energy(s.moving);
    s.leapfrog(s.moving, s.step);
    const double after = s.energy(s.moving);
    return before - (std::isnan(after) ? kInf : after);
  };
  const bool growing = change() > threshold;
  for (;;) {
    const double delta = change();
    if (growing ? !(delta > threshold) : !(delta < threshold)) return;
    s.step *= growing ? 2 : 0.5;
    if (s.step > 1e7) infeasible_error("the posterior is improper: the step size grew beyond 1e7; give every parameter a proper prior or data that bounds it");
    if (s.step == 0) infeasible_error("no acceptably small step size: the density is not continuous, or its gradient is wrong, near the initial point");
  }
}

void Nuts::leapfrog(std::vector<double>& q, std::vector<double>& p, double step) {
  State& s = *state_;
  std::copy(q.begin(), q.end(), s.moving.q);
  std::copy(p.begin(), p.end(), s.moving.p);
  s.evaluate(s.moving);
  s.leapfrog(s.moving, step);
  q.assign(s.moving.q, s.moving.q + s.d);
  p.assign(s.moving.p, s.moving.p + s.d);
}

double Nuts::hamiltonian(std::span<const double> q, std::span<const double> p) {
  State& s = *state_;
  std::copy(q.begin(), q.end(), s.moving.q);
  std::copy(p.begin(), p.end(), s.moving.p);
  s.evaluate(s.moving);
  return s.energy(s.moving);
}

}  // namespace tenfold::hmc_marg
