// retrain: the network that a plan leaves, trained from new weights and from the weights it keeps, by the same steps, seed by
// seed; at equal size, which has the lower loss on the test images?
#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/clock.h"
#include "base/error.h"
#include "base/threads.h"
#include "cli/state.h"
#include "data/number.h"
#include "mtl-prune/paired_bootstrap.h"
#include "mtl-prune/torch/jobs.h"
#include "mtl-prune/torch/pruning.h"
#include "mtl-prune/torch/training.h"
#include "mtl/architectures.h"
#include "mtl/metrics.h"
#include "mtl/torch/train_job.h"

namespace tenfold::mtl_prune {
namespace {

constexpr double kSaveEverySeconds = 30;

// One training run.
struct Cell {
  std::string init;
  std::uint64_t seed = 1;
  double lr = 0;
};

class RetrainJob {
 public:
  RetrainJob(const RetrainOptions& options, cli::Run& run)
      : options_(options),
        run_(run),
        rates_(learning_rates(options.lr)),
        plan_(read_plan(options.plan)),
        dense_(open_source(options.model, &options.data)) {
    for (const std::string& init : options.init)
      if (init != "random" && init != "pruned") usage_error("--init " + init + " is none of random, pruned");
    if (!dense_.train) usage_error("retrain trains on images; give --data SPEC and --tasks FILE");
    validation_ = validation_split(dense_, options.data, run);
    pruned_.emplace(remove_and_certify(dense_, plan_, run.seed()));
    for (int s = 0; s < options.seeds; ++s)
      for (const std::string& init : options.init)
        for (const double lr : rates_) cells_.push_back({init, run.seed() + static_cast<std::uint64_t>(s), lr});
    state_ = run.resume_from();
    if (state_) {
      done_ = state_->json.at("done");
      for (const Json& fault : state_->json.at("faults")) faults_.push_back(fault);
    }
  }

  Json retrain() {
    saved_at_ = wall_s();
    dense_validation_ = evaluated(dense_.model, *validation_);
    dense_test_ = evaluated(dense_.model, *dense_.test);
    while (done_.size() < cells_.size()) done_.push_back(train(cells_[done_.size()]));
    return finish();
  }

 private:
  mtl::TaskModel initial(const Cell& cell) const {
    mtl::TaskModel model = pruned_->model;
    if (cell.init == "random") mtl::initialise(model.model, cell.seed);
    return model;
  }

  // The best weights of one run, by the validation split, and what they do on the test split.
  Json train(const Cell& cell) {
    mtl::TrainSettings settings;
    settings.optimiser = {.kind = "adam", .weight_decay = options_.weight_decay, .beta1 = 0.5, .beta2 = 0.999, .momentum = 0};
    settings.steps = options_.steps;
    settings.horizon = 2 * options_.steps;
    settings.batch = options_.batch;
    settings.lr = cell.lr;
    mtl::TaskModel model = initial(cell);
    const std::string sha256 = mtl::weights_sha256(model.model.weights);
    mtl::Trainer trainer(std::move(model), settings, cell.seed);
    double best = -std::numeric_limits<double>::infinity();
    std::int64_t best_step = 0;
    std::string best_bytes;
    if (state_) {  // of the cell that was interrupted
      trainer.restore(state_->blobs.at("trainer.safetensors"));
      best_step = state_->json.at("best_step");
      if (best_step > 0) {
        best = state_->json.at("best");
        best_bytes = state_->blobs.at("best.safetensors");
      }
      state_.reset();
    }
    while (trainer.steps_done() < options_.steps) {
      step(trainer, cell, best, best_step, best_bytes);
      const std::int64_t done = trainer.steps_done();
      if (done % options_.validate != 0 && done != options_.steps) continue;
      const double change =
          mtl::average_metric_change(evaluated(trainer.snapshot(), *validation_).metrics, dense_validation_.metrics);
      run_.log({{"init", cell.init}, {"seed", cell.seed}, {"lr", cell.lr}, {"step", done}, {"avg_metric_change", change}});
      if (change <= best) continue;
      best = change;
      best_step = done;
      best_bytes = trainer.save();
    }
    for (const mtl::Fault& fault : trainer.faults()) add_fault(fault);
    trainer.restore(best_bytes);
    return outcome(cell, trainer.snapshot(), sha256, best, best_step);
  }

