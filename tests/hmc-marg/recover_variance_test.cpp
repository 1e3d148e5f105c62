// Conditional variances, which walk only what a scalar stands on, against the covariances, which solve with the whole factor.
#include <doctest/doctest.h>

#include "hmc-marg/marginal_support.h"
#include "hmc-marg/recover.h"

using namespace tenfold::hmc_marg;
using namespace tenfold::hmc_marg::testing;

namespace {

void check_variances(const MarginalModel& m, const std::vector<double>& kept) {
  Recovery recovery(m.model->graph, m.marginal);
  REQUIRE(recovery.kept_size() == kept.size());
  REQUIRE(recovery.condition(kept));
  std::vector<double> variance(recovery.eliminated_size());
  for (int repeat = 0; repeat < 2; ++repeat) {  // the second call finds its work space as the first one did
    recovery.variance(variance);
    for (std::size_t i = 0; i < variance.size(); ++i)
      CHECK(variance[i] == doctest::Approx(recovery.covariance(i, i)).epsilon(1e-13));
  }
}

}  // namespace

TEST_CASE("variances of slopes and intercepts with shared means are the covariances' diagonal") {
  const std::filesystem::path root = TENFOLD_SOURCE_DIR;
  check_variances(
      marginal_of(bind_files(root / "sample_data/hmc-marg/sleepstudy.stan", root / "sample_data/hmc-marg/sleepstudy.json"),
                  {.marginalize = "all"}),
      {25, 6, 20});
}

TEST_CASE("variances along a chain and of correlated pairs are the covariances' diagonal") {
  check_variances(marginal_of("parameters { vector[5] z; real<lower=0> s; } model { z[1] ~ normal(0, 2); for (t in 2:5) z[t] ~ "
                              "normal(0.9 * z[t-1], s); 1.5 ~ normal(z[3] + z[5], 1); 2 ~ normal(z[1], s); s ~ weibull(2, 1); }",
                              "{}", {.marginalize = "all"}),
                  {0.7});
  check_variances(marginal_of("parameters { vector[2] z; real<lower=0> s; } model { s ~ weibull(2, 1); z ~ multi_normal([1, 2]', "
                              "[[2, 0.7], [0.7, 1]]); 1.5 ~ normal(z[1] - 2 * z[2], s); }",
                              "{}", {.marginalize = "all"}),
                  {0.7});
}
