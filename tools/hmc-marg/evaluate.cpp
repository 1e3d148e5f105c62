// Partial evaluation: parameters become transforms of free scalars, transformed parameters and model run on slots.
#include "hmc-marg/evaluate.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "hmc-marg/data_binding.h"
#include "hmc-marg/evaluate_target.h"
#include "hmc-marg/transforms.h"

namespace tenfold::hmc_marg {
namespace {

class ModelBuilder {
 public:
  ModelBuilder(const Program& program, const BoundData& data, EvaluationLimits limits)
      : program_(program), interpreter_(program, data.calls, &model_.graph, nullptr, limits) {
    model_.graph.set_file(program.file);
    lend_data(interpreter_, data);
  }

  FactorGraph build() {
    for (const StmtPtr& statement : program_.block(BlockKind::parameters)) parameter(statement->declaration);
    const auto& transformed = program_.block(BlockKind::transformed_parameters);
    interpreter_.run(transformed);
    for (const StmtPtr& statement : transformed) {
      if (statement->kind == StmtKind::declare) check_bounds(statement->declaration);
    }
    interpreter_.run(program_.block(BlockKind::model));
    for (const Slot slot : interpreter_.target().nonnegative)
      model_.bound_checks.push_back({slot, "truncation", model_.graph.nodes()[model_.graph.node_of(slot)].line, true});
    flatten_target(interpreter_.target(), model_);
    outputs(BlockKind::transformed_parameters);
    outputs(BlockKind::generated_quantities);
    return std::move(model_);
  }

 private:
  // A bound, offset or multiplier: a scalar or as many as the parameter has.
  Value modifier(const ExprPtr& e, const Parameter& p) {
    if (!e) return {};
    Value value = interpreter_.evaluate(*e);
    if (!value.dims.empty() && value.dims != p.dims) {
      interpreter_.fail(e->at, "`" + p.name + "` has size " + shape_text(p.dims) + ", but this has " + shape_text(value.dims));
    }
    return value;
  }
  static void drop_infinite(Value& bound) {
    if (bound.known() && std::all_of(bound.number.begin(), bound.number.end(), [](double x) { return std::isinf(x); }))
      bound = {};
  }

  void parameter(const Declaration& d) {
    model_.graph.set_line(d.at.line);
    Parameter p;
    p.name = d.name;
    p.at = d.at;
    p.type = d.type;
    p.dims = interpreter_.sizes(d);
    p.constraint = d.constraint;
    p.lower = modifier(d.lower, p);
    p.upper = modifier(d.upper, p);
    p.offset = modifier(d.offset, p);
    p.multiplier = modifier(d.multiplier, p);
    check(d, p);
    drop_infinite(p.lower);
    drop_infinite(p.upper);
    if (p.constraint == ConstraintKind::bounded && p.lower.size() == 0 && p.upper.size() == 0)
      p.constraint = ConstraintKind::none;
    constrain(model_.graph, p, model_.free_size);
    model_.free_size += static_cast<int>(p.free_size);
    interpreter_.cell(d.slot).value = p.value;
    model_.parameters.push_back(std::move(p));
  }

  void check(const Declaration& d, const Parameter& p) const {
    if (p.lower.known() && p.upper.known() && p.lower.size() && p.upper.size()) {
      const std::size_t n = std::max(p.lower.size(), p.upper.size());
      for (std::size_t i = 0; i < n; ++i) {
        const double lower = p.lower.number[p.lower.size() == 1 ? 0 : i], upper = p.upper.number[p.upper.size() == 1 ? 0 : i];
        if (!(lower < upper))
          interpreter_.fail(d.at, "`" + d.name + "` has lower bound " + std::to_string(lower) + " and upper bound " +
                                      std::to_string(upper) + "; no value lies between");
      }
    }
    for (const double m : p.multiplier.known() ? p.multiplier.number : std::vector<double>{}) {
      if (!(m > 0))
        interpreter_.fail(d.multiplier->at,
                          "the multiplier of `" + d.name + "` is " + std::to_string(m) + ", but must be positive");
    }
    const std::span<const int> inner = std::span(p.dims).subspan(static_cast<std::size_t>(p.type.array_rank));
    if (d.constraint == ConstraintKind::simplex && inner[0] == 0)
      interpreter_.fail(d.at, "the simplex `" + d.name + "` has size 0, but needs at least one element");
    if (d.constraint == ConstraintKind::cholesky_factor_cov && inner[0] < inner[1]) {
      interpreter_.fail(d.at, "`" + d.name + "` has " + std::to_string(inner[0]) + " rows and " + std::to_string(inner[1]) +
                                  " columns; a Cholesky factor has at least as many rows");
    }
  }

