#include "mtl-prune/torch/pruning.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/files.h"
#include "mtl-prune/removal.h"
#include "mtl-prune/torch/scorer.h"
#include "mtl/torch/losses.h"
#include "mtl/torch/train_job.h"
#include "mtl/torch/trainer.h"

namespace tenfold::mtl_prune {

ScoreTable gather_scores(const Source& source, const std::vector<std::string>& criteria, const ScoringOptions& options,
                         cli::Run& run) {
  const Couple couple = parse_couple(options.couple);
  std::vector<std::string> of_gradients;
  for (const std::string& criterion : criteria)
    if (!is_weight_criterion(criterion)) of_gradients.push_back(criterion);
  ScoreTable table;
  if (!of_gradients.empty()) {
    if (source.model.tasks.empty())
      usage_error("--criterion " + of_gradients.front() + " needs to know what the outputs mean; give --tasks FILE");
    if (!source.train)
      usage_error("--criterion " + of_gradients.front() + " scores on images; give --data SPEC, or take l1, l2, bn or random");
    ScoreSettings settings;
    settings.criteria = of_gradients;
    settings.batches = options.batches;
    settings.batch = options.batch;
    settings.stream = options.stream;
    settings.couple = couple;
    table = score_units(source.model, source.units, *source.train, settings, run);
  }
  for (const std::string& criterion : criteria)
    if (is_weight_criterion(criterion))
      table.scores[criterion] = weight_scores(criterion, source.model.model, source.units, couple, run.seed());
  return table;
}

namespace {

// 4 images of noise and 4 of the data, in the model's convention.
at::Tensor certificate_images(const Source& source, std::uint64_t seed) {
  const std::int64_t from_data = source.test ? std::min<std::int64_t>(4, static_cast<std::int64_t>(source.test->size())) : 0;
  std::vector<mtl::Sample> samples;
  for (std::size_t i = 0; from_data > 0 && i < source.test->size() && static_cast<std::int64_t>(samples.size()) < from_data;
       ++i) {
    try {
      samples.push_back(source.test->load(i));
    } catch (const Error&) {
      continue;  // listed where the set is evaluated
    }
  }
  std::vector<at::Tensor> images;
  for (const mtl::Sample& sample : samples)
    images.push_back(at::upsample_bilinear2d(mtl::image_tensor(sample.image).unsqueeze(0), {source.height, source.width}, false));
  images.push_back(
      noise_images(8 - static_cast<std::int64_t>(samples.size()), source.channels(), source.height, source.width, seed));
  return mtl::preprocess(at::cat(images), source.model.input);
}

// Another size that both networks take; none: nothing.
std::optional<std::pair<std::int64_t, std::int64_t>> second_size(const Source& source, const mtl::TaskModel& small) {
  for (const auto& [height, width] :
       {std::pair{source.height + 32, source.width - source.width / 4 / 32 * 32},
        std::pair{source.height + 32, source.width + 32}, std::pair{source.height * 2, source.width * 2}}) {
    try {
      mtl::infer_shapes(source.model.model, {1, source.channels(), height, width});
      mtl::infer_shapes(small.model, {1, source.channels(), height, width});
      return std::pair{height, width};
    } catch (const Error&) {
      continue;
    }
  }
  return std::nullopt;
}

}  // namespace

Certificate certify_plan(const Source& source, const mtl::TaskModel& small, const Plan& plan, std::uint64_t seed) {
  std::vector<at::Tensor> batches = {certificate_images(source, seed)};
  if (const auto size = second_size(source, small))
    batches.push_back(at::upsample_bilinear2d(batches.front(), {size->first, size->second}, false));
  Certificate certificate = certify(source.model.model, small.model, source.units, plan, batches);
  certificate.n = batches.front().size(0);
  return certificate;
}

Pruned remove_and_certify(const Source& source, Plan plan, std::uint64_t seed) {
  Pruned pruned;
  pruned.plan = std::move(plan);
  pruned.model = source.model;
  pruned.model.model = remove_units(source.model.model, source.units, pruned.plan);
  pruned.cost = mtl::cost(pruned.model.model, source.height, source.width);
  pruned.certificate = certify_plan(source, pruned.model, pruned.plan, seed);
  if (!pruned.certificate.holds())
    machine_error("the certificate does not hold: masked and removed differ by " + std::to_string(pruned.certificate.max_abs) +
                  (pruned.certificate.finite ? "" : ", or an output is not finite") + "; nothing was written");
  return pruned;
}

mtl::TaskModel finetune(const mtl::TaskModel& model, const mtl::DataSet& train, const FinetuneSettings& settings,
                        const std::string& what, cli::Run& run) {
  mtl::TrainSettings train_settings;
  train_settings.steps = settings.steps;
  train_settings.lr = settings.lr;
  train_settings.batch = settings.batch;
  mtl::Trainer trainer(model, train_settings, run.seed());
  while (trainer.steps_done() < settings.steps) {
    const mtl::Trainer::StepResult step = trainer.step(train);
    const std::int64_t done = trainer.steps_done();
    if (!step.finite)
      infeasible_error("the loss of fine-tuning step " + std::to_string(done) + " is not finite; lower --lr (now " +
                       std::to_string(settings.lr) + ")");
    if (done % std::max<std::int64_t>(1, settings.steps / 10) == 0 || done == settings.steps) {
      Json losses = Json::object();
      for (std::size_t t = 0; t < model.tasks.size(); ++t)
        losses[model.tasks[t].name] = std::isnan(step.losses[t]) ? Json(nullptr) : Json(step.losses[t]);
      run.log({{"event", what}, {"step", done}, {"losses", losses}});
    }
    run.step({.what = what,
              .done = static_cast<double>(done),
              .total = static_cast<double>(settings.steps),
              .unit = "step",
              .note = ""});
    if (run.stop()) run.interrupted();
  }
  mtl::report_faults(trainer.faults(), run);
  return trainer.snapshot();
}

std::vector<std::string> write_model_files(const Source& source, const Pruned& pruned, const mtl::TaskModel& final_model,
                                           const std::vector<std::string>& exports, const std::string& folder, cli::Run& run) {
  cli::RunDirectory& directory = *run.directory();
  std::vector<std::string> files;
  const auto claim = [&](const std::string& name) {
    files.push_back(folder + name);
    return directory.claim(folder + name);
  };
  mtl::Model out = final_model.model;
  out.input = final_model.input;
  if (!final_model.tasks.empty()) out.tasks = mtl::TaskFile{final_model.input, final_model.tasks};
  if (std::ranges::find(exports, "safetensors") != exports.end()) {
    const auto path = claim("pruned.mtg.json");
    claim("pruned.safetensors");
    mtl::write_mtg(path.parent_path() / "pruned", out);
  }
  if (std::ranges::find(exports, "torchscript") != exports.end()) {
    const auto path = claim("pruned.pt");
    const bool all_stays = std::ranges::all_of(
        pruned.plan.sets, [](const KeptSet& set) { return static_cast<std::int64_t>(set.keep.size()) == set.size; });
    if (!source.script) {
      mtl::write_generated_script(path, out);
    } else if (all_stays && mtl::weights_sha256(out.weights) == mtl::weights_sha256(source.model.model.weights)) {
      write_file_atomic(path, read_file(source.name));  // nothing changed: the user's file, byte for byte
    } else {
      std::vector<mtl::ScriptModule::Patch> patches;
      for (const AttributePatch& patch : pruned.plan.patches) patches.push_back({patch.node, patch.attribute, patch.to});
      source.script->write_rewritten(path, out.weights, patches);
    }
  }
  directory.write(folder + "plan.json", to_json(pruned.plan).dump(1) + "\n");
  files.push_back(folder + "plan.json");
  return files;
}

Json cost_json(const mtl::TaskModel& model, const mtl::Cost& cost) {
  const auto by_head = [&](std::int64_t trunk, const std::vector<std::int64_t>& heads) {
    Json json = {{"trunk", trunk}};
    for (std::size_t i = 0; i < heads.size(); ++i) json[model.model.graph.outputs[i].name] = heads[i];
    return json;
  };
  return {{"params", cost.params},
          {"macs", cost.macs},
          {"params_by_head", by_head(cost.trunk_params, cost.head_params)},
          {"macs_by_head", by_head(cost.trunk_macs, cost.head_macs)},
          {"weight_bytes", cost.weight_bytes},
          {"peak_activation_bytes", cost.peak_activation_bytes}};
}

Json certificate_json(const Certificate& certificate) {
  return {{"max_abs", certificate.max_abs},
          {"tolerance", certificate.tolerance},
          {"max_abs_float64", certificate.max_abs_float64},
          {"tolerance_float64", certificate.tolerance_float64},
          {"n", certificate.n},
          {"sizes", certificate.sizes},
          {"holds", certificate.holds()}};
}

Json sets_json(const Source& source, const Plan& plan) {
  Json sets = Json::array();
  for (const KeptSet& set : plan.sets)
    sets.push_back({{"id", set.id},
                    {"producers", set.producers},
                    {"size", set.size},
                    {"kept", set.keep.size()},
                    {"trunk", source.units.sets[static_cast<std::size_t>(set.id)].trunk},
                    {"locked", set.locked}});
  return sets;
}

Json scoring_json(const Source& source, const ScoreTable& scores) {
  Json absent = Json::object();
  for (std::size_t t = 0; t < scores.task_absent.size(); ++t) absent[source.model.tasks[t].name] = scores.task_absent[t];
  return {{"batches", scores.batches},
          {"batches_skipped", scores.batches_skipped},
          {"forward_passes", scores.forward_passes},
          {"backward_passes", scores.backward_passes},
          {"batches_without_label", absent}};
}

Json conflict_json(const Source& source, const ScoreTable& scores) {
  Json rows = Json::array();
  const std::vector<mtl::Task>& tasks = source.model.tasks;
  for (std::size_t s = 0; s < scores.pair_cosine.size(); ++s) {
    if (!source.units.sets[s].trunk) continue;
    std::size_t pair = 0;
    for (std::size_t i = 0; i < tasks.size(); ++i) {
      for (std::size_t j = i + 1; j < tasks.size(); ++j, ++pair) {
        double sum = 0;
        for (const std::vector<double>& of_unit : scores.pair_cosine[s])
          if (pair < of_unit.size() && std::isfinite(of_unit[pair])) sum += of_unit[pair];
        rows.push_back({{"set", s},
                        {"producer", parameters(source.units, source.units.sets[s], Role::producer).front()},
                        {"tasks", {tasks[i].name, tasks[j].name}},
                        {"mean_cosine", sum / static_cast<double>(scores.pair_cosine[s].size())}});
      }
    }
  }
  return rows;
}

Json tasks_json(const mtl::TaskModel& model, const mtl::Evaluation& before, const mtl::Evaluation* pruned,
                const mtl::Evaluation& after) {
  const Json old = mtl::evaluation_json(before, model.tasks), now = mtl::evaluation_json(after, model.tasks);
  const Json middle = pruned == nullptr ? Json() : mtl::evaluation_json(*pruned, model.tasks);
  Json json = Json::object();
  for (const mtl::Task& task : model.tasks) {
    const std::string& name = task.name;
    json[name] = {{"metrics_before", old[name]["metrics"]},
                  {"metrics_after", now[name]["metrics"]},
                  {"loss_before", old[name]["loss"]},
                  {"loss_after", now[name]["loss"]},
                  {"metrics_pruned", nullptr},
                  {"loss_pruned", nullptr}};
    if (pruned == nullptr) continue;
    json[name]["metrics_pruned"] = middle[name]["metrics"];
    json[name]["loss_pruned"] = middle[name]["loss"];
  }
  return json;
}

}  // namespace tenfold::mtl_prune
