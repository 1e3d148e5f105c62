// iterate: train --every steps scoring each batch, evaluate, remove the --step lowest units, slice the optimiser's moments alike,
// forget the scores; until the target holds or no unit may go. One more window of training follows the last removal.
#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/clock.h"
#include "base/error.h"
#include "cli/state.h"
#include "data/number.h"
#include "mtl-prune/torch/jobs.h"
#include "mtl-prune/torch/pruning.h"
#include "mtl-prune/torch/scorer.h"
#include "mtl-prune/torch/training.h"
#include "mtl/metrics.h"
#include "mtl/torch/tensor_file.h"
#include "mtl/torch/train_job.h"

namespace tenfold::mtl_prune {
namespace {

constexpr double kSaveEverySeconds = 30;

class IterateJob {
 public:
  IterateJob(const IterateOptions& options, cli::Run& run)
      : options_(options),
        run_(run),
        select_(select_options(options)),
        dense_(open_source(options.model, &options.data)),
        plan_(keep_everything(dense_.model.model, dense_.units)) {
    check_exports(options.exports);
    if (!dense_.train) usage_error("iterate trains on images; give --data SPEC and --tasks FILE");
    if (select_.criterion.starts_with("cosprune") && dense_.model.tasks.size() < 2)
      usage_error("--criterion " + select_.criterion +
                  " ranks by conflict between tasks, and there is one; try --criterion taylor");
    per_event_ = step_units(options.step, units_in_scope(dense_.units, select_.scope));
    validation_ = validation_split(dense_, options.data, run);
    if (const std::optional<cli::State> state = run.resume_from())
      resume(*state);
    else
      start(dense_.model);
  }

  Json iterate() {
    saved_at_ = wall_s();
    while (!finished_) {
      while (in_window_ < options_.every) step();
      end_of_window();
    }
    return finish();
  }

 private:
  // A trainer and a scorer of this network; its units.
  void start(mtl::TaskModel model) {
    now_.emplace(make_source(dense_.name, std::move(model), dense_.height, dense_.width));
    mtl::TrainSettings settings;
    settings.optimiser.weight_decay = options_.weight_decay;
    settings.lr = options_.lr;
    settings.batch = options_.batch;
    const auto batches = std::max<std::int64_t>(1, static_cast<std::int64_t>(dense_.train->size()) / options_.batch);
    settings.horizon = 5 * options_.epochs * batches;
    if (trainer_)
      trainer_->replace(now_->model, std::move(next_moments_));
    else
      trainer_.emplace(now_->model, settings, run_.seed());
    new_scorer();
  }

  void new_scorer() {
    scorer_.reset();
    if (!is_weight_criterion(select_.criterion))
      scorer_.emplace(now_->model, now_->units,
                      ScorerSettings{.couple = parse_couple(options_.couple), .stream = true, .activity = true});
  }

  void step() {
    const auto scored = [&](const mtl::Problem& problem) { return scorer_->add(problem, /*total=*/true); };
    const mtl::Trainer::StepResult result = scorer_ ? trainer_->step(*dense_.train, scored) : trainer_->step(*dense_.train);
    const std::int64_t done = trainer_->steps_done();
    if (!result.finite)
      infeasible_error("the loss of step " + std::to_string(done) + " is not finite; lower --lr (now " +
                       data::number_text(options_.lr) + ")");
    losses_ = result.losses;
    ++in_window_;
    run_.step({.what = "iterating",
               .done = static_cast<double>(done),
               .total = 0,
               .unit = "step",
               .note = std::to_string(events_.size()) + " events"});
    if (run_.stop()) {
      save();
      run_.interrupted();
    }
    if (wall_s() - saved_at_ > kSaveEverySeconds) {
      save();
      saved_at_ = wall_s();
    }
  }

