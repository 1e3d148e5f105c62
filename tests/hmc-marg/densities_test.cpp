// Univariate densities: SciPy's values, derivatives, total mass, what propto drops, draws.
#include "hmc-marg/densities.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "base/philox.h"
#include "data/json_reader.h"
#include "hmc-marg/gamma_ratio.h"
#include "hmc-marg/special_functions.h"

using namespace tenfold;
using namespace tenfold::hmc_marg;

namespace {

// Admissible arguments of each family, the variate first.
struct Sample {
  const char* family;
  std::vector<double> x;
};
const std::vector<Sample> kSamples = {
    {"normal", {0.7, -0.3, 1.4}},
    {"std_normal", {0.7}},
    {"lognormal", {1.7, 0.3, 0.8}},
    {"student_t", {0.7, 3.5, -0.3, 1.4}},
    {"cauchy", {0.7, -0.3, 1.4}},
    {"double_exponential", {0.7, -0.3, 1.4}},
    {"logistic", {0.7, -0.3, 1.4}},
    {"uniform", {0.7, -0.3, 1.4}},
    {"beta", {0.3, 2.2, 1.6}},
    {"gamma", {1.7, 2.3, 0.8}},
    {"inv_gamma", {1.7, 2.3, 0.8}},
    {"exponential", {1.7, 0.8}},
    {"weibull", {1.7, 2.3, 1.8}},
    {"chi_square", {1.7, 3.4}},
    {"inv_chi_square", {0.7, 3.4}},
    {"scaled_inv_chi_square", {1.7, 3.4, 1.2}},
    {"pareto", {2.7, 1.2, 3.5}},
    {"bernoulli", {1, 0.3}},
    {"bernoulli_logit", {1, 0.3}},
    {"binomial", {3, 11, 0.3}},
    {"binomial_logit", {3, 11, 0.3}},
    {"beta_binomial", {3, 11, 1.7, 2.6}},
    {"poisson", {3, 2.7}},
    {"poisson_log", {3, 0.7}},
    {"neg_binomial", {3, 2.7, 0.8}},
    {"neg_binomial_2", {3, 2.7, 1.8}},
    {"neg_binomial_2_log", {3, 0.7, 1.8}},
};

double relative(double a, double b) { return std::abs(a - b) / std::max(1.0, std::abs(b)); }

// Where the mass of a continuous family lies, through a map of (0, 1) that covers its support.
double support_point(const std::string& family, const std::vector<double>& x, double u, double& slope) {
  if (family == "beta") return slope = 1, u;
  if (family == "uniform") return slope = x[2] - x[1], x[1] + slope * u;
  const double t = std::log(u / (1 - u)), dt = 1 / (u * (1 - u));
  const bool line = family == "normal" || family == "std_normal" || family == "student_t" || family == "cauchy" ||
                    family == "double_exponential" || family == "logistic";
  if (line) return slope = 4 * std::cosh(t) * dt, 4 * std::sinh(t);  // heavy tails need a wide map
  const double e = std::exp(2 * t);
  slope = 2 * e * dt;
  return family == "pareto" ? x[1] + e : e;
}

}  // namespace

TEST_CASE("every family is sampled here") {
  CHECK(kSamples.size() == all_densities().size());
  for (const Sample& s : kSamples) REQUIRE(density_named(s.family).has_value());
}

TEST_CASE("log densities and tails are SciPy's") {
  const auto golden = data::read_json(std::string(TENFOLD_SOURCE_DIR) + "/tests/parity/hmc-marg/densities.json");
  REQUIRE(golden.array().size() > 80);
  for (const data::JsonValue& entry : golden.array()) {
    const std::string family = entry.find("family")->string();
    const Density density = *density_named(family);
    std::vector<double> x;
    for (const data::JsonValue& v : entry.find("x")->array()) x.push_back(v.number);
    INFO(family, " at ", x[0]);
    CHECK(relative(info(density).log_density(x.data()), entry.find("log_density")->number) < 1e-12);
    const data::JsonValue& lower = *entry.find("log_cdf");
    if (lower.kind != data::JsonKind::number) continue;
    REQUIRE(has_cdf(density));
    const auto same = [](double a, double b) { return a == b || relative(a, b) < 1e-11; };
    CHECK(same(log_cdf(density, x.data()), lower.number));
    CHECK(same(log_ccdf(density, x.data()), entry.find("log_ccdf")->number));
  }
}

