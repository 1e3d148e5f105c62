#include "mtl-attack/image_attack.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "base/philox.h"
#include "mtl-attack/eps.h"
#include "mtl-attack/worst_step.h"

namespace tenfold::mtl_attack {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

float sign(float value) { return static_cast<float>(static_cast<int>(value > 0) - static_cast<int>(value < 0)); }

double radius(const AttackPlan& plan) { return plan.integer ? whole_levels(plan.eps) / 255.0 : plan.eps; }

double first_step(const AttackPlan& plan) {
  double a = plan.step > 0 ? plan.step : plan.eps / plan.passes();
  if (plan.attack == AttackKind::fgsm) a = plan.eps;
  if (plan.attack == AttackKind::apgd) a = 2 * plan.eps;
  return plan.integer ? std::ceil(255 * a - 1e-9) / 255 : a;
}

}  // namespace

ImageAttack::ImageAttack(const AttackPlan& plan, const CleanImage& facts, const LossScale& scale, std::span<const float> clean,
                         std::vector<float> start)
    : plan_(plan),
      facts_(facts),
      scale_(scale),
      ball_(ball_around(clean, radius(plan))),
      levels_(whole_levels(plan.eps)),
      a_(static_cast<float>(first_step(plan))),
      x_(std::move(start)),
      pass_weights_(facts.loss.size(), 0),
      floored_(facts.loss.size(), false) {
  if (plan_.integer) {
    clean_bytes_ = to_bytes(clean);
    snap(x_, clean_bytes_, levels_);
  }
  settle_need();
}

void ImageAttack::settle_need() {
  const bool evaluates = plan_.keep_best || plan_.attack == AttackKind::apgd;
  if (k_ == plan_.passes()) need_ = evaluates ? Need::losses : Need::nothing;
  if (k_ < plan_.passes()) need_ = plan_.rule.one_pass() ? Need::weighted : Need::each;
}

std::vector<double> ImageAttack::weigh(std::span<const double> losses) {
  const PassWeights weights = pass_weights(plan_.rule, plan_.denominator, losses, facts_, scale_);
  pass_weights_ = weights.w;
  unit_ = weights.unit;
  for (std::size_t i = 0; i < floored_.size(); ++i) floored_[i] = floored_[i] || weights.floored[i];
  return weights.w;
}

bool ImageAttack::finite(std::span<const double> losses, const std::vector<std::span<const float>>& gradients) {
  for (std::size_t i = 0; i < losses.size(); ++i)
    if (facts_.present[i] && !std::isfinite(losses[i])) failure_ = "a loss that is not finite";
  for (const std::span<const float> gradient : gradients)
    if (!std::isfinite(norm1(gradient))) failure_ = "a gradient that is not finite";
  return failure_.empty();
}

// The gradients of several tasks as one vector, or as the rows of a linear programme.
void ImageAttack::combine(Direction& out, const std::vector<std::span<const float>>& gradients) const {
  const std::size_t n = x_.size(), tasks = facts_.loss.size();
  if (plan_.rule.is_step()) {
    out.rows.resize(tasks);
    for (std::size_t i = 0; i < tasks; ++i)
      if (facts_.present[i]) out.rows[i].assign(gradients[i].begin(), gradients[i].end());
    return;
  }
  out.c.assign(n, 0);
  if (plan_.rule.kind == RuleKind::gradnorm) out.weights.assign(tasks, 0);
  for (std::size_t i = 0; i < tasks; ++i) {
    if (!facts_.present[i]) continue;
    const std::span<const float> g = gradients[i];
    if (plan_.rule.kind == RuleKind::signsum) {
      for (std::size_t j = 0; j < n; ++j) out.c[j] += sign(g[j]);
      continue;
    }
    const double norm = norm1(g);
    if (norm == 0) continue;
    out.weights[i] = 1 / norm;
    for (std::size_t j = 0; j < n; ++j) out.c[j] += static_cast<float>(static_cast<double>(g[j]) / norm);
  }
}

ImageAttack::Direction ImageAttack::direction(std::span<const double> losses,
                                              const std::vector<std::span<const float>>& gradients) const {
  Direction out;
  if (need_ == Need::weighted) {
    out.c.assign(gradients[0].begin(), gradients[0].end());
    out.weights = pass_weights_;
    out.unit = unit_;
    for (double& weight : out.weights) weight *= unit_;
    return out;
  }
  combine(out, gradients);
  if (plan_.rule.is_step()) out.offsets = relative_change(losses, facts_, scale_);
  return out;
}

