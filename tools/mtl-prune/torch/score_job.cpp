// score: every criterion asked for, on the same mini-batches; nothing is removed.
#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "mtl-prune/score_table.h"
#include "mtl-prune/torch/jobs.h"
#include "mtl-prune/torch/pruning.h"
#include "mtl/torch/train_job.h"

namespace tenfold::mtl_prune {

Json score_job(const ScoreOptions& options, cli::Run& run) {
  mtl::set_up_training();
  std::vector<std::string> criteria;
  for (const std::string& name : options.criteria) {
    const std::string criterion = check_criterion(name);
    if (std::ranges::find(criteria, criterion) == criteria.end()) criteria.push_back(criterion);
  }
  const Source source = open_source(options.model, &options.data);
  in_scope(source.units, options.scope);
  const ScoreTable scores = gather_scores(source, criteria, options.scoring, run);
  std::vector<std::string> tasks;
  for (const mtl::Task& task : source.model.tasks) tasks.push_back(task.name);
  ScoreTable asked = scores;
  std::erase_if(asked.scores, [&](const auto& entry) { return std::ranges::find(criteria, entry.first) == criteria.end(); });
  run.directory()->write("scores.csv", scores_csv(source.units, asked, tasks));

  std::int64_t dead = 0;
  for (const auto& of_set : scores.dead) dead += std::ranges::count_if(of_set, [](std::uint8_t d) { return d != 0; });
  Json sets = Json::array();
  for (std::size_t s = 0; s < source.units.sets.size(); ++s) {
    const UnitSet& set = source.units.sets[s];
    Json means = Json::object();
    for (const std::string& criterion : criteria) {
      double sum = 0, count = 0;
      for (const UnitScore& score : scores.scores.at(criterion)[s]) {
        if (!score.ranked || !std::isfinite(score.value)) continue;
        sum += score.value;
        count += 1;
      }
      means[criterion] = count > 0 ? Json(sum / count) : Json(nullptr);
    }
    sets.push_back({{"id", set.id},
                    {"producers", parameters(source.units, set, Role::producer)},
                    {"size", set.units.size()},
                    {"trunk", set.trunk},
                    {"locked", set.locked},
                    {"mean_scores", means}});
  }
  return {{"model", {{"file", source.name}, {"weights_sha256", mtl::weights_sha256(source.model.model.weights)}}},
          {"size", {source.height, source.width}},
          {"data", source.train ? Json{{"spec", source.train->spec()}, {"sha256", source.train->sha256()}} : Json(nullptr)},
          {"criteria", criteria},
          {"scoring", scoring_json(source, scores)},
          {"units", units_in_scope(source.units, options.scope)},
          {"dead_units", dead},
          {"sets", sets},
          {"conflict", conflict_json(source, scores)},
          {"rank_correlations", rank_correlations(source.units, scores, criteria, options.scope)},
          {"faults", mtl::faults_json(scores.faults)}};
}

}  // namespace tenfold::mtl_prune
