// verify: what a run directory says of its files is recomputed from the files and the source.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "data/json_reader.h"
#include "mtl-prune/removal.h"
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

void check_graph(Checks& checks, const Source& source, const fs::path& folder, const Json& result, const mtl::Model& removed) {
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
  const mtl::Cost cost = mtl::cost(stored, source.height, source.width);
  checks.add("parameters recounted", cost.params == result.at("model").at("after").at("params"));
  checks.add("multiply-adds recounted", cost.macs == result.at("model").at("after").at("macs"));
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

Json check_files(const Source& source, const fs::path& folder, const Json& result, std::uint64_t seed) {
  Checks checks;
  checks.attempt("plan.json", [&] {
    Plan plan = read_plan(folder / "plan.json");
    checks.add("plan.json is the plan that the result names", plan_sha256(plan) == text(result.at("plan_sha256")));
    checks.add("the source model is the one that was pruned",
               mtl::weights_sha256(source.model.model.weights) == text(result.at("model").at("source_weights_sha256")));
    mtl::TaskModel small = source.model;
    small.model = remove_units(source.model.model, source.units, plan);
    checks.add("removing the plan's units again gives the same weights",
               mtl::weights_sha256(small.model.weights) == text(result.at("model").at("pruned_weights_sha256")));
    const Certificate certificate = certify_plan(source, small, plan, seed);
    checks.add("certificate, float32", certificate.finite ? certificate.max_abs : 1e300, certificate.tolerance);
    checks.add("certificate, float64", certificate.finite ? certificate.max_abs_float64 : 1e300, certificate.tolerance_float64);
    if (fs::exists(folder / "pruned.mtg.json"))
      checks.attempt("pruned.mtg.json", [&] { check_graph(checks, source, folder, result, small.model); });
  });
  if (fs::exists(folder / "pruned.mtg.json") && fs::exists(folder / "pruned.pt"))
    checks.attempt("pruned.pt", [&] { check_script(checks, source, folder, seed); });
  for (const Json& file : result.at("files")) {
    const std::string name = fs::path(file.get<std::string>()).filename().string();
    if (!fs::exists(folder / name)) checks.add(name + " is missing", false);
  }
  return checks.rows();
}

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
  const Json& result = envelope.at("result");
  try {
    ModelOptions model;
    model.model = options.model.empty() ? result.at("model").at("file").get<std::string>() : options.model;
    if (!result.at("model").at("tasks_file").is_null()) model.tasks = result.at("model").at("tasks_file").get<std::string>();
    model.size = std::to_string(result.at("size").at(0).get<std::int64_t>()) + "x" +
                 std::to_string(result.at("size").at(1).get<std::int64_t>());
    const Source source = open_source(model, nullptr);
    const Json checks = check_files(source, folder, result, run.seed());
    const auto failed = std::ranges::count_if(checks, [](const Json& check) { return !check["holds"].get<bool>(); });
    return {{"directory", options.directory}, {"model", model.model}, {"checks", checks}, {"failed", failed}};
  } catch (const nlohmann::json::exception&) {
    input_error(file + ": its result lacks what verify compares with; it was changed by hand");
  }
}

}  // namespace tenfold::mtl_prune
