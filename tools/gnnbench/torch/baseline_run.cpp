#include "gnnbench/torch/baseline_run.h"

#include <torch/torch.h>

#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "gnnbench/label_propagation.h"
#include "gnnbench/run_result.h"
#include "gnnbench/torch/evaluate.h"

namespace tenfold::gnnbench {

Json run_label_propagation(const TrainInput& input, cli::Run& run) {
  RunClock clock;
  ThreadPool pool(run.threads());
  clock.enter(Section::forward);
  std::vector<float> scores = propagate_labels(input.data, pool);
  CurvePoint point{.update = kPropagationSteps, .epoch = kPropagationSteps};
  point.train_s = clock.train_s();
  point.wall_s = clock.wall_s();
  point.cpu_s = clock.cpu_s();
  clock.enter(Section::eval);
  const torch::Tensor z = torch::from_blob(scores.data(), {input.data.nodes(), input.data.classes}, torch::kFloat32);
  const Correct correct = count_correct(predicted_classes(z), input.data);
  point.val_correct = correct.val;
  point.test_correct = correct.test;
  clock.enter(Section::other);

  RunOutcome outcome;
  outcome.curve = {point};
  outcome.peak_bytes = {peak_rss_bytes()};
  outcome.updates = kPropagationSteps;
  outcome.stopped_by = "propagation";
  if (cli::RunDirectory* directory = run.directory())
    directory->write("curve.csv", curve_csv(outcome.curve, curve_sizes(input.data)));
  return run_result(input.plan, input.data, outcome, clock);
}

}  // namespace tenfold::gnnbench
