// The sampler graded by quadrature over twenty seeds, and wrong recoveries that this grade must catch.
#include "hmc-marg/exact_against.h"

#include <doctest/doctest.h>

#include <cmath>
#include <functional>

#include "base/philox.h"
#include "hmc-marg/embedded.h"
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
