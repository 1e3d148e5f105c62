#include "mtl-attack/transfer_command.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include <fmt/format.h>

#include "base/error.h"
#include "mtl-attack/attack_charts.h"
#include "mtl-attack/cell_run.h"
#include "mtl-attack/eps.h"
#include "mtl-attack/ordered_work.h"
#include "mtl-attack/quantise.h"
#include "report/report.h"
#include "report/text_table.h"

namespace tenfold::mtl_attack {

struct TransferOptions {
  std::vector<std::string> models;
  VictimOptions victim;
  AttackOptions attack;
  std::int64_t limit = 0;
};

void describe(TransferOptions& o, cli::OptionTable& table) {
  table.inputs("MODEL", o.models, "networks with the same tasks").defaults_to("embedded:rooms_shared");
  describe_victim(o.victim, table);
  describe_attack(o.attack, table);
  table.add("--limit", o.limit, "the first N images; 0: all").at_least(0);
}

namespace {

struct Source {
  Scene scene;
  CleanPass clean;
  std::string name;
};

// What one image gives: damage[source][victim], and harm[source][attacked task][harmed task] within the source itself.
struct ImageTransfer {
  std::vector<std::vector<double>> damage;
  std::vector<std::vector<std::vector<double>>> harm;
  std::string fault;
};

class Transfer {
 public:
  Transfer(const TransferOptions& options, cli::Run& run) : options_(options), run_(run) {
    for (const std::string& model : options.models) {
      Source source{open_scene(model, options.victim), {}, model};
      if (!sources_.empty() && source.scene.tasks != sources_.front().scene.tasks)
        usage_error(fmt::format("{}: has other tasks than {}; transfer compares networks of the same tasks in the same order",
                                model, sources_.front().name));
      check_gradients(source.scene);
      sources_.push_back(std::move(source));
    }
    cell_ = make_cells(options.attack, false, tasks()).front();
    AttackOptions alone = options.attack;
    alone.rules = {"single:*"};
    singles_ = make_cells(alone, false, tasks());
    for (Source& source : sources_)
      source.clean = clean_pass(source.scene,
                                {.loss_floor = options.attack.loss_floor,
                                 .limit = static_cast<std::size_t>(options.limit),
                                 .floats = options.attack.floats,
                                 .store = false},
                                {}, run);
  }

  cli::Result all() {
    const std::vector<std::size_t>& indices = sources_.front().clean.attacked;
    std::vector<ImageTransfer> images;
    std::vector<mtl::Fault> faults = sources_.front().clean.faults;
    const auto take = [&](int k, ImageTransfer& image) {
      run_.step(
          {.what = "transfer", .done = k + 1.0, .total = static_cast<double>(indices.size()), .unit = "images", .note = {}});
      if (image.fault.empty())
        images.push_back(std::move(image));
      else
        faults.push_back({sources_.front().scene.data->id(indices[static_cast<std::size_t>(k)]), image.fault});
    };
    const int taken = ordered_work<ImageTransfer>(
        static_cast<int>(indices.size()), run_.threads(), [&](int k) { return one(indices[static_cast<std::size_t>(k)]); }, take,
        [&] { return run_.stop(); });
    if (taken < static_cast<int>(indices.size())) run_.interrupted();
    if (images.empty()) input_error("no image could be attacked; the first: " + faults.front().reason);
    return report(images, faults);
  }

 private:
  const std::vector<std::string>& tasks() const { return sources_.front().scene.tasks; }

  // r of the stored image on a victim.
  std::vector<double> harm_on(const Source& victim, std::size_t index, const StoredImage& stored) const {
    CleanBatch batch = load_batch(victim.scene, *victim.scene.victim, {index}, options_.attack.floats);
    const std::vector<double> losses = batch.oracle->losses(stored.values);
    return relative_change(losses, *victim.clean.images[index], victim.clean.scale);
  }

  StoredImage attacked(const Source& source, std::size_t index, const AttackPlan& plan, std::string& fault) const {
    CleanBatch batch = load_batch(source.scene, *source.scene.victim, {index}, options_.attack.floats);
    const StartOptions start{options_.attack.restarts, options_.attack.random_start, run_.seed(), options_.attack.floats};
    const Attacked found = attack_clean(batch, plan, source.clean, start)[0];
    if (!found.failure.empty()) fault = source.name + ": " + found.failure;
    return stored_image(found.x, batch.images[0], plan, options_.attack.floats);
  }

