// The gradient engine: a graph lowered to a static list of vector instructions over two arenas (values, adjoints).
// Lowering packs nodes of equal operation and depth, flattens chains of sums, drops what the roots do not need.
// Running one allocates nothing, locks nothing, throws nothing: a domain failure is a density of -infinity.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "hmc-marg/factor_graph.h"
#include "hmc-marg/instruction_set.h"

namespace tenfold::hmc_marg {

// A factor with hand-derived reverse rule (the Gaussian block). Workspace is per engine.
class CustomFactor {
 public:
  virtual ~CustomFactor() = default;
  // Slots it reads. Lowering keeps them alive and asks for a copy bound to their places.
  virtual std::vector<Slot> inputs() const = 0;
  // A copy that reads at these places of an arena; places[i] belongs to inputs()[i]. One factor may be lowered into many
  // programs.
  virtual std::shared_ptr<const CustomFactor> bound(std::span<const std::uint32_t> places) const = 0;
  virtual std::size_t workspace_size() const = 0;                // doubles
  // Log density; adds the partial derivatives to adjoints (may be null: value only). NaN or -infinity: outside the domain.
  virtual double evaluate(const double* values, double* adjoints, double* workspace) const = 0;
};

// Which lanes of which density node enter the target.
struct DensityLanes {
  std::uint32_t node = 0;
  std::vector<std::uint32_t> lanes;  // empty: all
};

struct TargetSpec {
  std::vector<Slot> inputs;  // slots whose values are given, in the order of q; nothing behind them is computed
  std::vector<DensityLanes> densities;
  std::vector<Term> terms;
  std::vector<Slot> nonnegative;  // bound checks: negative makes the density -infinity
  std::vector<std::shared_ptr<CustomFactor>> factors;
  double constant = 0;
  std::vector<Slot> outputs;  // values wanted besides (value() reads them)
};

class OpProgram;  // immutable, shared by engines
std::shared_ptr<const OpProgram> lower(const Graph& graph, const TargetSpec& spec, InstructionSet set = best_instruction_set());

struct OpProgramSize {
  std::size_t instructions = 0;  // run by a log density, factors included
  std::size_t values = 0;        // scalars computed, inputs included, constants not
  std::size_t logs = 0;          // logarithms, exponentials and the like, a lane each
  std::size_t bytes = 0;         // of the arenas, indices and instructions
};
OpProgramSize size_of(const OpProgram& program);

// One per chain; not thread safe.
class Engine {
 public:
  explicit Engine(std::shared_ptr<const OpProgram> program);
  ~Engine();
  Engine(Engine&&) noexcept;
  Engine& operator=(Engine&&) noexcept;

  int dimension() const;  // inputs
  // Log density at q [dimension] and, where gradient is not empty, its gradient [dimension]. -infinity outside the support.
  double log_density(std::span<const double> q, std::span<double> gradient = {});
  // Forward pass only, then out[i] = value of spec.outputs[i].
  void outputs(std::span<const double> q, std::span<double> out);
  // After log_density: true if the last value was finite.
  bool finite() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// The slow obvious form of the same thing, for tests: interprets the graph node by node with the scalar forms of op.h and
// densities.h.
double reference_log_density(const Graph& graph, const TargetSpec& spec, std::span<const double> q, std::span<double> gradient);

}  // namespace tenfold::hmc_marg
