#include "mtl-attack/attack_batch.h"

#include <algorithm>
#include <memory>

#include "mtl-attack/eps.h"

namespace tenfold::mtl_attack {
namespace {

using Need = ImageAttack::Need;

struct Batch {
  Oracle& oracle;
  const AttackPlan& plan;
  const std::vector<BatchImage>& images;
  const LossScale& scale;

  std::size_t size() const { return images.size(); }
  std::size_t n() const { return images.front().clean.size(); }
  std::size_t tasks() const { return scale.mean.size(); }
};

using Attacks = std::vector<std::unique_ptr<ImageAttack>>;

std::vector<float> gathered(const Batch& batch, const Attacks& attacks) {
  std::vector<float> points(batch.size() * batch.n());
  for (std::size_t b = 0; b < batch.size(); ++b)
    std::copy(attacks[b]->point().begin(), attacks[b]->point().end(),
              points.begin() + static_cast<std::ptrdiff_t>(b * batch.n()));
  return points;
}

std::span<const double> losses_of(const Batch& batch, const std::vector<double>& losses, std::size_t b) {
  return std::span(losses).subspan(b * batch.tasks(), batch.tasks());
}

// One evaluation of the batch. The images march in step, since a plan has the same steps for all; those that failed stand still.
void evaluate_once(const Batch& batch, const Attacks& attacks, Need need) {
  const std::vector<float> points = gathered(batch, attacks);
  const std::size_t n = batch.n(), count = batch.size();
  std::vector<float> gradients(need == Need::losses ? 0 : (need == Need::each ? batch.tasks() : 1) * count * n);
  std::vector<double> losses;
  if (need == Need::losses) losses = batch.oracle.losses(points);
  if (need == Need::each) losses = batch.oracle.each(points, gradients);
  if (need == Need::weighted)
    losses = batch.oracle.weighted(
        points, [&](std::size_t b, std::span<const double> own) { return attacks[b]->weigh(own); }, gradients);
  for (std::size_t b = 0; b < count; ++b) {
    std::vector<std::span<const float>> own;
    for (std::size_t row = 0; row * count * n < gradients.size(); ++row)
      own.push_back(std::span<const float>(gradients).subspan((row * count + b) * n, n));
    attacks[b]->take(losses_of(batch, losses, b), own);
  }
}

Attacks run_restart(const Batch& batch, const StartOptions& start, int restart) {
  Attacks attacks;
  for (const BatchImage& image : batch.images) {
    std::vector<float> from(image.clean.begin(), image.clean.end());
    if (restart > 0 || start.random) from = random_start(image.clean, batch.plan.eps, start.seed, image.id, restart);
    attacks.push_back(std::make_unique<ImageAttack>(batch.plan, *image.facts, batch.scale, image.clean, std::move(from)));
  }
  for (;;) {
    Need need = Need::nothing;
    for (const auto& attack : attacks)
      if (attack->need() != Need::nothing) need = attack->need();
    if (need == Need::nothing) break;
    evaluate_once(batch, attacks, need);
  }
  if (batch.plan.trace && !batch.plan.keep_best && batch.plan.attack != AttackKind::apgd) {
    const std::vector<double> losses = batch.oracle.losses(gathered(batch, attacks));
    for (std::size_t b = 0; b < batch.size(); ++b) attacks[b]->close_trace(losses_of(batch, losses, b));
  }
  return attacks;
}

// The objective of every image's result as it will be stored.
std::vector<double> stored_objective(const Batch& batch, const Attacks& attacks, bool as_floats) {
  std::vector<float> points;
  for (std::size_t b = 0; b < batch.size(); ++b) {
    const std::span<const float> x = attacks[b]->result();
    std::vector<float> stored(x.begin(), x.end());
    if (!as_floats) stored = from_bytes(quantise(x, to_bytes(batch.images[b].clean), whole_levels(batch.plan.eps)));
    points.insert(points.end(), stored.begin(), stored.end());
  }
  const std::vector<double> losses = batch.oracle.losses(points);
  std::vector<double> out(batch.size());
  for (std::size_t b = 0; b < batch.size(); ++b)
    out[b] = batch.plan.objective(losses_of(batch, losses, b), *batch.images[b].facts, batch.scale);
  return out;
}

void take_result(Attacked& out, const ImageAttack& attack, int restart) {
  out.x.assign(attack.result().begin(), attack.result().end());
  out.restart = restart;
  out.trace = attack.trace();
}

void add_account(Attacked& out, const ImageAttack& attack) {
  out.forward_passes += attack.forward_passes();
  out.backward_passes += attack.backward_passes();
  out.dual_converged = out.dual_converged && attack.dual_converged();
  if (out.failure.empty()) out.failure = attack.failure();
  out.floored.resize(attack.floored().size(), false);
  for (std::size_t i = 0; i < out.floored.size(); ++i) out.floored[i] = out.floored[i] || attack.floored()[i];
}

}  // namespace

std::vector<Attacked> attack_batch(Oracle& oracle, const AttackPlan& plan, const std::vector<BatchImage>& images,
                                   const LossScale& scale, const StartOptions& start) {
  const Batch batch{oracle, plan, images, scale};
  std::vector<Attacked> out(images.size());
  std::vector<double> best(images.size(), 0);
  for (int restart = 0; restart < start.restarts; ++restart) {
    const Attacks attacks = run_restart(batch, start, restart);
    const std::vector<double> f = start.restarts > 1 ? stored_objective(batch, attacks, start.as_floats) : best;
    for (std::size_t b = 0; b < images.size(); ++b) {
      add_account(out[b], *attacks[b]);
      if (restart > 0 && !(f[b] > best[b])) continue;
      best[b] = f[b];
      take_result(out[b], *attacks[b], restart);
    }
  }
  return out;
}

}  // namespace tenfold::mtl_attack
