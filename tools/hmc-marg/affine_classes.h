// How each scalar of a graph depends on the candidate parameters: not at all, affinely, through products of two, or otherwise.
// Facts are interned ("classes"), so that a model of 10^6 scalars has a handful of them; each carries the source line that caused
// it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "hmc-marg/factor_graph.h"

namespace tenfold::hmc_marg {

struct Bilinear {
  int u = 0, v = 0;  // parameters, u < v
  int line = 0;
  auto operator<=>(const Bilinear&) const = default;
};

struct DependencyClass {
  std::vector<int> parameters;  // candidates it depends on, ascending
  std::vector<std::pair<int, int>> nonlinear;  // (candidate, line of the operation), by candidate; the first line is kept
  std::vector<Bilinear> bilinear;  // products of two candidates, by pair; the first line is kept
  auto operator<=>(const DependencyClass&) const = default;
};

// candidate[p]: parameter p may be eliminated; its constrained value is then a leaf, whatever it was computed from.
class Dependencies {
 public:
  Dependencies(const FactorGraph& model, const std::vector<bool>& candidate);
  std::uint32_t class_of(Slot slot) const { return class_of_[slot]; }  // 0: depends on no candidate
  const DependencyClass& operator[](std::uint32_t id) const { return classes_[id]; }
  const DependencyClass& of(Slot slot) const { return classes_[class_of_[slot]]; }

 private:
  enum class How : std::uint8_t { unite, multiply, spoil };
  std::uint32_t intern(DependencyClass&& c);
  std::uint32_t combine(How how, std::uint32_t a, std::uint32_t b, int line);
  std::uint32_t unite(std::uint32_t a, std::uint32_t b) {
    return a == b || b == 0 ? a : a == 0 ? b : combine(How::unite, a, b, 0);
  }
  std::uint32_t multiply(std::uint32_t a, std::uint32_t b, int line) {
    return a == 0 || b == 0 ? a + b : combine(How::multiply, a, b, line);
  }
  std::uint32_t spoil(std::uint32_t a, int line) { return a == 0 ? 0 : combine(How::spoil, a, 0, line); }
  void visit(const Graph& graph, const Node& node);

  std::vector<DependencyClass> classes_;
  std::map<DependencyClass, std::uint32_t> interned_;
  std::map<std::tuple<How, std::uint32_t, std::uint32_t, int>, std::uint32_t> combined_;
  std::vector<std::uint32_t> class_of_;
};

// True if the scalar cannot be negative whatever the parameters are (exp, square, sqrt, inv_logit, sums and products of such).
bool provably_nonnegative(const Graph& graph, Slot slot, int depth = 0);

}  // namespace tenfold::hmc_marg
