// Evaluation of a Stan program: with data alone it becomes a factor graph; with data and one draw, the generated quantities.
// One interpreter for both: a scalar is a known number or a slot of the graph, and an operation on known numbers is done at once.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "data/json_reader.h"
#include "hmc-marg/ast.h"
#include "hmc-marg/factor_graph.h"

namespace tenfold {
class PhiloxStream;
}

namespace tenfold::hmc_marg {

// Data variables, checked against their declarations, and transformed data. Immutable; shared by all later evaluations.
struct BoundData;

// What ends a program that would not end, or would not fit.
struct EvaluationLimits {
  // Executed ones, loops unrolled. A statement of a scalar loop takes 10 to 35 ns, so that an endless one is refused within ten
  // seconds.
  std::uint64_t statements = 200'000'000;
  std::uint64_t scalars = 100'000'000;  // in one variable
};

// Reads the data block's variables from CmdStan JSON (null: no data given, fine if none is declared) and runs transformed data
// (its _rng functions use `seed`). Throws Error(input): missing, wrong shape, fraction for an int, bound violated, NaN refused.
std::shared_ptr<const BoundData> bind_data(const Program& program, const data::JsonValue* json, const std::string& file,
                                           std::uint64_t seed, EvaluationLimits limits = {});

// Partial evaluation of parameters, transformed parameters and model. Throws Error(input) at LINE:COL for what cannot be
// evaluated (index out of range, size mismatch, a condition, bound or index that depends on a parameter), Error(infeasible) for a
// reachable reject.
FactorGraph build_factor_graph(const Program& program, const BoundData& data, EvaluationLimits limits = {});

// Runs the generated quantities block for single draws. Not thread safe; make one a thread.
class GeneratedQuantities {
 public:
  GeneratedQuantities(const Program& program, std::shared_ptr<const BoundData> data, const FactorGraph& graph);
  ~GeneratedQuantities();
  // Scalars of parameters and transformed parameters in declaration order and value.h's layout -> scalars of generated quantities
  // alike. A reject or domain error makes all of them NaN and returns false. Throws Error(input) where the limit of statements is
  // exceeded.
  bool evaluate(std::span<const double> parameters, std::span<const double> transformed, PhiloxStream& random,
                std::span<double> out);
  std::size_t size() const;
  const std::string& fault() const;  // why the last evaluate returned false

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Constrained values (JSON by parameter name; names in `optional` may be missing, their free scalars are then left as they are)
// -> free vector. Throws Error(input): missing, wrong shape, outside the constraint.
void unconstrain(const FactorGraph& graph, const data::JsonValue& json, const std::string& file,
                 std::span<const std::string> optional, std::span<double> free);
// The same from values by parameter, known numbers of the declared shapes.
void unconstrain(const FactorGraph& graph, std::span<const Value> values, std::span<double> free);

// CSV column names of a variable: "x", "x.1", "x.2.1" (first index fastest), and for each column the scalar's place in value.h's
// layout.
struct Columns {
  std::vector<std::string> names;
  std::vector<std::uint32_t> place;
};
Columns columns_of(const std::string& name, const Type& type, std::span<const int> dims);

}  // namespace tenfold::hmc_marg
