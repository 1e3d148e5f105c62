// The sampler graded by quadrature over twenty seeds, and wrong recoveries that this grade must catch.
#include "hmc-marg/exact_against.h"

#include <doctest/doctest.h>

#include <cmath>
#include <functional>

#include "base/philox.h"
#include "hmc-marg/embedded.h"
#include "hmc-marg/op_program.h"
#include "hmc-marg/recover.h"
#include "hmc-marg/sampling_support.h"
#include "stats/distributions.h"
#include "stats/mcmc.h"

using namespace tenfold;
using namespace tenfold::hmc_marg;
using namespace tenfold::hmc_marg::testing;

namespace {

constexpr int kSeeds = 20;

Model schools() {
  const EmbeddedModel& embedded = embedded_model("eight-schools");
  return load_text(std::string(embedded.program), std::string(embedded.data));
}

// Changes a run's draws in place: what a wrong recovery would have written.
using Mutation = std::function<void(SamplerOutput&)>;

struct SeedGrades {
  std::vector<std::string> names;
  std::vector<std::vector<double>> z;  // [figure][seed]
  int beyond_four = 0;                 // z-scores of means above 4
  // The smallest p value over figures of sum z^2 over seeds, times the figures (Bonferroni).
  double p() const {
    double least = 1;
    for (const std::vector<double>& scores : z) {
      double sum = 0;
      for (const double s : scores) sum += s * s;
      least = std::min(least, stats::chi_square_p(sum, static_cast<double>(scores.size())));
    }
    return std::min(1.0, least * static_cast<double>(z.size()));
  }
};

// Means and standard deviations of all columns, and the products tau * theta.1 and theta.1 * theta.2, which no marginal shows.
SeedGrades grade_seeds(Model& model, const Marginal& marginal, const ExactResult& exact, double tau_theta, double theta_theta,
                       const Mutation& mutate) {
  SeedGrades out;
  for (int seed = 1; seed <= kSeeds; ++seed) {
    QuietRun run(static_cast<std::uint64_t>(seed));
    SamplerOptions options;
    options.warmup = 500;
    options.draws = 1500;
    SamplerOutput output = sample_in_memory(model, marginal, options, static_cast<std::uint64_t>(seed), run);
    mutate(output);
    ChainDraws draws;
    draws.names = output.column_names;
    for (const std::vector<double>& chain : output.values) draws.chains.emplace_back(chain);
    std::size_t at = 0;
    const auto put = [&](const std::string& name, double z) {
      REQUIRE(std::isfinite(z));
      if (seed == 1) {
        out.names.push_back(name);
        out.z.emplace_back();
      }
      out.z[at++].push_back(z);
    };
    const std::vector<Grade> grades = grade(model, exact, draws, 1);
    for (std::size_t i = 0; i < grades.size(); ++i) {
      put("mean of " + exact.quantities[i].name, grades[i].mean);
      put("sd of " + exact.quantities[i].name, grades[i].sd);
      out.beyond_four += std::fabs(grades[i].mean) > 4;
    }
    const auto product = [&](const std::string& a, const std::string& b, double expected) {
      std::vector<std::vector<double>> x = draws_of(output, a);
      const std::vector<std::vector<double>> y = draws_of(output, b);
      double sum = 0;
      for (std::size_t c = 0; c < x.size(); ++c)
        for (std::size_t i = 0; i < x[c].size(); ++i) sum += x[c][i] *= y[c][i];
      const double mean = sum / static_cast<double>(x.size() * x.front().size());
      const double z = (mean - expected) / stats::mcse_mean(stats::Draws(x));
      put(a + " * " + b, z);
      out.beyond_four += std::fabs(z) > 4;
    };
    product("tau", "theta.1", tau_theta);
    product("theta.1", "theta.2", theta_theta);
  }
  return out;
}

}  // namespace

