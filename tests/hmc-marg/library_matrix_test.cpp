#include <Eigen/Dense>
#include <cmath>

#include "hmc-marg/library_values.h"

using namespace tenfold::hmc_marg;
using namespace tenfold::hmc_marg::library_values;

namespace {

Eigen::MatrixXd dense(const Value& x) {
  const int rows = x.type.base == Base::row_vector ? 1 : x.dims.at(0);
  const int columns = x.type.base == Base::matrix ? x.dims[1] : x.type.base == Base::row_vector ? x.dims[0] : 1;
  return Eigen::Map<const Eigen::MatrixXd>(x.number.data(), rows, columns);
}

std::vector<double> flat(const Eigen::MatrixXd& x) { return {x.data(), x.data() + x.size()}; }

const Value kA = matrix(3, 2, {1, 2, 3, -4, 5, 6});
const Value kSpd = matrix(3, 3, {4, 2, 0.5, 2, 5, 1, 0.5, 1, 3});
const Value kLower = matrix(3, 3, {2, 1, -1, 0, 3, 0.5, 0, 0, 1.5});

}  // namespace

TEST_CASE("products with themselves, with diagonals, and forms agree with dense algebra") {
  const Eigen::MatrixXd a = dense(kA), s = dense(kSpd), l = dense(kLower);
  const Eigen::Vector3d v(2, -1, 0.5);
  const Value vv = vector({2, -1, 0.5});
  check_numbers(both_ways("crossprod", {kA}).number, flat(a.transpose() * a));
  check_numbers(both_ways("tcrossprod", {kA}).number, flat(a * a.transpose()));
  check_numbers(both_ways("multiply_lower_tri_self_transpose", {kLower}).number, flat(l * l.transpose()));
  check_numbers(both_ways("diag_pre_multiply", {vv, kA}).number, flat(v.asDiagonal() * a));
  check_numbers(both_ways("diag_post_multiply", {kSpd, vv}).number, flat(s * v.asDiagonal()));
  check_numbers(both_ways("diag_pre_multiply", {vv, kLower}).number, flat(v.asDiagonal() * l));
  check_numbers(both_ways("quad_form_diag", {kSpd, vv}).number, flat(v.asDiagonal() * s * v.asDiagonal()));
  check_numbers(both_ways("quad_form", {kSpd, kA}).number, flat(a.transpose() * s * a));
  check_numbers(both_ways("quad_form", {kSpd, vv}).number, flat(v.transpose() * s * v));
  CHECK(both_ways("quad_form", {kSpd, vv}).type == Type{Base::real, 0});
  check_numbers(both_ways("trace_quad_form", {kSpd, kA}).number, {(a.transpose() * s * a).trace()});
  CHECK(both_ways("trace", {kSpd}).number[0] == 12);
  check_numbers(both_ways("add_diag", {kSpd, real(0.1)}).number, flat(s + 0.1 * Eigen::Matrix3d::Identity()));
  check_numbers(both_ways("add_diag", {kSpd, vv}).number, flat(s + Eigen::MatrixXd(v.asDiagonal())));
  check_numbers(both_ways("columns_dot_product", {kA, kA}).number, {14, 77});
  check_numbers(both_ways("rows_dot_product", {kA, kA}).number, {17, 29, 45});
  check_numbers(both_ways("columns_dot_self", {kA}).number, {14, 77});
  check_numbers(both_ways("rows_dot_self", {kA}).number, {17, 29, 45});
}

TEST_CASE("multiply_lower_tri_self_transpose ignores what stands above the diagonal") {
  Value noisy = kLower;
  noisy.number[3] = 7;
  CHECK(call("multiply_lower_tri_self_transpose", {noisy}).number == call("multiply_lower_tri_self_transpose", {kLower}).number);
}

TEST_CASE("a triangular factor keeps its zeros through scaling, and products leave them out") {
  Unknowns unknowns;
  const Value l = call(unknowns.context, "cholesky_decompose", {unknowns.hide(kSpd)});
  CHECK(l.slot[3] == 0);
  CHECK(l.slot[1] != 0);
  const Value scaled = call(unknowns.context, "diag_pre_multiply", {unknowns.hide(vector({1, 2, 3})), l});
  CHECK(scaled.slot[6] == 0);
  CHECK(scaled.number[6] == 0);
  const Value product = apply_binary(unknowns.context, Operator::multiply, scaled, unknowns.hide(vector({1, 1, 1})));
  const Node& node = unknowns.graph.nodes()[unknowns.graph.node_of(product.slot[1])];
  CHECK(unknowns.graph.segments(node).back() == 6);  // 1 + 2 + 3 pairs of a lower triangle
}

