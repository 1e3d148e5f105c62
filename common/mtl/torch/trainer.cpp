#include "mtl/torch/trainer.h"

#include <torch/csrc/autograd/autograd.h>

#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>

#include "base/error.h"
#include "mtl/torch/augment.h"
#include "mtl/torch/epoch.h"
#include "mtl/torch/loss_weights.h"
#include "mtl/torch/tensor_file.h"

namespace tenfold::mtl {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

void check_word(const std::string& word, std::initializer_list<const char*> known, const char* what) {
  std::string list;
  for (const char* each : known) {
    if (word == each) return;
    list += (list.empty() ? "" : ", ") + std::string(each);
  }
  usage_error(std::string(what) + " " + word + " is none of " + list);
}

double learning_rate(const TrainSettings& s, std::int64_t step) {
  const double part = static_cast<double>(step) / static_cast<double>(s.horizon ? s.horizon : s.steps);
  if (s.schedule == "cosine") return s.lr / 2 * (1 + std::cos(std::numbers::pi * std::min(part, 1.0)));
  if (s.schedule == "step") return s.lr / std::exp2(std::floor(3 * part));
  return s.lr;
}

bool all_finite(const Gradients& gradients) {
  for (const double loss : gradients.losses)
    if (std::isinf(loss)) return false;
  for (const auto& [name, gradient] : gradients.total)
    if (!std::isfinite(gradient.sum().item<double>())) return false;
  return true;
}

}  // namespace

Batch make_batch(const std::vector<const Sample*>& samples, const TaskModel& model) {
  Batch batch;
  batch.images = preprocess(batch_images(samples), model.input);
  for (std::size_t t = 0; t < model.tasks.size(); ++t)
    batch.labels.push_back(batch_labels(samples, static_cast<int>(t), model.tasks[t]));
  return batch;
}

Batch make_batch(const std::vector<std::shared_ptr<const Sample>>& samples, const TaskModel& model) {
  std::vector<const Sample*> pointers;
  for (const auto& sample : samples) pointers.push_back(sample.get());
  return make_batch(pointers, model);
}

at::Tensor Problem::loss(std::size_t task, const at::Tensor& output) const {
  return batch_loss(per_image_loss(output, batch.labels[task], tasks[task]));
}

Gradients differentiate(const Problem& p) {
  const std::vector<at::Tensor> outputs = p.executor.run(p.batch.images, p.hooks);
  Gradients out;
  at::Tensor total;
  for (std::size_t t = 0; t < p.tasks.size(); ++t) {
    const at::Tensor loss = p.loss(t, outputs[static_cast<std::size_t>(p.output_of_task[t])]);
    // A loss that is not a number is told from an absent one as an infinite one.
    const double value = loss.defined() ? loss.item<double>() : kNaN;
    out.losses.push_back(loss.defined() && std::isnan(value) ? std::numeric_limits<double>::infinity() : value);
    if (loss.defined()) total = total.defined() ? total + p.weights[t] * loss : p.weights[t] * loss;
  }
  if (!total.defined()) return out;
  std::vector<std::string> names;
  std::vector<at::Tensor> parameters;
  for (const std::string& name : p.executor.parameter_names()) {
    names.push_back(name);
    parameters.push_back(p.executor.weights().at(name));
  }
  const std::vector<at::Tensor> gradients = torch::autograd::grad({total}, parameters, {}, /*retain_graph=*/std::nullopt,
                                                                  /*create_graph=*/false, /*allow_unused=*/true);
  for (std::size_t i = 0; i < names.size(); ++i)
    if (gradients[i].defined()) out.total.emplace(names[i], gradients[i]);
  return out;
}

struct Trainer::Contents {
  TaskModel model;
  TrainSettings settings;
  std::uint64_t seed;
  Executor executor;
  OptimiserState state;
  LossWeights weights;
  EpochReader reader;
  std::int64_t steps = 0;

  Contents(TaskModel m, const TrainSettings& s, std::uint64_t seed_)
      : model(std::move(m)),
        settings(s),
        seed(seed_),
        executor(model.model),
        weights(s.weights, model.tasks),
        reader(seed_, s.batch) {
    executor.require_grad(true);
  }

  Batch next_batch(const DataSet& data) {
    const std::vector<std::shared_ptr<const Sample>> held = reader.read(data, steps);
    std::vector<Sample> changed;
    std::vector<const Sample*> samples;
    if (settings.augment) {
      changed.reserve(held.size());
      for (std::size_t i = 0; i < held.size(); ++i) {
        PhiloxStream random(seed, "augment", static_cast<std::uint32_t>(steps), static_cast<std::uint32_t>(i));
        changed.push_back(augment(*held[i], model.tasks, random));
        samples.push_back(&changed.back());
      }
    } else {
      for (const auto& sample : held) samples.push_back(sample.get());
    }
    return make_batch(samples, model);
  }
};

