// Linear mixed models at their REML estimates against lme4 (tests/hmc-marg/programs/mixed_models.R makes the data and prints
// estimates).
#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>

#include "hmc-marg/certificate.h"
#include "hmc-marg/marginal_support.h"

using namespace tenfold::hmc_marg;
using namespace tenfold::hmc_marg::testing;

namespace {

const std::filesystem::path kPrograms = std::filesystem::path(TENFOLD_SOURCE_DIR) / "tests/hmc-marg/programs";

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

}  // namespace

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
