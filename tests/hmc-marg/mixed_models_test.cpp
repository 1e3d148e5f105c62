// Linear mixed models at their ML and REML estimates against lme4 (tests/hmc-marg/programs/mixed_models.R makes the data and
// prints estimates).
#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>

#include "hmc-marg/certificate.h"
#include "hmc-marg/marginal_support.h"

using namespace tenfold::hmc_marg;
using namespace tenfold::hmc_marg::testing;

namespace {

const std::filesystem::path kPrograms = std::filesystem::path(TENFOLD_SOURCE_DIR) / "tests/hmc-marg/programs";
const std::filesystem::path kSamples = std::filesystem::path(TENFOLD_SOURCE_DIR) / "sample_data/hmc-marg";

MarginalModel model(const char* program, const char* data) {
  PlanOptions all;
  all.marginalize = "all";
  return marginal_of(bind_files(kPrograms / program, kPrograms / data), all);
}

// log |J| of positive scalars at log scale, which the REML density does not have.
double without_jacobian(const MarginalModel& m, const std::vector<double>& positive) {
  std::vector<double> q;
  double jacobian = 0;
  for (const double x : positive) {
    q.push_back(std::log(x));
    jacobian += std::log(x);
  }
  return m(q) - jacobian;
}

// Machines: sd, then the canonical partial correlations' atanh, then sigma; less the log density of L under LKJ(1) and all
// Jacobians.
double machines_at(const MarginalModel& m) {
  const double sd[3] = {4.07924554927019, 5.87772395799212, 3.68989883037768}, sigma = 0.961578447025733;
  const double l21 = 0.483976559758422, l31 = -0.364999506765106, l32 = 0.540895640320727;
  std::vector<double> q;
  double rest = 0;
  for (const double s : sd) {
    q.push_back(std::log(s));
    rest += std::log(s);
  }
  // Rows of L: L_21 = tanh q; L_31 = tanh q; L_32 = tanh q * sqrt(1 - L_31^2).
  const double c32 = l32 / std::sqrt(1 - l31 * l31);
  for (const double c : {l21, l31, c32}) {
    q.push_back(std::atanh(c));
    rest += std::log(1 - c * c);
  }
  rest += 0.5 * std::log(1 - l31 * l31);
  q.push_back(std::log(sigma));
  rest += std::log(sigma);
  // lkj_corr_cholesky(L | 1), K = 3: log L_22 + 0 * log L_33 - log of the volume of correlation matrices, pi^2 / 2.
  rest += 0.5 * std::log(1 - l21 * l21) - std::log(M_PI * M_PI / 2);
  return m(q) - rest;
}

const char* const kInterceptPrior = "lprior += student_t_lpdf(Intercept | 3, 288.7, 59.3);";

// (Days | Subject) as brms writes it, with another prior of Intercept.
MarginalModel sleepstudy_brms(const std::string& intercept_prior, const std::string& marginalize) {
  std::string program = tenfold::read_file(kSamples / "sleepstudy_brms.stan");
  const std::size_t at = program.find(kInterceptPrior);
  if (at == std::string::npos) throw std::runtime_error("sleepstudy_brms.stan has another prior of Intercept");
  program.replace(at, std::string(kInterceptPrior).size(), intercept_prior);
  PlanOptions options;
  options.marginalize = marginalize;
  return marginal_of(program, tenfold::read_file(kSamples / "sleepstudy_brms.json"), options);
}

double student_t(double y, double nu, double scale) {
  return std::lgamma((nu + 1) / 2) - std::lgamma(nu / 2) - 0.5 * std::log(nu * M_PI) - std::log(scale) -
         (nu + 1) / 2 * std::log1p(y * y / (scale * scale * nu));
}

// Free values of sigma, sd_1 and L_1, and what the program's density has there besides the likelihood: half a student_t is twice
// the density, LKJ(1) of two dimensions is 1/2, d rho / d q = 1 - rho^2.
std::vector<double> sleepstudy_scales(double sigma, double sd_intercept, double sd_slope, double correlation, double& rest) {
  rest = std::log(0.5) + std::log(1 - correlation * correlation);
  for (const double s : {sigma, sd_intercept, sd_slope}) rest += std::log(2) + student_t(s, 3, 59.3) + std::log(s);
  return {std::log(sigma), std::log(sd_intercept), std::log(sd_slope), std::atanh(correlation)};
}

}  // namespace

TEST_CASE("sleepstudy as brms writes it, at the ML estimate") {
  const MarginalModel m = sleepstudy_brms(kInterceptPrior, "z_1");
  CHECK(m.marginal.eliminated == std::vector<int>{4});
  CHECK(m.marginal.block->max_component == 2);
  double rest = 0;
  const std::vector<double> scales = sleepstudy_scales(25.59190703649, 23.77975958946, 5.71679851393, 0.0813210934, rest);
  const double slope = 10.467285959596, intercept = 251.405104848486 + 4.5 * slope;  // at the mean of Days
  rest += student_t(intercept - 288.7, 3, 59.3);
  std::vector<double> q = {slope, intercept};
  q.insert(q.end(), scales.begin(), scales.end());
  CHECK(std::fabs(m(q) - rest + 875.96967224) < 1e-7);
  CHECK(gradient_error(m, q) < 1e-7);
  const CertificateResult c = certify(m.model->graph, m.marginal, 1);
  CAPTURE(c.worst);
  CHECK(c.ok);
}

