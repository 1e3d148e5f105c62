// A training run's checkpoint: everything from which it goes on to the same bits.
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "base/error.h"
#include "gnnbench/torch/train_run.h"
#include "gnnbench/worker_texts.h"

namespace tenfold::gnnbench {
namespace {

constexpr const char* kWeights = "weights.safetensors";
constexpr const char* kMoments = "adam.safetensors";
constexpr const char* kBest = "best.safetensors";

std::string worker_blob(int rank) { return "worker-" + std::to_string(rank) + ".bin"; }

Json points_json(const std::vector<CurvePoint>& points) {
  Json out = Json::array();
  for (const CurvePoint& p : points)
    out.push_back({p.update, p.epoch, p.train_s, p.wall_s, p.cpu_s, std::isnan(p.loss) ? Json(nullptr) : Json(p.loss),
                   p.val_correct, p.test_correct});
  return out;
}

std::vector<CurvePoint> points_of(const Json& json) {
  std::vector<CurvePoint> out;
  for (const Json& p : json)
    out.push_back({.update = p.at(0),
                   .epoch = p.at(1),
                   .train_s = p.at(2),
                   .wall_s = p.at(3),
                   .cpu_s = p.at(4),
                   .loss = p.at(5).is_null() ? std::nan("") : p.at(5).get<double>(),
                   .val_correct = p.at(6),
                   .test_correct = p.at(7)});
  return out;
}

// The counters of a worker stand before what its engine keeps.
std::string worker_text(const TrafficCounters& c, const std::string& engine) {
  std::string text;
  for (const std::uint64_t count : {c.setup, c.forward, c.backward, c.allreduce, c.feature_fetch})
    text += std::to_string(count) + " ";
  text.back() = '\n';
  return text + engine;
}

}  // namespace

void TrainRun::save() {
  clock_.enter(Section::other);
  // What a checkpoint sends is not counted, as a resumed run counts what one without checkpoints does.
  const TrafficCounters counted = counting_ ? counting_->counters() : TrafficCounters();
  const std::vector<std::string> workers = gather_texts(worker_text(counted, engine_->save()), transport_);
  if (counting_) counting_->set_counters(counted);
  saved_at_s_ = wall_s();
  if (!first_rank()) return;
  cli::State state;
  state.json = {{"data_digest", input_.data.digest},
                {"workers", plan_.system.workers},
                {"update", update_},
                {"next_evaluation", next_evaluation_},
                {"draws_bytes", draws_ ? draws_->flush() : 0},
                {"curve", points_json(curve_)},
                {"loss_sum", loss_sum_},
                {"losses", losses_},
                {"best", best_},
                {"epoch_s", epoch_s_},
                {"epoch_began_s", epoch_began_s_},
                {"clock", clock_.state()},
                {"stopped_by", stopped_by_},
                {"converged", converged_}};
  state.blobs[kWeights] = parameters_to_safetensors(network_.parameters());
  state.blobs[kMoments] = tensors_to_safetensors(optimiser_.state());
  state.blobs[kBest] = best_weights_;
  for (std::size_t rank = 0; rank < workers.size(); ++rank) state.blobs[worker_blob(static_cast<int>(rank))] = workers[rank];
  run_.save(state);
}

void TrainRun::resume(const cli::State& state) {
  const Json& s = state.json;
  try {
    if (s.at("data_digest") != input_.data.digest)
      input_error("--resume: the data set is not the one that the run began with (its digest differs)");
    if (s.at("workers") != plan_.system.workers)
      input_error("--resume: the run began with " + std::to_string(s.at("workers").get<int>()) + " workers, not " +
                  std::to_string(plan_.system.workers));
    update_ = s.at("update");
    next_evaluation_ = s.at("next_evaluation");
    draws_bytes_ = s.at("draws_bytes");
    curve_ = points_of(s.at("curve"));
    loss_sum_ = s.at("loss_sum");
    losses_ = s.at("losses");
    best_ = s.at("best");
    epoch_s_ = s.at("epoch_s").get<std::vector<double>>();
    epoch_began_s_ = s.at("epoch_began_s");
    stopped_by_ = s.at("stopped_by");
    converged_ = s.at("converged");
    clock_.restore(s.at("clock"));
    load_parameters(network_.parameters(), state.blobs.at(kWeights), kWeights);
    optimiser_.restore(tensors_from_safetensors(state.blobs.at(kMoments), kMoments), kMoments);
    best_weights_ = state.blobs.at(kBest);
    const std::string& own = state.blobs.at(worker_blob(transport_ ? transport_->rank() : 0));
    const std::size_t line = own.find('\n');
    TrafficCounters c;
    if (line == std::string::npos ||
        std::sscanf(own.c_str(), "%lu %lu %lu %lu %lu", &c.setup, &c.forward, &c.backward, &c.allreduce, &c.feature_fetch) != 5)
      input_error("checkpoint: a worker's part does not read");
    if (counting_) counting_->set_counters(c);
    engine_->restore(own.substr(line + 1));
  } catch (const Json::exception&) {
    input_error("checkpoint/state.json: not the state of a training run");
  } catch (const std::out_of_range&) {
    input_error("checkpoint: a file of the state is missing");
  }
}

}  // namespace tenfold::gnnbench
