#include "gnnbench/curve.h"

#include <bit>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

#include <fmt/format.h>

#include "base/error.h"
#include "base/sha256.h"

namespace tenfold::gnnbench {
namespace {

[[noreturn]] void bad_schedule(std::string_view text, const char* what) {
  usage_error(fmt::format("--eval-every {}: {}; geo:1.06, 10e (epochs) or 50u (updates) are meant", text, what));
}

double accuracy(std::int64_t correct, std::int64_t size) {
  return size > 0 ? static_cast<double>(correct) / static_cast<double>(size) : std::numeric_limits<double>::quiet_NaN();
}

Json number_or_null(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

std::string csv_number(double value) { return std::isfinite(value) ? fmt::format("{}", value) : ""; }

}  // namespace

EvalSchedule EvalSchedule::parse(std::string_view text, std::int64_t updates_per_epoch) {
  EvalSchedule schedule;
  if (text.starts_with("geo:")) {
    // The decimal as a fraction: in doubles ceil(1.12 x 25) is 29.
    const std::string_view factor = text.substr(4);
    std::int64_t numerator = 0, denominator = 1;
    bool point = false, digit = false;
    for (const char c : factor) {
      if (c == '.' && !point) {
        point = true;
      } else if (c >= '0' && c <= '9' && numerator < 100'000'000 && denominator < 100'000'000) {
        numerator = 10 * numerator + (c - '0');
        if (point) denominator *= 10;
        digit = true;
      } else {
        bad_schedule(text, "the factor is a decimal of at most eight digits");
      }
    }
    if (!digit || numerator <= denominator) bad_schedule(text, "the factor must be above 1");
    schedule.numerator_ = numerator;
    schedule.denominator_ = denominator;
    return schedule;
  }
  std::int64_t count = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, count);
  if (error != std::errc() || rest + 1 != end || (*rest != 'e' && *rest != 'u')) bad_schedule(text, "no such schedule");
  if (count < 1 || count > 1'000'000'000) bad_schedule(text, "at least 1 and at most a billion");
  schedule.step_ = *rest == 'e' ? count * updates_per_epoch : count;
  return schedule;
}

std::int64_t EvalSchedule::next(std::int64_t update) const {
  if (step_ > 0) return (update / step_ + 1) * step_;
  if (update == 0) return 1;
  using Wide = __int128;
  const Wide product = Wide{update} * numerator_;
  const auto scaled = static_cast<std::int64_t>((product + denominator_ - 1) / denominator_);
  return std::max(update + 1, scaled);
}

Json curve_json(std::span<const CurvePoint> points, CurveSizes sizes) {
  Json out = Json::array();
  for (const CurvePoint& p : points)
    out.push_back({{"update", p.update},
                   {"epoch", p.epoch},
                   {"train_s", p.train_s},
                   {"wall_s", p.wall_s},
                   {"cpu_s", p.cpu_s},
                   {"loss", number_or_null(p.loss)},
                   {"val", number_or_null(accuracy(p.val_correct, sizes.val))},
                   {"test", number_or_null(accuracy(p.test_correct, sizes.test))}});
  return out;
}

std::string curve_csv(std::span<const CurvePoint> points, CurveSizes sizes) {
  std::string out = "update,epoch,train_s,wall_s,cpu_s,loss,val,test\n";
  for (const CurvePoint& p : points)
    out += fmt::format("{},{},{},{},{},{},{},{}\n", p.update, p.epoch, p.train_s, p.wall_s, p.cpu_s, csv_number(p.loss),
                       csv_number(accuracy(p.val_correct, sizes.val)), csv_number(accuracy(p.test_correct, sizes.test)));
  return out;
}

std::string curve_digest(std::span<const CurvePoint> points) {
  Sha256 hash;
  const auto word = [&](std::uint64_t value) { hash.update(std::as_bytes(std::span(&value, 1))); };
  for (const CurvePoint& p : points) {
    word(static_cast<std::uint64_t>(p.update));
    word(std::bit_cast<std::uint64_t>(p.epoch));
    // One NaN for all: update 0 has no loss.
    word(std::isnan(p.loss) ? 0x7ff8000000000000u : std::bit_cast<std::uint64_t>(p.loss));
    word(static_cast<std::uint64_t>(p.val_correct));
    word(static_cast<std::uint64_t>(p.test_correct));
  }
  return hash.hex();
}

std::size_t best_point(std::span<const CurvePoint> points, CurveSizes sizes, bool by_test) {
  if ((by_test ? sizes.test : sizes.val) == 0) return points.size() - 1;
  std::size_t best = 0;
  const auto correct = [&](std::size_t i) { return by_test ? points[i].test_correct : points[i].val_correct; };
  for (std::size_t i = 1; i < points.size(); ++i)
    if (correct(i) > correct(best)) best = i;
  return best;
}

std::optional<TargetTime> time_to_target(std::span<const double> clock_s, std::span<const double> accuracy, double target) {
  for (std::size_t i = 0; i < accuracy.size(); ++i)
    if (accuracy[i] >= target) return TargetTime{.point = i, .t_hi = clock_s[i], .t_lo = i == 0 ? clock_s[i] : clock_s[i - 1]};
  return std::nullopt;
}

}  // namespace tenfold::gnnbench
