// Programs whose posterior is known, sampled whole: the funnel, a correlated normal in a hundred dimensions, and that rows depend
// on nothing but seed, chain and draw.
#include "hmc-marg/sampler.h"

#include <doctest/doctest.h>

#include <cmath>
#include <numeric>

#include "hmc-marg/sampling_support.h"
#include "stats/mcmc.h"

using namespace tenfold;
using namespace tenfold::hmc_marg;

namespace {

const char* const kFunnel = R"(parameters {
  real v;
  vector[9] x;
}
model {
  v ~ normal(0, 3);
  x ~ normal(0, exp(v / 2));
}
)";

int divergences(const SamplerOutput& output) {
  return std::accumulate(output.chains.begin(), output.chains.end(), 0,
                         [](int n, const ChainReport& c) { return n + c.divergences; });
}

stats::McmcSummary summary_of(const SamplerOutput& output, const std::string& name) {
  return stats::summarize(stats::Draws(testing::draws_of(output, name)));
}

}  // namespace

TEST_CASE("the funnel diverges as written and is a normal in one dimension when its effects are integrated out") {
  Model model = testing::load_text(kFunnel);
  const SamplerOptions options;
  CHECK(divergences(testing::sample(model, {.marginalize = "none", .keep = {}}, options, 1)) > 10);

  const Marginal marginal = marginalize(model.graph, {});
  CHECK(marginal.target.inputs.size() == 1);
  testing::QuietRun run;
  const SamplerOutput output = sample_in_memory(model, marginal, options, 1, run);
  CHECK(divergences(output) == 0);
  const stats::McmcSummary v = summary_of(output, "v");
  CHECK(std::abs(v.mean) < 4 * v.mcse_mean);
  CHECK(std::abs(v.sd - 3) < 4 * v.mcse_sd);
  // The effects come from their conditional: x / exp(v / 2) is standard normal and independent of v.
  const auto draws_v = testing::draws_of(output, "v"), draws_x = testing::draws_of(output, "x.7");
  std::vector<std::vector<double>> z(draws_v.size()), product(draws_v.size());
  for (std::size_t c = 0; c < z.size(); ++c) {
    for (std::size_t i = 0; i < draws_v[c].size(); ++i) {
      z[c].push_back(draws_x[c][i] * std::exp(-draws_v[c][i] / 2));
      product[c].push_back(z[c].back() * draws_v[c][i]);
    }
  }
  const stats::McmcSummary standard = stats::summarize(stats::Draws(z));
  CHECK(std::abs(standard.mean) < 4 * standard.mcse_mean);
  CHECK(std::abs(standard.sd - 1) < 4 * standard.mcse_sd);
  const stats::McmcSummary cross = stats::summarize(stats::Draws(product));
  CHECK(std::abs(cross.mean) < 4 * cross.mcse_mean);
}

TEST_CASE("a correlated normal in a hundred dimensions has its moments, with each metric") {
  // x_i is an autoregression: variances 1 and correlations 0.8^|i - j|, times spreads from 0.1 to 10.
  Model model = testing::load_text(R"(transformed data {
  vector[100] spread;
  for (i in 1:100) spread[i] = 0.1 * pow(100, (i - 1.0) / 99);
}
parameters {
  vector[100] x;
}
model {
  vector[100] z = (x - 1) ./ spread;
  z[1] ~ normal(0, 1);
  for (i in 2:100) z[i] ~ normal(0.8 * z[i - 1], 0.6);
}
)");
  for (const MetricKind metric : {MetricKind::diag, MetricKind::dense}) {
    SamplerOptions options;
    options.chains = 2;
    options.warmup = 600;
    options.draws = 600;
    options.metric = metric;
    INFO("metric ", static_cast<int>(metric));
    const SamplerOutput output = testing::sample(model, {.marginalize = "none", .keep = {}}, options, 2);
    int outside = 0;
    for (int i = 1; i <= 100; ++i) {
      const stats::McmcSummary x = summary_of(output, "x." + std::to_string(i));
      const double spread = 0.1 * std::pow(100.0, (i - 1.0) / 99);
      // Two hundred z-scores: beyond 4 has probability 0.0127 over all of them, beyond 4.5 practically none.
      CHECK(std::abs(x.mean - 1) < 4.5 * x.mcse_mean);
      CHECK(std::abs(x.sd - spread) < 4.5 * x.mcse_sd);
      outside += std::abs(x.mean - 1) > 2 * x.mcse_mean;
    }
    CHECK(outside <= 15);  // of a hundred at 4.6 % each, though not independent
  }
}

TEST_CASE("a program whose parameters are all integrated out draws them independently from their posterior") {
  // One school by hand: the posterior of mu is N(28/11, 250/11), of theta N(56/11, 450/11), their covariance 225/11.
  Model model = testing::load_text(R"(parameters {
  real mu;
  real theta;
}
model {
  mu ~ normal(0, 5);
  theta ~ normal(mu, 5);
  28 ~ normal(theta, 15);
}
)");
  const SamplerOptions options;
  const SamplerOutput output = testing::sample(model, {}, options, 4);
  REQUIRE(output.rows == 1000);
  CHECK(output.chains.front().leapfrogs == 0);
  const auto mu = testing::draws_of(output, "mu"), theta = testing::draws_of(output, "theta");
  const double n = 4000;
  double sum_mu = 0, sum_theta = 0, cross = 0, square = 0;
  for (std::size_t c = 0; c < mu.size(); ++c)
    for (std::size_t i = 0; i < mu[c].size(); ++i) {
      sum_mu += mu[c][i];
      sum_theta += theta[c][i];
      cross += (mu[c][i] - 28.0 / 11) * (theta[c][i] - 56.0 / 11);
      square += std::pow(theta[c][i] - 56.0 / 11, 2);
    }
  CHECK(std::abs(sum_mu / n - 28.0 / 11) < 4 * std::sqrt(250.0 / 11 / n));
  CHECK(std::abs(sum_theta / n - 56.0 / 11) < 4 * std::sqrt(450.0 / 11 / n));
  CHECK(std::abs(square / n - 450.0 / 11) < 4 * 450.0 / 11 * std::sqrt(2 / n));
  CHECK(std::abs(cross / n - 225.0 / 11) < 4 * std::sqrt((250.0 / 11 * 450.0 / 11 + 225.0 / 11 * 225.0 / 11) / n));
}

TEST_CASE("thinning, saved warm-up and further chains change no row of the others") {
  Model model = testing::load_text(kFunnel);
  SamplerOptions options;
  options.chains = 1;
  options.warmup = 150;
  options.draws = 60;
  const SamplerOutput all = testing::sample(model, {}, options, 9);
  options.thin = 7;
  options.save_warmup = true;
  options.chains = 3;
  const SamplerOutput thinned = testing::sample(model, {}, options, 9);
  REQUIRE(thinned.rows == 9);  // rows 1, 8, ..., 57
  const std::size_t columns = all.column_names.size();
  for (std::size_t row = 0; row < thinned.rows; ++row)
    for (std::size_t c = 0; c < columns; ++c) CHECK(thinned.values[0][row * columns + c] == all.values[0][7 * row * columns + c]);
  CHECK(thinned.values[1] != thinned.values[0]);
}
