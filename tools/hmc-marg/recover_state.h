// What Recovery holds: the conditional's layout, its numbers for one value of the kept parameters, and scratch. Shared by
// recover.cpp, which forms the conditional and draws from it, and recover_moments.cpp.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "hmc-marg/block_layout.h"
#include "hmc-marg/block_system.h"
#include "hmc-marg/conjugate_conditional.h"
#include "hmc-marg/op_program.h"
#include "hmc-marg/recover.h"

namespace tenfold::hmc_marg {

namespace recovery {

// number * values[ref] * z, or * e_z: an earlier element of a vector with a correlated prior, whose definition comes later.
struct LocationTerm {
  std::int32_t z = kIntercept;
  std::int32_t ref = 0;
  double number = 0;
  bool standard = false;
};

// number * values[ref], added to a column of its row: component 0 .. d-1, border d .. d+p-1, intercept d+p.
struct Part {
  std::int32_t column = 0;
  std::int32_t ref = 0;
  double number = 0;
};

struct Row {
  std::uint32_t first = 0, count = 0;  // its parts
  std::int32_t scale = -1;             // into values, -1: none
};

// Its scalars in State::scalars, its rows, its places in ConditionalNumbers. The last has d = 0: rows of the border alone.
struct Component {
  int d = 0;
  std::size_t scalars = 0, component = 0, coupling = 0;
  std::vector<Row> rows;
};

struct Definition {  // z = sum of the terms + scale * e
  std::int32_t z = 0;
  std::uint32_t first = 0, count = 0;
  std::int32_t scale = 0;
  double known_scale = 1;
  std::uint32_t alike = 1;  // definitions from here on that have this location and scale, and are no part of it
};

// A regular class of the block: its components eight at a time, in the kernels' layout.
struct Batches {
  const BlockClassData* data = nullptr;
  std::size_t work = 0;                  // where it begins in State::class_work
  std::vector<std::uint32_t> scalar;     // [batches][d][lanes] places in e and z; padding: the first lane's
};

// L x = b, L [n][n] row-major, lower triangle.
inline void solve_lower(const double* l, int n, double* x) {
  for (int i = 0; i < n; ++i) {
    for (int k = 0; k < i; ++k) x[i] -= l[i * n + k] * x[k];
    x[i] /= l[i * n + i];
  }
}

}  // namespace recovery

struct Recovery::State {
  std::shared_ptr<const BlockSystem> system;
  std::unique_ptr<Engine> engine;
  std::vector<std::uint32_t> input_place;  // of the engine's inputs in the constrained vector
  std::vector<double> input;
  std::size_t kept_size = 0;
  std::vector<recovery::Part> parts;
  std::vector<recovery::LocationTerm> terms;
  std::vector<recovery::Definition>
      definitions;     // of whitened scalars, in order; of a vector with a correlated prior the last element first
  std::vector<std::uint32_t> inverse_order;  // of definitions from z to e: such a vector's first element first
  std::vector<recovery::Component> components;
  std::vector<std::uint32_t> loose;        // components that are in no regular class
  BlockLayout layout;
  std::vector<recovery::Batches> batches;
  std::vector<std::int32_t> layout_place;  // of the layout's inputs in values
  std::vector<std::size_t> scalars;        // of all components, one after the other: places in e and z
  std::vector<std::size_t> border;         // the same of the border
  std::vector<double> diagonal;            // [components, border] 1: whitened, 0: flat
  ConditionalNumbers numbers;              // the last of its values is 1, for parts and scales that refer to none
  FamilyConditional families;
  std::vector<std::uint32_t> place;        // of the block's scalars in z; empty: their own
  std::vector<std::int32_t> place_in_block;  // of z's scalars, -1: of a family
  std::size_t eliminated_size = 0;
  std::vector<double> border_g;
  bool good = false, settled = false;
  std::vector<double> y;                   // [n] L^-1 g of loose components
  std::vector<double> factor, class_memory;
  double* class_work = nullptr;  // in class_memory, aligned: of all classes
  double* class_draw = nullptr;  // of one class, while it is drawn
  mutable std::vector<double> e, work, block;  // work: max_component, then border, then one more
  // What the variance of the block's scalar i stands on: definitions, last first, and components. Offsets [n + 1] into the lists.
  std::vector<std::uint32_t> steps, steps_at, reached, reached_at;
  mutable std::vector<double> direction;  // [n], zeros between calls

  // Runs f on the block's part of z and writes it back.
  template <class F>
  void on_block(std::span<double> z, F f) const {
    if (place_in_block.empty()) return f(z);
    f(std::span<double>(block));
    for (std::size_t i = 0; i < block.size(); ++i) z[place[i]] = block[i];
  }

  double value(std::int32_t ref) const { return numbers.values[static_cast<std::size_t>(ref)]; }
  int border_size() const { return static_cast<int>(border.size()); }
  double* border_work() const { return work.data() + std::max(system->partition.max_component, 1); }

  void build(const FactorGraph& model, const Marginal& marginal);
  void lay_out_families(const FactorGraph& model, const Marginal& marginal, const std::function<std::int32_t(Slot)>& output);
  void find_alike();
  void lay_out_batches();
  bool assemble();
  bool assemble_batches();
  BlockState class_state(const recovery::Batches& of_class) const;
  void back_substitute(std::span<double> x) const;  // x <- L'^-1 (x + L^-1 g)
  bool coefficients(const recovery::Row& row, int columns);
  bool eliminate(const recovery::Component& component);
  template <int P>
  bool eliminate_scalar(const recovery::Component& component);
  template <int D>
  void back_substitute(const recovery::Component& component, std::span<double> x, const double* b) const;
  void settle();
  void location_and_scale(const recovery::Definition& d, std::span<const double> z, std::span<const double> e, double& location,
                          double& scale) const;
  void to_z(std::span<const double> e, std::span<double> z) const;
  void find_paths();
  double variance_in_block(std::size_t i) const;
  void solve(std::span<double> x) const;  // L y = x
};

}  // namespace tenfold::hmc_marg
