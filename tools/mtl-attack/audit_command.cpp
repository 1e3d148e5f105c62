#include "mtl-attack/audit_command.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include <fmt/format.h>

#include "base/error.h"
#include "base/files.h"
#include "mtl-attack/audit.h"
#include "mtl-attack/cell_run.h"
#include "mtl-attack/eps.h"
#include "mtl-attack/image_store.h"
#include "mtl-attack/ordered_work.h"
#include "mtl-attack/quantise.h"
#include "mtl-attack/recorded_run.h"
#include "report/report.h"
#include "report/text_table.h"

namespace tenfold::mtl_attack {

struct AuditOptions {
  std::string folder;
  std::string model;
  std::string tasks;
  std::int64_t sample = 8;
  double tolerance = 1e-6;
};

void describe(AuditOptions& o, cli::OptionTable& table) {
  table.input("DIR", o.folder, "the directory of a finished run").required();
  table.add("--sample", o.sample, "images of each cell to attack again, spread over the set; 0: none").at_least(0);
  table.add("--tolerance", o.tolerance, "how far numbers that are counted again may lie, relative to max(1, the number)")
      .above(0);
  table.add("--model", o.model, "the model's file, if it is not where the run found it").value_name("FILE");
  table.add("--tasks", o.tasks, "its tasks.json, likewise").value_name("FILE");
}

namespace {

namespace fs = std::filesystem;

constexpr double kGapTolerance = 1e-4;  // of the bound: float steps end an ulp of the image beside the closed form

using Records = std::map<std::string, std::map<std::string, ImageRecord>>;  // by cell, by id

struct Checks {
  AuditCheck model{"the model and the data are those of the run", 0, {}};
  AuditCheck clean{"the clean images are the data's, as 8 bits", 0, {}};
  AuditCheck files{"every image that the log names is there, and no other", 0, {}};
  AuditCheck ball{"every adversarial image is within eps of its clean one", 0, {}};
  AuditCheck numbers{"J, losses and sizes in log.jsonl are those of the images", 0, {}};
  AuditCheck result{"result.json is what the log and the images give", 0, {}};
  AuditCheck repeated{"attacked again, the sampled images come out with the same bytes and passes", 0, {}};
  AuditCheck optimal{"every step of theirs is the best of its box", 0, {}};

  std::vector<const AuditCheck*> all() const { return {&model, &clean, &files, &ball, &numbers, &result, &repeated, &optimal}; }
};

Json or_null(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }  // where nothing varies

Records read_records(const std::vector<LoggedLine>& lines, const fs::path& log, const std::vector<std::string>& tasks,
                     AuditCheck& check) {
  Records records;
  for (const LoggedLine& line : lines) {
    if (line.cell == "clean") continue;
    ImageRecord record = record_from_json(line.value, tasks, log.string());
    const std::string id = record.id;
    if (!records[line.cell].emplace(id, std::move(record)).second)
      check.failures.push_back(fmt::format("log.jsonl: {} {} stands there twice", line.cell, id));
  }
  return records;
}

// The lines of the clean pass: one for each item of the set, with its losses or as a faulty one.
void check_clean_lines(const std::vector<LoggedLine>& lines, const Scene& scene, const CleanPass& clean, AuditCheck& check) {
  std::map<std::string, Json> logged;
  for (const LoggedLine& line : lines)
    if (line.cell == "clean" && !logged.emplace(line.value.value("id", ""), line.value).second)
      check.failures.push_back("log.jsonl: clean " + line.value.value("id", "") + " stands there twice");
  for (std::size_t index = 0; index < scene.data->size(); ++index) {
    const std::string id = scene.data->id(index);
    const auto line = logged.find(id);
    ++check.examined;
    const std::optional<CleanImage>& image = clean.images[index];
    if (line == logged.end() || line->second.contains("failure") == image.has_value()) {
      check.failures.push_back(fmt::format("log.jsonl: clean {} {}", id,
                                           line == logged.end() ? "is missing" : "is faulty in one and not in the other"));
      continue;
    }
    for (std::size_t t = 0; image && t < scene.tasks.size(); ++t) {
      const Json said = line->second.value("loss", Json::object()).value(scene.tasks[t], Json());
      const bool same = image->present[t] ? said.is_number() && same_number(said.get<double>(), image->loss[t], check.tolerance)
                                          : said.is_null();
      if (!same)
        check.failures.push_back(fmt::format("log.jsonl: clean {}: loss of {} is {}, the image gives {}", id, scene.tasks[t],
                                             said.dump(), image->present[t] ? fmt::format("{:.8g}", image->loss[t]) : "none"));
    }
  }
  if (logged.size() > scene.data->size()) check.failures.push_back("log.jsonl: clean lines of images that the set does not have");
}

class Audit {
 public:
  Audit(RecordedRun recorded, const AuditOptions& options, cli::Run& run)
      : recorded_(std::move(recorded)),
        run_(run),
        scene_(open_scene(recorded_.options.model, recorded_.options.victim)),
        cells_(make_cells(recorded_.options.attack, false, scene_.tasks)),
        floats_(recorded_.options.attack.floats),
        save_(saved_images(recorded_.options.save_adv)),
        sample_(static_cast<std::size_t>(options.sample)),
        tolerance_(options.tolerance),
        moved_(!options.model.empty()) {
    checks_.numbers.tolerance = checks_.result.tolerance = options.tolerance;
  }

