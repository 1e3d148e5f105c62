// Numbering the nodes of text files.
#include "gnnbench/node_numbers.h"

#include <algorithm>

#include "base/error.h"
#include "gnnbench/delimited.h"

namespace tenfold::gnnbench {

namespace {

constexpr std::int64_t kMostNodes = 0x7fffffff;

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

}  // namespace

std::int64_t NodeNumbers::intern(std::string_view word) {
  const auto found = word_number_.find(word);
  if (found != word_number_.end()) return found->second;
  ids_.emplace_back(word);
  return word_number_.emplace(ids_.back(), static_cast<std::int64_t>(ids_.size()) - 1).first->second;
}

// The first id that is no whole number: the numbers so far are words, too.
void NodeNumbers::turn_to_words() {
  words_ = true;
  for (auto& [source, target] : edges_) {
    source = intern(std::to_string(source));
    target = intern(std::to_string(target));
  }
  for (std::int64_t& id : mentioned_) id = intern(std::to_string(id));
}

std::int64_t NodeNumbers::see(std::int64_t id, const std::string& file, std::size_t line) {
  const std::string n = fixed_n_ ? ", n is " + std::to_string(*fixed_n_) : "";
  if (id < 0) input_error(at_position(file, line, 0, "node id " + std::to_string(id) + " is negative" + n));
  if (fixed_n_ && id > *fixed_n_) input_error(at_position(file, line, 0, "node id " + std::to_string(id) + " is too large" + n));
  lowest_ = std::min(lowest_, id);
  if (id > highest_) {
    highest_ = id;
    highest_at_ = {file, line};
  }
  return id;
}

void NodeNumbers::edge(std::string_view source, std::string_view target, const std::string& file, std::size_t line) {
  if (!words_) {
    const auto a = whole_number(source), b = whole_number(target);
    if (a && b) {
      const std::int64_t from = see(*a, file, line);
      edges_.emplace_back(from, see(*b, file, line));
      return;
    }
    turn_to_words();
  }
  const std::int64_t from = intern(source);
  edges_.emplace_back(from, intern(target));
}

std::size_t NodeNumbers::mention(std::string_view id, const std::string& file, std::size_t line) {
  if (!words_) {
    if (const auto number = whole_number(id)) {
      mentioned_.push_back(see(*number, file, line));
      return mentioned_.size() - 1;
    }
    turn_to_words();
  }
  mentioned_.push_back(intern(id));
  return mentioned_.size() - 1;
}

void NodeNumbers::renumber(std::int64_t base) {
  for (auto& [source, target] : edges_) source -= base, target -= base;
  for (std::int64_t& id : mentioned_) id -= base;
  how_ = "ids count from " + std::to_string(base);
}

void NodeNumbers::map_sparse() {
  std::vector<std::int64_t> all = mentioned_;
  for (const auto& [source, target] : edges_) all.push_back(source), all.push_back(target);
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  const auto number = [&](std::int64_t id) { return std::lower_bound(all.begin(), all.end(), id) - all.begin(); };
  for (auto& [source, target] : edges_) source = number(source), target = number(target);
  for (std::int64_t& id : mentioned_) id = number(id);
  for (const std::int64_t id : all) ids_.push_back(std::to_string(id));
  nodes_ = static_cast<std::int64_t>(all.size());
  how_ = "ids from " + std::to_string(all.front()) + " to " + std::to_string(all.back()) + " are mapped to 0 to " +
         std::to_string(nodes_ - 1) + " in numeric order";
}

void NodeNumbers::finish() {
  if (edges_.empty() && mentioned_.empty() && !words_) {
    nodes_ = fixed_n_.value_or(0);
    how_ = "no ids";
  } else if (words_) {
    nodes_ = static_cast<std::int64_t>(ids_.size());
    how_ = "ids are mapped to 0 to " + std::to_string(nodes_ - 1) + " in the order of their first appearance";
  } else if (fixed_n_) {
    const std::int64_t base = highest_ == *fixed_n_ ? 1 : 0;
    if (base > lowest_)
      input_error(at_position(
          highest_at_.file, highest_at_.line, 0,
          "node id " + std::to_string(highest_) + " is too large, n is " + std::to_string(*fixed_n_) + " and ids count from 0"));
    nodes_ = *fixed_n_;
    renumber(base);
  } else {
    // As they are where they begin at 0 or 1 and at least half of the range occurs.
    const std::int64_t range = highest_ - lowest_ + 1;
    const auto ends = static_cast<std::int64_t>(2 * edges_.size() + mentioned_.size());
    bool dense = lowest_ <= 1 && range / 2 <= ends;
    if (dense) {
      std::vector<bool> seen(at(range), false);
      std::int64_t distinct = 0;
      const auto mark = [&](std::int64_t id) {
        distinct += !seen[at(id - lowest_)];
        seen[at(id - lowest_)] = true;
      };
      for (const auto& [source, target] : edges_) mark(source), mark(target);
      for (const std::int64_t id : mentioned_) mark(id);
      dense = 2 * distinct >= range;
    }
    if (dense) {
      nodes_ = range;
      renumber(lowest_);
    } else {
      map_sparse();
    }
  }
  if (nodes_ >= kMostNodes) input_error(highest_at_.file + ": " + std::to_string(nodes_) + " nodes; fewer than 2^31 are taken");
  for (const std::int64_t id : mentioned_) number_.push_back(static_cast<NodeId>(id));
}

std::vector<Edge> NodeNumbers::take_edges() {
  std::vector<Edge> out;
  out.reserve(edges_.size());
  for (const auto& [source, target] : edges_) out.push_back({static_cast<NodeId>(source), static_cast<NodeId>(target)});
  edges_ = {};
  return out;
}

std::vector<std::string> NodeNumbers::take_ids() { return std::move(ids_); }

}  // namespace tenfold::gnnbench
