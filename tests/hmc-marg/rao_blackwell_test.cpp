// Summaries from conditionals: closed forms, quadrature, plain sums over the draws, and what wrong versions would give.
#include "hmc-marg/rao_blackwell.h"

#include <doctest/doctest.h>

#include <cmath>
#include <functional>

#include "base/files.h"
#include "hmc-marg/embedded.h"
#include "hmc-marg/exact.h"
#include "hmc-marg/exact_against.h"
#include "hmc-marg/recover.h"
#include "hmc-marg/sampling_support.h"

using namespace tenfold;
using namespace tenfold::hmc_marg;
using namespace tenfold::hmc_marg::testing;

namespace {

const char* const kSchools =
    "parameters { real mu; real<lower=0> tau; vector[8] theta; } model { mu ~ normal(0, 5); tau ~ cauchy(0, 5); theta ~ "
    "normal(mu, tau); vector[8] y = [28, 8, -3, 7, -1, 1, 18, 12]'; y ~ normal(theta, [15, 10, 16, 11, 9, 11, 10, 18]'); }";

SamplerOptions run_of(int chains, int draws, int thin = 1) {
  SamplerOptions options;
  options.chains = chains;
  options.draws = draws;
  options.thin = thin;
  return options;
}

// A program, its plan and a sample of it.
struct Sampled {
  Model model;
  Marginal marginal;
  SamplerOutput output;

  explicit Sampled(const std::string& program, const std::string& data = "{}", const PlanOptions& plan = {.marginalize = "all"},
                   const SamplerOptions& options = {})
      : model(load_text(program, data)), marginal(marginalize(model.graph, plan)) {
    QuietRun run(3);
    output = sample_in_memory(model, marginal, options, 3, run);
  }

  std::vector<SummaryRow> rows(bool quantiles = false, double max_stored = 2e7, int threads = 2) const {
    ChainDraws draws;
    draws.names = output.column_names;
    for (const std::vector<double>& chain : output.values) draws.chains.emplace_back(chain);
    std::vector<std::string> kinds(kSamplerColumns);
    for (const Column& column : draw_columns(model, marginal)) kinds.emplace_back(name_of(column.kind));
    std::vector<SummaryRow> rows = summarize(draws, kSamplerColumns, kinds, threads);
    attach(rao_blackwell(model, marginal, output, quantiles, threads, max_stored), rows);
    return rows;
  }
};

const SummaryRow& find(const std::vector<SummaryRow>& rows, const std::string& name) {
  for (const SummaryRow& row : rows)
    if (row.name == name) return row;
  throw std::runtime_error("no row " + name);
}

std::vector<SummaryRow> eliminated(const std::vector<SummaryRow>& rows) {
  std::vector<SummaryRow> out;
  for (const SummaryRow& row : rows)
    if (row.conditional) out.push_back(row);
  return out;
}

// What the definitions say, by two passes over the draws: for one scalar z E[z | theta_s] and Var[z | theta_s] as [chain][row].
struct Plain {
  std::vector<std::vector<double>> mean, variance;

