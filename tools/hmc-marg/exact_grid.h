// The grid of `exact`: points of an axis-aligned lattice where a density is not negligible, found by flood fill from its modes
// and refined by halving the step. Old points stay, and stay first, so that sums over a level are sums over a prefix.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "base/threads.h"
#include "hmc-marg/exact_modes.h"

namespace tenfold::hmc_marg {

inline constexpr int kMaxExactDimensions = 3;
inline constexpr double kNegligible = 46;  // e^-46 = 1e-20 of the highest density

struct GridPoint {
  std::array<std::int32_t, kMaxExactDimensions> index{};  // in steps of the current level
  double log_density = 0;
};

class Grid {
 public:
  // engines: one a thread. The lattice holds the highest mode; steps are `step` smallest marginal sd of the modes along each
  // axis.
  Grid(std::vector<Engine>& engines, ThreadPool& threads, const std::vector<Mode>& modes, double step);
  ~Grid();
  Grid(Grid&&) noexcept;

  // Adds every point that neighbours along the axes join to a mode and whose log density exceeds that of the highest mode less
  // kNegligible. False, and an unfinished level, where more than `limit` points would be evaluated or stop() says so.
  bool fill(std::size_t limit, const std::function<bool()>& stop);
  void halve();

  const std::vector<GridPoint>& points() const;  // in an order that does not depend on the threads
  std::size_t evaluated() const;                 // with those found negligible
  double highest() const;                        // log density of the highest mode
  double step() const;                           // in marginal sd
  double log_cell() const;                       // log of a cell's volume
  double step_along(int axis) const;
  double coordinate(int axis, std::int32_t index) const;
  bool at_edge(const GridPoint& point) const;    // has a negligible neighbour
  bool near(std::span<const double> q) const;    // a corner of the cell around q is on the grid

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tenfold::hmc_marg
