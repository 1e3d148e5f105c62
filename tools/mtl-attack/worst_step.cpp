#include "mtl-attack/worst_step.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

#include "mtl-attack/column_simplex.h"

namespace tenfold::mtl_attack {
namespace {

constexpr std::size_t kChunk = 512;  // coordinates whose c and d stay in the nearest cache
constexpr double kGreatestMultiplier = 100;

// d(w), the box's maximiser of sum_j c_j d_j with c = sum_i w_i a_i, and what each row makes of it.
class BoxMaximiser {
 public:
  BoxMaximiser(const TaskRows& rows, const Box& box) : rows_(rows), box_(box) {}

  // w_i multiplies scale_i gradient_i. Returns gradient_i.d scale_i by row; d is written where it is wanted.
  std::vector<double> products(const std::vector<double>& w, float* d = nullptr) const {
    const std::size_t tasks = rows_.gradients.size(), n = box_.low.size();
    std::vector<std::array<double, 8>> lanes(tasks, std::array<double, 8>{});
    std::array<double, kChunk> c;
    std::array<float, kChunk> own;
    for (std::size_t begin = 0; begin < n; begin += kChunk) {
      const std::size_t count = std::min(kChunk, n - begin);
      c.fill(0);
      for (std::size_t i = 0; i < tasks; ++i) {
        const double weight = w[i] * rows_.scales[i];
        if (weight == 0) continue;
        const float* a = rows_.gradients[i].data() + begin;
        for (std::size_t j = 0; j < count; ++j) c[j] += weight * static_cast<double>(a[j]);
      }
      float* step = d ? d + begin : own.data();
      choose(c.data(), begin, count, step);
      for (std::size_t i = 0; i < tasks; ++i) add_products(rows_.gradients[i].data() + begin, step, count, lanes[i]);
    }
    std::vector<double> sums(tasks);
    for (std::size_t i = 0; i < tasks; ++i) {
      const std::array<double, 8>& l = lanes[i];
      sums[i] = rows_.scales[i] * (((l[0] + l[4]) + (l[2] + l[6])) + ((l[1] + l[5]) + (l[3] + l[7])));
    }
    return sums;
  }

  // sum_k p_k d(w_k), which is in the box since p sums to one.
  std::vector<float> mixture(const std::vector<std::vector<double>>& w, const std::vector<double>& p) const {
    const std::size_t n = box_.low.size();
    std::vector<double> sum(n, 0);
    std::vector<float> d(n);
    for (std::size_t k = 0; k < w.size(); ++k) {
      if (p[k] <= 0) continue;
      products(w[k], d.data());
      for (std::size_t j = 0; j < n; ++j) sum[j] += p[k] * static_cast<double>(d[j]);
    }
    for (std::size_t j = 0; j < n; ++j) d[j] = std::clamp(static_cast<float>(sum[j]), box_.low[j], box_.high[j]);
    return d;
  }

 private:
  void choose(const double* c, std::size_t begin, std::size_t count, float* d) const {
    const float *low = box_.low.data() + begin, *high = box_.high.data() + begin;
    for (std::size_t j = 0; j < count; ++j) {
      const float up = c[j] > 0 ? high[j] : 0.0F;
      d[j] = c[j] < 0 ? low[j] : up;
    }
  }
  static void add_products(const float* a, const float* d, std::size_t count, std::array<double, 8>& lanes) {
    std::size_t j = 0;
    for (; j + 8 <= count; j += 8)
      for (std::size_t lane = 0; lane < 8; ++lane)
        lanes[lane] += static_cast<double>(a[j + lane]) * static_cast<double>(d[j + lane]);
    for (std::size_t lane = 0; j < count; ++j, ++lane) lanes[lane] += static_cast<double>(a[j]) * static_cast<double>(d[j]);
  }