  double mean_of(const std::vector<std::vector<double>>& x) const {
    double sum = 0, n = 0;
    for (const auto& chain : x)
      for (const double v : chain) sum += v, ++n;
    return sum / n;
  }
  double rb_mean() const { return mean_of(mean); }
  // E Var[z | theta] and Var E[z | theta].
  double within() const { return mean_of(variance); }
  double between() const {
    double sum = 0, n = 0;
    for (const auto& chain : mean)
      for (const double v : chain) sum += std::pow(v - rb_mean(), 2), ++n;
    return sum / (n - 1);
  }
  double rb_sd() const { return std::sqrt(within() + between()); }
  // Of rb_sd, by the delta method on Var[z | theta_s] + (E[z | theta_s] - rb_mean)^2.
  double rb_sd_mcse() const {
    std::vector<std::vector<double>> square = variance;
    for (std::size_t c = 0; c < square.size(); ++c)
      for (std::size_t i = 0; i < square[c].size(); ++i) square[c][i] += std::pow(mean[c][i] - rb_mean(), 2);
    return stats::mcse_mean(stats::Draws(square)) / (2 * rb_sd());
  }
};

// Of the scalar at place z of Recovery; kept: names of the kept scalars' columns, in Recovery's order.
Plain plain(const Sampled& s, const std::vector<std::string>& kept, std::size_t z) {
  Recovery recovery(s.model.graph, s.marginal);
  REQUIRE(recovery.kept_size() == kept.size());
  std::vector<std::vector<std::vector<double>>> columns;
  for (const std::string& name : kept) columns.push_back(draws_of(s.output, name));
  Plain out;
  std::vector<double> theta(kept.size()), mean(recovery.eliminated_size());
  for (std::size_t c = 0; c < s.output.values.size(); ++c) {
    out.mean.emplace_back();
    out.variance.emplace_back();
    for (std::size_t row = 0; row < s.output.rows; ++row) {
      for (std::size_t k = 0; k < kept.size(); ++k) theta[k] = columns[k][c][row];
      REQUIRE(recovery.condition(theta));
      recovery.mean(mean);
      out.mean.back().push_back(mean[z]);
      out.variance.back().push_back(recovery.covariance(z, z));
    }
  }
  return out;
}

const ExactQuantity& find(const ExactResult& result, const std::string& name) {
  for (const ExactQuantity& q : result.quantities)
    if (q.name == name && !q.unconstrained) return q;
  throw std::runtime_error("no quantity " + name);
}

bool near(double x, double y, double tolerance) { return std::fabs(x - y) <= tolerance * std::max(1.0, std::fabs(y)); }

// Means, deviations and quantiles of all eliminated scalars against quadrature and against the draws' own summary. Returns how
// many rb_mcse are below mcse_mean.
int check_against_quadrature(Sampled& s, const std::vector<std::string>& kept) {
  QuietRun run;
  const ExactResult exact = integrate(s.model, s.marginal, {}, run);
  const std::vector<SummaryRow> rows = s.rows(true);
  int gains = 0;
  for (const SummaryRow& row : eliminated(rows)) {
    CAPTURE(row.name);
    const ConditionalFigures& c = *row.conditional;
    const ExactQuantity& truth = find(exact, row.name);
    CHECK(std::fabs(c.mean - truth.mean) <= 4 * c.mcse + 1e-8 * truth.sd);
    CHECK(std::fabs(c.mean - row.figures.mean) <= 4 * row.figures.mcse_mean);
    CHECK(std::fabs(c.sd / truth.sd - 1) < 0.1);
    // Quantiles: the exact ones' density is at least that of a normal's there, give or take.
    for (const auto& [ours, theirs] : {std::pair(c.q5, truth.q5), std::pair(c.q50, truth.q50), std::pair(c.q95, truth.q95)})
      CHECK(std::fabs(ours - theirs) < 0.12 * truth.sd);
    gains += c.mcse < row.figures.mcse_mean;
  }
  // Deviations, with their own error.
  Recovery recovery(s.model.graph, s.marginal);
  std::size_t at = 0;
  std::vector<SummaryRow> gone = eliminated(rows);
  REQUIRE(gone.size() == recovery.eliminated_size());
  for (const int p : s.marginal.eliminated) {
    const Parameter& parameter = s.model.graph.parameters[static_cast<std::size_t>(p)];
    const Columns columns = columns_of(parameter.name, parameter.value.type, parameter.value.dims);
    for (std::size_t k = 0; k < std::min<std::size_t>(columns.names.size(), 4); ++k) {
      CAPTURE(columns.names[k]);
      const Plain reference = plain(s, kept, at + columns.place[k]);
      const ConditionalFigures& c = *find(rows, columns.names[k]).conditional;
      CHECK(near(c.mean, reference.rb_mean(), 1e-12));
      CHECK(near(c.sd, reference.rb_sd(), 1e-12));
      CHECK(c.mcse == doctest::Approx(stats::mcse_mean(stats::Draws(reference.mean))).epsilon(1e-9));
      CHECK(std::fabs(c.sd - find(exact, columns.names[k]).sd) <= 4 * reference.rb_sd_mcse());
    }
    at += columns.names.size();
  }
  return gains;
}

}  // namespace

