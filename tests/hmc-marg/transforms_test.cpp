// Constraining transforms: the log Jacobian against the determinant of differences, and the way back.
#include <doctest/doctest.h>

#include <Eigen/Dense>
#include <cmath>

#include "base/philox.h"
#include "hmc-marg/op_program.h"
#include "hmc-marg/transforms.h"

using namespace tenfold;
using namespace tenfold::hmc_marg;

namespace {

Value numbers(std::vector<double> x, Type type = {Base::vector, 0}) {
  Value value;
  value.type = type;
  if (type.rank()) value.dims = {static_cast<int>(x.size())};
  value.number = std::move(x);
  return value;
}

struct Transform {
  Graph graph;
  Parameter parameter;

  Transform(ConstraintKind constraint, Type type, std::vector<int> dims, Value lower = {}, Value upper = {}, Value offset = {},
            Value multiplier = {}) {
    parameter.name = "x";
    parameter.type = type;
    parameter.dims = std::move(dims);
    parameter.constraint = constraint;
    parameter.lower = std::move(lower);
    parameter.upper = std::move(upper);
    parameter.offset = std::move(offset);
    parameter.multiplier = std::move(multiplier);
    constrain(graph, parameter, 0);
  }
  double at(Slot slot, const std::vector<double>& q) const {
    TargetSpec spec;
    for (std::uint32_t i = 0; i < parameter.free_size; ++i) spec.inputs.push_back(parameter.free_first + i);
    spec.terms = {{slot, 1, 0}};
    return reference_log_density(graph, spec, q, {});
  }
  std::vector<double> value(const std::vector<double>& q) const {
    std::vector<double> x = parameter.value.number;
    for (std::size_t i = 0; i < parameter.value.slot.size(); ++i) {
      if (parameter.value.slot[i]) x[i] = at(parameter.value.slot[i], q);
    }
    return x;
  }
  double log_jacobian(const std::vector<double>& q) const {
    double sum = 0;
    for (const Slot slot : parameter.log_jacobian) sum += at(slot, q);
    return sum;
  }
  std::vector<double> random_point(std::uint32_t which) const {
    PhiloxStream random(7, "transforms", which);
    std::vector<double> q(parameter.free_size);
    for (double& x : q) x = 3 * random.uniform() - 1.5;
    return q;
  }
  // log |det dx/dq| over the constrained scalars in `free_places`, by central differences.
  double difference_jacobian(const std::vector<double>& q, const std::vector<std::size_t>& free_places) const {
    const auto n = static_cast<Eigen::Index>(q.size());
    Eigen::MatrixXd jacobian(n, n);
    for (Eigen::Index j = 0; j < n; ++j) {
      // Richardson's combination of two steps: an error of order h^4.
      const auto slope = [&](double h, std::size_t place) {
        auto up = q, down = q;
        up[static_cast<std::size_t>(j)] += h;
        down[static_cast<std::size_t>(j)] -= h;
        return (value(up)[place] - value(down)[place]) / (2 * h);
      };
      for (Eigen::Index i = 0; i < n; ++i) {
        const std::size_t place = free_places[static_cast<std::size_t>(i)];
        jacobian(i, j) = (4 * slope(1e-3, place) - slope(2e-3, place)) / 3;
      }
    }
    return std::log(std::abs(jacobian.determinant()));
  }
};

std::vector<std::size_t> first_places(std::size_t n) {
  std::vector<std::size_t> places(n);
  for (std::size_t i = 0; i < n; ++i) places[i] = i;
  return places;
}
// Column-major places of a matrix's lower triangle, with or without its diagonal.
std::vector<std::size_t> lower_places(std::size_t rows, std::size_t columns, bool diagonal) {
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t j = 0; j < columns && (diagonal ? j <= i : j < i); ++j) places.push_back(i + j * rows);
  }
  return places;
}

