#include "mtl/torch/train_job.h"

#include <ATen/Parallel.h>
#include <malloc.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/clock.h"
#include "base/error.h"
#include "base/files.h"
#include "cli/state.h"
#include "mtl/architectures.h"
#include "mtl/shapes.h"

namespace tenfold::mtl {
namespace {

constexpr double kSaveEverySeconds = 30;

// The mean of each loss since the last point.
struct Window {
  std::vector<double> sum;
  std::vector<std::int64_t> count;

  void add(const std::vector<double>& losses) {
    sum.resize(losses.size());
    count.resize(losses.size());
    for (std::size_t t = 0; t < losses.size(); ++t) {
      if (std::isnan(losses[t])) continue;
      sum[t] += losses[t];
      ++count[t];
    }
  }
};

class TrainJob {
 public:
  TrainJob(const TrainOptions& options, cli::Run& run) : options_(options), run_(run) {
    const TaskFile tasks = read_task_file();
    const InputSpec input = tasks.input.value_or(InputSpec());
    data_ = open_data(options.data, tasks.tasks, input, "train");
    test_ = open_data(options.test.empty() ? options.data : options.test, tasks.tasks, input, "test");
    const auto [height, width] = image_size(*data_);
    TaskModel model = options.model.empty() ? build_model(tasks, height, width)
                                            : load_task_model({options.model, options.tasks}, height, width);
    settings_ = settings(model.tasks);
    initial_sha256_ = weights_sha256(model.model.weights);
    trainer_.emplace(std::move(model), settings_, run.seed());
    resume();
  }

  cli::Result train() {
    double saved_at = wall_s();
    while (trainer_->steps_done() < options_.steps) {
      step();
      if (run_.stop()) {
        save();
        run_.interrupted();
      }
      if (wall_s() - saved_at > kSaveEverySeconds) {
        save();
        saved_at = wall_s();
      }
    }
    return finish();
  }

 private:
  // MODEL's tasks stand in its own file.
  TaskFile read_task_file() const {
    if (!options_.tasks.empty()) return read_tasks(options_.tasks);
    if (options_.model.empty()) return rooms_tasks();
    const TaskModel model = load_task_model({options_.model, ""}, 96, 128);
    return {model.input, model.tasks};
  }

  TaskModel build_model(const TaskFile& tasks, std::int64_t height, std::int64_t width) const {
    ArchitectureSpec spec{.arch = options_.arch, .layout = options_.layout, .widths = {}};
    for (const std::string& text : options_.widths) {
      if (text.empty() || text.size() > 6 || text.find_first_not_of("0123456789") != std::string::npos)
        usage_error("--widths: " + text + " is no number of channels");
      spec.widths.push_back(std::stoll(text));
    }
    Model model = build(spec, tasks, run_.seed());
    model.input = tasks.input;
    model.tasks = tasks;
    return with_tasks(std::move(model), "", options_.arch, height, width);
  }

  TrainSettings settings(std::vector<Task>& tasks) const {
    TrainSettings s;
    s.optimiser.kind = options_.optimizer;
    s.optimiser.weight_decay = options_.weight_decay;
    s.schedule = options_.schedule;
    s.steps = options_.steps;
    s.batch = options_.batch;
    s.lr = options_.lr;
    s.augment = options_.augment;
    s.weights = options_.weights;
    if (s.weights == "equal" || s.weights == "uw" || s.weights == "dwa") return s;
    read_weights_file(tasks);
    s.weights = "equal";
    return s;
  }

  void read_weights_file(std::vector<Task>& tasks) const {
    const std::string& file = options_.weights;
    if (file.find('.') == std::string::npos && file.find('/') == std::string::npos)
      usage_error("--weights " + file + " is none of equal, uw, dwa, and no file");
    const Json json = Json::parse(read_file(file), nullptr, /*allow_exceptions=*/false);
    if (!json.is_object()) usage_error(file + R"(: expected {"TASK": weight, ...})");
    for (const auto& [name, weight] : json.items()) {
      if (!weight.is_number() || !(weight.get<double>() >= 0)) usage_error(file + ": " + name + " is no weight");
      tasks[static_cast<std::size_t>(find_task(tasks, name))].weight = weight.get<double>();
    }
  }

