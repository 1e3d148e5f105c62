#include "gnnbench/compare_systems.h"

#include <nlohmann/json.hpp>
#include <set>

#include <fmt/format.h>

#include "base/error.h"
#include "base/threads.h"
#include "gnnbench/compare_runs.h"
#include "gnnbench/comparison_charts.h"
#include "gnnbench/comparison_report.h"
#include "gnnbench/gnnb_store.h"
#include "gnnbench/graph_facts.h"
#include "gnnbench/load.h"
#include "gnnbench/verdicts.h"

namespace tenfold::gnnbench {
namespace fs = std::filesystem;
namespace {

constexpr const char* kData = "data.gnnb";

// Every child maps the same folder, whatever the input was. Relative to the run's folder, where the children work.
fs::path keep_data(const Dataset& data, cli::RunDirectory& directory) {
  const fs::path path = directory.path() / kData;
  if (is_gnnb(path) && open_gnnb(path, false).digest == data.digest) return kData;
  const GnnbWriter::Written written = write_gnnb(data, {.path = path, .force = true});
  for (const std::string& file : written.files) directory.claim(std::string(kData) + "/" + file);
  return kData;
}

// A part without nodes has no accuracy.
void check_parts(const Dataset& data, const Measure& measure) {
  if (data.part(measure.on).empty())
    input_error(fmt::format("{}: no {} node, which the target is about; give --split random:0.6,0.2,0.2, or another --target-on",
                            data.source, measure.on == Part::test ? "test" : "validation"));
}

// But for what was said of the data or of a plan already.
void warn_of_runs(const FinishedRuns& finished, const std::set<std::string>& said, cli::Run& run) {
  for (const auto& [text, systems] : finished.warnings) {
    if (said.contains(text)) continue;
    std::string who;
    for (const std::string& system : systems) who += (who.empty() ? "" : ", ") + system;
    run.warn(who + ": " + text);
  }
}

std::string asked(const Comparison& c, const Json& data) {
  std::string systems;
  for (const ComparedSystem& s : c.systems) systems += (systems.empty() ? "" : ", ") + s.name;
  return fmt::format("Which of {} reaches {} accuracy {} first on {} ({} nodes, {} edges, {} features, {} classes)?", systems,
                     c.measure.on == Part::test ? "test" : "validation", c.measure.target.text,
                     data.at("name").get<std::string>(), data.at("nodes").get<std::int64_t>(),
                     data.at("edges").get<std::int64_t>(), data.at("features").get<std::int64_t>(),
                     data.at("classes").get<std::int64_t>());
}

}  // namespace

cli::Result comparison_result(const Comparison& c, const Json& data) {
  cli::Result result;
  result.value = {{"data", data}};
  result.value.update(comparison_json(c));
  result.human = comparison_text(c);
  result.asked = asked(c, data);
  for (const std::string& sentence : verdicts(c)) result.answer += (result.answer.empty() ? "" : " ") + sentence;
  result.tables = comparison_tables(c);
  result.charts = comparison_charts(c);
  return result;
}

cli::Result compare_systems(const ComparisonTask& task, Dataset data, const fs::path& stored, cli::Run& run) {
  const std::vector<std::string> of_labels = label_warnings(data);  // said as the data were read
  std::set<std::string> said(of_labels.begin(), of_labels.end());
  for (const std::string& warning : require_task(data)) {
    run.warn(warning);
    said.insert(warning);
  }
  check_parts(data, task.measure);
  const ComparisonPlan plan = plan_comparison(task, data);
  for (const std::string& line : plan_lines(plan, task)) run.note(line);
  for (const PlannedSystem& system : plan.systems)
    for (const std::string& warning : system.plan.warnings) {
      run.warn(system.name + ": " + warning);
      said.insert(warning);
    }
  for (const auto& [system, why] : plan.left_out) run.warn(system + " is left out: " + why);

  const Json about = {{"name", data.name},       {"source", data.source},       {"digest", data.digest},
                      {"nodes", data.nodes()},   {"edges", data.graph.edges()}, {"features", data.features.width},
                      {"classes", data.classes}, {"split", split_json(data)}};
  // Writing begins here, and with it --force's deletion of what a former run left: before anything of that is looked at.
  run.log({{"what", "plan"}, {"runs", plan.runs.size()}});
  ChildSetting setting;
  setting.data = stored.empty() ? keep_data(data, *run.directory()) : fs::absolute(stored);
  data = Dataset();  // the children have their own
  FinishedRuns finished = run_children(plan, setting, run);
  warn_of_runs(finished, said, run);

  if (finished.records.empty()) infeasible_error("no run got to its end; the first said: " + finished.failed.front().message);
  Comparison comparison = compare_runs(std::move(finished.records), task.measure);
  comparison.failed = std::move(finished.failed);
  comparison.left_out = plan.left_out;
  const std::vector<std::string> faults = strict_faults(comparison);

  cli::Result result = comparison_result(comparison, about);
  result.value["plan"] = plan_json(plan, task);
  result.value["strict"] = {{"asked", task.strict}, {"holds", faults.empty()}, {"faults", faults}};
  if (!comparison.failed.empty())
    result.exit_code = comparison.failed.front().exit_code;
  else if (task.strict && !faults.empty())
    result.exit_code = static_cast<int>(ExitCode::check_failed);
  return result;
}

std::vector<std::string> default_systems() {
  std::vector<std::string> systems = {"sync", "ns", "labor", "cluster"};
  if (available_cores() >= 2) systems.insert(systems.begin() + 1, {"pipe@2", "bns:0.1@2"});
  return systems;
}

}  // namespace tenfold::gnnbench