  void step(mtl::Trainer& trainer, const Cell& cell, double best, std::int64_t best_step, const std::string& best_bytes) {
    if (run_.stop() || wall_s() - saved_at_ > kSaveEverySeconds) {
      save(trainer, best, best_step, best_bytes);
      saved_at_ = wall_s();
      if (run_.stop()) run_.interrupted();
    }
    const mtl::Trainer::StepResult result = trainer.step(*dense_.train);
    if (!result.finite)
      infeasible_error("--init " + cell.init + ", seed " + std::to_string(cell.seed) + ": the loss of step " +
                       std::to_string(trainer.steps_done()) + " is not finite; lower --lr (now " + data::number_text(cell.lr) +
                       ")");
    run_.step({.what = "retraining",
               .done = static_cast<double>(static_cast<std::int64_t>(done_.size()) * options_.steps + trainer.steps_done()),
               .total = static_cast<double>(static_cast<std::int64_t>(cells_.size()) * options_.steps),
               .unit = "step",
               .note = cell.init + ", seed " + std::to_string(cell.seed)});
  }

  void save(const mtl::Trainer& trainer, double best, std::int64_t best_step, const std::string& best_bytes) {
    for (const mtl::Fault& fault : trainer.faults()) add_fault(fault);
    cli::State state;
    state.json = {{"done", done_}, {"faults", faults_}, {"best_step", best_step}};
    if (best_step > 0) {
      state.json["best"] = best;
      state.blobs["best.safetensors"] = best_bytes;
    }
    state.blobs["trainer.safetensors"] = trainer.save();
    run_.save(state);
  }

  Json outcome(const Cell& cell, const mtl::TaskModel& model, const std::string& initial_sha256, double validation,
               std::int64_t best_step) {
    const mtl::Evaluation test = evaluated(model, *dense_.test);
    return {{"init", cell.init},
            {"seed", cell.seed},
            {"lr", cell.lr},
            {"initial_weights_sha256", initial_sha256},
            {"final_weights_sha256", mtl::weights_sha256(model.model.weights)},
            {"best_step", best_step},
            {"val_avg_metric_change", validation},
            {"avg_metric_change", mtl::average_metric_change(test.metrics, dense_test_.metrics)},
            {"tasks", mtl::evaluation_json(test, model.tasks)},
            {"image_losses", image_losses(model)}};
  }

