// The iterators on networks that are formulas: exact maxima for linear heads, and the identities that every rule owes.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "base/philox.h"
#include "mtl-attack/attack_batch.h"
#include "mtl-attack/eps.h"
#include "mtl-attack/quantise.h"
#include "mtl-attack/toy_oracle.h"

using namespace tenfold;
using namespace tenfold::mtl_attack;
using namespace tenfold::mtl_attack::testing;

namespace {

constexpr double kEps = 8.0 / 255;
constexpr std::size_t kN = 60;

std::vector<std::string> names(std::size_t tasks) {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < tasks; ++i) out.push_back(std::string(1, static_cast<char>('a' + i)));
  return out;
}

std::vector<double> random_vector(const char* purpose, std::uint32_t id, std::size_t n, double scale) {
  PhiloxStream stream(11, purpose, id);
  std::vector<double> out(n);
  for (double& value : out) value = scale * stream.normal();
  return out;
}

// An 8-bit image, so that it is its own clean file.
std::vector<float> random_image(std::uint32_t id = 0) {
  PhiloxStream stream(11, "image", id);
  std::vector<float> out(kN);
  for (float& value : out) value = static_cast<float>(stream.below(256)) / 255.0F;
  return out;
}

// Sums of softplus of different sizes: what a small network is, to the attacks.
std::vector<ToyTask> smooth_tasks(std::size_t tasks, std::uint32_t id = 0) {
  std::vector<ToyTask> out;
  for (std::size_t i = 0; i < tasks; ++i) {
    std::vector<ToyTask> parts;
    for (std::uint32_t k = 0; k < 4; ++k)
      parts.push_back(softplus(random_vector("weights", id * 100 + static_cast<std::uint32_t>(i) * 10 + k, kN, 1.0), -0.5,
                               std::pow(10.0, static_cast<double>(i) - 1)));
    out.push_back({[parts](std::span<const float> x) {
                     double sum = 0;
                     for (const ToyTask& part : parts) sum += part.loss(x);
                     return sum;
                   },
                   [parts](std::span<const float> x) {
                     std::vector<double> sum(x.size(), 0);
                     for (const ToyTask& part : parts) {
                       const std::vector<double> g = part.gradient(x);
                       for (std::size_t j = 0; j < sum.size(); ++j) sum[j] += g[j];
                     }
                     return sum;
                   }});
  }
  return out;
}

ToyTask scaled(const ToyTask& task, double factor) {
  return {[task, factor](std::span<const float> x) { return factor * task.loss(x); },
          [task, factor](std::span<const float> x) {
            std::vector<double> g = task.gradient(x);
            for (double& value : g) value *= factor;
            return g;
          }};
}

AttackPlan plan_of(const std::string& rule, AttackKind attack, const std::vector<std::string>& tasks, int steps = 10) {
  const Rule parsed = parse_rule(rule, tasks);
  return {.rule = parsed, .attack = attack, .eps = kEps, .steps = steps, .objective = objective_of(parsed, "auto", tasks)};
}

struct Outcome {
  Attacked attacked;
  Bytes bytes;
  double J = 0, least = 0;
  std::vector<double> losses;
};

Outcome attack(const std::vector<ToyTask>& tasks, const AttackPlan& plan, const std::vector<float>& image,
               const StartOptions& start = {}) {
  const CleanImage clean = clean_of(tasks, image);
  const LossScale scale = loss_scale({clean}, tasks.size(), 1e-3);
  ToyOracle oracle(tasks);
  Outcome out;
  out.attacked = attack_batch(oracle, plan, {{"one", &clean, image}}, scale, start)[0];
  REQUIRE(out.attacked.failure.empty());
  out.bytes = quantise(out.attacked.x, to_bytes(image), whole_levels(plan.eps));
  out.losses = oracle.losses(from_bytes(out.bytes));
  const std::vector<double> r = relative_change(out.losses, clean, scale);
  out.J = mean_present(r);
  out.least = least_present(r);
  CHECK(greatest_change(out.bytes, to_bytes(image)) <= whole_levels(plan.eps));
  return out;
}

const std::vector<AttackKind> kAttacks = {AttackKind::fgsm, AttackKind::pgd, AttackKind::mim, AttackKind::apgd};

}  // namespace

