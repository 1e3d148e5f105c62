// The gradient engine: agreement with the reference, what lowering makes of loops and sums, domain failures, outputs.
#include <limits>
#include <random>

#include "engine_support.h"

using namespace tenfold::hmc_marg;

namespace {

// mu ~ normal(0, 5); tau = exp(q) ~ cauchy(0, 5); theta ~ normal(mu, tau); y ~ normal(theta, sigma); inputs mu, q, theta.
Target eight_schools() {
  Target t;
  const Slot mu = t.parameters(1), log_tau = t.parameters(1), theta = t.parameters(8);
  const Slot tau = lanes_of(t.graph, Op::exp, {List::at(log_tau)});
  t.factor(Density::normal, {List::at(mu), 0.0, 5.0});
  t.factor(Density::cauchy, {List::at(tau), 0.0, 5.0});
  t.factor(Density::normal, {List::range(theta, 8), List::at(mu), List::at(tau)}, 8);
  t.factor(Density::normal,
           {std::vector<double>{28, 8, -3, 7, -1, 1, 18, 12}, List::range(theta, 8),
            std::vector<double>{15, 10, 16, 11, 9, 11, 10, 18}},
           8);
  t.term(log_tau);
  return t;
}

}  // namespace

TEST_CASE("eight schools: the value that was worked out independently") {
  const Target t = eight_schools();
  // All unconstrained values 0.1, 0.2, ...: compare with the density written out.
  std::vector<double> q(10);
  for (std::size_t i = 0; i < 10; ++i) q[i] = 0.1 * static_cast<double>(i + 1);
  const double tau = std::exp(q[1]);
  const double y[] = {28, 8, -3, 7, -1, 1, 18, 12}, sigma[] = {15, 10, 16, 11, 9, 11, 10, 18};
  const auto normal = [](double x, double m, double s) {
    return -0.5 * (x - m) * (x - m) / (s * s) - std::log(s) - 0.5 * std::log(2 * M_PI);
  };
  double want = q[1] + normal(q[0], 0, 5) - std::log(M_PI * 5 * (1 + tau * tau / 25));
  for (int i = 0; i < 8; ++i)
    want += normal(q[static_cast<std::size_t>(i) + 2], q[0], tau) + normal(y[i], q[static_cast<std::size_t>(i) + 2], sigma[i]);
  Engine engine(lower(t.graph, t.spec));
  CHECK(engine.log_density(q) == doctest::Approx(want).epsilon(1e-14));
  check_agreement(t, q);
  // exp, four factors: nothing else is run.
  CHECK(size_of(*lower(t.graph, t.spec)).instructions == 5);
}

TEST_CASE("a loop of 1000 scalar normals becomes one instruction") {
  Target t;
  const Slot mu = t.parameters(1), sigma_q = t.parameters(1);
  const Slot sigma = lanes_of(t.graph, Op::exp, {List::at(sigma_q)});
  for (int i = 0; i < 1000; ++i) t.factor(Density::normal, {std::sin(i), List::at(mu), List::at(sigma)});
  CHECK(size_of(*lower(t.graph, t.spec)).instructions == 2);
  check_agreement(t, {0.3, -0.2}, 1e-11);
}

TEST_CASE("rows of a regression written as a scalar loop pack into a few instructions") {
  Target t;
  const Slot alpha = t.parameters(85), beta = t.parameters(1), sigma_q = t.parameters(1);
  const Slot sigma = lanes_of(t.graph, Op::exp, {List::at(sigma_q)});
  for (std::uint32_t i = 0; i < 919; ++i) {
    const Slot slope = lanes_of(t.graph, Op::mul, {List::at(beta), std::cos(i)});
    const Slot mean = lanes_of(t.graph, Op::add, {List::at(alpha + i * 7 % 85), List::at(slope)});
    t.factor(Density::normal, {std::sin(i), List::at(mean), List::at(sigma)});
  }
  CHECK(size_of(*lower(t.graph, t.spec)).instructions == 4);  // exp, mul, add, normal
  std::vector<double> q(87);
  for (std::size_t i = 0; i < q.size(); ++i) q[i] = std::sin(static_cast<double>(i));
  check_agreement(t, q, 1e-11);
}

TEST_CASE("an accumulator in a loop becomes one sum") {
  Target t;
  const Slot x = t.parameters(500);
  Slot sum = x;
  for (std::uint32_t i = 1; i < 500; ++i) {
    sum = lanes_of(t.graph, i % 3 == 0 ? Op::sub : Op::add, {List::at(sum), List::at(x + i)});
  }
  t.term(lanes_of(t.graph, Op::square, {List::at(sum)}), -0.5);
  CHECK(size_of(*lower(t.graph, t.spec)).instructions == 2);
  std::vector<double> q(500);
  for (std::size_t i = 0; i < 500; ++i) q[i] = 0.01 * static_cast<double>(i);
  check_agreement(t, q);
}

