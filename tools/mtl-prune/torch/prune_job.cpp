// prune: score, choose, remove, certify, perhaps train, and say what it costs each task. apply: a plan that exists.
#include <nlohmann/json.hpp>
#include <optional>

#include "base/error.h"
#include "mtl-prune/torch/jobs.h"
#include "mtl-prune/torch/pruning.h"
#include "mtl-prune/torch/timing.h"
#include "mtl/metrics.h"
#include "mtl/torch/train_job.h"

namespace tenfold::mtl_prune {
namespace {

Json model_json(const Source& source, const Pruned& pruned, const mtl::TaskModel& final_model, const std::string& tasks_file) {
  return {{"file", source.name},
          {"tasks_file", tasks_file.empty() ? Json(nullptr) : Json(tasks_file)},
          {"source_weights_sha256", mtl::weights_sha256(source.model.model.weights)},
          {"pruned_weights_sha256", mtl::weights_sha256(pruned.model.model.weights)},
          {"final_weights_sha256", mtl::weights_sha256(final_model.model.weights)},
          {"before", cost_json(source.model, source.cost)},
          {"after", cost_json(pruned.model, pruned.cost)}};
}

mtl::Evaluation evaluated(const Source& source, const mtl::TaskModel& model, const DataOptions& data, cli::Run& run) {
  return mtl::evaluate(*mtl::make_network(model), *source.test, static_cast<std::size_t>(data.test_images), run.threads());
}

void add_metrics(Json& result, const Source& source, const Pruned& pruned, const mtl::TaskModel& final_model,
                 const PruneOptions& options, cli::Run& run) {
  if (!source.test) {
    result["tasks"] = nullptr;
    result["avg_metric_change"] = nullptr;
    return;
  }
  const mtl::Evaluation before = evaluated(source, source.model, options.data, run);
  const mtl::Evaluation after = evaluated(source, final_model, options.data, run);
  std::optional<mtl::Evaluation> middle;
  if (options.finetune > 0) middle = evaluated(source, pruned.model, options.data, run);
  result["tasks"] = tasks_json(source.model, before, middle ? &*middle : nullptr, after);
  result["avg_metric_change"] = mtl::average_metric_change(after.metrics, before.metrics);
  result["data"]["test"] = {{"spec", source.test->spec()}, {"sha256", source.test->sha256()}, {"images", before.images}};
  for (const mtl::Fault& fault : before.faults) result["faults"].push_back({{"item", fault.item}, {"reason", fault.reason}});
}

}  // namespace

Json prune_job(const PruneOptions& options, cli::Run& run) {
  mtl::set_up_training();
  check_exports(options.exports);
  const SelectOptions select = select_options(options);
  const Source source = open_source(options.model, &options.data);
  if (options.finetune > 0 && !source.train) usage_error("--finetune trains on images; give --data SPEC and --tasks FILE");
  std::vector<std::string> criteria = {select.criterion};
  if (select.private_units == "taylor" && !is_weight_criterion(select.criterion)) criteria.emplace_back("taylor");
  const ScoreTable scores = gather_scores(source, criteria, options.scoring, run);
  Selection selection = select_units(source.model.model, source.units, scores, select, source.shapes);
  for (const std::string& warning : selection.warnings) run.warn(warning);
  const Pruned pruned = remove_and_certify(source, std::move(selection.plan), run.seed());
  run.log({{"event", "removed"}, {"params", pruned.cost.params}, {"macs", pruned.cost.macs}});
  const mtl::TaskModel final_model =
      options.finetune > 0
          ? finetune(pruned.model, *source.train, {options.finetune, options.lr, options.train_batch}, "fine-tuning", run)
          : pruned.model;

  Json result = {{"model", model_json(source, pruned, final_model, options.model.tasks)},
                 {"size", {source.height, source.width}},
                 {"criterion", select.criterion},
                 {"target", to_text(select.target)},
                 {"reached", selection.reached},
                 {"binding", selection.binding},
                 {"units", {{"before", units_in_scope(source.units, select.scope)}, {"removed", 0}}},
                 {"sets", sets_json(source, pruned.plan)},
                 {"data", nullptr},
                 {"faults", mtl::faults_json(scores.faults)}};
  std::int64_t removed = 0;
  for (const KeptSet& set : pruned.plan.sets) removed += set.size - static_cast<std::int64_t>(set.keep.size());
  result["units"]["removed"] = removed;
  if (source.train)
    result["data"] = {{"train", {{"spec", source.train->spec()}, {"sha256", source.train->sha256()}}}, {"test", nullptr}};
  result["scoring"] = is_weight_criterion(select.criterion) ? Json(nullptr) : scoring_json(source, scores);
  result["conflict"] = conflict_json(source, scores);
  add_metrics(result, source, pruned, final_model, options, run);
  result["finetune"] =
      options.finetune > 0
          ? Json{{"steps", options.finetune}, {"lr", options.lr}, {"batch", options.train_batch}, {"optimizer", "adamw"}}
          : Json(nullptr);
  result["latency"] = options.latency_runs > 0 ? before_after(source.model.model, final_model.model, 1, source.channels(),
                                                              source.height, source.width, std::max(options.latency_runs, 5), run)
                                               : Json(nullptr);
  result["plan_sha256"] = plan_sha256(pruned.plan);
  result["certificate"] = certificate_json(pruned.certificate);
  result["files"] = write_model_files(source, pruned, final_model, options.exports, "", run);
  return result;
}

Json apply_job(const ApplyOptions& options, cli::Run& run) {
  mtl::set_up_training();
  check_exports(options.exports);
  Plan plan = read_plan(options.plan);
  const Source source = open_source(options.model, nullptr);
  const Pruned pruned = remove_and_certify(source, std::move(plan), run.seed());
  Json result = {{"model", model_json(source, pruned, pruned.model, options.model.tasks)},
                 {"size", {source.height, source.width}},
                 {"criterion", pruned.plan.criterion},
                 {"sets", sets_json(source, pruned.plan)},
                 {"plan_sha256", plan_sha256(pruned.plan)},
                 {"certificate", certificate_json(pruned.certificate)}};
  result["files"] = write_model_files(source, pruned, pruned.model, options.exports, "", run);
  return result;
}

}  // namespace tenfold::mtl_prune