TEST_CASE("sleepstudy as brms writes it, flat coefficients, at the REML estimate") {
  const MarginalModel m = sleepstudy_brms("", "all");
  CHECK(m.marginal.eliminated == std::vector<int>{0, 1, 4});  // b, Intercept, z_1
  double rest = 0;
  const std::vector<double> q = sleepstudy_scales(25.591795721675, 24.7406579949841, 5.9221376588981, 0.065551238238128, rest);
  CHECK(std::fabs(m(q) - rest + 871.81413598) < 1e-7);
  CHECK(gradient_error(m, q) < 1e-7);
}

TEST_CASE("sleepstudy as brms writes it: what the default prior keeps, a normal one lets go") {
  const MarginalModel declared = sleepstudy_brms(kInterceptPrior, "auto");
  CHECK(entry(declared, "z_1").eliminated);
  CHECK(entry(declared, "Intercept").reason == "family");
  const MarginalModel m = sleepstudy_brms("lprior += normal_lpdf(Intercept | 250, 100);", "all");
  CHECK(m.marginal.eliminated == std::vector<int>{0, 1, 4});
  for (const char* kept : {"sigma", "sd_1", "L_1"}) CHECK(entry(m, kept).reason == "bounds");
  CHECK(m.marginal.target.inputs.size() == 4);
  const std::vector<double> q = {3.1, 3.3, 1.5, 0.3};
  CHECK(std::fabs(m(q) - dense_log_marginal(m, q)) < 1e-9 * std::fabs(m(q)));
  CHECK(certify(m.model->graph, m.marginal, 1).ok);
}

TEST_CASE("Pastes: samples within batches") {
  const MarginalModel m = model("pastes.stan", "pastes.json");
  CHECK(m.marginal.block->n == 41);
  CHECK(std::fabs(without_jacobian(m, {1.2873647350231, 2.9040778103219, 0.82340752259586}) + 123.495372926743) < 1e-7);
  CHECK(certify(m.model->graph, m.marginal, 1).ok);
}

TEST_CASE("cake: eighteen flat coefficients") {
  const MarginalModel m = model("cake.stan", "cake.json");
  CHECK(m.marginal.block->n == 18 + 45);
  CHECK(std::fabs(without_jacobian(m, {6.4681556242586, 4.5244778105533}) + 819.310729940009) < 1e-7);
  CHECK(certify(m.model->graph, m.marginal, 1).ok);
}

TEST_CASE("Machines: correlated effects of a worker, as brms writes them") {
  const MarginalModel m = model("machines.stan", "machines.json");
  CHECK(m.marginal.eliminated == std::vector<int>{0, 2});  // beta, z
  CHECK(m.marginal.target.inputs.size() == 7);
  CHECK(m.marginal.block->max_component == 3);
  CHECK(std::fabs(machines_at(m) + 104.155609168137) < 1e-7);
  const CertificateResult c = certify(m.model->graph, m.marginal, 1);
  CAPTURE(c.worst);
  CHECK(c.ok);
}

TEST_CASE("Machines: the covariance in the prior gives the same density") {
  const MarginalModel m = model("machines-centred.stan", "machines.json");
  CHECK(m.marginal.eliminated == std::vector<int>{0, 2});
  CHECK(m.marginal.block->whitened == 18);
  CHECK(m.marginal.block->max_component == 3);
  CHECK(std::fabs(machines_at(m) + 104.155609168137) < 1e-7);
  const CertificateResult c = certify(m.model->graph, m.marginal, 1);
  CAPTURE(c.worst);
  CHECK(c.ok);
  CHECK(gradient_error(m, {0.5, 1, 0.3, 0.4, -0.2, 0.6, 0.1}) < 1e-7);
  // The neck of the funnel: no effect at all, where a centred form loses its digits.
  const MarginalModel written = model("machines.stan", "machines.json");
  for (const double s : {-20.0, -8.0, 3.0}) {
    const std::vector<double> q = {s, s + 1, s - 1, 0.4, -0.2, 0.6, 0.1};
    std::vector<double> a, b;
    const double x = m(q, a), y = written(q, b);
    CAPTURE(s);
    CHECK(std::fabs(x - y) < 1e-11 * std::fabs(y));
    for (std::size_t i = 0; i < q.size(); ++i) CHECK(std::fabs(a[i] - b[i]) < 1e-9 * std::max(1.0, std::fabs(b[i])));
  }
}
