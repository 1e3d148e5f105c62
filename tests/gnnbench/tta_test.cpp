// Time to accuracy over seeds, against numbers worked out by hand and SciPy's answers.
#include "gnnbench/tta.h"

#include <doctest/doctest.h>
#include <cmath>

#include <nlohmann/json.hpp>

#include "data/json_reader.h"
#include "gnnbench/curve.h"

using namespace tenfold;
using namespace tenfold::gnnbench;

namespace {

// 3 is a time, -3 a run censored at 3.
std::vector<ReachTime> times(const std::vector<double>& signed_times) {
  std::vector<ReachTime> out;
  for (std::size_t i = 0; i < signed_times.size(); ++i)
    out.push_back({.seed = i + 1, .time = std::abs(signed_times[i]), .reached = signed_times[i] >= 0});
  return out;
}

TimeRatio ratio_of(const std::vector<double>& a, const std::vector<double>& b) { return time_ratio(times(a), times(b)); }

std::optional<double> median_of(const std::vector<double>& signed_times) { return median_time(times(signed_times)); }

}  // namespace

TEST_CASE("time to a target: the first evaluation at or above it, and the one before") {
  const std::vector<double> clock = {1, 2, 3, 4}, accuracy = {.50, .70, .69, .72};
  const auto at = [&](double target) { return time_to_target(clock, accuracy, target); };
  REQUIRE(at(.70).has_value());
  CHECK(at(.70)->t_hi == 2);
  CHECK(at(.70)->t_lo == 1);
  REQUIRE(at(.72).has_value());
  CHECK(at(.72)->t_hi == 4);
  CHECK(at(.72)->t_lo == 3);
  CHECK_FALSE(at(.73).has_value());
  const std::vector<double> from_start = {0, 2};
  CHECK(time_to_target(from_start, std::vector<double>{.9, .9}, .9)->t_hi == 0);
}

TEST_CASE("Kaplan-Meier medians by hand") {
  CHECK(median_of({1, 2, 3}) == 2);
  CHECK(median_of({1, 2, 3, 4}) == 2);          // the lower middle
  CHECK(median_of({4, 3, 2, 1}) == 2);          // order does not matter
  CHECK(median_of({1, -2, 3, 4}) == 3);         // 3/4, then 3/4 x 1/2
  CHECK(median_of({1, -2, -3}) == std::nullopt);  // stays at 2/3
  CHECK(median_of({-1, 2}) == 2);
  CHECK(median_of({2, -2, -2}) == std::nullopt);  // those censored at 2 were still at risk: 2/3
  CHECK(median_of({-5}) == std::nullopt);
  CHECK(median_of({0, 0, 7}) == 0);
}

TEST_CASE("Kaplan-Meier compares in whole numbers: of 24 times the twelfth, where a product of doubles stays above one half") {
  double product = 1;
  std::vector<double> all;
  for (int i = 0; i < 24; ++i) {
    all.push_back(i + 1);
    if (i < 12) product *= (23.0 - i) / (24.0 - i);
  }
  CHECK(product > 0.5);
  CHECK(median_of(all) == 12);
  std::vector<double> many(3000);  // far beyond what 64 bits hold
  for (std::size_t i = 0; i < many.size(); ++i) many[i] = static_cast<double>(i + 1) * (i % 3 == 2 ? -1 : 1);
  CHECK(median_of(many).has_value());
}

TEST_CASE("medians and log-rank tests are SciPy's") {
  const std::string file = TENFOLD_SOURCE_DIR "/tests/parity/gnnbench/survival.json";
  const Json golden = data::to_json(data::read_json(file));
  REQUIRE(golden["cases"].size() >= 6);
  for (const Json& entry : golden["cases"]) {
    const auto side = [&](const char* key) {
      std::vector<double> out;
      for (const Json& row : entry[key]) out.push_back(row[0].get<double>() * (row[1].get<bool>() ? 1 : -1));
      return times(out);
    };
    const auto check_median = [&](const char* key, const std::vector<ReachTime>& of) {
      const std::optional<double> median = median_time(of);
      CHECK(median.has_value() == !entry[key].is_null());
      if (median && !entry[key].is_null()) CHECK(*median == entry[key].get<double>());
    };
    const auto a = side("a"), b = side("b");
    check_median("median_a", a);
    check_median("median_b", b);
    REQUIRE(log_rank_p(a, b).has_value());
    CHECK(*log_rank_p(a, b) == doctest::Approx(entry["log_rank_p"].get<double>()).epsilon(1e-9));
    CHECK(*log_rank_p(b, a) == doctest::Approx(*log_rank_p(a, b)).epsilon(1e-12));
  }
  CHECK_FALSE(log_rank_p(times({-1, -2}), times({-1, -3})).has_value());  // no event
}

