#include "gnnbench/verify_command.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <set>

#include <fmt/format.h>

#include "base/error.h"
#include "cli/torch_part.h"
#include "gnnbench/load.h"
#include "gnnbench/rearranged.h"
#include "gnnbench/torch_part.h"
#include "gnnbench/verify.h"

namespace tenfold::gnnbench {

struct VerifyOptions {
  LoadOptions load;
  std::string workers = "1,2,3";
  std::int64_t max_nodes = 5000;
  std::int64_t max_features = 500;  // pool has a weight of their square
};

void describe(VerifyOptions& o, cli::OptionTable& table) {
  describe_load(o.load, table);
  table.add("--workers", o.workers, "numbers of workers whose gradients must equal one worker's, as threads of this process")
      .value_name("W,W,..");
  table.add("--max-nodes", o.max_nodes, "a greater graph is verified on a neighbourhood of so many nodes").between(2, 1e9);
  table.add("--max-features", o.max_features, "wider features are verified on so many of their columns").between(1, 1e9);
}

namespace {

std::vector<int> parse_workers(const std::string& text, std::int64_t nodes) {
  std::set<int> counts;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    int count = 0;
    const auto [stop, error] = std::from_chars(text.data() + begin, text.data() + end, count);
    if (error != std::errc() || stop != text.data() + end || count < 1 || count > 64)
      usage_error(fmt::format("--workers {}: \"{}\" is no number of workers from 1 to 64; write 1,2,3", text,
                              text.substr(begin, end - begin)));
    if (count > nodes) usage_error(fmt::format("--workers {}: {} workers for {} nodes", text, count, nodes));
    counts.insert(count);
    begin = end + 1;
  }
  return {counts.begin(), counts.end()};
}

Json checks_json(const std::vector<Check>& checks) {
  Json out = Json::array();
  for (const Check& check : checks)
    out.push_back(
        {{"name", check.name}, {"deviation", check.deviation}, {"tolerance", check.tolerance}, {"holds", check.holds()}});
  return out;
}

std::string checks_text(const std::vector<Check>& checks) {
  std::string out;
  for (const Check& check : checks)
    out += fmt::format("{:<7} {:<60} {:>9.2g} of {:g}\n", check.holds() ? "holds" : "FAILS", check.name, check.deviation,
                       check.tolerance);
  return out;
}

std::vector<Check> all_checks(const Dataset& data, const std::vector<int>& workers, cli::Run& run) {
  ThreadPool pool(run.threads());
  const RandomKey key{run.seed()};
  std::vector<Check> checks;
  const auto add = [&](std::vector<Check> more) { checks.insert(checks.end(), more.begin(), more.end()); };
  add(graph_checks(data));
  add(product_checks(data, key, pool));
  add(sample_checks(data, key));
  add(dropout_checks(data, key, pool));
  add(partition_checks(data, workers));
  add(cli::open_torch_part<TorchPart>("gnnbench")->verify(data, workers, run));
  return checks;
}

cli::Result verify(const VerifyOptions& options, cli::Run& run) {
  LoadOptions load = options.load;
  load.verify = true;
  const Dataset whole = load_dataset(load, run);
  for (const std::string& warning : require_task(whole)) run.warn(warning);
  const bool part = whole.nodes() > options.max_nodes;
  const Dataset nodes = part ? rearranged(whole, neighbourhood(whole, options.max_nodes, run.seed())) : whole;
  const Dataset data = with_fewer_columns(nodes, options.max_features, run.seed());
  const std::vector<int> workers = parse_workers(options.workers, data.nodes());
  if (part) run.note(fmt::format("{} nodes: verified on {} around a training node (--max-nodes)", whole.nodes(), data.nodes()));
  if (data.features.width < whole.features.width)
    run.note(fmt::format("{} features: verified on {} of them (--max-features)", whole.features.width, data.features.width));
  // What a graph promises is counted on all of it.
  std::vector<Check> checks = all_checks(data, workers, run);
  if (part) {
    const std::vector<Check> of_whole = graph_checks(whole);
    std::copy(of_whole.begin(), of_whole.end(), checks.begin());
  }
  for (const Check& check : checks)
    if (!check.holds()) run.warn(fmt::format("does not hold: {} ({:g} of {:g})", check.name, check.deviation, check.tolerance));
  return verify_result(whole, data, workers, checks);
}

}  // namespace

cli::Result verify_result(const Dataset& whole, const Dataset& verified, const std::vector<int>& workers,
                          const std::vector<Check>& checks) {
  const auto failed = std::count_if(checks.begin(), checks.end(), [](const Check& check) { return !check.holds(); });
  cli::Result result;
  result.value = {{"data", {{"name", whole.name}, {"digest", whole.digest}, {"n", whole.nodes()}, {"nnz", whole.graph.edges()}}},
                  {"verified_nodes", verified.nodes()},
                  {"verified_edges", verified.graph.edges()},
                  {"verified_features", verified.features.width},
                  {"workers", workers},
                  {"failed", failed},
                  {"checks", checks_json(checks)}};
  result.human = checks_text(checks) +
                 fmt::format("{} checks, {}\n", checks.size(), failed == 0 ? "all hold" : fmt::format("{} FAIL", failed));
  if (failed > 0) result.exit_code = static_cast<int>(ExitCode::check_failed);
  return result;
}

cli::Subcommand verify_command() {
  return cli::subcommand<VerifyOptions>(
      "verify", "check on a graph the identities that training rests on", verify,
      {.random = true,
       .threads = true,
       .torch = true,
       .examples =
           {"gnnbench verify sample_data/gnn/karate.csv --labels sample_data/gnn/karate_labels.csv --features identity --split "
            "random:0.4,0.3,0.3 --workers 1,2",
            "gnnbench verify sample_data/gnn/iris.npz --split random:0.5,0.25,0.25 --workers 1"},
       .description =
           "Products against plain sums in float64, samples against the graph, all neighbours sampled against full-graph "
           "training, gradients against differences of the loss, permuted ids, several workers against one, what "
           "parts exchange against a count. Ends with 1 if one does not hold."});
}

}  // namespace tenfold::gnnbench