TEST_CASE("chains of sums that somebody else reads are not taken apart") {
  Target t;
  const Slot x = t.parameters(3);
  const Slot inner = lanes_of(t.graph, Op::add, {List::at(x), List::at(x + 1)});
  const Slot outer = lanes_of(t.graph, Op::neg, {List::at(lanes_of(t.graph, Op::sub, {List::at(x + 2), List::at(inner)}))});
  t.term(lanes_of(t.graph, Op::mul, {List::at(inner), List::at(outer)}));
  check_agreement(t, {0.7, -1.1, 0.4});
}

TEST_CASE("n-ary sums over many lanes, with signs, broadcasts and constants") {
  Target t;
  const Slot a = t.parameters(5), b = t.parameters(1), c = t.parameters(20);
  for (std::uint32_t i = 0; i < 20; ++i) {
    const Slot s1 = lanes_of(t.graph, Op::sub, {List::at(a + i % 5), List::at(b)});
    const Slot s2 = lanes_of(t.graph, Op::add, {List::at(s1), 0.1 * i});
    const Slot s3 = lanes_of(t.graph, Op::sub, {List::at(s2), List::at(lanes_of(t.graph, Op::neg, {List::at(c + i)}))});
    t.factor(Density::normal, {List::at(s3), 0.5, 2.0});
  }
  CHECK(size_of(*lower(t.graph, t.spec)).instructions == 3);  // a - b is shared by four rows; two sums; normal
  std::vector<double> q(26);
  for (std::size_t i = 0; i < q.size(); ++i) q[i] = std::cos(static_cast<double>(i));
  check_agreement(t, q);
}

TEST_CASE("a known matrix times a vector is one instruction") {
  for (const std::uint32_t rows : {2u, 8u, 19u}) {
    for (const std::uint32_t columns : {1u, 3u, 40u}) {
      Target t;
      const Slot beta = t.parameters(columns);
      std::vector<double> x;
      std::vector<Slot> repeated;
      std::vector<std::uint32_t> offsets = {0};
      for (std::uint32_t r = 0; r < rows; ++r) {
        for (std::uint32_t k = 0; k < columns; ++k) {
          x.push_back(std::sin(r * 31.0 + k));
          repeated.push_back(beta + k);
        }
        offsets.push_back(offsets.back() + columns);
      }
      const List matrix(x), vector = List::of(repeated);
      const Slot product = t.graph.segmented(Op::dot, views({matrix, vector}), offsets);
      t.factor(Density::normal, {0.3, List::range(product, rows), 1.0}, rows);
      CHECK(size_of(*lower(t.graph, t.spec)).instructions == 2);
      std::vector<double> q(columns);
      for (std::size_t i = 0; i < columns; ++i) q[i] = std::cos(static_cast<double>(i));
      check_agreement(t, q);
    }
  }
}

TEST_CASE("what the target does not need is not computed, and outputs are") {
  Target t;
  const Slot x = t.parameters(2);
  const Slot wanted = lanes_of(t.graph, Op::square, {List::at(x + 1)});
  lanes_of(t.graph, Op::exp, {List::at(x)});  // nobody asks for it
  t.factor(Density::normal, {List::at(x), 1.0, 2.0});
  t.spec.outputs = {wanted, x, t.graph.constant(4.5)};
  CHECK(size_of(*lower(t.graph, t.spec)).instructions == 1);
  Engine engine(lower(t.graph, t.spec));
  const std::vector<double> q = {0.5, 3};
  std::vector<double> out(3), gradient(2);
  engine.outputs(q, out);
  CHECK(out == std::vector<double>{9, 0.5, 4.5});
  engine.log_density(q, gradient);
  CHECK(gradient == std::vector<double>{0.125, 0});
}

TEST_CASE("a domain failure is -infinity with a zero gradient, and the next gradient is right again") {
  Target t;
  const Slot x = t.parameters(2);
  t.factor(Density::normal, {0.0, List::at(x), List::at(x + 1)});
  t.factor(Density::normal, {List::at(x), 0.0, 1.0});
  check_agreement(t, {0.4, 1.5});
  Engine engine(lower(t.graph, t.spec));
  std::vector<double> gradient(2), before(2);
  const std::vector<double> good = {0.4, 1.5};
  engine.log_density(good, before);
  CHECK(engine.finite());
  for (const double bad : {0.0, -1.0, std::nan(""), std::numeric_limits<double>::infinity()}) {
    CAPTURE(bad);
    const std::vector<double> q = {0.4, bad};
    CHECK(engine.log_density(q, gradient) == -std::numeric_limits<double>::infinity());
    CHECK(!engine.finite());
    CHECK(gradient == std::vector<double>{0, 0});
    engine.log_density(good, gradient);
    CHECK(gradient == before);
  }
}

TEST_CASE("declared bounds of transformed parameters cut the density off") {
  Target t;
  const Slot x = t.parameters(1);
  t.factor(Density::normal, {List::at(x), 0.0, 1.0});
  t.spec.nonnegative = {lanes_of(t.graph, Op::sub, {List::at(x), 0.5})};
  check_agreement(t, {0.7});
  check_agreement(t, {0.3});
  Engine engine(lower(t.graph, t.spec));
  const std::vector<double> q = {0.3};
  CHECK(engine.log_density(q) == -std::numeric_limits<double>::infinity());
}

