// hmc-marg exact.
#include "hmc-marg/exact_command.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <utility>

#include <fmt/format.h>

#include "base/error.h"
#include "data/json_reader.h"
#include "hmc-marg/chain_files.h"
#include "hmc-marg/exact.h"
#include "hmc-marg/exact_against.h"
#include "hmc-marg/exact_grid.h"
#include "hmc-marg/exact_plan.h"
#include "hmc-marg/explain.h"
#include "report/text_table.h"

namespace tenfold::hmc_marg {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kDrawsPlaced = 2000;  // of a run, that are looked for in the region integrated

Json number(double x) { return std::isfinite(x) ? Json(x) : Json(nullptr); }
Json number(const std::optional<double>& x) { return x ? number(*x) : Json(nullptr); }

std::string string_at(const data::JsonValue& json, const char* object, const char* key) {
  const data::JsonValue* result = json.find("result");
  const data::JsonValue* inner = result && result->is_object() ? result->find(object) : nullptr;
  const data::JsonValue* value = inner && inner->is_object() ? inner->find(key) : nullptr;
  return value && value->is_string() ? std::string(value->string()) : std::string();
}

// rb_mean and rb_mcse of a run's summary, as far as it has them.
ConditionalMeans conditional_means(const data::JsonValue& json) {
  ConditionalMeans out;
  const data::JsonValue* result = json.find("result");
  const data::JsonValue* rows = result && result->is_object() ? result->find("summary") : nullptr;
  if (!rows || !rows->is_array()) return out;
  for (const data::JsonValue& row : rows->array()) {
    if (!row.is_object()) continue;
    const data::JsonValue *name = row.find("name"), *mean = row.find("rb_mean"), *mcse = row.find("rb_mcse");
    const std::optional<double> m = mean ? mean->real() : std::nullopt, e = mcse ? mcse->real() : std::nullopt;
    if (name && name->is_string() && m && e) out[std::string(name->string())] = {*m, *e};
  }
  return out;
}

struct RunToGrade {
  ChainFiles chains;
  ConditionalMeans conditional_means;
};

// The chains of a finished run of this very program and data.
RunToGrade read_run(const std::string& folder, const Model& model, const Marginal& marginal, cli::Run& run) {
  const std::string result_file = (fs::path(folder) / "result.json").string();
  if (!fs::is_directory(folder)) input_error(fmt::format("{}: no such folder; give the run directory of `sample`", folder));
  if (!fs::exists(result_file))
    input_error(
        fmt::format("{}: no result.json; give the run directory of a `sample` that ended, or end it by --resume", folder));
  const data::JsonValue json = data::read_json(result_file);
  const auto check = [&](const char* what, const std::string& file, const std::string& sha256) {
    const std::string theirs = string_at(json, what, "sha256");
    if (theirs != sha256)
      input_error(fmt::format("{}: a run of another {}: {} here is {} (sha256 {:.12}), there {} (sha256 {:.12})", result_file,
                              what[0] == 'm' ? "program" : "data set", what, file.empty() ? "none" : file,
                              sha256.empty() ? "-" : sha256, string_at(json, what, "file"), theirs.empty() ? "-" : theirs));
  };
  check("model", model.source.program_file, model.source.program_sha256);
  check("data", model.source.data_file, model.source.data_sha256);
  std::vector<std::string> files;
  for (int id = 1;; ++id) {
    const fs::path file = fs::path(folder) / fmt::format("chains/chain-{}.csv", id);
    if (!fs::exists(file)) break;
    files.push_back(file.string());
  }
  if (files.empty()) input_error(fmt::format("{}: no chains/chain-1.csv", folder));
  ChainFiles chains = read_chain_files(files, run);
  for (const Column& column : draw_columns(model, marginal))
    if (std::find(chains.draws.names.begin(), chains.draws.names.end(), column.name) == chains.draws.names.end())
      input_error(fmt::format("{}: no column {}, which the program has", files.front(), column.name));
  return {std::move(chains), conditional_means(json)};
}

Json quantities_json(const std::vector<ExactQuantity>& quantities, const std::vector<Grade>& grades) {
  Json out = Json::array();
  for (std::size_t i = 0; i < quantities.size(); ++i) {
    const ExactQuantity& q = quantities[i];
    const Grade g = grades.empty() ? Grade{} : grades[i];
    out.push_back({{"name", q.name},
                   {"kind", name_of(q.kind)},
                   {"scale", q.unconstrained ? "unconstrained" : "constrained"},
                   {"mean", number(q.mean)},
                   {"sd", number(q.sd)},
                   {"q5", number(q.q5)},
                   {"q50", number(q.q50)},
                   {"q95", number(q.q95)},
                   {"z", number(g.mean)},
                   {"z_sd", number(g.sd)},
                   {"z_q5", number(g.q5)},
                   {"z_q50", number(g.q50)},
                   {"z_q95", number(g.q95)},
                   {"z_rb_mean", number(g.rb_mean)}});
  }
  return out;
}

report::Table quantities_table(const std::vector<ExactQuantity>& quantities, const std::vector<Grade>& grades) {
  const auto cell = [](double x, int digits) { return std::isfinite(x) ? report::number_text(x, digits) : std::string("-"); };
  report::Table table;
  table.title = "Exact posterior";
  table.columns = {"", "kind", "mean", "sd", "5 %", "50 %", "95 %"};
  const bool conditional = std::any_of(grades.begin(), grades.end(), [](const Grade& g) { return std::isfinite(g.rb_mean); });
  if (!grades.empty()) table.columns.insert(table.columns.end(), {"z mean", "z sd", "z 50 %"});
  if (conditional) table.columns.emplace_back("z RB mean");
  for (std::size_t i = 0; i < quantities.size(); ++i) {
    const ExactQuantity& q = quantities[i];
    table.rows.push_back({q.name, q.unconstrained ? "unconstrained" : name_of(q.kind), cell(q.mean, 6), cell(q.sd, 6),
                          cell(q.q5, 6), cell(q.q50, 6), cell(q.q95, 6)});
    const auto put = [&](double z) { table.rows.back().push_back(std::isfinite(z) ? fmt::format("{:.2f}", z) : "-"); };
    if (!grades.empty())
      for (const double z : {grades[i].mean, grades[i].sd, grades[i].q50}) put(z);
    if (conditional) put(grades[i].rb_mean);
  }
  return table;
}

std::string verdict_text(const Verdict& v, const ChainDraws& draws) {
  const std::string sample = fmt::format("{} chains of {} draws, {} z-scores", draws.chains.size(), draws.rows(), v.compared);
  if (v.compared == 0) return "nothing to compare: no column of the run has an exact value";
  return v.difference_shown
             ? fmt::format("the draws differ: {} is off by {:.2f} standard errors, beyond {:.2f} ({})", v.worst, v.max_abs_z,
                           v.limit, sample)
             : fmt::format("no difference shown: the largest |z| is {:.2f}, below {:.2f} ({})", v.max_abs_z, v.limit, sample);
}

}  // namespace

