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

// A sum of weights exp(H0 - H), as scaled * exp(unit). The unit is 0 as long as nothing overflows, which is all but always, and
// sums then take no logarithm. Weights that underflow are of points that are never selected: the initial point weighs 1.
struct Weight {
  double scaled = 0, unit = 0;
};

constexpr double kLargestUnscaled = 600;

Weight operator+(Weight a, Weight b) {
  if (a.unit == b.unit) return {a.scaled + b.scaled, a.unit};
  if (a.unit < b.unit) std::swap(a, b);
  return {a.scaled + b.scaled * std::exp(b.unit - a.unit), a.unit};
}

// a / b > u.
bool ratio_exceeds(const Weight& a, const Weight& b, double u) {
  return a.unit == b.unit ? u * b.scaled < a.scaled : u * b.scaled < a.scaled * std::exp(a.unit - b.unit);
}

bool all_finite(std::span<const double> x) {
  return std::all_of(x.begin(), x.end(), [](double v) { return std::isfinite(v); });
}

// A point of phase space with its gradient: q, p, g are [d].
struct Point {
  double* q;
  double* p;
  double* g;
  double log_density;
};

// One of the trajectory's two ends. Momenta and velocities of its outermost step and, "inner", of the step where the trees that
// were joined last meet; rho: the sum of momenta of its half.
struct End {
  Point point;
  double *p, *p_inner, *sharp, *sharp_inner, *rho;
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
  random.normals(p);
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

// Everything a chain's transitions touch. Small dimensions are the common case after elimination: transition, build and leapfrog
// are compiled for D = 1 to 4, where the copies and dot products below become a few moves, and for any number (D = 0).
struct Nuts::State {
  LogDensity& density;
  Metric metric;
  NutsOptions options;
  std::size_t d;
  double step = 1;
  std::uint64_t gradients = 0;

  std::vector<double> memory;
  std::size_t used = 0;
  Point here{}, moving{}, proposal{}, start{};
  double proposal_energy = 0;
  double *velocity = nullptr, *sum = nullptr, *rho = nullptr;
  End ends[2] = {};  // backward, forward
  std::vector<Level> levels;

  // Of the transition under way.
  double h0 = 0, direction = 1, accept_sum = 0;
  int leapfrogs = 0;
  bool divergent = false, abandoned = false;
  const std::function<bool()>* stop = nullptr;

