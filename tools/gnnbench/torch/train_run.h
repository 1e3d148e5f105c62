// One training run on one worker: the loop that all systems share. Updates, the train clock, evaluation by the schedule,
// patience, checkpoints, and what the result says.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/run.h"
#include "cli/state.h"
#include "gnnbench/curve.h"
#include "gnnbench/draws_file.h"
#include "gnnbench/run_clock.h"
#include "gnnbench/torch/engine.h"
#include "gnnbench/torch/network.h"
#include "gnnbench/torch/optimiser.h"
#include "gnnbench/torch_part.h"
#include "gnnbench/transport_counting.h"

namespace tenfold::gnnbench {

class TrainRun {
 public:
  // The input's plan and data must outlive this. Throws as TorchPart::train.
  TrainRun(const TrainInput& input, cli::Run& run);

  // To the end, or until the run is stopped. The result on rank 0, null elsewhere.
  Json train();

  const std::vector<CurvePoint>& curve() const { return curve_; }
  const Network& network() const { return network_; }

 private:
  // What the workers tell each other after the backward pass, summed.
  struct Agreed {
    double loss = 0;
    bool stop = false, over_budget = false, checkpoint = false;
  };

  bool first_rank() const { return !transport_ || transport_->rank() == 0; }
  void resume(const cli::State& state);
  void save();
  Agreed update();
  void dump(const UpdateRecord& record);
  void record_draws();
  void evaluate();
  bool converged();
  void report_progress();
  void write_best();
  Json result();

  TrainInput input_;
  cli::Run& run_;
  const TrainPlan& plan_;
  std::unique_ptr<CountingTransport> counting_;
  Transport* transport_ = nullptr;  // counting_, or null
  RunClock clock_;
  Network network_;
  std::string init_digest_;
  Optimiser optimiser_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<LayerProfile> profile_;  // --explain, on rank 0
  std::unique_ptr<DrawsWriter> draws_;     // --record-draws, on rank 0
  EvalSchedule schedule_;
  CurveSizes sizes_;
  bool memory_is_tight_;

  std::int64_t update_ = 0;  // done
  std::int64_t next_evaluation_ = 0;
  std::int64_t draws_bytes_ = 0;  // of draws.jsonl that a checkpoint kept
  std::vector<CurvePoint> curve_;
  double loss_sum_ = 0;
  std::int64_t losses_ = 0;  // since the last evaluation
  std::size_t best_ = 0;     // of curve_
  std::string best_weights_;  // safetensors
  std::vector<double> epoch_s_;
  double epoch_began_s_ = 0;
  double saved_at_s_ = 0;
  std::string stopped_by_;
  bool converged_ = false;
};

}  // namespace tenfold::gnnbench