  void resume() {
    const std::optional<cli::State> state = run_.resume_from();
    if (!state) return;
    trainer_->restore(state->blobs.at("trainer.safetensors"));
    curve_ = state->json.at("curve");
    window_.sum = state->json.at("sum").get<std::vector<double>>();
    window_.count = state->json.at("count").get<std::vector<std::int64_t>>();
    for (const Json& fault : state->json.at("faults")) earlier_faults_.push_back({fault.at("item"), fault.at("reason")});
  }

  // Of the training set: those found before an interruption first, each once.
  std::vector<Fault> faults() const {
    std::vector<Fault> all = earlier_faults_;
    for (const Fault& fault : trainer_->faults()) {
      const bool known = std::ranges::any_of(earlier_faults_, [&](const Fault& earlier) { return earlier.item == fault.item; });
      if (!known) all.push_back(fault);
    }
    return all;
  }

  void save() {
    cli::State state;
    state.json = {{"curve", curve_}, {"sum", window_.sum}, {"count", window_.count}, {"faults", faults_json(faults())}};
    state.blobs["trainer.safetensors"] = trainer_->save();
    run_.save(state);
  }

  void step() {
    const double lr = trainer_->lr();
    const Trainer::StepResult result = trainer_->step(*data_);
    const std::int64_t done = trainer_->steps_done();
    if (!result.finite)
      infeasible_error("the loss of step " + std::to_string(done) + " is not finite; lower --lr (now " +
                       std::to_string(options_.lr) + ")");
    window_.add(result.losses);
    if (done % options_.every == 0 || done == options_.steps) add_point(done, lr);
    run_.step({.what = "training",
               .done = static_cast<double>(done),
               .total = static_cast<double>(options_.steps),
               .unit = "step",
               .note = ""});
  }

  void add_point(std::int64_t done, double lr) {
    Json losses = Json::object();
    const std::vector<Task>& tasks = trainer_->model().tasks;
    for (std::size_t t = 0; t < tasks.size(); ++t)
      losses[tasks[t].name] = window_.count[t] ? Json(window_.sum[t] / static_cast<double>(window_.count[t])) : Json(nullptr);
    window_ = Window();
    const Json point = {{"step", done}, {"lr", lr}, {"losses", losses}};
    curve_.push_back(point);
    run_.log(point);
  }

  void write_model(const Model& model) {
    const auto path = run_.directory()->claim("model.mtg.json").parent_path();
    run_.directory()->claim("model.safetensors");
    write_mtg(path / "model", model);
  }

  cli::Result finish() {
    TaskModel trained = trainer_->snapshot();
    trained.model.input = trained.input;
    trained.model.tasks = TaskFile{trained.input, trained.tasks};
    write_model(trained.model);
    const Evaluation evaluation =
        evaluate(*make_network(trained), *test_, static_cast<std::size_t>(options_.test_images), run_.threads());
    const auto [height, width] = image_size(*data_);
    const Cost cost = mtl::cost(trained.model, height, width);
    std::vector<Fault> faults = this->faults();
    faults.insert(faults.end(), evaluation.faults.begin(), evaluation.faults.end());

    cli::Result result;
    result.value = {{"model",
                     {{"file", "model.mtg.json"},
                      {"params", cost.params},
                      {"macs", cost.macs},
                      {"initial_weights_sha256", initial_sha256_},
                      {"weights_sha256", weights_sha256(trained.model.weights)}}},
                    {"data",
                     {{"train", {{"spec", data_->spec()}, {"images", data_->size()}, {"sha256", data_->sha256()}}},
                      {"test", {{"spec", test_->spec()}, {"images", evaluation.images}, {"sha256", test_->sha256()}}}}},
                    {"steps", trainer_->steps_done()},
                    {"curve", curve_},
                    {"tasks", evaluation_json(evaluation, trained.tasks)},
                    {"faults", faults_json(faults)}};
    result.exit_code = report_faults(faults, run_);
    describe(result, trained.tasks, evaluation);
    return result;
  }

