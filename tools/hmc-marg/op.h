// The operations of the graph: what each computes for one lane, and its derivative.
// Constant folding, generated quantities and the reference gradient all use these scalar forms; kernels.h has the fast ones.
#pragma once

#include <cstdint>
#include <string_view>

namespace tenfold::hmc_marg {

enum class Op : std::uint8_t {
  constant,   // numbers known before sampling
  parameter,  // unconstrained scalars
  // One operand, lane by lane.
  neg,
  abs,
  exp,
  exp2,
  expm1,
  log,
  log1p,
  log1m,
  log2,
  log10,
  sqrt,
  cbrt,
  square,
  inv,
  inv_sqrt,
  inv_square,
  logit,
  inv_logit,
  log_inv_logit,
  log1m_inv_logit,
  log1p_exp,
  log1m_exp,
  inv_cloglog,
  phi,
  phi_approx,
  inv_phi,
  sin,
  cos,
  tan,
  asin,
  acos,
  atan,
  sinh,
  cosh,
  tanh,
  asinh,
  acosh,
  atanh,
  lgamma,
  digamma,
  erf,
  erfc,
  // Two operands.
  add,
  sub,
  mul,
  div,
  pow,
  fmin,
  fmax,
  hypot,
  fdim,
  atan2,
  multiply_log,
  lbeta,
  lchoose,
  log_diff_exp,
  fmod,
  log_add_exp,
  // Segments: output i reduces segment i of its operand lists.
  sum,          // sum_k a_ik
  dot,          // sum_k a_ik * b_ik
  log_sum_exp,  // log sum_k exp a_ik
  minimum,
  maximum,
  product,
  // Whole lists.
  softmax,         // one vector in, as long a vector out
  cumulative_sum,
  cholesky,        // A [n, n] column-major, lower triangle read -> L [n, n] with zeros above
  solve_lower,     // L [n, n], B [n, m] -> L^-1 B
  solve_lower_transposed,  // L [n, n], B [n, m] -> L^-T B
  density,         // lanes of a univariate log density, see densities.h: one output a lane
  count_
};

struct OpInfo {
  std::string_view name;
  int arity = 0;
  double (*value)(double x, double y) = nullptr;  // lane-wise ops; y is ignored by unary ones
  // Partial derivatives at (x, y) with out = value(x, y); dy is untouched by unary ops.
  void (*partials)(double x, double y, double out, double& dx, double& dy) = nullptr;
};

const OpInfo& info(Op op);
inline bool lane_wise(Op op) { return op >= Op::neg && op <= Op::log_add_exp; }
inline bool unary(Op op) { return op >= Op::neg && op <= Op::erfc; }
inline bool segmented(Op op) { return op >= Op::sum && op <= Op::product; }

}  // namespace tenfold::hmc_marg
