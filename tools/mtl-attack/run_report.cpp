#include "mtl-attack/run_report.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include <fmt/format.h>

#include "mtl-attack/attack_charts.h"
#include "mtl-attack/eps.h"
#include "mtl-attack/headline.h"
#include "mtl-attack/pictures.h"
#include "mtl-attack/quantise.h"
#include "report/report.h"
#include "report/text_table.h"

namespace tenfold::mtl_attack {
namespace {

double number(const Json& value) { return value.is_number() ? value.get<double>() : std::nan(""); }

std::string short_text(const Json& value, int digits = 3) {
  return value.is_number() ? report::number_text(value.get<double>(), digits) : "-";
}

std::string cell_label(const Json& cell) {
  const std::string attack = cell["attack"].get<std::string>();
  return attack == "fgsm" ? attack : attack + "-" + cell["steps"].dump();
}

report::Table damage_table(const Json& cells, const std::vector<std::string>& tasks) {
  report::Table table{.title = "Damage, by attack, budget and rule",
                      .columns = {"attack", "eps", "rule", "J [95 %]", "least hurt"},
                      .rows = {},
                      .caption =
                          "eps: greatest change of a pixel in grey levels of 255. J: mean over tasks and images of the relative "
                          "loss change, of the stored 8-bit images; 1 means that losses doubled. Then each task's own relative "
                          "loss change, and the mean relative change of the metrics (negative: worse). Least hurt: the mean over "
                          "images of the task that suffered least. After/before: J of "
                          "the file over J before rounding to 8 bits."};
  for (const std::string& task : tasks) table.columns.push_back(task);
  table.columns.insert(table.columns.end(), {"metrics", "after/before"});
  for (const Json& cell : cells) {
    std::vector<std::string> row = {cell_label(cell), short_text(cell["eps_levels"]), cell["rule"].get<std::string>(),
                                    estimate_text(number(cell["J_mean"]), cell["J_ci95"]), short_text(cell["J_min_task_mean"])};
    for (const std::string& task : tasks) row.push_back(short_text(cell["tasks"][task]["rel_change_mean"]));
    row.push_back(cell["avg_metric_change"].is_number() ? fmt::format("{:+.1f} %", 100 * number(cell["avg_metric_change"]))
                                                        : "-");
    const double ratio = number(cell["J_mean"]) / number(cell["J_before_png"]);
    row.push_back(std::isfinite(ratio) ? fmt::format("{:.3f}", ratio) : "-");
    table.rows.push_back(std::move(row));
  }
  std::stable_sort(table.rows.begin(), table.rows.end(),
                   [](const auto& a, const auto& b) { return a[0] != b[0] ? a[0] < b[0] : std::stod(a[1]) < std::stod(b[1]); });
  return table;
}

report::Table pair_table(const Json& pairs) {
  report::Table table{.title = "Rules compared on the same images",
                      .columns = {"attack", "eps", "comparison", "difference of J [95 %]", "images", "verdict"},
                      .rows = {},
                      .caption = "Paired by image; an interval that holds 0 shows no difference."};
  for (const Json& pair : pairs)
    table.rows.push_back({pair["attack"].get<std::string>(), short_text(pair["eps_levels"]),
                          pair["a"].get<std::string>() + " - " + pair["b"].get<std::string>(),
                          estimate_text(number(pair["diff_mean"]), pair["diff_ci95"]), pair["n"].dump(),
                          pair["verdict"].get<std::string>()});
  return table;
}

// Each task's metrics on the clean images and under the attack that harms most.
report::Table metric_table(const Json& clean, const Json& cell, const std::vector<std::string>& tasks) {
  report::Table table{.title = fmt::format("What the outputs are worth: clean, and under {} with {} at {} grey levels",
                                           cell["rule"].get<std::string>(), cell_label(cell), short_text(cell["eps_levels"])),
                      .columns = {"task", "metric", "clean", "attacked"},
                      .rows = {}};
  for (const std::string& task : tasks)
    for (const auto& [name, value] : clean["metrics"][task].items())
      table.rows.push_back({task, name, short_text(value, 4), short_text(cell["tasks"][task]["metrics_adv"][name], 4)});
  return table;
}

const Json* strongest(const Json& cells) {
  const Json* best = nullptr;
  for (const Json& cell : cells)
    if (cell["J_mean"].is_number() && (!best || number(cell["J_mean"]) > number((*best)["J_mean"]))) best = &cell;
  return best;
}

std::string answer_of(const Json& value, const std::vector<CellOutcome>& outcomes, const std::vector<std::string>& tasks,
                      std::uint64_t seed) {
  const Json* best = strongest(value["cells"]);
  if (!best) return "No image could be attacked.";
  std::string out = cell_sentence(outcomes[static_cast<std::size_t>(best - &value["cells"][0])], *best, tasks, seed);
  int more = 0, less = 0, none = 0;
  for (const Json& pair : value["pairs"]) {
    if (pair["a"] != "gb") continue;
    const std::string verdict = pair["verdict"].get<std::string>();
    (verdict == "no difference shown" ? none : verdict.find(" > ") != std::string::npos ? more : less) += 1;
  }
  if (more + less + none > 0)
    out += fmt::format(
        " The gradient-balanced rule gb does more damage than {} in {} of {} comparisons, less in {}; in {} no difference is "
        "shown.",
        value["pairs"][0]["b"].get<std::string>(), more, more + less + none, less, none);
  return out;
}

// clean | adversarial | 10 x difference | predictions, of the first few images of one cell.

void add_row(PictureGrid& grid, const std::vector<mtl::Task>& tasks, const CleanBatch& batch, const StoredImage& stored,
             const std::vector<Prediction>& before, const std::vector<Prediction>& after) {
  const Prepared& image = batch.images[0];
  const ImageSize size = size_of(image.sample.image);
  const std::string id = image.sample.id;
  std::vector<std::string> clean_row = {picture(image.bytes, size), ""},
                           adversarial_row = {picture(stored.bytes, size), difference_picture(stored.bytes, image.bytes, size)};
  for (std::size_t t = 0; t < tasks.size(); ++t) {
    if (!tasks[t].is_map()) continue;
    const Range range = prediction_range(before[t]);
    clean_row.push_back(prediction_picture(tasks[t], before[t], range.low, range.high));
    adversarial_row.push_back(prediction_picture(tasks[t], after[t], range.low, range.high));
  }
  grid.rows.insert(grid.rows.end(), {id + " clean", id + " attacked"});
  grid.png.push_back(std::move(clean_row));
  grid.png.push_back(std::move(adversarial_row));
}

report::Chart picture_chart(const Scene& scene, const CleanPass& clean, const CellOutcome& outcome, const CellSettings& settings,
                            cli::Run& run) {
  constexpr std::size_t kImages = 3;
  const std::vector<mtl::Task>& tasks = scene.victim->tasks();
  PictureGrid grid{
      .name = "pictures",
      .title = fmt::format("What the attack does: {} with {} at {} grey levels", outcome.cell.plan.rule.name,
                           name_of(outcome.cell.plan.attack), levels_text(outcome.cell.plan.eps)),
      .caption =
          "By pairs of rows: the image and what the network makes of it, clean and attacked. The second column shows "
          "what was added, ten times enlarged round grey.",
      .columns = {"image", "10 x added"},
      .rows = {},
      .png = {},
      .width = 160,
      .height = 120};
  for (const mtl::Task& task : tasks)
    if (task.is_map()) grid.columns.push_back(task.name);
  for (std::size_t k = 0; k < std::min({kImages, clean.attacked.size(), settings.save}) && run.directory(); ++k) {
    if (!outcome.records[k].failure.empty()) continue;
    CleanBatch batch = load_batch(scene, *scene.victim, {clean.attacked[k]}, settings.floats);
    const std::string file = adversarial_path(outcome.cell.name, batch.images[0].sample.id, settings.floats);
    const StoredImage stored = read_stored(run.directory()->path() / file, batch.images[0], settings.floats);
    std::vector<std::vector<Prediction>> before, after;
    batch.oracle->losses(batch.images[0].sample.image.values, &before);
    batch.oracle->losses(stored.values, &after);
    grid.height = grid.width * batch.images[0].sample.image.height / std::max(batch.images[0].sample.image.width, 1);
    add_row(grid, tasks, batch, stored, before[0], after[0]);
  }
  return picture_grid(grid);
}

std::string summary_line(const Json& value) {
  const Json& model = value["model"];
  return fmt::format("{}: {} parameters; {} images of {}\n", model["path"].get<std::string>(), model["params"].dump(),
                     value["cells"][0]["n"].dump(), value["data"]["spec"].get<std::string>());
}

}  // namespace

void add_run_report(cli::Result& result, const Scene& scene, const CleanPass& clean, const std::vector<CellOutcome>& outcomes,
                    const CellSettings& settings, cli::Run& run) {
  const Json& value = result.value;
  const report::Table damage = damage_table(value["cells"], scene.tasks);
  result.asked =
      "How much can images be made to harm all tasks of the network at once, when no pixel may change by more than eps? A rule "
      "says how the tasks' gradients become one direction; an attack says how often it is followed.";
  result.answer = answer_of(value, outcomes, scene.tasks, run.seed());
  result.tables.push_back(damage);
  result.human = summary_line(value) + "\n" + report::table_text(damage, 3);
  if (!value["pairs"].empty()) {
    result.tables.push_back(pair_table(value["pairs"]));
    result.human += "\n" + report::table_text(result.tables.back(), 3);
  }
  result.human += "\n" + result.answer + "\n";
  const Json* best = strongest(value["cells"]);
  if (best) result.tables.push_back(metric_table(value["clean"], *best, scene.tasks));
  result.charts = damage_charts(value["cells"]);
  for (report::Chart& chart : task_heat_maps(value["cells"], scene.tasks)) result.charts.push_back(std::move(chart));
  if (!best) return;
  const auto index = static_cast<std::size_t>(best - &value["cells"][0]);
  if (settings.save > 0 && run.directory()) result.charts.push_back(picture_chart(scene, clean, outcomes[index], settings, run));
}

}  // namespace tenfold::mtl_attack