TEST_CASE("partial derivatives are central differences") {
  for (const Sample& s : kSamples) {
    INFO(s.family);
    const DensityInfo& d = info(*density_named(s.family));
    std::vector<double> x = s.x, partial(x.size());
    CHECK(d.gradient(x.data(), partial.data()) == d.log_density(x.data()));
    for (std::size_t i = 0; i < x.size(); ++i) {
      if ((d.integer_arguments >> i) & 1) {
        CHECK(partial[i] == 0);
        continue;
      }
      const double at = x[i], h = 1e-4;
      const auto f = [&](double step) {
        x[i] = at + step * h;
        return d.log_density(x.data());
      };
      const double slope = (8 * (f(1) - f(-1)) - (f(2) - f(-2))) / (12 * h);
      x[i] = at;
      INFO("argument ", i);
      CHECK(relative(partial[i], slope) < 1e-9);
    }
  }
}

TEST_CASE("each family has mass one, and draws have its mean") {
  for (const Sample& s : kSamples) {
    INFO(s.family);
    const DensityInfo& d = info(*density_named(s.family));
    std::vector<double> x = s.x;
    double mass = 0, mean = 0, square = 0;
    const auto add = [&](double weight) {
      const double p = weight * std::exp(d.log_density(x.data()));
      if (!(p > 0)) return;
      mass += p;
      mean += p * x[0];
      square += p * x[0] * x[0];
    };
    if (d.discrete) {
      for (int k = 0; k < 2000; ++k) {
        x[0] = k;
        add(1);
      }
    } else {
      constexpr int kSteps = 400000;
      for (int k = 0; k < kSteps; ++k) {
        double slope;
        x[0] = support_point(s.family, s.x, (k + 0.5) / kSteps, slope);
        add(slope / kSteps);
      }
    }
    CHECK(mass == doctest::Approx(1).epsilon(1e-5));
    if (std::string(s.family) == "cauchy") continue;  // has no mean
    constexpr int kDraws = 40000;
    PhiloxStream random(7, s.family);
    double sum = 0;
    for (int k = 0; k < kDraws; ++k) sum += d.draw(s.x.data(), random);
    const double sd = std::sqrt(std::max(square - mean * mean, 1e-12) / kDraws);
    CHECK(std::abs(sum / kDraws - mean) < 5 * sd);
  }
}

TEST_CASE("Poisson and binomial draws follow their masses on both sides of mean ten") {
  for (const double mean : {0.4, 6.0, 9.9, 10.1, 33.0}) {
    for (const bool binomial : {false, true}) {
      const std::vector<double> x = binomial ? std::vector<double>{0, 80, mean / 80} : std::vector<double>{0, mean};
      const DensityInfo& d = info(binomial ? Density::binomial : Density::poisson);
      PhiloxStream random(3, binomial ? "binomial" : "poisson", static_cast<std::uint32_t>(10 * mean));
      constexpr int kDraws = 60000;
      std::vector<int> count(400);
      for (int i = 0; i < kDraws; ++i) ++count[static_cast<std::size_t>(d.draw(x.data(), random))];
      double chi2 = 0;
      int cells = 0;
      for (std::size_t k = 0; k < 80; ++k) {
        std::vector<double> at = x;
        at[0] = static_cast<double>(k);
        const double expected = kDraws * std::exp(d.log_density(at.data()));
        if (!(expected > 10)) continue;
        chi2 += (count[k] - expected) * (count[k] - expected) / expected;
        ++cells;
      }
      INFO("mean ", mean, binomial ? " binomial" : " Poisson");
      CHECK(chi2 < cells + 5 * std::sqrt(2.0 * cells) + 5);
    }
  }
}