TEST_CASE("eight schools: twenty runs are off by no more than their Monte Carlo error, and wrong recoveries are seen") {
  Model model = schools();
  const Marginal marginal = marginalize(model.graph, {.marginalize = "all"});
  QuietRun quiet;
  const ExactResult exact = integrate(model, marginal, {}, quiet);

  // E[tau theta_1] and E[theta_1 theta_2] by a plain sum over log tau.
  Engine engine(lower(model.graph.graph, marginal.target));
  Recovery recovery(model.graph, marginal);
  const std::size_t n = recovery.eliminated_size();
  REQUIRE(n == 9);  // mu, theta
  std::vector<double> mean(n);
  double total = 0, tau_theta = 0, theta_theta = 0, mean_tau = 0;
  for (double q = -40; q < 8; q += 0.02) {
    const double tau = std::exp(q), weight = std::exp(engine.log_density({&q, 1}));
    REQUIRE(recovery.condition({&tau, 1}));
    recovery.mean(mean);
    total += weight;
    mean_tau += weight * tau;
    tau_theta += weight * tau * mean[1];
    theta_theta += weight * (mean[1] * mean[2] + recovery.covariance(1, 2));
  }
  tau_theta /= total;
  theta_theta /= total;
  mean_tau /= total;

  const SeedGrades right = grade_seeds(model, marginal, exact, tau_theta, theta_theta, [](SamplerOutput&) {});
  CHECK(right.z.size() == 24);
  CHECK(right.beyond_four == 0);
  CHECK(right.p() > 1e-3);

  // theta from its conditional at the values of tau that `tau_of` gives for [chain][row].
  const auto recovered_at = [&](const std::function<double(const SamplerOutput&, std::size_t chain, std::size_t row)>& tau_of) {
    return [&, tau_of](SamplerOutput& output) {
      const std::size_t columns = output.column_names.size();
      const auto mu = static_cast<std::size_t>(std::find(output.column_names.begin(), output.column_names.end(), "mu") -
                                               output.column_names.begin());
      std::vector<double> z(n);
      for (std::size_t c = 0; c < output.values.size(); ++c)
        for (std::size_t row = 0; row < output.rows; ++row) {
          const double tau = tau_of(output, c, row);
          PhiloxStream random(7, "mutation", static_cast<std::uint32_t>(c), static_cast<std::uint32_t>(row));
          recovery.condition({&tau, 1});
          recovery.draw(random, z);
          double* const values = output.values[c].data() + row * columns + mu;  // mu, tau, theta
          values[0] = z[0];
          std::copy(z.begin() + 1, z.end(), values + 2);
        }
    };
  };
  const auto tau_at = [](const SamplerOutput& output, std::size_t chain, std::size_t row) {
    const std::size_t columns = output.column_names.size();
    return output.values[chain][row * columns + static_cast<std::size_t>(
                                                    std::find(output.column_names.begin(), output.column_names.end(), "tau") -
                                                    output.column_names.begin())];
  };
  // At the posterior mean of tau: the spread of tau is missing from theta's.
  CHECK(grade_seeds(model, marginal, exact, tau_theta, theta_theta,
                    recovered_at([&](const SamplerOutput&, std::size_t, std::size_t) { return mean_tau; }))
            .p() < 1e-6);
  // At the tau of another draw: every marginal is right, the products are not.
  CHECK(grade_seeds(model, marginal, exact, tau_theta, theta_theta,
                    recovered_at([&](const SamplerOutput& o, std::size_t c, std::size_t row) {
                      return tau_at(o, c, (row + o.rows / 2) % o.rows);
                    }))
            .p() < 1e-6);
  // A conditional whose width is 3 % short: only the standard deviations show it.
  CHECK(grade_seeds(model, marginal, exact, tau_theta, theta_theta, [&](SamplerOutput& output) {
          const std::size_t columns = output.column_names.size();
          const auto theta = static_cast<std::size_t>(
              std::find(output.column_names.begin(), output.column_names.end(), "theta.1") - output.column_names.begin());
          for (std::size_t c = 0; c < output.values.size(); ++c)
            for (std::size_t row = 0; row < output.rows; ++row) {
              const double tau = tau_at(output, c, row);
              recovery.condition({&tau, 1});
              recovery.mean(mean);
              for (std::size_t j = 0; j < 8; ++j) {
                double& x = output.values[c][row * columns + theta + j];
                x = mean[j + 1] + 0.97 * (x - mean[j + 1]);
              }
            }
        }).p() < 1e-6);
}

TEST_CASE("the verdict names the worst figure and its limit grows with their number") {
  ExactResult exact;
  exact.quantities.resize(2);
  exact.quantities[0].name = "a";
  exact.quantities[1].name = "b";
  std::vector<Grade> grades(2);
  grades[0].mean = 1.9;
  Verdict v = judge(exact, grades);
  CHECK(v.compared == 1);
  CHECK(v.limit == doctest::Approx(1.959963984540054));
  CHECK_FALSE(v.difference_shown);
  grades[1].q50 = -2.3;
  v = judge(exact, grades);
  CHECK(v.worst == "median of b");
  CHECK(v.limit == doctest::Approx(2.241402727604945));
  CHECK(v.difference_shown);
}

