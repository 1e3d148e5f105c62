// What `train` answers, from what a run of any system leaves behind.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "data/json.h"
#include "gnnbench/curve.h"
#include "gnnbench/dataset.h"
#include "gnnbench/run_clock.h"
#include "gnnbench/train_options.h"
#include "gnnbench/transport.h"

namespace tenfold::gnnbench {

struct RunOutcome {
  std::string transport;               // empty: one worker
  Json model;                          // model_json with n_params and init_digest; null for labelprop
  std::string stream_digest;           // empty: nothing was drawn
  std::vector<CurvePoint> curve;
  std::size_t best = 0;                // of curve
  std::vector<double> epoch_s;         // train seconds of each whole epoch
  TrafficCounters bytes;               // of all workers
  std::vector<std::uint64_t> peak_bytes;  // by rank
  std::int64_t updates = 0;
  bool converged = false;
  std::string stopped_by;              // patience, epochs, updates, budget; propagation for labelprop
  std::string weights_digest;
  Json explain;                        // null: not asked for
};

Json run_result(const TrainPlan& plan, const Dataset& data, const RunOutcome& outcome, RunClock& clock);

// Labelled nodes of the evaluated masks.
CurveSizes curve_sizes(const Dataset& data);

}  // namespace tenfold::gnnbench
