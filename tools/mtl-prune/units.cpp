// Classes of channel ids become units, components of units that share a producer dimension become sets.
#include "mtl-prune/units.h"

#include <algorithm>
#include <bit>
#include <map>
#include <numeric>
#include <set>
#include <utility>

#include "mtl-prune/channels.h"
#include "mtl/op_table.h"

namespace tenfold::mtl_prune {
namespace {

// While units are gathered they are numbered through: by the first producer that names them, then by index.
class Gatherer {
 public:
  Gatherer(const mtl::Model& model, const std::vector<mtl::Shape>& shapes, const std::vector<int>& output_of_task)
      : model_(model), shapes_(shapes), sweep_(sweep_channels(model, shapes)), output_of_task_(output_of_task) {}

  Units run() {
    number_units();
    lock_unbalanced();
    join_sets();
    fill_slices();
    fill_nodes();
    fill_sets();
    units_.notes = std::move(sweep_.notes);
    return std::move(units_);
  }

 private:
  int unit_of(int id) const { return unit_of_id_[static_cast<std::size_t>(id)]; }

  void number_units();
  void lock_unbalanced();
  void join_sets();
  void fill_slices();
  void fill_nodes();
  void fill_sets();
  void fill_balances();
  void fill_covers();
  std::uint64_t task_bits(std::uint64_t outputs) const;
  UnitRef ref(int unit) const {
    return unit < 0 ? UnitRef{} : UnitRef{set_of_[static_cast<std::size_t>(unit)], place_[static_cast<std::size_t>(unit)]};
  }
  void add_cover(int set_id, const std::vector<UnitRef>& channels);
  std::size_t number(const UnitRef& unit) const {
    return static_cast<std::size_t>(numbers_[static_cast<std::size_t>(unit.set)][static_cast<std::size_t>(unit.unit)]);
  }

