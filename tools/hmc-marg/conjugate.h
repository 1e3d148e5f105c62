// Conjugate families: plates of Gamma, InvGamma, Beta and Dirichlet parameters that are integrated out (specification, 2.7).
//
// A Gamma element has the kernel p log x - q x, an InvGamma element -p log x - q / x, a Beta element p log x + q log(1 - x), a
// Dirichlet element sum p_k log x_k. The prior gives each element its parts (alpha, beta | a, b | alpha_k), each child factor
// adds to them, and the conditional has the sums: Gamma(alpha + P, beta + Q), Beta(a + P, b + Q), Dirichlet(alpha + P).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "hmc-marg/factor_graph.h"
#include "hmc-marg/op_program.h"

namespace tenfold::hmc_marg {

enum class Family : std::uint8_t { gamma, inv_gamma, beta, dirichlet };
const char* name_of(Family family);  // as PlanEntry::rule

// number * product of value(slot)^(halves / 2)
struct Monomial {
  double number = 1;
  std::vector<std::pair<Slot, int>> slots;
};

// One lane of a density that touches one scalar of a plate.
struct FamilyLane {
  std::uint32_t node = 0, lane = 0;
  int line = 0;
  std::uint32_t scalar = 0;   // which scalar of the parameter
  bool complement = false;    // the argument is 1 - x
  Monomial coefficient;       // the argument is coefficient * x^(halves / 2)
  int halves = 2;
};

// coefficient * weight * log x_scalar, a part of a target term (Dirichlet); weight 0: none.
struct LogWeight {
  std::uint32_t scalar = 0;
  double coefficient = 1;
  Slot weight = 0;
};

// What recognition found about one parameter; refers to slots and nodes, so it stays valid while the graph grows.
struct FamilyPlate {
  Family family = Family::gamma;
  int parameter = 0;
  std::uint32_t elements = 0, element_size = 1;    // element_size scalars an element: K for a simplex of K, else 1
  std::vector<FamilyLane> priors, children;        // Gamma, InvGamma, Beta; at most one prior an element
  std::vector<LogWeight> weights;                  // Dirichlet, without those of recognised priors
  std::vector<std::pair<Slot, double>> terms;      // Dirichlet: (term, coefficient) that leave the target
  std::vector<std::int32_t> dirichlet_prior;       // [elements]: index into FactorGraph::dirichlets, or -1
  std::vector<std::uint32_t> dirichlet_column;     // [elements]: which of that prior's vectors
};

// A known number (slot 0) or a scalar of the graph.
struct Quantity {
  double number = 0;
  Slot slot = 0;
};

struct FamilyElement {
  Family family = Family::gamma;
  int parameter = 0;           // index into FactorGraph::parameters
  std::uint32_t scalar = 0;    // its first scalar in the parameter's value
  std::uint32_t size = 1;      // scalars
  std::uint32_t first = 0;     // its parts in FamilySystem::prior and gain
  std::uint32_t parts = 2;     // 2, or K
};

// The conditionals of all family parameters of a plan: element e has the parts prior + gain.
struct FamilySystem {
  std::vector<int> parameters;          // ascending
  std::vector<FamilyElement> elements;  // by parameter, then scalar
  std::vector<Quantity> prior, gain;
};

// Takes the plates' factors, terms, Jacobians and inputs out of `target` and puts their marginals in. The plates must be free of
// each other. Appends to model.graph.
std::shared_ptr<const FamilySystem> take_families(FactorGraph& model,
                                                  const std::vector<std::shared_ptr<const FamilyPlate>>& plates,
                                                  TargetSpec& target);

}  // namespace tenfold::hmc_marg
