// What a comparison settles, flags and says, on curves made by hand.
#include "gnnbench/comparison.h"

#include <doctest/doctest.h>
#include <cmath>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "gnnbench/comparison_charts.h"
#include "gnnbench/comparison_report.h"
#include "gnnbench/comparison_support.h"
#include "gnnbench/verdicts.h"

using namespace tenfold;
using namespace tenfold::gnnbench;
using testing::record;

namespace {

Measure measure_of(const char* target, ClockKind clock = ClockKind::train) {
  return {.target = parse_target(target), .on = Part::val, .clock = clock};
}

// sync gets to 0.8 at 4, 5, 6 s and 0.9 never; ns to 0.8 at 2, 2, 3 s.
std::vector<RunRecord> two_systems() {
  return {record("sync", 1, {{0, .1}, {2, .6}, {4, .80}, {8, .84}}, .80), record("ns:5:5", 1, {{0, .1}, {1, .7}, {2, .85}}, .81),
          record("sync", 2, {{0, .1}, {2, .6}, {5, .81}, {8, .83}}, .81), record("ns:5:5", 2, {{0, .1}, {1, .6}, {2, .80}}, .80),
          record("sync", 3, {{0, .1}, {2, .5}, {6, .80}, {8, .82}}, .82), record("ns:5:5", 3, {{0, .1}, {1, .6}, {3, .86}}, .82)};
}

std::vector<RunRecord> with(std::vector<RunRecord> runs, const std::vector<RunRecord>& more) {
  runs.insert(runs.end(), more.begin(), more.end());
  return runs;
}

bool says(const Comparison& c, const std::string& text) {
  const std::vector<std::string> sentences = verdicts(c);
  return std::any_of(sentences.begin(), sentences.end(), [&](const std::string& s) { return s.find(text) != std::string::npos; });
}

const Claim* claim_of(const std::vector<Claim>& claims, const std::string& part) {
  for (const Claim& claim : claims)
    if (claim.claim.find(part) != std::string::npos) return &claim;
  return nullptr;
}

}  // namespace

TEST_CASE("target auto:f is f times the weaker family's best median") {
  // Highest accuracies: sync .84 .83 .82, median .83; ns .85 .80 .86, median .85.
  const Comparison c = compare_runs(two_systems(), measure_of("auto:1"));
  CHECK(c.best_fg == doctest::Approx(.83));
  CHECK(c.best_mb == doctest::Approx(.85));
  CHECK(c.target == doctest::Approx(.83));
  CHECK(compare_runs(two_systems(), measure_of("auto:0.5")).target == doctest::Approx(.415));
  // A better system of a family raises its best, a worse one does not lower it.
  const auto better = with(two_systems(), {record("bns:0.1@2", 1, {{1, .844}}, .8), record("pipe@2", 1, {{1, .2}}, .8)});
  CHECK(compare_runs(better, measure_of("auto:1")).target == doctest::Approx(.844));
  // One family alone is its own measure; baselines are of neither.
  std::vector<RunRecord> sync_alone = two_systems();
  std::erase_if(sync_alone, [](const RunRecord& r) { return r.family == Family::mini_batch; });
  sync_alone.push_back(record("mlp", 1, {{1, .99}}, .99));
  CHECK(compare_runs(sync_alone, measure_of("auto:1")).target == doctest::Approx(.83));
  CHECK(compare_runs(two_systems(), measure_of("0.7")).target == .7);
  CHECK(compare_runs(two_systems(), measure_of("auto:1"), .42).target == .42);
  for (const char* bad : {"auto:", "auto:0", "auto:1.1", "1.5", "-0.1", "high", "0.5x"})
    CHECK_THROWS_AS(parse_target(bad), Error);
}

TEST_CASE("times, medians and the headline") {
  const Comparison c = compare_runs(two_systems(), measure_of("0.8"));
  REQUIRE(c.systems.size() == 2);
  CHECK(c.systems[0].name == "sync");
  CHECK(c.systems[0].reached == 3);
  CHECK(*c.systems[0].median_s == 5);
  CHECK(*c.systems[1].median_s == 2);
  CHECK(*c.systems[0].median_updates == 2);
  CHECK(*c.systems[0].median_epochs == doctest::Approx(.2));
  CHECK(c.systems[0].t_lo == std::vector<double>{2, 2, 2});
  REQUIRE(c.headline.has_value());
  CHECK(c.headline->a == 0);
  CHECK(*c.headline->time.ratio == doctest::Approx(std::cbrt(2 * 2.5 * 2)));
  CHECK(says(c,
             "ns:5:5 was first to validation accuracy 0.8000 (median 2 s of the train clock): sync (5 s) is shown to take longer "
             "(1 pair "
             "compared, at the 95 % level)."));
  CHECK(says(c, "sync took 2.15 times as long as ns:5:5"));

  CHECK(*compare_runs(two_systems(), measure_of("0.8", ClockKind::wall)).systems[0].median_s == 15);
  CHECK(*compare_runs(two_systems(), measure_of("0.8", ClockKind::cpu)).systems[0].median_s == 10);
}