TEST_CASE("linear heads: fgsm with clean denominators reaches the exact maximum of J") {
  for (std::uint32_t id = 0; id < 3; ++id) {
    const std::vector<float> image = random_image(id);
    std::vector<std::vector<double>> a;
    std::vector<ToyTask> tasks;
    for (std::uint32_t i = 0; i < 3; ++i) {
      a.push_back(random_vector("linear", 10 * id + i, kN, std::pow(10.0, i)));
      tasks.push_back(linear(a.back(), 100 * std::pow(10.0, i)));
    }
    const CleanImage clean = clean_of(tasks, image);
    // max of sum_i a_i.d / L_i over the box, in closed form.
    double best = 0;
    for (std::size_t j = 0; j < kN; ++j) {
      double c = 0;
      for (std::size_t i = 0; i < 3; ++i) c += a[i][j] / clean.loss[i];
      const double x = static_cast<double>(image[j]);
      best += c > 0 ? c * std::min(kEps, 1 - x) : c * std::max(-kEps, -x);
    }
    AttackPlan plan = plan_of("gb", AttackKind::fgsm, names(3));
    plan.denominator = Denominator::clean;
    CHECK(attack(tasks, plan, image).J == doctest::Approx(best / 3).epsilon(1e-5));
    // No other rule gets there.
    for (const char* rule : {"total", "signsum", "single:a"})
      CHECK(attack(tasks, plan_of(rule, AttackKind::fgsm, names(3)), image).J < best / 3 - 1e-4);
    // And worst's least-hurt task is hurt at least as much as under any other rule.
    const double worst = attack(tasks, plan_of("worst", AttackKind::fgsm, names(3)), image).least;
    for (const char* rule : {"total", "signsum", "gradnorm", "gb", "single:b"})
      CHECK(attack(tasks, plan_of(rule, AttackKind::fgsm, names(3)), image).least <= worst + 2e-3);
  }
}

TEST_CASE("one task: gb, total and single are the same bytes") {
  const std::vector<ToyTask> tasks = smooth_tasks(1);
  for (const AttackKind kind : kAttacks) {
    CAPTURE(name_of(kind));
    const Bytes single = attack(tasks, plan_of("single:a", kind, names(1)), random_image()).bytes;
    CHECK(attack(tasks, plan_of("gb", kind, names(1)), random_image()).bytes == single);
    CHECK(attack(tasks, plan_of("total", kind, names(1)), random_image()).bytes == single);
  }
}

TEST_CASE("equal losses: gb is total") {
  const std::vector<ToyTask> one = smooth_tasks(1), tasks = {one[0], one[0], one[0]};
  for (const AttackKind kind : {AttackKind::fgsm, AttackKind::pgd, AttackKind::mim})
    CHECK(attack(tasks, plan_of("gb", kind, names(3)), random_image()).bytes ==
          attack(tasks, plan_of("total", kind, names(3)), random_image()).bytes);
}

TEST_CASE("factors of 2^10 on a task's loss change no byte of gb, and do change total's") {
  const std::vector<ToyTask> tasks = smooth_tasks(3);
  for (const AttackKind kind : kAttacks)
    for (std::size_t t = 0; t < 3; ++t)
      for (const double factor : {1024.0, 1.0 / 1024}) {
        std::vector<ToyTask> other = tasks;
        other[t] = scaled(tasks[t], factor);
        CAPTURE(name_of(kind));
        CAPTURE(t);
        for (const Denominator denominator : {Denominator::current, Denominator::clean, Denominator::dataset}) {
          AttackPlan plan = plan_of("gb", kind, names(3));
          plan.denominator = denominator;
          CHECK(attack(other, plan, random_image()).bytes == attack(tasks, plan, random_image()).bytes);
        }
        const AttackPlan total = plan_of("total", kind, names(3));
        // The smallest loss made smaller still would be lost in the sum either way.
        if (t > 0 || factor > 1) CHECK(attack(other, total, random_image()).bytes != attack(tasks, total, random_image()).bytes);
        if (kind != AttackKind::mim)
          CHECK(attack(other, plan_of("worst", kind, names(3)), random_image()).bytes ==
                attack(tasks, plan_of("worst", kind, names(3)), random_image()).bytes);
      }
}

