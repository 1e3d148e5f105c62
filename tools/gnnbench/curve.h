// The points at which a run is evaluated, what is kept of each, and what follows from them: best point, time to the target.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data/json.h"

namespace tenfold::gnnbench {

// When to evaluate: "geo:1.06" at updates 0, 1, then max(u + 1, ceil(1.06 u)), in rational arithmetic; "10e" every ten epochs;
// "50u" every fifty updates. The last update is evaluated besides.
class EvalSchedule {
 public:
  // Throws Error(usage): no such form, a factor that is not above 1, zero steps.
  static EvalSchedule parse(std::string_view text, std::int64_t updates_per_epoch);
  // The next update to evaluate after one at `update`.
  std::int64_t next(std::int64_t update) const;

 private:
  std::int64_t numerator_ = 0, denominator_ = 1;  // geometric
  std::int64_t step_ = 0;                         // linear
};

struct CurvePoint {
  std::int64_t update = 0;
  double epoch = 0;                // update / updates an epoch
  double train_s = 0, wall_s = 0, cpu_s = 0;
  double loss = std::numeric_limits<double>::quiet_NaN();  // mean over the updates since the last point; NaN at update 0
  std::int64_t val_correct = 0, test_correct = 0;
};

// Labelled nodes of the masks, the denominators.
struct CurveSizes {
  std::int64_t val = 0, test = 0;
};

// {update, epoch, train_s, wall_s, cpu_s, loss, val, test}; an accuracy of an empty mask is null.
Json curve_json(std::span<const CurvePoint> points, CurveSizes sizes);
// Header update,epoch,train_s,wall_s,cpu_s,loss,val,test.
std::string curve_csv(std::span<const CurvePoint> points, CurveSizes sizes);
// SHA-256 over update, epoch, loss bits, correct counts of each point, 8 bytes each, little-endian: no times.
std::string curve_digest(std::span<const CurvePoint> points);

// The first point of most correct nodes of a part; the last point where that part has no nodes and so tells nothing.
std::size_t best_point(std::span<const CurvePoint> points, CurveSizes sizes, bool by_test);

// Time to accuracy on a clock: t_hi of the first evaluation at or above the target, t_lo the one before.
struct TargetTime {
  std::size_t point = 0;
  double t_hi = 0, t_lo = 0;
};
std::optional<TargetTime> time_to_target(std::span<const double> clock_s, std::span<const double> accuracy, double target);

}  // namespace tenfold::gnnbench
