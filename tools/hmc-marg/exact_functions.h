// The scalars whose moments `exact` gives, as functions of the kept parameters: constrained values, transformed parameters that
// depend on kept parameters alone, and the conditional means and variances of the eliminated scalars.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "hmc-marg/draw_columns.h"
#include "hmc-marg/model.h"
#include "hmc-marg/op_program.h"
#include "hmc-marg/plan.h"
#include "hmc-marg/recover.h"
#include "hmc-marg/scalar_conditional.h"

namespace tenfold::hmc_marg {

// One name of the result and its place among [functions | unconstrained coordinates | eliminated scalars].
struct ScalarName {
  std::string name;
  ColumnKind kind = ColumnKind::sampled;
  bool unconstrained = false;
  std::size_t place = 0;
};

// Evaluates at one point after the other; one a thread.
class PointFunctions {
 public:
  PointFunctions(std::shared_ptr<const OpProgram> program, std::vector<double> numbers, std::vector<std::uint32_t> places,
                 std::size_t kept, std::unique_ptr<Recovery> recovery, std::span<const ScalarConditional> conditionals);

  // values [functions]
  void functions(std::span<const double> q, std::span<double> values);
  // The same, and mean and variance of the eliminated scalars given q. False where they have no conditional.
  bool evaluate(std::span<const double> q, std::span<double> values, std::span<double> mean, std::span<double> variance);
  // After evaluate: the two parameters of an eliminated scalar's conditional, as Mixture takes them.
  std::pair<double, double> conditional(std::size_t eliminated, double mean, double variance);

 private:
  std::unique_ptr<Engine> engine_;  // null: all numbers are known
  std::vector<double> numbers_;
  std::vector<std::uint32_t> places_;  // among the engine's outputs; kKnown: the number
  std::size_t kept_;
  std::unique_ptr<Recovery> recovery_;
  std::span<const ScalarConditional> conditionals_;
  std::vector<double> outputs_;
};

class ExactFunctions {
 public:
  ExactFunctions(const Model& model, const Marginal& marginal);
  std::size_t size() const { return numbers_.size(); }
  std::size_t eliminated() const { return eliminated_; }
  unsigned axes(std::size_t function) const { return axes_[function]; }  // bit a: it depends on coordinate a
  const std::vector<ScalarName>& order() const { return order_; }         // of the result
  const std::vector<std::string>& left_out() const { return left_out_; }
  MixtureFamily family(std::size_t eliminated) const { return conditionals_[eliminated].family; }
  PointFunctions evaluator() const;  // lives no longer than this

 private:
  void add(const Value& value, std::size_t i, const std::vector<std::uint8_t>& reach);

  const Model& model_;
  const Marginal& marginal_;
  std::vector<double> numbers_;         // [functions]
  std::vector<std::uint32_t> places_;   // [functions]
  std::vector<unsigned> axes_;          // [functions]
  std::vector<Slot> outputs_;
  std::size_t kept_ = 0, eliminated_ = 0;
  std::vector<ScalarConditional> conditionals_;  // [eliminated]
  std::vector<ScalarName> order_;
  std::vector<std::string> left_out_;
  std::shared_ptr<const OpProgram> program_;
};

}  // namespace tenfold::hmc_marg
