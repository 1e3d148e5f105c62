// How the scalars of a graph are made from those of one parameter: a multiple of a power, 1 - x, log x, or anything else.
#pragma once

#include <vector>

#include "hmc-marg/affine_classes.h"
#include "hmc-marg/conjugate.h"

namespace tenfold::hmc_marg {

struct FamilyForm {
  enum class Shape : std::uint8_t { power, complement, log, other } shape = Shape::other;
  std::uint32_t scalar = 0;  // of the parameter
  int halves = 2;            // power: coefficient * x^(halves / 2)
  Monomial coefficient;
  bool bare() const { return shape == Shape::power && halves == 2 && coefficient.number == 1 && coefficient.slots.empty(); }
};

class FamilyForms {
 public:
  // `dependencies` must have `parameter` among its candidates.
  FamilyForms(const FactorGraph& model, const Dependencies& dependencies, int parameter);
  bool touches(Slot slot) const { return slot != 0 && in_class_[dependencies_.class_of(slot)]; }
  const FamilyForm& operator[](Slot slot) const { return forms_[form_of_[slot]]; }  // of a slot that is touched
  bool positive(const Monomial& coefficient) const;

 private:
  FamilyForm combine(const Graph& graph, const Node& node, std::uint32_t lane) const;

  const FactorGraph& model_;
  const Dependencies& dependencies_;
  std::vector<bool> in_class_;
  std::vector<std::uint32_t> form_of_;  // by slot; 0: other
  std::vector<FamilyForm> forms_;
};

}  // namespace tenfold::hmc_marg
