// worst and protect against hand-made answers, exhaustive grids, and HiGHS (tests/parity/mtl-attack/dual_steps.py).
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/philox.h"
#include "mtl-attack/worst_step.h"

using namespace tenfold::mtl_attack;

namespace {

struct Rows {
  std::vector<std::vector<float>> a;
  std::vector<double> r;
  Box box;
  TaskRows view(const std::vector<double>& scales = {}) const {
    TaskRows rows;
    for (std::size_t i = 0; i < a.size(); ++i) {
      rows.gradients.emplace_back(a[i]);
      rows.scales.push_back(scales.empty() ? 1 : scales[i]);
      rows.offsets.push_back(r[i]);
    }
    return rows;
  }
};

Box unit_box(std::size_t n) { return {std::vector<float>(n, -1), std::vector<float>(n, 1)}; }

// The numbers of dual_steps.py: splitmix64 of (case, row, column), in thousandths.
double hashed(std::uint64_t a, std::uint64_t b, std::uint64_t c) {
  std::uint64_t z = a * 0x9E3779B97F4A7C15ULL + b * 0xBF58476D1CE4E5B9ULL + c * 0x94D049BB133111EBULL;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
  z ^= z >> 31;
  return static_cast<double>(static_cast<std::int64_t>(z % 2001) - 1000) / 1000;
}

Rows hashed_case(std::uint64_t id, std::size_t tasks, std::size_t n, double offset) {
  Rows rows;
  for (std::size_t i = 0; i < tasks; ++i) {
    rows.a.emplace_back(n);
    for (std::size_t j = 0; j < n; ++j)
      rows.a[i][j] = static_cast<float>(hashed(id, i, j) * (1 + static_cast<double>(i)) + 0.3 * hashed(id, 90, j));
    rows.r.push_back(offset * hashed(id, 91, i));
  }
  rows.box = unit_box(n);
  for (std::size_t j = 0; j < n; ++j) {
    rows.box.low[j] = static_cast<float>(-std::abs(hashed(id, 92, j)));
    rows.box.high[j] = static_cast<float>(std::abs(hashed(id, 93, j)));
  }
  return rows;
}

double least(const Rows& rows, const std::vector<float>& d) {
  double value = 1e300;
  for (std::size_t i = 0; i < rows.a.size(); ++i) value = std::min(value, rows.r[i] + dot(rows.a[i], d));
  return value;
}

void check_inside(const std::vector<float>& d, const Box& box) {
  for (std::size_t j = 0; j < d.size(); ++j) CHECK((d[j] >= box.low[j] && d[j] <= box.high[j]));
}

}  // namespace

TEST_CASE("hand case: worst, value 3/2 at lambda = (2/3, 1/3)") {
  const Rows rows{{{-0.5F, -0.5F, 0.75F, -1}, {-1, -1, -1, 2}}, {0, 0}, unit_box(4)};
  const DualStep step = worst_step(rows.view(), rows.box);
  CHECK(step.converged);
  CHECK(step.value == doctest::Approx(1.5).epsilon(1e-7));
  CHECK(step.bound == doctest::Approx(1.5).epsilon(1e-7));
  CHECK(step.weights[0] == doctest::Approx(2.0 / 3).epsilon(1e-6));
  CHECK(step.weights[1] == doctest::Approx(1.0 / 3).epsilon(1e-6));
  const std::vector<double> expected = {-1, -1, 1, 0.25};
  for (std::size_t j = 0; j < 4; ++j) CHECK(static_cast<double>(step.d[j]) == doctest::Approx(expected[j]).epsilon(1e-6));
  // The sign of c(lambda) is not it: c_4 = 0 there.
  CHECK(least(rows, {-1, -1, 1, 0}) < 1.5 - 0.2);
}

TEST_CASE("hand case: protect, value 5/2 at mu = 3/2") {
  const Rows rows{{{3, 1}, {2, -1}}, {0, 0}, unit_box(2)};
  const DualStep step = protect_step(rows.view(), {false, true}, rows.box);
  CHECK(step.converged);
  CHECK(step.value == doctest::Approx(2.5).epsilon(1e-7));
  CHECK(static_cast<double>(step.d[0]) == doctest::Approx(0.5).epsilon(1e-6));
  CHECK(static_cast<double>(step.d[1]) == doctest::Approx(1).epsilon(1e-6));
  // mu = 3/2 in the given units; norm1 of the protected row (3) is brought to that of the attacked (4).
  CHECK(step.weights[0] * 4 / 3 == doctest::Approx(1.5).epsilon(1e-6));
}