  ImageTransfer one(std::size_t index) const {
    ImageTransfer out;
    for (const Source& source : sources_) {
      if (!source.clean.images[index]) {
        out.fault = source.name + ": the clean image cannot be used";
        return out;
      }
    }
    for (const Source& source : sources_) {
      const StoredImage stored = attacked(source, index, cell_.plan, out.fault);
      out.damage.emplace_back();
      for (const Source& victim : sources_) out.damage.back().push_back(mean_present(harm_on(victim, index, stored)));
      out.harm.emplace_back();
      for (const Cell& single : singles_)
        out.harm.back().push_back(harm_on(source, index, attacked(source, index, single.plan, out.fault)));
    }
    return out;
  }

  Json matrix_json(const std::vector<ImageTransfer>& images) const {
    Json out = Json::array();
    for (std::size_t s = 0; s < sources_.size(); ++s)
      for (std::size_t v = 0; v < sources_.size(); ++v) {
        std::vector<double> J;
        for (const ImageTransfer& image : images)
          if (!std::isnan(image.damage[s][v])) J.push_back(image.damage[s][v]);
        const Estimate estimate = bootstrap_mean(J, run_.seed(), fmt::format("transfer {} {}", s, v));
        out.push_back({{"source", sources_[s].name},
                       {"victim", sources_[v].name},
                       {"n", estimate.n},
                       {"J_mean", estimate.mean},
                       {"J_ci95", interval_json(estimate)}});
      }
    return out;
  }

  // S_ij = mean r_j under single:i, and mean off the diagonal over mean on it.
  Json within_json(std::size_t s, const std::vector<ImageTransfer>& images) const {
    Json S = Json::object();
    for (std::size_t i = 0; i < tasks().size(); ++i)
      for (std::size_t j = 0; j < tasks().size(); ++j) {
        double sum = 0;
        std::size_t count = 0;
        for (const ImageTransfer& image : images) {
          if (std::isnan(image.harm[s][i][j])) continue;
          sum += image.harm[s][i][j];
          ++count;
        }
        S[tasks()[i]][tasks()[j]] = sum / static_cast<double>(count);
      }
    std::vector<double> off, on;
    for (const ImageTransfer& image : images) {
      std::vector<double> across, own;
      for (std::size_t i = 0; i < tasks().size(); ++i)
        for (std::size_t j = 0; j < tasks().size(); ++j)
          if (!std::isnan(image.harm[s][i][i])) (i == j ? own : across).push_back(image.harm[s][i][j]);
      const double a = mean_present(across), b = mean_present(own);
      if (std::isnan(a) || std::isnan(b)) continue;
      off.push_back(a);
      on.push_back(b);
    }
    const Estimate ratio = bootstrap_ratio(off, on, run_.seed(), fmt::format("transferability {}", s));
    return {{"model", sources_[s].name},
            {"S", std::move(S)},
            {"n", ratio.n},
            {"transferability", ratio.mean},
            {"transferability_ci95", interval_json(ratio)}};
  }

  report::Table matrix_table(const Json& matrix) const {
    report::Table table{.title = "Damage of images made against a network (rows) on another (columns)",
                        .columns = {"made against"},
                        .rows = {},
                        .caption = "J: mean relative loss change over the tasks and images, with 95 % bootstrap interval."};
    for (const Source& victim : sources_) table.columns.push_back("on " + victim.name);
    for (std::size_t s = 0; s < sources_.size(); ++s) {
      table.rows.push_back({sources_[s].name});
      for (std::size_t v = 0; v < sources_.size(); ++v) {
        const Json& entry = matrix[s * sources_.size() + v];
        table.rows.back().push_back(estimate_text(entry["J_mean"].get<double>(), entry["J_ci95"]));
      }
    }
    return table;
  }

  report::Table within_table(const Json& within) const {
    report::Table table{.title = "Within each network: images made against one task, and what they do to it and to the others",
                        .columns = {"network", "made against"},
                        .rows = {},
                        .caption = "Transferability: mean off the diagonal over mean on it."};
    table.columns.insert(table.columns.end(), tasks().begin(), tasks().end());
    table.columns.push_back("transferability");
    for (const Json& entry : within)
      for (const auto& [task, row] : entry["S"].items()) {
        table.rows.push_back({entry["model"].get<std::string>(), task});
        for (const auto& [harmed, value] : row.items()) table.rows.back().push_back(report::number_text(value.get<double>(), 3));
        table.rows.back().push_back(task == tasks().front() && entry["transferability"].is_number()
                                        ? estimate_text(entry["transferability"].get<double>(), entry["transferability_ci95"])
                                        : "");
      }
    return table;
  }