void ImageAttack::keep_if_best(std::span<const double> losses, const Direction& direction) {
  const double f = plan_.objective(losses, facts_, scale_);
  if (has_best_ && !(f > best_f_)) return;
  has_best_ = true;
  best_f_ = f;
  best_ = x_;
  if (plan_.attack == AttackKind::apgd) best_direction_ = direction;
}

void ImageAttack::close_trace(std::span<const double> losses) {
  if (!plan_.trace || trace_.empty() || losses_before_.empty()) return;
  double realised = promised_weights_.empty() ? kNaN : 0;
  for (std::size_t i = 0; i < promised_weights_.size(); ++i)
    if (facts_.present[i]) realised += promised_weights_[i] * (losses[i] - losses_before_[i]);
  trace_.back().realised = realised;
  losses_before_.clear();
}

void ImageAttack::take(std::span<const double> losses, const std::vector<std::span<const float>>& gradients) {
  if (need_ == Need::nothing) return;
  ++forward_;
  if (need_ == Need::weighted) ++backward_;
  if (need_ == Need::each) backward_ += static_cast<int>(std::count(facts_.present.begin(), facts_.present.end(), true));
  std::vector<std::span<const float>> there;
  for (std::size_t i = 0; i < gradients.size(); ++i)
    if (need_ == Need::weighted || facts_.present[i]) there.push_back(gradients[i]);
  if (!finite(losses, there)) {
    need_ = Need::nothing;
    return;
  }
  close_trace(losses);
  Direction now = need_ == Need::losses ? Direction() : direction(losses, gradients);
  const bool apgd = plan_.attack == AttackKind::apgd;
  if (plan_.keep_best || apgd) keep_if_best(losses, now);
  const double f = plan_.objective(losses, facts_, scale_);
  if (apgd && k_ == 0) schedule_.emplace(plan_.passes(), static_cast<double>(a_), f);
  if (apgd && k_ > 0 && schedule_->record(f, best_f_) && k_ < plan_.passes()) {
    x_ = best_;
    now = best_direction_;
  }
  if (k_ < plan_.passes()) {
    step(now, losses);
    ++k_;
  } else {
    need_ = Need::nothing;
    return;
  }
  settle_need();
}

std::vector<float> ImageAttack::dual_move(const Direction& direction, float a) {
  TaskRows rows;
  std::vector<bool> protect;
  std::vector<std::size_t> index;
  for (std::size_t i = 0; i < direction.rows.size(); ++i) {
    if (!facts_.present[i]) continue;
    rows.gradients.emplace_back(direction.rows[i]);
    rows.scales.push_back(1 / denominator(facts_, scale_, i));
    const bool offset = plan_.rule.kind == RuleKind::protect || plan_.worst_offset;
    rows.offsets.push_back(offset ? direction.offsets[i] : 0);
    protect.push_back(plan_.rule.kind == RuleKind::protect && plan_.rule.protect[i]);
    index.push_back(i);
  }
  promised_weights_.assign(direction.rows.size(), 0);
  const bool all = std::count(protect.begin(), protect.end(), true) == static_cast<std::ptrdiff_t>(protect.size());
  if (index.empty() || all) return x_;
  const Box box = step_box(x_, a, ball_);
  const bool guards = std::find(protect.begin(), protect.end(), true) != protect.end();
  const bool worst = plan_.rule.kind == RuleKind::worst;
  DualStep found;
  if (worst || guards) {
    found = worst ? worst_step(rows, box) : protect_step(rows, protect, box);
  } else {  // the protected tasks are absent here: the others' sum
    std::vector<float> c(x_.size(), 0);
    for (std::size_t i = 0; i < index.size(); ++i)
      for (std::size_t j = 0; j < c.size(); ++j)
        c[j] += static_cast<float>(rows.scales[i] * static_cast<double>(rows.gradients[i][j]));
    std::vector<float> next(x_.size());
    sign_step(x_, c, a, plan_.tie, ball_, next);
    found.d.resize(x_.size());
    for (std::size_t j = 0; j < c.size(); ++j) found.d[j] = next[j] - x_[j];
    found.bound = found.value = box_bound(c, box);
  }
  for (std::size_t i = 0; i < index.size(); ++i)
    promised_weights_[index[i]] = rows.scales[i] * (worst ? found.weights[i] : (protect[i] ? 0 : 1));
  dual_bound_ = found.bound;
  dual_value_ = found.value;
  dual_cuts_ = found.cuts;
  dual_converged_ = dual_converged_ && found.converged;
  std::vector<float> next(x_.size());
  for (std::size_t j = 0; j < next.size(); ++j) next[j] = std::clamp(x_[j] + found.d[j], ball_.low[j], ball_.high[j]);
  return next;
}