  const mtl::Model& model_;
  const std::vector<mtl::Shape>& shapes_;
  Sweep sweep_;
  const std::vector<int>& output_of_task_;
  Units units_;
  std::vector<int> unit_of_id_;  // -1: no producer makes it
  std::vector<int> root_;           // of each unit
  std::vector<int> set_of_, place_;  // of each unit: its set, its place there
  std::vector<std::vector<int>> numbers_;  // back again
};

void Gatherer::number_units() {
  const std::vector<int> classes = sweep_.ids.classes();
  std::vector<int> unit_of_class(classes.size(), -1);
  for (std::size_t d = 0; d < sweep_.dimensions.size(); ++d) {
    if (sweep_.dimensions[d].role != Role::producer) continue;
    for (std::int64_t i = 0; i < sweep_.dimensions[d].size; ++i) {
      const int root = classes[static_cast<std::size_t>(sweep_.first_id[d] + i)];
      int& unit = unit_of_class[static_cast<std::size_t>(root)];
      if (unit >= 0) continue;
      unit = static_cast<int>(root_.size());
      root_.push_back(root);
    }
  }
  unit_of_id_.resize(classes.size());
  for (std::size_t id = 0; id < classes.size(); ++id) unit_of_id_[id] = unit_of_class[static_cast<std::size_t>(classes[id])];
}

// A grouped convolution that reads channels which nobody makes keeps all the others it reads.
void Gatherer::lock_unbalanced() {
  for (const BlockRule& rule : sweep_.rules) {
    bool foreign = false;
    for (const auto& block : rule.blocks)
      for (const int id : block) foreign = foreign || unit_of(id) < 0;
    if (!foreign) continue;
    sweep_.reasons.push_back(mtl::describe(model_.graph.nodes[static_cast<std::size_t>(rule.node)]) +
                             ": its groups hold channels that never go");
    for (const auto& block : rule.blocks)
      for (const int id : block) sweep_.ids.lock(id, static_cast<int>(sweep_.reasons.size()) - 1);
  }
}

void Gatherer::join_sets() {
  ChannelIds joined;
  joined.fresh(static_cast<std::int64_t>(root_.size()));
  for (std::size_t d = 0; d < sweep_.dimensions.size(); ++d) {
    if (sweep_.dimensions[d].role != Role::producer) continue;
    const int first = unit_of(sweep_.first_id[d]);
    for (std::int64_t i = 1; i < sweep_.dimensions[d].size; ++i)
      joined.merge(first, unit_of(sweep_.first_id[d] + static_cast<int>(i)));
  }
  for (const BlockRule& rule : sweep_.rules) {  // counts that must agree are decided together
    int first = -1;
    for (const auto& block : rule.blocks) {
      for (const int id : block) {
        const int unit = unit_of(id);
        if (unit < 0) continue;
        if (first < 0) first = unit;
        joined.merge(first, unit);
      }
    }
  }
  std::vector<int> set_of_root(root_.size(), -1);
  set_of_.resize(root_.size());
  place_.resize(root_.size());
  for (int u = 0; u < static_cast<int>(root_.size()); ++u) {
    int& set = set_of_root[static_cast<std::size_t>(joined.find(u))];
    if (set < 0) {
      set = static_cast<int>(units_.sets.size());
      units_.sets.emplace_back().id = set;
      numbers_.emplace_back();
    }
    set_of_[static_cast<std::size_t>(u)] = set;
    place_[static_cast<std::size_t>(u)] = static_cast<int>(units_.sets[static_cast<std::size_t>(set)].units.size());
    units_.sets[static_cast<std::size_t>(set)].units.emplace_back();
    numbers_[static_cast<std::size_t>(set)].push_back(u);
  }
}

// Slices of all units, unit by unit: counted first, then placed.
void Gatherer::fill_slices() {
  units_.dimensions = sweep_.dimensions;
  const std::size_t count = root_.size();
  std::vector<int> order(units_.dimensions.size());  // by role, then node
  std::iota(order.begin(), order.end(), 0);
  std::ranges::sort(order, {}, [&](int d) { return std::pair(units_.dimensions[static_cast<std::size_t>(d)].role, d); });

  struct Cursor {
    int slice = 0, index = 0;  // counted, then the next place in the pools
    int last = -1;             // the dimension of the last index
  };
  std::vector<Cursor> cursors(count);
  const auto for_each_index = [&](const auto& visit) {
    for (const int d : order) {
      const int* unit = unit_of_id_.data() + sweep_.first_id[static_cast<std::size_t>(d)];
      const std::int64_t size = units_.dimensions[static_cast<std::size_t>(d)].size;
      for (std::int64_t i = 0; i < size; ++i)
        if (unit[i] >= 0) visit(d, i, cursors[static_cast<std::size_t>(unit[i])]);
    }
  };
  for_each_index([](int d, std::int64_t, Cursor& cursor) {
    ++cursor.index;
    cursor.slice += cursor.last != d ? 1 : 0;
    cursor.last = d;
  });
  int slices = 0, indices = 0;
  for (std::size_t u = 0; u < count; ++u) {
    Cursor& cursor = cursors[u];
    Unit& unit = units_.sets[static_cast<std::size_t>(set_of_[u])].units[static_cast<std::size_t>(place_[u])];
    unit = {slices, cursor.slice, sweep_.ids.lock_of(root_[u]) >= 0};
    slices += std::exchange(cursor.slice, slices);
    indices += std::exchange(cursor.index, indices);
    cursor.last = -1;
  }
  units_.slice_pool.resize(static_cast<std::size_t>(slices));
  units_.index_pool.resize(static_cast<std::size_t>(indices));
  for_each_index([&](int d, std::int64_t i, Cursor& cursor) {
    if (cursor.last != d) units_.slice_pool[static_cast<std::size_t>(cursor.slice++)] = {d, cursor.index, 0};
    cursor.last = d;
    ++units_.slice_pool[static_cast<std::size_t>(cursor.slice) - 1].count;
    units_.index_pool[static_cast<std::size_t>(cursor.index++)] = i;
  });
}

void Gatherer::fill_nodes() {
  units_.nodes.resize(sweep_.nodes.size());
  for (std::size_t n = 0; n < sweep_.nodes.size(); ++n) {
    const Channels& channels = sweep_.nodes[n];
    units_.nodes[n].axis = channels.axis;
    units_.nodes[n].rank = static_cast<int>(shapes_[n].size());
    if (!channels.tracked()) continue;
    units_.nodes[n].units.reserve(channels.ids->size());
    for (const int id : *channels.ids) units_.nodes[n].units.push_back(ref(unit_of(id)));
  }
}

std::uint64_t Gatherer::task_bits(std::uint64_t outputs) const {
  if (output_of_task_.empty()) return outputs;
  std::uint64_t tasks = 0;
  for (std::size_t t = 0; t < output_of_task_.size(); ++t)
    if ((outputs >> output_of_task_[t] & 1) != 0) tasks |= std::uint64_t{1} << t;
  return tasks;
}

void Gatherer::fill_sets() {
  const std::map<std::string, std::uint64_t> reached = mtl::reached_by_parameter(model_.graph);
  for (std::size_t d = 0; d < units_.dimensions.size(); ++d) {
    const Dimension& dimension = units_.dimensions[d];
    std::vector<int> sets;
    for (std::int64_t i = 0; i < dimension.size; ++i) {
      const int set = ref(unit_of(sweep_.first_id[d] + static_cast<int>(i))).set;
      if (set >= 0 && (sets.empty() || sets.back() != set) && std::ranges::find(sets, set) == sets.end()) sets.push_back(set);
    }
    for (const int s : sets) {
      UnitSet& set = units_.sets[static_cast<std::size_t>(s)];
      set.dimensions.push_back(static_cast<int>(d));
      if (dimension.role != Role::producer) continue;
      const std::uint64_t tasks = task_bits(reached.at(dimension.parameter));
      set.reaches |= tasks;
      set.trunk = set.trunk || std::popcount(tasks) >= 2;
    }
  }
  std::vector<int> first_lock(units_.sets.size(), -1);
  for (std::size_t u = 0; u < root_.size(); ++u) {
    const int lock = sweep_.ids.lock_of(root_[u]);
    int& first = first_lock[static_cast<std::size_t>(set_of_[u])];
    if (lock >= 0 && (first < 0 || lock < first)) first = lock;
  }
  for (std::size_t s = 0; s < units_.sets.size(); ++s) {
    UnitSet& set = units_.sets[s];
    set.locked = std::ranges::all_of(set.units, &Unit::locked);
    if (first_lock[s] >= 0) set.why = sweep_.reasons[static_cast<std::size_t>(first_lock[s])];
  }
  fill_balances();
  fill_covers();
}

void Gatherer::fill_balances() {
  for (const BlockRule& rule : sweep_.rules) {
    Balance balance{model_.graph.nodes[static_cast<std::size_t>(rule.node)].id, {}};
    int set = -1;
    for (const auto& ids : rule.blocks) {
      std::vector<int>& block = balance.blocks.emplace_back();
      for (const int id : ids) {
        if (unit_of(id) < 0) continue;
        set = ref(unit_of(id)).set;
        block.push_back(ref(unit_of(id)).unit);
      }
    }
    if (set >= 0) units_.sets[static_cast<std::size_t>(set)].balances.push_back(std::move(balance));
  }
  for (UnitSet& set : units_.sets) {
    if (set.balances.empty()) {
      std::iota(set.cells.emplace_back(set.units.size()).begin(), set.cells.back().end(), 0);
      continue;
    }
    // A unit's signature: how often it stands in each block of each balance.
    std::vector<std::vector<int>> signature(set.units.size());
    for (const Balance& balance : set.balances) {
      std::vector<std::vector<int>> counts(set.units.size(), std::vector<int>(balance.blocks.size(), 0));
      for (std::size_t b = 0; b < balance.blocks.size(); ++b)
        for (const int u : balance.blocks[b]) ++counts[static_cast<std::size_t>(u)][b];
      for (std::size_t u = 0; u < counts.size(); ++u) {
        const bool even = std::ranges::all_of(counts[u], [&](int n) { return n == counts[u].front(); });
        if (even) std::ranges::fill(counts[u], 0);  // any count of such units is in balance
        signature[u].insert(signature[u].end(), counts[u].begin(), counts[u].end());
      }
    }
    std::map<std::vector<int>, std::size_t> cell_of;
    for (std::size_t u = 0; u < set.units.size(); ++u) {
      const auto [found, is_new] = cell_of.try_emplace(signature[u], set.cells.size());
      if (is_new) set.cells.emplace_back();
      set.cells[found->second].push_back(static_cast<int>(u));
    }
  }
}

// A result that holds some units of a set and not all of them must keep one of those. Results that pass their input's channels
// on say nothing new.
void Gatherer::fill_covers() {
  std::vector<int> seen(root_.size(), -1);
  std::set<const std::vector<int>*> known;
  for (std::size_t n = 0; n < sweep_.nodes.size(); ++n) {
    const Channels& channels = sweep_.nodes[n];
    if (!channels.tracked() || !known.insert(channels.ids.get()).second) continue;
    std::map<int, std::size_t> count;  // of distinct units, by set
    int last_set = -1;
    std::size_t* last = nullptr;
    for (const UnitRef& unit : units_.nodes[n].units) {
      if (unit.set < 0) continue;
      if (unit.set != last_set) last = &count[last_set = unit.set];
      int& stamp = seen[number(unit)];
      if (stamp != static_cast<int>(n)) ++*last;
      stamp = static_cast<int>(n);
    }
    for (const auto& [s, distinct] : count)
      if (distinct != units_.sets[static_cast<std::size_t>(s)].units.size()) add_cover(s, units_.nodes[n].units);
  }
}

void Gatherer::add_cover(int set_id, const std::vector<UnitRef>& channels) {
  std::set<int> members;
  for (const UnitRef& unit : channels)
    if (unit.set == set_id) members.insert(unit.unit);
  UnitSet& set = units_.sets[static_cast<std::size_t>(set_id)];
  std::vector<int> cover(members.begin(), members.end());
  if (std::ranges::find(set.covers, cover) == set.covers.end()) set.covers.push_back(std::move(cover));
}

}  // namespace

std::vector<std::string> parameters(const Units& units, const UnitSet& set, Role role) {
  std::vector<std::string> names;
  for (const int d : set.dimensions) {
    const Dimension& dimension = units.dimensions[static_cast<std::size_t>(d)];
    if (dimension.role == role && std::ranges::find(names, dimension.parameter) == names.end())
      names.push_back(dimension.parameter);
  }
  return names;
}

Units find_units(const mtl::Model& model, const std::vector<mtl::Shape>& shapes, const std::vector<int>& output_of_task) {
  return Gatherer(model, shapes, output_of_task).run();
}

}  // namespace tenfold::mtl_prune