TEST_CASE("ratio of times: geometric mean and Student's interval of the logarithms") {
  const TimeRatio equal = ratio_of({2, 4, 8}, {1, 2, 4});
  CHECK(equal.kind == RatioKind::exact);
  CHECK(*equal.ratio == doctest::Approx(2));
  CHECK(equal.shown);
  const TimeRatio spread = ratio_of({2, 8}, {1, 2});  // 2 and 4
  CHECK(*spread.ratio == doctest::Approx(2.8284271));
  CHECK(*spread.low == doctest::Approx(0.0345996).epsilon(1e-5));
  CHECK(*spread.high == doctest::Approx(231.2168).epsilon(1e-5));
  CHECK_FALSE(spread.shown);
  CHECK(verdict(spread, "sync", "ns")
            .starts_with("no difference shown between sync and ns: the ratio of their times is 2.83 (95 %"));
  CHECK(verdict(equal, "sync", "ns") == "sync took 2 times as long as ns (95 % interval 2 to 2, 3 seeds)");
  CHECK(verdict(ratio_of({1, 2, 4}, {2, 4, 8}), "ns", "sync") ==
        "sync took 2 times as long as ns (95 % interval 2 to 2, 3 seeds)");
  const TimeRatio one = ratio_of({6}, {2});
  CHECK(*one.ratio == doctest::Approx(3));
  CHECK_FALSE(one.low.has_value());  // one pair has no interval, so that nothing is shown
  CHECK_FALSE(one.shown);
}

TEST_CASE("ratio of times: a censored side makes a bound, and its interval one-sided") {
  const TimeRatio lower = ratio_of({-10, -12, 4}, {1, 2, 1});  // at least 10, at least 6, 4
  CHECK(lower.kind == RatioKind::at_least);
  CHECK(lower.pairs == 3);
  CHECK(lower.bounds == 2);
  CHECK(*lower.ratio == doctest::Approx(6.2144650));
  CHECK(*lower.low == doctest::Approx(1.986309).epsilon(1e-5));
  CHECK_FALSE(lower.high.has_value());
  CHECK(lower.shown);
  CHECK(verdict(lower, "sync", "ns") ==
        "sync took at least 6.21 times as long as ns (95 % interval from 1.99 on, 3 seeds, 2 of them only a bound)");

  const TimeRatio upper = ratio_of({1, 2, 1}, {-10, -12, 4});
  CHECK(upper.kind == RatioKind::at_most);
  CHECK(*upper.ratio == doctest::Approx(1 / 6.2144650));
  CHECK_FALSE(upper.low.has_value());
  CHECK(*upper.high == doctest::Approx(1 / 1.986309).epsilon(1e-5));
  CHECK(verdict(upper, "ns", "sync") == verdict(lower, "sync", "ns"));

  // A bound on the side that proves nothing: "at least 0.5" is compatible with every order.
  const TimeRatio idle = ratio_of({-1, -2, -1}, {2, 4, 2});
  CHECK(idle.kind == RatioKind::at_least);
  CHECK_FALSE(idle.shown);
  CHECK(verdict(idle, "a", "b").starts_with("no difference shown between a and b: the ratio of their times is at least 0.5"));
}

TEST_CASE("ratio of times: bounds on both sides give none, both censored and zero are dropped and counted") {
  const TimeRatio mixed = ratio_of({-10, 1, 3}, {1, -10, 3});
  CHECK(mixed.kind == RatioKind::none);
  CHECK_FALSE(mixed.ratio.has_value());
  CHECK(mixed.bounds == 2);
  CHECK(verdict(mixed, "a", "b").starts_with("no ratio of a to b can be given"));

  const TimeRatio dropped = ratio_of({-10, 4, 0, 8}, {-9, 2, 2, 4});
  CHECK(dropped.kind == RatioKind::exact);
  CHECK(dropped.pairs == 2);
  CHECK(dropped.both_censored == 1);
  CHECK(dropped.at_zero == 1);
  CHECK(*dropped.ratio == doctest::Approx(2));

  CHECK(verdict(ratio_of({-1, -1}, {-2, -2}), "a", "b") == "neither a nor b got there (2 seeds)");
}

TEST_CASE("ratio of times pairs by seed, not by place") {
  const std::vector<ReachTime> a = {{.seed = 1, .time = 2}, {.seed = 2, .time = 40}, {.seed = 7, .time = 1}};
  const std::vector<ReachTime> b = {{.seed = 2, .time = 20}, {.seed = 1, .time = 1}, {.seed = 9, .time = 1}};
  const TimeRatio ratio = time_ratio(a, b);
  CHECK(ratio.pairs == 2);
  CHECK(*ratio.ratio == doctest::Approx(2));
  CHECK(*ratio.low == doctest::Approx(2));
}
