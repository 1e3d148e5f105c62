// The certificate holds for sound eliminations, and each planted error of 1e-4 breaks it.
#include "hmc-marg/certificate.h"

#include <doctest/doctest.h>

#include "base/philox.h"
#include "hmc-marg/gaussian_block.h"
#include "hmc-marg/marginal_support.h"
#include "hmc-marg/recover.h"

using namespace tenfold::hmc_marg;
using namespace tenfold::hmc_marg::testing;

namespace {

const char* const kData =
    R"({"N": 12, "g": [1,1,1,2,2,2,3,3,3,4,4,4], "x": [0.1,-0.4,1.2,0.7,-1.1,0.3,0.9,-0.6,1.5,-0.2,0.8,-1.3],
 "y": [1.1,0.4,2.2,1.7,-0.1,0.8,1.9,0.1,2.5,-1.2,0.1,-1.9]})";
const std::string kHead = "data { int N; array[N] int g; vector[N] x; vector[N] y; }\n";
const std::string kModel =
    kHead +
    "parameters { real mu; real<lower=0> tau; real<lower=0> s; vector[4] a; }"
    "model { mu ~ normal(0, 2); tau ~ cauchy(0, 1); s ~ normal(0, 1); a ~ normal(mu, tau); y ~ normal(a[g], s); }";

}  // namespace

TEST_CASE("the certificate holds, compressed or not, for every choice of kept parameters") {
  const std::string programs[] = {
      kModel,
      kHead +
          "parameters { real m; vector<offset=m, multiplier=2>[4] a; vector[4] b; real<lower=0> s; real c; }"
          "model { m ~ normal(0, 2); c ~ normal(0, 1); a ~ normal(m, 1.5); b ~ normal(0, exp(c)); s ~ normal(0, 1); y ~ "
          "normal(a[g] + b[g] .* x + c, s); }",
      kHead +
          "parameters { vector[4] a; real<lower=0, upper=3> s; real<lower=1> t; real<lower=-1, upper=2> k; }"
          "model { a ~ normal(k, t); y ~ normal(a[g] + k * x, 2 * s); t ~ lognormal(a[1], 1); }",
      kHead +
          "parameters { vector[4] z; real<lower=0> q; simplex[3] p; }"
          "model { z[1] ~ normal(0, 1); z[2:4] ~ normal(p[1] * z[1:3], q); q ~ gamma(2, 2); y ~ normal(z[g] + p[2] * x, 1); }",
      kHead +
          "parameters { matrix[2, 4] b; cholesky_factor_corr[2] L; vector<lower=0>[2] t; }"
          "model { t ~ normal(0, 1); for (k in 1:4) b[, k] ~ multi_normal_cholesky([0, 1]', diag_pre_multiply(t, L)); y ~ "
          "normal(b[1, g]' + b[2, g]' .* x, 0.5); }",
  };
  for (const std::string& program : programs) {
    CAPTURE(program);
    std::vector<std::string> keeps = {""};
    for (const PlanEntry& e : marginal_of(program, kData).marginal.plan)
      if (e.eliminated) keeps.push_back(e.name);
    REQUIRE(keeps.size() > 1);
    for (const std::string& keep : keeps)
      for (const bool compress : {true, false}) {
        PlanOptions options = largest();
        if (!keep.empty()) options.keep = {keep};
        options.compress = compress;
        const MarginalModel m = marginal_of(program, kData, options);
        const CertificateResult result = certify(m.model->graph, m.marginal, 5);
        CAPTURE(keep);
        CAPTURE(result.worst);
        CHECK(result.ok);
        if (!m.marginal.eliminated.empty()) CHECK(result.points >= 16);
        CHECK(result.max_rel_error < 1e-9);
      }
  }
}

