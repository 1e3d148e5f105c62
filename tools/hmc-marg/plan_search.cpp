// Enumeration for few items, descent for many.
#include "hmc-marg/plan_search.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "hmc-marg/plan_choice.h"

namespace tenfold::hmc_marg {

namespace {

std::size_t place(int i) { return static_cast<std::size_t>(i); }

bool allowed(const SearchSpace& space, const std::vector<bool>& taken) {
  for (std::size_t i = 0; i < taken.size(); ++i)
    if (space.required[i] && !taken[i]) return false;
  for (const auto& [u, v] : space.conflicts)
    if (taken[place(u)] && taken[place(v)]) return false;
  for (const auto& [u, v] : space.needs)
    if (taken[place(u)] && !taken[place(v)]) return false;
  return true;
}

// The largest set that holds all required items.
std::vector<bool> largest(const SearchSpace& space) {
  std::vector<int> weight = space.weight;
  std::vector<std::pair<int, int>> conflicts;
  std::vector<bool> out(weight.size(), false);
  for (const auto& [u, v] : space.conflicts) {
    if (space.required[place(u)])
      out[place(v)] = true;
    else if (space.required[place(v)])
      out[place(u)] = true;
    else
      conflicts.emplace_back(u, v);
  }
  std::vector<int> item, back(weight.size(), -1), kept_weight;
  for (std::size_t i = 0; i < weight.size(); ++i)
    if (!out[i]) {
      back[i] = static_cast<int>(item.size());
      item.push_back(static_cast<int>(i));
      kept_weight.push_back(weight[i]);
    }
  std::vector<std::pair<int, int>> inner, needs;
  for (const auto& [u, v] : conflicts)
    if (back[place(u)] >= 0 && back[place(v)] >= 0) inner.emplace_back(back[place(u)], back[place(v)]);
  std::vector<bool> never(item.size(), false);
  for (const auto& [u, v] : space.needs)
    if (back[place(u)] >= 0 && back[place(v)] >= 0)
      needs.emplace_back(back[place(u)], back[place(v)]);
    else if (back[place(u)] >= 0)
      never[place(back[place(u)])] = true;
  const std::vector<bool> chosen = largest_compatible(kept_weight, inner, needs);
  std::vector<bool> taken(weight.size(), false);
  for (std::size_t i = 0; i < item.size(); ++i) taken[place(item[i])] = chosen[i] && !never[i];
  return taken;
}

}  // namespace

bool better(const PricedSet& a, const PricedSet& b) {
  const double x = a.cost.weighted(), y = b.cost.weighted();
  if (x != y) return x < y;
  if (a.cost.sampled != b.cost.sampled) return a.cost.sampled < b.cost.sampled;
  for (std::size_t i = 0; i < a.taken.size(); ++i)
    if (a.taken[i] != b.taken[i]) return a.taken[i];
  return false;
}

std::vector<PricedSet> cheapest(const SearchSpace& space, const std::function<PlanCost(const std::vector<bool>&)>& price) {
  const std::size_t n = space.weight.size();
  std::vector<PricedSet> priced;
  const auto add = [&](const std::vector<bool>& taken) -> const PricedSet& {
    return priced.emplace_back(PricedSet{taken, price(taken)});
  };
  if (n <= kExhaustive) {
    for (std::size_t bits = 0; bits < std::size_t{1} << n; ++bits) {
      std::vector<bool> taken;
      for (std::size_t i = 0; i < n; ++i) taken.push_back((bits >> i & 1) != 0);
      if (allowed(space, taken)) add(taken);
    }
  } else {
    std::vector<bool> start = largest(space);
    if (!allowed(space, start)) return {};
    for (PricedSet now = add(start);;) {
      std::optional<PricedSet> next;
      const int crowded = now.cost.crowded;
      for (std::size_t i = 0; i < n; ++i) {
        if (!now.taken[i] || space.required[i]) continue;
        // While the shape does not fit, only what crowds it is given back.
        if (crowded >= 0 && static_cast<int>(i) != crowded && !(space.required[place(crowded)])) continue;
        std::vector<bool> fewer = now.taken;
        fewer[i] = false;
        for (bool changed = true; changed;) {  // with an item go those that need it
          changed = false;
          for (const auto& [u, v] : space.needs)
            if (fewer[place(u)] && !fewer[place(v)]) fewer[place(u)] = false, changed = true;
        }
        if (!allowed(space, fewer)) continue;
        const PricedSet set = add(fewer);
        if (!next || better(set, *next)) next = set;
      }
      if (!next || !(better(*next, now) || !std::isfinite(now.cost.ns))) break;
      now = *next;
    }
  }
  std::sort(priced.begin(), priced.end(), better);
  while (!priced.empty() && !std::isfinite(priced.back().cost.ns)) priced.pop_back();
  return priced;
}

}  // namespace tenfold::hmc_marg
