// What tests of whole programs share: a program bound to its data, its joint target, points to evaluate it at.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/files.h"
#include "data/json_reader.h"
#include "hmc-marg/data_binding.h"
#include "hmc-marg/evaluate.h"
#include "hmc-marg/op_program.h"

namespace tenfold::hmc_marg::testing {

struct BoundModel {
  Program program;
  std::shared_ptr<const BoundData> data;
  FactorGraph graph;
};

inline std::shared_ptr<BoundModel> bound_model(const std::string& text, const std::string& json, EvaluationLimits limits = {}) {
  auto model = std::make_shared<BoundModel>();
  model->program = parse_program(text, "m.stan");
  const data::JsonValue values = data::parse_json(json, "d.json");
  model->data = bind_data(model->program, &values, "d.json", 1, limits);
  model->graph = build_factor_graph(model->program, *model->data, limits);
  return model;
}

inline std::shared_ptr<BoundModel> bind_files(const std::filesystem::path& program, const std::filesystem::path& json) {
  auto model = std::make_shared<BoundModel>();
  model->program = parse_program(read_file(program), program.filename().string());
  const data::JsonValue values = data::read_json(json);
  model->data = bind_data(model->program, &values, json.filename().string(), 1);
  model->graph = build_factor_graph(model->program, *model->data);
  return model;
}

// The program's own density on the unconstrained scale, Jacobians included, in full form.
inline TargetSpec joint(const FactorGraph& model) {
  TargetSpec spec;
  for (const Parameter& p : model.parameters) {
    for (std::uint32_t i = 0; i < p.free_size; ++i) spec.inputs.push_back(p.free_first + i);
    for (const Slot slot : p.log_jacobian) spec.terms.push_back({slot, 1, 0});
  }
  for (const Factor& factor : model.factors) spec.densities.push_back({factor.node, {}});
  spec.terms.insert(spec.terms.end(), model.terms.begin(), model.terms.end());
  for (const BoundCheck& check : model.bound_checks) spec.nonnegative.push_back(check.difference);
  spec.constant = model.constant;
  return spec;
}

// The points of `hmc-marg grad --at 0|1|2`.
inline std::vector<double> point(int which, int size) {
  std::vector<double> q(static_cast<std::size_t>(size), 0.0);
  for (int i = 0; i < size; ++i) {
    if (which == 0) q[static_cast<std::size_t>(i)] = 0.1 + 0.05 * (i % 7) - 0.15 * (i % 3);
    if (which == 1) q[static_cast<std::size_t>(i)] = 0.02 * ((i % 5) - 2);
  }
  return q;
}

}  // namespace tenfold::hmc_marg::testing
