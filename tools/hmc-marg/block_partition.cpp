// Greedy: move the scalar that most rows of a large component share to the border, count what elimination would cost, keep the
// best.
#include "hmc-marg/block_partition.h"

#include <algorithm>
#include <numeric>

namespace tenfold::hmc_marg {

namespace {

class Components {
 public:
  explicit Components(int n) : parent_(static_cast<std::size_t>(n)) { std::iota(parent_.begin(), parent_.end(), 0); }
  std::int32_t find(std::int32_t i) {
    while (parent_[static_cast<std::size_t>(i)] != i)
      i = parent_[static_cast<std::size_t>(i)] = parent_[static_cast<std::size_t>(parent_[static_cast<std::size_t>(i)])];
    return i;
  }
  void join(std::int32_t a, std::int32_t b) {
    a = find(a);
    b = find(b);
    if (a != b) parent_[static_cast<std::size_t>(std::max(a, b))] = std::min(a, b);
  }

 private:
  std::vector<std::int32_t> parent_;
};

struct Trial {
  std::vector<std::int32_t> root;  // [n], border: -1
  std::vector<int> size;           // by root
  int largest = 0;
  std::int32_t largest_root = -1;
};

Trial components_without(int n, const std::vector<std::vector<std::int32_t>>& support, const std::vector<bool>& in_border) {
  Components components(n);
  for (const auto& scalars : support) {
    std::int32_t first = -1;
    for (const std::int32_t z : scalars) {
      if (in_border[static_cast<std::size_t>(z)]) continue;
      if (first < 0)
        first = z;
      else
        components.join(first, z);
    }
  }
  Trial trial;
  trial.root.assign(static_cast<std::size_t>(n), -1);
  trial.size.assign(static_cast<std::size_t>(n), 0);
  for (std::int32_t z = 0; z < n; ++z) {
    if (in_border[static_cast<std::size_t>(z)]) continue;
    const std::int32_t root = components.find(z);
    trial.root[static_cast<std::size_t>(z)] = root;
    if (++trial.size[static_cast<std::size_t>(root)] > trial.largest) {
      trial.largest = trial.size[static_cast<std::size_t>(root)];
      trial.largest_root = root;
    }
  }
  return trial;
}

// Multiply-adds of one evaluation, roughly: assembling (d + p)^2 per row, factor and inverse d^3, coupling d^2 p + d p^2, border
// p^3.
double cost_of(int n, const std::vector<std::vector<std::int32_t>>& support, const Trial& trial, int p) {
  double cost = static_cast<double>(p) * p * p;
  for (std::int32_t z = 0; z < n; ++z)
    if (trial.root[static_cast<std::size_t>(z)] == z) {
      const double d = trial.size[static_cast<std::size_t>(z)];
      cost += d * d * d + d * d * p + d * p * p;
    }
  for (const auto& scalars : support) {
    double width = p > 0 ? 1 : 0;
    for (const std::int32_t z : scalars)
      if (trial.root[static_cast<std::size_t>(z)] >= 0) {
        width = trial.size[static_cast<std::size_t>(trial.root[static_cast<std::size_t>(z)])];
        break;
      }
    cost += (width + p) * (width + p);
  }
  return cost;
}

}  // namespace

BlockPartition partition(int n, const RowSet& rows) {
  std::vector<std::vector<std::int32_t>> support;
  support.reserve(rows.rows.size());
  std::vector<int> degree(static_cast<std::size_t>(n), 0);
  for (const BlockRow& row : rows.rows) {
    std::vector<std::int32_t> scalars;
    for (const AffineTerm& term : rows.terms_of(row))
      if (term.z >= 0 && (scalars.empty() || scalars.back() != term.z)) scalars.push_back(term.z);
    if (scalars.empty()) continue;
    if (scalars.size() > 1)
      for (const std::int32_t z : scalars) ++degree[static_cast<std::size_t>(z)];
    support.push_back(std::move(scalars));
  }
  std::sort(support.begin(), support.end());
  std::vector<std::vector<std::int32_t>> distinct = support;
  distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());

  std::vector<bool> in_border(static_cast<std::size_t>(n), false), best_border;
  double best_cost = 0;
  bool found = false;
  std::vector<std::int32_t> stuck;
  for (int p = 0; p <= kMaxBorder && p <= n; ++p) {
    const Trial trial = components_without(n, distinct, in_border);
    if (!found) {
      stuck.clear();
      for (std::int32_t z = 0; z < n; ++z)
        if (trial.largest_root >= 0 && trial.root[static_cast<std::size_t>(z)] == trial.largest_root) stuck.push_back(z);
    }
    if (trial.largest <= kMaxComponent) {
      const double cost = cost_of(n, support, trial, p);
      if (!found || cost < best_cost) {
        found = true;
        best_cost = cost;
        best_border = in_border;
      }
      if (trial.largest <= 1) break;
    }
    // Highest degree within the largest component; of equals the one in the middle, which halves a chain.
    std::vector<std::int32_t> top;
    for (std::int32_t z = 0; z < n; ++z) {
      if (in_border[static_cast<std::size_t>(z)] || trial.root[static_cast<std::size_t>(z)] != trial.largest_root) continue;
      if (!top.empty() && degree[static_cast<std::size_t>(z)] > degree[static_cast<std::size_t>(top[0])]) top.clear();
      if (top.empty() || degree[static_cast<std::size_t>(z)] == degree[static_cast<std::size_t>(top[0])]) top.push_back(z);
    }
    if (top.empty()) break;
    in_border[static_cast<std::size_t>(top[top.size() / 2])] = true;
  }

  BlockPartition out;
  if (!found) {
    out.stuck = stuck;
    return out;
  }
  const Trial trial = components_without(n, distinct, best_border);
  out.component_of.assign(static_cast<std::size_t>(n), -1);
  out.place_of.assign(static_cast<std::size_t>(n), -1);
  std::vector<std::int32_t> number(static_cast<std::size_t>(n), -1);
  for (std::int32_t z = 0; z < n; ++z) {
    const auto i = static_cast<std::size_t>(z);
    if (best_border[i]) {
      out.place_of[i] = static_cast<std::int32_t>(out.border.size());
      out.border.push_back(z);
      continue;
    }
    std::int32_t& component = number[static_cast<std::size_t>(trial.root[i])];
    if (component < 0) {
      component = static_cast<std::int32_t>(out.components.size());
      out.components.emplace_back();
    }
    out.component_of[i] = component;
    out.place_of[i] = static_cast<std::int32_t>(out.components[static_cast<std::size_t>(component)].size());
    out.components[static_cast<std::size_t>(component)].push_back(z);
    out.max_component = std::max(out.max_component, static_cast<int>(out.components[static_cast<std::size_t>(component)].size()));
  }
  return out;
}

}  // namespace tenfold::hmc_marg
