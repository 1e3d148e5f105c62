// When a run is evaluated, and what is read off its curve.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "gnnbench/curve.h"

using namespace tenfold;
using namespace tenfold::gnnbench;

namespace {

std::vector<std::int64_t> evaluations(const std::string& text, std::int64_t updates_per_epoch, std::int64_t last) {
  const EvalSchedule schedule = EvalSchedule::parse(text, updates_per_epoch);
  std::vector<std::int64_t> out = {0};
  while (schedule.next(out.back()) <= last) out.push_back(schedule.next(out.back()));
  return out;
}

}  // namespace

TEST_CASE("geometric schedules step by at least one update") {
  CHECK(evaluations("geo:1.5", 1, 30) == std::vector<std::int64_t>{0, 1, 2, 3, 5, 8, 12, 18, 27});
  CHECK(evaluations("geo:2", 7, 20) == std::vector<std::int64_t>{0, 1, 2, 4, 8, 16});
  // 1.06 u < u + 1 up to u = 16; ceil(1.06 x 17) = 19.
  const auto fine = evaluations("geo:1.06", 1, 21);
  CHECK(fine == std::vector<std::int64_t>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 19, 21});
}

TEST_CASE("the factor is a rational: 1.12 x 25 is 28, not 29") {
  CHECK(EvalSchedule::parse("geo:1.12", 1).next(25) == 28);
  CHECK(EvalSchedule::parse("geo:1.1", 1).next(10) == 11);
  CHECK(EvalSchedule::parse("geo:1.06", 1).next(50) == 53);
  CHECK(EvalSchedule::parse("geo:1.06", 1).next(4'000'000'000) == 4'240'000'000);
}

TEST_CASE("every ten epochs, every fifty updates") {
  CHECK(evaluations("10e", 3, 70) == std::vector<std::int64_t>{0, 30, 60});
  CHECK(evaluations("50u", 3, 120) == std::vector<std::int64_t>{0, 50, 100});
}

TEST_CASE("other schedules are refused") {
  for (const char* text :
       {"", "geo:", "geo:1", "geo:0.5", "geo:1.0", "geo:x", "geo:1.5.2", "geo:-2", "0e", "e", "10", "10x", "-5u", "1.5e"})
    CHECK_THROWS_AS(EvalSchedule::parse(text, 1), Error);
}

TEST_CASE("time to accuracy is the first evaluation at the target or above, and the one before") {
  const std::vector<double> clock = {1, 2, 3, 4}, accuracy = {.50, .70, .69, .72};
  const auto at = [&](double target) { return time_to_target(clock, accuracy, target); };
  CHECK(at(.70)->t_hi == 2);
  CHECK(at(.70)->t_lo == 1);
  CHECK(at(.72)->t_hi == 4);
  CHECK(at(.72)->t_lo == 3);
  CHECK(!at(.73));
  const std::vector<double> from_zero = {0, 2};
  CHECK(time_to_target(from_zero, std::vector<double>{.9, .95}, .8)->t_hi == 0);
}

TEST_CASE("the first best point counts; accuracies of empty masks are null") {
  const std::vector<CurvePoint> points = {{.update = 0, .val_correct = 3, .test_correct = 9},
                                          {.update = 1, .loss = 0.5, .val_correct = 5, .test_correct = 1},
                                          {.update = 2, .loss = 0.4, .val_correct = 5, .test_correct = 2}};
  CHECK(best_point(points, {.val = 10, .test = 10}, false) == 1);
  CHECK(best_point(points, {.val = 10, .test = 10}, true) == 0);
  // Nobody validates: no point is better than another, and the weights of the first are untrained.
  CHECK(best_point(points, {.val = 0, .test = 10}, false) == 2);
  CHECK(best_point(points, {.val = 10, .test = 0}, true) == 2);
  const Json json = curve_json(points, {.val = 10, .test = 0});
  CHECK(json[1]["val"] == 0.5);
  CHECK(json[1]["test"].is_null());
  CHECK(json[0]["loss"].is_null());
  CHECK(curve_csv(points, {.val = 10, .test = 10}).find("1,0,0,0,0,0.5,0.5,0.1\n") != std::string::npos);
}

TEST_CASE("the digest of a curve tells losses and counts apart, and not times") {
  std::vector<CurvePoint> points = {{.update = 3, .epoch = 3, .loss = 0.5, .val_correct = 5}};
  const std::string digest = curve_digest(points);
  points[0].train_s = 7;
  CHECK(curve_digest(points) == digest);
  points[0].loss = std::nextafter(0.5, 1);
  CHECK(curve_digest(points) != digest);
  points[0].loss = 0.5;
  points[0].test_correct = 1;
  CHECK(curve_digest(points) != digest);
}
