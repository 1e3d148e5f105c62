#include "gnnbench/torch/train_run.h"

#include <malloc.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "base/error.h"
#include "gnnbench/memory_plan.h"
#include "gnnbench/run_result.h"
#include "gnnbench/torch/evaluate.h"
#include "gnnbench/torch/warm_up.h"
#include "gnnbench/worker_texts.h"

namespace tenfold::gnnbench {

TrainRun::TrainRun(const TrainInput& input, cli::Run& run)
    : input_(input),
      run_(run),
      plan_(input.plan),
      counting_(input.transport ? std::make_unique<CountingTransport>(*input.transport) : nullptr),
      transport_(counting_.get()),
      network_(plan_.options.model, input.data.features.width, input.data.classes, RandomKey{run.seed()}, torch::kFloat32,
               c10::make_intrusive<Compute>(run.threads())),
      init_digest_(weights_digest(network_.parameters())),
      optimiser_(network_.parameters(), plan_.lr, plan_.options.wd, plan_.options.wd_scope),
      schedule_(EvalSchedule::parse(plan_.options.eval_every, plan_.updates_per_epoch)),
      sizes_(curve_sizes(input.data)),
      memory_is_tight_(memory_is_tight(input.plan, input.data)) {
  input_.transport = transport_;
  const std::optional<cli::State> state = run.resume_from();
  warm_up(plan_.options.model, input.data.features.width, input.data.classes, input.data.features.sparse(), network_.compute());
  engine_ = plan_.system.family() == Family::mini_batch
                ? make_mini_batch_engine(input_, network_, run.seed(), clock_)
                : make_full_graph_engine(input_, network_, run.seed(), clock_, state.has_value());
  if (state) resume(*state);
  if (!first_rank()) return;
  if (plan_.options.explain) profile_ = std::make_unique<LayerProfile>(plan_.options.model, counting_.get());
  if (plan_.options.record_draws && run_.directory())
    draws_ = std::make_unique<DrawsWriter>(run_.directory()->claim("draws.jsonl"), draws_header(plan_, input.data), draws_bytes_);
}

Json TrainRun::train() {
  saved_at_s_ = wall_s();
  if (transport_) transport_->barrier();
  if (update_ == 0 && curve_.empty()) evaluate();
  while (stopped_by_.empty()) {
    if (update_ >= plan_.max_updates) {
      stopped_by_ = plan_.options.updates && plan_.max_updates == *plan_.options.updates ? "updates" : "epochs";
      break;
    }
    const Agreed agreed = update();
    const bool last = update_ >= plan_.max_updates || agreed.over_budget;
    if (update_ == next_evaluation_ || last) {
      evaluate();
      if (converged()) {
        converged_ = true;
        stopped_by_ = "patience";
      }
    }
    if (stopped_by_.empty() && agreed.over_budget) stopped_by_ = "budget";
    if (first_rank()) report_progress();
    const bool stop = agreed.stop || (!transport_ && run_.stop());
    if (stop || agreed.checkpoint) save();
    if (stop) run_.interrupted();
  }
  clock_.enter(Section::other);
  return result();
}

TrainRun::Agreed TrainRun::update() {
  const auto number = static_cast<std::uint32_t>(update_);
  optimiser_.zero_gradients();
  UpdateRecord record;
  const bool dumped = update_ < plan_.options.dump_updates;
  const double loss = engine_->backward(number, clock_, {.record = dumped ? &record : nullptr, .profile = profile_.get()});

  clock_.enter(Section::comm);
  optimiser_.reduce(transport_);
  // One decision for all: any worker that was told to stop stops all; budget and checkpoints go by rank 0's clock.
  const bool first = first_rank();
  double sums[] = {loss, run_.stop() ? 1.0 : 0.0,
                   first && plan_.options.budget && clock_.train_s() >= *plan_.options.budget ? 1.0 : 0.0,
                   first && wall_s() - saved_at_s_ >= plan_.options.checkpoint_every ? 1.0 : 0.0};
  sum_over_workers(sums, transport_);
  if (!std::isfinite(sums[0]))
    infeasible_error("update " + std::to_string(update_ + 1) + ": the loss is not finite; lower --lr (" +
                     data::dump_json(plan_.lr) + ")" + (run_.directory() ? "; the last checkpoint is kept" : ""));
  clock_.enter(Section::optim);
  optimiser_.step();
  clock_.enter(Section::other);
  ++update_;
  if (engine_->loss_nodes(number) > 0) {
    loss_sum_ += sums[0];
    ++losses_;
  }
  if (update_ % plan_.updates_per_epoch == 0) {
    const double now = clock_.train_s();
    epoch_s_.push_back(now - epoch_began_s_);
    epoch_began_s_ = now;
  }
  if (dumped) dump(record);
  if (plan_.options.record_draws) record_draws();
  return {.loss = sums[0], .stop = sums[1] > 0, .over_budget = sums[2] > 0, .checkpoint = sums[3] > 0};
}

void TrainRun::evaluate() {
  const double train_s = clock_.train_s(), cpu_s = clock_.cpu_s(), wall = clock_.wall_s();
  clock_.enter(Section::eval);
  CurvePoint point{.update = update_,
                   .epoch = static_cast<double>(update_) / static_cast<double>(plan_.updates_per_epoch),
                   .train_s = train_s,
                   .wall_s = wall,
                   .cpu_s = cpu_s,
                   .loss = losses_ > 0 ? loss_sum_ / static_cast<double>(losses_) : std::numeric_limits<double>::quiet_NaN()};
  loss_sum_ = 0;
  losses_ = 0;
  next_evaluation_ = schedule_.next(update_);
  if (first_rank()) {
    // What training freed and evaluation frees has other sizes, and lies there unused. It goes back only where memory is tight:
    // to fault the pages in again costs the next update a fifth of its time, on the clock that decides.
    if (memory_is_tight_) malloc_trim(0);
    const Correct correct = count_correct(predicted_classes(infer(network_, input_.data, plan_.options.row_chunk)), input_.data);
    point.val_correct = correct.val;
    point.test_correct = correct.test;
    curve_.push_back(point);
    const std::size_t best = best_point(curve_, sizes_, plan_.options.select == SelectBy::test_max);
    if (best == curve_.size() - 1) {
      best_weights_ = std::string();  // before there are two
      best_weights_ = parameters_to_safetensors(network_.parameters());
    }
    best_ = best;
    run_.log(curve_json(std::span(&curve_.back(), 1), sizes_)[0]);
    if (memory_is_tight_) malloc_trim(0);
  }
  clock_.enter(Section::other);
}

// Whether patience has ended, on all workers alike: counted from the best evaluated point.
bool TrainRun::converged() {
  double flag = 0;
  if (first_rank() && plan_.options.patience > 0 && sizes_.val > 0) {
    const std::size_t best = best_point(curve_, sizes_, false);
    flag = curve_.back().epoch - curve_[best].epoch >= plan_.options.patience ? 1 : 0;
  }
  sum_over_workers(std::span(&flag, 1), transport_);
  return flag > 0;
}

void TrainRun::report_progress() {
  const auto val = static_cast<double>(sizes_.val);
  run_.step({.what = "training " + to_string(plan_.system),
             .done = static_cast<double>(update_),
             .total = static_cast<double>(plan_.max_updates),
             .unit = "updates",
             .note = val > 0
                         ? "val " + data::dump_json(std::round(1e4 * static_cast<double>(curve_.back().val_correct) / val) / 1e4)
                         : ""});
}

// A line after the other, in rank order. What that sends is no part of training.
void TrainRun::record_draws() {
  const TrafficCounters counted = counting_ ? counting_->counters() : TrafficCounters();
  const std::vector<std::string> lines = gather_texts(engine_->draws(), transport_);
  if (counting_) counting_->set_counters(counted);
  if (draws_)
    for (const std::string& of_worker : lines) draws_->append(of_worker);
}

void TrainRun::dump(const UpdateRecord& record) {
  if (!first_rank() || !run_.directory()) return;
  std::vector<std::pair<std::string, torch::Tensor>> tensors = {{"nodes", torch::tensor(record.nodes, torch::kInt64)},
                                                                {"logits", record.logits}};
  for (const Parameter& p : network_.parameters().all()) tensors.emplace_back("gradient." + p.spec.name, p.value.grad());
  run_.directory()->write("dump/update_" + std::to_string(update_ - 1) + ".safetensors", tensors_to_safetensors(tensors));
}

}  // namespace tenfold::gnnbench