  // The density is -infinity where a transformed parameter leaves its declared bounds.
  void check_bounds(const Declaration& d) {
    if (d.constraint != ConstraintKind::bounded) return;
    model_.graph.set_line(d.at.line);
    const Value value = interpreter_.cell(d.slot).get();
    for (const bool is_lower : {true, false}) {
      const ExprPtr& e = is_lower ? d.lower : d.upper;
      if (!e) continue;
      const Value bound = interpreter_.evaluate(*e);
      if (!bound.dims.empty() && bound.dims != value.dims)
        interpreter_.fail(e->at,
                          "this bound has size " + shape_text(bound.dims) + ", `" + d.name + "` has " + shape_text(value.dims));
      for (std::size_t i = 0; i < value.size(); ++i) check_bound(d, value, i, bound, bound.size() == 1 ? 0 : i, is_lower);
    }
  }

  void check_bound(const Declaration& d, const Value& value, std::size_t i, const Value& bound, std::size_t b, bool is_lower) {
    const bool known_value = value.known() || !value.slot[i], known_bound = bound.known() || !bound.slot[b];
    if (known_bound && std::isinf(bound.number[b])) return;
    if (known_value && known_bound) {
      const auto fault = is_lower ? bound_fault(value.number[i], bound.number[b], INFINITY)
                                  : bound_fault(value.number[i], -INFINITY, bound.number[b]);
      if (fault) {
        infeasible_error(
            at_position(program_.file, static_cast<std::size_t>(d.at.line), static_cast<std::size_t>(d.at.column),
                        "`" + d.name + "` leaves its bounds whatever the parameters: " + element_text(value, i) + *fault));
      }
      return;
    }
    Slot difference = 0;
    if (is_lower && known_bound && bound.number[b] == 0) {
      difference = value.slot[i];
    } else {
      const Scalars x = one(value, i), y = one(bound, b);
      const Scalars operands[] = {is_lower ? x : y, is_lower ? y : x};
      difference = model_.graph.lane_wise(Op::sub, operands, 1);
    }
    model_.bound_checks.push_back({difference, d.name, d.at.line, false});
  }
  static Scalars one(const Value& value, std::size_t i) {
    Scalars scalar{std::span(value.number).subspan(i, 1), {}};
    if (!value.known() && value.slot[i]) scalar.slot = std::span(value.slot).subspan(i, 1);
    return scalar;
  }

  void outputs(BlockKind block) {
    for (const StmtPtr& statement : program_.block(block)) {
      if (statement->kind != StmtKind::declare) continue;
      const Declaration& d = statement->declaration;
      OutputVariable output{d.name, block, {}};
      if (block == BlockKind::transformed_parameters) {
        output.value = interpreter_.cell(d.slot).get();
      } else {
        output.value.type = d.type;
        output.value.dims = interpreter_.sizes(d);
      }
      model_.outputs.push_back(std::move(output));
    }
  }

  const Program& program_;
  FactorGraph model_;
  Interpreter interpreter_;
};

}  // namespace

FactorGraph build_factor_graph(const Program& program, const BoundData& data, EvaluationLimits limits) {
  return ModelBuilder(program, data, limits).build();
}

}  // namespace tenfold::hmc_marg
