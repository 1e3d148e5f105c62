// Splits by keyed uniforms.
#include "gnnbench/split.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/suggest.h"
#include "data/number.h"
#include "gnnbench/keyed_random.h"

namespace tenfold::gnnbench {

namespace {

struct Rule {
  bool per_class = false;
  double numbers[3] = {0, 0, 0};
};

[[noreturn]] void refuse(const std::string& rule, const std::string& what) {
  usage_error("--split: \"" + rule + "\" " + what + "; give given, random:0.6,0.2,0.2 or per-class:20,500,1000");
}

Rule parse_rule(const std::string& rule) {
  const std::size_t colon = rule.find(':');
  const std::string word = rule.substr(0, colon);
  if (word != "random" && word != "per-class") {
    const std::vector<std::string> words = {"given", "random", "per-class"};
    const std::string near = nearest(word, words);
    refuse(rule, near.empty() ? "is no split" : "is no split; did you mean " + near + "?");
  }
  if (colon == std::string::npos) refuse(rule, "needs three numbers");
  Rule out;
  out.per_class = word == "per-class";
  std::size_t begin = colon + 1;
  for (int i = 0; i < 3; ++i) {
    const std::size_t comma = rule.find(',', begin);
    if ((comma == std::string::npos) != (i == 2)) refuse(rule, "needs three numbers");
    const auto number = data::parse_number(rule.substr(begin, comma == std::string::npos ? comma : comma - begin));
    if (!number || !(*number >= 0) || *number > 0x1p31) refuse(rule, "holds something that is no number at least 0");
    if (out.per_class && *number != std::floor(*number)) refuse(rule, "counts nodes in fractions");
    out.numbers[i] = *number;
    begin = comma + 1;
  }
  if (!(out.numbers[0] > 0)) refuse(rule, "leaves no node to train on");
  if (!out.per_class && out.numbers[0] + out.numbers[1] + out.numbers[2] > 1 + 1e-9) refuse(rule, "adds up to more than 1");
  return out;
}

// The labelled nodes by ascending uniform, equal ones by id.
std::vector<NodeId> drawn_order(std::span<const std::int32_t> labels, std::uint64_t seed) {
  const RandomKey key{seed};
  std::vector<std::pair<double, NodeId>> drawn;
  for (std::size_t v = 0; v < labels.size(); ++v)
    if (labels[v] >= 0)
      drawn.emplace_back(key.uniform(Purpose::split, 0, 0, static_cast<std::uint32_t>(v)), static_cast<NodeId>(v));
  std::sort(drawn.begin(), drawn.end());
  std::vector<NodeId> order;
  for (const auto& [uniform, node] : drawn) order.push_back(node);
  return order;
}

std::vector<std::uint8_t> split_at_random(std::span<const std::int32_t> labels, const Rule& rule, std::uint64_t seed) {
  const std::vector<NodeId> order = drawn_order(labels, seed);
  std::vector<std::uint8_t> out(labels.size(), 0);
  double sum = 0;
  std::size_t begin = 0;
  for (int part = 1; part <= 3; ++part) {
    sum += rule.numbers[part - 1];
    const auto end = std::min(order.size(), static_cast<std::size_t>(std::round(sum * static_cast<double>(order.size()))));
    for (; begin < end; ++begin) out[static_cast<std::size_t>(order[begin])] = static_cast<std::uint8_t>(part);
  }
  return out;
}

std::vector<std::uint8_t> split_per_class(std::span<const std::int32_t> labels, int classes, const std::string& text,
                                          const Rule& rule, std::uint64_t seed) {
  const std::vector<NodeId> order = drawn_order(labels, seed);
  std::vector<std::uint8_t> out(labels.size(), 0);
  std::vector<double> taken(static_cast<std::size_t>(classes), 0);
  std::int64_t trained = 0;
  for (const NodeId v : order) {
    double& count = taken[static_cast<std::size_t>(labels[static_cast<std::size_t>(v)])];
    if (count >= rule.numbers[0]) continue;
    ++count;
    ++trained;
    out[static_cast<std::size_t>(v)] = static_cast<std::uint8_t>(Part::train);
  }
  double val = rule.numbers[1], test = rule.numbers[2];
  const auto left = static_cast<std::int64_t>(order.size()) - trained;
  if (static_cast<double>(left) < val + test)
    input_error("--split " + text + ": " + std::to_string(left) + " labelled nodes are left after " + std::to_string(trained) +
                " to train on, fewer than the " + data::number_text(val + test) + " to validate and test on");
  for (const NodeId v : order) {
    std::uint8_t& part = out[static_cast<std::size_t>(v)];
    if (part != 0) continue;
    if (val > 0)
      part = static_cast<std::uint8_t>(Part::val), --val;
    else if (test > 0)
      part = static_cast<std::uint8_t>(Part::test), --test;
  }
  return out;
}

}  // namespace

std::vector<std::uint8_t> make_split(std::span<const std::int32_t> labels, int classes, const std::string& rule,
                                     std::uint64_t split_seed) {
  const Rule parsed = parse_rule(rule);
  if (std::none_of(labels.begin(), labels.end(), [](std::int32_t y) { return y >= 0; }))
    input_error("--split " + rule + ": no node has a label; name a file with --labels");
  return parsed.per_class ? split_per_class(labels, classes, rule, parsed, split_seed)
                          : split_at_random(labels, parsed, split_seed);
}

void check_split_rule(const std::string& rule) {
  if (rule != "given") parse_rule(rule);
}

SplitCounts count_split(std::span<const std::uint8_t> split, std::int64_t nodes) {
  SplitCounts out;
  out.train = std::count(split.begin(), split.end(), static_cast<std::uint8_t>(Part::train));
  out.val = std::count(split.begin(), split.end(), static_cast<std::uint8_t>(Part::val));
  out.test = std::count(split.begin(), split.end(), static_cast<std::uint8_t>(Part::test));
  out.none = nodes - out.train - out.val - out.test;
  return out;
}

}  // namespace tenfold::gnnbench
