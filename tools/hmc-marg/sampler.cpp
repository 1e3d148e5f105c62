// The run of all chains: threads, checkpoints every few seconds, resumption.
#include "hmc-marg/sampler.h"

#include <algorithm>
#include <atomic>
#include <charconv>
#include <cmath>
#include <mutex>
#include <nlohmann/json.hpp>
#include <utility>

#include <fmt/format.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/sha256.h"
#include "base/threads.h"
#include "cli/state.h"
#include "data/json_reader.h"
#include "hmc-marg/chain.h"
#include "hmc-marg/explain.h"
#include "hmc-marg/op_program.h"

namespace tenfold::hmc_marg {
namespace {

constexpr int kBlock = 100;           // iterations between rows written, log lines and steps
constexpr double kSaveEvery_s = 5;

// --init: a radius, or a file of constrained values whose eliminated parameters may be missing.
void read_init(ChainSetting& setting) {
  const std::string& text = setting.options->init;
  double radius = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), radius);
  if (fault == std::errc() && end == text.data() + text.size()) {
    if (!(radius >= 0 && radius <= 1000)) usage_error("--init " + text + ": a radius must be between 0 and 1000");
    setting.radius = radius;
    return;
  }
  const FactorGraph& graph = setting.model->graph;
  std::vector<std::string> optional;
  for (const int i : setting.marginal->eliminated) optional.push_back(graph.parameters[static_cast<std::size_t>(i)].name);
  std::vector<double> all(static_cast<std::size_t>(graph.free_size));
  unconstrain(graph, read_values(text), text, optional, all);
  for (const int i : setting.marginal->kept) {
    const Parameter& p = graph.parameters[static_cast<std::size_t>(i)];
    for (std::uint32_t k = 0; k < p.free_size; ++k) setting.initial.push_back(all[static_cast<std::size_t>(p.free_index) + k]);
  }
}

// --init-metric: {"inv_metric": [...] or [[...], ...], "step_size": ...}, as CmdStan writes it.
void read_metric(ChainSetting& setting) {
  const SamplerOptions& options = *setting.options;
  setting.step_size = options.step_size;
  if (options.init_metric.empty()) return;
  if (options.metric == MetricKind::unit) usage_error("--init-metric does not go with --metric unit, which has nothing to set");
  const data::JsonValue json = read_values(options.init_metric);
  const data::JsonValue* metric = json.find("inv_metric");
  if (!metric || !metric->is_array())
    data::input_error_at(options.init_metric, json, "no array inv_metric; give the file that a run wrote as metric/chain-1.json");
  const std::size_t d = setting.marginal->target.inputs.size();
  const auto number = [&](const data::JsonValue& v) {
    const std::optional<double> x = v.real();
    if (!x) data::input_error_at(options.init_metric, v, "inv_metric holds something that is no number");
    return *x;
  };
  if (metric->array().size() != d)
    data::input_error_at(options.init_metric, *metric,
                         fmt::format("inv_metric has {} entries, but {} coordinates are sampled", metric->array().size(), d));
  for (const data::JsonValue& entry : metric->array()) {
    if (options.metric != MetricKind::dense) {
      setting.inverse_mass.push_back(number(entry));
      continue;
    }
    if (entry.array().size() != d)
      data::input_error_at(options.init_metric, entry, fmt::format("a dense metric needs rows of {} numbers", d));
    for (const data::JsonValue& v : entry.array()) setting.inverse_mass.push_back(number(v));
  }
  try {
    Metric(options.metric, static_cast<int>(d)).set(setting.inverse_mass);
  } catch (const Error& error) {
    data::input_error_at(options.init_metric, *metric, error.what());
  }
  if (const data::JsonValue* step = json.find("step_size")) setting.step_size = number(*step);
  if (!(setting.step_size > 0 && std::isfinite(setting.step_size)))
    data::input_error_at(options.init_metric, json, "step_size is not a positive number");
}

// What a checkpoint must agree on with the run that goes on from it.
Json fingerprint(const Model& model, const Marginal& marginal) {
  std::string plan;
  for (const PlanEntry& entry : marginal.plan)
    plan += entry.name + (entry.eliminated ? " eliminated\n" : entry.rule.empty() ? " kept\n" : " kept as epsilon\n");
  return {{"program_sha256", model.source.program_sha256},
          {"data_sha256", model.source.data_sha256},
          {"plan_sha256", sha256_hex(plan)}};
}

