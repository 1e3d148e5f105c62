// Items in no pair are always taken; the others by branch and bound, taking before leaving out, so that ties keep source order.
#include "hmc-marg/plan_choice.h"

#include <algorithm>

namespace tenfold::hmc_marg {

namespace {

constexpr std::size_t kExactItems = 20;

using Pairs = std::vector<std::pair<int, int>>;

class Search {
 public:
  Search(const std::vector<int>& weight, const Pairs& conflicts, const Pairs& needs, const std::vector<int>& items)
      : weight_(weight), conflicts_(conflicts), needs_(needs), items_(items), taken_(weight.size(), false) {}

  std::vector<bool> run(std::vector<bool> always) {
    taken_ = std::move(always);
    best_ = taken_;
    long rest = 0;
    for (const int i : items_) rest += weight_[static_cast<std::size_t>(i)];
    descend(0, 0, rest);
    return best_;
  }

 private:
  void descend(std::size_t next, long sum, long rest) {
    if (sum + rest <= best_sum_) return;
    if (next == items_.size()) {
      for (const auto& [u, v] : needs_)
        if (taken_[static_cast<std::size_t>(u)] && !taken_[static_cast<std::size_t>(v)]) return;
      best_sum_ = sum;
      best_ = taken_;
      return;
    }
    const auto item = static_cast<std::size_t>(items_[next]);
    const bool free = std::none_of(conflicts_.begin(), conflicts_.end(), [&](const auto& pair) {
      const auto u = static_cast<std::size_t>(pair.first), v = static_cast<std::size_t>(pair.second);
      return (u == item && taken_[v]) || (v == item && taken_[u]);
    });
    const long weight = weight_[item];
    if (free) {
      taken_[item] = true;
      descend(next + 1, sum + weight, rest - weight);
      taken_[item] = false;
    }
    descend(next + 1, sum, rest - weight);
  }

  const std::vector<int>& weight_;
  const Pairs& conflicts_;
  const Pairs& needs_;
  const std::vector<int>& items_;
  std::vector<bool> taken_, best_;
  long best_sum_ = -1;
};

}  // namespace

std::vector<bool> largest_compatible(const std::vector<int>& weight, const Pairs& conflicts, const Pairs& needs) {
  std::vector<bool> paired(weight.size(), false), taken(weight.size(), false);
  for (const Pairs* pairs : {&conflicts, &needs})
    for (const auto& [u, v] : *pairs) paired[static_cast<std::size_t>(u)] = paired[static_cast<std::size_t>(v)] = true;
  std::vector<int> items;
  for (std::size_t i = 0; i < weight.size(); ++i) {
    if (paired[i])
      items.push_back(static_cast<int>(i));
    else
      taken[i] = true;
  }
  if (items.size() <= kExactItems) return Search(weight, conflicts, needs, items).run(taken);

  std::sort(items.begin(), items.end(), [&](int l, int r) {
    const int a = weight[static_cast<std::size_t>(l)], b = weight[static_cast<std::size_t>(r)];
    return a != b ? a > b : l < r;
  });
  for (const int i : items) {
    const bool free = std::none_of(conflicts.begin(), conflicts.end(), [&](const auto& pair) {
      return (pair.first == i && taken[static_cast<std::size_t>(pair.second)]) ||
             (pair.second == i && taken[static_cast<std::size_t>(pair.first)]);
    });
    if (free) taken[static_cast<std::size_t>(i)] = true;
  }
  for (bool changed = true; changed;) {
    changed = false;
    for (const auto& [u, v] : needs)
      if (taken[static_cast<std::size_t>(u)] && !taken[static_cast<std::size_t>(v)]) {
        taken[static_cast<std::size_t>(u)] = false;
        changed = true;
      }
  }
  return taken;
}

}  // namespace tenfold::hmc_marg
