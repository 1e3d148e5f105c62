#include "mtl-attack/attack_options.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include <fmt/format.h>

#include "base/error.h"
#include "mtl-attack/eps.h"

namespace tenfold::mtl_attack {
namespace {

std::int64_t whole_number(const std::string& text, const std::string& option, const std::string& words) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 1)
    usage_error(fmt::format("{} {}: give {} or a whole number at least 1", option, text, words));
  return value;
}

// Letters, digits, '.', '_', '-' stay; all else becomes '-'.
std::string file_name(const std::string& text) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_';
    out += plain ? c : '-';
  }
  return out;
}

AttackPlan plan_of(const AttackOptions& o, const Rule& rule, AttackKind attack, double eps, bool trace,
                   const std::vector<std::string>& tasks) {
  check_pair(rule, attack);
  if (eps > 0 && whole_levels(eps) == 0 && !o.floats)
    usage_error(fmt::format(
        "--eps {}: below one grey level, so that no 8-bit image but the clean one lies within; give --float to keep floats",
        eps));
  AttackPlan plan{.rule = rule,
                  .attack = attack,
                  .eps = eps,
                  .step = o.step_size ? parse_eps(*o.step_size, "--step-size") : 0,
                  .steps = o.steps,
                  .momentum = o.momentum,
                  .denominator = o.denominator,
                  .objective = objective_of(rule, o.objective, tasks),
                  .tie = o.tie,
                  .worst_offset = o.worst_offset,
                  .keep_best = o.keep == "best",
                  .integer = o.integer,
                  .trace = trace};
  if (o.step_size && plan.step == 0) usage_error(fmt::format("--step-size {}: must be above 0", *o.step_size));
  return plan;
}

}  // namespace

void describe_victim(VictimOptions& o, cli::OptionTable& table) {
  table.add("--tasks", o.tasks, "tasks.json; those the model carries unless given").value_name("FILE");
  table.add("--data", o.data, "rooms:n=64,size=96x128,split=test, nyuv2:ROOT, folder:DIR; split=test unless it names another")
      .value_name("SPEC");
  table.flag("--lower", o.lower, "run a TorchScript model through the graph executor instead of natively");
}

void describe_attack(AttackOptions& o, cli::OptionTable& table) {
  table
      .add("--rule", o.rules,
           "single:TASK (single:* for each), total, weights:a,b,.., gb, signsum, gradnorm, worst, protect:TASK+TASK")
      .value_name("RULE,..");
  table.add("--attack", o.attacks, "fgsm, pgd, mim, apgd").value_name("A,..");
  table.add("--eps", o.eps, "budget: 8/255, grey levels from 1 on (8), a fraction below 1, or 0 as a control").value_name("E,..");
  table.add("--steps", o.steps, "steps of pgd, mim, apgd").between(1, 1e6);
  table.add("--step-size", o.step_size, "of pgd and mim, written as --eps; eps/steps unless given").value_name("A");
  table.add("--momentum", o.momentum, "of mim").between(0, 100);
  table.add("--restarts", o.restarts, "starts per image, the first at the image itself, the others random; the best is kept")
      .between(1, 10'000);
  table.flag("--random-start", o.random_start, "start at a random point of the ball");
  table.choice("--denominator", o.denominator,
               {{"current", Denominator::current}, {"clean", Denominator::clean}, {"dataset", Denominator::dataset}},
               "what gb divides a task's gradient by: its loss now, on the clean image, or the set's mean clean loss");
  table.add("--loss-floor", o.loss_floor, "least denominator, as a share of the set's mean clean loss").between(0, 1);
  table.choice("--tie", o.tie, {{"zero", Tie::zero}, {"up", Tie::up}}, "where the direction is 0: stay, or go up");
  table.add("--worst-offset", o.worst_offset, "worst: count the damage already done to each task");
  table.add("--objective", o.objective, "what apgd, --keep best and restarts maximise; auto is the rule's own")
      .value_name("auto|J|total|worst|single:TASK");
  table.add("--keep", o.keep, "which iterate of fgsm, pgd, mim is the result").one_of({"last", "best"});
  table.flag("--integer", o.integer, "keep every iterate on the 8-bit lattice");
  table.flag("--float", o.floats, "attack and store float images (npy); damage as 8 bits is reported beside");
}

void describe(RunOptions& o, cli::OptionTable& table) {
  table.input("MODEL", o.model, "TorchScript (.pt), NAME.mtg.json, or NAME.json naming architecture and weights")
      .defaults_to("embedded:rooms_shared");
  describe_victim(o.victim, table);
  describe_attack(o.attack, table);
  table.add("--batch", o.batch, "images per forward pass; auto is 1").value_name("auto|B");
  table.add("--limit", o.limit, "attack the first N images; 0: all").at_least(0);
  table.add("--save-adv", o.save_adv, "adversarial images to keep of each cell").value_name("all|N|none");
  table.flag("--trace", o.trace, "log each step's objective, size, gap, predicted and realised change");
  table.add("--baseline", o.baseline, "the rule that the others are compared with, image by image").value_name("RULE");
}

RunOptions run_options_from_config(const Json& config, const std::string& file) {
  RunOptions options;
  cli::OptionTable table;
  describe(options, table);
  for (const auto& [name, value] : config.items())
    if (cli::OptionSpec* spec = table.find(name)) cli::set_option(*spec, value, file + ": " + name);
  return options;
}

std::vector<Cell> make_cells(const AttackOptions& options, bool trace, const std::vector<std::string>& tasks) {
  std::vector<Cell> cells;
  std::set<std::string> names;
  std::vector<AttackKind> attacks;
  for (const std::string& text : options.attacks) {
    const AttackKind attack = parse_attack(text);
    if (std::find(attacks.begin(), attacks.end(), attack) == attacks.end()) attacks.push_back(attack);
  }
  std::vector<double> budgets;
  for (const std::string& text : options.eps) {
    const double eps = parse_eps(text, "--eps");
    if (std::find(budgets.begin(), budgets.end(), eps) == budgets.end()) budgets.push_back(eps);
  }
  if (options.floats && options.integer)
    usage_error("--integer keeps iterates on the 8-bit lattice and --float leaves it; give one");
  for (const Rule& rule : parse_rules(options.rules, tasks))
    for (const AttackKind attack : attacks)
      for (const double eps : budgets) {
        const std::string stem = fmt::format("{}-{}-{}", file_name(rule.name), name_of(attack), levels_text(eps));
        std::string name = stem;
        for (int k = 2; !names.insert(name).second; ++k) name = fmt::format("{}-{}", stem, k);
        cells.push_back({name, plan_of(options, rule, attack, eps, trace, tasks)});
      }
  if (cells.empty()) usage_error("nothing to attack with; give --rule gb --attack pgd --eps 8/255");
  return cells;
}

int batch_size(const std::string& text) {
  return text == "auto" ? 1 : static_cast<int>(std::min<std::int64_t>(whole_number(text, "--batch", "auto"), 1 << 20));
}

std::size_t saved_images(const std::string& text) {
  if (text == "all") return std::numeric_limits<std::size_t>::max();
  return text == "none" ? 0 : static_cast<std::size_t>(whole_number(text, "--save-adv", "all, none"));
}

std::vector<std::string> names_of(const std::vector<mtl::Task>& tasks) {
  std::vector<std::string> names;
  for (const mtl::Task& task : tasks) names.push_back(task.name);
  return names;
}

}  // namespace tenfold::mtl_attack
