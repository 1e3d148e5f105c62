// Scripted networks attacked here, by torchattacks and by foolbox (tests/parity/mtl-attack/torchattacks.py): the same images.
#include "doctest_torch.h"

#include <algorithm>
#include <cmath>
#include <memory>

#include "base/error.h"
#include "data/npz.h"
#include "mtl-attack/attack_batch.h"
#include "mtl-attack/eps.h"
#include "mtl-attack/quantise.h"
#include "mtl-attack/torch/network_victim.h"
#include "mtl/torch/network.h"

using namespace tenfold;
using namespace tenfold::mtl_attack;

namespace {

const std::string kFolder = TENFOLD_SOURCE_DIR "/tests/parity/mtl-attack/";
constexpr double kEps = 8.0 / 255;

struct Golden {
  data::Npz file = data::Npz::open(kFolder + "torchattacks.npz");
  std::vector<float> floats(const std::string& name) const { return file.load(name).to_floats(); }
  std::vector<double> doubles(const std::string& name) const { return file.load(name).to_doubles(); }
  std::vector<std::int64_t> shape(const std::string& name) const { return file.load(name).shape(); }
  Bytes bytes(const std::string& name) const {
    const std::vector<std::int64_t> values = file.load(name).to_int64s();
    return {values.begin(), values.end()};
  }
};

std::unique_ptr<Victim> open_model(const std::string& name, int height, int width, bool lower = false) {
  const mtl::ModelFile file{kFolder + name + ".pt", kFolder + name + ".tasks.json"};
  return make_victim(mtl::load_network(file, lower, height, width), {});
}

struct Images {
  std::vector<mtl::Sample> samples;
  std::vector<Bytes> bytes;
};

mtl::Label label(int channels, int height, int width, std::vector<float> values, std::vector<std::uint8_t> valid) {
  return {channels, height, width, std::move(values), std::move(valid)};
}

Images images_of(const Golden& golden, const std::string& prefix) {
  const std::vector<std::int64_t> shape = golden.shape(prefix + "_x");
  const int channels = static_cast<int>(shape[1]), height = static_cast<int>(shape[2]), width = static_cast<int>(shape[3]);
  const auto n = static_cast<std::size_t>(channels * height * width), pixels = static_cast<std::size_t>(height * width);
  const Bytes all = golden.bytes(prefix + "_x");
  Images out;
  for (std::size_t i = 0; i < static_cast<std::size_t>(shape[0]); ++i) {
    out.bytes.emplace_back(all.begin() + static_cast<std::ptrdiff_t>(i * n),
                           all.begin() + static_cast<std::ptrdiff_t>((i + 1) * n));
    mtl::Sample sample{std::to_string(i), {channels, height, width, from_bytes(out.bytes.back())}, {}};
    const auto part = [&](const std::string& name, std::size_t count) {
      const std::vector<float> values = golden.floats(name);
      return std::vector<float>(values.begin() + static_cast<std::ptrdiff_t>(i * count),
                                values.begin() + static_cast<std::ptrdiff_t>((i + 1) * count));
    };
    if (prefix == "digits") {
      sample.labels.push_back(label(1, 0, 0, part("digits_y", 1), {1}));
    } else {
      const std::vector<float> seg = part("trio_seg", pixels);
      std::vector<std::uint8_t> valid;
      for (const float value : seg) valid.push_back(value >= 0 ? 1 : 0);
      sample.labels.push_back(label(1, height, width, seg, valid));
      sample.labels.push_back(label(1, height, width, part("trio_depth", pixels), std::vector<std::uint8_t>(pixels, 1)));
      sample.labels.push_back(label(3, height, width, part("trio_normal", 3 * pixels), std::vector<std::uint8_t>(pixels, 1)));
    }
    out.samples.push_back(std::move(sample));
  }
  return out;
}

std::vector<std::string> task_names(const Victim& victim) {
  std::vector<std::string> names;
  for (const mtl::Task& task : victim.tasks()) names.push_back(task.name);
  return names;
}

AttackPlan plan_of(AttackKind kind, const std::string& rule, const Victim& victim, int steps = 10) {
  const Rule parsed = parse_rule(rule, task_names(victim));
  return {.rule = parsed,
          .attack = kind,
          .eps = kEps,
          .step = 2.0 / 255,
          .steps = steps,
          .objective = objective_of(parsed, "auto", task_names(victim))};
}

CleanImage clean_of(Oracle& oracle, const std::vector<float>& x) {
  CleanImage clean{oracle.losses(x), {}};
  clean.present = oracle.present(0);
  return clean;
}

// The share of values in which our 8-bit images are the peer's.
double agreement(const Victim& victim, const Images& images, AttackKind kind, const std::string& rule, const Bytes& peer) {
  const AttackPlan plan = plan_of(kind, rule, victim);
  std::size_t equal = 0, at = 0;
  for (std::size_t i = 0; i < images.samples.size(); ++i) {
    const std::unique_ptr<Oracle> oracle = victim.oracle({&images.samples[i]});
    const std::vector<float>& x = images.samples[i].image.values;
    const CleanImage clean = clean_of(*oracle, x);
    const LossScale scale = loss_scale({clean}, clean.loss.size(), 1e-3);
    const Attacked found = attack_batch(*oracle, plan, {{"x", &clean, x}}, scale, {})[0];
    for (const std::uint8_t value : quantise(found.x, images.bytes[i], 8)) equal += value == peer[at++] ? 1 : 0;
  }
  REQUIRE(at == peer.size());
  return static_cast<double>(equal) / static_cast<double>(at);
}

}  // namespace

