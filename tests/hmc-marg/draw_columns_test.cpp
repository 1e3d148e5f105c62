// A row of a chain file: names and kinds in the program's order, values that fit together, streams that belong to a draw.
#include "hmc-marg/draw_columns.h"

#include <doctest/doctest.h>

#include <array>
#include <cmath>

#include "hmc-marg/sampling_support.h"

using namespace tenfold;
using namespace tenfold::hmc_marg;

namespace {

const char* const kProgram = R"(parameters {
  real mu;
  real<lower=0> tau;
  matrix[2, 2] theta;
}
transformed parameters {
  matrix[2, 2] scaled = theta * tau;
  real<lower=0> square = tau ^ 2;
}
model {
  mu ~ normal(0, 5);
  tau ~ normal(0, 1);
  to_vector(theta) ~ normal(mu, tau);
  1.5 ~ normal(theta[1, 2], 2);
}
generated quantities {
  real z = normal_rng(mu, tau);
  real<upper=0> fails = tau - 1;
  array[2] int count = {3, bernoulli_rng(0.5)};
}
)";

struct Row {
  std::vector<Column> columns;
  std::vector<double> values;
  double operator[](const std::string& name) const {
    for (std::size_t i = 0; i < columns.size(); ++i)
      if (columns[i].name == name) return values[i];
    FAIL("no column ", name);
    return 0;
  }
};

}  // namespace

TEST_CASE("columns come in the program's order, each with its kind, matrices by columns") {
  Model model = testing::load_text(kProgram);
  const Marginal marginal = marginalize(model.graph, {});
  const std::vector<Column> columns = draw_columns(model, marginal);
  const std::vector<std::string> names = {"mu",        "tau",        "theta.1.1",  "theta.2.1",  "theta.1.2",
                                          "theta.2.2", "scaled.1.1", "scaled.2.1", "scaled.1.2", "scaled.2.2",
                                          "square",    "z",          "fails",      "count.1",    "count.2"};
  const std::string kinds = "eseeeetttttgggg";
  REQUIRE(columns.size() == names.size());
  for (std::size_t i = 0; i < names.size(); ++i) {
    CHECK(columns[i].name == names[i]);
    CHECK(name_of(columns[i].kind)[0] == kinds[i]);
  }
  CHECK(std::string(name_of(ColumnKind::eliminated)) == "eliminated");
}

TEST_CASE("a row's transformed parameters are those of its own recovered values") {
  Model model = testing::load_text(kProgram);
  const Marginal marginal = marginalize(model.graph, {});
  DrawColumns rows(model, marginal, 4);
  Row row{draw_columns(model, marginal), std::vector<double>(rows.size())};
  const std::array<double, 1> kept = {-0.4};
  rows.row(kept, 1, 17, row.values);
  CHECK(row["tau"] == doctest::Approx(std::exp(-0.4)).epsilon(1e-15));
  CHECK(row["square"] == doctest::Approx(std::exp(-0.8)).epsilon(1e-15));
  for (const char* at : {".1.1", ".2.1", ".1.2", ".2.2"})
    CHECK(row[std::string("scaled") + at] == row[std::string("theta") + at] * row["tau"]);
  CHECK(row["theta.1.1"] != row["theta.2.1"]);
  CHECK(row["count.1"] == 3);
  CHECK((row["count.2"] == 0 || row["count.2"] == 1));
  CHECK(row["fails"] == row["tau"] - 1);
}

TEST_CASE("what is drawn belongs to seed, chain and draw alone") {
  Model model = testing::load_text(kProgram);
  const Marginal marginal = marginalize(model.graph, {});
  const auto row = [&](std::uint64_t seed, std::uint32_t chain, std::uint32_t draw, bool others_before) {
    DrawColumns rows(model, marginal, seed);
    std::vector<double> values(rows.size());
    const std::array<double, 1> kept = {-0.4}, other = {-1};
    if (others_before) rows.row(other, 2, 5, values);
    rows.row(kept, chain, draw, values);
    return values;
  };
  const std::vector<double> reference = row(4, 1, 17, false);
  CHECK(row(4, 1, 17, true) == reference);
  const std::size_t mu = 0, tau = 1, z = 11;
  for (const auto& other : {row(5, 1, 17, false), row(4, 2, 17, false), row(4, 1, 18, false)}) {
    CHECK(other[mu] != reference[mu]);
    CHECK(other[z] != reference[z]);
    CHECK(other[tau] == reference[tau]);
  }
}

TEST_CASE("generated quantities that fail are counted with the reason, and the row's other columns stand") {
  Model model = testing::load_text(kProgram);
  const Marginal marginal = marginalize(model.graph, {});
  DrawColumns rows(model, marginal, 4);
  Row row{draw_columns(model, marginal), std::vector<double>(rows.size())};
  const std::array<double, 1> small = {-0.4}, large = {0.5};
  rows.row(small, 1, 1, row.values);
  CHECK(rows.generated_faults() == 0);
  rows.row(large, 1, 2, row.values);
  rows.row(large, 1, 3, row.values);
  CHECK(rows.generated_faults() == 2);
  CHECK(rows.first_fault().find("fails") != std::string::npos);
  CHECK(std::isnan(row["fails"]));
  CHECK(row["tau"] == doctest::Approx(std::exp(0.5)).epsilon(1e-15));
  CHECK(std::isfinite(row["scaled.2.2"]));
}