TEST_CASE("the headline is of the fastest of each family") {
  const auto runs =
      with(two_systems(), {record("pipe@2", 1, {{0, .1}, {3, .8}}, .8), record("labor:5", 1, {{0, .1}, {1.5, .8}}, .8)});
  const Comparison c = compare_runs(runs, measure_of("0.8"));
  CHECK(c.systems[c.headline->a].name == "pipe@2");
  CHECK(c.systems[c.headline->b].name == "labor:5");
  CHECK(c.pairs.size() == 6);
}

TEST_CASE("a run that misses the target is censored at its end, and said so") {
  const Comparison c = compare_runs(two_systems(), measure_of("0.835"));  // sync: seed 1 alone; ns: 1 and 3
  CHECK(c.systems[0].reached == 1);
  CHECK_FALSE(c.systems[0].median_s.has_value());
  CHECK(c.systems[0].seconds[1].time == 8);
  CHECK_FALSE(c.systems[0].seconds[1].reached);
  CHECK(c.headline->time.kind == RatioKind::at_least);
  CHECK(c.headline->time.both_censored == 1);
  CHECK(says(c, "sync missed the target in 2 of 3 runs"));
  const Json json = comparison_json(c);
  CHECK(json["systems"][0]["runs"][1]["tta_s"].is_null());
  CHECK(json["systems"][0]["runs"][1]["censored_at_s"] == 8.0);
  CHECK(json["systems"][0]["runs"][0]["tta_s"] == 8.0);
  CHECK(json["systems"][0]["censored"] == 2);
  const std::vector<std::string> faults = strict_faults(c);
  CHECK(std::count(faults.begin(), faults.end(), "sync missed the target in 2 of 3 runs") == 1);
}

TEST_CASE("convergence is that of patience, and a lack of it is said") {
  std::vector<RunRecord> runs = two_systems();
  CHECK(says(compare_runs(runs, measure_of("0.8")), "Nothing had converged"));
  for (RunRecord& run : runs) run.converged = run.family == Family::mini_batch;
  CHECK(says(compare_runs(runs, measure_of("0.8")), "sync had not converged"));
  for (RunRecord& run : runs) run.converged = true;
  CHECK_FALSE(says(compare_runs(runs, measure_of("0.8")), "converged"));
}

TEST_CASE("who does not beat both baselines is flagged; one labelprop run stands for all seeds") {
  const auto baselines = [](double labelprop, double mlp) {
    return std::vector<RunRecord>{record("labelprop", 1, {{1, .5}}, labelprop), record("mlp", 1, {{1, .5}}, mlp),
                                  record("mlp", 2, {{1, .5}}, mlp), record("mlp", 3, {{1, .5}}, mlp)};
  };
  // sync tests at .80 .81 .82, mean .81 with interval .785 to .835; ns at .81 .80 .82, likewise.
  const Comparison clear = compare_runs(with(two_systems(), baselines(.70, .50)), measure_of("0.8"));
  REQUIRE(clear.checks.size() == 2);
  CHECK(clear.checks[0].gaps[0].gap->n == 3);
  CHECK(clear.checks[0].not_beaten.empty());
  CHECK(says(clear, "Every system beats both labelprop (0.700) and mlp (0.500)"));
  CHECK(strict_faults(clear).empty());

  const Comparison close = compare_runs(with(two_systems(), baselines(.80, .50)), measure_of("0.8"));  // within the interval
  CHECK(close.checks[0].not_beaten == std::vector<std::string>{"labelprop"});
  CHECK(says(close, "sync is not shown to beat labelprop: 0.810 against 0.800"));
  CHECK(strict_faults(close).size() == 2);

  const Comparison worse = compare_runs(with(two_systems(), baselines(.70, .90)), measure_of("0.8"));
  CHECK(worse.checks[1].not_beaten == std::vector<std::string>{"mlp"});
  CHECK(comparison_json(worse)["baselines"]["checks"][1]["flagged"] == true);
}

