#include "gnnbench/train_options.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include <fmt/format.h>

#include "base/error.h"
#include "base/suggest.h"
#include "gnnbench/curve.h"
#include "gnnbench/draws_file.h"
#include "gnnbench/epoch_order.h"
#include "gnnbench/idle_options.h"
#include "gnnbench/partition_command.h"
#include "gnnbench/sampler.h"

namespace tenfold::gnnbench {
namespace {

void describe_optimiser(TrainOptions& o, cli::OptionTable& table) {
  table.add("--lr", o.lr, "learning rate of Adam; full-graph 0.01, mini-batch 0.003 unless given").above(0);
  table.add("--wd", o.wd, "L2 weight decay").at_least(0);
  table.choice("--wd-scope", o.wd_scope, {{"all", DecayScope::all}, {"first", DecayScope::first}},
               "decay all layers or the first one's parameters");
  table.add("--batch", o.batch, "mini-batch: seeds a worker and update").between(1, 1e9);
  table.add("--fanout", o.fanout, "ns, labor: neighbours a hop, the hop next to the seeds first, or all; the last is repeated")
      .value_name("K,K,..");
  table.choice("--gcn-norm", o.gcn_norm, {{"auto", GcnNorm::automatic}, {"full", GcnNorm::full}, {"sub", GcnNorm::sub}},
               "sampled gcn: weights of the whole graph, made unbiased, or the subgraph's degrees");
}

void describe_stopping(TrainOptions& o, cli::OptionTable& table) {
  table.add("--epochs", o.epochs, "epochs at most").between(1, 1e12);
  table.add("--updates", o.updates, "updates at most").between(1, 1e12);
  table.add("--budget", o.budget, "seconds of training at most; the curve then depends on the machine's speed").above(0);
  table.add("--patience", o.patience, "epochs without a better validation after which a run counts as converged; 0: none")
      .at_least(0);
}

void describe_measurement(TrainOptions& o, cli::OptionTable& table) {
  table.add("--eval-every", o.eval_every, "evaluate at updates 0, 1, then geometrically, every N epochs, or every N updates")
      .value_name("geo:F|Ne|Nu");
  table.add("--target", o.target, "accuracy whose time is reported").between(0, 1);
  table.choice("--target-on", o.target_on, {{"val", Part::val}, {"test", Part::test}}, "whose accuracy that is");
  table.choice("--clock", o.clock, {{"train", ClockKind::train}, {"wall", ClockKind::wall}, {"cpu", ClockKind::cpu}},
               "the clock of the time to the target");
  table.choice("--select", o.select, {{"val", SelectBy::val}, {"test-max", SelectBy::test_max}},
               "the point whose test accuracy is reported: best validation, or the maximum over the test set itself");
  table.add("--row-chunk", o.row_chunk, "rows of one evaluation step").between(1, 1e9).not_identity();
}

void describe_workers(TrainOptions& o, cli::OptionTable& table) {
  describe_partition(o.partition, table);
  table.add("--partition-cache", o.partition_cache, "folder that keeps partitions for other runs on the same graph")
      .value_name("DIR")
      .not_identity();
  table.flag("--refetch-input", o.refetch_input, "send the constant features at every update, too");
  table.flag("--bns-floor", o.bns_floor, "bns: keep int(p |B|) rows as published, possibly none");
  table.choice("--comm", o.comm, {{"mpi", Comm::mpi}, {"inproc", Comm::inproc}},
               "workers as processes under Open MPI, or as threads (tests)");
  table.add("--timeout", o.timeout, "seconds without a sign of life after which a worker counts as lost").above(0).not_identity();
}

void describe_keeping(TrainOptions& o, cli::OptionTable& table) {
  table.add("--memory", o.memory, "bytes that the run may take; 90 % of the allowed unless given").at_least(1).not_identity();
  table.add("--checkpoint-every", o.checkpoint_every, "seconds between checkpoints").above(0).not_identity();
  table.add("--dump-updates", o.dump_updates, "write node ids, logits and gradients of the first N updates to dump/")
      .between(0, 1e6);
  table.flag("--record-draws", o.record_draws, "write what is drawn to draws.jsonl (bns, ns, labor, cluster)");
  table.add("--replay-draws", o.replay_draws, "take the draws from such a file instead of drawing").file();
  table.flag("--explain", o.explain, "work, times and fraction of the machine's limit of each layer").not_identity();
}

// What follows a system's draws and layers is refused by name where it has none.
void check_following(const TrainOptions& o, const SystemSpec& system) {
  if (o.record_draws) require_draws(system, "--record-draws");
  if (!o.replay_draws.empty()) require_draws(system, "--replay-draws");
  if (o.replay_draws == "-" && system.workers > 1)
    usage_error(fmt::format("--replay-draws -: {} workers cannot share standard input; give a file", system.workers));
  if (o.explain && system.method == Method::labelprop) usage_error("--explain: labelprop has no layers");
}

// Keys that a system may set for itself: how it trains, not what, on which data, or how it is measured.
const std::set<std::string>& own_keys() {
  static const std::set<std::string> keys = {
      "model",  "aggregator", "layers",    "hidden",        "dropout",       "dropout-input",    "dropout-attn",
      "heads",  "heads-last", "norm",      "self-loops",    "order",         "precompute-first", "lr",
      "wd",     "wd-scope",   "batch",     "fanout",        "gcn-norm",      "epochs",           "updates",
      "budget", "patience",   "partition", "partition-obj", "balance-train", "refetch-input",    "bns-floor"};
  return keys;
}

void settle_cluster(const TrainOptions& o, const Dataset& data, TrainPlan& plan) {
  SystemSpec& s = plan.system;
  if (s.cluster_parts > data.nodes())
    usage_error(fmt::format("cluster:{}: more parts than the {} nodes", s.cluster_parts, data.nodes()));
  const ClusterPlan cluster =
      plan_cluster(data.nodes(), plan.train_nodes, o.batch, s.workers, s.cluster_parts, s.cluster_per_batch);
  if (cluster.per_batch < s.cluster_per_batch)
    plan.warnings.push_back(
        fmt::format("cluster: {} parts a batch are taken, all there are, not {}", cluster.per_batch, s.cluster_per_batch));
  s.cluster_parts = cluster.parts;
  s.cluster_per_batch = cluster.per_batch;
  plan.updates_per_epoch = updates_per_epoch(cluster.parts, s.workers, cluster.per_batch);
}

void settle_fanouts(const TrainOptions& o, SystemSpec& system) {
  if (system.fanouts.empty())
    for (const std::string& word : o.fanout) system.fanouts.push_back(parse_fanout(word, "--fanout"));
  const auto layers = static_cast<std::size_t>(o.model.layers);
  if (system.fanouts.size() > layers)
    usage_error(fmt::format("{} fanouts for {} layers; give one a layer, or fewer (the last is repeated)", system.fanouts.size(),
                            layers));
  while (system.fanouts.size() < layers) system.fanouts.push_back(system.fanouts.back());
}

}  // namespace

void describe_training(TrainOptions& o, cli::OptionTable& table, bool with_system) {
  if (with_system)
    table
        .add("--system", o.system,
             "sync, pipe, bns:p, ns:k1:k2, labor:k1:k2, cluster:P:q, mlp or labelprop, with @workers and +option=value")
        .value_name("SYSTEM");
  describe_model(o.model, table);
  describe_optimiser(o, table);
  describe_stopping(o, table);
  describe_measurement(o, table);
  describe_workers(o, table);
  describe_keeping(o, table);
}

void describe(TrainOptions& o, cli::OptionTable& table) {
  describe_load(o.load, table);
  describe_training(o, table, true);
}

Json options_json(const TrainOptions& options) {
  TrainOptions copy = options;
  cli::OptionTable table;
  describe(copy, table);
  Json out = Json::object();
  for (const cli::OptionSpec& spec : table.specs()) out[spec.name] = cli::option_value(spec);
  return out;
}

TrainOptions options_from_json(const Json& json) {
  TrainOptions options;
  cli::OptionTable table;
  describe(options, table);
  for (const auto& [name, value] : json.items()) cli::set_option(*table.find(name), value, name);
  return options;
}

TrainOptions with_overrides(TrainOptions options, const SystemSpec& system) {
  cli::OptionTable table;
  describe_training(options, table, false);
  for (const auto& [key, value] : system.overrides) {
    const std::string where = fmt::format("system {}: {}", to_string(system), key);
    if (!own_keys().contains(key)) {
      const std::vector<std::string> known(own_keys().begin(), own_keys().end());
      const std::string near = nearest(key, known);
      usage_error(where + " is no option that a system may set for itself" +
                  (near.empty() ? "" : "; did you mean " + near + "?"));
    }
    cli::set_option(*table.find(key), std::vector<std::string>{value}, where);
  }
  return options;
}

TrainPlan plan_training(const TrainOptions& given, const Dataset& data) {
  TrainPlan plan;
  plan.system = parse_system(given.system);
  plan.options = with_overrides(given, plan.system);
  TrainOptions& o = plan.options;
  SystemSpec& s = plan.system;
  // What holds for all systems of a comparison may be idle in one; what a system is given for itself may not.
  for (const auto& [key, value] : s.overrides)
    if (const std::string why = why_idle(key, o, s); !why.empty())
      usage_error(fmt::format("system {}: {} has no effect there: {}", given.system, key, why));
  if (s.method == Method::mlp) o.model.kind = ModelKind::mlp;
  check_model(o.model);
  if (s.workers > data.nodes()) usage_error(fmt::format("{} workers for {} nodes", s.workers, data.nodes()));
  check_following(o, s);
  plan.train_nodes = static_cast<std::int64_t>(data.part(Part::train).size());

  const bool mini = s.family() == Family::mini_batch;
  plan.lr = o.lr.value_or(mini ? 0.003 : 0.01);
  if (s.method == Method::ns || s.method == Method::labor) {
    settle_fanouts(o, s);
    plan.updates_per_epoch = updates_per_epoch(plan.train_nodes, s.workers, o.batch);
  } else if (s.method == Method::cluster) {
    settle_cluster(o, data, plan);
  }
  plan.mean_batch = static_cast<double>(plan.train_nodes) / static_cast<double>(plan.updates_per_epoch * s.workers);
  plan.gcn_norm = o.gcn_norm != GcnNorm::automatic ? o.gcn_norm : s.method == Method::cluster ? GcnNorm::sub : GcnNorm::full;
  constexpr std::int64_t kMostUpdates = std::int64_t{1} << 32;  // updates are 32 bits of every random key
  plan.max_updates = o.epochs < kMostUpdates / plan.updates_per_epoch ? o.epochs * plan.updates_per_epoch : kMostUpdates - 1;
  if (o.updates) plan.max_updates = std::min(plan.max_updates, *o.updates);
  (void)EvalSchedule::parse(o.eval_every, plan.updates_per_epoch);
  if (o.budget) plan.warnings.push_back("--budget makes the curve depend on this machine's speed");
  return plan;
}

void refuse_graphless_model(const TrainPlan& plan) {
  if (plan.system.family() != Family::baseline && plan.options.model.kind == ModelKind::mlp)
    usage_error(fmt::format("--model mlp: it has no graph, which {} trains on; --system mlp trains one, and compare does besides",
                            name_of(plan.system.method)));
}

}  // namespace tenfold::gnnbench
