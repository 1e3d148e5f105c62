// Budgets as typed, and the way to bytes.
#include <doctest/doctest.h>

#include "base/error.h"
#include "mtl-attack/eps.h"
#include "mtl-attack/quantise.h"

using namespace tenfold;
using namespace tenfold::mtl_attack;

TEST_CASE("eps: a fraction as written, grey levels from 1 on, a fraction of the range below, 0") {
  CHECK(parse_eps("8/255", "--eps") == 8.0 / 255);
  CHECK(parse_eps("8", "--eps") == 8.0 / 255);
  CHECK(parse_eps("1", "--eps") == 1.0 / 255);
  CHECK(parse_eps("255", "--eps") == 1);
  CHECK(parse_eps("0.5", "--eps") == 0.5);
  CHECK(parse_eps("0.03", "--eps") == 0.03);
  CHECK(parse_eps("0", "--eps") == 0);
  for (const char* bad : {"-1", "256", "-8/255", "300/255", "8/0", "8/", "eight", "", "nan", "inf", "8/-255"}) {
    CAPTURE(bad);
    CHECK_THROWS_AS(parse_eps(bad, "--eps"), Error);
  }
}

TEST_CASE("whole levels: 8/255 holds eight, in spite of rounding; half a level holds none") {
  for (int levels = 0; levels <= 255; ++levels) CHECK(whole_levels(levels / 255.0) == levels);
  CHECK(whole_levels(0.5 / 255) == 0);
  CHECK(whole_levels(7.99 / 255) == 7);
  CHECK(levels_text(8.0 / 255) == "8");
  CHECK(levels_text(0.5 / 255) == "0.5");
}

TEST_CASE("bytes round, never truncate, and stay within the budget and the range") {
  CHECK(to_bytes(std::vector<float>{0, 1, 0.499F / 255, 0.501F / 255, 254.6F / 255, 2, -1}) == Bytes{0, 255, 0, 1, 255, 255, 0});
  const Bytes clean = {100, 2, 254, 100};
  // One level up, down and out of the range; a float that crept past the ball comes back.
  CHECK(quantise(std::vector<float>{108.4F / 255, -0.1F, 1.2F, 108.6F / 255}, clean, 8) == Bytes{108, 0, 255, 108});
  CHECK(greatest_change(Bytes{108, 0, 255, 108}, clean) == 8);
  for (int value = 0; value < 256; ++value) {
    const Bytes one = {static_cast<std::uint8_t>(value)};
    CHECK(to_bytes(from_bytes(one)) == one);
  }
  std::vector<float> x = {108.4F / 255, 0.3F, 0.3F, 0.3F};
  snap(x, clean, 8);
  CHECK(x[0] == 108.0F / 255);
}

TEST_CASE("planar and interleaved are each other's inverse") {
  const Bytes rgb = {1, 2, 3, 4, 5, 6};
  CHECK(planar(rgb, 3) == Bytes{1, 4, 2, 5, 3, 6});
  CHECK(interleaved(planar(rgb, 3), 3) == rgb);
}
