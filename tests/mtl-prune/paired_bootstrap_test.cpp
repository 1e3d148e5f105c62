// Paired losses: known differences, intervals that draw seeds and images, words for them.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "base/philox.h"
#include "mtl-prune/paired_bootstrap.h"

namespace tenfold::mtl_prune {
namespace {

LossPairs pairs(int seeds, int images, double shift, double noise) {
  LossPairs out;
  PhiloxStream random(3, "paired bootstrap test");
  for (int s = 0; s < seeds; ++s) {
    out.a.emplace_back();
    out.b.emplace_back();
    for (int i = 0; i < images; ++i) {
      const double level = 1 + 10.0 * i;  // images differ far more than the two ways do
      out.b.back().push_back(level);
      out.a.back().push_back(level * (1 + shift) + noise * level * random.normal());
    }
  }
  return out;
}

TEST_CASE("a loss that is everywhere 10 % higher is 10 % higher, whatever is drawn") {
  const RelativeDifference d = compare_losses({pairs(3, 8, 0.1, 0)}, 1)[0];
  CHECK(d.difference == doctest::Approx(0.1));
  CHECK(d.low == doctest::Approx(0.1));
  CHECK(d.high == doctest::Approx(0.1));
  CHECK(verdict(d, "new weights", "pruned weights") ==
        "new weights have a loss higher by 10.0 % than pruned weights (95 % interval 10.0 to 10.0 %, 3 seeds, 8 images)");
}

TEST_CASE("noise alone shows no difference; a shift above it does, though images differ more than that") {
  const RelativeDifference none = compare_losses({pairs(4, 30, 0, 0.05)}, 1)[0];
  CHECK_FALSE(none.shown());
  CHECK(verdict(none, "a", "b").starts_with("no difference shown between a and b ("));
  const RelativeDifference some = compare_losses({pairs(4, 30, -0.1, 0.05)}, 1)[0];
  CHECK(some.shown());
  CHECK(some.low < -0.1);
  CHECK(some.high < -0.05);
  CHECK(verdict(some, "a", "b").starts_with("a have a loss lower by "));
}

TEST_CASE("an image without a label is left out; the last entry is the mean over tasks") {
  LossPairs holes = pairs(2, 4, 0.2, 0);
  holes.a[0][1] = holes.b[1][2] = std::numeric_limits<double>::quiet_NaN();
  const std::vector<RelativeDifference> d = compare_losses({holes, pairs(2, 4, 0.4, 0)}, 1);
  REQUIRE(d.size() == 3);
  CHECK(d[0].difference == doctest::Approx(0.2));
  CHECK(d[2].difference == doctest::Approx(0.3));
}

}  // namespace
}  // namespace tenfold::mtl_prune
