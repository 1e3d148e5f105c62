// Charts: what they count, what they leave out, and that they say so.
#include "report/chart.h"

#include <doctest/doctest.h>

#include <cmath>
#include <nlohmann/json.hpp>

namespace tenfold::report {
namespace {

std::vector<double> counting(std::size_t n) {
  std::vector<double> x(n);
  for (std::size_t i = 0; i < n; ++i) x[i] = static_cast<double>(i);
  return x;
}

TEST_CASE("a line of 2000 points is drawn whole, one of 2001 thinned, and the caption says so") {
  const Chart whole = lines("a", "A", {{"s", counting(2000), counting(2000)}}, {.x = "x", .y = "y"});
  CHECK(whole.vega_lite["data"]["values"].size() == 2000);
  CHECK(whole.caption.empty());
  const Chart thinned = lines("a", "A", {{"s", counting(2001), counting(2001)}}, {.x = "x", .y = "y"});
  CHECK(thinned.vega_lite["data"]["values"].size() == 1001);
  CHECK(thinned.caption == "Thinned for drawing: one point in 2 is shown.");
}

TEST_CASE("a few points are drawn large enough to be found, a cloud small") {
  const auto mark = [](std::size_t n) {
    return points("p", "P", {{"s", counting(n), counting(n)}}, {.x = "x", .y = "y"}).vega_lite["mark"];
  };
  CHECK(mark(5)["size"].get<int>() >= 100);
  CHECK(mark(5)["filled"] == true);
  CHECK(mark(5)["opacity"].get<double>() > 0.8);
  CHECK(mark(1500)["size"].get<int>() <= 20);
}

TEST_CASE("a histogram counts every value once, the greatest in the last bin, and leaves out what is not finite") {
  const Chart chart = histogram("h", "H", {{"s", {}, {0, 0.5, 1, 3, 4, std::nan("")}}}, {.x = "x", .y = "n"}, 4);
  std::vector<int> counts;
  for (const Json& bin : chart.vega_lite["data"]["values"]) counts.push_back(bin["count"].get<int>());
  CHECK(counts == std::vector<int>{2, 1, 0, 2});
  CHECK(chart.caption == "1 values that are not finite are left out.");
}

TEST_CASE("a constant histogram has its values in one bin") {
  const Chart chart = histogram("h", "H", {{"s", {}, {2, 2, 2}}}, {.x = "x", .y = "n"}, 5);
  int total = 0;
  int filled = 0;
  for (const Json& bin : chart.vega_lite["data"]["values"]) total += bin["count"].get<int>(), filled += bin["count"] > 0 ? 1 : 0;
  CHECK(total == 3);
  CHECK(filled == 1);
}

TEST_CASE("chains one above the other fill one half of the ranks each") {
  const Chart chart = rank_plot("r", "R", {{1, 2, 3, 4}, {11, 12, 13, 14}}, 4);
  std::vector<int> counts;
  for (const Json& bin : chart.vega_lite["data"]["values"]) counts.push_back(bin["count"].get<int>());
  CHECK(counts == std::vector<int>{2, 2, 0, 0, 0, 0, 2, 2});
}

TEST_CASE("the band of a rank plot is the binomial one") {
  // R: qbinom(c(0.025, 0.975), 100, 1/20) is 1 and 10.
  const Chart chart = rank_plot("r", "R", {counting(100), counting(100)}, 20);
  CHECK(chart.vega_lite["data"]["values"][0]["low"] == 1);
  CHECK(chart.vega_lite["data"]["values"][0]["high"] == 10);
}

TEST_CASE("equal draws share their mean rank") {
  // Eight equal draws have rank 4.5 all: one bin of the middle holds them.
  const Chart chart = rank_plot("r", "R", {{1, 1, 1, 1}, {1, 1, 1, 1}}, 2);
  std::vector<int> counts;
  for (const Json& bin : chart.vega_lite["data"]["values"]) counts.push_back(bin["count"].get<int>());
  CHECK(counts == std::vector<int>{0, 4, 0, 4});
}

TEST_CASE("no data is an empty chart, not a crash") {
  CHECK(trace("t", "T", {}, "x").vega_lite["data"]["values"].empty());
  CHECK(rank_plot("r", "R", {}).vega_lite["data"]["values"].empty());
  CHECK(histogram("h", "H", {}, {.x = "", .y = ""}).vega_lite["data"]["values"].empty());
  CHECK(bars("b", "B", {}, {.x = "", .y = ""}).vega_lite["data"]["values"].empty());
}

}  // namespace
}  // namespace tenfold::report