void describe(ExactCommandOptions& o, cli::OptionTable& table) {
  describe_model(o.model, table);
  describe_plan(o.plan, table);
  table.add("--against", o.against, "grade the chains of this run directory: z-scores of means, deviations and quantiles")
      .value_name("RUN");
}

cli::Result exact(const ExactCommandOptions& options, cli::Run& run) {
  Model model = load(options.model, run.seed());
  const Marginal marginal = exact_plan(model, options.plan, run);
  std::optional<RunToGrade> graded;
  if (!options.against.empty()) graded = read_run(options.against, model, marginal, run);
  std::vector<std::vector<double>> draws_at;
  if (graded && marginal.target.inputs.size() <= kMaxExactDimensions)
    draws_at = free_draws(model, marginal, graded->chains.draws, kDrawsPlaced);
  const ExactResult result = integrate(model, marginal, {}, run, draws_at);
  std::vector<Grade> grades;
  if (graded) grades = grade(model, result, graded->chains.draws, run.threads(), graded->conditional_means);
  const Dimensions dims = dimensions(model.graph, marginal);

  cli::Result out;
  out.value = {{"model", {{"file", model.source.program_file}, {"sha256", model.source.program_sha256}}},
               {"dims", {{"joint", dims.joint}, {"sampled", dims.sampled}, {"eliminated", dims.eliminated}}},
               {"log_evidence", number(result.log_evidence)},
               {"log_evidence_normalised", number(result.log_evidence_normalised)},
               {"error", result.error},
               {"points", result.points},
               {"step", result.step},
               {"quantities", quantities_json(result.quantities, grades)},
               {"left_out", result.left_out},
               {"against", nullptr}};
  out.tables.push_back(quantities_table(result.quantities, grades));
  out.human = report::table_text(out.tables.back(), 2);
  const auto shown = [](const std::optional<double>& x) { return x ? fmt::format("{:.10g}", *x) : std::string("none"); };
  out.human += fmt::format("log evidence {}, with normalised priors {}; {} points, error {:.1e}\n", shown(result.log_evidence),
                           shown(result.log_evidence_normalised), result.points, result.error);
  if (!result.left_out.empty())
    out.human +=
        fmt::format("{} columns depend on eliminated parameters or are generated: no exact value\n", result.left_out.size());
  if (graded) {
    const ChainDraws& draws = graded->chains.draws;
    const Verdict v = judge(result, grades);
    out.answer = verdict_text(v, draws);
    if (result.draws_outside > 0) {
      const std::string outside = fmt::format(
          "{} of {} draws lie outside of the region integrated: a mode is missed, or the draws are not of this posterior",
          result.draws_outside, draws_at.size());
      run.warn(outside);
      out.answer += "; " + outside;
    }
    out.human += out.answer + "\n";
    out.value["against"] = {{"run", options.against},
                            {"chains", draws.chains.size()},
                            {"draws", draws.rows()},
                            {"compared", v.compared},
                            {"max_abs_z", number(v.max_abs_z)},
                            {"worst", v.worst.empty() ? Json(nullptr) : Json(v.worst)},
                            {"limit", number(v.limit)},
                            {"difference_shown", v.difference_shown},
                            {"placed", draws_at.size()},
                            {"outside", result.draws_outside}};
  }
  return out;
}

}  // namespace tenfold::hmc_marg
