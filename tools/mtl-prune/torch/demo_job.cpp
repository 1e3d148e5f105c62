// demo: the sample network pruned to half its multiply-adds by two criteria, trained a little, measured, verified.
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "mtl-prune/score_table.h"
#include "mtl-prune/torch/jobs.h"
#include "mtl-prune/torch/pruning.h"
#include "mtl-prune/torch/timing.h"
#include "mtl/metrics.h"
#include "mtl/torch/train_job.h"

namespace tenfold::mtl_prune {
namespace {

constexpr std::size_t kTestImages = 48;

struct Arm {
  Json json;
  mtl::TaskModel model;
};

Arm run_arm(const Source& source, const ScoreTable& scores, const std::string& criterion, const mtl::Evaluation& before,
            const DemoOptions& options, cli::Run& run) {
  SelectOptions select;
  select.criterion = criterion;
  Selection selection = select_units(source.model.model, source.units, scores, select, source.shapes);
  const Pruned pruned = remove_and_certify(source, std::move(selection.plan), run.seed());
  Arm arm;
  arm.model = options.steps > 0 ? finetune(pruned.model, *source.train, {options.steps, 1e-3, 8}, "fine-tuning " + criterion, run)
                                : pruned.model;
  const auto evaluated = [&](const mtl::TaskModel& model) {
    return mtl::evaluate(*mtl::make_network(model), *source.test, kTestImages, run.threads());
  };
  const mtl::Evaluation middle = evaluated(pruned.model), after = evaluated(arm.model);
  const std::string folder = criterion + "/";
  arm.json = {{"criterion", criterion},
              {"binding", selection.binding},
              {"model",
               {{"source_weights_sha256", mtl::weights_sha256(source.model.model.weights)},
                {"pruned_weights_sha256", mtl::weights_sha256(pruned.model.model.weights)},
                {"final_weights_sha256", mtl::weights_sha256(arm.model.model.weights)},
                {"after", cost_json(pruned.model, pruned.cost)}}},
              {"sets", sets_json(source, pruned.plan)},
              {"tasks", tasks_json(source.model, before, &middle, after)},
              {"avg_metric_change_pruned", mtl::average_metric_change(middle.metrics, before.metrics)},
              {"avg_metric_change", mtl::average_metric_change(after.metrics, before.metrics)},
              {"plan_sha256", plan_sha256(pruned.plan)},
              {"certificate", certificate_json(pruned.certificate)}};
  arm.json["files"] = write_model_files(source, pruned, arm.model, {"torchscript", "safetensors"}, folder, run);
  arm.json["checks"] = check_files(source, run.directory()->path() / criterion, arm.json, run.seed(), run.seed(), true);
  return arm;
}

}  // namespace

Json demo_job(const DemoOptions& options, cli::Run& run) {
  mtl::set_up_training();
  ModelOptions model;
  model.model = kEmbeddedModel;
  DataOptions data;
  data.data = "rooms:n=" + std::to_string(8 * options.batches) + ",size=96x128";
  const Source source = open_source(model, &data);
  ScoringOptions scoring;
  scoring.batches = options.batches;
  const std::vector<std::string> criteria = {"cosprune", "taylor", "l1"};
  run.note("scoring " + std::to_string(options.batches) + " mini-batches of 8 by cosprune, taylor and l1");
  const ScoreTable scores = gather_scores(source, criteria, scoring, run);
  std::vector<std::string> names;
  for (const mtl::Task& task : source.model.tasks) names.push_back(task.name);
  run.directory()->write("scores.csv", scores_csv(source.units, scores, names));
  const mtl::Evaluation before = mtl::evaluate(*mtl::make_network(source.model), *source.test, kTestImages, run.threads());

  Json arms = Json::array();
  std::vector<Forward> forwards = {forward_of(source.model.model, 1, source.channels(), source.height, source.width)};
  for (const char* criterion : {"cosprune", "taylor"}) {
    Arm arm = run_arm(source, scores, criterion, before, options, run);
    forwards.push_back(forward_of(arm.model.model, 1, source.channels(), source.height, source.width));
    arms.push_back(std::move(arm.json));
  }
  const std::vector<Timings> timings = time_interleaved(forwards, options.latency_runs, run.threads(), run);
  for (std::size_t i = 0; i < arms.size(); ++i) {
    const SpeedRatio ratio = compare_speed(timings[0].wall_s, timings[i + 1].wall_s, run.seed());
    arms[i]["latency"] = {{"before_s", to_json(timings[0])["median_s"]},
                          {"after_s", to_json(timings[i + 1])["median_s"]},
                          {"ratio", ratio.ratio},
                          {"ratio_ci", {ratio.interval.low, ratio.interval.high}},
                          {"threads", run.threads()},
                          {"batch", 1},
                          {"n", options.latency_runs},
                          {"verdict", verdict(ratio)}};
  }
  return {{"model", source.name},
          {"size", {source.height, source.width}},
          {"before", cost_json(source.model, source.cost)},
          {"trunk_units", units_in_scope(source.units, "trunk")},
          {"data",
           {{"train", {{"spec", source.train->spec()}, {"sha256", source.train->sha256()}}},
            {"test", {{"spec", source.test->spec()}, {"sha256", source.test->sha256()}, {"images", before.images}}}}},
          {"scoring", scoring_json(source, scores)},
          {"conflict", conflict_json(source, scores)},
          {"rank_correlations", rank_correlations(source.units, scores, criteria, "trunk")},
          {"finetune_steps", options.steps},
          {"arms", arms}};
}

}  // namespace tenfold::mtl_prune
