// verify: what a run directory says of its files is recomputed from the files and the source.
#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "data/json_reader.h"
#include "mtl-prune/removal.h"
#include "mtl-prune/select.h"
#include "mtl-prune/speed.h"
#include "mtl-prune/torch/jobs.h"
#include "mtl-prune/torch/pruning.h"
#include "mtl/torch/executor.h"
#include "mtl/torch/train_job.h"

namespace tenfold::mtl_prune {
namespace {

namespace fs = std::filesystem;

std::string text(const Json& json) { return json.is_string() ? json.get<std::string>() : ""; }

class Checks {
 public:
  void add(const std::string& name, bool holds) {
    rows_.push_back({{"name", name}, {"holds", holds}, {"value", nullptr}, {"tolerance", nullptr}});
  }
  void add(const std::string& name, double value, double tolerance) {
    rows_.push_back({{"name", name}, {"holds", value <= tolerance}, {"value", value}, {"tolerance", tolerance}});
  }
  // A check that cannot even be made does not hold, and says why.
  template <class Check>
  void attempt(const std::string& name, const Check& check) {
    try {
      check();
    } catch (const Error& error) {
      add(name + ": " + error.message(), false);
    }
  }
  Json rows() const { return rows_; }

 private:
  Json rows_ = Json::array();
};

// The largest difference of two networks' outputs by name, over max(1, largest output); infinite where names or sizes differ.
double output_difference(const std::vector<std::pair<std::string, at::Tensor>>& script, mtl::Executor& executor,
                         const at::Tensor& images) {
  const std::vector<at::Tensor> outputs = executor.run(images);
  double worst = 0;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const std::string& name = executor.graph().outputs[i].name;
    const auto found = std::ranges::find(script, name, [](const auto& entry) { return entry.first; });
    if (found == script.end() || found->second.sizes() != outputs[i].sizes()) return std::numeric_limits<double>::infinity();
    const double scale = std::max(1.0, outputs[i].abs().max().item<double>());
    worst = std::max(worst, (found->second - outputs[i]).abs().max().item<double>() / scale);
  }
  return worst;
}

void check_graph(Checks& checks, const fs::path& folder, const Json& result, const mtl::Model& removed) {
  const mtl::Model stored = mtl::read_mtg(folder / "pruned.mtg.json");
  checks.add("pruned.safetensors holds the weights that the result names",
             mtl::weights_sha256(stored.weights) == text(result.at("model").at("final_weights_sha256")));
  const bool trained = result.at("model").at("final_weights_sha256") != result.at("model").at("pruned_weights_sha256");
  bool same = stored.weights.size() == removed.weights.size();
  for (const auto& [name, tensor] : removed.weights) {
    const auto found = stored.weights.find(name);
    same = same && found != stored.weights.end() && found->second.shape == tensor.shape &&
           (trained || found->second.values == tensor.values);
  }
  checks.add(trained ? "its tensors have the shapes that the plan leaves" : "its tensors are what the plan leaves, byte for byte",
             same);
  mtl::Model expected = removed;
  expected.input = stored.input;
  expected.tasks = stored.tasks;
  checks.add("pruned.mtg.json is the graph that the plan leaves", mtl::mtg_json(expected) == mtl::mtg_json(stored));
}

// Equal, whatever the order of an object's keys.
bool same_json(const Json& a, const Json& b) { return nlohmann::json(a) == nlohmann::json(b); }

bool near(double a, double b, double relative) { return std::abs(a - b) <= relative * std::max(std::abs(a), std::abs(b)); }

void check_costs(Checks& checks, const std::string& which, const mtl::TaskModel& model, const Source& source, const Json& said) {
  const Json counted = cost_json(model, mtl::cost(model.model, source.height, source.width));
  const auto row = [&](const char* what, const char* key) {
    checks.add(std::string(what) + " " + which + " recounted", same_json(counted.at(key), said.at(key)));
  };
  row("parameters", "params");
  row("multiply-adds", "macs");
  row("parameters by head", "params_by_head");
  row("multiply-adds by head", "macs_by_head");
  row("bytes of weights", "weight_bytes");
  row("peak bytes of activations", "peak_activation_bytes");
}

// What the result says beside the costs that follows from the plan.
void check_selection(Checks& checks, const Source& source, const Plan& plan, const Json& result) {
  checks.add("sets and what they keep recounted", same_json(sets_json(source, plan), result.at("sets")));
  checks.add("the criterion is the plan's", result.at("criterion") == plan.criterion);
  if (!result.contains("units")) return;
  std::int64_t removed = 0;
  for (const KeptSet& set : plan.sets) removed += set.size - static_cast<std::int64_t>(set.keep.size());
  const Json& units = result.at("units");
  checks.add("removed units recounted", units.at("removed") == removed);
  const Target target = parse_target(text(result.at("target")));
  const Json &before = result.at("model").at("before"), &after = result.at("model").at("after");
  const auto share = [&](const char* key) { return after.at(key).get<double>() / before.at(key).get<double>(); };
  const double reached = target.kind == Target::Kind::macs     ? share("macs")
                         : target.kind == Target::Kind::params ? share("params")
                                                               : units.at("before").get<double>() - static_cast<double>(removed);
  checks.add("what was reached recounted", near(result.at("reached").get<double>(), reached, 1e-9));
}

// The run's own certificate, taken again on its images. The tolerance is the one of some output on some batch (of which one
// depends on rounding, and so on the machine); of the differences, which are rounding, only the bound is checked.
void check_certificate(Checks& checks, const Certificate& again, const Json& said, bool same_images) {
  const double max_abs = said.at("max_abs"), tolerance = said.at("tolerance");
  const double max_abs_float64 = said.at("max_abs_float64"), tolerance_float64 = said.at("tolerance_float64");
  checks.add("certificate: the differences of the result are within its tolerances",
             max_abs >= 0 && max_abs <= tolerance && max_abs_float64 >= 0 && max_abs_float64 <= tolerance_float64 &&
                 said.at("holds") == true);
  checks.add("certificate: number and sizes of its images",
             said.at("n") == again.n && same_json(said.at("sizes"), Json(again.sizes)));
  if (!same_images) return;
  const auto one_of_them = [&](double value, double difference, double epsilon) {
    return std::ranges::any_of(again.scales, [&](double scale) {
      return near(value, epsilon * scale, 1e-3) || (value == difference && value <= epsilon * scale);
    });
  };
  checks.add("certificate: tolerances recounted",
             one_of_them(tolerance, max_abs, 1e-5) && one_of_them(tolerance_float64, max_abs_float64, 1e-12));
}

// No time can be measured again, but the ratio and the words follow from the times and the interval.
void check_speed(Checks& checks, const Json& latency) {
  SpeedRatio ratio;
  ratio.ratio = latency.at("ratio");
  ratio.interval = {latency.at("ratio_ci").at(0).get<double>(), latency.at("ratio_ci").at(1).get<double>()};
  ratio.shown = !ratio.interval.contains(1);
  checks.add("speed ratio and verdict follow from the times",
             near(ratio.ratio, latency.at("before_s").get<double>() / latency.at("after_s").get<double>(), 1e-9) &&
                 verdict(ratio) == text(latency.at("verdict")));
}

void check_script(Checks& checks, const Source& source, const fs::path& folder, std::uint64_t seed) {
  const c10::InferenceMode no_grad;
  mtl::Executor executor(mtl::read_mtg(folder / "pruned.mtg.json"));
  const mtl::ScriptModule script = mtl::ScriptModule::load(folder / "pruned.pt");
  const at::Tensor images = noise_images(2, source.channels(), source.height, source.width, seed);
  checks.add("TorchScript = safetensors, of max(1, largest output)", output_difference(script.run(images), executor, images),
             1e-5);
}

}  // namespace

