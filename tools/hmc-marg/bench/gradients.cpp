// Gradients against the same density written by hand.
#include <cmath>
#include <deque>
#include <numbers>

#include "base/error.h"
#include "hmc-marg/op_program.h"
#include "rows.h"

namespace tenfold::hmc_marg::bench {

namespace {

constexpr double kY[8] = {28, 8, -3, 7, -1, 1, 18, 12};
constexpr double kSigma[8] = {15, 10, 16, 11, 9, 11, 10, 18};
const double kHalfLogTwoPi = 0.5 * std::log(2 * std::numbers::pi);

// q = mu, log tau, theta[8]: mu ~ normal(0, 5), tau ~ cauchy(0, 5), theta ~ normal(mu, tau), y ~ normal(theta, sigma).
// As one would write it who wants it fast: everything known is worked out beforehand, and only exp and log1p are left.
class EightSchoolsByHand {
 public:
  EightSchoolsByHand() {
    constant_ = -std::log(5.0) - kHalfLogTwoPi - std::log(5 * std::numbers::pi) - 8 * kHalfLogTwoPi;
    for (int i = 0; i < 8; ++i) {
      inverse_sigma_[i] = 1 / kSigma[i];
      constant_ -= std::log(kSigma[i]) + kHalfLogTwoPi;
    }
  }
  __attribute__((noinline)) double log_density(const double* q, double* gradient) const {
    const double mu = q[0], tau = std::exp(q[1]), inverse = 1 / tau, t = tau / 5;
    double squares = 0, errors = 0, d_mu = 0;
    for (int i = 0; i < 8; ++i) {
      const double z = (q[2 + i] - mu) * inverse;
      const double e = (kY[i] - q[2 + i]) * inverse_sigma_[i];
      squares += z * z;
      errors += e * e;
      d_mu += z;
      gradient[2 + i] = e * inverse_sigma_[i] - z * inverse;
    }
    gradient[0] = d_mu * inverse - mu / 25;
    // log tau is q[1].
    gradient[1] = 1 + squares - 8 - 2 * t * t / (1 + t * t);
    return constant_ + q[1] - 0.02 * mu * mu - std::log1p(t * t) - 8 * q[1] - 0.5 * (squares + errors);
  }

