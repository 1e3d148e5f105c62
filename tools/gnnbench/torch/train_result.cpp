// The end of a run: what all workers counted, and the best weights as files.
#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "gnnbench/run_result.h"
#include "gnnbench/stream_digest.h"
#include "gnnbench/torch/train_run.h"
#include "gnnbench/worker_texts.h"

namespace tenfold::gnnbench {

void TrainRun::write_best() {
  cli::RunDirectory* directory = run_.directory();
  if (!directory) return;
  const StoredModel stored{plan_.options.model, input_.data.features.width, input_.data.classes};
  directory->write("best/config.json", data::dump_json(model_json(stored), 2) + "\n");
  directory->write("best/model.safetensors", best_weights_);
  directory->write("curve.csv", curve_csv(curve_, sizes_));
}

Json TrainRun::result() {
  const TrafficCounters own = counting_ ? counting_->counters() : TrafficCounters();
  double bytes[] = {static_cast<double>(own.setup), static_cast<double>(own.forward), static_cast<double>(own.backward),
                    static_cast<double>(own.allreduce), static_cast<double>(own.feature_fetch)};
  // Counted before the gathering below, which is no part of training. Doubles are exact to 2^53 bytes.
  sum_over_workers(bytes, transport_);
  const std::vector<std::string> digests = gather_texts(engine_->stream_digest(), transport_);
  const std::vector<std::string> peaks = gather_texts(std::to_string(peak_rss_bytes()), transport_);
  if (!first_rank()) return nullptr;
  write_best();
  if (draws_) draws_->flush();

  RunOutcome outcome;
  outcome.transport = transport_ ? transport_->name() : "";
  outcome.model = model_json({plan_.options.model, input_.data.features.width, input_.data.classes});
  std::int64_t parameters = 0;
  for (const Parameter& p : network_.parameters().all()) parameters += p.value.numel();
  outcome.model["n_params"] = parameters;
  outcome.model["init_digest"] = init_digest_;
  if (!digests[0].empty()) outcome.stream_digest = combine_digests(digests);
  outcome.curve = curve_;
  outcome.best = best_;
  outcome.epoch_s = epoch_s_;
  const auto count = [&](int i) { return static_cast<std::uint64_t>(bytes[i]); };
  outcome.bytes = {
      .setup = count(0), .forward = count(1), .backward = count(2), .allreduce = count(3), .feature_fetch = count(4)};
  for (const std::string& peak : peaks) outcome.peak_bytes.push_back(std::stoull(peak));
  outcome.updates = update_;
  outcome.converged = converged_;
  outcome.stopped_by = stopped_by_;
  outcome.weights_digest = weights_digest(network_.parameters());
  if (profile_) outcome.explain = profile_->explain(*network_.compute());  // after the peaks: it takes memory
  return run_result(plan_, input_.data, outcome, clock_);
}

}  // namespace tenfold::gnnbench