Json check_files(const Source& source, const fs::path& folder, const Json& result, std::uint64_t recorded_seed,
                 std::uint64_t seed, bool same_images) {
  Checks checks;
  const Json& said = result.at("model");
  checks.attempt("plan.json", [&] {
    Plan plan = read_plan(folder / "plan.json");
    checks.add("plan.json is the plan that the result names", plan_sha256(plan) == text(result.at("plan_sha256")));
    checks.add("the source model is the one that was pruned",
               mtl::weights_sha256(source.model.model.weights) == text(said.at("source_weights_sha256")));
    mtl::TaskModel small = source.model;
    small.model = remove_units(source.model.model, source.units, plan);
    checks.add("removing the plan's units again gives the same weights",
               mtl::weights_sha256(small.model.weights) == text(said.at("pruned_weights_sha256")));
    if (said.contains("before")) check_costs(checks, "before", source.model, source, said.at("before"));
    check_costs(checks, "after", small, source, said.at("after"));
    check_selection(checks, source, plan, result);
    const Certificate certificate = certify_plan(source, small, plan, recorded_seed);
    checks.add("certificate, float32", certificate.finite ? certificate.max_abs : 1e300, certificate.tolerance);
    checks.add("certificate, float64", certificate.finite ? certificate.max_abs_float64 : 1e300, certificate.tolerance_float64);
    check_certificate(checks, certificate, result.at("certificate"), same_images);
    if (fs::exists(folder / "pruned.mtg.json"))
      checks.attempt("pruned.mtg.json", [&] { check_graph(checks, folder, result, small.model); });
  });
  if (fs::exists(folder / "pruned.mtg.json") && fs::exists(folder / "pruned.pt"))
    checks.attempt("pruned.pt", [&] { check_script(checks, source, folder, seed); });
  if (result.contains("latency") && !result.at("latency").is_null()) check_speed(checks, result.at("latency"));
  for (const Json& file : result.at("files")) {
    const std::string name = fs::path(file.get<std::string>()).filename().string();
    if (!fs::exists(folder / name)) checks.add(name + " is missing", false);
  }
  return checks.rows();
}