  cli::Result all() {
    check_sources();
    clean_ = clean_pass(scene_,
                        {.loss_floor = recorded_.options.attack.loss_floor,
                         .limit = static_cast<std::size_t>(recorded_.options.limit),
                         .floats = floats_,
                         .store = false},
                        {}, run_);
    const fs::path log = recorded_.folder / "log.jsonl";
    const std::vector<LoggedLine> lines = parse_log(read_file(log), log.string());
    records_ = read_records(lines, log, scene_.tasks, checks_.numbers);
    check_clean_lines(lines, scene_, clean_, checks_.numbers);
    check_clean();
    check_folder();
    std::vector<CellOutcome> outcomes;
    for (const Cell& cell : cells_) outcomes.push_back(check_cell(cell));
    check_result(outcomes);
    for (const Cell& cell : cells_) repeat(cell);
    return report();
  }

 private:
  std::size_t saved() const { return std::min(save_, clean_.attacked.size()); }

  void check_sources() {
    const auto compare = [&](const std::string& what, const Json& found, const std::string& expected) {
      ++checks_.model.examined;
      if (!found.is_string() || found.get<std::string>() != expected)
        checks_.model.failures.push_back(fmt::format("{}: the run says {}, now it is {}", what, found.dump(), expected));
    };
    const Json none = Json::object();
    const Json& model = recorded_.result.contains("model") ? recorded_.result["model"] : none;
    const Json& data = recorded_.result.contains("data") ? recorded_.result["data"] : none;
    compare("weights_sha256", model.value("weights_sha256", Json()), scene_.victim->facts().weights_sha256);
    compare("data sha256", data.value("sha256", Json()), scene_.data->sha256());
  }

  void check_clean() {
    for (const std::size_t index : clean_.attacked) {
      const Prepared image = prepare(*scene_.data, index, floats_);
      const std::string file = clean_path(image.sample.id);
      try {
        check_bytes(checks_.clean, file, read_png(recorded_.folder / file, size_of(image.sample.image)), image.bytes);
      } catch (const Error& error) {
        checks_.clean.failures.push_back(error.what());
      }
    }
  }

  // Files below adv/ that no line of the log stands for.
  void check_folder() {
    std::set<std::string> expected;
    for (const Cell& cell : cells_)
      for (std::size_t k = 0; k < saved(); ++k)
        expected.insert(adversarial_path(cell.name, scene_.data->id(clean_.attacked[k]), floats_));
    std::error_code error;
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(recorded_.folder / "adv", error)) {
      if (!entry.is_regular_file()) continue;
      const std::string file = fs::relative(entry.path(), recorded_.folder).generic_string();
      if (!expected.contains(file)) checks_.files.failures.push_back(file + ": belongs to no image of the run");
    }
    for (const auto& [cell, records] : records_)
      if (std::none_of(cells_.begin(), cells_.end(), [&](const Cell& known) { return known.name == cell; }))
        checks_.numbers.failures.push_back(fmt::format("log.jsonl: {} is no cell of the run", cell));
  }

  struct Examined {
    std::vector<std::string> file_failures, ball_failures;
    AuditCheck numbers;
    ImageRecord record;
    Metrics metrics;
    bool has_metrics = false, in_ball = false;
  };

