#include "mtl-attack/damage.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "base/error.h"

namespace tenfold::mtl_attack {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

}  // namespace

LossScale loss_scale(const std::vector<CleanImage>& images, std::size_t tasks, double loss_floor) {
  LossScale scale{std::vector<double>(tasks, 0), std::vector<double>(tasks, 0)};
  for (std::size_t i = 0; i < tasks; ++i) {
    std::size_t count = 0;
    for (const CleanImage& image : images) {
      if (!image.present[i]) continue;
      scale.mean[i] += image.loss[i];
      ++count;
    }
    scale.mean[i] = count > 0 ? scale.mean[i] / static_cast<double>(count) : kNaN;
    scale.floor[i] = loss_floor * scale.mean[i];
  }
  return scale;
}

double denominator(const CleanImage& clean, const LossScale& scale, std::size_t task) {
  return std::max(clean.loss[task], scale.floor[task]);
}

std::vector<double> relative_change(std::span<const double> losses, const CleanImage& clean, const LossScale& scale) {
  std::vector<double> r(losses.size(), kNaN);
  for (std::size_t i = 0; i < r.size(); ++i) {
    if (!clean.present[i]) continue;
    const double change = losses[i] - clean.loss[i];
    r[i] = change == 0 ? 0 : change / denominator(clean, scale, i);
  }
  return r;
}

double mean_present(std::span<const double> r) {
  double sum = 0;
  std::size_t count = 0;
  for (const double value : r) {
    if (std::isnan(value)) continue;
    sum += value;
    ++count;
  }
  return count > 0 ? sum / static_cast<double>(count) : kNaN;
}

double least_present(std::span<const double> r) {
  double least = kNaN;
  for (const double value : r)
    if (!std::isnan(value) && !(least <= value)) least = value;
  return least;
}

double damage_by_dataset(std::span<const double> losses, const CleanImage& clean, const LossScale& scale) {
  std::vector<double> r(losses.size(), kNaN);
  for (std::size_t i = 0; i < r.size(); ++i) {
    if (!clean.present[i]) continue;
    const double change = losses[i] - clean.loss[i];
    r[i] = change == 0 ? 0 : change / scale.mean[i];
  }
  return mean_present(r);
}

double Objective::operator()(std::span<const double> losses, const CleanImage& clean, const LossScale& scale) const {
  if (kind == Kind::single) return losses[static_cast<std::size_t>(task)];
  if (kind == Kind::total) {
    double sum = 0;
    for (std::size_t i = 0; i < losses.size(); ++i) sum += clean.present[i] ? losses[i] : 0;
    return sum;
  }
  std::vector<double> r = relative_change(losses, clean, scale);
  if (kind == Kind::worst) return least_present(r);
  for (std::size_t i = 0; i < r.size() && kind == Kind::protect; ++i)
    if (protect[i]) r[i] = kNaN;
  return mean_present(r);
}

Objective objective_of(const Rule& rule, std::string_view text, const std::vector<std::string>& tasks) {
  if (text == "J") return {.kind = Objective::Kind::mean, .task = -1, .protect = {}};
  if (text == "total") return {.kind = Objective::Kind::total, .task = -1, .protect = {}};
  if (text == "worst") return {.kind = Objective::Kind::worst, .task = -1, .protect = {}};
  if (text.starts_with("single:")) return {.kind = Objective::Kind::single, .task = parse_rule(text, tasks).task, .protect = {}};
  if (text != "auto") usage_error(fmt::format("--objective {}: unknown; there are auto, J, total, worst, single:TASK", text));
  switch (rule.kind) {
    case RuleKind::total: return {.kind = Objective::Kind::total, .task = -1, .protect = {}};
    case RuleKind::single: return {.kind = Objective::Kind::single, .task = rule.task, .protect = {}};
    case RuleKind::worst: return {.kind = Objective::Kind::worst, .task = -1, .protect = {}};
    case RuleKind::protect: return {.kind = Objective::Kind::protect, .task = -1, .protect = rule.protect};
    default: return {};
  }
}

PassWeights pass_weights(const Rule& rule, Denominator denominator, std::span<const double> losses, const CleanImage& clean,
                         const LossScale& scale) {
  const std::size_t tasks = losses.size();
  PassWeights out{std::vector<double>(tasks, 0), 1, std::vector<bool>(tasks, false)};
  bool first = true;
  for (std::size_t i = 0; i < tasks; ++i) {
    if (!clean.present[i]) continue;
    if (rule.kind == RuleKind::total) out.w[i] = 1;
    if (rule.kind == RuleKind::single) out.w[i] = static_cast<int>(i) == rule.task ? 1 : 0;
    if (rule.kind == RuleKind::weights) out.w[i] = rule.weights[i];
    if (rule.kind != RuleKind::gb) continue;
    const double own = denominator == Denominator::current ? losses[i]
                       : denominator == Denominator::clean ? clean.loss[i]
                                                           : scale.mean[i];
    out.floored[i] = own < scale.floor[i];
    const double balanced = std::max(own, scale.floor[i]);
    if (balanced <= 0) continue;  // a task that is solved on every image of the set pulls nowhere
    out.w[i] = 1 / balanced;
    if (first) out.unit = out.w[i];
    first = false;
  }
  for (double& weight : out.w) weight /= out.unit;
  return out;
}

}  // namespace tenfold::mtl_attack
