// The steps of the rules `worst` and `protect`: linear programmes over a box of n coordinates with T rows, solved exactly through
// their duals, which have T variables.
//
// worst:    max_d min_i (r_i + a_i.d), l <= d <= u: hurt the least hurt task most. Dual: min over lambda in the simplex of
//           phi(lambda) = sum_i lambda_i r_i + sum_j max(c_j u_j, c_j l_j), c = sum_i lambda_i a_i.
// protect:  max_d sum_{attacked} a_i.d subject to r_k + a_k.d <= b_k for the protected k. Dual: min over 0 <= mu <= 100 of
//           phi(mu) = sum_k mu_k (b_k - r_k) + sum_j max(c_j u_j, c_j l_j), c = sum a_i - sum_k mu_k a_k.
//
// Kelley's cutting planes (1960): at lambda the box's closed form d(lambda) gives the cut v_i = r_i + a_i.d; the master, the
// least upper envelope of the cuts, is a small matrix game whose own dual weights p mix the d(lambda) into the step. The optimum
// has fractional coordinates: the sign of c(lambda) is not it.
#pragma once

#include <span>
#include <vector>

#include "mtl-attack/box_step.h"

namespace tenfold::mtl_attack {

// Rows a_i = scale_i gradient_i, [T] of [n], and the offsets r_i.
struct TaskRows {
  std::vector<std::span<const float>> gradients;
  std::vector<double> scales;
  std::vector<double> offsets;
};

struct DualStep {
  std::vector<float> d;  // [n], inside the box
  double value = 0;  // min_i (r_i + a_i.d), or sum a_i.d of the attacked: what d reaches
  double bound = 0;  // phi: what no step exceeds
  std::vector<double> weights;  // lambda (sums to 1), or mu by protected task
  int cuts = 0;
  bool converged = true;  // false: the cuts ended before the gap did

  double gap() const { return bound - value; }
};

struct DualOptions {
  double gap = 1e-7;  // relative to |phi|
  int max_cuts = 1000;
};

// T >= 1 rows.
DualStep worst_step(const TaskRows& rows, const Box& box, const DualOptions& options = {});

// protect: which rows are protected; at least one is and one is not. A protected row that no step brings to 0 is loosened to the
// least value it can be brought to, all protected rows together (in units of the attacked gradient's norm).
DualStep protect_step(const TaskRows& rows, const std::vector<bool>& protect, const Box& box, const DualOptions& options = {});

}  // namespace tenfold::mtl_attack