namespace {

// The certificate's parts for a model, with the places where an error can be planted.
struct Planted {
  double mean = 0, variance = 0, log_determinant = 0, scale_jacobian = 0;  // errors in the conditional's numbers
};

CertificateResult certify_with(const MarginalModel& m, const Planted& error) {
  Recovery recovery(m.model->graph, m.marginal);
  TargetSpec joint = joint_target(m.model->graph);
  for (std::size_t i = 0; i < joint.inputs.size(); ++i) joint.inputs[i] = 0;
  joint.inputs = m.marginal.target.inputs;
  joint.inputs.insert(joint.inputs.end(), m.marginal.gaussian->value.begin(), m.marginal.gaussian->value.end());
  CertificateParts parts;
  parts.kept_free = static_cast<int>(m.marginal.target.inputs.size());
  parts.eliminated = static_cast<int>(recovery.eliminated_size());
  parts.joint = [&](std::span<const double> kept, std::span<const double> z, double& magnitude) {
    std::vector<double> q(kept.begin(), kept.end());
    q.insert(q.end(), z.begin(), z.end());
    const double value = reference_log_density(m.model->graph.graph, joint, q, {});
    magnitude = std::fabs(value);
    return value;
  };
  parts.marginal = [&](std::span<const double> kept) { return m.engine->log_density(kept); };
  parts.condition = [&](std::span<const double> kept) {
    const std::vector<double> constrained = {std::exp(kept[0]), std::exp(kept[1])};
    if (!recovery.condition(constrained)) return false;
    ConditionalNumbers& numbers = recovery.numbers();
    for (double& x : numbers.mean) x *= 1 + error.mean;
    for (double& x : numbers.component) x *= 1 + error.variance;
    numbers.log_diagonal *= 1 + error.log_determinant;
    numbers.log_scales *= 1 + error.scale_jacobian;
    return true;
  };
  parts.draw = [&](tenfold::PhiloxStream& random, std::span<double> z) { recovery.draw(random, z); };
  parts.draw_wide = [&](tenfold::PhiloxStream& random, std::span<double> z) { recovery.draw_independent(random, 3, z); };
  parts.log_conditional = [&](std::span<const double> z) { return recovery.log_conditional(z); };
  return certify(parts, 5);
}

// The marginal with another block in its target.
MarginalModel with_system(const BlockSystem& system) {
  MarginalModel m = marginal_of(kModel, kData);
  m.marginal.target.factors = {std::make_shared<GaussianBlock>(system)};
  m.engine = std::make_unique<Engine>(lower(m.model->graph.graph, m.marginal.target));
  return m;
}

}  // namespace

TEST_CASE("mutations: an error of 1e-4 in any part breaks the certificate") {
  const MarginalModel sound = marginal_of(kModel, kData);
  REQUIRE(certify_with(sound, {}).ok);
  CHECK_FALSE(certify_with(sound, {.mean = 1e-4}).ok);
  CHECK_FALSE(certify_with(sound, {.variance = 1e-4}).ok);
  CHECK_FALSE(certify_with(sound, {.log_determinant = 1e-4}).ok);
  CHECK_FALSE(certify_with(sound, {.scale_jacobian = 1e-4}).ok);

  SUBCASE("an accumulator of the marginal: one coefficient, one intercept, one row") {
    BlockSystem system = *sound.marginal.gaussian;
    for (std::size_t t = 0; t < system.rows.terms.size(); ++t) {
      BlockSystem wrong = system;
      wrong.rows.terms[t].number *= 1 + 1e-4;
      CHECK_FALSE(certify_with(with_system(wrong), {}).ok);
    }
    system.rows.rows.pop_back();
    CHECK_FALSE(certify_with(with_system(system), {}).ok);
  }
  SUBCASE("a Jacobian, a normaliser or a density of what is kept") {
    for (std::size_t t = 0; t < sound.marginal.target.terms.size(); ++t) {
      MarginalModel m = marginal_of(kModel, kData);
      m.marginal.target.terms[t].coefficient *= 1 + 1e-4;
      m.engine = std::make_unique<Engine>(lower(m.model->graph.graph, m.marginal.target));
      CHECK_FALSE(certify_with(m, {}).ok);
    }
    MarginalModel m = marginal_of(kModel, kData);
    m.marginal.target.constant += 1e-4;
    m.engine = std::make_unique<Engine>(lower(m.model->graph.graph, m.marginal.target));
    CHECK_FALSE(certify_with(m, {}).ok);
    m.marginal.target.densities.pop_back();
    m.engine = std::make_unique<Engine>(lower(m.model->graph.graph, m.marginal.target));
    CHECK_FALSE(certify_with(m, {}).ok);
  }
}

TEST_CASE("too few finite points fail") {
  CertificateParts parts;
  parts.kept_free = 1;
  parts.eliminated = 1;
  parts.joint = [](auto, auto, double& magnitude) {
    magnitude = 1;
    return -std::numeric_limits<double>::infinity();
  };
  parts.marginal = [](auto) { return 0.0; };
  parts.condition = [](auto) { return true; };
  parts.draw = [](auto&, auto) {};
  parts.draw_wide = [](auto&, auto) {};
  parts.log_conditional = [](auto) { return 0.0; };
  const CertificateResult result = certify(parts, 1);
  CHECK_FALSE(result.ok);
  CHECK(result.points == 0);
}

TEST_CASE("a marginal that is not finite where the joint is fails within U(-2, 2)") {
  CertificateParts parts;
  parts.kept_free = 1;
  parts.eliminated = 1;
  parts.joint = [](auto, auto, double& magnitude) {
    magnitude = 1;
    return 0.0;
  };
  parts.marginal = [](std::span<const double> q) { return std::fabs(q[0]) > 2 ? std::nan("") : 0.0; };
  parts.condition = [](auto) { return true; };
  parts.draw = [](auto&, auto) {};
  parts.draw_wide = [](auto&, auto) {};
  parts.log_conditional = [](auto) { return 0.0; };
  CHECK(certify(parts, 1).ok);  // far points are skipped
  parts.marginal = [](std::span<const double> q) { return q[0] > 1 && q[0] < 2 ? std::nan("") : 0.0; };
  CHECK_FALSE(certify(parts, 1).ok);
}
