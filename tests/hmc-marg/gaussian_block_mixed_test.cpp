// Linear mixed models against lme4's deviances (R package lme4 1.1), with sleepstudy and Dyestuff, and fibrosis against dense
// arithmetic.
#include <doctest/doctest.h>

#include <filesystem>

#include "hmc-marg/certificate.h"
#include "hmc-marg/corpus_support.h"
#include "hmc-marg/marginal_support.h"

using namespace tenfold::hmc_marg;
using namespace tenfold::hmc_marg::testing;

namespace {

std::string sample_data(const std::string& name) {
  return tenfold::read_file(std::string(TENFOLD_SOURCE_DIR) + "/sample_data/hmc-marg/" + name);
}

// Random intercepts and slopes with standard deviations a, b, correlation r; residual s.
std::string sleepstudy(const std::string& fixed_priors) {
  return "data { int N; int J; array[N] int subject; vector[N] days; vector[N] reaction; }\n"
         "parameters { vector[2] beta; array[J] vector[2] u; real<lower=0> a; real<lower=0> b; real<lower=-1, upper=1> r; "
         "real<lower=0> s; }\n"
         "model { matrix[2, 2] L = [[a, 0], [r * b, b * sqrt(1 - r^2)]];\n" +
         fixed_priors +
         "for (j in 1:J) u[j] ~ multi_normal_cholesky([0, 0]', L);\n"
         "for (i in 1:N) reaction[i] ~ normal(beta[1] + u[subject[i], 1] + (beta[2] + u[subject[i], 2]) * days[i], s); }";
}

double logit(double x) { return std::log(x / (1 - x)); }

// The marginal's value less the log Jacobians of the kept scales and of the correlation (bounds -1, 1).
double sleepstudy_at(const MarginalModel& m, const std::vector<double>& fixed, double a, double b, double r, double s) {
  std::vector<double> q = fixed;
  const double t = logit((r + 1) / 2);
  q.insert(q.end(), {std::log(a), std::log(b), t, std::log(s)});
  const double jacobian = std::log(a) + std::log(b) + std::log(s) + std::log((1 - r * r) / 2);
  return m(q) - jacobian;
}

double dyestuff_at(const MarginalModel& m, const std::vector<double>& fixed, double a, double s) {
  std::vector<double> q = fixed;
  q.insert(q.end(), {std::log(a), std::log(s)});
  return m(q) - std::log(a) - std::log(s);
}

}  // namespace

TEST_CASE("sleepstudy: maximum likelihood at fixed coefficients, and REML with flat ones") {
  PlanOptions keep = largest();
  keep.keep = {"beta"};
  const MarginalModel ml = marginal_of(sleepstudy(""), sample_data("sleepstudy.json"), keep);
  CHECK(ml.marginal.block->n == 36);
  CHECK(ml.marginal.block->components == 18);
  CHECK(std::fabs(
            sleepstudy_at(ml, {251.405104848486, 10.467285959596}, 23.77975958946, 5.71679851393, 0.0813210934, 25.59190703649) +
            875.96967224) < 1e-7);
  const MarginalModel reml = marginal_of(sleepstudy(""), sample_data("sleepstudy.json"));
  CHECK(reml.marginal.block->n == 38);
  CHECK(std::fabs(sleepstudy_at(reml, {}, 24.7406579949841, 5.9221376588981, 0.065551238238128, 25.591795721675) + 871.81413598) <
        1e-7);
  const CertificateResult certificate = certify(reml.model->graph, reml.marginal, 1);
  CAPTURE(certificate.worst);
  CHECK(certificate.ok);
}

TEST_CASE("Dyestuff: REML with a flat mean, maximum likelihood at a fixed one") {
  const std::string program =
      "data { int N; int J; array[N] int batch; vector[N] yield; }\n"
      "parameters { real beta; vector[J] u; real<lower=0> a; real<lower=0> s; }\n"
      "model { u ~ normal(0, a); yield ~ normal(beta + u[batch], s); }";
  const MarginalModel reml = marginal_of(program, sample_data("dyestuff.json"));
  CHECK(std::fabs(dyestuff_at(reml, {}, 42.000595310389, 49.510099965635) + 159.82713842113) < 1e-7);
  PlanOptions keep = largest();
  keep.keep = {"beta"};
  const MarginalModel ml = marginal_of(program, sample_data("dyestuff.json"), keep);
  CHECK(std::fabs(dyestuff_at(ml, {1527.5}, 37.260345443277, 49.51009995119) + 163.66352994057) < 1e-7);
}

TEST_CASE("fibrosis: 1549 rows of 176 patients") {
  const std::filesystem::path data = test_data("pulmonary_fibrosis.json");
  if (data.empty()) return;
  const std::string program =
      "data { int N; int J; array[N] int patient; vector[N] week; vector[N] fvc; }\n"
      "parameters { real m_a; real<lower=0> s_a; real m_b; real<lower=0> s_b; vector[J] a; vector[J] b; real<lower=0> s; }\n"
      "model { m_a ~ normal(0, 500); m_b ~ normal(0, 3); a ~ normal(m_a, s_a); b ~ normal(m_b, s_b);\n"
      "for (i in 1:N) fvc[i] ~ normal(a[patient[i]] + b[patient[i]] * week[i], s); }";
  const MarginalModel m = marginal_of(program, tenfold::read_file(data.string()));
  CHECK(m.marginal.block->n == 354);
  CHECK(m.marginal.block->border == 2);
  CHECK(m.marginal.block->max_component == 2);
  const std::vector<double> q = {std::log(800.0), std::log(8.0), std::log(130.0)};
  CHECK(std::fabs((m(q) - q[0] - q[1] - q[2]) / -10494.786635276538 - 1) < 1e-11);
  PlanOptions off = largest();
  off.compress = false;
  const MarginalModel full = marginal_of(program, tenfold::read_file(data.string()), off);
  std::vector<double> x, y;
  CHECK(std::fabs(full(q, y) / m(q, x) - 1) < 1e-11);
  for (std::size_t i = 0; i < 3; ++i) CHECK(std::fabs(x[i] - y[i]) < 1e-10 * std::max(1.0, std::fabs(x[i])));
  CHECK(gradient_error(m, q) < 1e-6);
}
