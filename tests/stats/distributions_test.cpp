// Distribution functions against R's (qnorm, pnorm, qt, pt, qbeta, pbeta, pchisq; printed to 17 digits).
#include "stats/distributions.h"

#include <doctest/doctest.h>

#include <cmath>

using namespace tenfold::stats;

TEST_CASE("normal") {
  CHECK(normal_quantile(0.975) == doctest::Approx(1.9599639845400536).epsilon(1e-15));
  CHECK(normal_quantile(normal_cdf(-37)) == doctest::Approx(-37).epsilon(1e-12));
  CHECK(normal_cdf(-1) == doctest::Approx(0.15865525393145705).epsilon(1e-15));
  CHECK(normal_cdf(-30) == doctest::Approx(4.9067139271481872e-198).epsilon(1e-12));
  CHECK(std::isinf(normal_quantile(0)));
  CHECK(std::isnan(normal_quantile(-0.1)));
  CHECK(std::isnan(normal_quantile(std::nan(""))));
}

TEST_CASE("Student's t") {
  CHECK(student_t_quantile(0.975, 4) == doctest::Approx(2.7764451051977934).epsilon(1e-12));
  CHECK(student_t_quantile(0.975, 1) == doctest::Approx(12.706204736174694).epsilon(1e-12));
  CHECK(student_t_cdf(-2, 7) == doctest::Approx(0.042809664281487983).epsilon(1e-12));
}

TEST_CASE("beta") {
  CHECK(beta_quantile(0.1586553, 51, 951) == doctest::Approx(0.043974380330828296).epsilon(1e-10));
  CHECK(beta_cdf(0.3, 2, 5) == doctest::Approx(0.57982500000000015).epsilon(1e-12));
  CHECK(beta_quantile(beta_cdf(0.003, 2.5, 700.25), 2.5, 700.25) == doctest::Approx(0.003).epsilon(1e-12));
}

TEST_CASE("chi-square p") {
  CHECK(chi_square_p(3.841458820694124, 1) == doctest::Approx(0.05).epsilon(1e-12));
  CHECK(chi_square_p(0, 3) == 1);
  CHECK(chi_square_p(1000, 19) < 1e-190);
}
