// Ratios of runs that are paired by seed, and the verdicts on what is claimed, on numbers made up for it.
#include "hmc-marg/compare.h"

#include <doctest/doctest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/error.h"
#include "hmc-marg/compare_report.h"

using namespace tenfold;
using namespace tenfold::hmc_marg;

namespace {

constexpr double kT2 = 4.302652729911275;  // 97.5 % quantile of Student's t with 2 degrees of freedom

CompareRow row(const std::string& model, const std::string& variant, std::uint64_t seed, double min_ess, double cpu_s,
               double gradients, long divergences = 0) {
  CompareRow out{.model = model, .variant = variant, .seed = seed, .figures = {}, .error = ""};
  out.figures.sampled = 3;
  out.figures.min_ess = min_ess;
  out.figures.slowest = "tau";
  out.figures.cpu_s = cpu_s;
  out.figures.gradients = gradients;
  out.figures.leapfrogs = 7;
  out.figures.divergences = divergences;
  out.figures.max_rhat = 1.01;
  return out;
}

CompareRow failed_row(const std::string& model, const std::string& variant, std::uint64_t seed) {
  return {.model = model, .variant = variant, .seed = seed, .figures = {}, .error = "no finite density, they say"};
}

// Runs of auto and a rival over seeds whose ratios per CPU second are those given.
void add_pairs(std::vector<CompareRow>& rows, const std::string& rival, const std::vector<double>& ratios,
               bool with_auto = true) {
  for (std::size_t k = 0; k < ratios.size(); ++k) {
    const double base = 100.0 * static_cast<double>(k + 1);
    rows.push_back(row("m", rival, k, base / ratios[k], 1, 1000));
    if (with_auto) rows.push_back(row("m", kAuto, k, base, 1, 1000));
  }
}

ClauseStatus status(const std::vector<Clause>& clauses, ClauseKind kind) {
  for (const Clause& c : clauses)
    if (c.kind == kind) return c.status;
  FAIL("no such clause");
  return ClauseStatus::not_run;
}

const Clause& clause(const std::vector<Clause>& clauses, ClauseKind kind) {
  for (const Clause& c : clauses)
    if (c.kind == kind) return c;
  FAIL("no such clause");
  return clauses.front();
}

}  // namespace

TEST_CASE("a contrast pairs by seed, takes logarithms, and has Student's interval") {
  // log ratios per CPU second 1, 2, 3: mean 2, standard deviation 1. The levels differ from seed to seed by far more, so that
  // unpaired runs would show nothing; the rows come in no order.
  const double e = std::exp(1.0);
  const std::vector<CompareRow> rows = {
      row("m", kAuto, 1, 100 * e, 2, 10),          row("m", kNone, 3, 9e6, 3, 50), row("m", kNone, 1, 100, 2, 20),
      row("m", kAuto, 3, 9e6 * e * e * e, 3, 100), row("m", kNone, 2, 8, 4, 30),   row("m", kAuto, 2, 8 * e * e, 4, 60),
  };
  const std::vector<Contrast> all = contrasts(rows);
  REQUIRE(all.size() == 1);
  const Contrast& c = all[0];
  CHECK(c.a == kAuto);
  CHECK(c.b == kNone);
  CHECK(c.per_cpu_s.n == 3);
  CHECK(std::log(c.per_cpu_s.ratio) == doctest::Approx(2).epsilon(1e-12));
  CHECK(std::log(c.per_cpu_s.interval.low) == doctest::Approx(2 - kT2 / std::sqrt(3.0)).epsilon(1e-9));
  CHECK(std::log(c.per_cpu_s.interval.high) == doctest::Approx(2 + kT2 / std::sqrt(3.0)).epsilon(1e-9));
  CHECK_FALSE(c.per_cpu_s.shown);
  CHECK(ratio_text(c.per_cpu_s) == "no difference shown (0.616 to 88.6)");
  // Per gradient 1 + log 2, 2 - log 2, 3 - log 2.
  const double mean = 2 - std::log(2.0) / 3;
  CHECK(std::log(c.per_gradient.ratio) == doctest::Approx(mean).epsilon(1e-12));
  const Json json = contrast_json(c);
  CHECK(json["ess_per_cpu_s"]["log_ratio"].get<double>() == doctest::Approx(2).epsilon(1e-12));
  CHECK(json["ess_per_cpu_s"]["ci"][1].get<double>() == doctest::Approx(2 + kT2 / std::sqrt(3.0)).epsilon(1e-9));
  CHECK(json["ess_per_gradient"]["n"] == 3);
}

