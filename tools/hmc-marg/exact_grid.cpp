// Flood fill over a lattice, a wave at a time: the wave's densities are evaluated side by side, its bookkeeping is done in order.
#include "hmc-marg/exact_grid.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace tenfold::hmc_marg {
namespace {

using Key = std::uint64_t;
constexpr int kBits = 21;  // of an index; three make a key, and the bit above says that it is one
constexpr std::int32_t kIndexLimit = (1 << (kBits - 1)) - 2;

Key key_of(const std::array<std::int32_t, kMaxExactDimensions>& index) {
  Key key = 1;
  for (const std::int32_t i : index) key = (key << kBits) | static_cast<Key>(i + (1 << (kBits - 1)));
  return key;
}

// Keys with one bit each, open addressing.
class KeyTable {
 public:
  // False if the key is there already.
  bool insert(Key key) {
    if (2 * (size_ + 1) > slots_.size()) grow();
    Key& slot = find(key);
    if (slot == key) return false;
    slot = key;
    ++size_;
    return true;
  }
  bool contains(Key key) const { return !slots_.empty() && const_cast<KeyTable*>(this)->find(key) == key; }
  std::size_t size() const { return size_; }
  void clear() {
    slots_.clear();
    size_ = 0;
  }

 private:
  Key& find(Key key) {
    std::size_t at = (key * 0x9e3779b97f4a7c15ull) >> shift_;
    while (slots_[at] != 0 && slots_[at] != key) at = (at + 1) & (slots_.size() - 1);
    return slots_[at];
  }
  void grow() {
    std::vector<Key> old(std::max<std::size_t>(1024, 2 * slots_.size()), 0);
    old.swap(slots_);
    shift_ = 64;
    for (std::size_t n = slots_.size(); n > 1; n /= 2) --shift_;
    for (const Key key : old)
      if (key != 0) find(key) = key;
  }
  std::vector<Key> slots_;
  std::size_t size_ = 0;
  int shift_ = 64;
};

}  // namespace

struct Grid::State {
  std::vector<Engine>* engines = nullptr;
  ThreadPool* threads = nullptr;
  int d = 0;
  std::vector<Mode> modes;
  std::array<double, kMaxExactDimensions> origin{}, unit{};  // unit: one sd
  double step = 0;
  std::vector<GridPoint> points;
  KeyTable inside, outside;  // keys at the current level
  std::size_t evaluated = 0;
  std::vector<GridPoint> wave;

  double coordinate(int axis, std::int32_t index) const {
    return origin[static_cast<std::size_t>(axis)] + step * unit[static_cast<std::size_t>(axis)] * index;
  }
  void evaluate_wave();
  // Candidates of the next wave: neighbours of a point that were not met before.
  void neighbours(const GridPoint& point, KeyTable& seen);
};

Grid::Grid(std::vector<Engine>& engines, ThreadPool& threads, const std::vector<Mode>& modes, double step)
    : state_(std::make_unique<State>()) {
  State& s = *state_;
  s.engines = &engines;
  s.threads = &threads;
  s.d = engines.front().dimension();
  s.modes = modes;
  s.step = step;
  for (int a = 0; a < s.d; ++a) {
    const auto i = static_cast<std::size_t>(a);
    s.origin[i] = modes.front().at[i];
    s.unit[i] = std::numeric_limits<double>::infinity();
    for (const Mode& mode : modes) s.unit[i] = std::min(s.unit[i], mode.sd[i]);
  }
}

Grid::~Grid() = default;
Grid::Grid(Grid&&) noexcept = default;

void Grid::State::evaluate_wave() {
  const auto slice = [&](std::size_t first, std::size_t last, Engine& engine) {
    std::array<double, kMaxExactDimensions> q{};
    for (std::size_t i = first; i < last; ++i) {
      for (int a = 0; a < d; ++a) q[static_cast<std::size_t>(a)] = coordinate(a, wave[i].index[static_cast<std::size_t>(a)]);
      wave[i].log_density = engine.log_density({q.data(), static_cast<std::size_t>(d)});
    }
  };
  const auto n = static_cast<std::size_t>(threads->size());
  if (wave.size() < 256 || n == 1) {
    slice(0, wave.size(), engines->front());
  } else {
    threads->for_each(static_cast<int>(n), [&](int t) {
      const auto i = static_cast<std::size_t>(t);
      slice(wave.size() * i / n, wave.size() * (i + 1) / n, (*engines)[i]);
    });
  }
  evaluated += wave.size();
}