std::vector<float> ImageAttack::moved(const Direction& direction, float a) {
  if (plan_.rule.is_step()) return dual_move(direction, a);
  promised_weights_ = direction.weights;
  std::vector<float> next(x_.size());
  sign_step(x_, plan_.attack == AttackKind::mim ? momentum_ : direction.c, a, plan_.tie, ball_, next);
  return next;
}

// g <- mu g + c / mean|c| (Dong et al. 2018), as torchattacks' MIFGSM has it.
void ImageAttack::add_momentum(const std::vector<float>& c) {
  const auto mean = static_cast<float>(norm1(c) / static_cast<double>(c.size())), mu = static_cast<float>(plan_.momentum);
  if (momentum_.empty()) momentum_.assign(c.size(), 0);
  for (std::size_t j = 0; j < c.size(); ++j) momentum_[j] = mu * momentum_[j] + (mean > 0 ? c[j] / mean : 0);
}

// x_{k+1} = Proj(x_k + m (z - x_k) + (1 - m)(x_k - x_{k-1})), m = 1 at first, then 0.75.
std::vector<float> ImageAttack::extrapolated(std::span<const float> z) {
  const float m = k_ == 0 ? 1.0F : 0.75F;
  if (previous_.empty()) previous_ = x_;
  std::vector<float> next(x_.size());
  for (std::size_t j = 0; j < next.size(); ++j) {
    const float to = x_[j] + (z[j] - x_[j]) * m + (x_[j] - previous_[j]) * (1 - m);
    next[j] = std::clamp(to, ball_.low[j], ball_.high[j]);
  }
  return next;
}

// The part of a step's account that is known before the next evaluation.
void ImageAttack::trace_step(const Direction& direction, std::span<const double> losses, std::span<const float> target,
                             std::span<const float> next, float a) {
  StepTrace step{
      .objective = plan_.objective(losses, facts_, scale_), .size = static_cast<double>(a), .predicted = 0, .realised = kNaN};
  const auto along = [&](const std::vector<float>& g, std::span<const float> to) {
    double sum = 0;
    for (std::size_t j = 0; j < g.size(); ++j)
      sum += static_cast<double>(g[j]) * (static_cast<double>(to[j]) - static_cast<double>(x_[j]));
    return sum;
  };
  if (plan_.rule.is_step()) {
    step.gap = dual_bound_ != 0 ? (dual_bound_ - dual_value_) / std::abs(dual_bound_) : 0;
    step.cuts = dual_cuts_;
    for (std::size_t i = 0; i < direction.rows.size(); ++i)
      step.predicted += promised_weights_[i] * along(direction.rows[i], next);
  } else {
    const std::vector<float>& c = plan_.attack == AttackKind::mim ? momentum_ : direction.c;
    const double bound = box_bound(c, step_box(x_, a, ball_));
    step.gap = bound > 0 ? (bound - along(c, target)) / bound : 0;
    step.predicted = promised_weights_.empty() ? kNaN : (plan_.rule.one_pass() ? direction.unit : 1) * along(direction.c, next);
  }
  trace_.push_back(step);
  losses_before_.assign(losses.begin(), losses.end());
}

void ImageAttack::step(const Direction& direction, std::span<const double> losses) {
  const bool apgd = plan_.attack == AttackKind::apgd;
  if (plan_.attack == AttackKind::mim) add_momentum(direction.c);
  const float a = apgd ? static_cast<float>(schedule_->eta()) : a_;
  std::vector<float> target = moved(direction, a), next = apgd ? extrapolated(target) : target;
  if (plan_.integer) snap(next, clean_bytes_, levels_);
  if (plan_.trace) trace_step(direction, losses, target, next, a);
  previous_ = std::exchange(x_, std::move(next));
}

std::span<const float> ImageAttack::result() const { return has_best_ ? best_ : x_; }

std::vector<float> random_start(std::span<const float> clean, double eps, std::uint64_t seed, const std::string& id,
                                int restart) {
  const Ball ball = ball_around(clean, eps);
  PhiloxStream stream(seed, "mtl-attack start " + id, static_cast<std::uint32_t>(restart));
  std::vector<float> start(clean.size());
  for (std::size_t j = 0; j < start.size(); ++j) {
    const double low = static_cast<double>(ball.low[j]), high = static_cast<double>(ball.high[j]);
    start[j] = std::clamp(static_cast<float>(low + (high - low) * stream.uniform()), ball.low[j], ball.high[j]);
  }
  return start;
}

}  // namespace tenfold::mtl_attack