TEST_CASE("a failed run drops its pair; without gradients there is no ratio of them") {
  std::vector<CompareRow> rows;
  add_pairs(rows, kNone, {4, 4, 4});
  rows[0] = failed_row("m", kNone, 0);
  for (CompareRow& r : rows)
    if (r.variant == kAuto) r.figures.gradients = 0;  // nothing left to sample
  const Contrast c = contrasts(rows).at(0);
  CHECK(c.per_cpu_s.n == 2);
  CHECK(c.per_cpu_s.ratio == doctest::Approx(4));
  CHECK(ratio_text(c.per_cpu_s) == "4.00 times (4.00 to 4.00)");
  CHECK(c.per_gradient.n == 0);
  CHECK(ratio_text(c.per_gradient) == "not measured");
  CHECK(contrast_json(c)["ess_per_gradient"].is_null());
}

TEST_CASE("one seed has a ratio and no interval") {
  std::vector<CompareRow> rows;
  add_pairs(rows, kNone, {12.34});
  const Contrast c = contrasts(rows).at(0);
  CHECK(ratio_text(c.per_cpu_s) == "12.3 times (one seed: no interval)");
  CHECK(contrast_json(c)["ess_per_cpu_s"]["ci"] == Json::array({nullptr, nullptr}));
  const std::vector<Clause> clauses = judge_model("m", true, rows, "");
  CHECK(status(clauses, ClauseKind::not_slower) == ClauseStatus::not_run);
  CHECK(status(clauses, ClauseKind::eight_times) == ClauseStatus::not_run);
  CHECK(status(clauses, ClauseKind::no_divergences) == ClauseStatus::holds);
}

TEST_CASE("auto is held against every other variant; without it the first one is") {
  std::vector<CompareRow> rows;
  add_pairs(rows, kReparam, {2, 2});
  add_pairs(rows, kNone, {3, 3}, false);
  add_pairs(rows, kTwin, {0.5, 0.5}, false);
  std::vector<Contrast> all = contrasts(rows);
  REQUIRE(all.size() == 3);
  for (const Contrast& c : all) CHECK(c.a == kAuto);
  CHECK(all[2].b == kTwin);
  CHECK(all[2].per_cpu_s.ratio == doctest::Approx(0.5));
  std::erase_if(rows, [](const CompareRow& r) { return r.variant == kAuto; });
  all = contrasts(rows);
  REQUIRE(all.size() == 2);
  CHECK(all[0].a == kReparam);
  CHECK(all[0].per_cpu_s.ratio == doctest::Approx(1.5));  // (base / 2) / (base / 3)
}

TEST_CASE("not slower: shown where the intervals lie above one, refuted by one below, neither where one holds it") {
  std::vector<CompareRow> rows;
  add_pairs(rows, kNone, {20, 21, 22});
  CHECK(status(judge_model("m", false, rows, ""), ClauseKind::not_slower) == ClauseStatus::holds);
  add_pairs(rows, kReparam, {0.5, 0.9, 1.4}, false);  // holds 1
  CHECK(status(judge_model("m", false, rows, ""), ClauseKind::not_slower) == ClauseStatus::not_shown);
  // Nothing is shown by an interval that holds everything.
  std::vector<CompareRow> wide;
  add_pairs(wide, kNone, {1e-4, 1e4});
  CHECK(status(judge_model("m", false, wide, ""), ClauseKind::not_slower) == ClauseStatus::not_shown);
  std::erase_if(rows, [](const CompareRow& r) { return r.variant == kReparam; });
  add_pairs(rows, kReparam, {0.8, 0.81, 0.82}, false);
  const std::vector<Clause> clauses = judge_model("m", false, rows, "");
  CHECK(clauses.size() == 2);
  const Clause& slower = clause(clauses, ClauseKind::not_slower);
  CHECK(slower.status == ClauseStatus::does_not_hold);
  CHECK(slower.against == kReparam);
  CHECK(slower.per_cpu_s.ratio == doctest::Approx(std::cbrt(0.8 * 0.81 * 0.82)));
}