TEST_CASE("a density that enters the target twice, or is read besides, counts as often as it should") {
  Target t;
  const Slot x = t.parameters(1);
  t.factor(Density::normal, {List::at(x), 1.0, 2.0});
  t.factor(Density::normal, {List::at(x), 1.0, 2.0});
  const Slot other = density_of(t.graph, Density::normal, {List::at(x), -1.0, 0.5});
  t.spec.densities.push_back({t.graph.node_of(other), {}});
  t.term(lanes_of(t.graph, Op::exp, {List::at(other)}));
  t.term(other, 0.25);
  check_agreement(t, {0.3});
}

TEST_CASE("single lanes of a density node can enter the target") {
  Target t;
  const Slot x = t.parameters(4);
  const Slot node = density_of(t.graph, Density::cauchy, {List::range(x, 4), 0.0, 1.0}, 4);
  t.spec.densities.push_back({t.graph.node_of(node), {1, 3}});
  check_agreement(t, {0.5, 1.5, -0.5, 2.0});
  Engine engine(lower(t.graph, t.spec));
  std::vector<double> gradient(4);
  const std::vector<double> q = {0.5, 1.5, -0.5, 2.0};
  engine.log_density(q, gradient);
  CHECK(gradient[0] == 0);
  CHECK(gradient[3] == doctest::Approx(-2 * 2.0 / 5.0));
}

TEST_CASE("inputs may be computed slots: nothing behind them is evaluated") {
  Target t;
  const Slot x = t.graph.parameters(2);
  const Slot e = lanes_of(t.graph, Op::exp, {List::range(x, 2)}, 2);
  t.spec.inputs = {e + 1, e};
  const Slot s = lanes_of(t.graph, Op::mul, {List::at(e), List::at(e + 1)});
  t.term(s);
  t.spec.outputs = {s};
  check_agreement(t, {2, 5});
  Engine engine(lower(t.graph, t.spec));
  const std::vector<double> q = {2, 5};
  std::vector<double> gradient(2);
  CHECK(engine.log_density(q, gradient) == 10);
  CHECK(gradient == std::vector<double>{5, 2});
}

namespace {

// sum_i weight_i x_i^2
class Quadratic : public CustomFactor {
 public:
  explicit Quadratic(std::vector<Slot> slots) : slots_(std::move(slots)) {}
  std::vector<Slot> inputs() const override { return slots_; }
  std::shared_ptr<const CustomFactor> bound(std::span<const std::uint32_t> places) const override {
    auto copy = std::make_shared<Quadratic>(*this);
    copy->places_.assign(places.begin(), places.end());
    return copy;
  }
  std::size_t workspace_size() const override { return slots_.size(); }
  double evaluate(const double* values, double* adjoints, double* workspace) const override {
    double sum = 0;
    for (std::size_t i = 0; i < places_.size(); ++i) {
      workspace[i] = -0.5 * static_cast<double>(i + 1);
      sum += workspace[i] * values[places_[i]] * values[places_[i]];
      if (adjoints != nullptr) adjoints[places_[i]] += 2 * workspace[i] * values[places_[i]];
    }
    return sum;
  }

 private:
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> places_;
};

}  // namespace

TEST_CASE("custom factors read computed, given and known slots") {
  Target t;
  const Slot x = t.parameters(2);
  const Slot e = lanes_of(t.graph, Op::exp, {List::at(x)});
  const Slot known = t.graph.constant(3);
  t.spec.factors = {std::make_shared<Quadratic>(std::vector<Slot>{e, x + 1, known})};
  Engine engine(lower(t.graph, t.spec));
  const std::vector<double> q = {0, 2};
  std::vector<double> gradient(2);
  for (int turn = 0; turn < 3; ++turn) {
    CHECK(engine.log_density(q, gradient) == -0.5 - 4 - 13.5);
    CHECK(gradient == std::vector<double>{-1, -4});
  }
}

TEST_CASE("lowering one target twice leaves both engines right") {
  Target t;
  const Slot x = t.parameters(2);
  const Slot e = lanes_of(t.graph, Op::exp, {List::at(x)});
  t.spec.factors = {std::make_shared<Quadratic>(std::vector<Slot>{e, x + 1})};
  Engine first(lower(t.graph, t.spec));
  t.factor(Density::normal, {List::at(lanes_of(t.graph, Op::log1p, {List::at(e)})), 0.0, 1.0});
  TargetSpec other = t.spec;  // the same factor at other places
  other.inputs = {x + 1, x};
  Engine second(lower(t.graph, other));
  const std::vector<double> q = {0, 2}, swapped = {2, 0};
  std::vector<double> gradient(2);
  CHECK(first.log_density(q, gradient) == -0.5 - 4);
  CHECK(gradient == std::vector<double>{-1, -4});
  second.log_density(swapped, gradient);
  CHECK(gradient[0] == -4);
  first.log_density(q, gradient);
  CHECK(gradient == std::vector<double>{-1, -4});
}