  // [task][image]: loss on each test image; null without a valid label.
  Json image_losses(const mtl::TaskModel& model) const {
    const auto network = mtl::make_network(model);
    const auto images = std::min<std::size_t>(static_cast<std::size_t>(options_.data.test_images), dense_.test->size());
    std::vector<std::vector<double>> losses(model.tasks.size(), std::vector<double>(images, NAN));
    parallel_for(static_cast<int>(images), run_.threads(), [&](int i) {
      const at::NoGradGuard no_grad;
      const auto at = static_cast<std::size_t>(i);
      const mtl::Loaded loaded = mtl::load_all(*dense_.test, {at}, 1);
      if (loaded.samples.empty()) return;
      const std::vector<const mtl::Sample*> one{&loaded.samples[0]};
      const std::vector<at::Tensor> outputs = network->outputs(mtl::batch_images(one));
      for (std::size_t t = 0; t < model.tasks.size(); ++t) {
        const mtl::PerImage loss =
            mtl::per_image_loss(outputs[t], mtl::batch_labels(one, static_cast<int>(t), model.tasks[t]), model.tasks[t]);
        if (loss.present[0]) losses[t][at] = loss.loss[0].item<double>();
      }
    });
    Json json = Json::array();
    for (const auto& of_task : losses) {
      Json row = Json::array();
      for (const double loss : of_task) row.push_back(std::isnan(loss) ? Json(nullptr) : Json(loss));
      json.push_back(std::move(row));
    }
    return json;
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

  // For each start and seed the learning rate that is best on the validation split.
  std::vector<Json> best_runs(const std::string& init) const {
    std::vector<Json> runs;
    for (int s = 0; s < options_.seeds; ++s) {
      const std::uint64_t seed = run_.seed() + static_cast<std::uint64_t>(s);
      const Json* best = nullptr;
      for (const Json& cell : done_)
        if (cell["init"] == init && cell["seed"].get<std::uint64_t>() == seed &&
            (best == nullptr || cell["val_avg_metric_change"].get<double>() > (*best)["val_avg_metric_change"].get<double>()))
          best = &cell;
      runs.push_back(*best);
    }
    return runs;
  }

  Json finish() {
    std::ranges::sort(faults_.get_ref<Json::array_t&>(), {}, [](const Json& fault) { return fault["item"].get<std::string>(); });
    Json arms = Json::object();
    for (const std::string& init : options_.init) {
      std::vector<double> changes;
      Json seeds = Json::array();
      for (Json cell : best_runs(init)) {
        changes.push_back(cell["avg_metric_change"].get<double>());
        cell.erase("image_losses");
        cell.erase("init");
        seeds.push_back(std::move(cell));
      }
      arms[init] = {{"seeds", seeds}, {"avg_metric_change", mean_json(changes)}};
    }
    Json result = {
        {"model",
         {{"file", dense_.name},
          {"source_weights_sha256", mtl::weights_sha256(dense_.model.model.weights)},
          {"pruned_weights_sha256", mtl::weights_sha256(pruned_->model.model.weights)},
          {"before", cost_json(dense_.model, dense_.cost)},
          {"after", cost_json(pruned_->model, pruned_->cost)}}},
        {"plan", options_.plan},
        {"size", {dense_.height, dense_.width}},
        {"steps", options_.steps},
        {"data",
         {{"train", {{"spec", dense_.train->spec()}, {"sha256", dense_.train->sha256()}}},
          {"val", {{"spec", validation_->spec()}, {"sha256", validation_->sha256()}}},
          {"test", {{"spec", dense_.test->spec()}, {"sha256", dense_.test->sha256()}, {"images", dense_test_.images}}}}},
        {"dense", mtl::evaluation_json(dense_test_, dense_.model.tasks)},
        {"arms", arms},
        {"comparison", options_.init.size() == 2 && options_.init[0] != options_.init[1] ? comparison() : Json(nullptr)},
        {"certificate", certificate_json(pruned_->certificate)},
        {"faults", faults_}};
    return result;
  }

  static Json mean_json(const std::vector<double>& values) {
    double mean = 0, squares = 0;
    for (const double v : values) mean += v / static_cast<double>(values.size());
    for (const double v : values) squares += (v - mean) * (v - mean);
    return {{"mean", mean},
            {"sd", values.size() > 1 ? Json(std::sqrt(squares / static_cast<double>(values.size() - 1))) : Json(nullptr)},
            {"n", values.size()}};
  }

  // {TASK: relative difference of test losses, random against pruned, paired by seed and image}, and over all tasks.
  Json comparison() const {
    const std::vector<Json> random = best_runs("random"), pruned = best_runs("pruned");
    std::vector<LossPairs> tasks;
    for (std::size_t t = 0; t < dense_.model.tasks.size(); ++t) {
      LossPairs pairs;
      for (std::size_t s = 0; s < random.size(); ++s) {
        pairs.a.push_back(numbers(random[s]["image_losses"][t]));
        pairs.b.push_back(numbers(pruned[s]["image_losses"][t]));
      }
      tasks.push_back(std::move(pairs));
    }
    const std::vector<RelativeDifference> differences = compare_losses(tasks, run_.seed());
    Json json = {{"a", "random"}, {"b", "pruned"}, {"what", "relative difference of test losses, (a - b) / b"}};
    for (std::size_t t = 0; t < tasks.size(); ++t) json["tasks"][dense_.model.tasks[t].name] = difference_json(differences[t]);
    json["all"] = difference_json(differences.back());
    return json;
  }

  static std::vector<double> numbers(const Json& list) {
    std::vector<double> out;
    for (const Json& value : list) out.push_back(value.is_null() ? NAN : value.get<double>());
    return out;
  }

  static Json difference_json(const RelativeDifference& d) {
    return {{"difference", d.difference},
            {"ci", {d.low, d.high}},
            {"seeds", d.seeds},
            {"images", d.images},
            {"verdict", verdict(d, "new weights", "pruned weights")}};
  }

  const RetrainOptions& options_;
  cli::Run& run_;
  std::vector<double> rates_;
  Plan plan_;
  Source dense_;
  std::unique_ptr<mtl::DataSet> validation_;
  std::optional<Pruned> pruned_;
  std::vector<Cell> cells_;
  std::optional<cli::State> state_;
  mtl::Evaluation dense_validation_, dense_test_;
  Json done_ = Json::array(), faults_ = Json::array();
  double saved_at_ = 0;
};

}  // namespace

Json retrain_job(const RetrainOptions& options, cli::Run& run) {
  mtl::set_up_training();
  return RetrainJob(options, run).retrain();
}

}  // namespace tenfold::mtl_prune
