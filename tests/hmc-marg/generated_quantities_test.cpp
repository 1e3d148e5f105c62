// Generated quantities on numbers: conditions on parameters, draws, faults.
#include <doctest/doctest.h>

#include <cmath>

#include "base/error.h"
#include "base/philox.h"
#include "hmc-marg/model_support.h"

using namespace tenfold;
using namespace tenfold::hmc_marg;

TEST_CASE("the program generated.stan gives its quantities in the layout of values") {
  const std::filesystem::path folder = std::filesystem::path(TENFOLD_SOURCE_DIR) / "tests/hmc-marg/programs";
  const auto model = testing::bind_files(folder / "generated.stan", folder / "generated.json");
  GeneratedQuantities generated(model->program, model->data, model->graph);
  REQUIRE(generated.size() == 1 + 1 + 3 + 2 + 4 + 3 + 2);
  const double mu = -2, sigma = 0.5;
  std::vector<double> table;  // array of two 2 x 3 matrices, each by columns
  for (int i = 1; i <= 2; ++i) {
    for (int n = 1; n <= 3; ++n) {
      table.push_back(mu * i + n);
      table.push_back(sigma - n * i);
    }
  }
  const std::vector<double> parameters{mu, sigma};
  PhiloxStream random(1, "generated quantities");
  std::vector<double> out(generated.size());
  REQUIRE(generated.evaluate(parameters, table, random, out));
  CHECK(out[0] == -1);  // sign
  CHECK(out[1] == 2);   // distance
  const double y[] = {1.5, -0.5, 2};
  for (int n = 0; n < 3; ++n) {
    CHECK(out[static_cast<std::size_t>(2 + n)] ==
          doctest::Approx(-0.5 * std::log(2 * M_PI) - std::log(0.5) - 2 * (y[n] + 2) * (y[n] + 2)).epsilon(1e-14));
  }
  CHECK(out[5] == 0.5);
  CHECK(out[6] == -0.5);
  const std::vector<double> corner{mu * 2 + 1, sigma - 2, mu * 2 + 2, sigma - 4};
  for (std::size_t i = 0; i < 4; ++i) CHECK(out[7 + i] == corner[i]);
  for (std::size_t i = 11; i < 14; ++i) CHECK(out[i] == std::floor(out[i]));
  CHECK(std::abs(out[14] - 1000) < 10);
  CHECK(std::abs(out[15] - 2000) < 10);

  // The same stream gives the same draws; a later draw is not touched by an earlier one.
  std::vector<double> again(out.size()), other(out.size());
  PhiloxStream same(1, "generated quantities"), next(1, "generated quantities", 1);
  generated.evaluate(std::vector<double>{5, 1}, table, next, other);
  generated.evaluate(parameters, table, same, again);
  CHECK(again == out);
  CHECK(other[0] == 1);
}

TEST_CASE("a reject, a violated constraint and an index out of range make a draw NaN and say why") {
  const auto model = testing::bound_model(
      "data { vector[2] y; } parameters { real m; } model { m ~ normal(0, 1); }"
      "generated quantities { real<upper=10> a = m; if (m < 0) reject(\"negative\"); if (m > 5 && m < 6) a = y[3]; }",
      R"({"y": [1, 2]})");
  GeneratedQuantities generated(model->program, model->data, model->graph);
  const auto run = [&](double m) {
    PhiloxStream random(1, "gq");
    std::vector<double> out(1);
    const bool ok = generated.evaluate(std::vector<double>{m}, {}, random, out);
    CHECK(ok != std::isnan(out[0]));
    return ok;
  };
  CHECK(run(1));
  CHECK_FALSE(run(-1));
  CHECK(generated.fault().find("negative") != std::string::npos);
  CHECK_FALSE(run(11));
  CHECK(generated.fault().find("11 is above the upper bound 10") != std::string::npos);
  CHECK_FALSE(run(5.5));
  CHECK(generated.fault().find("index 3") != std::string::npos);
  CHECK(run(2));
}

TEST_CASE("a loop without end is refused at its line, not passed over draw by draw") {
  const auto model = testing::bound_model(
      "parameters { real m; } model { m ~ normal(0, 1); }\ngenerated quantities {\n int i = 0;\n"
      " while (m > 0)\n i += 1;\n}",
      "{}", {.statements = 1000});
  GeneratedQuantities generated(model->program, model->data, model->graph);
  PhiloxStream random(1, "gq");
  std::vector<double> out(1);
  CHECK(generated.evaluate(std::vector<double>{-1}, {}, random, out));
  try {
    generated.evaluate(std::vector<double>{1}, {}, random, out);
    FAIL("it ended");
  } catch (const Error& error) {
    CHECK(error.exit_code() == ExitCode::input);
    CAPTURE(error.message());
    CHECK((error.message().starts_with("m.stan:4:") || error.message().starts_with("m.stan:5:")));  // the loop or its body
    CHECK(error.message().find("a loop that does not end") != std::string::npos);
  }
  CHECK(generated.evaluate(std::vector<double>{-1}, {}, random, out));  // the budget is one draw's
}
