// A component's structure is its size, the border scalars it touches and the kinds of its rows; counts of rows are padded within
// a class.
#include "hmc-marg/block_layout.h"

#include <algorithm>
#include <bit>
#include <map>
#include <tuple>
#include <unordered_map>
#include <unordered_set>

namespace tenfold::hmc_marg {

namespace {

constexpr std::int32_t kGather = -1;

// One part of a row as it is grouped: where it goes and which factor multiplies it (kGather: each component its own).
using PartKind =
    std::tuple<std::int32_t, std::int32_t>;  // (column, factor); columns: place in component, d + place in border, intercept last

struct RowKind {
  std::vector<PartKind> parts;
  std::int32_t scale = -1;  // scale shared by all components, -1 none, -2 gather
  auto operator<=>(const RowKind&) const = default;
};

struct ResolvedPart {
  std::int32_t column;
  std::uint32_t factor;
  double number;
};

struct ResolvedRow {
  std::vector<ResolvedPart> parts;
  std::int32_t scale = -1;
  std::uint32_t kind = 0;
};

struct Component {
  int d = 0;
  std::vector<std::int32_t> scalars;
  std::vector<std::uint32_t> rows;  // sorted by kind
  std::vector<std::int32_t> border;  // its border scalars, ascending
  int intercepts = 0;  // regular, BlockClass
};

class Maker {
 public:
  Maker(const BlockSystem& system, ChooseKernels choose) : system_(system), choose_(choose) {}

  BlockLayout run() {
    layout_.factors.push_back({});
    for (std::size_t q = 0; q < system_.partition.border.size(); ++q)
      layout_.border_diagonal.push_back(system_.prior[static_cast<std::size_t>(system_.partition.border[q])] >= 0 ? 1 : 0);
    for (const BlockRow& row : system_.priors.rows)
      if (row.scale != 0) must_be_positive(input(row.scale));
    resolve_rows();
    classify_rows();
    assemble_components();
    regularise();
    sort_rows();
    group();
    return std::move(layout_);
  }

 private:
  std::int32_t input(Slot slot) {
    const auto [place, is_new] = input_of_.try_emplace(slot, static_cast<std::int32_t>(layout_.inputs.size()));
    if (is_new) layout_.inputs.push_back(slot);
    return place->second;
  }

  void must_be_positive(std::int32_t place) {
    if (positive_.insert(place).second) layout_.positive.push_back(place);
  }

  std::int32_t scale(Slot slot) {
    if (slot == 0) return -1;
    const auto [place, is_new] = scale_of_.try_emplace(slot, static_cast<std::int32_t>(layout_.scales.size()));
    if (is_new) {
      layout_.scales.push_back(input(slot));
      must_be_positive(layout_.scales.back());
    }
    return place->second;
  }

  std::uint32_t factor(Slot ref, std::int32_t scale) {
    if (ref == 0 && scale < 0) return 0;
    const auto [place, is_new] = factor_of_.try_emplace({ref, scale}, static_cast<std::uint32_t>(layout_.factors.size()));
    if (is_new) layout_.factors.push_back({ref == 0 ? -1 : input(ref), scale});
    return place->second;
  }

  // Columns so far: z's place in its component; -1 - q for border scalar q; kInterceptColumn.
  static constexpr std::int32_t kInterceptColumn = 1 << 20;

  void resolve_rows() {
    for (const BlockRow& row : system_.rows.rows) {
      ResolvedRow out;
      out.scale = scale(row.scale);
      for (const AffineTerm& term : system_.rows.terms_of(row)) {
        std::int32_t column = kInterceptColumn;
        if (term.z >= 0) {
          const auto z = static_cast<std::size_t>(term.z);
          column = system_.partition.component_of[z] < 0 ? -1 - system_.partition.place_of[z] : system_.partition.place_of[z];
        }
        out.parts.push_back({column, factor(term.ref, out.scale), term.number});
      }
      std::sort(out.parts.begin(), out.parts.end(), [](const ResolvedPart& l, const ResolvedPart& r) {
        return std::tie(l.column, l.factor) < std::tie(r.column, r.factor);
      });
      rows_.push_back(std::move(out));
    }
  }

  // A factor or scale met in many rows is shared (its adjoint is summed in registers); a rare one is gathered.
  void classify_rows() {
    std::vector<std::size_t> factor_uses(layout_.factors.size(), 0), scale_uses(layout_.scales.size(), 0);
    for (const ResolvedRow& row : rows_) {
      if (row.scale >= 0) ++scale_uses[static_cast<std::size_t>(row.scale)];
      for (const ResolvedPart& part : row.parts) ++factor_uses[part.factor];
    }
    const std::size_t many = 2 + rows_.size() / 64;
    for (ResolvedRow& row : rows_) {
      RowKind kind;
      if (row.scale >= 0) kind.scale = scale_uses[static_cast<std::size_t>(row.scale)] >= many ? row.scale : -2;
      for (const ResolvedPart& part : row.parts) {
        const bool shared = part.factor == 0 || factor_uses[part.factor] >= many;
        kind.parts.emplace_back(part.column, shared ? static_cast<std::int32_t>(part.factor) : kGather);
      }
      // equal columns keep shared factors in order of their index and gathers in the row's order: parts are sorted by factor
      // already
      row.kind = kind_of(std::move(kind));
    }
  }