void check_fingerprint(const Json& saved, const Json& now, const Model& model) {
  for (const auto& [key, value] : now.items()) {
    const auto before = saved.find(key);
    if (before != saved.end() && *before == value) continue;
    const std::string what = key == "program_sha256" ? model.source.program_file
                             : key == "data_sha256"  ? model.source.data_file
                                                     : "the plan";
    input_error(fmt::format("{} changed since the run was interrupted; restore it, or start again with --force", what));
  }
}

std::string blob_name(int id) { return fmt::format("chain-{}.safetensors", id); }

// The chains of a run and the states last seen of them.
class Chains {
 public:
  Chains(const ChainSetting& setting, cli::Run& run)
      : setting_(setting), run_(run), fingerprint_(fingerprint(*setting.model, *setting.marginal)) {
    for (int id = 1; id <= setting.options->chains; ++id) {
      files_.push_back(fmt::format("chains/chain-{}.csv", id));
      chains_.push_back(std::make_unique<Chain>(setting, id, run.directory()->claim(files_.back()).string(), files_.back()));
    }
    states_.resize(chains_.size());
    if (const auto saved = run.resume_from()) restore(*saved);
    for (const ChainState& state : states_) done_ += state.iteration;
  }

  void sample() {
    parallel_for(static_cast<int>(chains_.size()), run_.threads(), [&](int i) { sample_chain(static_cast<std::size_t>(i)); });
    const bool all_done = std::all_of(chains_.begin(), chains_.end(), [](const auto& chain) { return chain->done(); });
    if (!all_done || cut_short_) {
      save();
      run_.interrupted();
    }
  }

  SamplerOutput output() {
    SamplerOutput out;
    out.column_names = setting_.column_names;
    out.files = files_;
    for (std::size_t i = 0; i < chains_.size(); ++i) {
      Chain& chain = *chains_[i];
      out.chains.push_back(chain.report());
      out.generated_faults += chain.generated_faults();
      if (out.first_fault.empty()) out.first_fault = chain.first_fault();
      out.values.push_back(chain.take_values());
      const Metric& metric = chain.metric();
      const auto d = static_cast<std::size_t>(metric.dimension());
      if (d == 0) continue;
      const std::vector<double>& w = metric.inverse_mass();
      Json rows = Json::array();
      for (std::size_t r = 0; metric.kind() == MetricKind::dense && r < d; ++r)
        rows.push_back(std::vector<double>(w.begin() + static_cast<std::ptrdiff_t>(r * d),
                                           w.begin() + static_cast<std::ptrdiff_t>((r + 1) * d)));
      const Json json = {{"inv_metric", metric.kind() == MetricKind::dense ? rows : Json(w)},
                         {"step_size", out.chains.back().step_size}};
      const std::string file = fmt::format("metric/chain-{}.json", i + 1);
      run_.directory()->write(file, json.dump() + "\n");
      out.files.push_back(file);
    }
    out.rows = out.values.front().size() / setting_.column_names.size();
    return out;
  }

 private:
  void restore(const cli::State& saved) {
    check_fingerprint(saved.json, fingerprint_, *setting_.model);
    const auto recorded = [&](const char* key, std::size_t i) -> const Json& {
      const auto list = saved.json.find(key);
      if (list == saved.json.end() || !list->is_array() || list->size() != chains_.size())
        input_error(std::string("checkpoint/state.json: no list ") + key + " of all chains; start again with --force");
      return (*list)[i];
    };
    for (std::size_t i = 0; i < chains_.size(); ++i) {
      const auto blob = saved.blobs.find(blob_name(static_cast<int>(i) + 1));
      if (blob == saved.blobs.end()) continue;  // had not begun
      ChainState state = chain_state_from(blob->second, "checkpoint/" + blob->first);
      const Json& bytes = recorded("csv_bytes", i);
      const Json& fault = recorded("first_fault", i);
      if (!bytes.is_number_integer() || bytes.get<std::int64_t>() < 0 || !fault.is_string())
        input_error("checkpoint/state.json: an entry of csv_bytes or first_fault is of another kind; start again with --force");
      state.csv_bytes = bytes.get<std::uint64_t>();
      state.first_fault = fault.get<std::string>();
      chains_[i]->resume(state);
      states_[i] = std::move(state);
    }
  }

  void sample_chain(std::size_t i) {
    Chain& chain = *chains_[i];
    if (run_.stop()) return;
    if (!states_[i].started) chain.start();
    while (!chain.done() && !run_.stop()) {
      const std::int64_t before = chain.iteration();
      try {
        chain.advance(kBlock, run_);
      } catch (const Error& error) {
        if (error.exit_code() != ExitCode::interrupted) throw;
        cut_short_ = true;  // in long generated quantities; the chain goes on from its last report
        return;
      }
      report_block(i, chain.iteration() - before);
    }
  }