TEST_CASE("one school, nothing left to sample: the closed form, without error") {
  const Sampled s(
      "parameters { real mu; real theta; } model { mu ~ normal(0, 5); theta ~ normal(mu, 5); 28 ~ normal(theta, 15); }");
  REQUIRE(s.marginal.kept.empty());
  for (const double max_stored : {2e7, 0.0}) {
    const std::vector<SummaryRow> rows = s.rows(max_stored > 0, max_stored);
    const ConditionalFigures &theta = *find(rows, "theta").conditional, &mu = *find(rows, "mu").conditional;
    CHECK(near(theta.mean, 56.0 / 11, 1e-12));
    CHECK(near(theta.sd, std::sqrt(450.0 / 11), 1e-12));
    CHECK(near(mu.mean, 28.0 / 11, 1e-12));
    CHECK(theta.mcse == 0);
    CHECK(mu.mcse == 0);
    if (max_stored > 0) {
      CHECK(near(theta.q50, 56.0 / 11, 1e-9));
      CHECK(near(theta.q95, 56.0 / 11 + 1.6448536269514722 * std::sqrt(450.0 / 11), 1e-9));
    }
  }
}

TEST_CASE("conjugate families in closed form") {
  const auto only = [](const std::string& program, const std::string& name, const SamplerOptions& options = {}) {
    return *find(Sampled(program, "{}", {.marginalize = "all"}, options).rows(true), name).conditional;
  };
  const ConditionalFigures beta =
      only("parameters { real<lower=0, upper=1> x; } model { x ~ beta(2, 3); 2 ~ binomial(5, x); }", "x");  // Beta(4, 6)
  CHECK(near(beta.mean, 0.4, 1e-14));
  CHECK(near(beta.sd, std::sqrt(0.24 / 11), 1e-14));
  // Its median x: sum_{j>=4} C(9, j) x^j (1 - x)^(9 - j) = 1/2.
  CHECK(near(beta.q50, 0.39308483281063, 1e-9));
  const ConditionalFigures gamma = only("parameters { real<lower=0> x; } model { x ~ gamma(2, 3); 1 ~ poisson(x); }", "x");
  CHECK(near(gamma.mean, 0.75, 1e-14));  // Gamma(3, 4)
  CHECK(near(gamma.sd, std::sqrt(3.0) / 4, 1e-14));
  // Dirichlet(3, 2, 1); one draw is enough where all conditionals are one.
  const ConditionalFigures simplex =
      only("parameters { simplex[3] x; } model { x ~ dirichlet([1, 1, 1]'); array[3] int y = {1, 1, 2}; y ~ categorical(x); }",
           "x.2", run_of(1, 1));
  CHECK(near(simplex.mean, 2.0 / 6, 1e-14));
  CHECK(near(simplex.sd, std::sqrt(2.0 * 4 / 36 / 7), 1e-14));
  CHECK(simplex.mcse == 0);
}