void check_jacobian(const Transform& transform, const std::vector<std::size_t>& places) {
  REQUIRE(places.size() == transform.parameter.free_size);
  for (std::uint32_t k = 0; k < 5; ++k) {
    const std::vector<double> q = transform.random_point(k);
    CHECK(transform.log_jacobian(q) == doctest::Approx(transform.difference_jacobian(q, places)).epsilon(1e-8));
  }
}
void check_round_trip(const Transform& transform) {
  const Parameter& p = transform.parameter;
  for (std::uint32_t k = 0; k < 5; ++k) {
    const std::vector<double> q = transform.random_point(k);
    const std::vector<double> x = transform.value(q);
    CHECK_FALSE(constraint_fault(p.constraint, x, p.dims).has_value());
    std::vector<double> back(q.size());
    free_element(p.constraint, x, p.dims, back);
    for (std::size_t i = 0; i < q.size(); ++i) CHECK(back[i] == doctest::Approx(q[i]).epsilon(1e-10));
  }
}

}  // namespace

TEST_CASE("log Jacobians equal the determinant of differences") {
  SUBCASE("lower") {
    check_jacobian({ConstraintKind::bounded, {Base::vector, 0}, {3}, numbers({-2}, {Base::real, 0})}, first_places(3));
  }
  SUBCASE("upper") { check_jacobian({ConstraintKind::bounded, {Base::vector, 0}, {2}, {}, numbers({-2, 5})}, first_places(2)); }
  SUBCASE("both") {
    check_jacobian({ConstraintKind::bounded, {Base::vector, 0}, {3}, numbers({-2, 0, 1}), numbers({5}, {Base::real, 0})},
                   first_places(3));
  }
  SUBCASE("mixed infinite") {
    check_jacobian({ConstraintKind::bounded,
                    {Base::vector, 0},
                    {4},
                    numbers({-INFINITY, 0, 1, -INFINITY}),
                    numbers({5, INFINITY, 3, INFINITY})},
                   first_places(4));
  }
  SUBCASE("affine") {
    check_jacobian({ConstraintKind::affine, {Base::vector, 0}, {3}, {}, {}, numbers({1, 2, 3}), numbers({2.5}, {Base::real, 0})},
                   first_places(3));
    check_jacobian({ConstraintKind::affine, {Base::vector, 0}, {2}, {}, {}, {}, numbers({0.5, 4})}, first_places(2));
  }
  SUBCASE("ordered") { check_jacobian({ConstraintKind::ordered, {Base::vector, 0}, {4}}, first_places(4)); }
  SUBCASE("positive ordered") { check_jacobian({ConstraintKind::positive_ordered, {Base::vector, 0}, {4}}, first_places(4)); }
  SUBCASE("factor of a correlation matrix") {
    check_jacobian({ConstraintKind::cholesky_factor_corr, {Base::matrix, 0}, {4, 4}}, lower_places(4, 4, false));
  }
  SUBCASE("correlation matrix") {
    check_jacobian({ConstraintKind::corr_matrix, {Base::matrix, 0}, {4, 4}}, lower_places(4, 4, false));
  }
  SUBCASE("factor of a covariance matrix, square and tall") {
    check_jacobian({ConstraintKind::cholesky_factor_cov, {Base::matrix, 0}, {3, 3}}, lower_places(3, 3, true));
    check_jacobian({ConstraintKind::cholesky_factor_cov, {Base::matrix, 0}, {4, 2}}, lower_places(4, 2, true));
  }
  SUBCASE("covariance matrix") {
    check_jacobian({ConstraintKind::cov_matrix, {Base::matrix, 0}, {3, 3}}, lower_places(3, 3, true));
  }
}

TEST_CASE("a simplex sums to 1, and its density is that of the orthonormal coordinates of its logarithms") {
  const Transform simplex(ConstraintKind::simplex, {Base::vector, 0}, {4});
  REQUIRE(simplex.parameter.free_size == 3);
  for (std::uint32_t k = 0; k < 5; ++k) {
    const std::vector<double> q = simplex.random_point(k);
    const std::vector<double> x = simplex.value(q);
    double sum = 0;
    for (const double value : x) sum += value;
    CHECK(sum == doctest::Approx(1).epsilon(1e-14));
    // The first K - 1 coordinates are a chart of the simplex; with them the determinant is the Jacobian of Stan, sum log x +
    // log(K)/2.
    CHECK(simplex.log_jacobian(q) == doctest::Approx(simplex.difference_jacobian(q, first_places(3))).epsilon(1e-8));
  }
}