  const TaskRows& rows_;
  const Box& box_;
};

std::vector<double> row_products(const TaskRows& rows, std::span<const float> d) {
  std::vector<double> out(rows.gradients.size());
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = rows.scales[i] * dot(rows.gradients[i], d);
  return out;
}

double greatest_magnitude(const std::vector<double>& values) {
  double greatest = 0;
  for (const double value : values) greatest = std::max(greatest, std::abs(value));
  return greatest;
}

// The cuts so far, and the master over them. A cut is the affine function multiplier -> constant + multiplier . slope.
class Master {
 public:
  virtual ~Master() = default;
  virtual void add(const std::vector<double>& multiplier, double constant, const std::vector<double>& slope) = 0;
  // The least of the upper envelope, and where it lies.
  virtual double solve(std::vector<double>& multiplier) = 0;

  // Of the last solution: the cuts that it mixes.
  std::vector<double> mixture() const {
    std::vector<double> p(multipliers_.size(), 0);
    for (std::size_t i = 0; i < simplex_.basis().size(); ++i) {
      const int cut = simplex_.basis()[i] - first_cut_;
      if (cut >= 0) p[static_cast<std::size_t>(cut)] = simplex_.weights()[i];
    }
    return p;
  }
  const std::vector<std::vector<double>>& multipliers() const { return multipliers_; }

 protected:
  Master(std::vector<double> right_side, double unit) : simplex_(std::move(right_side)), unit_(unit) {}

  ColumnSimplex simplex_;
  double unit_;         // numbers are divided by it, so that the simplex sees ones
  int first_cut_ = 0;   // column index of cut 0
  std::vector<std::vector<double>> multipliers_;
};

std::vector<double> last_is_one(std::size_t rows) {
  std::vector<double> right_side(rows + 1, 0);
  right_side.back() = 1;
  return right_side;
}

// lambda in the simplex: maximise t subject to t - sum_k p_k v_k + s = 0, sum p = 1, t free (as t+ - t-).
class GameMaster final : public Master {
 public:
  GameMaster(std::size_t tasks, double unit) : Master(last_is_one(tasks), unit), tasks_(tasks) {
    std::vector<double> t(tasks + 1, 1);
    t.back() = 0;
    simplex_.add_column(1, t);
    for (double& value : t) value = -value;
    simplex_.add_column(-1, t);
    for (std::size_t i = 0; i < tasks; ++i) {
      std::vector<double> slack(tasks + 1, 0);
      slack[i] = 1;
      simplex_.add_column(0, slack);
    }
    first_cut_ = static_cast<int>(tasks) + 2;
  }

  void add(const std::vector<double>& multiplier, double, const std::vector<double>& slope) override {
    std::vector<double> column(tasks_ + 1, 1);
    for (std::size_t i = 0; i < tasks_; ++i) column[i] = -slope[i] / unit_;
    const int index = simplex_.add_column(0, column);
    multipliers_.push_back(multiplier);
    if (multipliers_.size() > 1) return;
    // The first cut alone: t is its least row.
    const auto least = static_cast<int>(std::max_element(column.begin(), column.end() - 1) - column.begin());
    std::vector<int> basis = {index, column[static_cast<std::size_t>(least)] <= 0 ? 0 : 1};
    for (int i = 0; i < static_cast<int>(tasks_); ++i)
      if (i != least) basis.push_back(2 + i);
    simplex_.set_basis(basis);
  }

  double solve(std::vector<double>& multiplier) override {
    simplex_.maximise();
    multiplier = simplex_.multipliers();
    multiplier.pop_back();
    double sum = 0;
    for (double& value : multiplier) sum += value = std::max(value, 0.0);
    for (double& value : multiplier) value /= sum;
    return unit_ * simplex_.value();
  }

 private:
  std::size_t tasks_;
};

// 0 <= mu <= 100: maximise sum p A - 100 sum w subject to sum_q p_q g_q + w - s = 0, sum p = 1.
class BoundedMaster final : public Master {
 public:
  BoundedMaster(std::size_t rows, double unit) : Master(last_is_one(rows), unit), rows_(rows) {
    for (const double sign : {1.0, -1.0})
      for (std::size_t k = 0; k < rows; ++k) {
        std::vector<double> column(rows + 1, 0);
        column[k] = sign;
        simplex_.add_column(sign > 0 ? -kGreatestMultiplier : 0, column);
      }
    first_cut_ = static_cast<int>(2 * rows);
  }