void Grid::State::neighbours(const GridPoint& point, KeyTable& seen) {
  GridPoint next;
  for (int a = 0; a < d; ++a) {
    for (const int by : {-1, 1}) {
      next.index = point.index;
      next.index[static_cast<std::size_t>(a)] += by;
      if (std::abs(next.index[static_cast<std::size_t>(a)]) > kIndexLimit) continue;
      const Key key = key_of(next.index);
      if (!inside.contains(key) && !outside.contains(key) && seen.insert(key)) wave.push_back(next);
    }
  }
}

bool Grid::fill(std::size_t limit, const std::function<bool()>& stop) {
  State& s = *state_;
  KeyTable seen;  // candidates of the waves of this fill
  s.wave.clear();
  for (const Mode& mode : s.modes) {
    GridPoint start;
    bool reachable = true;
    for (int a = 0; a < s.d; ++a) {
      const auto i = static_cast<std::size_t>(a);
      const double index = std::round((mode.at[i] - s.origin[i]) / (s.step * s.unit[i]));
      reachable = reachable && std::fabs(index) <= kIndexLimit;
      start.index[i] = reachable ? static_cast<std::int32_t>(index) : 0;
    }
    const Key key = key_of(start.index);
    if (reachable && !s.inside.contains(key) && !s.outside.contains(key) && seen.insert(key)) s.wave.push_back(start);
  }
  for (const GridPoint& point : s.points) s.neighbours(point, seen);
  const double cut = highest() - kNegligible;
  while (!s.wave.empty()) {
    if (s.evaluated + s.wave.size() > limit || stop()) return false;
    s.evaluate_wave();
    const std::vector<GridPoint> done = std::move(s.wave);
    s.wave.clear();
    for (const GridPoint& point : done) {
      const bool counts = point.log_density > cut;
      (counts ? s.inside : s.outside).insert(key_of(point.index));
      if (counts) s.points.push_back(point);
    }
    for (const GridPoint& point : done)
      if (point.log_density > cut) s.neighbours(point, seen);
  }
  return true;
}

void Grid::halve() {
  State& s = *state_;
  s.step /= 2;
  s.inside.clear();
  s.outside.clear();
  for (GridPoint& point : s.points) {
    for (std::int32_t& i : point.index) i *= 2;
    s.inside.insert(key_of(point.index));
  }
}

const std::vector<GridPoint>& Grid::points() const { return state_->points; }
std::size_t Grid::evaluated() const { return state_->evaluated; }
double Grid::highest() const { return state_->modes.front().log_density; }
double Grid::step() const { return state_->step; }
double Grid::step_along(int axis) const { return state_->step * state_->unit[static_cast<std::size_t>(axis)]; }
double Grid::coordinate(int axis, std::int32_t index) const { return state_->coordinate(axis, index); }

double Grid::log_cell() const {
  double sum = 0;
  for (int a = 0; a < state_->d; ++a) sum += std::log(step_along(a));
  return sum;
}

bool Grid::at_edge(const GridPoint& point) const {
  const State& s = *state_;
  std::array<std::int32_t, kMaxExactDimensions> index = point.index;
  for (std::size_t a = 0; a < static_cast<std::size_t>(s.d); ++a) {
    for (const int by : {-1, 1}) {
      index[a] = point.index[a] + by;
      if (!s.inside.contains(key_of(index))) return true;
    }
    index[a] = point.index[a];
  }
  return false;
}

bool Grid::near(std::span<const double> q) const {
  const State& s = *state_;
  for (unsigned corner = 0; corner < 1u << s.d; ++corner) {
    std::array<std::int32_t, kMaxExactDimensions> index{};
    bool reachable = true;
    for (int a = 0; a < s.d; ++a) {
      const auto i = static_cast<std::size_t>(a);
      const double place = std::floor((q[i] - s.origin[i]) / step_along(a)) + (corner >> a & 1u);
      reachable = reachable && std::fabs(place) <= kIndexLimit;
      index[i] = reachable ? static_cast<std::int32_t>(place) : 0;
    }
    if (reachable && s.inside.contains(key_of(index))) return true;
  }
  return false;
}

}  // namespace tenfold::hmc_marg
