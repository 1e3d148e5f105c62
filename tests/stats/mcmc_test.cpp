// MCMC diagnostics against the R package posterior, on draws made by arithmetic alone (tests/parity/stats/posterior.R).
#include "stats/mcmc.h"

#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <string>

#include "base/error.h"
#include "data/json_reader.h"

using namespace tenfold;
using namespace tenfold::stats;

namespace {

using Chains = std::vector<std::vector<double>>;

// Park and Miller's generator (1988), as the R script has it.
class Generator {
 public:
  double uniform() {
    state_ = std::fmod(state_ * 16807, 2147483647);
    return state_ / 2147483647;
  }

 private:
  double state_ = 1;
};

// The generator runs on from case to case, so that the cases must be made in the script's order.
Chains autoregressive(Generator& g, int n, int chains, double a, const std::vector<double>& shift = {},
                      const std::vector<double>& scale = {}) {
  Chains x(static_cast<std::size_t>(chains), std::vector<double>(static_cast<std::size_t>(n)));
  for (std::size_t c = 0; c < x.size(); ++c) {
    double before = 0;
    for (double& value : x[c]) {
      const double noise = (scale.empty() ? 1.0 : scale[c]) * (g.uniform() - 0.5);
      before = a * before + noise + (shift.empty() ? 0.0 : shift[c]);
      value = before;
    }
  }
  return x;
}

Chains mapped(Chains x, const std::function<double(double)>& f) {
  for (auto& chain : x) {
    for (double& value : chain) value = f(value);
  }
  return x;
}

std::vector<std::pair<std::string, Chains>> all_cases() {
  Generator g;
  std::vector<std::pair<std::string, Chains>> cases;
  const auto add = [&](const char* name, Chains x) { cases.emplace_back(name, std::move(x)); };
  add("independent", autoregressive(g, 1000, 4, 0));
  add("correlated", autoregressive(g, 1000, 4, 0.7));
  add("sticky", autoregressive(g, 1000, 4, 0.99));
  add("antithetic", autoregressive(g, 400, 4, -0.8));
  add("capped", autoregressive(g, 400, 4, -0.98));
  add("odd", autoregressive(g, 501, 4, 0.5));
  add("odd_single", autoregressive(g, 333, 1, 0.3));
  add("single", autoregressive(g, 800, 1, 0.5));
  add("two_chains", autoregressive(g, 250, 2, 0.9));
  add("shifted", autoregressive(g, 300, 4, 0.2, {0, 0, 0.25, 0.5}));
  add("scaled", autoregressive(g, 300, 4, 0.2, {}, {1, 1, 3, 9}));
  add("ties", mapped(autoregressive(g, 600, 3, 0), [](double x) { return std::floor(5 * (x + 0.5)); }));
  add("binary", mapped(autoregressive(g, 600, 3, 0), [](double x) { return x < -0.48 ? 0.0 : 1.0; }));
  add("heavy", mapped(autoregressive(g, 700, 4, 0), [](double x) { return x / ((0.5 - x) * (0.5 + x)); }));
  add("far", mapped(autoregressive(g, 500, 4, 0.6), [](double x) { return 1e6 + x; }));
  add("tiny", mapped(autoregressive(g, 500, 4, 0.6), [](double x) { return 1e-20 * x; }));
  add("short7", autoregressive(g, 7, 2, 0.3));
  add("short9", autoregressive(g, 9, 4, 0.3));
  add("short12", autoregressive(g, 12, 4, 0.3));
  add("short30", autoregressive(g, 30, 4, 0.9));
  add("constant", Chains(4, std::vector<double>(100, 0.1)));
  Chains with_nan = autoregressive(g, 100, 4, 0.1);
  with_nan[1][49] = std::numeric_limits<double>::quiet_NaN();
  add("nan", with_nan);
  return cases;
}

std::map<std::string, double> figures(const Draws& draws) {
  const McmcSummary s = summarize(draws);
  return {{"first", draws.chains.front().front()},
          {"last", draws.chains.back().back()},
          {"mean", s.mean},
          {"sd", s.sd},
          {"q5", s.q5},
          {"q50", s.q50},
          {"q95", s.q95},
          {"rhat", rhat(draws)},
          {"ess_bulk", ess_bulk(draws)},
          {"ess_tail", ess_tail(draws)},
          {"ess_mean", ess_mean(draws)},
          {"ess_basic", ess_basic(draws)},
          {"ess_q10", ess_quantile(draws, 0.1)},
          {"mcse_mean", mcse_mean(draws)},
          {"mcse_sd", mcse_sd(draws)},
          {"mcse_q5", mcse_quantile(draws, 0.05)},
          {"mcse_q50", mcse_quantile(draws, 0.5)},
          {"mcse_q95", mcse_quantile(draws, 0.95)}};
}

bool same(double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); }

}  // namespace

