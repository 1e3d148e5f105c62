#include "gnnbench/tta.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <vector>

#include <fmt/format.h>

#include "stats/distributions.h"
#include "stats/interval.h"

namespace tenfold::gnnbench {
namespace {

// A natural number of any length, for S(t) as a fraction: in doubles 5/6 x 4/5 x 3/4 is not 1/2.
class Natural {
 public:
  void multiply(std::uint32_t factor) {
    std::uint64_t carry = 0;
    for (std::uint32_t& digit : digits_) {
      carry += std::uint64_t{digit} * factor;
      digit = static_cast<std::uint32_t>(carry);
      carry >>= 32;
    }
    if (carry > 0) digits_.push_back(static_cast<std::uint32_t>(carry));
    while (digits_.size() > 1 && digits_.back() == 0) digits_.pop_back();
  }
  bool at_most(const Natural& other) const {
    if (digits_.size() != other.digits_.size()) return digits_.size() < other.digits_.size();
    for (std::size_t i = digits_.size(); i-- > 0;)
      if (digits_[i] != other.digits_[i]) return digits_[i] < other.digits_[i];
    return true;
  }

 private:
  std::vector<std::uint32_t> digits_ = {1};  // the lowest first
};

std::size_t at_risk(std::span<const ReachTime> times, double when) {
  return static_cast<std::size_t>(std::count_if(times.begin(), times.end(), [&](const ReachTime& t) { return t.time >= when; }));
}

std::size_t events(std::span<const ReachTime> times, double when) {
  return static_cast<std::size_t>(
      std::count_if(times.begin(), times.end(), [&](const ReachTime& t) { return t.reached && t.time == when; }));
}

std::vector<double> event_times(std::span<const ReachTime> a, std::span<const ReachTime> b) {
  std::vector<double> times;
  for (const auto side : {a, b})
    for (const ReachTime& t : side)
      if (t.reached) times.push_back(t.time);
  std::sort(times.begin(), times.end());
  times.erase(std::unique(times.begin(), times.end()), times.end());
  return times;
}

const ReachTime* of_seed(std::span<const ReachTime> times, std::uint64_t seed) {
  const auto found = std::find_if(times.begin(), times.end(), [&](const ReachTime& t) { return t.seed == seed; });
  return found == times.end() ? nullptr : &*found;
}

std::optional<double> finite(double value) { return std::isfinite(value) ? std::optional(value) : std::nullopt; }

std::string seeds(std::size_t n) { return fmt::format("{} seed{}", n, n == 1 ? "" : "s"); }

std::string number(double value) { return fmt::format("{:.3g}", value); }

std::string evidence(std::optional<double> low, std::optional<double> high, const TimeRatio& r) {
  std::string text = low && high ? "95 % interval " + number(*low) + " to " + number(*high) + ", "
                     : low       ? "95 % interval from " + number(*low) + " on, "
                     : high      ? "95 % interval up to " + number(*high) + ", "
                                 : "";
  text += seeds(r.pairs);
  if (r.bounds > 0) text += fmt::format(", {} of them only a bound", r.bounds);
  if (r.both_censored > 0) text += fmt::format(", {} dropped in which neither got there", r.both_censored);
  if (r.at_zero > 0) text += fmt::format(", {} dropped in which untrained weights had got there", r.at_zero);
  return text;
}

std::optional<double> inverse(std::optional<double> value) { return value ? std::optional(1 / *value) : std::nullopt; }

Json or_null(const std::optional<double>& value) { return value ? Json(*value) : Json(nullptr); }

}  // namespace

std::optional<double> median_time(std::span<const ReachTime> times) {
  Natural twice_survivors, all;  // 2 S(t) = twice_survivors / all
  twice_survivors.multiply(2);
  for (const double when : event_times(times, {})) {
    const std::size_t risk = at_risk(times, when);
    twice_survivors.multiply(static_cast<std::uint32_t>(risk - events(times, when)));
    all.multiply(static_cast<std::uint32_t>(risk));
    if (twice_survivors.at_most(all)) return when;
  }
  return std::nullopt;
}

std::optional<double> log_rank_p(std::span<const ReachTime> a, std::span<const ReachTime> b) {
  double difference = 0, variance = 0;  // of a's events from what equal hazards would give
  for (const double when : event_times(a, b)) {
    const auto risk_a = static_cast<double>(at_risk(a, when)), risk = risk_a + static_cast<double>(at_risk(b, when));
    const auto events_a = static_cast<double>(events(a, when)), all = events_a + static_cast<double>(events(b, when));
    difference += events_a - all * risk_a / risk;
    if (risk > 1) variance += all * (risk_a / risk) * (1 - risk_a / risk) * (risk - all) / (risk - 1);
  }
  if (!(variance > 0)) return std::nullopt;
  return stats::chi_square_p(difference * difference / variance, 1);
}

TimeRatio time_ratio(std::span<const ReachTime> a, std::span<const ReachTime> b) {
  TimeRatio out;
  out.log_rank = log_rank_p(a, b);
  std::vector<double> times_a, times_b;
  std::size_t lower = 0, upper = 0;  // bounds of either kind
  for (const ReachTime& x : a) {
    const ReachTime* y = of_seed(b, x.seed);
    if (!y) continue;
    if (!x.reached && !y->reached) {
      ++out.both_censored;
    } else if (x.untrained || y->untrained || x.time <= 0 || y->time <= 0) {
      ++out.at_zero;
    } else {
      times_a.push_back(x.time);
      times_b.push_back(y->time);
      lower += !x.reached;
      upper += !y->reached;
    }
  }
  out.pairs = times_a.size();
  out.bounds = lower + upper;
  if (out.pairs == 0 || (lower > 0 && upper > 0)) return out;

  const stats::PairedRatio ratio = stats::compare_ratio(times_a, times_b);
  out.kind = lower > 0 ? RatioKind::at_least : upper > 0 ? RatioKind::at_most : RatioKind::exact;
  out.ratio = ratio.ratio;
  if (out.pairs > 1) {
    if (upper == 0) out.low = finite(ratio.interval.low);
    if (lower == 0) out.high = finite(ratio.interval.high);
  }
  out.shown = (out.low && *out.low > 1) || (out.high && *out.high < 1);
  return out;
}

std::string ratio_evidence(const TimeRatio& r) { return evidence(r.low, r.high, r); }

std::string why_no_ratio(const TimeRatio& r, const std::string& a, const std::string& b) {
  if (r.pairs > 0)
    return fmt::format("no ratio of {} to {} can be given: in some seeds only one got there, in others only the other ({})", a, b,
                       seeds(r.pairs));
  if (r.at_zero > 0)
    return fmt::format("no ratio of {} to {} can be given: untrained weights had got there before the first update ({})", a, b,
                       seeds(r.at_zero));
  if (r.both_censored > 0) return fmt::format("neither {} nor {} got there ({})", a, b, seeds(r.both_censored));
  return fmt::format("{} and {} share no seed whose times can be divided", a, b);
}

std::string verdict(const TimeRatio& r, const std::string& a, const std::string& b) {
  if (r.kind == RatioKind::none) return why_no_ratio(r, a, b);
  const bool bound = r.kind != RatioKind::exact;
  const char* least = bound ? "at least " : "";
  if (r.shown && *r.ratio >= 1)
    return fmt::format("{} took {}{} times as long as {} ({})", a, least, number(*r.ratio), b, evidence(r.low, r.high, r));
  if (r.shown)
    return fmt::format("{} took {}{} times as long as {} ({})", b, least, number(1 / *r.ratio), a,
                       evidence(inverse(r.high), inverse(r.low), r));
  const char* side = r.kind == RatioKind::at_least ? "at least " : r.kind == RatioKind::at_most ? "at most " : "";
  return fmt::format("no difference shown between {} and {}: the ratio of their times is {}{} ({})", a, b, side, number(*r.ratio),
                     evidence(r.low, r.high, r));
}

const char* name_of(RatioKind kind) {
  switch (kind) {
    case RatioKind::none: return "none";
    case RatioKind::exact: return "exact";
    case RatioKind::at_least: return "at_least";
    case RatioKind::at_most: return "at_most";
  }
  return "";
}

Json ratio_json(const TimeRatio& r) {
  return {{"kind", name_of(r.kind)}, {"ratio", or_null(r.ratio)}, {"ci", Json::array({or_null(r.low), or_null(r.high)})},
          {"pairs", r.pairs},        {"bounds", r.bounds},        {"both_censored", r.both_censored},
          {"at_zero", r.at_zero},    {"shown", r.shown},          {"log_rank_p", or_null(r.log_rank)}};
}

}  // namespace tenfold::gnnbench
