#include "gnnbench/compare_plan.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include <fmt/format.h>

#include "base/error.h"
#include "base/process.h"
#include "gnnbench/curve.h"
#include "gnnbench/idle_options.h"
#include "gnnbench/memory_plan.h"

namespace tenfold::gnnbench {
namespace {

std::string short_name(const SystemSpec& system) {
  SystemSpec bare = system;
  bare.overrides.clear();
  return to_string(bare);
}

std::int64_t count_evaluations(const TrainPlan& plan) {
  if (plan.system.method == Method::labelprop) return 1;
  const EvalSchedule schedule = EvalSchedule::parse(plan.options.eval_every, plan.updates_per_epoch);
  std::int64_t count = 1, last = 0;
  for (std::int64_t update = schedule.next(0); update <= plan.max_updates; update = schedule.next(update)) {
    ++count;
    last = update;
  }
  return count + (last < plan.max_updates ? 1 : 0);
}

// A file name: the colon of "ns:5:5" is no friend of every file system.
std::string folder_of(const std::string& system, std::uint64_t seed) {
  std::string name;
  for (const char c : system) {
    const bool plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '@' || c == '_';
    name += plain ? c : '-';
  }
  return fmt::format("runs/{}-{}", name, seed);
}

PlannedSystem plan_system(const ComparisonTask& task, const std::string& word, const Dataset& data) {
  TrainOptions options = task.train;
  options.system = word;
  PlannedSystem out;
  out.plan = plan_training(options, data);
  refuse_graphless_model(out.plan);
  const SystemSpec spec = parse_system(word);
  out.text = to_string(spec);
  out.name = short_name(spec);
  out.evaluations = count_evaluations(out.plan);
  out.planned_bytes = plan_memory(out.plan, data).total();
  return out;
}

void name_apart(std::vector<PlannedSystem>& systems) {
  for (PlannedSystem& system : systems) {
    const auto alike = std::count_if(systems.begin(), systems.end(), [&](const PlannedSystem& other) {
      return short_name(parse_system(other.text)) == short_name(parse_system(system.text));
    });
    if (alike > 1) system.name = system.text;
  }
}

void refuse_repetition(const std::vector<PlannedSystem>& systems) {
  for (std::size_t i = 0; i < systems.size(); ++i)
    for (std::size_t j = i + 1; j < systems.size(); ++j) {
      if (systems[i].text == systems[j].text) usage_error(fmt::format("--systems: {} stands there twice", systems[i].text));
      if (folder_of(systems[i].name, 1) == folder_of(systems[j].name, 1))
        usage_error(fmt::format("--systems: {} and {} would share a folder", systems[i].text, systems[j].text));
    }
}

}  // namespace

ComparisonPlan plan_comparison(const ComparisonTask& task, const Dataset& data) {
  ComparisonPlan plan;
  const bool processes = task.train.comm == Comm::mpi;
  const bool mpirun = !find_program("mpirun").empty();
  for (const std::string& word : task.systems) {
    const SystemSpec spec = parse_system(word);
    if (spec.family() == Family::baseline) usage_error(fmt::format("--systems: {} is a baseline, which --baselines names", word));
    if (spec.workers > 1 && processes && !mpirun) {
      plan.left_out.emplace_back(short_name(spec), "its workers need mpirun, which is not there; install openmpi-bin");
      continue;
    }
    plan.systems.push_back(plan_system(task, word, data));
  }
  if (plan.systems.empty())
    usage_error(task.systems.empty() ? "--systems: none named; for example --systems sync,ns"
                                     : "--systems: all of them need mpirun, which is not there; install openmpi-bin");
  for (const std::string& word : task.baselines) {
    const SystemSpec spec = parse_system(word);
    if (spec.family() != Family::baseline)
      usage_error(fmt::format("--baselines: {} is no baseline; mlp and labelprop are", word));
    plan.systems.push_back(plan_system(task, word, data));
  }
  name_apart(plan.systems);
  refuse_repetition(plan.systems);
  for (int i = 0; i < task.seeds; ++i)
    for (const PlannedSystem& system : plan.systems) {
      // Label propagation draws nothing.
      if (system.plan.system.method == Method::labelprop && i > 0) continue;
      const std::uint64_t seed = task.first_seed + static_cast<std::uint64_t>(i);
      plan.runs.push_back({.system = system.name,
                           .text = system.text,
                           .seed = seed,
                           .folder = folder_of(system.name, seed),
                           .arguments = training_arguments(task.train, system.text)});
    }
  return plan;
}

Json plan_json(const ComparisonPlan& plan, const ComparisonTask& task) {
  Json systems = Json::array(), runs = Json::array();
  for (const PlannedSystem& s : plan.systems) {
    const bool trained = s.plan.system.method != Method::labelprop;
    systems.push_back({{"system", s.name},
                       {"text", s.text},
                       {"family", name_of(s.plan.system.family())},
                       {"workers", s.plan.system.workers},
                       {"lr", trained ? Json(s.plan.lr) : Json(nullptr)},
                       {"updates_per_epoch", trained ? Json(s.plan.updates_per_epoch) : Json(nullptr)},
                       {"mean_batch", trained ? Json(s.plan.mean_batch) : Json(nullptr)},
                       {"max_updates", trained ? Json(s.plan.max_updates) : Json(nullptr)},
                       {"evaluations", s.evaluations},
                       {"planned_bytes", s.planned_bytes}});
  }
  for (const PlannedRun& run : plan.runs)
    runs.push_back({{"system", run.system}, {"text", run.text}, {"seed", run.seed}, {"folder", run.folder}});
  return {{"seeds", task.seeds}, {"batch", task.train.batch}, {"systems", systems}, {"runs", runs}};
}

std::vector<std::string> plan_lines(const ComparisonPlan& plan, const ComparisonTask& task) {
  std::vector<std::string> lines = {fmt::format("plan: {} runs of {} systems and baselines, {} seed{}, target {} on {} accuracy",
                                                plan.runs.size(), plan.systems.size(), task.seeds, task.seeds == 1 ? "" : "s",
                                                task.measure.target.text, task.measure.on == Part::test ? "test" : "validation")};
  for (const PlannedSystem& s : plan.systems) {
    if (s.plan.system.method == Method::labelprop) {
      lines.push_back(fmt::format("plan: {}: one run for all seeds", s.name));
      continue;
    }
    lines.push_back(fmt::format(
        "plan: {}: {} update{} an epoch of {:.0f} training nodes a worker, lr {}, at most {} updates, {} evaluations, {} MB",
        s.name, s.plan.updates_per_epoch, s.plan.updates_per_epoch == 1 ? "" : "s", s.plan.mean_batch, s.plan.lr,
        s.plan.max_updates, s.evaluations, s.planned_bytes / 1'000'000));
  }
  for (const auto& [system, why] : plan.left_out) lines.push_back(fmt::format("plan: {} is left out: {}", system, why));
  return lines;
}

std::vector<std::string> training_arguments(const TrainOptions& given, const std::string& system) {
  TrainOptions options = given, defaults;
  options.target.reset();
  const SystemSpec spec_of_system = parse_system(system);
  const TrainOptions own = with_overrides(options, spec_of_system);
  cli::OptionTable table, plain;
  describe_training(options, table, false);
  describe_training(defaults, plain, false);
  drop_run_options(table);
  std::vector<std::string> words;
  for (const cli::OptionSpec& spec : table.specs()) {
    const Json value = cli::option_value(spec);
    if (value == cli::option_value(*plain.find(spec.name)) || value.is_null()) continue;
    if (!why_idle(spec.name, own, spec_of_system).empty()) continue;
    const std::string name = "--" + spec.name;
    if (spec.kind == cli::OptionKind::flag) {
      words.push_back(name + (value == true ? "=on" : "=off"));
      continue;
    }
    words.push_back(name);
    if (value.is_boolean())
      words.emplace_back(value == true ? "on" : "off");
    else if (value.is_string())
      words.push_back(value.get<std::string>());
    else if (value.is_array()) {
      std::string list;
      for (const Json& element : value) list += (list.empty() ? "" : ",") + element.get<std::string>();
      words.push_back(list);
    } else {
      words.push_back(data::dump_json(value));
    }
  }
  return words;
}

void drop_run_options(cli::OptionTable& table) {
  std::erase_if(table.specs(), [](const cli::OptionSpec& spec) {
    return spec.name == "target" || spec.name == "dump-updates" || spec.name == "launch" || spec.name == "partition-cache" ||
           spec.name == "record-draws" || spec.name == "replay-draws" || spec.name == "explain";
  });
}

}  // namespace tenfold::gnnbench