TEST_CASE("eight schools: quadrature, and the gain over the draws") {
  Sampled s(kSchools);
  CHECK(check_against_quadrature(s, {"tau"}) >= 8);
  // What a mean over draws of tau that forgets one of the two variances, or takes tau's mean, would give lies outside.
  QuietRun run;
  const ExactResult exact = integrate(s.model, s.marginal, {}, run);
  const ExactQuantity& theta = find(exact, "theta.1");
  const Plain p = plain(s, {"tau"}, 1);
  CHECK(std::fabs(std::sqrt(p.within()) - theta.sd) > 5 * p.rb_sd_mcse());
  CHECK(std::fabs(std::sqrt(p.between()) - theta.sd) > 5 * p.rb_sd_mcse());
  Recovery recovery(s.model.graph, s.marginal);
  const double mean_tau = p.mean_of(draws_of(s.output, "tau"));
  std::vector<double> at_mean(recovery.eliminated_size());
  recovery.condition({&mean_tau, 1});
  recovery.mean(at_mean);
  const double mcse = find(s.rows(), "theta.1").conditional->mcse;
  CHECK(std::fabs(at_mean[1] - theta.mean) > 5 * mcse);
  // Below a quantile lies its share of the mixture over the draws of tau.
  const ConditionalFigures c = *find(s.rows(true), "theta.1").conditional;
  for (const auto& [x, share] : {std::pair(c.q5, 0.05), std::pair(c.q50, 0.5), std::pair(c.q95, 0.95)}) {
    std::vector<std::vector<double>> below = p.mean;
    for (std::size_t chain = 0; chain < below.size(); ++chain)
      for (std::size_t i = 0; i < below[chain].size(); ++i)
        below[chain][i] = 0.5 * std::erfc((p.mean[chain][i] - x) / std::sqrt(2 * p.variance[chain][i]));
    CHECK(near(p.mean_of(below), share, 1e-10));
  }
}

TEST_CASE("conjugate families over sampled hyper-parameters: quadrature, and the gain over the draws") {
  SUBCASE("beta-binomial rates of 71 experiments") {
    const std::filesystem::path data = std::filesystem::path(TENFOLD_SOURCE_DIR) / "sample_data/hmc-marg";
    Sampled s(read_file(data / "hpp.stan"), read_file(data / "rats71.json"));
    CHECK(check_against_quadrature(s, {"m", "kappa"}) == 71);
  }
  SUBCASE("Dirichlet, in an array") {
    Sampled s(
        "parameters { real<lower=0> a; array[2] simplex[3] p; } model { a ~ gamma(3, 1); for (i in 1:2) p[i] ~ "
        "dirichlet(rep_vector(a, 3)); array[5] int y = {1, 1, 1, 2, 1}; y ~ categorical(p[1]); {0, 2, 9} ~ multinomial(p[2]); }");
    CHECK(check_against_quadrature(s, {"a"}) == 6);
  }
  SUBCASE("gamma and inverse gamma") {
    Sampled s(
        "parameters { real<lower=0> b; vector<lower=0>[2] x; real<lower=0> v; } model { b ~ gamma(3, 2); x ~ gamma(2, b); 4 ~ "
        "poisson(x[1]); 1 ~ poisson(x[2]); v ~ inv_gamma(6, b); 2 ~ normal(0, sqrt(v)); }");
    REQUIRE(s.marginal.eliminated.size() == 2);
    CHECK(check_against_quadrature(s, {"b"}) == 3);
  }
}

TEST_CASE("each column has its own figures, whatever the layout of arrays of vectors") {
  // E[z_ij | s] = 100 s_ij^2 / (s_ij^2 + 100), with s of four sizes.
  const Sampled s(
      "data { array[2] vector[2] c; } parameters { array[2] vector[2] z; array[2] vector<lower=0>[2] s; } model { for (i in 1:2) "
      "{ "
      "s[i] ~ lognormal(log(c[i]), 0.1); z[i] ~ normal(0, s[i]); rep_vector(100, 2) ~ normal(z[i], 10); } }",
      R"({"c": [[2, 8], [20, 60]]})");
  REQUIRE(s.marginal.eliminated == std::vector<int>{0});
  const std::vector<SummaryRow> rows = s.rows(true);
  const auto check = [&](const std::string& index) {
    const ConditionalFigures& f = *find(rows, "z." + index).conditional;
    double sum = 0, n = 0;
    for (const auto& chain : draws_of(s.output, "s." + index))
      for (const double scale : chain) sum += 100 * scale * scale / (scale * scale + 100), ++n;
    CHECK(near(f.mean, sum / n, 1e-12));
    CHECK(std::fabs(f.mean - find(rows, "z." + index).figures.mean) < 4 * find(rows, "z." + index).figures.mcse_mean);
    CHECK(std::fabs(f.q50 - f.mean) < 0.2 * f.sd);
  };
  check("1.1");
  check("1.2");
  check("2.1");
  check("2.2");
  CHECK_FALSE(find(rows, "s.1.1").conditional);
  CHECK_FALSE(find(rows, "lp__").conditional);
}