  void end_of_window() {
    const mtl::TaskModel trained = trainer_->snapshot();
    add_point(trained);
    in_window_ = 0;
    if (last_window_) {
      finished_ = true;
      return;
    }
    now_->model.model.weights = trained.model.weights;
    const ScoreTable scores = score_table();
    std::optional<Selection> chosen = choose(scores);
    if (!chosen) {
      binding_ = "no unit may go";
      finished_ = true;
      return;
    }
    remove(std::move(*chosen), scores);
    save();
  }

  ScoreTable score_table() const {
    if (scorer_) return scorer_->table();
    ScoreTable table;
    table.scores[select_.criterion] = weight_scores(select_.criterion, now_->model.model, now_->units,
                                                    parse_couple(options_.couple), run_.seed() + events_.size());
    return table;
  }

  double share_of_dense(double share) const {
    const bool params = select_.target.kind == Target::Kind::params;
    const double now = static_cast<double>(params ? now_->cost.params : now_->cost.macs);
    return share * static_cast<double>(params ? dense_.cost.params : dense_.cost.macs) / now;
  }

  std::optional<Selection> selected(const ScoreTable& scores, const Target& target) const {
    SelectOptions select = select_;
    select.target = target;
    try {
      return select_units(now_->model.model, now_->units, scores, select, now_->shapes);
    } catch (const Error& error) {
      if (error.exit_code() != ExitCode::infeasible) throw;
      return std::nullopt;
    }
  }

  static std::int64_t removed_units(const Plan& plan) {
    std::int64_t removed = 0;
    for (const KeptSet& set : plan.sets) removed += set.size - static_cast<std::int64_t>(set.keep.size());
    return removed;
  }

  // What goes at this event: as much as the target asks, at most --step units; nothing where floors and locks hold all back.
  std::optional<Selection> choose(const ScoreTable& scores) {
    Target last = select_.target;
    if (last.kind != Target::Kind::units) last.value = std::min(1.0, share_of_dense(last.value));
    const std::int64_t in_scope = units_in_scope(now_->units, select_.scope);
    std::optional<Selection> to_target = selected(scores, last);
    if (to_target && removed_units(to_target->plan) <= per_event_) {
      binding_ = "target " + to_text(select_.target);
      last_window_ = true;
      return to_target;
    }
    for (std::int64_t go = std::min(per_event_, in_scope - 1); go >= 1; --go) {
      std::optional<Selection> some = selected(scores, {Target::Kind::units, static_cast<double>(in_scope - go)});
      if (some && removed_units(some->plan) > 0) return some;
    }
    return std::nullopt;
  }

  void remove(Selection selection, const ScoreTable& scores) {
    const std::vector<KeptIndices> kept = kept_indices(now_->units, selection.plan);
    next_moments_ = keep_of(trainer_->optimiser(), kept);
    Pruned pruned = remove_and_certify(*now_, std::move(selection.plan), run_.seed());
    Json removed = Json::array(), widths = Json::array();
    for (std::size_t s = 0; s < pruned.plan.sets.size(); ++s) {
      const KeptSet& set = pruned.plan.sets[s];
      KeptSet& all = plan_.sets[s];
      std::vector<std::int64_t> stays;
      for (std::int64_t u = 0; u < set.size; ++u) {
        const auto at = static_cast<std::size_t>(u);
        if (std::ranges::binary_search(set.keep, u)) {
          stays.push_back(all.keep[at]);
          continue;
        }
        const double score = scores.scores.at(select_.criterion)[s][at].value;
        removed.push_back({set.id, all.keep[at], std::isfinite(score) ? Json(score) : Json(nullptr)});
      }
      all.keep = std::move(stays);
      all.score_min = set.score_min;
      all.score_max = set.score_max;
      widths.push_back(all.keep.size());
    }
    Json event = {{"event", events_.size() + 1},
                  {"step", trainer_->steps_done()},
                  {"removed", removed},
                  {"widths", widths},
                  {"params", pruned.cost.params},
                  {"macs", pruned.cost.macs},
                  {"certificate_max_abs", pruned.certificate.max_abs},
                  {"losses", losses_json()},
                  {"conflict", conflict_json(*now_, scores)}};
    run_.log(event);
    events_.push_back(std::move(event));
    start(std::move(pruned.model));
  }