 private:
  double inverse_sigma_[8];
  double constant_;
};

Scalars known(const std::vector<double>& numbers) { return {numbers, {}}; }

struct Operands {
  std::vector<double> zeros = std::vector<double>(20000, 0.0);
  std::deque<std::vector<Slot>> lists;
  Scalars range(Slot first, std::uint32_t n) {
    std::vector<Slot> list;
    for (std::uint32_t i = 0; i < n; ++i) list.push_back(first + i);
    return of(std::move(list));
  }
  Scalars of(std::vector<Slot> list) {
    lists.push_back(std::move(list));
    return {std::span<const double>(zeros).first(lists.back().size()), lists.back()};
  }
};

struct Problem {
  Graph graph;
  TargetSpec spec;
  void factor(Density family, std::initializer_list<Scalars> operands, std::uint32_t lanes) {
    const std::vector<Scalars> list(operands);
    spec.densities.push_back({graph.node_of(graph.density(family, list, lanes)), {}});
  }
  Slot parameters(std::uint32_t n) {
    const Slot first = graph.parameters(n);
    for (std::uint32_t i = 0; i < n; ++i) spec.inputs.push_back(first + i);
    return first;
  }
  Slot lanes(Op op, std::initializer_list<Scalars> operands, std::uint32_t n) {
    const std::vector<Scalars> list(operands);
    return graph.lane_wise(op, list, n);
  }
};

Problem eight_schools() {
  Problem p;
  Operands o;
  const Slot mu = p.parameters(1), log_tau = p.parameters(1), theta = p.parameters(8);
  const Slot tau = p.lanes(Op::exp, {o.range(log_tau, 1)}, 1);
  const std::vector<double> zero = {0}, five = {5}, y(kY, kY + 8), sigma(kSigma, kSigma + 8);
  p.factor(Density::normal, {o.range(mu, 1), known(zero), known(five)}, 1);
  p.factor(Density::cauchy, {o.range(tau, 1), known(zero), known(five)}, 1);
  p.factor(Density::normal, {o.range(theta, 8), o.range(mu, 1), o.range(tau, 1)}, 8);
  p.factor(Density::normal, {known(y), o.range(theta, 8), known(sigma)}, 8);
  p.spec.terms.push_back({log_tau, 1, 0});
  return p;
}

// N rows of y ~ normal(alpha[group] + beta * x, sigma), built row by row as a scalar loop would be.
struct Regression {
  static constexpr std::uint32_t kRows = 12573, kGroups = 386;
  std::vector<double> x, y;
  std::vector<std::uint32_t> group;
  Regression() {
    for (std::uint32_t i = 0; i < kRows; ++i) {
      x.push_back(std::sin(i * 0.7));
      y.push_back(std::cos(i * 1.3));
      group.push_back((i * 131) % kGroups);
    }
  }
  Problem problem() const {
    Problem p;
    const Slot alpha = p.parameters(kGroups), beta = p.parameters(1), log_sigma = p.parameters(1);
    const double zero = 0;
    const auto one = [&](const Slot& slot) { return Scalars{{&zero, 1}, {&slot, 1}}; };
    const Slot sigma = p.lanes(Op::exp, {one(log_sigma)}, 1);
    for (std::uint32_t i = 0; i < kRows; ++i) {
      const Slot slope = p.lanes(Op::mul, {one(beta), Scalars{{&x[i], 1}, {}}}, 1);
      const Slot intercept = alpha + group[i];
      const Slot mean = p.lanes(Op::add, {one(intercept), one(slope)}, 1);
      p.factor(Density::normal, {Scalars{{&y[i], 1}, {}}, one(mean), one(sigma)}, 1);
    }
    return p;
  }
  __attribute__((noinline)) double by_hand(const double* q, double* gradient) const {
    const double beta = q[kGroups], sigma = std::exp(q[kGroups + 1]), inverse = 1 / sigma;
    for (std::uint32_t g = 0; g < kGroups + 2; ++g) gradient[g] = 0;
    double squares = 0, d_beta = 0;
    for (std::uint32_t i = 0; i < kRows; ++i) {
      const double z = (y[i] - q[group[i]] - beta * x[i]) * inverse;
      squares += z * z;
      gradient[group[i]] += z * inverse;
      d_beta += z * inverse * x[i];
    }
    gradient[kGroups] = d_beta;
    gradient[kGroups + 1] = squares - kRows;
    return -0.5 * squares - kRows * (std::log(sigma) + kHalfLogTwoPi);
  }
};

}  // namespace

Row eight_schools_gradient() {
  const Problem p = eight_schools();
  const EightSchoolsByHand hand;
  const auto program = lower(p.graph, p.spec);
  Engine engine(program);
  // Points around the mode, another one a call.
  std::vector<std::vector<double>> points;
  for (int i = 0; i < 64; ++i) {
    std::vector<double> q;
    for (int k = 0; k < 10; ++k) q.push_back(std::sin(i * 10 + k) + (k < 2 ? 1 : 4));
    points.push_back(q);
  }
  std::vector<double> gradient(10), other(10);
  for (const auto& q : points) {
    const double ours = engine.log_density(q, gradient), by_hand = hand.log_density(q.data(), other.data());
    if (!(std::abs(ours - by_hand) < 1e-10) || !(std::abs(gradient[1] - other[1]) < 1e-10)) {
      machine_error("eight_schools_gradient: engine and hand-written density disagree");
    }
  }
  double sink = 0;
  Row row = compare(
      "eight_schools_gradient",
      [&](int calls) {
        for (int i = 0; i < calls; ++i) sink += engine.log_density(points[static_cast<std::size_t>(i) & 63], gradient);
      },
      [&](int calls) {
        for (int i = 0; i < calls; ++i)
          sink += hand.log_density(points[static_cast<std::size_t>(i) & 63].data(), gradient.data());
      },
      "by hand in C++", 20000, 41);
  if (sink == 0.123) row.name += " ";  // keeps the calls
  row.limit_share = static_cast<double>(size_of(*program).logs) * vector_log_ns() / row.ours;
  return row;
}

Row regression_gradient() {
  const Regression regression;
  const Problem p = regression.problem();
  const auto program = lower(p.graph, p.spec);
  Engine engine(program);
  std::vector<double> q(Regression::kGroups + 2, 0.1), gradient(q.size());
  double sink = 0;
  Row row = compare(
      "regression_gradient",
      [&](int calls) {
        for (int i = 0; i < calls; ++i) sink += engine.log_density(q, gradient);
      },
      [&](int calls) {
        for (int i = 0; i < calls; ++i) sink += regression.by_hand(q.data(), gradient.data());
      },
      "by hand in C++", 200, 31);
  if (sink == 0.123) row.name += " ";
  return row;
}

Row lowering_time() {
  const Regression regression;
  const Problem p = regression.problem();
  std::size_t sink = 0;
  const std::function<void(int)> run[] = {[&](int calls) {
    for (int i = 0; i < calls; ++i) sink += size_of(*lower(p.graph, p.spec)).instructions;
  }};
  Row row;
  row.name = "lowering_time";
  row.unit = "ns";
  row.ours = median(time_interleaved(run, 1, 15)[0]);
  return row;
}

}  // namespace tenfold::hmc_marg::bench