  void assemble_components() {
    const BlockPartition& partition = system_.partition;
    for (const auto& scalars : partition.components) components_.push_back({static_cast<int>(scalars.size()), scalars, {}, {}});
    for (std::uint32_t k = 0; k < rows_.size(); ++k) {
      std::int32_t component = -1;
      for (const AffineTerm& term : system_.rows.terms_of(system_.rows.rows[k]))
        if (term.z >= 0 && partition.component_of[static_cast<std::size_t>(term.z)] >= 0)
          component = partition.component_of[static_cast<std::size_t>(term.z)];
      if (component >= 0)
        components_[static_cast<std::size_t>(component)].rows.push_back(k);
      else
        components_.push_back({0, {}, {k}, {}});  // a row of the border alone is a component of size 0
    }
    for (Component& component : components_) component.border = border_of(component);
  }

  std::vector<std::int32_t> border_of(const Component& component) const {
    std::vector<std::int32_t> border;
    for (const std::uint32_t k : component.rows)
      for (const ResolvedPart& part : rows_[k].parts)
        if (part.column < 0) border.push_back(-1 - part.column);
    std::sort(border.begin(), border.end());
    border.erase(std::unique(border.begin(), border.end()), border.end());
    return border;
  }

  void sort_rows() {
    for (Component& component : components_)
      std::sort(component.rows.begin(), component.rows.end(),
                [&](std::uint32_t l, std::uint32_t r) { return std::tie(rows_[l].kind, l) < std::tie(rows_[r].kind, r); });
  }

  // Small components of one size and border become regular where each column has one factor in all their rows (of a scale) and
  // the intercept at most three: rows get parts with number 0 until all are alike. That costs some multiplications by 0 and makes
  // one class, with kernels that need not look at parts one by one, of what would be many.
  void regularise() {
    std::map<std::pair<int, std::vector<std::int32_t>>, std::vector<std::uint32_t>> alike;
    for (std::uint32_t c = 0; c < components_.size(); ++c)
      if (components_[c].d <= 2 && components_[c].border.size() <= (components_[c].d == 0 ? 0u : 2u))
        alike[{components_[c].d, components_[c].border}].push_back(c);
    for (const auto& [key, members] : alike) {
      std::map<std::int32_t, Slots> slots;  // by scale
      if (!find_slots(members, slots)) continue;
      std::size_t intercepts = 1;
      for (const auto& [scale, s] : slots) intercepts = std::max(intercepts, s.intercept.size());
      for (const std::uint32_t c : members) {
        components_[c].intercepts = static_cast<int>(intercepts);
        for (const std::uint32_t k : components_[c].rows)
          make_regular(rows_[k], key.first, key.second, slots.at(kinds_[rows_[k].kind].scale), intercepts);
      }
    }
  }

  struct Slots {
    std::map<std::int32_t, std::uint32_t> column;  // factor of each column but the intercept
    std::vector<std::uint32_t> intercept;  // its factors, ascending
  };

  bool find_slots(const std::vector<std::uint32_t>& members, std::map<std::int32_t, Slots>& slots) const {
    constexpr std::size_t kMostIntercepts = 3;
    for (const std::uint32_t c : members)
      for (const std::uint32_t k : components_[c].rows) {
        const RowKind& kind = kinds_[rows_[k].kind];
        if (kind.scale == -2) return false;
        Slots& s = slots[kind.scale];
        for (const auto& [column, factor] : kind.parts) {
          if (factor == kGather) return false;
          const auto f = static_cast<std::uint32_t>(factor);
          if (column != kInterceptColumn) {
            if (s.column.try_emplace(column, f).first->second != f) return false;
            continue;
          }
          const auto at = std::lower_bound(s.intercept.begin(), s.intercept.end(), f);
          if (at == s.intercept.end() || *at != f) s.intercept.insert(at, f);
          if (s.intercept.size() > kMostIntercepts) return false;
        }
      }
    return true;
  }