  void describe(cli::Result& result, const std::vector<Task>& tasks, const Evaluation& evaluation) const {
    report::Table table{.title = "On the test images", .columns = {"task", "metric", "value"}, .rows = {}};
    for (std::size_t t = 0; t < tasks.size(); ++t)
      for (const MetricValue& metric : evaluation.metrics[t])
        table.rows.push_back({tasks[t].name, metric.name, metric.defined ? report::number_text(metric.value) : "no valid pixel"});
    result.tables = {table};
    std::vector<report::Series> series;
    for (const Task& task : tasks) {
      report::Series line{task.name, {}, {}};
      for (const Json& point : curve_) {
        line.x.push_back(point["step"].get<double>());
        line.y.push_back(point["losses"][task.name].is_null() ? NAN : point["losses"][task.name].get<double>());
      }
      series.push_back(std::move(line));
    }
    result.charts = {report::lines("losses", "Training losses", series, {.x = "step", .y = "mean loss since the last point"})};
    result.answer = "Trained for " + std::to_string(trainer_->steps_done()) + " steps; the weights are in model.safetensors.";
    result.human = result.answer;
    for (const auto& row : table.rows) result.human += "\n  " + row[0] + " " + row[1] + " " + row[2];
  }

  const TrainOptions& options_;
  cli::Run& run_;
  std::unique_ptr<DataSet> data_, test_;
  TrainSettings settings_;
  std::string initial_sha256_;
  std::optional<Trainer> trainer_;
  Window window_;
  std::vector<Fault> earlier_faults_;
  Json curve_ = Json::array();
};

}  // namespace

void set_up_training() {
  at::globalContext().setFlushDenormal(true);
  // Activations come and go at every step: kept by the process, their pages are not zeroed anew each time.
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  at::set_num_threads(1);
}

Json evaluation_json(const Evaluation& evaluation, const std::vector<Task>& tasks) {
  Json json = Json::object();
  for (std::size_t t = 0; t < tasks.size(); ++t) {
    Json metrics = Json::object();
    for (const MetricValue& metric : evaluation.metrics[t])
      metrics[metric.name] = metric.defined ? Json(metric.value) : Json(nullptr);
    json[tasks[t].name] = {{"loss", std::isnan(evaluation.loss[t]) ? Json(nullptr) : Json(evaluation.loss[t])},
                           {"images_without_label", evaluation.absent[t]},
                           {"metrics", metrics}};
  }
  return json;
}

Json faults_json(const std::vector<Fault>& faults) {
  Json json = Json::array();
  for (const Fault& fault : faults) json.push_back({{"item", fault.item}, {"reason", fault.reason}});
  return json;
}

int report_faults(const std::vector<Fault>& faults, cli::Run& run) {
  for (const Fault& fault : faults) run.warn("left out " + fault.item + ": " + fault.reason);
  return faults.empty() ? 0 : static_cast<int>(ExitCode::input);
}

std::pair<std::int64_t, std::int64_t> image_size(const DataSet& data) {
  std::string reason = "it is empty";
  for (std::size_t i = 0; i < data.size(); ++i) {
    try {
      const Sample sample = data.load(i);
      return {sample.image.height, sample.image.width};
    } catch (const Error& error) {
      if (error.exit_code() != ExitCode::input) throw;
      reason = error.what();
    }
  }
  input_error(data.spec() + ": no item can be read; " + reason);
}

cli::Result train(const TrainOptions& options, cli::Run& run) {
  set_up_training();
  return TrainJob(options, run).train();
}

}  // namespace tenfold::mtl