TEST_CASE("thinned rows, and kept parameters that are sampled as epsilon") {
  const Sampled s(
      "parameters { real<lower=0> tau; vector[3] theta; real b; } model { tau ~ normal(0, 2); theta ~ normal(0, tau); b ~ "
      "normal(0, 3); vector[3] y = [1, 4, 7]'; y ~ normal(theta + b, 1); }",
      "{}", {.marginalize = "b", .reparam = "theta"}, run_of(4, 600, 3));
  REQUIRE(s.model.graph.noncentred.size() == 1);
  REQUIRE(s.output.rows == 200);
  const std::vector<SummaryRow> rows = s.rows();
  // Given theta, b has precision J + 1/9 and mean sum(y - theta) / (J + 1/9).
  const auto t1 = draws_of(s.output, "theta.1"), t2 = draws_of(s.output, "theta.2"), t3 = draws_of(s.output, "theta.3");
  std::vector<std::vector<double>> mean = t1;
  for (std::size_t c = 0; c < mean.size(); ++c)
    for (std::size_t i = 0; i < mean[c].size(); ++i) mean[c][i] = (12 - t1[c][i] - t2[c][i] - t3[c][i]) / (3 + 1.0 / 9);
  const stats::McmcSummary expected = stats::summarize(stats::Draws(mean));
  const ConditionalFigures& b = *find(rows, "b").conditional;
  CHECK(near(b.mean, expected.mean, 1e-12));
  CHECK(near(b.sd, std::sqrt(1 / (3 + 1.0 / 9) + expected.sd * expected.sd), 1e-12));
  CHECK(near(b.mcse, expected.mcse_mean, 1e-10));
}