Trainer::Trainer(TaskModel model, const TrainSettings& settings, std::uint64_t seed) {
  check_word(settings.optimiser.kind, {"adamw", "adam", "sgd"}, "optimiser");
  check_word(settings.schedule, {"cosine", "step", "const"}, "schedule");
  check_word(settings.weights, {"equal", "uw", "dwa"}, "weights");
  contents_ = std::make_shared<Contents>(std::move(model), settings, seed);
}

Trainer::StepResult Trainer::step(const DataSet& data, const Differentiate& how) {
  Contents& c = *contents_;
  c.weights.begin_step(c.steps, c.reader.batches_per_epoch(data));
  const Batch batch = c.next_batch(data);
  const std::vector<double> weights = c.weights.values();
  const auto dropout_seed = PhiloxStream(c.seed, "dropout", static_cast<std::uint32_t>(c.steps)).next_u64();
  const Problem problem{.executor = c.executor,
                        .tasks = c.model.tasks,
                        .output_of_task = c.model.output_of_task,
                        .batch = batch,
                        .weights = weights,
                        .hooks = {.train = true, .dropout_seed = dropout_seed, .read_scale = {}, .tap = {}}};
  Gradients gradients = how ? how(problem) : differentiate(problem);
  StepResult result{.total = 0, .losses = gradients.losses, .finite = all_finite(gradients)};
  for (std::size_t t = 0; t < weights.size(); ++t)
    if (!std::isnan(result.losses[t])) result.total += weights[t] * result.losses[t];
  if (result.finite) {
    std::map<std::string, at::Tensor> parameters = c.executor.weights();
    c.weights.add_gradients(result.losses, parameters, gradients.total);
    optimiser_step(parameters, gradients.total, c.settings.optimiser, learning_rate(c.settings, c.steps), c.state);
    c.weights.end_step(result.losses);
  }
  ++c.steps;
  return result;
}

std::int64_t Trainer::steps_done() const { return contents_->steps; }
double Trainer::lr() const { return learning_rate(contents_->settings, contents_->steps); }
const std::vector<Fault>& Trainer::faults() const { return contents_->reader.faults(); }
Executor& Trainer::executor() { return contents_->executor; }
OptimiserState& Trainer::optimiser() { return contents_->state; }
const TrainSettings& Trainer::settings() const { return contents_->settings; }
const TaskModel& Trainer::model() const { return contents_->model; }

TaskModel Trainer::snapshot() const {
  TaskModel model = contents_->model;
  model.model.weights = contents_->executor.host_weights();
  return model;
}

void Trainer::replace(TaskModel model, OptimiserState state) {
  Contents& c = *contents_;
  c.model = std::move(model);
  c.executor = Executor(c.model.model);
  c.executor.require_grad(true);
  c.state = std::move(state);
}

std::string Trainer::save() const {
  const Contents& c = *contents_;
  std::map<std::string, at::Tensor> tensors;
  for (const auto& [name, tensor] : c.executor.weights()) tensors.emplace("weight/" + name, tensor.detach());
  for (const auto& [name, moments] : c.state.moments)
    for (std::size_t i = 0; i < moments.size(); ++i) tensors.emplace("moment" + std::to_string(i) + "/" + name, moments[i]);
  for (const auto& [name, tensor] : c.weights.save()) tensors.emplace("weighting/" + name, tensor);
  tensors.emplace("steps", at::tensor({c.steps, c.state.step}, at::kLong));
  return tensor_file(tensors);
}

void Trainer::restore(const std::string& bytes) {
  Contents& c = *contents_;
  const at::NoGradGuard no_grad;
  std::map<std::string, at::Tensor> weighting;
  c.state.moments.clear();
  for (const auto& [name, tensor] : read_tensor_file(bytes, "checkpoint")) {
    const std::size_t slash = name.find('/');
    const std::string kind = name.substr(0, slash), rest = slash == std::string::npos ? "" : name.substr(slash + 1);
    if (kind == "weight")
      c.executor.weights().at(rest).detach().copy_(tensor);
    else if (kind == "weighting")
      weighting.emplace(rest, tensor);
    else if (kind == "steps")
      c.steps = tensor[0].item<std::int64_t>(), c.state.step = tensor[1].item<std::int64_t>();
    else
      c.state.moments[rest].push_back(tensor);  // moment0 comes before moment1: by name
  }
  c.weights.restore(weighting);
}

}  // namespace tenfold::mtl