TEST_CASE("protect without a solution takes the least that the protected task can be brought to") {
  // r = 5 cannot fall below 5 - 3: d = (-1, 1) alone reaches it.
  const Rows rows{{{3, 1}, {2, -1}}, {0, 5}, unit_box(2)};
  const DualStep step = protect_step(rows.view(), {false, true}, rows.box);
  CHECK(step.value == doctest::Approx(-2).epsilon(1e-5));
  CHECK(static_cast<double>(step.d[0]) == doctest::Approx(-1).epsilon(1e-5));
  CHECK(static_cast<double>(step.d[1]) == doctest::Approx(1).epsilon(1e-5));
  CHECK(std::abs(step.gap()) < 1e-4);  // the bound is that of the loosened programme
}

TEST_CASE("one task: worst is the closed form") {
  const Rows rows{{{2, -3, 0, 1}}, {0.5}, unit_box(4)};
  const DualStep step = worst_step(rows.view(), rows.box);
  CHECK(step.value == doctest::Approx(6.5));
  CHECK(step.d == std::vector<float>{1, -1, 0, 1});
}

TEST_CASE("no gradient at all: the step stays, and says so at once") {
  const Rows rows{{{0, 0}, {0, 0}}, {0, 0}, unit_box(2)};
  const DualStep step = worst_step(rows.view(), rows.box);
  CHECK(step.value == 0);
  CHECK(step.cuts <= 4);
  CHECK(protect_step(rows.view(), {true, false}, rows.box).value == 0);
}

TEST_CASE("worst beats every other point of a grid, and the gap closes") {
  for (std::uint64_t id = 1; id <= 5; ++id) {
    const Rows rows = hashed_case(id, 3, 4, 0.5);
    const DualStep step = worst_step(rows.view(), rows.box);
    CHECK(step.converged);
    CHECK(step.value == doctest::Approx(least(rows, step.d)).epsilon(1e-9));
    CHECK(step.gap() <= 2e-7 * std::abs(step.bound) + 1e-12);
    check_inside(step.d, rows.box);
    constexpr int kSteps = 12;
    double best = -1e300;
    std::vector<float> d(4);
    for (int k = 0; k < std::pow(kSteps + 1, 4); ++k) {
      int rest = k;
      for (std::size_t j = 0; j < 4; ++j, rest /= kSteps + 1)
        d[j] = rows.box.low[j] + (rows.box.high[j] - rows.box.low[j]) * static_cast<float>(rest % (kSteps + 1)) / kSteps;
      best = std::max(best, least(rows, d));
    }
    CHECK(best <= step.value + 1e-6);
    CHECK(best > step.value - 0.4);
  }
}

TEST_CASE("scales multiply rows, and a power of two in one keeps the others' trade") {
  const Rows rows = hashed_case(7, 3, 50, 0);
  Rows scaled = rows;
  for (float& value : scaled.a[1]) value *= 8;
  const DualStep a = worst_step(rows.view(), rows.box), b = worst_step(scaled.view({1, 0.125, 1}), rows.box);
  CHECK(a.value == b.value);
  CHECK(a.d == b.d);
}

TEST_CASE("worst and protect give what HiGHS gives") {
  std::ifstream file(TENFOLD_SOURCE_DIR "/tests/parity/mtl-attack/dual_steps.json");
  REQUIRE(file);
  const nlohmann::json golden = nlohmann::json::parse(file);
  CHECK(golden["cases"].size() >= 20);
  for (const auto& entry : golden["cases"]) {
    const std::uint64_t id = entry["id"];
    CAPTURE(id);
    const auto tasks = entry["tasks"].get<std::size_t>();
    const Rows rows = hashed_case(id, tasks, entry["n"], entry["offset"]);
    if (entry["kind"] == "worst") {
      const DualStep step = worst_step(rows.view(), rows.box);
      CHECK(step.converged);
      CHECK(step.value == doctest::Approx(entry["value"].get<double>()).epsilon(1e-6));
      check_inside(step.d, rows.box);
    } else {
      const auto protect = entry["protect"].get<std::vector<bool>>();
      const DualStep step = protect_step(rows.view(), protect, rows.box);
      CHECK(step.value == doctest::Approx(entry["value"].get<double>()).epsilon(1e-6));
      for (std::size_t k = 0; k < tasks; ++k)
        if (protect[k]) CHECK(rows.r[k] + dot(rows.a[k], step.d) <= entry["right_side"][k].get<double>() + 1e-4);
    }
  }
}

TEST_CASE("sixteen tasks end, too") {
  const Rows rows = hashed_case(33, 16, 400, 0.2);
  const DualStep step = worst_step(rows.view(), rows.box);
  CHECK(step.gap() <= 1e-5 * std::abs(step.bound));
  CHECK(step.cuts <= 1000);
}