TEST_CASE("total is the sum of the raw gradients; gradnorm and signsum are what they say") {
  const std::vector<ToyTask> tasks = smooth_tasks(3);
  const std::vector<float> image(kN, 128.0F / 255);
  const Bytes total = attack(tasks, plan_of("total", AttackKind::fgsm, names(3)), image).bytes;
  const Bytes gradnorm = attack(tasks, plan_of("gradnorm", AttackKind::fgsm, names(3)), image).bytes;
  const Bytes signsum = attack(tasks, plan_of("signsum", AttackKind::fgsm, names(3)), image).bytes;
  std::vector<std::vector<double>> g;
  std::vector<double> norm(3, 0);
  for (std::size_t t = 0; t < 3; ++t) {
    g.push_back(tasks[t].gradient(image));
    for (const double value : g[t]) norm[t] += std::abs(value);
  }
  const auto moved = [](double c) { return static_cast<std::uint8_t>(128 + (c > 0 ? 8 : c < 0 ? -8 : 0)); };
  for (std::size_t j = 0; j < kN; ++j) {
    double normed = 0, signs = 0, sum = 0;
    for (std::size_t t = 0; t < 3; ++t) {
      sum += g[t][j];
      normed += g[t][j] / norm[t];
      signs += g[t][j] > 0 ? 1 : -1;
    }
    CHECK(total[j] == moved(sum));
    CHECK(gradnorm[j] == moved(normed));
    CHECK(signsum[j] == moved(signs));
  }
}

TEST_CASE("a task without a valid pixel changes no byte") {
  const std::vector<ToyTask> tasks = smooth_tasks(3);
  const std::vector<float> image = random_image();
  std::vector<ToyTask> without = {tasks[0], tasks[2]};
  const CleanImage all = clean_of(tasks, image), two = clean_of(without, image);
  CleanImage absent = all;
  absent.present[1] = false;
  absent.loss[1] = 0;
  LossScale scale = loss_scale({all}, 3, 1e-3), scale_two = loss_scale({two}, 2, 1e-3);
  for (const char* rule : {"gb", "total", "signsum", "gradnorm", "worst", "protect:a"}) {
    CAPTURE(rule);
    ToyOracle with({tasks}, {{true, false, true}}), none(without);
    const AttackPlan three = plan_of(rule, AttackKind::pgd, {"a", "x", "c"}), plan = plan_of(rule, AttackKind::pgd, {"a", "c"});
    const Attacked a = attack_batch(with, three, {{"one", &absent, image}}, scale, {})[0];
    const Attacked b = attack_batch(none, plan, {{"one", &two, image}}, scale_two, {})[0];
    CHECK(a.x == b.x);
    CHECK(a.backward_passes == b.backward_passes);
  }
}

TEST_CASE("two images with losses a hundred times apart get from a batch what each gets alone") {
  const std::vector<ToyTask> first = smooth_tasks(3, 1);
  std::vector<ToyTask> second = smooth_tasks(3, 2);
  second[1] = scaled(second[1], 100);
  const std::vector<float> x1 = random_image(1), x2 = random_image(2);
  const CleanImage c1 = clean_of(first, x1), c2 = clean_of(second, x2);
  const LossScale scale = loss_scale({c1, c2}, 3, 1e-3);
  for (const char* rule : {"gb", "signsum", "worst"})
    for (const AttackKind kind : {AttackKind::pgd, AttackKind::apgd}) {
      const AttackPlan plan = plan_of(rule, kind, names(3));
      ToyOracle both({first, second}, {{true, true, true}, {true, true, true}}), one(first), two(second);
      const std::vector<Attacked> together = attack_batch(both, plan, {{"1", &c1, x1}, {"2", &c2, x2}}, scale, {.restarts = 2});
      CHECK(together[0].x == attack_batch(one, plan, {{"1", &c1, x1}}, scale, {.restarts = 2})[0].x);
      CHECK(together[1].x == attack_batch(two, plan, {{"2", &c2, x2}}, scale, {.restarts = 2})[0].x);
    }
}

TEST_CASE("eps = 0 is the identity") {
  const std::vector<ToyTask> tasks = smooth_tasks(2);
  for (const AttackKind kind : kAttacks)
    for (const char* rule : {"gb", "worst"}) {
      if (kind == AttackKind::mim && std::string(rule) == "worst") continue;
      AttackPlan plan = plan_of(rule, kind, names(2));
      plan.eps = 0;
      const Outcome out = attack(tasks, plan, random_image(), {.restarts = 2, .random = true});
      CHECK(out.bytes == to_bytes(random_image()));
      CHECK(out.J == 0);
    }
}

TEST_CASE("restarts never hurt, and apgd's best never falls below where it began") {
  const std::vector<ToyTask> tasks = smooth_tasks(3);
  for (std::uint32_t id = 0; id < 4; ++id) {
    double last = -1;
    for (const int restarts : {1, 2, 5}) {
      const double J = attack(tasks, plan_of("gb", AttackKind::pgd, names(3), 3), random_image(id), {.restarts = restarts}).J;
      CHECK(J >= last);
      last = J;
    }
    AttackPlan plan = plan_of("gb", AttackKind::apgd, names(3), 20);
    plan.trace = true;
    const Attacked apgd = attack(tasks, plan, random_image(id)).attacked;
    REQUIRE(apgd.trace.size() == 20);
    for (std::size_t k = 1; k < apgd.trace.size(); ++k) CHECK(apgd.trace[k].size <= apgd.trace[k - 1].size);
    CHECK(apgd.forward_passes == 21);
    CHECK(apgd.backward_passes == 20);
  }
}

