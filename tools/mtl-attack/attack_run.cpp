#include "mtl-attack/attack_run.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include <fmt/format.h>

#include "base/error.h"
#include "base/files.h"
#include "cli/state.h"
#include "mtl-attack/cell_run.h"
#include "mtl-attack/run_report.h"
#include "mtl-attack/scene.h"
#include "mtl-attack/summary.h"

namespace tenfold::mtl_attack {
namespace {

namespace fs = std::filesystem;

// What the log of an interrupted run holds, by cell and id.
struct Done {
  std::map<std::string, Json> clean;
  std::map<std::string, std::map<std::string, ImageRecord>> cells;
};

Done read_done(cli::Run& run, const std::vector<std::string>& tasks) {
  Done done;
  if (!run.resume_from()) return done;
  const fs::path log = run.directory()->path() / "log.jsonl";
  if (!fs::exists(log)) return done;
  for (LoggedLine& line : parse_log(read_file(log), log.string())) {
    if (line.cell == "clean") {
      const std::string id = line.value.at("id").get<std::string>();
      done.clean[id] = std::move(line.value);
    } else {
      ImageRecord record = record_from_json(line.value, tasks, log.string());
      done.cells[line.cell][record.id] = std::move(record);
    }
  }
  return done;
}

// A task that no image has is left out of everything, and cannot be attacked by itself.
void check_tasks(const Scene& scene, const CleanPass& clean, const std::vector<Cell>& cells, cli::Run& run) {
  for (std::size_t t = 0; t < scene.tasks.size(); ++t) {
    if (clean.absent[t] < static_cast<std::int64_t>(clean.attacked.size())) continue;
    for (const Cell& cell : cells)
      if (cell.plan.rule.kind == RuleKind::single && cell.plan.rule.task == static_cast<int>(t))
        input_error(
            fmt::format("--rule {}: no image of {} has a valid label of this task", cell.plan.rule.name, scene.data->spec()));
    run.warn(fmt::format("task {}: no image has a valid label; it counts for nothing", scene.tasks[t]));
  }
}

CellSettings settings_of(const RunOptions& options, const cli::Run& run) {
  return {.start = {.restarts = options.attack.restarts,
                    .random = options.attack.random_start,
                    .seed = run.seed(),
                    .as_floats = options.attack.floats},
          .batch = batch_size(options.batch),
          .floats = options.attack.floats,
          .save = saved_images(options.save_adv)};
}

void warn_of_gaps(const std::vector<CellOutcome>& outcomes, cli::Run& run) {
  for (const CellOutcome& outcome : outcomes) {
    std::size_t unconverged = 0;
    for (const ImageRecord& record : outcome.records) unconverged += record.failure.empty() && !record.dual_converged ? 1 : 0;
    if (unconverged > 0)
      run.warn(fmt::format("{}: on {} images the dual ended with a gap above 1e-7; run audit to see it", outcome.cell.name,
                           unconverged));
  }
}

}  // namespace

cli::Result attack_run(const RunOptions& options, cli::Run& run) {
  refuse_cuda(run.device());
  const CellSettings settings = settings_of(options, run);
  const Scene scene = open_scene(options.model, options.victim);
  const std::vector<Cell> cells = make_cells(options.attack, options.trace, scene.tasks);
  if (options.baseline != "total") (void)parse_rule(options.baseline, scene.tasks);
  check_gradients(scene);
  const Done done = read_done(run, scene.tasks);
  const CleanPass clean = clean_pass(scene,
                                     {.loss_floor = options.attack.loss_floor,
                                      .limit = static_cast<std::size_t>(options.limit),
                                      .floats = options.attack.floats,
                                      .store = true},
                                     done.clean, run);
  check_tasks(scene, clean, cells, run);
  std::vector<CellOutcome> outcomes;
  CellProgress progress{0, static_cast<double>(cells.size() * clean.attacked.size())};
  for (const Cell& cell : cells) {
    const auto known = done.cells.find(cell.name);
    outcomes.push_back(run_cell(scene, cell, clean, settings,
                                known == done.cells.end() ? std::map<std::string, ImageRecord>() : known->second, progress, run));
  }
  const std::vector<mtl::Fault> faults = all_faults(clean, outcomes);
  warn_of_gaps(outcomes, run);
  for (const mtl::Fault& fault : faults) run.warn(fault.item + ": " + fault.reason);

  cli::Result result;
  Json cell_list = Json::array();
  for (const CellOutcome& outcome : outcomes) cell_list.push_back(cell_json(outcome, clean, scene.tasks, run.seed()));
  const std::string baseline = options.baseline == "total" ? "total" : parse_rule(options.baseline, scene.tasks).name;
  result.value = {{"model", model_json(scene.victim->facts())},
                  {"data", data_json(*scene.data)},
                  {"clean", clean_json(clean, scene.tasks)},
                  {"cells", std::move(cell_list)},
                  {"pairs", pairs_json(outcomes, baseline, run.seed())},
                  {"faults", faults_json(faults)}};
  add_run_report(result, scene, clean, outcomes, settings, run);
  if (!faults.empty()) result.exit_code = static_cast<int>(ExitCode::input);
  return result;
}

}  // namespace tenfold::mtl_attack
