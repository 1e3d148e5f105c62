// hmc-marg grad.
#include "hmc-marg/grad_command.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include <fmt/format.h>

#include "base/error.h"
#include "hmc-marg/draw_columns.h"
#include "hmc-marg/op_program.h"
#include "hmc-marg/plan_race.h"

namespace tenfold::hmc_marg {
namespace {

// "tau", "theta.3": names of the free scalars of some parameters. Where free and constrained scalars differ in number, "A.1"
// counts free ones.
std::vector<std::string> free_names(const FactorGraph& graph, const std::vector<int>& parameters) {
  std::vector<std::string> names;
  for (const int i : parameters) {
    const Parameter& p = graph.parameters[static_cast<std::size_t>(i)];
    const Columns columns = columns_of(p.name, p.value.type, p.value.dims);
    std::vector<std::string> by_place(columns.names.size());
    for (std::size_t c = 0; c < columns.names.size(); ++c) by_place[columns.place[c]] = columns.names[c];
    for (std::uint32_t k = 0; k < p.free_size; ++k)
      names.push_back(by_place.size() == p.free_size ? by_place[k] : fmt::format("{}.{}", p.name, k + 1));
  }
  return names;
}

// All unconstrained scalars; those of eliminated parameters may be missing in a file, and are then 0.
std::vector<double> point(const GradOptions& options, const FactorGraph& graph, const Marginal& marginal) {
  if (options.at == "0" || options.at == "1" || options.at == "2") return standard_point(options.at[0] - '0', graph.free_size);
  std::vector<double> q(static_cast<std::size_t>(graph.free_size));
  std::vector<std::string> optional;
  for (const int p : marginal.eliminated) optional.push_back(graph.parameters[static_cast<std::size_t>(p)].name);
  unconstrain(graph, read_values(options.at), options.at, optional, q);
  return q;
}

// Central difference with a step relative to the coordinate.
double central_difference(Engine& engine, std::vector<double> q, std::size_t i) {
  const double h = 6e-6 * std::max(1.0, std::fabs(q[i])), at = q[i];
  q[i] = at + h;
  const double up = engine.log_density(q);
  q[i] = at - h;
  const double down = engine.log_density(q);
  return (up - down) / (2 * h);
}

}  // namespace

std::vector<double> standard_point(int which, int size) {
  std::vector<double> q(static_cast<std::size_t>(size));
  for (int i = 0; i < size; ++i)
    q[static_cast<std::size_t>(i)] = which == 0 ? 0.1 + 0.05 * (i % 7) - 0.15 * (i % 3) : which == 1 ? 0.02 * ((i % 5) - 2) : 0;
  return q;
}

void describe(GradOptions& o, cli::OptionTable& table) {
  describe_model(o.model, table);
  describe_plan(o.plan, table);
  table.add("--at", o.at, "one of three fixed unconstrained points, or a JSON file of constrained values")
      .value_name("0|1|2|FILE");
  table.flag("--joint", o.joint, "the density of all parameters (the default)");
  table.flag("--marginal", o.marginal, "the density of the kept parameters");
  table.add("--propto", o.propto, "leave out what CmdStan's ~ drops");
  table.flag("--fd", o.differences, "central differences beside the gradient");
  table.flag("--columns", o.columns, "values of parameters, transformed parameters and generated quantities at the point");
}

cli::Result grad(const GradOptions& options, cli::Run& run) {
  if (options.joint && options.marginal) usage_error("--joint and --marginal exclude each other");
  Model model = load(options.model, run.seed());
  PlanOptions plan = options.plan;
  if (!options.marginal) {
    plan = {};
    plan.marginalize = "none";
    plan.keep = options.plan.keep;
  }
  const Marginal marginal = choose_plan(model, plan, run);

  const std::vector<double> all = point(options, model.graph, marginal);
  std::vector<double> q;
  for (const int i : marginal.kept) {
    const Parameter& p = model.graph.parameters[static_cast<std::size_t>(i)];
    for (std::uint32_t k = 0; k < p.free_size; ++k) q.push_back(all[static_cast<std::size_t>(p.free_index) + k]);
  }
  Engine engine(lower(model.graph.graph, marginal.target));
  std::vector<double> gradient(q.size());
  const double full = engine.log_density(q, gradient);
  const double lp = options.propto ? full - model.graph.lp_offset : full;

  cli::Result result;
  const auto number = [](double v) { return std::isfinite(v) ? Json(v) : Json(nullptr); };
  Json rows = Json::array();
  const std::vector<std::string> names = free_names(model.graph, marginal.kept);
  std::size_t width = 0;
  for (const std::string& name : names) width = std::max(width, name.size());
  result.human =
      fmt::format("{} density: {}{}\n", options.marginal ? "marginal" : "joint", lp, options.propto ? ", without constants" : "");
  if (!q.empty())
    result.human += fmt::format("{:<{}}  {:<24}{}\n", "", width, "gradient", options.differences ? "central difference" : "");
  for (std::size_t i = 0; i < q.size(); ++i) {
    Json row = {{"name", names[i]}, {"at", q[i]}, {"value", number(gradient[i])}};
    result.human += options.differences ? fmt::format("{:<{}}  {:<24}", names[i], width, gradient[i])
                                        : fmt::format("{:<{}}  {}", names[i], width, gradient[i]);
    row["fd"] = nullptr;
    if (options.differences) {
      const double fd = central_difference(engine, q, i);
      row["fd"] = number(fd);
      result.human += fmt::format("{}", fd);
    }
    result.human += "\n";
    rows.push_back(std::move(row));
  }
  result.value = {{"density", options.marginal ? "marginal" : "joint"},
                  {"lp", number(lp)},
                  {"lp_offset", model.graph.lp_offset},
                  {"gradient", rows}};
  if (options.columns) {
    DrawColumns columns(model, marginal, run.seed());
    std::vector<double> values(columns.size());
    columns.row(q, 1, 0, values);
    Json list = Json::array();
    const std::vector<Column> heads = draw_columns(model, marginal);
    for (std::size_t i = 0; i < heads.size(); ++i) {
      list.push_back({{"name", heads[i].name}, {"kind", name_of(heads[i].kind)}, {"value", number(values[i])}});
      result.human += fmt::format("{} = {}\n", heads[i].name, values[i]);
    }
    result.value["columns"] = std::move(list);
  }
  if (!std::isfinite(lp)) run.warn("the density is not finite at this point");
  return result;
}

}  // namespace tenfold::hmc_marg