TEST_CASE("eight times: shown where the interval lies above eight, refuted below it, open between, against the better rival") {
  const auto judged = [](const std::vector<double>& none, const std::vector<double>& reparam) {
    std::vector<CompareRow> rows;
    add_pairs(rows, kNone, none);
    if (!reparam.empty()) add_pairs(rows, kReparam, reparam, false);
    return status(judge_model("m", true, rows, ""), ClauseKind::eight_times);
  };
  CHECK(judged({10, 10.1, 10.2}, {}) == ClauseStatus::holds);
  CHECK(judged({7, 10, 14}, {}) == ClauseStatus::not_shown);
  CHECK(judged({5, 5.1, 5.2}, {}) == ClauseStatus::does_not_hold);
  CHECK(judged({100, 101, 102}, {5, 5.1, 5.2}) == ClauseStatus::does_not_hold);
  CHECK(judged({100, 101, 102}, {7, 10, 14}) == ClauseStatus::not_shown);
  CHECK(judged({5, 5.1, 5.2}, {100, 101, 102}) == ClauseStatus::does_not_hold);
}

TEST_CASE("divergences count in auto alone, over all seeds") {
  std::vector<CompareRow> rows;
  add_pairs(rows, kNone, {10, 10, 10});
  rows[0].figures.divergences = 500;  // of none
  CHECK(status(judge_model("m", false, rows, ""), ClauseKind::no_divergences) == ClauseStatus::holds);
  rows.back().figures.divergences = 1;
  const std::vector<Clause> clauses = judge_model("m", false, rows, "");
  CHECK(status(clauses, ClauseKind::no_divergences) == ClauseStatus::does_not_hold);
  CHECK(clause(clauses, ClauseKind::no_divergences).divergences == 1);
}

TEST_CASE("failures: of auto they break every clause, of a rival they are named, of the data nothing was run") {
  std::vector<CompareRow> rows;
  add_pairs(rows, kNone, {10, 10.1, 10.2});
  for (std::uint64_t seed = 0; seed < 3; ++seed) rows.push_back(failed_row("m", kReparam, seed));
  const std::vector<Clause> against_none = judge_model("m", true, rows, "");
  CHECK(clause(against_none, ClauseKind::eight_times).status == ClauseStatus::holds);
  CHECK(clause(against_none, ClauseKind::eight_times).why.find("reparam did not run") != std::string::npos);
  rows[1] = failed_row("m", kAuto, 0);
  for (const Clause& c : judge_model("m", true, rows, "")) CHECK(c.status == ClauseStatus::does_not_hold);
  for (const Clause& c : judge_model("elsewhere", true, rows, "its data are not there")) {
    CHECK(c.status == ClauseStatus::not_run);
    CHECK(c.why == "its data are not there");
  }
}

TEST_CASE("the verdict over all clauses names what breaks it, what is open and what was not run") {
  std::vector<CompareRow> rows;
  add_pairs(rows, kNone, {10, 10.1, 10.2});
  std::vector<Clause> clauses = judge_model("m", true, rows, "");
  CHECK(claim_sentence("It", clauses) == "It holds in the 3 clauses that were judged.");
  for (const Clause& c : judge_model("far", true, {}, "no data")) clauses.push_back(c);
  CHECK(claim_sentence("It", clauses) == "It holds in the 3 clauses that were judged. Not judged: far (no data).");
  CHECK(claim_sentence("It", judge_model("far", true, {}, "no data")) == "It was not judged. Not judged: far (no data).");
  clauses[1].status = ClauseStatus::not_shown;
  CHECK(
      claim_sentence("It", clauses)
          .starts_with("It holds in 2 of the 3 clauses that were judged, and is not refuted. Neither shown nor refuted: auto at "
                       "least 8 times"));
  std::vector<Clause> open(1, clauses[1]);
  CHECK(claim_sentence("It", open).starts_with("It is neither shown nor refuted in the one clause that was judged."));
  clauses[0].status = ClauseStatus::does_not_hold;
  CHECK(claim_sentence("It", clauses).starts_with("It does not hold: auto at least as fast as none and reparam on m ("));
}