  void report_block(std::size_t i, std::int64_t iterations) {
    const std::lock_guard lock(mutex_);
    states_[i] = chains_[i]->state();
    done_ += iterations;
    const ChainState& s = states_[i];
    run_.log({{"chain", i + 1},
              {"iteration", s.iteration},
              {"step_size", s.step_size},
              {"leapfrogs", static_cast<std::int64_t>(s.warmup_leapfrogs + s.leapfrogs)},
              {"divergences", static_cast<std::int64_t>(s.divergences)}});
    double divergences = 0;
    for (const ChainState& state : states_) divergences += state.divergences;
    const double warmup = setting_.marginal->target.inputs.empty() ? 0 : setting_.options->warmup;
    const double total = setting_.options->chains * (warmup + setting_.options->draws);
    run_.step({.what = "sampling",
               .done = static_cast<double>(done_),
               .total = total,
               .unit = "it",
               .note = divergences > 0 ? fmt::format("{} divergence{}", divergences, divergences == 1 ? "" : "s") : ""});
    if (wall_s() - last_save_ > kSaveEvery_s && !run_.stop()) save();
  }

  // The mutex is held, or no chain runs.
  void save() {
    cli::State state;
    state.json = fingerprint_;
    Json bytes = Json::array(), faults = Json::array();
    for (std::size_t i = 0; i < states_.size(); ++i) {
      bytes.push_back(states_[i].csv_bytes);
      faults.push_back(states_[i].first_fault);
      if (states_[i].started) state.blobs[blob_name(static_cast<int>(i) + 1)] = to_safetensors(states_[i]);
    }
    state.json["csv_bytes"] = bytes;
    state.json["first_fault"] = faults;
    run_.save(state);
    last_save_ = wall_s();
  }

  const ChainSetting& setting_;
  cli::Run& run_;
  Json fingerprint_;
  std::vector<std::string> files_;
  std::vector<std::unique_ptr<Chain>> chains_;
  std::vector<ChainState> states_;
  std::int64_t done_ = 0;
  double last_save_ = wall_s();
  std::atomic<bool> cut_short_ = false;
  std::mutex mutex_;
};

}  // namespace

namespace {

ChainSetting make_setting(const Model& model, const Marginal& marginal, const SamplerOptions& options, std::uint64_t seed) {
  ChainSetting setting;
  setting.model = &model;
  setting.marginal = &marginal;
  setting.options = &options;
  setting.program = lower(model.graph.graph, marginal.target);
  setting.column_names = sampler_column_names();
  for (Column& column : draw_columns(model, marginal)) setting.column_names.push_back(std::move(column.name));
  setting.seed = seed;
  read_init(setting);
  read_metric(setting);
  return setting;
}

}  // namespace

SamplerOutput run_chains(const Model& model, const Marginal& marginal, const SamplerOptions& options, cli::Run& run) {
  const ChainSetting setting = make_setting(model, marginal, options, run.seed());
  Chains chains(setting, run);  // a run that it refuses to go on with is left as it was
  run.directory()->write("plan.json", plan_json(marginal).dump(2) + "\n");
  chains.sample();
  return chains.output();
}

SamplerOutput sample_in_memory(const Model& model, const Marginal& marginal, const SamplerOptions& options, std::uint64_t seed,
                               cli::Run& run) {
  const ChainSetting setting = make_setting(model, marginal, options, seed);
  SamplerOutput out;
  out.column_names = setting.column_names;
  const auto n = static_cast<std::size_t>(options.chains);
  out.chains.resize(n);
  out.values.resize(n);
  std::vector<std::string> faults(n);
  std::atomic<int> fault_count = 0;
  parallel_for(options.chains, run.threads(), [&](int i) {
    Chain chain(setting, i + 1, "", "");
    chain.start();
    while (!chain.done() && !run.stop()) chain.advance(kBlock, run);
    const auto at = static_cast<std::size_t>(i);
    out.chains[at] = chain.report();
    out.values[at] = chain.take_values();
    faults[at] = chain.first_fault();
    fault_count += chain.generated_faults();
  });
  out.generated_faults = fault_count;
  for (const std::string& fault : faults)
    if (out.first_fault.empty()) out.first_fault = fault;
  out.rows = out.values.front().size() / out.column_names.size();
  return out;
}

}  // namespace tenfold::hmc_marg