  Json losses_json() const {
    Json losses = Json::object();
    for (std::size_t t = 0; t < losses_.size(); ++t)
      losses[dense_.model.tasks[t].name] = std::isfinite(losses_[t]) ? Json(losses_[t]) : Json(nullptr);
    return losses;
  }

  void add_point(const mtl::TaskModel& trained) {
    const mtl::Evaluation evaluation = evaluated(trained, *validation_);
    if (dense_metrics_.is_null()) dense_metrics_ = metrics_json(evaluated(dense_.model, *validation_), dense_.model.tasks);
    const Json point = {{"step", trainer_->steps_done()},
                        {"units", units_in_scope(now_->units, select_.scope)},
                        {"params", now_->cost.params},
                        {"macs", now_->cost.macs},
                        {"metrics", metrics_json(evaluation, dense_.model.tasks)}};
    run_.log(point);
    curve_.push_back(point);
  }

  mtl::Evaluation evaluated(const mtl::TaskModel& model, const mtl::DataSet& data) {
    const mtl::Evaluation evaluation =
        mtl::evaluate(*mtl::make_network(model), data, static_cast<std::size_t>(options_.data.test_images), run_.threads());
    for (const mtl::Fault& fault : evaluation.faults) add_fault(fault);
    return evaluation;
  }

  void add_fault(const mtl::Fault& fault) {
    const Json entry = {{"item", fault.item}, {"reason", fault.reason}};
    if (std::ranges::find(faults_, entry) == faults_.end()) faults_.push_back(entry);
  }

  void save() {
    for (const mtl::Fault& fault : trainer_->faults()) add_fault(fault);
    cli::State state;
    Json keep = Json::array();
    for (const KeptSet& set : plan_.sets) keep.push_back({set.keep, set.score_min, set.score_max});
    state.json = {{"keep", keep},
                  {"curve", curve_},
                  {"events", events_},
                  {"dense_metrics", dense_metrics_},
                  {"in_window", in_window_},
                  {"faults", faults_},
                  {"last_window", last_window_},
                  {"binding", binding_},
                  {"graph", graph_text(now_->model)},
                  {"losses", losses_json()}};
    state.blobs["trainer.safetensors"] = trainer_->save();
    if (scorer_) state.blobs["scores.safetensors"] = mtl::tensor_file({{"scores", at::tensor(scorer_->state(), at::kDouble)}});
    run_.save(state);
  }

  void resume(const cli::State& state) {
    for (std::size_t s = 0; s < plan_.sets.size(); ++s) {
      const Json& set = state.json.at("keep").at(s);
      plan_.sets[s].keep = set[0].get<std::vector<std::int64_t>>();
      plan_.sets[s].score_min = set[1].get<double>();
      plan_.sets[s].score_max = set[2].get<double>();
    }
    curve_ = state.json.at("curve");
    events_ = state.json.at("events");
    dense_metrics_ = state.json.at("dense_metrics");
    in_window_ = state.json.at("in_window");
    faults_ = state.json.at("faults");
    last_window_ = state.json.at("last_window");
    binding_ = state.json.at("binding");
    for (const mtl::Task& task : dense_.model.tasks) {
      const Json& loss = state.json.at("losses").value(task.name, Json());
      losses_.push_back(loss.is_null() ? NAN : loss.get<double>());
    }
    const std::string& bytes = state.blobs.at("trainer.safetensors");
    start(restored_model(dense_.model, state.json.at("graph").get<std::string>(), bytes));
    trainer_->restore(bytes);
    if (!scorer_) return;
    const at::Tensor scores = mtl::read_tensor_file(state.blobs.at("scores.safetensors"), "checkpoint").at("scores");
    scorer_->restore({scores.const_data_ptr<double>(), scores.const_data_ptr<double>() + scores.numel()});
  }

