// What the tests of marginalisation share: a program with its marginal density as an engine, and a dense oracle of that density.
#pragma once

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "hmc-marg/block_system.h"
#include "hmc-marg/model_support.h"
#include "hmc-marg/op_program.h"
#include "hmc-marg/plan.h"

namespace tenfold::hmc_marg::testing {

// The largest set that can be eliminated, whatever the planner thinks of its cost.
inline PlanOptions largest() {
  PlanOptions options;
  options.marginalize = "all";
  return options;
}

struct MarginalModel {
  std::shared_ptr<BoundModel> model;
  Marginal marginal;
  std::unique_ptr<Engine> engine;

  double operator()(const std::vector<double>& q) const { return engine->log_density(q); }
  double operator()(const std::vector<double>& q, std::vector<double>& gradient) const {
    gradient.assign(q.size(), 0);
    return engine->log_density(q, gradient);
  }
};

inline MarginalModel marginal_of(std::shared_ptr<BoundModel> model, const PlanOptions& options = largest()) {
  MarginalModel out;
  out.model = std::move(model);
  out.marginal = marginalize(out.model->graph, options);
  out.engine = std::make_unique<Engine>(lower(out.model->graph.graph, out.marginal.target));
  return out;
}

inline MarginalModel marginal_of(const std::string& program, const std::string& data, const PlanOptions& options = largest()) {
  return marginal_of(testing::bound_model(program, data), options);
}

// log of the integral over the eliminated scalars, by brute force: the joint density is a quadratic in them, whose gradient (by
// the reference interpreter, at 0 and at the unit vectors) gives Hessian and mode. `kept`: free values of the kept parameters.
// Shares nothing with elimination but the list of eliminated scalars.
inline double dense_log_marginal(const MarginalModel& m, const std::vector<double>& kept) {
  const FactorGraph& model = m.model->graph;
  TargetSpec spec = joint_target(model);
  spec.inputs = m.marginal.target.inputs;
  for (const int p : m.marginal.eliminated) {
    const Parameter& parameter = model.parameters[static_cast<std::size_t>(p)];
    for (const Slot slot : parameter.log_jacobian)  // no Jacobian of the eliminated
      spec.terms.erase(std::find_if(spec.terms.begin(), spec.terms.end(), [&](const Term& t) { return t.slot == slot; }));
    spec.inputs.insert(spec.inputs.end(), parameter.value.slot.begin(), parameter.value.slot.end());
  }
  const auto k = static_cast<Eigen::Index>(kept.size());
  const auto n = static_cast<Eigen::Index>(spec.inputs.size()) - k;
  Eigen::VectorXd q = Eigen::VectorXd::Zero(k + n), gradient(k + n);
  for (Eigen::Index i = 0; i < k; ++i) q[i] = kept[static_cast<std::size_t>(i)];
  const auto at = [&] {
    return reference_log_density(model.graph, spec, {q.data(), static_cast<std::size_t>(k + n)},
                                 {gradient.data(), static_cast<std::size_t>(k + n)});
  };
  at();
  const Eigen::VectorXd origin = gradient.tail(n);
  Eigen::MatrixXd precision(n, n);
  for (Eigen::Index i = 0; i < n; ++i) {
    q[k + i] = 1;
    at();
    precision.col(i) = origin - gradient.tail(n);
    q[k + i] = 0;
  }
  const Eigen::LLT<Eigen::MatrixXd> llt(0.5 * (precision + precision.transpose()));
  q.tail(n) = llt.solve(origin);
  const double mode = at();
  q.tail(n) += llt.solve(gradient.tail(n));  // one step of refinement
  const double log_determinant = 2 * llt.matrixLLT().diagonal().array().log().sum();
  return std::max(mode, at()) + 0.5 * static_cast<double>(n) * std::log(2 * M_PI) - 0.5 * log_determinant;
}

// Largest |gradient - central difference| / max(1, |gradient|) over the coordinates.
inline double gradient_error(const MarginalModel& m, std::vector<double> q, double step = 1e-5) {
  std::vector<double> gradient;
  m(q, gradient);
  double worst = 0;
  for (std::size_t i = 0; i < q.size(); ++i) {
    const double x = q[i];
    const auto at = [&](double h) {
      q[i] = x + h;
      return m(q);
    };
    const double difference = (8 * (at(step) - at(-step)) - (at(2 * step) - at(-2 * step))) / (12 * step);
    q[i] = x;
    worst = std::max(worst, std::fabs(gradient[i] - difference) / std::max(1.0, std::fabs(gradient[i])));
  }
  return worst;
}

inline const PlanEntry& entry(const MarginalModel& m, const std::string& name) {
  for (const PlanEntry& e : m.marginal.plan)
    if (e.name == name) return e;
  throw std::runtime_error("no parameter " + name);
}

inline const char* const kSchoolsData =
    R"({"J": 8, "y": [28, 8, -3, 7, -1, 1, 18, 12], "sigma": [15, 10, 16, 11, 9, 11, 10, 18]})";

// Eight schools; `body` is the model block with what parameters it needs declared in `parameters`.
inline std::string schools_program(const std::string& parameters, const std::string& body) {
  return "data { int J; vector[J] y; vector[J] sigma; }\nparameters {\n" + parameters + "\n}\nmodel {\n" + body + "\n}\n";
}

}  // namespace tenfold::hmc_marg::testing