TEST_CASE("an imported curve joins the ratios, and moves neither target nor headline") {
  RunRecord foreign = record("sync", 2, {{0, .1}, {.5, .99}}, .99);
  foreign.system = foreign.text = "PyG";
  foreign.imported = true;
  std::vector<RunRecord> runs = two_systems();
  runs.insert(runs.begin(), foreign);
  const Comparison c = compare_runs(runs, measure_of("auto:1"));
  CHECK(c.target == doctest::Approx(.83));
  CHECK(c.systems.back().name == "PyG");
  CHECK(c.systems[c.headline->a].name == "sync");
  CHECK(c.pairs.size() == 3);
  CHECK(c.pairs[1].time.pairs == 1);  // PyG has seed 2 alone
  CHECK(c.checks.size() == 2);
  CHECK(c.protocol.size() == 1);
  CHECK(comparison_json(c)["systems"][2]["imported"] == true);
  // However fast, it does not lead: it is named in a sentence of its own.
  const std::vector<std::string> sentences = verdicts(compare_runs(runs, measure_of("0.8")));
  CHECK(sentences[0].starts_with("ns:5:5 was first"));
  CHECK(sentences[0].find("PyG") == std::string::npos);
  CHECK(sentences[1] == "Imported, measured by a clock of its own and not ranked: PyG (0.5 s).");
}

TEST_CASE("runs of different data are a difference of protocol") {
  std::vector<RunRecord> runs = two_systems();
  CHECK(compare_runs(runs, measure_of("0.8")).protocol.empty());
  runs[3].data_digest = std::string(64, 'b');
  CHECK(compare_runs(runs, measure_of("0.8")).protocol == std::vector<std::string>{"runs are of different data"});
}

TEST_CASE("only what pairs show is ranked; medians alone order noise") {
  // ns:5:5 has the smallest median, sync is shown to be later, labor's times scatter around ns's, cluster got there once.
  const auto runs =
      with(two_systems(), {record("labor:5", 1, {{0, .1}, {4, .8}}, .8), record("labor:5", 2, {{0, .1}, {1, .8}}, .8),
                           record("labor:5", 3, {{0, .1}, {3, .8}}, .8), record("cluster", 1, {{0, .1}, {2, .8}}, .8),
                           record("cluster", 2, {{0, .1}, {9, .7}}, .8), record("cluster", 3, {{0, .1}, {9, .7}}, .8)});
  const Comparison c = compare_runs(runs, measure_of("0.8"));
  const std::string lead = verdicts(c).front();
  CHECK(lead ==
        "No system is shown to be first to validation accuracy 0.8000 (6 pairs compared, each at the 95 % level): no "
        "difference shown between ns:5:5 (median 2 s of the train clock) and labor:5 (3 s) and cluster (1 of 3 runs got "
        "there); sync (5 s) is shown to take longer than ns:5:5.");
  CHECK(own_pairs(c) == 6);
  CHECK(comparison_json(c)["pairs_compared"]["pairs"] == 6);
  CHECK(ratios_table(c).caption.find("of 6 pairs that do not differ 0.3 would be shown to") != std::string::npos);

  // Whichever was named first.
  std::vector<RunRecord> turned = two_systems();
  std::reverse(turned.begin(), turned.end());
  CHECK(verdicts(compare_runs(turned, measure_of("0.8"))).front().starts_with("ns:5:5 was first to validation accuracy 0.8000"));

  // Two seeds whose order differs: no first.
  const Comparison close = compare_runs({record("sync", 1, {{0, .1}, {2, .8}}, .8), record("sync", 2, {{0, .1}, {3, .8}}, .8),
                                         record("ns", 1, {{0, .1}, {3, .8}}, .8), record("ns", 2, {{0, .1}, {2, .8}}, .8)},
                                        measure_of("0.8"));
  CHECK(verdicts(close).front().starts_with("No system is shown to be first"));
  // Alone.
  const Comparison alone = compare_runs({record("sync", 1, {{0, .1}, {2, .8}}, .8)}, measure_of("0.8"));
  CHECK(verdicts(alone).front() == "sync reached validation accuracy 0.8000 (median 2 s of the train clock).");
}