TEST_CASE("passes: one backward a step, T for rules of T gradients, a forward more to keep the best") {
  const std::vector<ToyTask> tasks = smooth_tasks(3);
  AttackPlan plan = plan_of("gb", AttackKind::pgd, names(3));
  CHECK(attack(tasks, plan, random_image()).attacked.backward_passes == 10);
  CHECK(attack(tasks, plan, random_image()).attacked.forward_passes == 10);
  plan.keep_best = true;
  CHECK(attack(tasks, plan, random_image()).attacked.forward_passes == 11);
  CHECK(attack(tasks, plan_of("signsum", AttackKind::pgd, names(3)), random_image()).attacked.backward_passes == 30);
  CHECK(attack(tasks, plan_of("gb", AttackKind::fgsm, names(3)), random_image()).attacked.backward_passes == 1);
}

TEST_CASE("the best iterate is kept, not the last") {
  // One steep direction up to 1/2 and down again: large steps overshoot.
  const ToyTask bump = {[](std::span<const float> x) { return 1 - std::pow(static_cast<double>(x[0]) - 0.51, 2); },
                        [](std::span<const float> x) {
                          std::vector<double> g(x.size(), 0);
                          g[0] = -2 * (static_cast<double>(x[0]) - 0.51);
                          return g;
                        }};
  AttackPlan plan = plan_of("single:a", AttackKind::pgd, names(1), 5);
  plan.step = 0.02;
  const std::vector<float> image = {0.5F, 0.5F};
  const double last = attack({bump}, plan, image).losses[0];
  plan.keep_best = true;
  CHECK(attack({bump}, plan, image).losses[0] >= last);
}

TEST_CASE("the integer lattice: every iterate is an 8-bit image") {
  const std::vector<ToyTask> tasks = smooth_tasks(3);
  for (const AttackKind kind : kAttacks) {
    AttackPlan plan = plan_of("gb", kind, names(3));
    plan.integer = true;
    plan.eps = 8.5 / 255;
    const Outcome out = attack(tasks, plan, random_image(), {.random = true});
    CHECK(from_bytes(out.bytes) == out.attacked.x);
  }
}

TEST_CASE("the closed form leaves no gap, and what was predicted is what linear heads do") {
  std::vector<ToyTask> tasks;
  for (std::uint32_t i = 0; i < 3; ++i) tasks.push_back(linear(random_vector("linear", i, kN, 1), 50));
  for (const AttackKind kind : kAttacks)
    for (const char* rule : {"gb", "total", "gradnorm", "worst", "protect:b", "signsum"}) {
      if (kind == AttackKind::mim && (std::string(rule) == "worst" || std::string(rule) == "protect:b")) continue;
      CAPTURE(name_of(kind));
      CAPTURE(rule);
      AttackPlan plan = plan_of(rule, kind, names(3), 4);
      plan.trace = true;
      for (const StepTrace& step : attack(tasks, plan, random_image()).attacked.trace) {
        CHECK(std::abs(step.gap) < 1e-4);
        if (std::string(rule) == "signsum")
          CHECK(std::isnan(step.predicted));
        else
          CHECK(step.predicted == doctest::Approx(step.realised).epsilon(1e-5).scale(0.01));
      }
    }
}

TEST_CASE("a loss that is not finite ends that image's attack, and no other's") {
  const std::vector<ToyTask> good = smooth_tasks(2, 1);
  std::vector<ToyTask> bad = smooth_tasks(2, 2);
  bad[1].gradient = [](std::span<const float> x) { return std::vector<double>(x.size(), std::nan("")); };
  const std::vector<float> x = random_image();
  const CleanImage c1 = clean_of(good, x), c2 = clean_of(bad, x);
  const LossScale scale = loss_scale({c1, c2}, 2, 1e-3);
  const AttackPlan plan = plan_of("gb", AttackKind::pgd, names(2));
  ToyOracle both({bad, good}, {{true, true}, {true, true}}), alone(good);
  const std::vector<Attacked> out = attack_batch(both, plan, {{"bad", &c2, x}, {"good", &c1, x}}, scale, {});
  CHECK(out[0].failure.find("gradient") != std::string::npos);
  CHECK(out[1].x == attack_batch(alone, plan, {{"good", &c1, x}}, scale, {})[0].x);
}

