// Variants held against each other: rows of measured runs, paired ratios with intervals, and what is claimed of them.
//
// Runs are paired by seed. A ratio a/b is the geometric mean over seeds; its 95 % interval is Student's t on the logarithms.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "data/json.h"
#include "hmc-marg/variants.h"
#include "stats/interval.h"

namespace tenfold::hmc_marg {

struct CompareRow {
  std::string model;
  std::string variant;
  std::uint64_t seed = 0;
  Figures figures;
  std::string error;  // why the run gave no figures; else empty
  std::vector<ColumnMean> means = {};  // of the parameters' columns; kept only where a twin is checked by them
};

Json row_json(const CompareRow& row);
// The same with the means, for a saved state, and the inverse. Throws Error(input) where a field is missing or of another kind.
Json saved_row(const CompareRow& row);
CompareRow row_from_json(const Json& json);
// Header and a line a row. Columns that hold times end in _s.
std::string rows_csv(const std::vector<CompareRow>& rows);

// What the runs of one variant of a model have in common.
struct VariantMeans {
  std::string model, variant;
  int sampled = 0;
  double min_ess = 0;               // mean
  std::string slowest;              // of the run with the smallest
  // Geometric means with intervals; n = 0 where no run has the figure, an infinite interval for n = 1.
  stats::MeanInterval per_cpu_s, per_gradient;
  long divergences = 0;             // of all runs
  double max_rhat = 0;              // of all runs
};
// In the order of first appearance; a variant all of whose runs failed is left out.
std::vector<VariantMeans> variant_means(const std::vector<CompareRow>& rows);

inline constexpr double kApart = 1.05;  // R-hat above which a run has not converged by any standard

// Pairs of seeds that have the figure in both variants; n = 0: none, and the rest says nothing.
struct Contrast {
  std::string model, a, b;
  stats::PairedRatio per_cpu_s, per_gradient;  // of a's min ESS to b's
  std::string
      caution;  // that the chains of one of them disagree, so that the ratio is none of two samplers that work; else empty
};
// Per model: auto, or the first variant there is where auto is not, against each other one.
std::vector<Contrast> contrasts(const std::vector<CompareRow>& rows);
Json contrast_json(const Contrast& contrast);

// Three digits: "105", "0.0123"; with an exponent below 1e-4 and from 1e7 on.
std::string rate_text(double x);

// "12.3 times (9.1 to 16.2)", "no difference shown (0.8 to 1.4)", "12.3 times (one seed: no interval)", "not measured".
std::string ratio_text(const stats::PairedRatio& ratio);

// What is claimed, per model. not_slower: the effective draws of auto per CPU second are at least those of none and of reparam;
// it holds where the intervals of the ratios lie at or above 1, is refuted by one below 1, and is not shown in between.
// eight_times, of some models: the same with 8 for 1. Neither holds where auto's own chains disagree. no_divergences: none of
// auto's draws diverges.
enum class ClauseKind { not_slower, eight_times, no_divergences };
enum class ClauseStatus { holds, not_shown, does_not_hold, not_run };
inline constexpr double kManyTimes = 8;

struct Clause {
  ClauseKind kind = ClauseKind::not_slower;
  std::string model;
  ClauseStatus status = ClauseStatus::not_run;
  std::string why;  // a phrase: the ratios, the divergences, or what was not run
  std::string against;  // the better of none and reparam; empty for divergences and where nothing was compared
  stats::PairedRatio per_cpu_s;  // n = 0 likewise
  long divergences = -1;  // -1: not counted
};
const char* name_of(ClauseKind kind);
const char* name_of(ClauseStatus status);

// The clauses of one model. A model without rows: not run, with `missing` as the reason. One seed gives no interval and so
// judges no ratio. A run of auto that failed breaks every clause. same_as_auto: variants that are auto's very program and so were
// not run; against them nothing is judged.
std::vector<Clause> judge_model(const std::string& model, bool many_times, const std::vector<CompareRow>& rows,
                                const std::string& missing, const std::vector<std::string>& same_as_auto = {});

// Whether a twin has the posterior of the program: means of the columns that both have, over all seeds, against their Monte Carlo
// errors.
struct TwinCheck {
  int compared = 0;
  double max_abs_z = 0;
  std::string worst;
  double limit = 0;  // exceeded by the largest of so many with probability 0.1 % at most (Bonferroni)
  bool difference_shown = false;
};
// Against auto, or the first variant that has runs. compared = 0: nothing in common.
TwinCheck check_twin(const std::string& model, const std::vector<CompareRow>& rows);
Json twin_json(const TwinCheck& check);
// By the figure that they judge: {ess_per_cpu_s: [...], divergences: [...]}.
Json clauses_json(const std::vector<Clause>& clauses);

}  // namespace tenfold::hmc_marg