TEST_CASE("a target that untrained weights reach says nothing: no winner, no ratio, no claim") {
  // Before the first update some clocks have run for a few microseconds, others not at all: that was the whole difference.
  std::vector<RunRecord> runs = two_systems();
  for (RunRecord& run : runs) {
    run.curve[0].train_s = run.family == Family::full_graph ? 7e-6 : 0;
    run.curve[0].wall_s = 2;
    if (run.seed != 3) run.curve[0].val = .82;
  }
  for (const ClockKind clock : {ClockKind::train, ClockKind::wall}) {
    const Comparison c = compare_runs(runs, measure_of("0.8", clock));
    CHECK(c.reached_untrained == 4);
    CHECK(
        verdicts(c).front() ==
        "The target, validation accuracy 0.8000, says nothing about training: untrained weights reach it before the first update "
        "in 4 of 6 runs. Nothing is ranked; take a --target above 0.8200 (the best median over seeds is 0.8500).");
    CHECK_FALSE(c.headline.has_value());
    CHECK_FALSE(says(c, "was first"));
    CHECK_FALSE(says(c, "times as long"));
    CHECK(c.pairs[0].time.kind == RatioKind::none);
    CHECK(c.pairs[0].time.at_zero == 2);
    const Json json = comparison_json(c);
    CHECK(json["target"]["reached_untrained"] == 4);
    CHECK(json["ratios"][0]["verdict"] == "the target says nothing: untrained weights reach it");
    CHECK(json["systems"][0]["runs"][0]["tta_s"] == 0.0);
    CHECK(json["headline"].is_null());
    for (const Claim& claim : published_claims(c)) {
      CHECK(claim.verdict == ClaimVerdict::not_shown);
      CHECK(claim.evidence == "the target says nothing: untrained weights reach it");
    }
    CHECK(published_claims(c).size() == 3);
    const std::vector<std::string> faults = strict_faults(c);
    CHECK(std::count(faults.begin(), faults.end(), "untrained weights reached the target in 4 runs") == 1);
  }
  std::vector<RunRecord> useless = runs;
  for (RunRecord& run : useless) run.curve[0].val = 1;
  CHECK(says(compare_runs(useless, measure_of("0.8")), "nor is any other --target worth asking about"));
  // A higher one is fine, and the points before training are not drawn on the logarithmic axis.
  const Comparison higher = compare_runs(runs, measure_of("0.83"));
  CHECK(higher.target_tells());
  const std::vector<report::Chart> charts = comparison_charts(higher);
  for (const Json& point : charts[0].vega_lite["data"]["values"]) CHECK(point["x"].get<double>() >= 1);
}

TEST_CASE("a target that baselines reach, too, is said to be one") {
  const auto baselines = std::vector<RunRecord>{record("labelprop", 1, {{1, .81}}, .7), record("mlp", 1, {{0, .1}, {1, .7}}, .7)};
  CHECK(says(compare_runs(with(two_systems(), baselines), measure_of("0.8")), "labelprop reaches the target, too"));
  CHECK_FALSE(says(compare_runs(with(two_systems(), baselines), measure_of("0.82")), "reaches the target, too"));
}

TEST_CASE("claims say why there is no ratio, and what was dropped from one") {
  const Comparison nobody = compare_runs(two_systems(), measure_of("0.99"));
  const std::vector<Claim> claims = published_claims(nobody);
  CHECK(claim_of(claims, "fewer updates")->verdict == ClaimVerdict::not_shown);
  CHECK(claim_of(claims, "fewer updates")->evidence == "neither sync nor ns:5:5 got there (3 seeds)");
  const Comparison some = compare_runs(two_systems(), measure_of("0.835"));  // seed 2 has both censored
  CHECK(claim_of(published_claims(some), "sooner")->evidence.find("1 dropped in which neither got there") != std::string::npos);
}