  void add(const std::vector<double>& multiplier, double constant, const std::vector<double>& slope) override {
    std::vector<double> column(rows_ + 1, 1);
    for (std::size_t k = 0; k < rows_; ++k) column[k] = slope[k] / unit_;
    const int index = simplex_.add_column(constant / unit_, column);
    multipliers_.push_back(multiplier);
    if (multipliers_.size() > 1) return;
    std::vector<int> basis = {index};
    for (std::size_t k = 0; k < rows_; ++k) basis.push_back(static_cast<int>(column[k] >= 0 ? rows_ + k : k));
    simplex_.set_basis(basis);
  }

  double solve(std::vector<double>& multiplier) override {
    simplex_.maximise();
    multiplier = simplex_.multipliers();
    multiplier.pop_back();
    for (double& value : multiplier) value = std::clamp(-value, 0.0, kGreatestMultiplier);
    return unit_ * simplex_.value();
  }

 private:
  std::size_t rows_;
};

struct Kelley {
  double bound = 0;
  std::vector<double> weights;  // where the bound was found
  int cuts = 0;
  bool converged = true;
};

// `cut` answers at a multiplier with phi there, having given the cut to the master.
template <class CutAt>
Kelley cutting_planes(Master& master, std::vector<std::vector<double>> starts, double unit, const DualOptions& options,
                      const CutAt& cut) {
  Kelley out;
  bool first = true;
  const auto cut_at = [&](const std::vector<double>& multiplier) {
    const double phi = cut(multiplier);
    ++out.cuts;
    if (!first && phi >= out.bound) return;
    out.bound = phi;
    out.weights = multiplier;
    first = false;
  };
  for (const std::vector<double>& start : starts) cut_at(start);
  std::vector<double> multiplier, last;
  for (;; last = multiplier) {
    const double below = master.solve(multiplier), gap = out.bound - below;
    // Where the master comes back to the same place the rest of the gap is rounding.
    const bool ended = multiplier == last || out.cuts >= options.max_cuts;
    if (gap <= options.gap * std::abs(out.bound)) return out;
    if (ended) {
      out.converged = gap <= 1e-9 * unit;
      return out;
    }
    cut_at(multiplier);
  }
}

}  // namespace

DualStep worst_step(const TaskRows& rows, const Box& box, const DualOptions& options) {
  const std::size_t tasks = rows.gradients.size();
  const BoxMaximiser maximiser(rows, box);
  std::vector<std::vector<double>> starts = {std::vector<double>(tasks, 1.0 / static_cast<double>(tasks))};
  for (std::size_t i = 0; i < tasks && tasks > 1; ++i) {
    starts.emplace_back(tasks, 0.0);
    starts.back()[i] = 1;
  }
  const auto values_at = [&](const std::vector<double>& lambda) {
    std::vector<double> v = maximiser.products(lambda);
    for (std::size_t i = 0; i < tasks; ++i) v[i] += rows.offsets[i];
    return v;
  };
  const double size = greatest_magnitude(values_at(starts.front())), unit = size > 0 ? size : 1;
  GameMaster master(tasks, unit);
  const Kelley found = cutting_planes(master, starts, unit, options, [&](const std::vector<double>& lambda) {
    const std::vector<double> v = values_at(lambda);
    master.add(lambda, 0, v);
    double phi = 0;
    for (std::size_t i = 0; i < tasks; ++i) phi += lambda[i] * v[i];
    return phi;
  });
  DualStep step{.d = maximiser.mixture(master.multipliers(), master.mixture()),
                .bound = found.bound,
                .weights = found.weights,
                .cuts = found.cuts,
                .converged = found.converged};
  std::vector<double> reached = row_products(rows, step.d);
  for (std::size_t i = 0; i < tasks; ++i) reached[i] += rows.offsets[i];
  step.value = *std::min_element(reached.begin(), reached.end());
  return step;
}

namespace {

// Protected rows in units of the attacked gradient, so that one bound of the multipliers suits all models.
TaskRows in_attacked_units(TaskRows rows, const std::vector<bool>& protect) {
  std::vector<double> attacked(rows.gradients.front().size(), 0);
  for (std::size_t i = 0; i < protect.size(); ++i)
    for (std::size_t j = 0; j < attacked.size() && !protect[i]; ++j)
      attacked[j] += rows.scales[i] * static_cast<double>(rows.gradients[i][j]);
  double norm = 0;
  for (const double value : attacked) norm += std::abs(value);
  for (std::size_t k = 0; k < protect.size(); ++k) {
    const double own = std::abs(rows.scales[k]) * norm1(rows.gradients[k]);
    if (!protect[k] || own == 0 || norm == 0) continue;
    rows.scales[k] *= norm / own;
    rows.offsets[k] *= norm / own;
  }
  return rows;
}

// The least that the greatest protected row can be brought to.
double least_attainable(const TaskRows& rows, const std::vector<bool>& protect, const Box& box, const DualOptions& options) {
  TaskRows negated;
  for (std::size_t k = 0; k < protect.size(); ++k)
    if (protect[k]) {
      negated.gradients.push_back(rows.gradients[k]);
      negated.scales.push_back(-rows.scales[k]);
      negated.offsets.push_back(-rows.offsets[k]);
    }
  return -worst_step(negated, box, options).value;
}

}  // namespace

DualStep protect_step(const TaskRows& given, const std::vector<bool>& protect, const Box& box, const DualOptions& options) {
  const TaskRows rows = in_attacked_units(given, protect);
  const double right_side = std::max(0.0, least_attainable(rows, protect, box, options));
  const BoxMaximiser maximiser(rows, box);
  std::vector<std::size_t> guarded;
  for (std::size_t k = 0; k < protect.size(); ++k)
    if (protect[k]) guarded.push_back(k);

  const auto row_weights = [&](const std::vector<double>& mu) {
    std::vector<double> w(protect.size(), 1);
    for (std::size_t k = 0; k < guarded.size(); ++k) w[guarded[k]] = -mu[k];
    return w;
  };
  struct Cut {
    double attacked = 0;
    std::vector<double> room;  // b_k - r_k - a_k.d
  };
  const auto cut_at = [&](const std::vector<double>& mu) {
    const std::vector<double> products = maximiser.products(row_weights(mu));
    Cut cut;
    for (std::size_t i = 0; i < protect.size(); ++i) {
      if (protect[i])
        cut.room.push_back(right_side - rows.offsets[i] - products[i]);
      else
        cut.attacked += products[i];
    }
    return cut;
  };
  const std::vector<double> none(guarded.size(), 0);
  const Cut free = cut_at(none);
  const double size = std::max(std::abs(free.attacked), greatest_magnitude(free.room)), unit = size > 0 ? size : 1;
  BoundedMaster master(guarded.size(), unit);
  const Kelley found = cutting_planes(master, {none}, unit, options, [&](const std::vector<double>& mu) {
    const Cut cut = cut_at(mu);
    master.add(mu, cut.attacked, cut.room);
    double phi = cut.attacked;
    for (std::size_t k = 0; k < mu.size(); ++k) phi += mu[k] * cut.room[k];
    return phi;
  });
  std::vector<std::vector<double>> mixed;
  for (const std::vector<double>& mu : master.multipliers()) mixed.push_back(row_weights(mu));
  DualStep step{.d = maximiser.mixture(mixed, master.mixture()),
                .bound = found.bound,
                .weights = found.weights,
                .cuts = found.cuts,
                .converged = found.converged};
  const std::vector<double> reached = row_products(rows, step.d);
  for (std::size_t i = 0; i < protect.size(); ++i) step.value += protect[i] ? 0 : reached[i];
  return step;
}

}  // namespace tenfold::mtl_attack
