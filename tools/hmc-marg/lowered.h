// What lowering makes: the instructions of a program and where everything lies. Read by engines alone.
// Value arena: inputs in the order of q, computed values, constants. The adjoint arena has the same places; those of constants
// are written where a list mixes constants with values, and never read.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "hmc-marg/kernels.h"
#include "hmc-marg/op_program.h"

namespace tenfold::hmc_marg {

// coefficient * each of `lanes` consecutive values, added to the target.
struct TermRun {
  std::uint32_t place = 0, lanes = 0;
  double coefficient = 1;
};

class OpProgram {
 public:
  std::vector<Instruction> forward;       // in order
  std::size_t before_factors = 0;         // so many of them run before the custom factors, the others behind
  std::vector<Instruction> reverse;       // in order of running: last forward first
  std::vector<Instruction> outputs_only;  // what the target does not need
  std::vector<std::uint32_t> index;
  std::vector<double> constants;          // from place computed_end on
  std::vector<TermRun> terms;
  std::vector<std::uint32_t> nonnegative;
  std::vector<std::uint32_t> outputs;
  std::vector<std::shared_ptr<const CustomFactor>> factors;
  std::vector<std::size_t> factor_workspace;  // where each factor's begins
  std::size_t workspace = 0;                  // doubles
  std::uint32_t inputs = 0;
  std::uint32_t computed_end = 0;
  double constant = 0;
  std::size_t logs = 0;
};

}  // namespace tenfold::hmc_marg
