#include "mtl-prune/select.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>
#include <optional>
#include <ranges>
#include <regex>

#include <fmt/format.h>

#include "base/error.h"
#include "base/suggest.h"
#include "mtl-prune/footprint.h"
#include "mtl-prune/ranking.h"

namespace tenfold::mtl_prune {
namespace {

// The cells of a set lose the same share: t / steps of each stays.
std::int64_t steps_of(const UnitSet& set) {
  std::int64_t common = 0;
  for (const std::vector<int>& cell : set.cells) common = std::gcd(common, static_cast<std::int64_t>(cell.size()));
  return std::max<std::int64_t>(common, 1);
}

// Channels of the first producer that a unit owns; 1 where they differ.
std::int64_t channels_per_unit(const Units& units, const UnitSet& set) {
  std::int64_t channels = 0;
  for (const Unit& unit : set.units) {
    if (unit.count == 0) return 1;
    const std::int64_t own = units.slices(unit).front().count;
    if (channels != 0 && own != channels) return 1;
    channels = own;
  }
  return channels;
}

// What is left of one set while units go.
struct SetState {
  std::int64_t wanted = 0;  // units asked to stay
  std::int64_t kept = 0;    // units that do
  std::vector<std::vector<int>> going;  // by cell: what may go, first to go first
};

class Selector {
 public:
  Selector(const mtl::Model& model, const Units& units, const ScoreTable& scores, const SelectOptions& options,
           const std::vector<mtl::Shape>& shapes)
      : units_(units),
        scores_(scores),
        options_(options),
        scope_(in_scope(units, options.scope)),
        footprint_(model, units, shapes),
        dense_params_(footprint_.params()),
        dense_macs_(footprint_.macs()),
        ranking_(rank_units(units, scores, options, footprint_)),
        plan_(keep_everything(model, units)) {
    states_.resize(units.sets.size());
    for (std::size_t s = 0; s < states_.size(); ++s) {
      states_[s].wanted = states_[s].kept = static_cast<std::int64_t>(units.sets[s].units.size());
      states_[s].going.resize(units.sets[s].cells.size());
      std::vector<std::size_t> cell_of(units.sets[s].units.size());
      for (std::size_t c = 0; c < units.sets[s].cells.size(); ++c)
        for (const int u : units.sets[s].cells[c]) cell_of[static_cast<std::size_t>(u)] = c;
      cells_.push_back(std::move(cell_of));
    }
    for (const UnitRef& unit : ranking_.order)
      states_[static_cast<std::size_t>(unit.set)]
          .going[cells_[static_cast<std::size_t>(unit.set)][static_cast<std::size_t>(unit.unit)]]
          .push_back(unit.unit);
  }

  Selection run() {
    if (options_.allocate == "uniform") {
      uniform();
    } else {
      for (std::size_t i = 0; i < ranking_.order.size() && !holds(); ++i) {
        const auto s = static_cast<std::size_t>(ranking_.order[i].set);
        ask(s, states_[s].wanted - 1);
      }
    }
    const bool any =
        std::ranges::any_of(std::views::iota(std::size_t{0}, states_.size()), [&](std::size_t s) { return prunable(s); });
    if (!holds() || (!any && options_.target.kind == Target::Kind::units)) out_of_reach();
    return finish();
  }

 private:
  double value() const {
    switch (options_.target.kind) {
      case Target::Kind::params: return footprint_.params() / dense_params_;
      case Target::Kind::macs: return footprint_.macs() / dense_macs_;
      case Target::Kind::units: break;
    }
    return static_cast<double>(count_units(false));
  }
  // Units left in scope. What balance holds back counts as gone while a number of units is asked for: it is rounded up.
  std::int64_t count_units(bool really) const {
    std::int64_t count = 0;
    for (std::size_t s = 0; s < states_.size(); ++s) {
      if (!scope_[s] || units_.sets[s].locked) continue;
      const bool balanced = units_.sets[s].cells.size() > 1 && options_.round <= 1;
      const std::int64_t asked = std::max(states_[s].wanted, options_.floor);
      count += balanced && !really ? std::min(asked, states_[s].kept) : states_[s].kept;
    }
    return count;
  }
  bool holds() const { return value() <= options_.target.value * (1 + 1e-12); }

  // The set is asked to keep `wanted` units; it keeps the least allowed number that is no less.
  void ask(std::size_t s, std::int64_t wanted) {
    SetState& state = states_[s];
    state.wanted = wanted;
    const std::int64_t keep = keepable(s, wanted);
    const UnitSet& set = units_.sets[s];
    const auto size = static_cast<std::int64_t>(set.units.size());
    for (std::size_t c = 0; c < set.cells.size(); ++c) {
      const auto of_cell = static_cast<std::int64_t>(set.cells[c].size());
      const std::int64_t gone_before = of_cell - of_cell * state.kept / size, gone = of_cell - of_cell * keep / size;
      for (std::int64_t i = gone_before; i < gone; ++i) footprint_.remove(unit(s, state.going[c][static_cast<std::size_t>(i)]));
      for (std::int64_t i = gone; i < gone_before; ++i) footprint_.put_back(unit(s, state.going[c][static_cast<std::size_t>(i)]));
    }
    state.kept = keep;
  }

