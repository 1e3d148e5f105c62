// The No-U-Turn sampler as Stan has it: multinomial selection, generalised criterion with the two extra checks at every merge.
// Hoffman and Gelman (JMLR 2014); Betancourt, "A Conceptual Introduction to Hamiltonian Monte Carlo" (arXiv 1701.02434), appendix
// A.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

namespace tenfold {
class PhiloxStream;
}

namespace tenfold::hmc_marg {

// The density that is sampled.
class LogDensity {
 public:
  virtual ~LogDensity() = default;
  virtual int dimension() const = 0;
  // Log density at q [dimension] and its gradient [dimension]; -infinity outside the support. Not thread safe.
  virtual double evaluate(std::span<const double> q, std::span<double> gradient) = 0;
};

// W, the inverse mass: an estimate of the posterior's covariance. Kinetic energy is p'Wp/2, momenta are N(0, W^-1).
enum class MetricKind : std::uint8_t { unit, diag, dense };

class Metric {
 public:
  Metric() = default;
  Metric(MetricKind kind, int dimension);  // the identity
  // diag: [d]; dense: [d, d] column-major, symmetric. Throws Error(input) where it is not positive definite or not finite.
  void set(std::vector<double> inverse_mass);

  MetricKind kind() const { return kind_; }
  int dimension() const { return dimension_; }
  const std::vector<double>& inverse_mass() const { return inverse_mass_; }
  void draw_momentum(PhiloxStream& random, std::span<double> p) const;
  void velocity(const double* p, double* out) const;  // W p

 private:
  MetricKind kind_ = MetricKind::unit;
  int dimension_ = 0;
  std::vector<double> inverse_mass_;  // unit: ones
  std::vector<double> momentum_scale_;  // unit, diag: 1/sqrt(W); dense: Cholesky factor of W [d, d] column-major
};

// What one transition did; the sampler's columns of the CSV.
struct Transition {
  double accept_stat = 0;
  int depth = 0;
  int leapfrogs = 0;
  bool divergent = false;
  double energy = 0;  // H of the selected point with its own momentum
  bool abandoned = false;  // stopped midway; the chain stands where it stood, nothing else here is of use
};

struct NutsOptions {
  int max_depth = 10;
  double divergence_threshold = 1000;  // H - H0 above it ends the trajectory
};

// One chain's sampler: where it stands, its metric and step size. Allocates in the constructor only.
class Nuts {
 public:
  Nuts(LogDensity& density, Metric metric, NutsOptions options = {});
  ~Nuts();
  Nuts(Nuts&&) noexcept;
  Nuts& operator=(Nuts&&) noexcept;

  // Moves to q; false where density or gradient is not finite.
  bool set_position(std::span<const double> q);
  std::span<const double> position() const;
  double log_density() const;

  double step_size() const;
  void set_step_size(double step_size);
  const Metric& metric() const;
  void set_metric(std::vector<double> inverse_mass);

  // stop: asked every eight steps of a trajectory; once true, the transition is given up and leaves no trace (gradients()
  // included), so that doing it again with the same stream gives what it would have given.
  Transition transition(PhiloxStream& random, const std::function<bool()>& stop = {});

  // Doubles or halves the step size until the acceptance of one step from here crosses 0.8, a new momentum each try.
  // Throws Error(infeasible): "improper" above 1e7, no acceptable step at 0.
  void find_step_size(PhiloxStream& random);

  std::uint64_t gradients() const;  // evaluations so far

  // One leapfrog step of size step from (q, p), in place; for tests of reversibility and energy error.
  void leapfrog(std::vector<double>& q, std::vector<double>& p, double step);
  double hamiltonian(std::span<const double> q, std::span<const double> p);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tenfold::hmc_marg