TEST_CASE("FGSM, PGD and MIFGSM of torchattacks, LinfPGD of foolbox: the same 8-bit images, natively and lowered") {
  const Golden golden;
  const Images digits = images_of(golden, "digits"), trio = images_of(golden, "trio");
  for (const bool lower : {false, true}) {
    CAPTURE(lower);
    const std::unique_ptr<Victim> digit_net = open_model("digits", 8, 8, lower), trio_net = open_model("trio", 18, 24, lower);
    for (const AttackKind kind : {AttackKind::fgsm, AttackKind::pgd, AttackKind::mim}) {
      CAPTURE(name_of(kind));
      const std::string suffix = "_" + std::string(name_of(kind));
      CHECK(agreement(*digit_net, digits, kind, "single:digit", golden.bytes("digits" + suffix)) >= 0.999);
      CHECK(agreement(*digit_net, digits, kind, "gb", golden.bytes("digits" + suffix)) >= 0.999);  // one task
      CHECK(agreement(*trio_net, trio, kind, "single:seg", golden.bytes("trio" + suffix)) >= 0.999);
      // Another rule gives other images: the comparison can fail.
      CHECK(agreement(*trio_net, trio, kind, "gb", golden.bytes("trio" + suffix)) < 0.95);
    }
    CHECK(agreement(*digit_net, digits, AttackKind::pgd, "single:digit", golden.bytes("digits_foolbox")) >= 0.999);
  }
}

TEST_CASE("APGD of torchattacks from the same start: the trace of the best loss, and the images") {
  const Golden golden;
  const Images digits = images_of(golden, "digits");
  const std::unique_ptr<Victim> victim = open_model("digits", 8, 8);
  AttackPlan plan = plan_of(AttackKind::apgd, "single:digit", *victim, 20);
  plan.trace = true;
  const std::vector<float> starts = golden.floats("digits_apgd_start");
  const std::vector<double> best = golden.doubles("digits_apgd_best");
  const Bytes peer = golden.bytes("digits_apgd");
  const std::size_t count = digits.samples.size(), n = 64;
  std::size_t equal = 0;
  for (std::size_t i = 0; i < count; ++i) {
    CAPTURE(i);
    const std::unique_ptr<Oracle> oracle = victim->oracle({&digits.samples[i]});
    const std::vector<float>& x = digits.samples[i].image.values;
    const CleanImage clean = clean_of(*oracle, x);
    const LossScale scale = loss_scale({clean}, 1, 1e-3);
    ImageAttack attack(
        plan, clean, scale, x,
        {starts.begin() + static_cast<std::ptrdiff_t>(i * n), starts.begin() + static_cast<std::ptrdiff_t>((i + 1) * n)});
    std::vector<float> gradient(n);
    double so_far = 0;
    for (std::size_t k = 0; attack.need() != ImageAttack::Need::nothing; ++k) {
      std::vector<double> losses;
      if (attack.need() == ImageAttack::Need::losses)
        losses = oracle->losses(attack.point());
      else
        losses =
            oracle->weighted(attack.point(), [&](std::size_t, std::span<const double> l) { return attack.weigh(l); }, gradient);
      attack.take(losses, {gradient});
      so_far = std::max(so_far, losses[0]);
      CHECK(so_far == doctest::Approx(best[k * count + i]).epsilon(1e-5));
    }
    const Bytes found = quantise(attack.result(), digits.bytes[i], 8);
    for (std::size_t j = 0; j < n; ++j) equal += found[j] == peer[i * n + j] ? 1 : 0;
  }
  CHECK(static_cast<double>(equal) / static_cast<double>(count * n) >= 0.99);
}

