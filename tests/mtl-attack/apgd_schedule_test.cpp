// The windows of Auto-PGD, and when it halves.
#include <doctest/doctest.h>

#include "mtl-attack/apgd_schedule.h"

using namespace tenfold::mtl_attack;

TEST_CASE("checkpoints: 20 steps look at 4, 7, 9 and then every step; 50 at 11, 21, 30, 38, 45") {
  CHECK(apgd_checkpoints(20) == std::vector<int>{4, 7, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20});
  CHECK(apgd_checkpoints(50) == std::vector<int>{11, 21, 30, 38, 45});
  CHECK(apgd_checkpoints(1) == std::vector<int>{1});
}

TEST_CASE("a rise at each step keeps the step size, until a window without growth of the best") {
  ApgdSchedule schedule(20, 1.0, 0);
  for (int f = 1; f <= 20; ++f) CHECK_FALSE(schedule.record(f, f));
  CHECK(schedule.eta() == 1);
}

TEST_CASE("three rises of four are not enough") {
  ApgdSchedule schedule(20, 1.0, 0);
  CHECK_FALSE(schedule.record(1, 1));
  CHECK_FALSE(schedule.record(2, 2));
  CHECK_FALSE(schedule.record(1.5, 2));
  CHECK(schedule.record(3, 3));  // 3 <= 0.75 * 4
  CHECK(schedule.eta() == 0.5);
}

TEST_CASE("rises below the best halve only if the last check did not") {
  // Window 4: rises 1 2 3 4 from f_0 taken as 0, though the best (the start, 10) never grows: "halved" starts true.
  ApgdSchedule schedule(20, 1.0, 10);
  for (const double f : {1.0, 2.0, 3.0}) CHECK_FALSE(schedule.record(f, 10));
  CHECK_FALSE(schedule.record(4, 10));
  CHECK_FALSE(schedule.record(5, 10));
  CHECK_FALSE(schedule.record(6, 10));
  CHECK(schedule.record(7, 10));  // window 3, all rises, best as at the last check, which did not halve
  CHECK(schedule.eta() == 0.5);
  CHECK_FALSE(schedule.record(8, 10));
  CHECK_FALSE(schedule.record(9, 10));  // window 2: rises, the last check halved
}

TEST_CASE("the best is compared with what it was at the last check, not at the start") {
  ApgdSchedule schedule(20, 1.0, 0);
  for (const double f : {1.0, 2.0, 3.0, 4.0}) CHECK_FALSE(schedule.record(f, f));
  for (const double f : {5.0, 6.0, 7.0}) CHECK_FALSE(schedule.record(f, 12));  // grown from 4 to 12
  CHECK_FALSE(schedule.record(8, 12));
  CHECK(schedule.record(9, 12));  // rises, but the best is what it was
}