TEST_CASE("what propto drops depends on data arguments alone, and is everything where all are data") {
  for (const Sample& s : kSamples) {
    INFO(s.family);
    const DensityInfo& d = info(*density_named(s.family));
    const unsigned everything = (1u << s.x.size()) - 1;
    CHECK(d.dropped(s.x.data(), everything) == d.log_density(s.x.data()));
    for (unsigned data = 0; data < everything; ++data) {
      std::vector<double> x = s.x;
      const double before = d.dropped(x.data(), data);
      for (std::size_t i = 0; i < x.size(); ++i)
        if (!((data >> i) & 1) && !((d.integer_arguments >> i) & 1)) x[i] *= 1.01;
      INFO("data arguments ", data);
      CHECK(d.dropped(x.data(), data) == before);
    }
  }
}

TEST_CASE("propto drops summand by summand") {
  const double normal[] = {0.7, -0.3, 1.4};
  CHECK(info(Density::normal).dropped(normal, 0) == doctest::Approx(-kHalfLog2Pi));
  CHECK(info(Density::normal).dropped(normal, 4) == doctest::Approx(-kHalfLog2Pi - std::log(1.4)));
  const double gamma[] = {1.7, 2.3, 0.8};
  CHECK(info(Density::gamma).dropped(gamma, 2) == doctest::Approx(-std::lgamma(2.3)));
  CHECK(info(Density::gamma).dropped(gamma, 2 | 4) == doctest::Approx(-std::lgamma(2.3) + 2.3 * std::log(0.8)));
  CHECK(info(Density::gamma).dropped(gamma, 1 | 4) == doctest::Approx(-0.8 * 1.7));
  CHECK(info(Density::gamma).dropped(gamma, 1 | 2) == doctest::Approx(-std::lgamma(2.3) + 1.3 * std::log(1.7)));
  const double poisson[] = {3, 2.7};
  CHECK(info(Density::poisson).dropped(poisson, 1) == doctest::Approx(-std::lgamma(4.0)));
}

TEST_CASE("gamma ratios keep their digits where lgamma cancels") {
  // Gamma(a + y) / Gamma(a) for integer y is a product; at a = 1e17 lgamma has no correct digit of the difference left.
  for (const double a : {1e-3, 0.7, 20.0, 1e6, 1e9, 1e17}) {
    for (const int y : {1, 5, 16, 17, 40}) {
      long double product = 0;
      for (int j = 0; j < y; ++j) product += std::log(static_cast<long double>(a) + j);
      INFO("a = ", a, ", y = ", y);
      CHECK(std::abs(lgamma_diff(a, y) - static_cast<double>(product)) <=
            1e-13 * std::max(1.0, std::abs(static_cast<double>(product))));
    }
  }
  CHECK(lgamma_diff(3.2, 4.7) == doctest::Approx(std::lgamma(7.9) - std::lgamma(3.2)).epsilon(1e-13));
  CHECK(digamma_diff(3.2, 4.7) == doctest::Approx(digamma(7.9) - digamma(3.2)).epsilon(1e-12));
}

TEST_CASE("inadmissible arguments give NaN, variates outside the support -infinity") {
  const double scale[] = {0.7, -0.3, -1.4};
  CHECK(std::isnan(info(Density::normal).log_density(scale)));
  CHECK(std::isnan(info(Density::student_t).log_density(std::vector<double>{0.7, -1, 0, 1}.data())));
  CHECK(info(Density::gamma).log_density(std::vector<double>{-1, 2, 3}.data()) == -kInfinity);
  CHECK(info(Density::uniform).log_density(std::vector<double>{5, 0, 1}.data()) == -kInfinity);
  CHECK(info(Density::binomial).log_density(std::vector<double>{12, 11, 0.5}.data()) == -kInfinity);
  CHECK(*argument_fault(Density::normal, scale) == "Scale parameter is -1.4, but must be positive finite");
  CHECK_FALSE(argument_fault(Density::poisson, std::vector<double>{3, 2.7}.data()).has_value());
}