  // One image of a cell from its file.
  Examined examine(const Cell& cell, std::size_t position) const {
    Examined out;
    CleanBatch batch = load_batch(scene_, *scene_.victim, {clean_.attacked[position]}, floats_);
    const Prepared& image = batch.images[0];
    const auto logged_cell = records_.find(cell.name);
    const bool logged = logged_cell != records_.end() && logged_cell->second.contains(image.sample.id);
    if (!logged) {
      out.numbers.failures.push_back(fmt::format("log.jsonl: no line for {} {}", cell.name, image.sample.id));
      out.record.id = image.sample.id;
      out.record.failure = "no line in the log";
      return out;
    }
    out.record = logged_cell->second.at(image.sample.id);
    if (position >= saved() || !out.record.failure.empty()) return out;
    const std::string file = adversarial_path(cell.name, image.sample.id, floats_);
    StoredImage stored;
    try {
      stored = read_stored(recorded_.folder / file, image, floats_);
    } catch (const Error& error) {
      out.file_failures.push_back(error.what());
      return out;
    }
    AuditCheck ball;
    if (floats_)
      check_ball(ball, file, stored.values, image.sample.image.values, cell.plan.eps);
    else
      check_ball(ball, file, stored.bytes, image.bytes, whole_levels(cell.plan.eps));
    out.in_ball = true;
    out.ball_failures = ball.failures;
    std::vector<std::vector<Prediction>> predictions;
    const std::vector<double> losses = batch.oracle->losses(stored.values, &predictions);
    ImageRecord again;
    measure(again, stored, image, losses, *clean_.images[clean_.attacked[position]], clean_.scale);
    check_record(out.numbers, cell.name + "/" + image.sample.id, out.record, again, scene_.tasks);
    out.metrics = metrics_of(scene_.victim->tasks(), predictions[0], image.sample);
    out.has_metrics = true;
    return out;
  }

  CellOutcome check_cell(const Cell& cell) {
    CellOutcome outcome{cell, {}, no_metrics(scene_.victim->tasks())};
    const auto count = static_cast<int>(clean_.attacked.size());
    const auto take = [&](int, Examined& one) {
      const auto add = [](std::vector<std::string>& to, const std::vector<std::string>& more) {
        to.insert(to.end(), more.begin(), more.end());
      };
      ++checks_.files.examined;
      add(checks_.files.failures, one.file_failures);
      checks_.ball.examined += one.in_ball ? 1 : 0;
      add(checks_.ball.failures, one.ball_failures);
      checks_.numbers.examined += one.numbers.examined;
      add(checks_.numbers.failures, one.numbers.failures);
      if (one.has_metrics) add_metrics(outcome.metrics, one.metrics);
      outcome.records.push_back(std::move(one.record));
      step();
    };
    const int taken = ordered_work<Examined>(
        count, run_.threads(), [&](int k) { return examine(cell, static_cast<std::size_t>(k)); }, take,
        [&] { return run_.stop(); });
    if (taken < count) run_.interrupted();
    return outcome;
  }

  void check_result(const std::vector<CellOutcome>& outcomes) {
    Json cells = Json::array();
    for (const CellOutcome& outcome : outcomes) cells.push_back(cell_json(outcome, clean_, scene_.tasks, recorded_.seed));
    Json found = recorded_.result;
    // Metrics need every image; where only some were kept those of the result stand unchecked.
    if (saved() < clean_.attacked.size() && found.contains("cells"))
      for (Json* list : {&cells, &found["cells"]})
        for (Json& cell : *list) {
          cell.erase("avg_metric_change");
          for (auto& [name, task] : cell["tasks"].items())
            for (const char* key : {"metrics_adv", "metric_change"}) task.erase(key);
        }
    const std::string baseline =
        recorded_.options.baseline == "total" ? "total" : parse_rule(recorded_.options.baseline, scene_.tasks).name;
    Json model = model_json(scene_.victim->facts());
    if (moved_) {  // its path is another one by right
      model.erase("path");
      if (found.contains("model") && found["model"].is_object()) found["model"].erase("path");
    }
    const Json expected = {{"model", model},
                           {"data", data_json(*scene_.data)},
                           {"clean", clean_json(clean_, scene_.tasks)},
                           {"cells", cells},
                           {"pairs", pairs_json(outcomes, baseline, recorded_.seed)},
                           {"faults", faults_json(all_faults(clean_, outcomes))}};
    for (const auto& [key, value] : found.items())
      if (!expected.contains(key)) checks_.result.failures.push_back("result.json: " + key + " should not be there");
    for (const auto& [key, value] : expected.items())
      check_json(checks_.result, key, found.contains(key) ? found[key] : Json(), value);
  }

