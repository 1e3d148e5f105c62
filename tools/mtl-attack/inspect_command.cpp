#include "mtl-attack/inspect_command.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include <fmt/format.h>

#include "base/error.h"
#include "mtl-attack/attack_batch.h"
#include "mtl-attack/eps.h"
#include "mtl-attack/quantise.h"
#include "mtl-attack/scene.h"
#include "mtl-attack/summary.h"
#include "report/report.h"
#include "report/text_table.h"

namespace tenfold::mtl_attack {

struct InspectOptions {
  std::string model;
  VictimOptions victim;
  std::int64_t image = 0;
  bool scale_check = false;
};

void describe(InspectOptions& o, cli::OptionTable& table) {
  table.input("MODEL", o.model, "TorchScript (.pt), NAME.mtg.json, or NAME.json naming architecture and weights")
      .defaults_to("embedded:rooms_shared");
  describe_victim(o.victim, table);
  table.add("--image", o.image, "which image of the set, from 0").at_least(0);
  table.flag("--scale-check", o.scale_check,
             "multiply each task's loss by 2^10 and 2^-10 and show that gb's image keeps every byte while total's changes");
}

namespace {

constexpr double kDominates = 0.9;

double norm2(std::span<const float> a) { return std::sqrt(dot(a, a)); }

struct Gradients {
  std::vector<double> losses;
  std::vector<bool> present;
  std::vector<float> values;  // [T, n]
  std::size_t n = 0;
  std::span<const float> of(std::size_t t) const { return std::span(values).subspan(t * n, n); }
};

Json tasks_json(const Scene& scene, const Gradients& g, const std::vector<Prediction>& predictions, cli::Run& run) {
  double all = 0;
  for (std::size_t t = 0; t < scene.tasks.size(); ++t) all += g.present[t] ? norm1(g.of(t)) : 0;
  Json out = Json::array();
  for (std::size_t t = 0; t < scene.tasks.size(); ++t) {
    const Prediction& p = predictions[t];
    const Json shape =
        scene.victim->tasks()[t].is_map() ? Json::array({p.channels, p.height, p.width}) : Json::array({p.channels});
    Json task = {{"name", scene.tasks[t]}, {"output_shape", shape}};
    if (!g.present[t]) {
      for (const char* key : {"loss", "gradient_l1", "gradient_l2", "zero_share", "total_share"}) task[key] = nullptr;
      out.push_back(std::move(task));
      continue;
    }
    const std::span<const float> own = g.of(t);
    const auto zeros = static_cast<double>(std::count(own.begin(), own.end(), 0.0F));
    const double share = all > 0 ? norm1(own) / all : 0;
    task["loss"] = g.losses[t];
    task["gradient_l1"] = norm1(own);
    task["gradient_l2"] = norm2(own);
    task["zero_share"] = zeros / static_cast<double>(own.size());
    task["total_share"] = share;
    if (share > kDominates && scene.tasks.size() > 1)
      run.warn(fmt::format(
          "task {} makes up {:.0f} % of total's direction: total attacks little else; gb weighs the tasks by their losses",
          scene.tasks[t], 100 * share));
    out.push_back(std::move(task));
  }
  return out;
}

Json cosines_json(const Scene& scene, const Gradients& g) {
  Json out = Json::object();
  for (std::size_t a = 0; a < scene.tasks.size(); ++a)
    for (std::size_t b = 0; b < scene.tasks.size(); ++b) {
      const double norms = norm2(g.of(a)) * norm2(g.of(b));
      out[scene.tasks[a]][scene.tasks[b]] = norms > 0 ? Json(dot(g.of(a), g.of(b)) / norms) : Json(nullptr);
    }
  return out;
}

// The image that a rule finds when the tasks' losses are multiplied by `factors`.
Bytes attacked_bytes(const Scene& scene, const Prepared& image, const std::string& rule, const std::vector<double>& factors) {
  const std::unique_ptr<Oracle> oracle = scene.victim->oracle({&image.sample}, factors);
  CleanImage clean{oracle->losses(image.sample.image.values), {}};
  clean.present = oracle->present(0);
  const LossScale scale = loss_scale({clean}, scene.tasks.size(), 1e-3);
  const Rule parsed = parse_rule(rule, scene.tasks);
  const AttackPlan plan{
      .rule = parsed, .attack = AttackKind::pgd, .eps = 8.0 / 255, .objective = objective_of(parsed, "auto", scene.tasks)};
  const Attacked found = attack_batch(*oracle, plan, {{image.sample.id, &clean, image.sample.image.values}}, scale, {})[0];
  if (!found.failure.empty()) input_error(image.sample.id + ": " + found.failure);
  return quantise(found.x, image.bytes, whole_levels(plan.eps));
}

std::int64_t differing(const Bytes& a, const Bytes& b) {
  std::int64_t count = 0;
  for (std::size_t j = 0; j < a.size(); ++j) count += a[j] != b[j] ? 1 : 0;
  return count;
}

Json scale_check(const Scene& scene, const Prepared& image) {
  const std::size_t tasks = scene.tasks.size();
  const Bytes gb = attacked_bytes(scene, image, "gb", {}), total = attacked_bytes(scene, image, "total", {});
  Json rows = Json::array();
  for (std::size_t t = 0; t < tasks; ++t)
    for (const double factor : {1024.0, 1.0 / 1024}) {
      std::vector<double> factors(tasks, 1);
      factors[t] = factor;
      rows.push_back({{"task", scene.tasks[t]},
                      {"factor", factor},
                      {"values", gb.size()},
                      {"gb_changed", differing(attacked_bytes(scene, image, "gb", factors), gb)},
                      {"total_changed", differing(attacked_bytes(scene, image, "total", factors), total)}});
    }
  return rows;
}

std::string text(const Json& value) { return value.is_number() ? report::number_text(value.get<double>(), 3) : "-"; }

std::string human(const Json& value) {
  report::Table tasks{
      .title = "", .columns = {"task", "output", "loss", "gradient l1", "gradient l2", "zeros", "of total"}, .rows = {}};
  for (const Json& task : value["tasks"])
    tasks.rows.push_back({task["name"].get<std::string>(), task["output_shape"].dump(), text(task["loss"]),
                          text(task["gradient_l1"]), text(task["gradient_l2"]), text(task["zero_share"]),
                          text(task["total_share"])});
  report::Table cosines{.title = "", .columns = {"cosine"}, .rows = {}};
  for (const auto& [a, row] : value["cosine"].items()) {
    cosines.columns.push_back(a);
    cosines.rows.push_back({a});
    for (const auto& [b, cosine] : row.items()) cosines.rows.back().push_back(text(cosine));
  }
  std::string out = fmt::format("{}, image {}\n\n", value["model"]["path"].get<std::string>(), value["image"].get<std::string>());
  out += report::table_text(tasks, 2) + "\n" + report::table_text(cosines, 1);
  if (value["scale_check"].is_null()) return out;
  report::Table scale{.title = "", .columns = {"loss of", "times", "gb's bytes that change", "total's"}, .rows = {}};
  for (const Json& row : value["scale_check"])
    scale.rows.push_back(
        {row["task"].get<std::string>(), text(row["factor"]), row["gb_changed"].dump(), row["total_changed"].dump()});
  return out + "\n" + report::table_text(scale, 1);
}

cli::Result inspect(const InspectOptions& options, cli::Run& run) {
  refuse_cuda(run.device());
  const Scene scene = open_scene(options.model, options.victim);
  if (options.image >= static_cast<std::int64_t>(scene.data->size()))
    usage_error(fmt::format("--image {}: {} has {} images", options.image, scene.data->spec(), scene.data->size()));
  check_gradients(scene);
  const Prepared image = prepare(*scene.data, static_cast<std::size_t>(options.image), false);
  const std::unique_ptr<Oracle> oracle = scene.victim->oracle({&image.sample});
  std::vector<std::vector<Prediction>> predictions;
  oracle->losses(image.sample.image.values, &predictions);
  Gradients g;
  g.n = image.bytes.size();
  g.values.resize(scene.tasks.size() * g.n);
  g.losses = oracle->each(image.sample.image.values, g.values);
  g.present = oracle->present(0);
  cli::Result result;
  result.value = {{"model", model_json(scene.victim->facts())},
                  {"data", scene.data->spec()},
                  {"image", image.sample.id},
                  {"image_shape", {image.sample.image.channels, image.sample.image.height, image.sample.image.width}},
                  {"tasks", tasks_json(scene, g, predictions[0], run)},
                  {"cosine", cosines_json(scene, g)},
                  {"scale_check", options.scale_check ? scale_check(scene, image) : Json(nullptr)}};
  result.human = human(result.value);
  if (options.scale_check)
    for (const Json& row : result.value["scale_check"])
      if (row["gb_changed"] != 0) result.exit_code = static_cast<int>(ExitCode::check_failed);
  return result;
}

}  // namespace

cli::Subcommand inspect_command() {
  return cli::subcommand<InspectOptions>(
      "inspect", "one image: output shapes, losses, and how the tasks' gradients compare", inspect,
      {.torch = true,
       .examples = {"mtl-attack inspect --data rooms:n=2,size=48x64",
                    "mtl-attack inspect --data rooms:n=2,size=48x64 --image 1 --scale-check"},
       .description =
           "Says for each task what the network gives, its loss, the norms of the loss's gradient with respect to the image, "
           "the share of zeros in it, and its share in the direction of rule total; and the cosines between the tasks' "
           "gradients."});
}

}  // namespace tenfold::mtl_attack
