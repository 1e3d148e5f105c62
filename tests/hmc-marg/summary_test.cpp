// The table of draws: figures of the right column over all chains, and text that shows no digits below what the spread makes
// meaningful.
#include "hmc-marg/summary.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/philox.h"

using namespace tenfold;
using namespace tenfold::hmc_marg;

namespace {

// Two chains of 200 rows: lp__, a sampler column, a ~ N(-250, 7), b constant, c with a NaN.
struct Fixture {
  std::vector<std::vector<double>> values;
  ChainDraws draws{.names = {"lp__", "energy__", "a", "b", "c"}, .chains = {}};
  Fixture() {
    for (std::uint32_t chain = 0; chain < 2; ++chain) {
      PhiloxStream random(1, "summary test", chain);
      values.emplace_back();
      for (int i = 0; i < 200; ++i) {
        const double u = random.normal(), v = random.normal();
        values.back().insert(values.back().end(),
                             {-u * u, 5, -250 + 7 * v, 2.5, i == 3 ? std::numeric_limits<double>::quiet_NaN() : v});
      }
    }
    for (const auto& chain : values) draws.chains.emplace_back(chain);
  }
};

}  // namespace

TEST_CASE("rows are lp__ and then the columns asked for, each with its own figures") {
  const Fixture f;
  const std::vector<std::string> kinds = {"", "", "sampled", "generated", "generated"};
  const std::vector<SummaryRow> rows = summarize(f.draws, 2, kinds, 2);
  REQUIRE(rows.size() == 4);
  CHECK(rows[0].name == "lp__");
  CHECK(rows[0].kind == "lp");
  CHECK(rows[1].name == "a");
  CHECK(rows[1].kind == "sampled");
  const std::vector<std::vector<double>> a = f.draws.column(2);
  CHECK(rows[1].figures.mean == stats::summarize(stats::Draws(a)).mean);
  CHECK(rows[1].figures.ess_bulk == stats::ess_bulk(stats::Draws(a)));
  double sum = 0;
  for (const auto& chain : a)
    for (const double v : chain) sum += v;
  CHECK(rows[1].figures.mean == doctest::Approx(sum / 400));
  CHECK(std::abs(rows[1].figures.sd - 7) < 1);
}

TEST_CASE("what a constant or broken column does not have is null in JSON and a dash in text") {
  const Fixture f;
  const std::vector<SummaryRow> rows = summarize(f.draws, 2, {}, 1);
  const Json json = summary_json(rows);
  CHECK(json[2]["mean"] == 2.5);
  CHECK(json[2]["rhat"].is_null());
  CHECK(json[3]["ess_bulk"].is_null());
  CHECK(json[1]["kind"].is_null());
  const report::Table table = summary_table(rows);
  REQUIRE(table.columns.size() == 10);  // no kinds are known
  CHECK(table.rows[2][7] == "-");
}

TEST_CASE("numbers show three digits of their spread, whatever their size") {
  const auto row = [](double mean, double sd) {
    SummaryRow r{.name = "x", .kind = "sampled", .figures = {}};
    r.figures.mean = mean;
    r.figures.sd = sd;
    r.figures.q5 = mean - sd;
    r.figures.rhat = 1;
    return summary_table(std::vector<SummaryRow>{r}).rows[0];
  };
  CHECK(row(-667.123456, 1.2749)[2] == "-667.12");
  CHECK(row(-667.123456, 1.2749)[4] == "1.27");
  CHECK(row(251.4, 72.3)[2] == "251.4");
  CHECK(row(0.00012345, 0.0031)[2] == "0.00012");
  CHECK(row(123456.7, 2345.6)[5] == "121111");
  CHECK(row(-0.001, 1)[2] == "0.00");
  CHECK(row(1e300, 1e299)[2] == "1e+300");
  CHECK(row(2.5, 0)[2] == "2.5");
  CHECK(row(0, 1)[8] == "1.000");
}

TEST_CASE("a long table is cut and says so") {
  const Fixture f;
  const std::vector<SummaryRow> rows = summarize(f.draws, 2, {}, 1);
  const std::string text = summary_text(rows, 2);
  CHECK(std::count(text.begin(), text.end(), '\n') == 4);
  CHECK(text.find("2 more") != std::string::npos);
}