  void make_regular(ResolvedRow& row, int d, const std::vector<std::int32_t>& border, const Slots& slots,
                    std::size_t intercepts) {
    std::vector<ResolvedPart> parts;
    const auto add = [&](std::int32_t column, std::uint32_t factor) {
      parts.push_back({column, factor, 0});
      for (const ResolvedPart& part : row.parts)
        if (part.column == column && part.factor == factor) parts.back().number += part.number;
    };
    const auto add_column = [&](std::int32_t column) {
      const auto at = slots.column.find(column);
      add(column, at == slots.column.end() ? 0 : at->second);
    };
    for (std::int32_t i = 0; i < d; ++i) add_column(i);
    for (const std::int32_t q : border) add_column(-1 - q);
    for (const std::uint32_t f : slots.intercept) add(kInterceptColumn, f);
    for (std::size_t k = slots.intercept.size(); k < intercepts; ++k) parts.push_back({kInterceptColumn, 0, 0});
    row.parts = std::move(parts);
    RowKind kind;
    kind.scale = kinds_[row.kind].scale;
    for (const ResolvedPart& part : row.parts) kind.parts.emplace_back(part.column, static_cast<std::int32_t>(part.factor));
    row.kind = kind_of(std::move(kind));
  }

  std::uint32_t kind_of(RowKind kind) {
    const auto [place, is_new] = kind_index_.try_emplace(kind, static_cast<std::uint32_t>(kinds_.size()));
    if (is_new) kinds_.push_back(std::move(kind));
    return place->second;
  }

  void group() {
    // d, border scalars, then (kind, number of its rows up to a factor of 2)
    std::map<std::vector<std::int32_t>, std::vector<std::uint32_t>> groups;
    for (std::uint32_t c = 0; c < components_.size(); ++c) {
      const Component& component = components_[c];
      std::vector<std::int32_t> key = {component.d, static_cast<std::int32_t>(component.border.size())};
      key.insert(key.end(), component.border.begin(), component.border.end());
      for (std::size_t i = 0; i < component.rows.size();) {
        std::size_t j = i;
        while (j < component.rows.size() && rows_[component.rows[j]].kind == rows_[component.rows[i]].kind) ++j;
        key.push_back(static_cast<std::int32_t>(rows_[component.rows[i]].kind));
        key.push_back(static_cast<std::int32_t>(std::bit_width(j - i - 1)));
        i = j;
      }
      groups[key].push_back(c);
    }
    merge_small(groups);
    for (const auto& [key, members] : groups) layout_.classes.push_back(make_class(members, components_[members[0]].border));
    for (const auto& data : layout_.classes) {
      BlockClass& c = data->shape;
      c.work = layout_.work;
      const auto lanes = static_cast<std::size_t>(c.lanes);
      layout_.work += (c.batch_work() * static_cast<std::size_t>(c.batches) * lanes + 7) / 8 * 8;
      layout_.scratch = std::max(layout_.scratch, (c.scratch() * lanes + 7) / 8 * 8);
    }
  }

  // Regular groups of a batch or two join the one before them if that has as few and neither is padded to more than twice its
  // rows: a class of its own costs about as much as two batches.
  void merge_small(std::map<std::vector<std::int32_t>, std::vector<std::uint32_t>>& groups) const {
    constexpr std::size_t kFew = 2 * kBlockLanes;
    const auto rows_of = [&](const std::vector<std::uint32_t>& members) { return components_[members[0]].rows.size(); };
    auto into = groups.end();
    for (auto at = groups.begin(); at != groups.end();) {
      const Component& first = components_[at->second[0]];
      const bool small = first.intercepts > 0 && at->second.size() <= kFew;
      const bool fits =
          small && into != groups.end() && components_[into->second[0]].d == first.d &&
          components_[into->second[0]].border == first.border &&
          std::max(rows_of(at->second), rows_of(into->second)) <= 2 + 2 * std::min(rows_of(at->second), rows_of(into->second));
      if (!fits) {
        into = small ? at : groups.end();
        ++at;
        continue;
      }
      into->second.insert(into->second.end(), at->second.begin(), at->second.end());
      if (into->second.size() > kFew) into = groups.end();
      at = groups.erase(at);
    }
  }

