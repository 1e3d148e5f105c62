#include "gnnbench/idle_options.h"

#include <nlohmann/json.hpp>
#include <set>

namespace tenfold::gnnbench {
namespace {

// What label propagation, which trains nothing, still looks at.
bool acts_without_training(const std::string& name) {
  static const std::set<std::string> names = {"system",          "target", "target-on", "clock",  "row-chunk",
                                              "partition-cache", "comm",   "timeout",   "memory", "checkpoint-every"};
  return names.contains(name);
}

// Only models have these; empty: it acts, or it is no option of a model.
std::string idle_in_model(const std::string& name, const ModelSpec& m) {
  const bool gat = m.kind == ModelKind::gat;
  const std::string model = std::string("the model is ") + name_of(m.kind);
  if (name == "aggregator" && m.kind != ModelKind::sage) return model;
  if (name == "self-loops" && m.kind != ModelKind::sage)
    return m.uses_graph() ? model + ", which always adds them" : model + ", which has no graph";
  if (name == "self-loops" && m.aggregator == Aggregator::gcn) return "the gcn aggregator always adds them";
  if ((name == "heads" || name == "heads-last" || name == "dropout-attn") && !gat) return model + ", which has no attention";
  if ((name == "order" || name == "precompute-first") && !m.linear_aggregation())
    return model + (m.kind == ModelKind::sage ? " with the pool aggregator" : "") + ", whose aggregation is not linear";
  if ((name == "hidden" || name == "norm" || name == "dropout" || name == "heads") && m.layers == 1)
    return "one layer has no hidden rows";
  return "";
}

std::string idle_in_system(const std::string& name, const TrainOptions& o, const SystemSpec& s) {
  const bool draws_neighbours = s.method == Method::ns || s.method == Method::labor;
  const bool mini = s.family() == Family::mini_batch, full = s.family() == Family::full_graph;
  const std::string system = name_of(s.method);
  if (name == "fanout" && !draws_neighbours) return system + " draws no neighbours";
  if (name == "fanout" && !s.fanouts.empty()) return "the system names its own";
  if (name == "batch" && !mini) return system + " has no mini-batches";
  if (name == "batch" && s.cluster_parts > 0 && s.cluster_per_batch > 0) return "the parts a batch are given";
  if (name == "gcn-norm" && !mini) return system + " takes the whole graph";
  if (name == "gcn-norm" && o.model.kind != ModelKind::gcn) return std::string("the model is ") + name_of(o.model.kind);
  if (name == "precompute-first" && !full) return system + " does not aggregate the whole graph";
  if (name == "bns-floor" && s.method != Method::bns) return system + " leaves no boundary nodes out";
  const bool divided = full && s.workers > 1;
  const std::string whole = mini ? "only full-graph systems divide the graph among workers" : "one worker holds the whole graph";
  if ((name == "partition" || name == "partition-obj" || name == "balance-train" || name == "bns-floor" ||
       name == "refetch-input") &&
      !divided)
    return whole;
  if (name == "partition-seed" && !divided && s.method != Method::cluster) return whole;
  return "";
}

}  // namespace

std::string why_idle(const std::string& name, const TrainOptions& given, const SystemSpec& system) {
  TrainOptions o = given;
  if (system.method == Method::mlp) {
    if (name == "model") return "the system mlp is a model of its own";
    o.model.kind = ModelKind::mlp;
  }
  if (system.method == Method::labelprop) return acts_without_training(name) ? "" : "labelprop trains nothing";
  if (name == "wd-scope" && o.wd == 0) return "there is no --wd";
  if ((name == "target-on" || name == "clock") && !o.target) return "there is no --target";
  if (std::string why = idle_in_model(name, o.model); !why.empty()) return why;
  return idle_in_system(name, o, system);
}

std::vector<std::pair<std::string, std::string>> idle_options(const TrainOptions& given, const SystemSpec& system) {
  TrainOptions options = given, defaults;
  cli::OptionTable table, plain;
  describe_training(options, table, false);
  describe_training(defaults, plain, false);
  std::vector<std::pair<std::string, std::string>> out;
  for (const cli::OptionSpec& spec : table.specs()) {
    if (cli::option_value(spec) == cli::option_value(*plain.find(spec.name))) continue;
    if (std::string why = why_idle(spec.name, options, system); !why.empty()) out.emplace_back(spec.name, std::move(why));
  }
  return out;
}

}  // namespace tenfold::gnnbench
