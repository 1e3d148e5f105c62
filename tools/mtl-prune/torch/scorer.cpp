#include "mtl-prune/torch/scorer.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/stop.h"
#include "mtl/torch/epoch.h"

namespace tenfold::mtl_prune {
namespace {

using at::Tensor;

// One row per index of the dimension: [size, elements of an index]. A grouped dimension's index q * (C / g) + j is column j of
// the rows of group q.
Tensor rows(const Tensor& tensor, const Dimension& dimension) {
  if (dimension.groups == 1) return tensor.movedim(dimension.dim, 0).flatten(1);
  const std::int64_t per_group = tensor.size(0) / dimension.groups;
  return tensor.unflatten(0, std::vector<std::int64_t>{dimension.groups, per_group}).transpose(1, 2).flatten(0, 1).flatten(1);
}

std::vector<double> doubles(const Tensor& tensor) {
  const Tensor flat = tensor.to(at::kDouble).contiguous();
  return {flat.const_data_ptr<double>(), flat.const_data_ptr<double>() + flat.numel()};
}

// [T, size, elements] in float64; zeros where a task's loss does not depend on the parameter.
Tensor stacked(const std::vector<Tensor>& by_task, const Dimension& dimension, const Tensor& like) {
  std::vector<Tensor> all;
  for (const Tensor& gradient : by_task) all.push_back(rows(gradient.defined() ? gradient : at::zeros_like(like), dimension));
  return at::stack(all).to(at::kDouble);
}

}  // namespace

Scorer::Scorer(const mtl::TaskModel& model, const Units& units, const ScorerSettings& settings)
    : units_(units),
      model_(model),
      settings_(settings),
      reads_(model.model.graph.nodes.size()),
      scores_(model.model, units, model.output_of_task, settings.couple),
      absent_(model.tasks.size()) {
  const std::vector<bool> filters = filter_dimensions(model.model, units);
  for (std::size_t d = 0; d < units.dimensions.size(); ++d) {
    const Dimension& dimension = units.dimensions[d];
    if (filters[d]) filters_[dimension.parameter].push_back(static_cast<int>(d));
    if (dimension.role == Role::consumer) consumers_[dimension.parameter].push_back(static_cast<int>(d));
  }
  for (std::size_t i = 1; i < reads_.size(); ++i) {
    const auto weight = model.model.graph.nodes[i].parameters.find("weight");
    reads_[i] = weight != model.model.graph.nodes[i].parameters.end() && consumers_.contains(weight->second);
  }
}

void Scorer::take(const mtl::Executor& executor, const std::string& parameter, const std::vector<Tensor>& by_task,
                  BatchStatistics& batch) const {
  const at::NoGradGuard no_grad;
  const Tensor weight = executor.weights().at(parameter).detach();
  const auto tasks = static_cast<std::int64_t>(by_task.size());
  if (const auto found = filters_.find(parameter); found != filters_.end()) {
    for (const int d : found->second) {
      const Dimension& dimension = units_.dimensions[static_cast<std::size_t>(d)];
      const Tensor g = stacked(by_task, dimension, weight).permute({1, 0, 2});  // [size, T, elements]
      const Tensor gram = at::bmm(g, g.transpose(1, 2));
      std::vector<Tensor> pairs;
      for (std::int64_t i = 0; i < tasks; ++i)
        for (std::int64_t j = i; j < tasks; ++j) pairs.push_back(gram.select(1, i).select(1, j));
      batch.dots[static_cast<std::size_t>(d)] = doubles(at::stack(pairs, 1));
      batch.weight_norm[static_cast<std::size_t>(d)] = doubles(rows(weight, dimension).to(at::kDouble).square().sum(1).sqrt());
    }
  }
  if (const auto found = consumers_.find(parameter); found != consumers_.end()) {
    for (const int d : found->second) {
      const Dimension& dimension = units_.dimensions[static_cast<std::size_t>(d)];
      const Tensor w = rows(weight, dimension).to(at::kDouble);  // [size, elements]
      batch.gates[static_cast<std::size_t>(d)] = doubles((stacked(by_task, dimension, weight) * w).sum(2).transpose(0, 1));
    }
  }
}

void Scorer::look(int node, const Tensor& input) {
  if (!reads_[static_cast<std::size_t>(node)]) return;
  const at::NoGradGuard no_grad;
  const mtl::Node& reader = model_.model.graph.nodes[static_cast<std::size_t>(node)];
  const ChannelMap& channels = units_.nodes[static_cast<std::size_t>(reader.inputs[0].node)];
  if (channels.axis < 0) return;
  std::vector<std::int64_t> others;
  for (std::int64_t d = 0; d < input.dim(); ++d)
    if (d != channels.axis) others.push_back(d);
  // In the input's own type, which holds counts exactly and saves a copy as int64: batches have fewer than 2^24 values a channel.
  const std::vector<double> counts = doubles(input.ne(0).to(input.scalar_type()).sum(others));
  const double values = static_cast<double>(input.numel()) / static_cast<double>(counts.size());
  for (std::size_t c = 0; c < counts.size(); ++c) scores_.saw(channels.units[c], counts[c], values);
}

mtl::Gradients Scorer::add(const mtl::Problem& problem, bool total) {
  BatchStatistics batch;
  batch.weights = problem.weights;
  const std::size_t tasks = problem.tasks.size();
  for (const Dimension& dimension : units_.dimensions) {
    const auto size = static_cast<std::size_t>(dimension.size);
    const bool filter = filters_.contains(dimension.parameter) && dimension.role == Role::producer;
    batch.dots.emplace_back(filter ? size * tasks * (tasks + 1) / 2 : 0);
    batch.weight_norm.emplace_back(filter ? size : 0);
    batch.gates.emplace_back(dimension.role == Role::consumer ? size * tasks : 0);
  }
  TaskGradients sink;
  sink.parameter = [&](const std::string& name, const std::vector<Tensor>& by_task) {
    take(problem.executor, name, by_task, batch);
  };
  if (settings_.activity) sink.read = [&](int node, const Tensor& input) { look(node, input); };
  PassResult pass = settings_.stream ? stream_gradients(problem, sink, total) : whole_gradients(problem, sink, total);
  ++forward_;
  backward_ += pass.backward_passes;
  for (std::size_t t = 0; t < tasks; ++t) absent_[t] += std::isnan(pass.losses[t]) ? 1 : 0;
  batch.losses = pass.losses;
  if (std::ranges::any_of(pass.losses, [](double loss) { return std::isinf(loss); }))
    ++skipped_;
  else
    scores_.add(batch);
  return {std::move(pass.losses), std::move(pass.total)};
}

ScoreTable Scorer::table() const {
  ScoreTable table;
  scores_.fill(table);
  table.batches_skipped = skipped_;
  table.forward_passes = forward_;
  table.backward_passes = backward_;
  table.task_absent = absent_;
  return table;
}

std::vector<double> Scorer::state() const {
  std::vector<double> state = scores_.state();
  for (const std::int64_t absent : absent_) state.push_back(static_cast<double>(absent));
  for (const std::int64_t count : {skipped_, forward_, backward_}) state.push_back(static_cast<double>(count));
  return state;
}

void Scorer::restore(const std::vector<double>& state) {
  const std::size_t own = absent_.size() + 3;
  scores_.restore({state.begin(), state.end() - static_cast<std::ptrdiff_t>(own)});
  const auto* at = state.data() + (state.size() - own);
  for (std::int64_t& absent : absent_) absent = static_cast<std::int64_t>(*at++);
  for (std::int64_t* count : {&skipped_, &forward_, &backward_}) *count = static_cast<std::int64_t>(*at++);
}

ScoreTable score_units(const mtl::TaskModel& model, const Units& units, const mtl::DataSet& data, const ScoreSettings& settings,
                       cli::Run& run) {
  for (const std::string& criterion : settings.criteria)
    if (criterion.starts_with("cosprune") && model.tasks.size() < 2)
      usage_error("--criterion " + criterion + " ranks by conflict between tasks, and there is one task; try --criterion taylor");
  mtl::Executor executor(model.model, settings.wide ? at::kDouble : at::kFloat);
  executor.require_grad(true);
  Scorer scorer(model, units, {.couple = settings.couple, .stream = settings.stream, .activity = true});
  mtl::EpochReader reader(run.seed(), settings.batch);
  const std::int64_t batches = std::min<std::int64_t>(settings.batches, reader.batches_per_epoch(data));
  if (batches < settings.batches)
    run.warn("scored on " + std::to_string(batches) + " batches, all there are, not " + std::to_string(settings.batches));
  std::vector<double> weights;
  for (const mtl::Task& task : model.tasks) weights.push_back(task.weight);
  std::vector<mtl::Fault> skipped;
  for (std::int64_t b = 0; b < batches; ++b) {
    leave_if_stopped();
    const mtl::Batch batch = mtl::make_batch(reader.read(data, b), model);
    const mtl::Gradients result = scorer.add({.executor = executor,
                                              .tasks = model.tasks,
                                              .output_of_task = model.output_of_task,
                                              .batch = batch,
                                              .weights = weights,
                                              .hooks = {}});
    if (std::ranges::any_of(result.losses, [](double loss) { return std::isinf(loss); }))
      skipped.push_back({"batch " + std::to_string(b), "a loss is not finite"});
    if (2 * static_cast<std::int64_t>(skipped.size()) > batches)
      input_error("over half of the batches have a loss that is not finite; are the images in the range that input.range says?");
    run.step({.what = "scoring",
              .done = static_cast<double>(b + 1),
              .total = static_cast<double>(batches),
              .unit = "batch",
              .note = ""});
  }
  ScoreTable table = scorer.table();
  table.faults = reader.faults();
  table.faults.insert(table.faults.end(), skipped.begin(), skipped.end());
  return table;
}

}  // namespace tenfold::mtl_prune
