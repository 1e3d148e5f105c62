// Bootstrap intervals against the normal theory they approach, and SSIM against scikit-image's formula (ssim.py).
#include <doctest/doctest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/philox.h"
#include "mtl-attack/bootstrap.h"
#include "mtl-attack/ssim.h"

using namespace tenfold;
using namespace tenfold::mtl_attack;

TEST_CASE("bootstrap: close to mean -+ 1.96 sd / sqrt(n) for many normals, and to nothing for none") {
  PhiloxStream stream(3, "values");
  std::vector<double> values(400);
  double sum = 0, square = 0;
  for (double& value : values) sum += value = 2 + stream.normal();
  const double mean = sum / 400;
  for (const double value : values) square += (value - mean) * (value - mean);
  const double error = std::sqrt(square / 399 / 400);
  const Estimate estimate = bootstrap_mean(values, 1, "x");
  CHECK(estimate.n == 400);
  CHECK(estimate.mean == doctest::Approx(mean));
  CHECK(estimate.low == doctest::Approx(mean - 1.96 * error).epsilon(0.05 * error));
  CHECK(estimate.high == doctest::Approx(mean + 1.96 * error).epsilon(0.05 * error));
  CHECK(bootstrap_mean(values, 1, "x").low == estimate.low);
  CHECK(bootstrap_mean(values, 2, "x").low != estimate.low);
  const Estimate one = bootstrap_mean(std::vector<double>{5}, 1, "x");
  CHECK(one.mean == 5);
  CHECK(std::isnan(one.low));
  CHECK(std::isnan(bootstrap_mean(std::vector<double>{}, 1, "x").mean));
}

TEST_CASE("bootstrap: differences are paired, ratios keep their pairs") {
  // Images differ by much, the rules by little and always: only a paired look sees it.
  std::vector<double> differences, a, b;
  for (int i = 0; i < 16; ++i) {
    b.push_back(i);
    a.push_back(i + 0.1 + 0.001 * (i % 3));
    differences.push_back(a.back() - b.back());
  }
  const Estimate paired = bootstrap_mean(differences, 1, "d");
  CHECK(verdict(paired, "gb", "total") == "gb > total");
  CHECK(verdict(bootstrap_mean(std::vector<double>{-1, -2, -1.5}, 1, "d"), "gb", "total") == "gb < total");
  CHECK(verdict(bootstrap_mean(std::vector<double>{-1, 1, 0.5, -0.4}, 1, "d"), "gb", "total") == "no difference shown");
  CHECK(verdict(bootstrap_mean(std::vector<double>{1}, 1, "d"), "gb", "total") == "no difference shown");
  std::vector<double> twice;
  for (const double value : a) twice.push_back(2 * value);
  const Estimate ratio = bootstrap_ratio(twice, a, 1, "r");
  CHECK(ratio.mean == doctest::Approx(2));
  CHECK(ratio.low == doctest::Approx(2));
  CHECK(ratio.high == doctest::Approx(2));
}

TEST_CASE("ssim: 1 for the same image, and what a NumPy transcription of the paper gives") {
  std::ifstream file(TENFOLD_SOURCE_DIR "/tests/parity/mtl-attack/ssim.json");
  REQUIRE(file);
  const nlohmann::json golden = nlohmann::json::parse(file);
  REQUIRE(golden.size() == 3);
  for (const auto& entry : golden) {
    const int channels = entry["channels"], height = entry["height"], width = entry["width"];
    std::vector<std::uint8_t> a, b;
    for (int k = 0; k < channels * height * width; ++k) {
      a.push_back(static_cast<std::uint8_t>((k * 37 + k / 7 * 11) % 256));
      b.push_back(static_cast<std::uint8_t>((a.back() + (k * k) % 31) % 256));
    }
    CHECK(ssim(a, b, channels, height, width) == doctest::Approx(entry["ssim"].get<double>()).epsilon(1e-9));
    CHECK(ssim(a, a, channels, height, width) == doctest::Approx(1).epsilon(1e-12));
  }
  CHECK(std::isnan(ssim(std::vector<std::uint8_t>(100), std::vector<std::uint8_t>(100), 1, 10, 10)));
}