TEST_CASE("random starts are in the ball, by seed, image and restart alone") {
  const std::vector<float> image = random_image();
  const std::vector<float> a = random_start(image, kEps, 1, "7", 1);
  CHECK(a == random_start(image, kEps, 1, "7", 1));
  CHECK(a != random_start(image, kEps, 1, "7", 2));
  CHECK(a != random_start(image, kEps, 1, "8", 1));
  CHECK(a != random_start(image, kEps, 2, "7", 1));
  const Ball ball = ball_around(image, kEps);
  for (std::size_t j = 0; j < kN; ++j) CHECK((a[j] >= ball.low[j] && a[j] <= ball.high[j]));
}

TEST_CASE("mim adds directions of one size, whatever the gradients' sizes") {
  // Ten uphill at the start, one downhill after the first step: equal once each is divided by its mean.
  const ToyTask fold = {[](std::span<const float> x) { return 1 + static_cast<double>(x[0]); },
                        [](std::span<const float> x) { return std::vector<double>{x[0] < 0.505F ? 10.0 : -1.0}; }};
  AttackPlan plan = plan_of("single:a", AttackKind::mim, names(1), 2);
  plan.step = 0.02;
  CHECK(attack({fold}, plan, {128.0F / 255}).attacked.x[0] == 128.0F / 255 + 0.02F);
  plan.momentum = 0.5;  // 0.5 - 1: down again
  CHECK(attack({fold}, plan, {128.0F / 255}).attacked.x[0] == doctest::Approx(128.0 / 255).epsilon(1e-6));
}

TEST_CASE("apgd is the algorithm as the authors' code has it, step by step") {
  constexpr int kSteps = 30;
  for (std::uint32_t id = 0; id < 4; ++id) {
    CAPTURE(id);
    // A wavy loss, so that steps overshoot.
    const std::vector<double> w = random_vector("waves", id, kN, 15.0);
    const auto phase = [w](std::span<const float> point) {
      double sum = 0;
      for (std::size_t j = 0; j < kN; ++j) sum += w[j] * static_cast<double>(point[j]);
      return sum;
    };
    const std::vector<ToyTask> tasks = {{[phase](std::span<const float> point) { return 2 + std::sin(phase(point)); },
                                         [phase, w](std::span<const float> point) {
                                           std::vector<double> g = w;
                                           for (double& value : g) value *= std::cos(phase(point));
                                           return g;
                                         }}};
    const std::vector<float> x = random_image(id);
    std::vector<float> now = random_start(x, kEps, 1, "one", 0), old = now, best = now;
    std::vector<double> gradient = tasks[0].gradient(now), best_gradient = gradient, seen(kSteps, 0);
    double best_f = tasks[0].loss(now), best_at_check = best_f;
    float eta = static_cast<float>(2 * kEps);
    bool reduced = true;
    int window = 6, count = 0;  // floor(0.22 * 30), then one fewer each time, at least 1
    const auto project = [&](float value, std::size_t j) {
      const auto e = static_cast<float>(kEps);
      return std::clamp(std::min(std::max(value, x[j] - e), x[j] + e), 0.0F, 1.0F);
    };
    for (int i = 0; i < kSteps; ++i) {
      std::vector<float> next(kN);
      const float a = i > 0 ? 0.75F : 1.0F;
      for (std::size_t j = 0; j < kN; ++j) {
        const float z = project(now[j] + eta * (gradient[j] > 0 ? 1.0F : -1.0F), j);
        next[j] = project(now[j] + (z - now[j]) * a + (now[j] - old[j]) * (1 - a), j);
      }
      old = now;
      now = next;
      gradient = tasks[0].gradient(now);
      const double f = seen[static_cast<std::size_t>(i)] = tasks[0].loss(now);
      if (f > best_f) {
        best_f = f;
        best = now;
        best_gradient = gradient;
      }
      if (++count < window) continue;
      int rises = 0;
      for (int k = 0; k < window; ++k)
        rises += seen[static_cast<std::size_t>(i - k)] > (i - k > 0 ? seen[static_cast<std::size_t>(i - k - 1)] : 0) ? 1 : 0;
      const bool halve = rises <= 0.75 * window || (!reduced && best_at_check >= best_f);
      reduced = halve;
      best_at_check = best_f;
      if (halve) {
        eta /= 2;
        now = best;
        gradient = best_gradient;
      }
      count = 0;
      window = std::max(window - 1, 1);
    }
    const Attacked found = attack(tasks, plan_of("single:a", AttackKind::apgd, names(1), kSteps), x, {.random = true}).attacked;
    CHECK(found.x == best);
  }
}