  State(LogDensity& f, Metric m, NutsOptions o)
      : density(f), metric(std::move(m)), options(o), d(static_cast<std::size_t>(f.dimension())) {
    memory.resize(d * (18 + 13 + 9 * static_cast<std::size_t>(options.max_depth + 1)));
    for (Point* point : {&here, &moving, &proposal, &start, &ends[0].point, &ends[1].point}) *point = take_point();
    for (double** v : {&velocity, &sum, &rho}) *v = take();
    for (End& end : ends)
      for (double** v : {&end.p, &end.p_inner, &end.sharp, &end.sharp_inner, &end.rho}) *v = take();
    levels.resize(static_cast<std::size_t>(options.max_depth + 1));
    for (Level& level : levels) {
      for (double** v : {&level.rho_left, &level.rho_right, &level.p_left_end, &level.p_right_begin, &level.sharp_left_end,
                         &level.sharp_right_begin})
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

  template <int D>
  std::size_t size() const {
    return D > 0 ? static_cast<std::size_t>(D) : d;
  }
  template <int D>
  void copy(const double* from, double* to) const {
    std::memcpy(to, from, size<D>() * sizeof(double));
  }
  template <int D>
  void copy(const Point& from, Point& to) const {
    std::memcpy(to.q, from.q, 3 * size<D>() * sizeof(double));  // q, p and g of a point lie side by side
    to.log_density = from.log_density;
  }
  // Replaces a proposal where yes. Which it will be cannot be guessed and is known late, after the density: where little is to be
  // copied it is copied in any case, from one of two places, so that the next steps go ahead meanwhile.
  template <int D>
  void select(bool yes, const Point& candidate, double candidate_energy, Point& chosen, double& energy) const {
    if (D == 0 && !yes) return;
    const Point& from = yes ? candidate : chosen;
    std::memmove(chosen.q, from.q, 3 * size<D>() * sizeof(double));
    chosen.log_density = from.log_density;
    energy = yes ? candidate_energy : energy;
  }
  template <int D>
  double dot(const double* a, const double* b) const {
    double s = 0;
    for (std::size_t i = 0; i < size<D>(); ++i) s += a[i] * b[i];
    return s;
  }
  template <int D>
  void set_velocity(const double* p, double* out) const {
    if (metric.kind() == MetricKind::dense) return metric.velocity(p, out);
    const double* w = metric.inverse_mass().data();  // ones for the unit metric
    for (std::size_t i = 0; i < size<D>(); ++i) out[i] = w[i] * p[i];
  }

  void evaluate(Point& point) {
    ++gradients;
    point.log_density = density.evaluate({point.q, d}, {point.g, d});
  }

  double energy(const Point& point) {
    set_velocity<0>(point.p, velocity);
    return -point.log_density + 0.5 * dot<0>(point.p, velocity);
  }

  template <int D>
  void leapfrog(Point& point, double epsilon) {
    for (std::size_t i = 0; i < size<D>(); ++i) point.p[i] += 0.5 * epsilon * point.g[i];
    set_velocity<D>(point.p, velocity);
    for (std::size_t i = 0; i < size<D>(); ++i) point.q[i] += epsilon * velocity[i];
    evaluate(point);
    for (std::size_t i = 0; i < size<D>(); ++i) point.p[i] += 0.5 * epsilon * point.g[i];
  }

  // No U-turn between two ends with velocities a, b and summed momentum r.
  template <int D>
  bool persists(const double* sharp_a, const double* sharp_b, const double* r) const {
    const bool at_a = dot<D>(sharp_a, r) > 0, at_b = dot<D>(sharp_b, r) > 0;
    return at_a & at_b;
  }
  template <int D>
  bool persists_with(const double* sharp_a, const double* sharp_b, const double* r, const double* extra) {
    for (std::size_t i = 0; i < size<D>(); ++i) sum[i] = r[i] + extra[i];
    return persists<D>(sharp_a, sharp_b, sum);
  }

  template <int D>
  bool build_leaf(double* rho_out, double* p_begin, double* p_end, double* sharp_begin, double* sharp_end, Point& proposed,
                  double& proposed_energy, Weight& weight);
  template <int D>
  bool build(int depth, PhiloxStream& random, double* rho_out, double* p_begin, double* p_end, double* sharp_begin,
             double* sharp_end, Point& proposed, double& proposed_energy, Weight& weight);
  template <int D>
  Transition transition(PhiloxStream& random);
};

// One leapfrog step: the smallest tree.
template <int D>
bool Nuts::State::build_leaf(double* rho_out, double* p_begin, double* p_end, double* sharp_begin, double* sharp_end,
                             Point& proposed, double& proposed_energy, Weight& weight) {
  leapfrog<D>(moving, direction * step);
  ++leapfrogs;
  set_velocity<D>(moving.p, sharp_begin);
  double h = -moving.log_density + 0.5 * dot<D>(moving.p, sharp_begin);
  if (std::isnan(h)) h = kInf;
  if (h - h0 > options.divergence_threshold) divergent = true;
  const double gain = h0 - h;
  weight = gain <= kLargestUnscaled ? Weight{std::exp(gain), 0} : Weight{1, gain};
  accept_sum += std::min(weight.scaled, 1.0);
  copy<D>(moving, proposed);
  proposed_energy = h;
  copy<D>(sharp_begin, sharp_end);
  copy<D>(moving.p, p_begin);
  copy<D>(moving.p, p_end);
  copy<D>(moving.p, rho_out);
  return !divergent;
}

// Builds 2^depth steps from `moving` on. Sets the sum of their momenta, the momenta and velocities of the first and the last
// step, the proposal, and the summed weight. False: divergent or turned back; then only the counts are of use.
template <int D>
bool Nuts::State::build(int depth, PhiloxStream& random, double* rho_out, double* p_begin, double* p_end, double* sharp_begin,
                        double* sharp_end, Point& proposed, double& proposed_energy, Weight& weight) {
  if (depth == 0) return build_leaf<D>(rho_out, p_begin, p_end, sharp_begin, sharp_end, proposed, proposed_energy, weight);
  // Seldom enough to cost nothing where a gradient takes nanoseconds, often enough where it takes milliseconds.
  if (depth == 3 && stop && (*stop)()) return !(abandoned = true);
  Level& level = levels[static_cast<std::size_t>(depth)];
  Weight left_weight, right_weight;
  if (!build<D>(depth - 1, random, level.rho_left, p_begin, level.p_left_end, sharp_begin, level.sharp_left_end, proposed,
                proposed_energy, left_weight))
    return false;
  if (!build<D>(depth - 1, random, level.rho_right, level.p_right_begin, p_end, level.sharp_right_begin, sharp_end,
                level.proposal, level.proposal_energy, right_weight))
    return false;

  weight = left_weight + right_weight;
  select<D>(ratio_exceeds(right_weight, weight, random.uniform()), level.proposal, level.proposal_energy, proposed,
            proposed_energy);
  const bool left = persists_with<D>(sharp_begin, level.sharp_right_begin, level.rho_left, level.p_right_begin);
  const bool right = persists_with<D>(level.sharp_left_end, sharp_end, level.rho_right, level.p_left_end);
  for (std::size_t i = 0; i < size<D>(); ++i) rho_out[i] = level.rho_left[i] + level.rho_right[i];
  return persists<D>(sharp_begin, sharp_end, rho_out) & left & right;
}

template <int D>
Transition Nuts::State::transition(PhiloxStream& random) {
  metric.draw_momentum(random, {here.p, d});
  set_velocity<D>(here.p, velocity);
  h0 = -here.log_density + 0.5 * dot<D>(here.p, velocity);
  for (End& end : ends) {
    copy<D>(here, end.point);
    copy<D>(here.p, end.p);
    copy<D>(velocity, end.sharp);
  }
  copy<D>(here.p, rho);
  accept_sum = 0;
  leapfrogs = 0;
  divergent = abandoned = false;
  if (stop) copy<D>(here, start);

  double selected_energy = h0;
  Weight weight{1, 0};  // of the trajectory so far
  int depth = 0;
  while (depth < options.max_depth) {
    Weight subtree_weight;
    const bool onward = random.uniform() > 0.5;
    End &end = ends[onward], &other = ends[!onward];
    direction = onward ? 1 : -1;
    // What there is becomes the other end's half, and the step that was outermost here its inner one.
    copy<D>(end.point, moving);
    std::swap(rho, other.rho);
    copy<D>(end.p, other.p_inner);
    copy<D>(end.sharp, other.sharp_inner);
    const bool valid = build<D>(depth, random, end.rho, end.p_inner, end.p, end.sharp_inner, end.sharp, proposal, proposal_energy,
                                subtree_weight);
    copy<D>(moving, end.point);
    if (!valid) break;
    ++depth;
    // The new half is preferred: taken with the ratio of its weight to the old one's, if that is below 1.
    select<D>(ratio_exceeds(subtree_weight, weight, random.uniform()), proposal, proposal_energy, here, selected_energy);
    weight = weight + subtree_weight;

    const bool old_half = persists_with<D>(other.sharp, end.sharp_inner, other.rho, end.p_inner);
    const bool new_half = persists_with<D>(other.sharp_inner, end.sharp, end.rho, other.p_inner);
    for (std::size_t i = 0; i < size<D>(); ++i) rho[i] = other.rho[i] + end.rho[i];
    if (!(persists<D>(other.sharp, end.sharp, rho) & old_half & new_half)) break;
  }
  if (abandoned) {
    copy<D>(start, here);
    gradients -= static_cast<std::uint64_t>(leapfrogs);
  }
  return {leapfrogs > 0 ? accept_sum / leapfrogs : 0, depth, leapfrogs, divergent, selected_energy, abandoned};
}

Nuts::Nuts(LogDensity& density, Metric metric, NutsOptions options)
    : state_(std::make_unique<State>(density, std::move(metric), options)) {}
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

Transition Nuts::transition(PhiloxStream& random, const std::function<bool()>& stop) {
  state_->stop = stop ? &stop : nullptr;
  switch (state_->d) {
    case 1: return state_->transition<1>(random);
    case 2: return state_->transition<2>(random);
    case 3: return state_->transition<3>(random);
    case 4: return state_->transition<4>(random);
    default: return state_->transition<0>(random);
  }
}

void Nuts::find_step_size(PhiloxStream& random) {
  State& s = *state_;
  const double threshold = std::log(0.8);
  const auto change = [&] {
    s.copy<0>(s.here, s.moving);
    s.metric.draw_momentum(random, {s.moving.p, s.d});
    const double before = s.energy(s.moving);
    s.leapfrog<0>(s.moving, s.step);
    const double after = s.energy(s.moving);
    return before - (std::isnan(after) ? kInf : after);
  };
  const bool growing = change() > threshold;
  for (;;) {
    const double delta = change();
    if (growing ? !(delta > threshold) : !(delta < threshold)) return;
    s.step *= growing ? 2 : 0.5;
    if (s.step > 1e7)
      infeasible_error(
          "the posterior is improper: the step size grew beyond 1e7; give every parameter a proper prior or data that bounds it");
    if (s.step == 0)
      infeasible_error(
          "no acceptably small step size: the density is not continuous, or its gradient is wrong, near the initial point");
  }
}

void Nuts::leapfrog(std::vector<double>& q, std::vector<double>& p, double step) {
  State& s = *state_;
  std::copy(q.begin(), q.end(), s.moving.q);
  std::copy(p.begin(), p.end(), s.moving.p);
  s.evaluate(s.moving);
  s.leapfrog<0>(s.moving, step);
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