  void add_charts(cli::Result& result) const {
    std::vector<std::string> names;
    for (const Source& source : sources_) names.push_back(source.name);
    HeatMap across{.name = "transfer",
                   .title = "Damage J from source to victim",
                   .rows = "made against",
                   .columns = "evaluated on",
                   .row_names = names,
                   .column_names = names,
                   .matrix = {},
                   .caption = "The diagonal is the attack on the network itself."};
    for (std::size_t s = 0; s < sources_.size(); ++s) {
      across.matrix.emplace_back();
      for (std::size_t v = 0; v < sources_.size(); ++v)
        across.matrix.back().push_back(result.value["matrix"][s * sources_.size() + v]["J_mean"].get<double>());
    }
    if (sources_.size() > 1) result.charts.push_back(heat_map(across));
    for (std::size_t s = 0; s < sources_.size(); ++s) {
      HeatMap map{.name = fmt::format("tasks-{}", s + 1),
                  .title = "Who hurts whom: " + names[s],
                  .rows = "attacked task",
                  .columns = "relative loss change of",
                  .row_names = tasks(),
                  .column_names = tasks(),
                  .matrix = {},
                  .caption = "Each row attacks one task alone."};
      for (const std::string& a : tasks()) {
        map.matrix.emplace_back();
        for (const std::string& b : tasks()) map.matrix.back().push_back(result.value["within"][s]["S"][a][b].get<double>());
      }
      result.charts.push_back(heat_map(map));
    }
  }

  cli::Result report(const std::vector<ImageTransfer>& images, const std::vector<mtl::Fault>& faults) const {
    cli::Result result;
    Json models = Json::array(), within = Json::array();
    for (std::size_t s = 0; s < sources_.size(); ++s) {
      models.push_back(model_json(sources_[s].scene.victim->facts()));
      within.push_back(within_json(s, images));
    }
    const mtl::DataSet& data = *sources_.front().scene.data;
    result.value = {{"models", std::move(models)},
                    {"data", {{"spec", data.spec()}, {"n", data.size()}, {"sha256", data.sha256()}}},
                    {"rule", cell_.plan.rule.name},
                    {"attack", name_of(cell_.plan.attack)},
                    {"eps_levels", grey_levels(cell_.plan.eps)},
                    {"steps", cell_.plan.passes()},
                    {"n", images.size()},
                    {"matrix", matrix_json(images)},
                    {"within", std::move(within)},
                    {"faults", faults_json(faults)}};
    result.asked = "Do images made against one network, or one task, harm other networks and tasks?";
    result.tables = {matrix_table(result.value["matrix"]), within_table(result.value["within"])};
    result.human = report::table_text(result.tables[0], 1) + "\n" + report::table_text(result.tables[1], 2);
    const Json& first = result.value["within"][0];
    if (first["transferability"].is_number() && std::isfinite(first["transferability"].get<double>()))
      result.answer =
          fmt::format("In {}, an attack on one task does {} of its damage to the other tasks as well, on average over {} images.",
                      sources_.front().name, estimate_text(first["transferability"].get<double>(), first["transferability_ci95"]),
                      images.size());
    add_charts(result);
    for (const mtl::Fault& fault : faults) run_.warn(fault.item + ": " + fault.reason);
    if (!faults.empty()) result.exit_code = static_cast<int>(ExitCode::input);
    return result;
  }

  const TransferOptions& options_;
  cli::Run& run_;
  std::vector<Source> sources_;
  Cell cell_;
  std::vector<Cell> singles_;
};

cli::Result transfer(const TransferOptions& options, cli::Run& run) {
  refuse_cuda(run.device());
  if (options.attack.rules.size() != 1 || options.attack.attacks.size() != 1 || options.attack.eps.size() != 1)
    usage_error("transfer takes one --rule, one --attack and one --eps");
  return Transfer(options, run).all();
}

}  // namespace

cli::Subcommand transfer_command() {
  return cli::subcommand<TransferOptions>(
      "transfer", "attack each network and evaluate on all; and from task to task within each", transfer,
      {.run_directory = true,
       .random = true,
       .threads = true,
       .torch = true,
       .examples = {"mtl-attack transfer --data rooms:n=2,size=48x64 --attack fgsm",
                    "mtl-attack transfer embedded:rooms_shared embedded:rooms_shared --data rooms:n=2,size=48x64 --steps 2 -o "
                    "build/transfer"},
       .description =
           "Attacks every image on every network with one rule and evaluates the 8-bit image on all of them; then attacks each "
           "task alone and says how much of the damage reaches the other tasks of the same network."});
}

}  // namespace tenfold::mtl_attack