  struct Again {
    std::string id, file;
    bool same_file = false;
    AuditCheck bytes, passes;
    std::vector<StepTrace> trace;
  };

  double J_of(CleanBatch& batch, const std::vector<float>& point) const {
    const std::vector<double> losses = batch.oracle->losses(point);
    return mean_present(relative_change(losses, *clean_.images[batch.indices[0]], clean_.scale));
  }

  Again attack_again(const Cell& cell, std::size_t position) const {
    Again out;
    Cell traced = cell;
    traced.plan.trace = true;
    CleanBatch batch = load_batch(scene_, *scene_.victim, {clean_.attacked[position]}, floats_);
    const Prepared& image = batch.images[0];
    out.id = image.sample.id;
    const auto logged_cell = records_.find(cell.name);
    if (logged_cell == records_.end() || !logged_cell->second.contains(out.id)) return out;
    const ImageRecord& logged = logged_cell->second.at(out.id);
    if (!logged.failure.empty()) return out;
    const StartOptions start{recorded_.options.attack.restarts, recorded_.options.attack.random_start, recorded_.seed, floats_};
    const Attacked found = attack_clean(batch, traced.plan, clean_, start)[0];
    const StoredImage again = stored_image(found.x, image, cell.plan, floats_);
    const std::string file = adversarial_path(cell.name, out.id, floats_);
    try {
      const StoredImage stored = read_stored(recorded_.folder / file, image, floats_);
      if (floats_)
        check_values(out.bytes, file, stored.values, again.values);
      else
        check_bytes(out.bytes, file, stored.bytes, again.bytes);
    } catch (const Error&) {
      return out;  // counted among the files
    }
    if (logged.forward_passes != found.forward_passes || logged.backward_passes != found.backward_passes ||
        logged.restart != found.restart || logged.floored != found.floored || logged.dual_converged != found.dual_converged)
      out.bytes.failures.push_back(fmt::format("{}: passes, restart or flags are logged as others than they are", file));
    const double J = J_of(batch, found.x);
    const double J_8bit =
        floats_ ? J_of(batch, from_bytes(quantise(found.x, image.bytes, whole_levels(cell.plan.eps)))) : std::nan("");
    if (!same_number(logged.J_before_png, J, tolerance_) || !same_number(logged.J_8bit, J_8bit, tolerance_))
      out.bytes.failures.push_back(
          fmt::format("{}: J_before_png and J_8bit are logged as {:.8g} and {:.8g}, they are {:.8g} and {:.8g}", file,
                      logged.J_before_png, logged.J_8bit, J, J_8bit));
    out.trace = found.trace;
    return out;
  }

  void repeat(const Cell& cell) {
    const std::size_t count = std::min(sample_, saved());
    std::vector<StepTrace> steps;
    const auto take = [&](int, Again& again) {
      checks_.repeated.examined += again.bytes.examined;
      checks_.repeated.failures.insert(checks_.repeated.failures.end(), again.bytes.failures.begin(), again.bytes.failures.end());
      steps.insert(steps.end(), again.trace.begin(), again.trace.end());
      step();
    };
    const int taken = ordered_work<Again>(
        static_cast<int>(count), run_.threads(),
        [&](int k) { return attack_again(cell, static_cast<std::size_t>(k) * saved() / count); }, take,
        [&] { return run_.stop(); });
    if (taken < static_cast<int>(count)) run_.interrupted();
    if (steps.empty()) return;
    const StepAccount account = account_of(steps);
    checks_.optimal.examined += account.steps;
    if (!(account.greatest_gap <= kGapTolerance))
      checks_.optimal.failures.push_back(
          fmt::format("{}: a step is {:.2g} of its bound below it", cell.name, account.greatest_gap));
    steps_.push_back({{"rule", cell.plan.rule.name},
                      {"attack", name_of(cell.plan.attack)},
                      {"eps_levels", grey_levels(cell.plan.eps)},
                      {"steps", account.steps},
                      {"gap_max", account.greatest_gap},
                      {"gap_mean", account.mean_gap},
                      {"predictions", account.predictions},
                      {"fidelity", or_null(account.fidelity)},
                      {"correlation", or_null(account.correlation)}});
  }

