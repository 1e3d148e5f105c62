// A program with its data, partially evaluated: parameters, factors, leftover target terms, outputs.
// Made by evaluate.h; read by the affine analysis, by lowering, and by `graph`.
#pragma once

#include <string>
#include <vector>

#include "hmc-marg/ast.h"
#include "hmc-marg/dirichlet_prior.h"
#include "hmc-marg/graph.h"
#include "hmc-marg/value.h"

namespace tenfold::hmc_marg {

// A declared parameter. free: its unconstrained scalars (slots of one Op::parameter node, consecutive, possibly none);
// value: its constrained scalars, nodes over free (equal to free where there is no constraint).
struct Parameter {
  std::string name;
  Position at;
  Type type;
  std::vector<int> dims;
  ConstraintKind constraint = ConstraintKind::none;
  Value lower, upper;  // bounded: known or not, scalar or as many as value; size 0 where absent (infinite bounds are absent)
  Value offset, multiplier;  // affine
  Slot free_first = 0;
  std::uint32_t free_size = 0;
  int free_index = 0;  // position of its first unconstrained scalar in the vector of all
  Value value;
  std::vector<Slot> log_jacobian;  // terms of the target, one slot each
  bool noncentred =
      false;  // free is epsilon of value = offset + multiplier * epsilon, whose prior is standard normal (noncentred.h)
};

// Lanes of one density node that enter the target with coefficient +1.
struct Factor {
  std::uint32_t node = 0;  // index into Graph::nodes(); all its lanes
  std::uint8_t data_arguments = 0;  // bit i: argument i has data type in the program
  int line = 0;
};

// coefficient * slot, added to the target: whatever is not a factor.
struct Term {
  Slot slot = 0;
  double coefficient = 1;
  int line = 0;
};

// A declared bound of a transformed parameter, or one of a truncation: the density is -infinity where it fails. difference >= 0
// (value - lower, upper - value).
struct BoundCheck {
  Slot difference = 0;
  std::string name;
  int line = 0;
  bool truncation = false;
};

struct OutputVariable {
  std::string name;
  BlockKind block = BlockKind::transformed_parameters;
  Value value;  // of transformed parameters; of generated quantities only type and dims
};

struct FactorGraph {
  Graph graph;
  std::vector<Parameter> parameters;
  std::vector<Factor> factors;
  std::vector<Term> terms;
  std::vector<DirichletPrior> dirichlets;
  std::vector<BoundCheck> bound_checks;
  std::vector<OutputVariable> outputs;  // transformed parameters, then generated quantities
  double constant = 0;  // data-only part of the target, in full form
  double lp_offset = 0;  // what CmdStan's propto form leaves out of the full form: propto = full - lp_offset
  std::vector<int> noncentred;  // parameters sampled as epsilon, each after those that its offset and multiplier refer to
  int free_size = 0;  // length of the unconstrained vector
};

}  // namespace tenfold::hmc_marg