TEST_CASE("Cholesky, solves, inverses, determinants agree with dense algebra") {
  const Eigen::MatrixXd s = dense(kSpd), l = dense(kLower), a = dense(kA);
  const Eigen::Vector3d b(1, 2, -1);
  check_numbers(both_ways("cholesky_decompose", {kSpd}).number, flat(s.llt().matrixL()));
  check_numbers(both_ways("mdivide_left_tri_low", {kLower, vector({1, 2, -1})}).number, flat(l.inverse() * b));
  check_numbers(both_ways("mdivide_left_tri_low", {kLower, kA}).number, flat(l.inverse() * a));
  check_numbers(both_ways("mdivide_right_tri_low", {row_vector({1, 2, -1}), kLower}).number, flat(b.transpose() * l.inverse()));
  check_numbers(both_ways("mdivide_left_spd", {kSpd, vector({1, 2, -1})}).number, flat(s.inverse() * b));
  check_numbers(both_ways("mdivide_right_spd", {row_vector({1, 2, -1}), kSpd}).number, flat(b.transpose() * s.inverse()));
  check_numbers(both_ways("inverse_spd", {kSpd}).number, flat(s.inverse()));
  check_numbers(both_ways("log_determinant_spd", {kSpd}).number, {std::log(s.determinant())});
  check_numbers(call("log_determinant", {kLower}).number, {std::log(9)});
  check_numbers(call("determinant", {kSpd}).number, {s.determinant()});
  check_numbers(call("inverse", {kLower}).number, flat(l.inverse()));
}

TEST_CASE("a determinant that depends on a parameter needs a symmetric matrix") {
  Unknowns unknowns;
  const Value x = unknowns.hide(kSpd);
  CHECK(message_of([&] { call(unknowns.context, "log_determinant", {x}); }).find("not symmetric runs in CmdStan, not here") !=
        std::string::npos);
  const Value symmetric = call(unknowns.context, "tcrossprod", {unknowns.hide(kLower)});
  const Value log_determinant = call(unknowns.context, "log_determinant", {symmetric});
  check_numbers(unknowns.numbers_of(log_determinant), {2 * std::log(9)});
}

TEST_CASE("what is not positive definite, square or symmetric is named") {
  CHECK(message_of([] { call("cholesky_decompose", {matrix(2, 2, {1, 2, 2, 1})}); }) ==
        "cholesky_decompose: the matrix is not positive definite");
  CHECK(message_of([] { call("cholesky_decompose", {matrix(2, 2, {1, 0, 0.5, 1})}); }).find("not symmetric: [1, 2] is 0.5") !=
        std::string::npos);
  CHECK(message_of([] { call("cholesky_decompose", {kA}); }) == "cholesky_decompose: a matrix [3, 2] is not square");
  CHECK(message_of([] { call("mdivide_left_tri_low", {kLower, vector({1, 2})}); }).find("2 rows") != std::string::npos);
}

TEST_CASE("gp_exp_quad_cov: sigma^2 exp(-d^2 / (2 l^2)), symmetric to the bit") {
  const Value x = array({0, 1, 3});
  const Value k = both_ways("gp_exp_quad_cov", {x, real(1.5), real(2)});
  CHECK(k.number[0] == 2.25);
  CHECK(close(k.number[1], 2.25 * std::exp(-1.0 / 8)));
  CHECK(close(k.number[5], 2.25 * std::exp(-4.0 / 8)));
  Unknowns unknowns;
  const Value open = call(unknowns.context, "cov_exp_quad", {x, unknowns.hide(real(1.5)), unknowns.hide(real(2))});
  CHECK(open.slot[1] == open.slot[3]);
  CHECK(open.slot[0] == open.slot[8]);
  const Value points = value({Base::vector, 1}, {2, 2}, {0, 0, 3, 4});
  CHECK(close(both_ways("gp_exp_quad_cov", {points, real(1), real(5)}).number[1], std::exp(-0.5)));
  const Value cross = both_ways("gp_exp_quad_cov", {x, array({1}), real(1), real(1)});
  CHECK(cross.dims == std::vector<int>{3, 1});
  CHECK(close(cross.number[2], std::exp(-2)));
  CHECK(cross.number[1] == 1);
  CHECK(close(both_ways("gp_exp_quad_cov", {points, real(1), array({3, 4})}).number[1], std::exp(-1)));
}

TEST_CASE("csr_matrix_times_vector") {
  // 10 0 20 / 0 0 0 / 0 30 0
  const std::vector<Value> args{integer(3),       integer(3), vector({10, 20, 30}), integers({1, 3, 2}), integers({1, 3, 3, 4}),
                                vector({1, 2, 3})};
  CHECK(both_ways("csr_matrix_times_vector", args).number == std::vector<double>{70, 0, 60});
  std::vector<Value> wrong = args;
  wrong[3] = integers({1, 4, 2});
  CHECK(message_of([&] { call("csr_matrix_times_vector", wrong); }).find("column index 2 is 4") != std::string::npos);
  wrong = args;
  wrong[5] = vector({1, 2});
  CHECK(message_of([&] { call("csr_matrix_times_vector", wrong); }).find("a vector of 2") != std::string::npos);
  wrong = args;
  wrong[4] = integers({1, 3, 2, 4});
  CHECK(message_of([&] { call("csr_matrix_times_vector", wrong); }).find("row start 3 is 2") != std::string::npos);
}
