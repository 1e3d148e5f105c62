// Time to accuracy over several seeds: medians where some runs never got there, tests, and ratios of two systems seed by seed.
//
// A run that never reached the target is censored at its end: that it takes longer is all that is known. It never counts as if it
// had reached the target there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "data/json.h"

namespace tenfold::gnnbench {

struct ReachTime {
  std::uint64_t seed = 0;
  double time = 0;  // seconds (or updates, or epochs) to the target; of a censored run to its end
  bool reached = true;  // else censored
  bool untrained = false;  // reached before the first update: time is 0, and a ratio says nothing
};

// Kaplan and Meier (1958): the first time with S(t) <= 1/2, in whole numbers; nothing if S stays above. Of an even number of
// uncensored times this is the lower of the two in the middle. Runs censored at the time of an event were still at risk then.
std::optional<double> median_time(std::span<const ReachTime> times);

// p of the log-rank test (Mantel 1966) that both take equally long, by chi-square with one degree. Nothing where it is not
// defined: no event, or nobody of one side at risk at any event.
std::optional<double> log_rank_p(std::span<const ReachTime> a, std::span<const ReachTime> b);

enum class RatioKind : std::uint8_t {
  none,  // no pair tells anything, or bounds lie on both sides
  exact,
  at_least,  // some of a's runs were censored: the ratio is this or more
  at_most,  // some of b's
};

// Time of a over time of b, the geometric mean over pairs of equal seed, with Student's interval of the logarithms' mean.
// Of a pair with one censored side the ratio of the times is a bound. Bounds count only if all lie on one side; then the interval
// is one-sided, too: where each value is a lower bound, the lower end of their mean's interval bounds the true mean from below.
struct TimeRatio {
  RatioKind kind = RatioKind::none;
  std::size_t pairs = 0;  // that count
  std::size_t bounds = 0;  // of them
  std::size_t both_censored = 0;  // dropped
  std::size_t at_zero = 0;  // dropped: reached before the first update, where a ratio says nothing
  std::optional<double> ratio;
  std::optional<double> low, high;  // 95 %; nothing with one pair, and on the open side of a bound
  bool shown = false;  // the interval lies on one side of 1
  std::optional<double> log_rank;  // p, of all runs, paired or not
};
TimeRatio time_ratio(std::span<const ReachTime> a, std::span<const ReachTime> b);

// "sync took 2.4 times as long as ns (95 % interval 1.9 to 3.1, 5 seeds)", "no difference shown between ...", "... at least ...".
std::string verdict(const TimeRatio& ratio, const std::string& a, const std::string& b);
// "95 % interval 1.9 to 3.1, 5 seeds, 1 of them only a bound, 2 dropped in which neither got there": what counts, and what does
// not.
std::string ratio_evidence(const TimeRatio& ratio);
// Of a ratio of kind none.
std::string why_no_ratio(const TimeRatio& ratio, const std::string& a, const std::string& b);

const char* name_of(RatioKind kind);
// {"kind", "ratio", "ci", "pairs", "bounds", "both_censored", "at_zero", "shown", "log_rank_p"}
Json ratio_json(const TimeRatio& ratio);

}  // namespace tenfold::gnnbench