namespace {

// The images that the run read, where they are still to be had.
bool open_images(Source& source, const Json& result, const ModelOptions& model, const std::string& spec, cli::Run& run) {
  if (!result.contains("data") || result.at("data").is_null()) return true;  // its certificate was taken on noise alone
  DataOptions data;
  data.data = spec;
  try {
    Source with_images = open_source(model, &data);
    source.train = std::move(with_images.train);
    source.test = std::move(with_images.test);
    return true;
  } catch (const Error& error) {
    run.warn("the images of the run cannot be read (" + error.message() +
             "): its certificate is taken on noise, its tolerances are not recounted");
    return false;
  }
}

void check_images(Checks& checks, const Source& source, const Json& data) {
  checks.add("training images are those that the result names", source.train->sha256() == text(data.at("train").at("sha256")));
  if (!data.at("test").is_null())
    checks.add("test images are those that the result names", source.test->sha256() == text(data.at("test").at("sha256")));
}

}  // namespace

Json verify_job(const VerifyOptions& options, cli::Run& run) {
  mtl::set_up_training();
  const fs::path folder = options.directory;
  const std::string file = (folder / "result.json").string();
  if (!fs::exists(file)) input_error(options.directory + ": no result.json; name the run directory of a finished prune or apply");
  const Json envelope = data::to_json(data::read_json(file));
  const std::string schema = envelope.is_object() && envelope.contains("schema") && envelope["schema"].is_string()
                                 ? envelope["schema"].get<std::string>()
                                 : "";
  if (schema != "tenfold.mtl-prune.prune/1" && schema != "tenfold.mtl-prune.apply/1")
    input_error(file + ": not the result of mtl-prune prune or apply");
  try {
    const Json &result = envelope.at("result"), &config = envelope.at("config");
    ModelOptions model;
    model.model = options.model.empty() ? result.at("model").at("file").get<std::string>() : options.model;
    if (!result.at("model").at("tasks_file").is_null()) model.tasks = result.at("model").at("tasks_file").get<std::string>();
    model.size = std::to_string(result.at("size").at(0).get<std::int64_t>()) + "x" +
                 std::to_string(result.at("size").at(1).get<std::int64_t>());
    Source source = open_source(model, nullptr);
    const bool same_images = open_images(source, result, model, config.contains("data") ? text(config.at("data")) : "", run);
    Checks more;
    if (source.test) check_images(more, source, result.at("data"));
    if (result.contains("units"))
      more.add("units in scope recounted",
               result.at("units").at("before") == units_in_scope(source.units, text(config.at("scope"))));
    if (result.at("model").at("final_weights_sha256") != result.at("model").at("pruned_weights_sha256"))
      more.add("weights differ from what the plan leaves: the run trained",
               result.contains("finetune") && !result.at("finetune").is_null());
    Json checks = check_files(source, folder, result, envelope.at("seed").get<std::uint64_t>(), run.seed(), same_images);
    for (const Json& row : more.rows()) checks.push_back(row);
    const auto failed = std::ranges::count_if(checks, [](const Json& check) { return !check["holds"].get<bool>(); });
    return {{"directory", options.directory}, {"model", model.model}, {"checks", checks}, {"failed", failed}};
  } catch (const nlohmann::json::exception&) {
    input_error(file + ": its result lacks what verify compares with; it was changed by hand");
  }
}

}  // namespace tenfold::mtl_prune