namespace {

// A standard normal chain of order 1, [chain][row], passed through f.
std::vector<std::vector<double>> chains(std::uint32_t repeat, std::uint32_t column, std::size_t rows, double correlation,
                                        double (*f)(double)) {
  std::vector<std::vector<double>> out(4);
  for (std::uint32_t c = 0; c < 4; ++c) {
    PhiloxStream random(17, "chains of order 1", repeat, column, c);
    double x = random.normal();
    for (std::size_t i = 0; i < rows; ++i) {
      out[c].push_back(f(x));
      x = correlation * x + std::sqrt(1 - correlation * correlation) * random.normal();
    }
  }
  return out;
}

// The columns as a run's draws; `storage` keeps them.
ChainDraws as_draws(const std::vector<std::vector<std::vector<double>>>& columns, const std::vector<std::string>& names,
                    std::vector<std::vector<double>>& storage) {
  storage.assign(4, {});
  for (std::size_t c = 0; c < 4; ++c)
    for (std::size_t i = 0; i < columns.front()[c].size(); ++i)
      for (const auto& column : columns) storage[c].push_back(column[c][i]);
  ChainDraws draws;
  draws.names = names;
  for (const std::vector<double>& chain : storage) draws.chains.emplace_back(chain);
  return draws;
}

double identity(double x) { return x; }
double exponential(double x) { return -std::log(stats::normal_cdf(-x)); }
double gumbel(double x) { return std::log(exponential(x)); }  // of log x, as an unconstrained rate has it

ExactQuantity quantity(const char* name, double mean, double sd, double (*f)(double)) {
  return {.name = name,
          .mean = mean,
          .sd = sd,
          .q5 = f(stats::normal_quantile(0.05)),
          .q50 = f(0.0),
          .q95 = f(stats::normal_quantile(0.95))};
}

ExactResult three_posteriors() {
  ExactResult exact;
  exact.quantities = {quantity("n", 0, 1, identity), quantity("e", 1, 1, exponential),
                      quantity("g", -0.5772156649015329, M_PI / std::sqrt(6.0), gumbel)};
  return exact;
}

}  // namespace

TEST_CASE("right draws are said to differ about as often as the limit promises, also few ones of skewed scalars") {
  const Model model;
  const ExactResult exact = three_posteriors();
  for (const auto& [rows, correlation] : {std::pair{250, 0.5}, {1000, 0.8}, {1000, 0.0}}) {
    int alarms = 0;
    const int repeats = 400;
    for (std::uint32_t repeat = 0; repeat < repeats; ++repeat) {
      const auto n = static_cast<std::size_t>(rows);
      std::vector<std::vector<double>> storage;
      const ChainDraws draws =
          as_draws({chains(repeat, 0, n, correlation, identity), chains(repeat, 1, n, correlation, exponential),
                    chains(repeat, 2, n, correlation, gumbel)},
                   {"n", "e", "g"}, storage);
      const Verdict v = judge(exact, grade(model, exact, draws, 1));
      REQUIRE(v.compared == 15);
      alarms += v.difference_shown;
    }
    CAPTURE(rows);
    CAPTURE(correlation);
    CAPTURE(alarms);
    // 20 of 400 are expected at 5 %. Differences of quantiles over their local widths give 31 and 42 in the first two settings.
    CHECK(alarms >= 4);
    CHECK(alarms <= 30);
  }
}

TEST_CASE("a quantile is graded by the part of the draws below it, whose own ESS it takes") {
  const Model model;
  ExactResult exact;
  exact.quantities = {quantity("n", 0, 1, identity)};
  exact.quantities[0].mean = exact.quantities[0].sd = std::nan("");
  const std::vector<std::vector<double>> right = chains(1, 0, 1000, 0, identity);
  std::vector<std::vector<double>> storage;
  Grade g = grade(model, exact, as_draws({right}, {"n"}, storage), 1)[0];
  CHECK(std::isnan(g.mean));
  double below = 0;
  for (const auto& chain : right)
    for (const double x : chain) below += x <= exact.quantities[0].q5;
  CHECK(g.q5 == doctest::Approx((below / 4000 - 0.05) / std::sqrt(0.05 * 0.95 / 4000)).epsilon(0.1));
  CHECK(std::fabs(g.q95) < 3);
  // Values between the quantiles do not matter, however far a quantile of the draws then is from the exact one.
  std::vector<std::vector<double>> gap = right;
  for (auto& chain : gap)
    for (double& x : chain)
      if (x > exact.quantities[0].q5 && x < -1.2) x = -1.2;
  CHECK(grade(model, exact, as_draws({gap}, {"n"}, storage), 1)[0].q5 == doctest::Approx(g.q5).epsilon(1e-12));
  // None below the 5 % quantile: the indicator is constant and has no ESS, but the draws are wrong.
  for (auto& chain : gap)
    for (double& x : chain) x = std::fabs(x) + exact.quantities[0].q5;
  CHECK(grade(model, exact, as_draws({gap}, {"n"}, storage), 1)[0].q5 < -8);
}