TEST_CASE("too many values to keep: the same moments, the error from batch means, no quantiles") {
  const Sampled s(kSchools);
  const RaoBlackwellSummary kept = rao_blackwell(s.model, s.marginal, s.output, true, 2, 36'000);
  const RaoBlackwellSummary sums = rao_blackwell(s.model, s.marginal, s.output, true, 2, 35'999);  // 9 scalars, 4000 draws
  CHECK(kept.stored);
  CHECK_FALSE(sums.stored);
  REQUIRE(sums.figures.size() == 9);
  for (std::size_t i = 0; i < 9; ++i) {
    CHECK(near(sums.figures[i].mean, kept.figures[i].mean, 1e-10));
    CHECK(near(sums.figures[i].sd, kept.figures[i].sd, 1e-10));
    CHECK(sums.figures[i].mcse > 0.6 * kept.figures[i].mcse);
    CHECK(sums.figures[i].mcse < 1.6 * kept.figures[i].mcse);
    CHECK(std::isnan(sums.figures[i].q50));
    CHECK(std::isfinite(kept.figures[i].q50));
  }
  // Chains that disagree: the error is of the order of what lies between them.
  SamplerOutput apart = s.output;
  const std::size_t columns = apart.column_names.size();
  const auto tau = static_cast<std::size_t>(std::find(apart.column_names.begin(), apart.column_names.end(), "tau") -
                                            apart.column_names.begin());
  for (std::size_t row = 0; row < apart.rows; ++row) {
    apart.values[0][row * columns + tau] *= 100;
    apart.values[1][row * columns + tau] *= 100;
  }
  for (const double max_stored : {2e7, 0.0})
    CHECK(rao_blackwell(s.model, s.marginal, apart, false, 1, max_stored).figures[1].mcse > 4 * kept.figures[1].mcse);
}

TEST_CASE("threads change no bit") {
  const Sampled s(kSchools);
  for (const double max_stored : {2e7, 0.0}) {
    const RaoBlackwellSummary one = rao_blackwell(s.model, s.marginal, s.output, true, 1, max_stored),
                              three = rao_blackwell(s.model, s.marginal, s.output, true, 3, max_stored);
    for (std::size_t i = 0; i < one.figures.size(); ++i) {
      CHECK(one.figures[i].mean == three.figures[i].mean);
      CHECK(one.figures[i].sd == three.figures[i].sd);
      CHECK(one.figures[i].mcse == three.figures[i].mcse);
      if (max_stored > 0) CHECK(one.figures[i].q95 == three.figures[i].q95);
    }
  }
}

TEST_CASE("an error that cannot be known is none, one that is not there is 0") {
  Sampled s(kSchools);
  // Every chain stuck at one tau.
  SamplerOutput stuck = s.output;
  const std::size_t columns = stuck.column_names.size();
  for (std::vector<double>& chain : stuck.values)
    for (std::size_t row = 0; row < stuck.rows; ++row)
      std::copy_n(s.output.values[0].begin(), columns, chain.begin() + static_cast<std::ptrdiff_t>(row * columns));
  CHECK(std::isnan(rao_blackwell(s.model, s.marginal, stuck, false, 1).figures[0].mcse));
  SamplerOutput few = s.output;
  few.rows = 3;
  for (std::vector<double>& chain : few.values) chain.resize(3 * columns);
  CHECK(std::isnan(rao_blackwell(s.model, s.marginal, few, false, 1).figures[0].mcse));
  CHECK(std::isfinite(rao_blackwell(s.model, s.marginal, few, false, 1).figures[0].mean));
  // z does not depend on what is sampled.
  const Sampled apart("parameters { real<lower=0> s; real z; } model { s ~ weibull(2, 1); z ~ normal(1, 2); 3 ~ normal(z, 2); }");
  CHECK(apart.rows()[2].conditional->mcse == 0);
  CHECK(apart.rows()[2].conditional->mean == doctest::Approx(2).epsilon(1e-14));
}

TEST_CASE("a conditional without variance at some draws: no deviation; without mean: neither") {
  const auto summary = [](const std::string& lower) {
    const Sampled s("parameters { real<lower=" + lower +
                    ", upper=3> a; real<lower=0> v; } model { v ~ inv_gamma(a, 1); 1 ~ normal(0, sqrt(v)); }");
    REQUIRE(s.marginal.eliminated.size() == 1);
    return rao_blackwell(s.model, s.marginal, s.output, true, 1);
  };
  const RaoBlackwellSummary no_variance = summary("0.9"), neither = summary("0.1"), all = summary("1.8");
  CHECK(no_variance.infinite == std::vector<std::string>{"v"});
  CHECK(std::isfinite(no_variance.figures[0].mean));
  CHECK(std::isnan(no_variance.figures[0].sd));
  CHECK(std::isfinite(no_variance.figures[0].mcse));
  CHECK(std::isfinite(no_variance.figures[0].q95));
  CHECK(neither.infinite == std::vector<std::string>{"v"});
  CHECK(std::isnan(neither.figures[0].mean));
  CHECK(std::isnan(neither.figures[0].sd));
  CHECK(std::isnan(neither.figures[0].mcse));
  CHECK(all.infinite.empty());
  CHECK(std::isfinite(all.figures[0].sd));
}

TEST_CASE("an error below what quadrature resolves raises no alarm, a wrong mean does") {
  const Sampled s(kSchools);
  QuietRun run;
  const ExactResult exact = integrate(s.model, s.marginal, {}, run);
  const ExactQuantity& mu = exact.quantities.front();
  REQUIRE(mu.name == "mu");
  ChainDraws draws;
  draws.names = s.output.column_names;
  for (const std::vector<double>& chain : s.output.values) draws.chains.emplace_back(chain);
  const auto z = [&](double off, double mcse) {
    return grade(s.model, exact, draws, 1, {{"mu", {mu.mean + off * mu.sd, mcse * mu.sd}}}).front().rb_mean;
  };
  CHECK(std::fabs(z(1e-10, 1e-16)) < 0.01);
  CHECK(std::fabs(z(1e-10, 0)) < 0.01);
  CHECK(z(1e-3, 1e-16) > 30);
  CHECK(z(0.03, 0.01) == doctest::Approx(3).epsilon(0.01));  // the normal score of a Student t
  CHECK(std::isnan(grade(s.model, exact, draws, 1).front().rb_mean));
}

TEST_CASE("a run's result holds them, and `exact --against` grades them") {
  const test::Scratch scratch;
  scratch.file("m.stan", kSchools);
  const test::Launch here{.directory = scratch.path().string(), .variables = {}, .input = ""};
  const auto result = [&](std::vector<std::string> words) {
    words.insert(words.end(), {"-q", "--format", "json"});
    const test::Outcome outcome = test::run(command(words), here);
    REQUIRE_MESSAGE(outcome.exit_code == 0, outcome.err);
    return Json::parse(outcome.out).at("result");
  };
  const Json on = result({"sample", "m.stan", "-o", "run"});
  const auto row = [](const Json& of, const std::string& name) {
    for (const Json& r : of.at("summary"))
      if (r.at("name") == name) return r;
    return Json();
  };
  CHECK(row(on, "theta.1").at("rb_mean").is_number());
  CHECK(row(on, "theta.1").at("rb_sd").is_number());
  CHECK(row(on, "theta.1").at("rb_mcse").get<double>() < row(on, "theta.1").at("mcse_mean").get<double>());
  CHECK(row(on, "tau").at("rb_mean").is_null());
  CHECK_FALSE(row(on, "theta.1").contains("rb_q50"));
  CHECK(on.at("time").at("rao_blackwell_cpu_s").get<double>() > 0);
  const Json off = result({"sample", "m.stan", "--rao-blackwell", "off", "-o", "off"});
  CHECK(row(off, "theta.1").at("rb_mean").is_null());
  CHECK(row(off, "theta.1").at("mean") == row(on, "theta.1").at("mean"));
  const Json quantiles = result({"sample", "m.stan", "--rao-blackwell", "quantiles", "-o", "quantiles"});
  CHECK(row(quantiles, "theta.1").at("rb_mean") == row(on, "theta.1").at("rb_mean"));
  CHECK(row(quantiles, "theta.1").at("rb_q5") < row(quantiles, "theta.1").at("rb_q50"));

  Json exact = result({"exact", "m.stan", "--against", "run"});
  int graded = 0;
  for (const Json& q : exact.at("quantities"))
    if (q.at("z_rb_mean").is_number()) {
      ++graded;
      CHECK(std::fabs(q.at("z_rb_mean").get<double>()) < 4);
    }
  CHECK(graded == 9);
  CHECK_FALSE(exact.at("against").at("difference_shown").get<bool>());
  CHECK(result({"exact", "m.stan", "--against", "off"}).at("against").at("compared") ==
        exact.at("against").at("compared").get<int>() - 9);
  // A run whose rb_mean is of another scalar.
  Json envelope = Json::parse(test::slurp(scratch.path() / "run/result.json"));
  for (Json& r : envelope.at("result").at("summary"))
    if (r.at("name") == "theta.1") r["rb_mean"] = row(on, "theta.2").at("rb_mean");
  scratch.file("run/result.json", envelope.dump());
  exact = result({"exact", "m.stan", "--against", "run"});
  CHECK(exact.at("against").at("worst") == "Rao-Blackwell mean of theta.1");
  CHECK(exact.at("against").at("difference_shown").get<bool>());
}
