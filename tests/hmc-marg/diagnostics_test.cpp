// What a run warns of, and of what it does not.
#include "hmc-marg/diagnostics.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

using namespace tenfold;
using namespace tenfold::hmc_marg;

namespace {

SummaryRow row(const std::string& name, const std::string& kind, double rhat, double bulk, double tail) {
  SummaryRow r{.name = name, .kind = kind, .figures = {}};
  r.figures.rhat = rhat;
  r.figures.ess_bulk = bulk;
  r.figures.ess_tail = tail;
  return r;
}

// Four chains without fault.
SamplerOutput good_output() {
  SamplerOutput output;
  output.rows = 1000;
  for (int id = 1; id <= 4; ++id) {
    ChainReport chain;
    chain.id = id;
    chain.ebfmi = 0.9;
    output.chains.push_back(chain);
  }
  return output;
}

const double kNone = std::numeric_limits<double>::quiet_NaN();

}  // namespace

TEST_CASE("a run without fault is not warned of, constant columns included") {
  const std::vector<SummaryRow> rows = {row("a", "sampled", 1.005, 900, 400), row("b", "generated", kNone, kNone, kNone)};
  CHECK(diagnose(good_output(), {}, rows).empty());
  SamplerOutput fixed = good_output();
  for (ChainReport& chain : fixed.chains) chain.ebfmi = kNone;  // nothing was sampled
  CHECK(diagnose(fixed, {}, rows).empty());
}

TEST_CASE("each fault gives one sentence with its figures") {
  SamplerOutput output = good_output();
  output.chains[1].divergences = 3;
  output.chains[3].divergences = 4;
  output.chains[0].treedepth_hits = 9;
  output.chains[2].ebfmi = 0.12;
  const std::vector<SummaryRow> rows = {row("a", "sampled", 1.02, 399, 900), row("b", "sampled", 1.0, 900, 399),
                                        row("c", "sampled", 1.0, 400, 400)};
  const std::vector<std::string> messages = diagnose(output, {}, rows);
  REQUIRE(messages.size() == 5);
  CHECK(messages[0].starts_with("7 of 4000 draws diverged"));
  CHECK(messages[1].starts_with("9 of 4000 draws reached --max-depth 10"));
  CHECK(messages[2].starts_with("chain 3: E-BFMI 0.12"));
  CHECK(messages[3].starts_with("R-hat above 1.01 for a:"));
  CHECK(messages[4].starts_with("effective sample size below 400 for a, b:"));
  for (ChainReport& chain : output.chains) chain.ebfmi = 0.1 * chain.id;
  CHECK(diagnose(output, {}, rows)[2].starts_with("chains 1, 2: E-BFMI 0.10"));
  output.rows = 3;
  CHECK(diagnose(output, {}, rows)[3].starts_with("3 rows a chain"));
}

TEST_CASE("the smallest effective sample size is over lp__, sampled and recovered columns") {
  const std::vector<SummaryRow> rows = {row("lp__", "lp", 1, 800, 1),      row("a", "sampled", 1, 700, 1),
                                        row("b", "eliminated", 1, 650, 1), row("t", "transformed", 1, 10, 1),
                                        row("g", "generated", 1, 5, 1),    row("k", "sampled", kNone, kNone, 1)};
  const MinEss least = min_ess(rows);
  CHECK(least.value == 650);
  CHECK(least.name == "b");
  CHECK(!std::isfinite(min_ess(std::vector<SummaryRow>{row("k", "sampled", kNone, kNone, 1)}).value));
}

TEST_CASE("rows whose recovered values are NaN are counted and said") {
  SamplerOutput output = good_output();
  output.column_names = {"tau", "theta.1", "theta.2"};
  output.values = {{1, 2, 3, 1, kNone, 3}, {1, 2, kNone, 1, kNone, kNone}};
  output.rows = 2;
  std::vector<SummaryRow> rows = {row("tau", "sampled", 1, 900, 900), row("theta.1", "eliminated", kNone, kNone, kNone),
                                  row("theta.2", "eliminated", kNone, kNone, kNone)};
  for (std::size_t i = 1; i < rows.size(); ++i) rows[i].figures.mean = kNone;
  const std::vector<std::string> messages = diagnose(output, {}, rows);
  REQUIRE_FALSE(messages.empty());
  CHECK(messages[0].starts_with("3 of 4 rows have no recovered values (NaN)"));
}

TEST_CASE("generated quantities that failed are a fault of the run") {
  SamplerOutput output = good_output();
  output.generated_faults = 4000;
  output.first_fault = "m.stan:3:5: reject: bad";
  const std::vector<std::string> messages = diagnose(output, {}, {});
  REQUIRE(messages.size() == 1);
  CHECK(messages[0] == "generated quantities of 4000 draws are NaN: m.stan:3:5: reject: bad");
}