TEST_CASE("against a program that is auto's own nothing is judged") {
  std::vector<CompareRow> rows;
  for (std::uint64_t seed = 0; seed < 3; ++seed) rows.push_back(row("m", kAuto, seed, 100, 1, 10));
  const Clause alone = clause(judge_model("m", false, rows, "", {kNone}), ClauseKind::not_slower);
  CHECK(alone.status == ClauseStatus::not_run);
  CHECK(alone.why == "auto is the same program as none");
  rows.clear();
  add_pairs(rows, kReparam, {2, 2.1, 2.2});
  CHECK(status(judge_model("m", false, rows, "", {kNone}), ClauseKind::not_slower) == ClauseStatus::holds);
}

TEST_CASE("a ratio to chains that disagree is marked in its own row; auto's own disagreement shows nothing") {
  std::vector<CompareRow> rows;
  add_pairs(rows, kNone, {10, 10, 10});
  add_pairs(rows, kReparam, {2, 2, 2}, false);
  CHECK(contrasts(rows).at(0).caution.empty());
  CHECK(contrast_json(contrasts(rows).at(0))["caution"].is_null());
  CHECK(contrasts_table(contrasts(rows)).columns.size() == 5);
  rows[2].figures.max_rhat = 3.64;  // of none
  const std::vector<Contrast> all = contrasts(rows);
  CHECK(all.at(0).caution == "chains of none disagree (R-hat 3.64): no ratio of samplers that both reach the posterior");
  CHECK(all.at(1).caution.empty());
  const report::Table table = contrasts_table(all);
  CHECK(table.rows.at(0).back() == all.at(0).caution);
  CHECK(table.rows.at(1).size() == table.columns.size());
  const std::vector<Clause> judged = judge_model("m", true, rows, "");
  CHECK(clause(judged, ClauseKind::not_slower).status == ClauseStatus::holds);
  CHECK(clause(judged, ClauseKind::not_slower).why.find("but chains of none disagree (R-hat 3.64)") != std::string::npos);
  rows[1].figures.max_rhat = 1.2;  // of auto
  CHECK(status(judge_model("m", true, rows, ""), ClauseKind::not_slower) == ClauseStatus::not_shown);
}

TEST_CASE("a twin is checked by the means of common columns, pooled over seeds") {
  std::vector<CompareRow> rows;
  const auto add = [&](const char* variant, std::uint64_t seed, std::vector<ColumnMean> means) {
    rows.push_back(row("m", variant, seed, 100, 1, 10));
    rows.back().means = std::move(means);
  };
  add(kNone, 1, {{"mu", 50, 1}});  // not looked at where auto has run
  add(kAuto, 1, {{"mu", 4.0, 0.3}, {"tau", 1, 0.1}, {"only", 9, 1}});
  add(kAuto, 2, {{"mu", 5.0, 0.4}, {"tau", 1, 0.1}, {"only", 9, 1}});
  add(kTwin, 1, {{"e", 0, 1}, {"mu", 5.0, 0.3}, {"tau", 1.1, 0.1}});
  add(kTwin, 2, {{"e", 0, 1}, {"mu", 6.0, 0.4}, {"tau", 0.9, 0.1}});
  TwinCheck check = check_twin("m", rows);
  CHECK(check.compared == 2);
  CHECK(check.worst == "mu");
  CHECK(check.max_abs_z == doctest::Approx(1 / std::sqrt(2 * 0.25 / 4)));  // (5.5 - 4.5) / sqrt(0.25^2 + 0.25^2)
  CHECK(check.limit == doctest::Approx(3.4807564).epsilon(1e-6));            // 0.025 % in each tail
  CHECK_FALSE(check.difference_shown);
  rows.back().means[1].mean = 7.5;
  check = check_twin("m", rows);
  CHECK(check.difference_shown);
  CHECK(twin_sentence(check).find("mu is off by 4.9 joint standard errors") != std::string::npos);
  for (CompareRow& r : rows)
    if (r.variant == kTwin) r.means = {{"else", 1, 1}};
  CHECK(check_twin("m", rows).compared == 0);
  CHECK(twin_json(check_twin("m", rows))["max_abs_z"].is_null());
}