TEST_CASE("gb's direction by one pass in float32 is that of T passes in float64") {
  const Golden golden;
  const Images trio = images_of(golden, "trio");
  const std::unique_ptr<Victim> victim = open_model("trio", 18, 24);
  const std::vector<double> expected = golden.doubles("trio_gb");
  const Rule gb = parse_rule("gb", task_names(*victim)), total = parse_rule("total", task_names(*victim));
  const std::size_t n = 3 * 18 * 24;
  for (std::size_t i = 0; i < trio.samples.size(); ++i) {
    const std::unique_ptr<Oracle> oracle = victim->oracle({&trio.samples[i]});
    const std::vector<float>& x = trio.samples[i].image.values;
    const CleanImage clean = clean_of(*oracle, x);
    const LossScale scale = loss_scale({clean}, 3, 1e-3);
    std::vector<float> c(n), raw(n), each(3 * n);
    double unit = 1;
    const auto weigh = [&](const Rule& rule) {
      return [&, rule](std::size_t, std::span<const double> losses) {
        const PassWeights weights = pass_weights(rule, Denominator::current, losses, clean, scale);
        unit = weights.unit;
        return weights.w;
      };
    };
    oracle->weighted(x, weigh(total), raw);
    oracle->weighted(x, weigh(gb), c);
    oracle->each(x, each);
    double difference = 0, size = 0, raw_difference = 0, raw_size = 0;
    std::size_t signs = 0;
    for (std::size_t j = 0; j < n; ++j) {
      const double own = unit * static_cast<double>(c[j]), peer = expected[i * n + j];
      difference += (own - peer) * (own - peer);
      size += peer * peer;
      signs += (own > 0) == (peer > 0) ? 1 : 0;
      const double sum = static_cast<double>(each[j]) + static_cast<double>(each[n + j]) + static_cast<double>(each[2 * n + j]);
      raw_difference += (static_cast<double>(raw[j]) - sum) * (static_cast<double>(raw[j]) - sum);
      raw_size += sum * sum;
    }
    CHECK(std::sqrt(difference / size) < 2e-6);  // float32 rounds its own pass by half of that
    CHECK(static_cast<double>(signs) >= 0.9999 * static_cast<double>(n) - 1);
    CHECK(std::sqrt(raw_difference / raw_size) < 1e-6);  // total: the sum of the raw gradients
  }
}

TEST_CASE("images in one batch get from it what each gets alone") {
  const Golden golden;
  const Images trio = images_of(golden, "trio");
  const std::unique_ptr<Victim> victim = open_model("trio", 18, 24);
  Images two = {{trio.samples[0], trio.samples[1]}, {trio.bytes[0], trio.bytes[1]}};
  // Losses a hundred times apart, and one image without a valid depth.
  for (float& value : two.samples[0].labels[1].values) value *= 100;
  std::fill(two.samples[1].labels[1].valid.begin(), two.samples[1].labels[1].valid.end(), std::uint8_t{0});
  const std::unique_ptr<Oracle> both = victim->oracle({&two.samples[0], &two.samples[1]});
  std::vector<float> points = two.samples[0].image.values;
  points.insert(points.end(), two.samples[1].image.values.begin(), two.samples[1].image.values.end());
  const std::vector<double> losses = both->losses(points);
  std::vector<CleanImage> clean;
  for (std::size_t b = 0; b < 2; ++b)
    clean.push_back(
        {{losses.begin() + static_cast<std::ptrdiff_t>(3 * b), losses.begin() + static_cast<std::ptrdiff_t>(3 * b + 3)},
         both->present(b)});
  CHECK(clean[1].present == std::vector<bool>{true, false, true});
  const LossScale scale = loss_scale(clean, 3, 1e-3);
  for (const char* rule : {"gb", "total", "signsum", "worst", "protect:normal"}) {
    CAPTURE(rule);
    const AttackPlan plan = plan_of(AttackKind::pgd, rule, *victim);
    const std::vector<Attacked> together = attack_batch(
        *both, plan, {{"0", &clean[0], two.samples[0].image.values}, {"1", &clean[1], two.samples[1].image.values}}, scale, {});
    for (std::size_t b = 0; b < 2; ++b) {
      const std::unique_ptr<Oracle> alone = victim->oracle({&two.samples[b]});
      const Attacked one = attack_batch(*alone, plan, {{"x", &clean[b], two.samples[b].image.values}}, scale, {})[0];
      const Bytes a = quantise(together[b].x, two.bytes[b], 8), c = quantise(one.x, two.bytes[b], 8);
      std::size_t equal = 0;
      for (std::size_t j = 0; j < a.size(); ++j) equal += a[j] == c[j] ? 1 : 0;
      CHECK(static_cast<double>(equal) >= 0.999 * static_cast<double>(a.size()));
    }
  }
}

TEST_CASE("an output that no gradient leaves is named") {
  const Golden golden;
  const Images trio = images_of(golden, "trio");
  mtl::Sample sample = trio.samples[0];
  sample.labels.pop_back();
  const std::unique_ptr<Victim> cut = open_model("cut", 18, 24);
  std::string said;
  try {
    cut->check_gradients(sample);
  } catch (const Error& error) {
    CHECK(error.exit_code() == ExitCode::input);
    said = error.what();
  }
  CHECK_MESSAGE(said.find("task depth: no gradient") == 0, said);
  CHECK_NOTHROW(open_model("trio", 18, 24)->check_gradients(trio.samples[0]));
}