  void step() {
    const double again = static_cast<double>(std::min(sample_, saved()) * cells_.size());
    run_.step({.what = "audit",
               .done = ++done_,
               .total = static_cast<double>(cells_.size() * clean_.attacked.size()) + again,
               .unit = "images",
               .note = {}});
  }

  cli::Result report() const {
    cli::Result result;
    Json list = Json::array();
    std::int64_t failed = 0;
    for (const AuditCheck* check : checks_.all()) {
      failed += check->holds() ? 0 : 1;
      list.push_back(
          {{"name", check->name}, {"examined", check->examined}, {"failures", check->failures}, {"holds", check->holds()}});
      result.human += fmt::format("{:<7} {} ({} examined)\n", check->holds() ? "holds" : "FAILS", check->name, check->examined);
      for (std::size_t k = 0; k < std::min<std::size_t>(check->failures.size(), 5); ++k)
        result.human += "          " + check->failures[k] + "\n";
      if (check->failures.size() > 5) result.human += fmt::format("          and {} more\n", check->failures.size() - 5);
    }
    if (!steps_.empty()) result.human += "\n" + report::table_text(step_table(), 2);
    result.human += fmt::format("\n{}\n", failed == 0 ? "everything holds" : fmt::format("{} checks FAIL", failed));
    result.value = {{"run", recorded_.folder.string()}, {"cells", cells_.size()},
                    {"images", clean_.attacked.size()}, {"failed", failed},
                    {"checks", std::move(list)},        {"steps", steps_}};
    if (failed > 0) result.exit_code = static_cast<int>(ExitCode::check_failed);
    return result;
  }

  report::Table step_table() const {
    report::Table table{.title = "Steps of the sampled images",
                        .columns = {"rule", "attack", "eps", "steps", "greatest gap", "fidelity", "correlation"},
                        .rows = {}};
    const auto text = [](const Json& value) {
      return value.is_number() && std::isfinite(value.get<double>()) ? report::number_text(value.get<double>(), 3)
                                                                     : std::string("-");
    };
    for (const Json& row : steps_)
      table.rows.push_back({row["rule"].get<std::string>(), row["attack"].get<std::string>(), text(row["eps_levels"]),
                            text(row["steps"]), text(row["gap_max"]), text(row["fidelity"]), text(row["correlation"])});
    return table;
  }

  RecordedRun recorded_;
  cli::Run& run_;
  Scene scene_;
  std::vector<Cell> cells_;
  bool floats_;
  std::size_t save_, sample_;
  double tolerance_;
  bool moved_;  // the model's file
  CleanPass clean_;
  Records records_;
  Checks checks_;
  Json steps_ = Json::array();
  double done_ = 0;
};

cli::Result audit(const AuditOptions& options, cli::Run& run) {
  refuse_cuda(run.device());
  RecordedRun recorded = read_run(options.folder);
  if (!options.model.empty()) recorded.options.model = options.model;
  if (!options.tasks.empty()) recorded.options.victim.tasks = options.tasks;
  if (saved_images(recorded.options.save_adv) == 0)
    usage_error(options.folder +
                ": the run kept no images (--save-adv none), so there is nothing to audit; run it with --save-adv all");
  return Audit(std::move(recorded), options, run).all();
}

}  // namespace

cli::Subcommand audit_command() {
  return cli::subcommand<AuditOptions>(
      "audit", "check a finished run: its images, its numbers, and the optimality of its steps", audit,
      {.threads = true,
       .torch = true,
       .examples = {"mtl-attack audit sample_data/mtl-attack/rooms-attacked --sample 0 --tolerance 1e-4",
                    "mtl-attack run --data rooms:n=2,size=48x64 --rule gb,worst --eps 4 -o build/audited --force && mtl-attack "
                    "audit build/audited"},
       .description =
           "Reads every image again, checks range and budget in grey levels, counts J, losses and metrics again and compares "
           "them with log.jsonl and result.json to 1e-6; attacks some images again, compares the bytes, and says for each "
           "step how far below its bound it was (0 for separable rules, the duality gap for worst and protect) and how well "
           "the first-order change predicted the real one. Ends with 1 if a check fails."});
}

}  // namespace tenfold::mtl_attack