  std::string curves_csv() const {
    std::string csv = "step,units,params,macs";
    for (const auto& [task, metrics] : curve_[0]["metrics"].items())
      for (const auto& [name, value] : metrics.items()) csv += "," + task + "." + name;
    csv += "\n";
    for (const Json& point : curve_) {
      csv += point["step"].dump() + "," + point["units"].dump() + "," + point["params"].dump() + "," + point["macs"].dump();
      for (const auto& [task, metrics] : point["metrics"].items())
        for (const auto& [name, value] : metrics.items())
          csv += "," + (value.is_null() ? std::string() : data::number_text(value.get<double>()));
      csv += "\n";
    }
    return csv;
  }

  Json finish() {
    const mtl::TaskModel final_model = trainer_->snapshot();
    for (const mtl::Fault& fault : trainer_->faults()) add_fault(fault);
    plan_.criterion = select_.criterion;
    // The same units out of the source in one go: the plan's certificate, and the patches of its files.
    const Pruned pruned = remove_and_certify(dense_, plan_, run_.seed());
    const mtl::Evaluation before = evaluated(dense_.model, *dense_.test), after = evaluated(final_model, *dense_.test);
    std::ranges::sort(faults_.get_ref<Json::array_t&>(), {}, [](const Json& fault) { return fault["item"].get<std::string>(); });
    run_.directory()->write("curves.csv", curves_csv());
    Json result = {{"model",
                    {{"file", dense_.name},
                     {"source_weights_sha256", mtl::weights_sha256(dense_.model.model.weights)},
                     {"final_weights_sha256", mtl::weights_sha256(final_model.model.weights)},
                     {"before", cost_json(dense_.model, dense_.cost)},
                     {"after", cost_json(pruned.model, pruned.cost)}}},
                   {"size", {dense_.height, dense_.width}},
                   {"criterion", select_.criterion},
                   {"until", to_text(select_.target)},
                   {"binding", binding_},
                   {"steps", trainer_->steps_done()},
                   {"units", {{"before", units_in_scope(dense_.units, select_.scope)}, {"removed", removed_units(pruned.plan)}}},
                   {"sets", sets_json(dense_, pruned.plan)},
                   {"data",
                    {{"train", {{"spec", dense_.train->spec()}, {"sha256", dense_.train->sha256()}}},
                     {"val", {{"spec", validation_->spec()}, {"sha256", validation_->sha256()}}},
                     {"test", {{"spec", dense_.test->spec()}, {"sha256", dense_.test->sha256()}, {"images", after.images}}}}},
                   {"dense_metrics", dense_metrics_},
                   {"curve", curve_},
                   {"events", events_},
                   {"tasks", tasks_json(dense_.model, before, nullptr, after)},
                   {"avg_metric_change", mtl::average_metric_change(after.metrics, before.metrics)},
                   {"plan_sha256", plan_sha256(pruned.plan)},
                   {"certificate", certificate_json(pruned.certificate)},
                   {"faults", faults_}};
    result["files"] = write_model_files(dense_, pruned, final_model, options_.exports, "", run_);
    return result;
  }

  const IterateOptions& options_;
  cli::Run& run_;
  SelectOptions select_;
  Source dense_;
  Plan plan_;  // what is left of the dense network, in its own indices
  std::unique_ptr<mtl::DataSet> validation_;
  std::int64_t per_event_ = 0;
  std::optional<Source> now_;
  std::optional<mtl::Trainer> trainer_;
  std::optional<Scorer> scorer_;  // of now_; none for criteria of weights
  mtl::OptimiserState next_moments_;
  std::vector<double> losses_;
  Json curve_ = Json::array(), events_ = Json::array(), faults_ = Json::array(), dense_metrics_;
  std::int64_t in_window_ = 0;
  bool last_window_ = false, finished_ = false;
  std::string binding_;
  double saved_at_ = 0;
};

}  // namespace

Json iterate_job(const IterateOptions& options, cli::Run& run) {
  mtl::set_up_training();
  return IterateJob(options, run).iterate();
}

}  // namespace tenfold::mtl_prune