TEST_CASE("unconstrained values survive the way there and back") {
  check_round_trip({ConstraintKind::simplex, {Base::vector, 0}, {5}});
  check_round_trip({ConstraintKind::simplex, {Base::vector, 0}, {1}});
  check_round_trip({ConstraintKind::ordered, {Base::vector, 0}, {4}});
  check_round_trip({ConstraintKind::positive_ordered, {Base::vector, 0}, {3}});
  check_round_trip({ConstraintKind::cholesky_factor_corr, {Base::matrix, 0}, {4, 4}});
  check_round_trip({ConstraintKind::corr_matrix, {Base::matrix, 0}, {4, 4}});
  check_round_trip({ConstraintKind::cholesky_factor_cov, {Base::matrix, 0}, {4, 2}});
  check_round_trip({ConstraintKind::cov_matrix, {Base::matrix, 0}, {3, 3}});
  for (const double q : {-3.0, 0.0, 2.0}) {
    CHECK(free_bounded(2 + std::exp(q), 2, INFINITY) == doctest::Approx(q));
    CHECK(free_bounded(2 - std::exp(q), -INFINITY, 2) == doctest::Approx(q));
    CHECK(free_bounded(1 + 4 / (1 + std::exp(-q)), 1, 5) == doctest::Approx(q));
    CHECK(free_bounded(q, -INFINITY, INFINITY) == q);
  }
}

TEST_CASE("two-sided bounds keep their Jacobian finite far out") {
  const Transform both(ConstraintKind::bounded, {Base::real, 0}, {}, numbers({0}, {Base::real, 0}),
                       numbers({1}, {Base::real, 0}));
  CHECK(both.log_jacobian({700}) == doctest::Approx(-700));
  CHECK(both.log_jacobian({-700}) == doctest::Approx(-700));
}

TEST_CASE("sizes of unconstrained vectors") {
  const std::vector<int> square{4, 4}, tall{5, 2}, vector{4}, one{1}, empty{0, 0};
  CHECK(element_size(ConstraintKind::simplex, vector).free == 3);
  CHECK(element_size(ConstraintKind::simplex, one).free == 0);
  CHECK(element_size(ConstraintKind::corr_matrix, square).free == 6);
  CHECK(element_size(ConstraintKind::cov_matrix, square).free == 10);
  CHECK(element_size(ConstraintKind::cholesky_factor_cov, tall).free == 9);
  CHECK(element_size(ConstraintKind::cov_matrix, empty).free == 0);
}

TEST_CASE("faults name what is wrong") {
  const std::vector<int> two{2}, square{2, 2};
  const auto fault = [](ConstraintKind kind, std::vector<double> x, const std::vector<int>& dims) {
    return constraint_fault(kind, x, dims).value_or("none");
  };
  CHECK(fault(ConstraintKind::simplex, {0.5, 0.6}, two) == "a simplex sums to 1, found 1.1");
  CHECK(fault(ConstraintKind::ordered, {2, 1}, two) == "it is not increasing: elements 1 and 2 are 2 and 1");
  CHECK(fault(ConstraintKind::cov_matrix, {1, 2, 2, 1}, square) == "it is not positive definite");
  CHECK(fault(ConstraintKind::corr_matrix, {1, 0.5, 0.5, 2}, square) == "its diagonal is not 1: element 2 is 2");
  CHECK(fault(ConstraintKind::cholesky_factor_corr, {1, 0, 0, 1}, square) == "none");
  CHECK(bound_fault(-1, 0, INFINITY).value() == "-1 is below the lower bound 0");
}
