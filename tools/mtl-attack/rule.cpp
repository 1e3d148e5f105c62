#include "mtl-attack/rule.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

#include <fmt/format.h>

#include "base/error.h"
#include "base/suggest.h"

namespace tenfold::mtl_attack {
namespace {

const std::vector<std::string>& rule_words() {
  static const std::vector<std::string> words = {"single", "total",   "weights",  "gb",    "dgba",
                                                 "gb-mta", "signsum", "gradnorm", "worst", "protect"};
  return words;
}

std::optional<double> number(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

std::vector<std::string_view> parts(std::string_view text, char separator) {
  std::vector<std::string_view> out;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(separator, begin), text.size());
    out.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return out;
}

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : ", ") + word;
  return out;
}

int task_index(std::string_view name, const std::vector<std::string>& tasks, std::string_view rule) {
  const auto found = std::find(tasks.begin(), tasks.end(), name);
  if (found != tasks.end()) return static_cast<int>(found - tasks.begin());
  const std::string near = nearest(name, tasks);
  usage_error(fmt::format("--rule {}: no task \"{}\"; {}", rule, name,
                          near.empty() ? "there are " + joined(tasks) : "did you mean \"" + near + "\"?"));
}

std::vector<double> parse_weights(std::string_view text, std::string_view argument, std::size_t tasks) {
  std::vector<double> weights;
  for (const std::string_view part : parts(argument, ',')) {
    const std::optional<double> weight = number(part);
    if (!weight) usage_error(fmt::format("--rule {}: \"{}\" is no weight; write weights:1,0.5,2", text, part));
    weights.push_back(*weight);
  }
  if (weights.size() != tasks) usage_error(fmt::format("--rule {}: {} weights for {} tasks", text, weights.size(), tasks));
  return weights;
}

std::vector<bool> parse_protected(std::string_view text, std::string_view argument, const std::vector<std::string>& tasks) {
  std::vector<bool> protect(tasks.size(), false);
  for (const std::string_view part : parts(argument, '+'))
    if (!part.empty()) protect[static_cast<std::size_t>(task_index(part, tasks, text))] = true;
  const auto count = static_cast<std::size_t>(std::count(protect.begin(), protect.end(), true));
  if (count == 0) usage_error(fmt::format("--rule {}: protects no task; write protect:{}", text, tasks.front()));
  if (count == tasks.size()) usage_error(fmt::format("--rule {}: protects all tasks and attacks none", text));
  return protect;
}

RuleKind kind_of(std::string_view word, std::string_view text) {
  if (word == "single") return RuleKind::single;
  if (word == "total") return RuleKind::total;
  if (word == "weights") return RuleKind::weights;
  if (word == "gb" || word == "dgba" || word == "gb-mta") return RuleKind::gb;
  if (word == "signsum") return RuleKind::signsum;
  if (word == "gradnorm") return RuleKind::gradnorm;
  if (word == "worst") return RuleKind::worst;
  if (word == "protect") return RuleKind::protect;
  const std::string near = nearest(word, rule_words());
  usage_error(fmt::format("--rule {}: unknown; {}", text,
                          near.empty()
                              ? "there are single:TASK, total, weights:a,b,.., gb, signsum, gradnorm, worst, protect:TASK"
                              : "did you mean \"" + near + "\"?"));
}

}  // namespace

Rule parse_rule(std::string_view text, const std::vector<std::string>& tasks) {
  const std::size_t colon = std::min(text.find(':'), text.size());
  const std::string_view word = text.substr(0, colon), argument = colon < text.size() ? text.substr(colon + 1) : "";
  Rule rule{.kind = kind_of(word, text), .name = std::string(text), .task = -1, .weights = {}, .protect = {}};
  const bool takes_argument = rule.kind == RuleKind::single || rule.kind == RuleKind::weights || rule.kind == RuleKind::protect;
  if (!takes_argument && colon < text.size()) usage_error(fmt::format("--rule {}: {} takes no argument", text, word));
  if (rule.is_step() && tasks.size() < 2) usage_error(fmt::format("--rule {}: needs two tasks; the model has one", text));
  if (rule.kind == RuleKind::gb) rule.name = "gb";
  if (rule.kind == RuleKind::single) rule.task = task_index(argument, tasks, text);
  if (rule.kind == RuleKind::weights) rule.weights = parse_weights(text, argument, tasks.size());
  if (rule.kind == RuleKind::protect) rule.protect = parse_protected(text, argument, tasks);
  return rule;
}

std::vector<Rule> parse_rules(const std::vector<std::string>& texts, const std::vector<std::string>& tasks) {
  std::vector<std::string> whole;
  for (const std::string& text : texts) {
    const bool more = !whole.empty() && whole.back().starts_with("weights:") && number(text);
    if (more) {
      whole.back() += "," + text;
    } else if (text == "single:*") {
      for (const std::string& task : tasks) whole.push_back("single:" + task);
    } else {
      whole.push_back(text);
    }
  }
  std::vector<Rule> rules;
  for (const std::string& text : whole) {
    Rule rule = parse_rule(text, tasks);
    if (std::none_of(rules.begin(), rules.end(), [&](const Rule& other) { return other.name == rule.name; }))
      rules.push_back(std::move(rule));
  }
  return rules;
}

std::string_view name_of(AttackKind kind) {
  switch (kind) {
    case AttackKind::fgsm: return "fgsm";
    case AttackKind::pgd: return "pgd";
    case AttackKind::mim: return "mim";
    case AttackKind::apgd: return "apgd";
  }
  return "";
}

std::string_view name_of(Denominator denominator) {
  switch (denominator) {
    case Denominator::current: return "current";
    case Denominator::clean: return "clean";
    case Denominator::dataset: return "dataset";
  }
  return "";
}

AttackKind parse_attack(std::string_view text) {
  static const std::vector<std::string> names = {"fgsm", "pgd", "mim", "apgd"};
  for (const AttackKind kind : {AttackKind::fgsm, AttackKind::pgd, AttackKind::mim, AttackKind::apgd})
    if (text == name_of(kind)) return kind;
  if (text == "ifgsm") return AttackKind::pgd;
  const std::string near = nearest(text, names);
  usage_error(fmt::format("--attack {}: unknown; {}", text,
                          near.empty() ? "there are fgsm, pgd, mim, apgd" : "did you mean \"" + near + "\"?"));
}

void check_pair(const Rule& rule, AttackKind attack) {
  if (rule.is_step() && attack == AttackKind::mim)
    usage_error(fmt::format("--rule {} goes with fgsm, pgd and apgd, not with mim, which sums directions", rule.name));
}

}  // namespace tenfold::mtl_attack