  // allowed_keep, and as many units may go from each cell.
  std::int64_t keepable(std::size_t s, std::int64_t wanted) const {
    const UnitSet& set = units_.sets[s];
    const auto size = static_cast<std::int64_t>(set.units.size());
    std::int64_t keep = allowed_keep(units_, set, wanted, options_.floor, options_.round);
    const auto may_go = [&] {
      for (std::size_t c = 0; c < set.cells.size(); ++c) {
        const auto of_cell = static_cast<std::int64_t>(set.cells[c].size());
        if (of_cell - of_cell * keep / size > static_cast<std::int64_t>(states_[s].going[c].size())) return false;
      }
      return true;
    };
    while (keep < size && !may_go()) keep = allowed_keep(units_, set, keep + 1, options_.floor, options_.round);
    return keep;
  }

  const Unit& unit(std::size_t s, int u) const { return units_.sets[s].units[static_cast<std::size_t>(u)]; }

  // The same share of each set, the largest at which the target holds.
  void uniform() {
    std::vector<double> shares = {1};
    for (std::size_t s = 0; s < states_.size(); ++s) {
      if (!prunable(s)) continue;
      const auto size = static_cast<std::int64_t>(units_.sets[s].units.size());
      for (std::int64_t k = 0; k < size; ++k) shares.push_back(static_cast<double>(k) / static_cast<double>(size));
    }
    std::ranges::sort(shares);
    shares.erase(std::ranges::unique(shares).begin(), shares.end());
    std::size_t low = 0, high = shares.size();  // the target holds below `low`, as far as it ever does
    while (low < high) {
      const std::size_t middle = (low + high) / 2;
      keep_share(shares[middle]);
      if (holds()) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    keep_share(shares[low == 0 ? 0 : low - 1]);
  }
  bool prunable(std::size_t s) const { return scope_[s] && !units_.sets[s].locked; }
  void keep_share(double share) {
    for (std::size_t s = 0; s < states_.size(); ++s) {
      const auto size = static_cast<double>(units_.sets[s].units.size());
      if (prunable(s)) ask(s, static_cast<std::int64_t>(std::ceil(share * size - 1e-9)));
    }
  }

  [[noreturn]] void out_of_reach() const {
    std::string reasons;
    int named = 0, more = 0;
    for (std::size_t s = 0; s < states_.size(); ++s) {
      if (!scope_[s]) continue;
      const UnitSet& set = units_.sets[s];
      if (named == 8) {
        ++more;
        continue;
      }
      ++named;
      reasons += fmt::format("; set {} ({}) keeps {} of {}: {}", set.id, parameters(units_, set, Role::producer).front(),
                             states_[s].kept, set.units.size(), why_kept(s));
    }
    if (more > 0) reasons += fmt::format("; and {} more sets", more);
    if (named == 0)
      infeasible_error("no set of channels is in --scope " + options_.scope +
                       "; --scope all takes the heads' hidden channels too");
    infeasible_error(fmt::format("target {} is out of reach: the least is {}{}", to_text(options_.target), least(), reasons));
  }
  std::string least() const {
    return options_.target.kind == Target::Kind::units ? std::to_string(count_units(true)) : fmt::format("{:.4g}", value());
  }
  std::string why_kept(std::size_t s) const {
    if (!ranking_.held[s].empty()) return ranking_.held[s];
    if (options_.confidence > 0) return "not surely below the median score (--confidence)";
    if (units_.sets[s].cells.size() > 1) return "equal groups";
    return options_.round > 1 ? "--floor and --round" : "--floor " + std::to_string(options_.floor);
  }

  Selection finish() {
    plan_.criterion = options_.criterion;
    const SetScores& scores = scores_.scores.at(options_.criterion);
    Selection selection{std::move(plan_), "target " + to_text(options_.target), 0, ranking_.warnings};
    selection.reached = options_.target.kind == Target::Kind::units ? static_cast<double>(count_units(true)) : value();
    for (std::size_t s = 0; s < states_.size(); ++s) {
      KeptSet& kept = selection.plan.sets[s];
      std::vector<bool> gone(units_.sets[s].units.size(), false);
      const auto size = static_cast<std::int64_t>(gone.size());
      for (std::size_t c = 0; c < units_.sets[s].cells.size(); ++c) {
        const auto of_cell = static_cast<std::int64_t>(units_.sets[s].cells[c].size());
        for (std::int64_t i = 0; i < of_cell - of_cell * states_[s].kept / size; ++i)
          gone[static_cast<std::size_t>(states_[s].going[c][static_cast<std::size_t>(i)])] = true;
      }
      std::erase_if(kept.keep, [&](std::int64_t u) { return gone[static_cast<std::size_t>(u)]; });
      std::vector<double> values;
      for (const UnitScore& score : scores[s])
        if (score.ranked && std::isfinite(score.value)) values.push_back(score.value);
      if (!values.empty()) {
        kept.score_min = *std::ranges::min_element(values);
        kept.score_max = *std::ranges::max_element(values);
      }
      if (units_.sets[s].cells.size() > 1 && states_[s].wanted < states_[s].kept)
        selection.warnings.push_back(
            fmt::format("set {} ({}): asked to keep {} units, it keeps {}, so that the groups of node {} stay equal", s,
                        kept.producers.front(), states_[s].wanted, states_[s].kept, units_.sets[s].balances.front().why));
    }
    return selection;
  }

  const Units& units_;
  const ScoreTable& scores_;
  const SelectOptions& options_;
  std::vector<bool> scope_;
  Footprint footprint_;
  double dense_params_, dense_macs_;
  Ranking ranking_;
  Plan plan_;
  std::vector<SetState> states_;
  std::vector<std::vector<std::size_t>> cells_;  // [set][unit]
};

}  // namespace

Target parse_target(std::string_view text) {
  const std::size_t equals = text.find('=');
  const std::string name(text.substr(0, equals));
  static const std::vector<std::string> kinds = {"params", "macs", "units"};
  const auto kind = std::ranges::find(kinds, name);
  if (kind == kinds.end() || equals == std::string_view::npos) {
    const std::string near = nearest(name, kinds);
    usage_error("--target " + std::string(text) + " is none of params=V, macs=V, units=N" +
                (near.empty() ? "" : "; did you mean " + near + "=?"));
  }
  Target target{static_cast<Target::Kind>(kind - kinds.begin()), 0};
  const std::string_view number = text.substr(equals + 1);
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), target.value);
  const bool read = error == std::errc{} && end == number.data() + number.size();
  if (target.kind == Target::Kind::units) {
    if (!read || target.value < 1 || target.value != std::floor(target.value) || target.value > 1e15)
      usage_error("--target " + std::string(text) + ": units=N takes a whole number of units to stay, from 1");
  } else if (!read || !(target.value > 0 && target.value <= 1)) {
    usage_error("--target " + std::string(text) + ": " + name + "=V takes the share to keep, in (0, 1]");
  }
  return target;
}

