// The families behind densities.h, in one form: value and partial derivatives together, and the value cut into the summands that
// Stan's `~` may drop. densities.cpp makes the table of them.
#pragma once

#include <array>
#include <span>

#include "hmc-marg/densities.h"

namespace tenfold::hmc_marg::families {

// A summand of a log density and the set of arguments it depends on (bit 0: the variate): dropped iff all of these are data. An
// empty set always drops.
struct Summand {
  double value = 0;
  unsigned depends_on = 0;
};
struct Summands {
  std::array<Summand, 5> list{};
  int count = 0;
  void add(double value, unsigned depends_on) { list[static_cast<std::size_t>(count++)] = {value, depends_on}; }
};

// Value at x, partial derivatives into d unless it is null. NaN for inadmissible arguments, -infinity outside the support.
using Gradient = double (*)(const double* x, double* d);
// The summands that may drop while others stay; what always stays is not listed.
using Split = Summands (*)(const double* x);
using Draw = double (*)(const double* x, PhiloxStream& random);

struct Family {
  Density density;
  const char* name;
  int arguments;
  bool discrete;
  std::uint8_t integer_arguments;
  Gradient gradient;
  Split split;
  Draw draw;
};

std::span<const Family> continuous();
std::span<const Family> discrete();

}  // namespace tenfold::hmc_marg::families
