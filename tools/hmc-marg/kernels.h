// Kernels: what runs one vector instruction of an op program, compiled once per instruction set.
// A kernel reads its operands in blocks of eight lanes; an operand is one value for all lanes, a range of the arena, or a list of
// places. Reverse kernels clear the adjoints that they consume, so that the adjoint arena is all zero between two gradients.
#pragma once

#include <cstddef>
#include <cstdint>

#include "hmc-marg/densities.h"
#include "hmc-marg/instruction_set.h"
#include "hmc-marg/op.h"

namespace tenfold::hmc_marg {

enum class OperandKind : std::uint8_t { single, range, list };

// What a running program works on. Kernels read whole blocks: arenas are readable 8 doubles beyond their last place, and 7 places
// stand behind every list in `index`.
struct Machine {
  double* value = nullptr;
  double* adjoint = nullptr;
  const std::uint32_t* index = nullptr;
  double* workspace = nullptr;
  double log_density = 0;  // factor kernels add to it; NaN or infinity in it says "outside the support"
};

struct Instruction;
using Kernel = void (*)(const Instruction&, Machine&);

struct Instruction {
  Kernel forward = nullptr;
  Kernel reverse = nullptr;  // null: nothing behind it varies, or it is a factor
  std::uint32_t lanes = 0;  // outputs
  std::uint32_t out = 0;  // place of the first output
  std::uint32_t at[4] = {};  // operand k: its (first) place, or where its list begins in Machine::index
  OperandKind kind[4] = {};
  std::uint8_t varies = 0;  // bit k: operand k receives adjoints
  bool factor = false;  // adds to the log density, has no outputs
  std::uint16_t items = 0;  // n-ary sum and log_sum_exp: operands a lane
  std::uint32_t extra =
      0;  // segments: where the offsets begin in Machine::index; n-ary: the operand table; dense: columns; whole: rows
  const void* scalar = nullptr;  // general kernels: OpInfo or DensityInfo
};

// Factors whose parameters are partly known have their known summands taken out when the program is lowered.
enum class FactorKernel : std::uint8_t {
  normal,
  normal_shared_scale,  // scale: operand 2, one for all lanes in the second
  normal_fixed_scale,  // operand 2: known 1 / scale; -log scale and the constant are left out
  std_normal,
  lognormal,
  cauchy,
  cauchy_fixed_scale,  // as normal_fixed_scale
  student_t_fixed_freedom,  // operand 1 known; the summands of the freedom alone are left out
  exponential,
  gamma_fixed_shape,  // operand 1 known; -log Gamma(shape) is left out
  beta_fixed,  // operands 1 and 2 known; -log B is left out
  bernoulli_logit,  // operand 0 known: 2 y - 1
  binomial_logit,  // operands 0 and 1 known; log C(n, y) is left out
  poisson_log,  // operand 0 known; -log y! is left out
  count_
};

// A kernel over lanes and one for a single lane whose operands are all single.
struct KernelPair {
  Kernel lanes = nullptr;
  Kernel one = nullptr;
};

// Powers of a, a + 1, a + 2, ...: height[j] of a + j, 32 bins a block. Heights are integers and fall; drop[j] is height[j] -
// height[j + 32], most[block] the largest of a block, at most 255.
struct RisingTable {
  std::size_t blocks = 0;
  const double* height = nullptr;
  const double* drop = nullptr;
  const std::uint8_t* most = nullptr;
};

// The product of (a + j)^height[j] is mantissa * 2^exponent * e^logs; slope: the derivative of its logarithm, the sum of
// height[j] / (a + j). For a in [kLeastRising, kLargestRising]. The mantissa is in [1, 2^32).
struct RisingPowers {
  double mantissa = 1, exponent = 0, logs = 0, slope = 0;
};
inline constexpr double kLeastRising = 1e-200, kLargestRising = 1e70;

struct KernelTable {
  KernelPair forward[static_cast<std::size_t>(Op::count_)];  // lane-wise ops; null: no fast form
  KernelPair reverse[static_cast<std::size_t>(Op::count_)];
  KernelPair factor[static_cast<std::size_t>(FactorKernel::count_)];
  KernelPair density_forward[static_cast<std::size_t>(Density::count_)];  // densities used by value
  KernelPair density_reverse[static_cast<std::size_t>(Density::count_)];
  Kernel nary_sum_forward, nary_sum_reverse;
  Kernel nary_log_sum_exp_forward, nary_log_sum_exp_reverse;
  Kernel segment_sum_forward, segment_sum_reverse;  // items 1 (one lane): at[1] scalars are added, the others subtracted
  Kernel segment_dot_forward, segment_dot_reverse;
  Kernel dense_forward, dense_reverse;  // operand 0: known matrix in panels of 8 rows, [panel][column][8]; operand 1: vector
  void (*vector_exp)(const double* x, double* out, std::size_t n);
  void (*vector_log)(const double* x, double* out, std::size_t n);
  void (*vector_log1p)(const double* x, double* out, std::size_t n);
  void (*rising_powers)(const RisingTable& table, double a, RisingPowers& out);
  // Trials of random_variates.h's gamma draws, n a multiple of 8: values, and 1 where a trial is certainly taken, else 0.
  void (*gamma_trials)(const double* shape, const double* normal, const double* uniform, double* value, double* certain,
                       std::size_t n);
};

extern const KernelTable kKernelsBase, kKernelsAvx2, kKernelsAvx512;
const KernelTable& kernels(InstructionSet set);

// Kernels for everything else, lane by lane through the scalar forms of op.h, densities.h and op_lists.h.
namespace general {
void lane_wise_forward(const Instruction&, Machine&);
void lane_wise_reverse(const Instruction&, Machine&);
void factor(const Instruction&, Machine&);
void density_forward(const Instruction&, Machine&);
void density_reverse(const Instruction&, Machine&);
// at[2]: the Op; workspace: 2 * longest segment (4 for dot).
void segment_forward(const Instruction&, Machine&);
void segment_reverse(const Instruction&, Machine&);
// at[2]: the Op; at[3]: scalars of operand 0 (extra: rows, items unused); workspace: twice the operands, and the outputs'
// adjoints.
void whole_forward(const Instruction&, Machine&);
void whole_reverse(const Instruction&, Machine&);
}  // namespace general

// An entry of an n-ary instruction's operand table in Machine::index: place or list, then flags.
inline constexpr std::uint32_t kNaryKind = 0x3, kNaryMinus = 0x4, kNaryVaries = 0x8;

}  // namespace tenfold::hmc_marg