TEST_CASE("every diagnostic equals posterior's to 1e-8") {
  const data::JsonValue golden = data::read_json(TENFOLD_SOURCE_DIR "/tests/parity/stats/posterior.json");
  const data::JsonValue* expected = golden.find("cases");
  REQUIRE(expected != nullptr);
  const auto cases = all_cases();
  CHECK(cases.size() == expected->object().size());
  for (const auto& [name, chains] : cases) {
    const data::JsonValue* answers = expected->find(name);
    REQUIRE_MESSAGE(answers != nullptr, name);
    for (const auto& [figure, value] : figures(Draws(chains))) {
      const data::JsonValue* answer = answers->find(figure);
      REQUIRE_MESSAGE(answer != nullptr, figure);
      if (answer->kind == data::JsonKind::null) {
        CHECK_MESSAGE(std::isnan(value), name, " ", figure, ": ", value, ", posterior has NA");
        continue;
      }
      const double theirs = answer->real().value();
      // Draws are equal bits; a mean around zero is compared on the scale of the spread.
      const double scale = figure == "mean" ? std::max(std::fabs(theirs), summarize(Draws(chains)).sd) : std::fabs(theirs);
      const double tolerance = figure == "first" || figure == "last" ? 0 : 1e-8;
      const bool agrees = same(value, theirs) || std::fabs(value - theirs) <= tolerance * scale;
      CHECK_MESSAGE(agrees, name, " ", figure, ": ", value, ", posterior ", theirs);
    }
  }
}

TEST_CASE("a summary's figures are those of the single functions, also when one summarizer serves many columns") {
  McmcSummarizer summarizer(4, 501);
  Generator g;
  for (int column = 0; column < 5; ++column) {
    const Chains chains = autoregressive(g, 501, 4, 0.3 * column - 0.6);
    const Draws draws(chains);
    const McmcSummary s = summarizer(draws);
    CHECK(s.rhat == rhat(draws));
    CHECK(s.ess_bulk == ess_bulk(draws));
    CHECK(s.ess_tail == ess_tail(draws));
    CHECK(s.ess_basic == ess_basic(draws));
    CHECK(s.mcse_mean == mcse_mean(draws));
    CHECK(s.mcse_sd == mcse_sd(draws));
  }
}

TEST_CASE("ranks do not see a monotone transform; -0 and 0 are one value") {
  Generator g;
  const Chains x = autoregressive(g, 200, 4, 0.5);
  CHECK(ess_bulk(Draws(x)) == ess_bulk(Draws(mapped(x, [](double v) { return v * v * v; }))));
  Chains zeros = mapped(x, [](double v) { return v < 0 ? 0.0 : 1.0; });
  const double with_zero = rhat(Draws(zeros));
  zeros[0][0] = zeros[0][0] == 0 ? -0.0 : zeros[0][0];
  zeros[2][7] = zeros[2][7] == 0 ? -0.0 : zeros[2][7];
  CHECK(rhat(Draws(zeros)) == with_zero);
}

TEST_CASE("an infinite draw makes every diagnostic NaN, and keeps finite quantiles") {
  Generator g;
  Chains x = autoregressive(g, 100, 2, 0.2);
  x[1][3] = std::numeric_limits<double>::infinity();
  const McmcSummary s = summarize(Draws(x));
  CHECK(std::isnan(s.rhat));
  CHECK(std::isnan(s.ess_bulk));
  CHECK(std::isnan(s.ess_tail));
  CHECK(std::isnan(s.ess_basic));
  CHECK(std::isnan(s.mcse_mean));
  CHECK(std::isinf(s.mean));
  CHECK(std::isfinite(s.q95));
}

TEST_CASE("chains that never move but differ have an infinite rhat; too few draws have none") {
  Chains stuck;
  for (const double level : {1.0, 2.0, 3.0}) stuck.emplace_back(40, level);
  CHECK(rhat(Draws(stuck)) > 1e6);
  for (const std::size_t n : {0u, 1u, 2u, 3u}) {
    const McmcSummary s = summarize(Draws(Chains(4, std::vector<double>(n, 1.0))));
    CHECK(std::isnan(s.rhat));
    CHECK(std::isnan(s.ess_bulk));
  }
  CHECK(std::isnan(summarize(Draws()).mean));
}

TEST_CASE("chains of different lengths are refused") {
  const Chains ragged = {std::vector<double>(10, 1.0), std::vector<double>(11, 1.0)};
  CHECK_THROWS_AS(summarize(Draws(ragged)), Error);
}

TEST_CASE("a flat array of [chains, iterations] is cut into its chains") {
  Generator g;
  const Chains x = autoregressive(g, 50, 3, 0.4);
  std::vector<double> flat;
  for (const auto& chain : x) flat.insert(flat.end(), chain.begin(), chain.end());
  CHECK(rhat(Draws(flat, 3)) == rhat(Draws(x)));
}
