// The conditional of family parameters in plain arithmetic: draws, moments, density. Shares no code with their marginal.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "hmc-marg/conjugate.h"

namespace tenfold {
class PhiloxStream;
}

namespace tenfold::hmc_marg {

class FamilyConditional {
 public:
  FamilyConditional() = default;
  // output(slot): where the value of a scalar of the graph will lie in `values`; place_of(parameter): where its scalars begin in
  // z.
  FamilyConditional(const FamilySystem& system, const std::function<std::int32_t(Slot)>& output,
                    const std::function<std::size_t(int)>& place_of);

  bool empty() const { return elements_.empty(); }
  std::size_t parts() const { return prior_.size(); }
  // numbers [parts()] = prior + gain; false where a conditional does not exist.
  bool condition(std::span<const double> values, std::span<double> numbers) const;
  // Each writes the scalars of its parameters in z and leaves the others.
  void draw(std::span<const double> numbers, PhiloxStream& random, std::span<double> z) const;
  void draw_unconstrained(PhiloxStream& random, double width,
                          std::span<double> z) const;  // U(-width, width) before the transform
  double log_density(std::span<const double> numbers, std::span<const double> z) const;
  void mean(std::span<const double> numbers, std::span<double> z) const;  // infinite where it does not exist
  void variance(std::span<const double> numbers, std::span<double> z) const;
  void excess_kurtosis(std::span<const double> numbers, std::span<double> z) const;
  // Covariance of z[i] and z[j], 0 unless both are of one element.
  double covariance(std::span<const double> numbers, std::size_t i, std::size_t j) const;

 private:
  struct Part {
    double number = 0;
    std::int32_t output = -1;
  };
  struct Element {
    Family family = Family::gamma;
    std::size_t z = 0, first = 0;
    std::uint32_t size = 1, parts = 2;
  };
  std::vector<Element> elements_;
  std::vector<Part> prior_, gain_;
};

}  // namespace tenfold::hmc_marg