std::string to_text(const Target& target) {
  static const char* const names[] = {"params", "macs", "units"};
  return fmt::format("{}={}", names[static_cast<int>(target.kind)], target.value);
}

std::vector<bool> in_scope(const Units& units, std::string_view scope) {
  std::vector<bool> in(units.sets.size(), false);
  if (scope == "trunk" || scope == "all") {
    for (const UnitSet& set : units.sets) in[static_cast<std::size_t>(set.id)] = scope == "all" || set.trunk;
    return in;
  }
  constexpr std::string_view prefix = "regex:";
  if (!scope.starts_with(prefix)) usage_error("--scope " + std::string(scope) + " is none of trunk, all, regex:NAMES");
  try {
    const std::regex names(std::string(scope.substr(prefix.size())));
    for (const UnitSet& set : units.sets)
      for (const std::string& producer : parameters(units, set, Role::producer))
        if (std::regex_search(producer, names)) in[static_cast<std::size_t>(set.id)] = true;
  } catch (const std::regex_error&) {
    usage_error("--scope " + std::string(scope) + ": what follows regex: is no ECMAScript regular expression");
  }
  return in;
}

std::int64_t units_in_scope(const Units& units, std::string_view scope) {
  const std::vector<bool> in = in_scope(units, scope);
  std::int64_t count = 0;
  for (const UnitSet& set : units.sets)
    if (in[static_cast<std::size_t>(set.id)] && !set.locked) count += static_cast<std::int64_t>(set.units.size());
  return count;
}

std::int64_t allowed_keep(const Units& units, const UnitSet& set, std::int64_t wanted, std::int64_t floor, std::int64_t round) {
  const auto size = static_cast<std::int64_t>(set.units.size());
  const std::int64_t least = std::min(size, std::max<std::int64_t>({wanted, floor, 1}));
  const std::int64_t step = size / steps_of(set), per_unit = channels_per_unit(units, set);
  for (std::int64_t keep = (least + step - 1) / step * step; keep < size; keep += step)
    if (keep * per_unit % std::max<std::int64_t>(round, 1) == 0) return keep;
  return size;
}

Selection select_units(const mtl::Model& model, const Units& units, const ScoreTable& scores, const SelectOptions& options,
                       const std::vector<mtl::Shape>& shapes) {
  return Selector(model, units, scores, options, shapes).run();
}

}  // namespace tenfold::mtl_prune