TEST_CASE("a row survives the saved state, and a broken one is refused") {
  CompareRow whole = row("m", kAuto, 3, 1234.5678901234567, 0.1, 999, 2);
  whole.means = {{"tau", 1.0 / 3, 0.1}, {"mu", -2, std::nan("")}};
  CHECK(saved_row(row_from_json(Json::parse(saved_row(whole).dump()))) == saved_row(whole));
  CHECK(saved_row(whole)["means"].size() == 2);
  CHECK_FALSE(row_json(whole).contains("means"));
  CHECK(row_json(whole)["ess_per_cpu_s"].get<double>() == 1234.5678901234567 / 0.1);
  CHECK(row_json(whole)["ess_per_gradient"].get<double>() == 1234.5678901234567 / 999);
  const CompareRow failed = failed_row("m", kNone, 4);
  CHECK(row_json(row_from_json(saved_row(failed))) == row_json(failed));
  CHECK(row_json(failed)["min_ess"].is_null());
  for (const char* key : {"model", "seed", "error", "min_ess", "divergences", "means"}) {
    Json broken = saved_row(whole);
    broken.erase(key);
    CHECK_THROWS_AS(row_from_json(broken), Error);
    broken[key] = Json::array({1});
    CHECK_THROWS_AS(row_from_json(broken), Error);
  }
}

TEST_CASE("compare.csv holds the rows of the result") {
  const std::vector<CompareRow> rows = {row("m", kAuto, 3, 1234.5678901234567, 0.1, 999, 2), failed_row("m", kNone, 4)};
  std::istringstream lines(rows_csv(rows));
  std::string header, first, second, rest;
  std::getline(lines, header);
  std::getline(lines, first);
  std::getline(lines, second);
  CHECK(header ==
        "model,variant,seed,sampled,min_ess,slowest,gradients,leapfrogs,divergences,max_rhat,ess_per_gradient,cpu_s,"
        "ess_per_cpu_s,error");
  CHECK(first == "m,auto,3,3,1234.5678901234567,tau,999,7,2,1.01,1.2358036938172738,0.1,12345.678901234565,");
  CHECK(second == "m,none,4,,,,,,,,,,,\"no finite density, they say\"");
  CHECK_FALSE(std::getline(lines, rest));
}

TEST_CASE("means of a variant: rates on the logarithmic scale, divergences and R-hat over all runs") {
  std::vector<CompareRow> rows = {row("m", kAuto, 1, 100, 1, 100, 1), row("m", kAuto, 2, 400, 1, 100, 2),
                                  failed_row("m", kAuto, 3), failed_row("m", kNone, 1)};
  rows[0].figures.slowest = "theta.4";
  rows[1].figures.max_rhat = 1.3;
  const std::vector<VariantMeans> means = variant_means(rows);
  REQUIRE(means.size() == 1);  // none has no run
  CHECK(means[0].min_ess == doctest::Approx(250));
  CHECK(means[0].slowest == "theta.4");
  CHECK(means[0].per_cpu_s.n == 2);
  CHECK(means[0].per_cpu_s.mean == doctest::Approx(200));
  CHECK(means[0].per_gradient.mean == doctest::Approx(2));
  CHECK(means[0].divergences == 3);
  CHECK(means[0].max_rhat == doctest::Approx(1.3));
  CHECK(variants_table(means).rows.at(0).at(2) == "theta.4");
  CHECK(rate_charts(means).at(0).name == "ess_per_cpu_s");
  CHECK(model_sentence("m", 9, means, {}) ==
        "m: auto samples 3 of 9 dimensions; nothing to hold it against; divergences: 3 of auto; chains that disagree: auto "
        "(R-hat 1.30).");
}

TEST_CASE("a model's sentence says against what, over how many seeds") {
  std::vector<CompareRow> rows;
  add_pairs(rows, kNone, {10, 10, 10});
  CHECK(model_sentence("m", 9, variant_means(rows), contrasts(rows)) ==
        "m: auto samples 3 of 9 dimensions; effective draws per CPU second over 3 seeds against none 10.0 times (10.0 to 10.0).");
}

TEST_CASE("rates are read with three digits") {
  CHECK(rate_text(97869.4) == "97869");
  CHECK(rate_text(105.2) == "105");
  CHECK(rate_text(12.34) == "12.3");
  CHECK(rate_text(9.9999) == "10.0");
  CHECK(rate_text(0.05812) == "0.0581");
  CHECK(rate_text(1.6e20) == "1.6e+20");
  CHECK(rate_text(2e-7) == "2.0e-07");
  CHECK(rate_text(std::nan("")) == "-");
}