TEST_CASE("published claims hold, do not hold, or are not decided") {
  std::vector<Claim> claims = published_claims(compare_runs(two_systems(), measure_of("0.8")));
  REQUIRE(claim_of(claims, "sooner"));
  CHECK(claim_of(claims, "sooner")->verdict == ClaimVerdict::holds);
  CHECK(claim_of(claims, "within 1.5 points")->verdict == ClaimVerdict::not_shown);  // the interval reaches 2.5

  std::vector<RunRecord> swapped = two_systems();
  for (RunRecord& run : swapped) {
    const bool sync = run.system == "sync";
    run.system = run.text = sync ? "ns:5:5" : "sync";
    run.family = sync ? Family::mini_batch : Family::full_graph;
  }
  CHECK(claim_of(published_claims(compare_runs(swapped, measure_of("0.8"))), "sooner")->verdict == ClaimVerdict::does_not_hold);

  std::vector<RunRecord> close = two_systems();
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    close.push_back(record("pipe@2", seed, {{0, .1}, {1, .8}}, .79 + .01 * static_cast<double>(seed) + .001));
    close.push_back(record("bns:0.1@2", seed, {{0, .1}, {1, .8}}, .74 + .01 * static_cast<double>(seed)));
  }
  claims = published_claims(compare_runs(close, measure_of("0.8")));
  CHECK(claim_of(claims, "pipe@2 is within 1 point")->verdict == ClaimVerdict::shown_within);  // 0.1 points in each seed
  CHECK(claim_of(claims, "bns:0.1@2 is within 1 point")->verdict == ClaimVerdict::shown_apart);  // 5 points
}

TEST_CASE("tables, text, CSV and TeX hold the same numbers") {
  const Comparison c = compare_runs(with(two_systems(), {record("labelprop", 1, {{1, .5}}, .7)}), measure_of("0.8"));
  const report::Table systems = systems_table(c);
  REQUIRE(systems.rows.size() == 3);
  CHECK(systems.rows[0][0] == "sync");
  CHECK(systems.rows[0][2] == "5");
  CHECK(systems.rows[0][7] == "0.810 +- 0.025");
  CHECK(systems.rows[2][1] == "baseline");
  for (const report::Table& table : comparison_tables(c))
    for (const auto& row : table.rows) CHECK(row.size() == table.columns.size());
  const std::string csv = table_csv(ratios_table(c));
  CHECK(csv.starts_with("a,b,a / b,95 % interval,pairs,log-rank p,verdict\nsync,ns:5:5,2.15,"));
  const std::string tex = table_tex(systems, "tab:x");
  CHECK(tex.find("\\begin{tabular}{lllllllll}") != std::string::npos);
  CHECK(tex.find("sync & fg & 5 & 2 & 0.2 & 3 of 3 & 0.5 & 0.810 +- 0.025 & 0 of 3 \\\\") != std::string::npos);
  CHECK(table_tex({.title = "50 % of a_b", .columns = {"c"}, .rows = {{"x & y"}}}, "t").find("50 \\% of a\\_b") !=
        std::string::npos);
  const std::string curves = curves_csv(c);
  CHECK(std::count(curves.begin(), curves.end(), '\n') == 1 + 3 * 4 + 3 * 3 + 1);
  CHECK(curves.find("ns:5:5,mb,0,1,2,0.2,2,6,4,0.85,0.81\n") != std::string::npos);
  CHECK(comparison_text(c).find("ns:5:5 was first") != std::string::npos);
}

TEST_CASE("charts: a band over the seeds, bars with intervals where all reached it, stacked parts of an epoch") {
  const Comparison c = compare_runs(two_systems(), measure_of("0.8"));
  const std::vector<report::Chart> charts = comparison_charts(c);
  REQUIRE(charts.size() == 3);  // one worker each: no bytes
  // sync's third point: times 4, 5, 6, accuracies .80 .81 .80.
  const Json& band = charts[0].vega_lite["data"]["values"][1];
  CHECK(band["series"] == "sync");
  CHECK(band["x"] == 5.0);
  CHECK(band["y"] == .80);
  CHECK(band["low"] == .80);
  CHECK(band["high"] == .81);
  const Json& bars = charts[1].vega_lite["data"]["values"];
  CHECK(bars[0]["value"].get<double>() == doctest::Approx(std::cbrt(120.0)));
  CHECK(bars[0].contains("low"));
  CHECK_FALSE(charts[2].vega_lite["encoding"].contains("xOffset"));
  // 0.2 s forward in 0.3 epochs.
  for (const Json& bar : charts[2].vega_lite["data"]["values"])
    if (bar["label"] == "sync" && bar["series"] == "forward") CHECK(bar["value"].get<double>() == doctest::Approx(.2 / .3));

  const Comparison missed = compare_runs(two_systems(), measure_of("0.835"));
  CHECK(comparison_charts(missed)[1].caption.find("sync, ns:5:5") != std::string::npos);

  const auto workers = with(two_systems(), {record("pipe@2", 1, {{0, .1}, {1, .8}, {2, .8}}, .8)});
  CHECK(comparison_charts(compare_runs(workers, measure_of("0.8"))).back().name == "bytes");
}