  std::unique_ptr<BlockClassData> make_class(const std::vector<std::uint32_t>& members, const std::vector<std::int32_t>& border) {
    auto data = std::make_unique<BlockClassData>();
    BlockClass& c = data->shape;
    c.d = components_[members[0]].d;
    c.p = static_cast<int>(border.size());
    c.intercepts = components_[members[0]].intercepts;
    c.lanes = members.size() <= 2 && c.intercepts == 0 ? 1 : kBlockLanes;
    const auto lanes = static_cast<std::size_t>(c.lanes);
    c.batches = static_cast<int>((members.size() + lanes - 1) / lanes);
    data->members = members;
    data->border = border;

    std::map<std::uint32_t, std::size_t> most;  // rows of each kind
    for (const std::uint32_t m : members) {
      std::map<std::uint32_t, std::size_t> own;
      for (const std::uint32_t k : components_[m].rows) ++own[rows_[k].kind];
      for (const auto& [kind, count] : own) most[kind] = std::max(most[kind], count);
    }
    std::map<std::uint32_t, std::size_t> first_row;
    std::size_t gathers = 0;
    data->part_first.push_back(0);
    std::vector<std::int32_t> scale_gather;
    for (const auto& [kind, count] : most) {
      first_row[kind] = data->scale.size();
      for (std::size_t i = 0; i < count; ++i) {
        const RowKind& k = kinds_[kind];
        data->scale.push_back(k.scale == -2 ? -2 - static_cast<std::int32_t>(gathers++) : k.scale);
        for (const auto& [column, factor] : k.parts) {
          std::int32_t place = column;
          if (column == kInterceptColumn)
            place = c.d + c.p;
          else if (column < 0)
            place = c.d + static_cast<std::int32_t>(std::lower_bound(border.begin(), border.end(), -1 - column) - border.begin());
          data->part.push_back({place, factor == kGather ? -1 - static_cast<std::int32_t>(gathers++) : factor});
        }
        data->part_first.push_back(static_cast<std::int32_t>(data->part.size()));
      }
    }
    c.rows = static_cast<int>(data->scale.size());
    c.parts = static_cast<int>(data->part.size());
    c.gathers = static_cast<int>(gathers);
    const auto batches = static_cast<std::size_t>(c.batches);
    data->number.assign(batches * data->part.size() * lanes, 0.0);
    data->gather.assign(batches * gathers * lanes, 0);
    data->diagonal.assign(batches * static_cast<std::size_t>(c.d) * lanes, 1.0);
    std::vector<bool> filled(batches * gathers * lanes, false);
    for (std::size_t i = 0; i < members.size(); ++i) {
      const std::size_t batch = i / lanes, lane = i % lanes;
      const Component& component = components_[members[i]];
      for (std::size_t j = 0; j < component.scalars.size(); ++j)
        data->diagonal[(batch * static_cast<std::size_t>(c.d) + j) * lanes + lane] =
            system_.prior[static_cast<std::size_t>(component.scalars[j])] >= 0 ? 1 : 0;
      std::map<std::uint32_t, std::size_t> used;
      for (const std::uint32_t k : component.rows) {
        const ResolvedRow& row = rows_[k];
        const std::size_t r = first_row[row.kind] + used[row.kind]++;
        const auto put = [&](std::size_t gather, std::uint32_t index) {
          data->gather[(batch * gathers + gather) * lanes + lane] = index;
          filled[(batch * gathers + gather) * lanes + lane] = true;
        };
        if (data->scale[r] <= -2) put(static_cast<std::size_t>(-2 - data->scale[r]), static_cast<std::uint32_t>(row.scale));
        // gathers of one column follow the row's parts, which are sorted by factor; shared factors keep their place by index
        const auto begin = static_cast<std::size_t>(data->part_first[r]);
        for (std::size_t t = 0; t < row.parts.size(); ++t) {
          data->number[(batch * data->part.size() + begin + t) * lanes + lane] = row.parts[t].number;
          const std::int32_t f = data->part[begin + t].factor;
          if (f < 0) put(static_cast<std::size_t>(-1 - f), row.parts[t].factor);
        }
      }
    }
    // Padding: a zero times any valid index; take one in use, so that it is as finite as the real lanes.
    for (std::size_t g = 0; g < gathers; ++g) {
      std::uint32_t spare = 0;
      for (std::size_t b = 0; b < batches; ++b)
        for (std::size_t l = 0; l < lanes; ++l) {
          const std::size_t at = (b * gathers + g) * lanes + l;
          if (filled[at])
            spare = data->gather[at];
          else
            data->gather[at] = spare;
        }
    }
    c.part_first = data->part_first.data();
    c.part = data->part.data();
    c.number = data->number.data();
    c.gather = data->gather.data();
    c.scale = data->scale.data();
    c.diagonal = data->diagonal.data();
    c.border = data->border.data();
    data->kernels = choose_(c);
    return data;
  }

  const BlockSystem& system_;
  const ChooseKernels choose_;
  BlockLayout layout_;
  std::vector<ResolvedRow> rows_;
  std::vector<RowKind> kinds_;
  std::vector<Component> components_;
  std::unordered_map<Slot, std::int32_t> input_of_, scale_of_;
  std::unordered_set<std::int32_t> positive_;
  std::map<std::pair<Slot, std::int32_t>, std::uint32_t> factor_of_;
  std::map<RowKind, std::uint32_t> kind_index_;
};

}  // namespace

BlockLayout lay_out(const BlockSystem& system, ChooseKernels choose) { return Maker(system, choose).run(); }

}  // namespace tenfold::hmc_marg
