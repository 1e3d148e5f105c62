#include <cmath>
#include <memory>
#include <numbers>

#include "hmc-marg/densities.h"
#include "hmc-marg/library_values.h"

using namespace tenfold::hmc_marg;
using namespace tenfold::hmc_marg::library_values;

namespace {

const double kLogTwoPi = std::log(2 * std::numbers::pi);

std::vector<const Value*> pointers(const std::vector<Value>& args) {
  std::vector<const Value*> out;
  for (const Value& arg : args) out.push_back(&arg);
  return out;
}

// One bool an argument: bit i of `data`.
struct DataTypes {
  std::unique_ptr<bool[]> flags;
  std::size_t size;
  DataTypes(std::size_t n, unsigned data) : flags(new bool[n]), size(n) {
    for (std::size_t i = 0; i < n; ++i) flags[i] = (data >> i) & 1u;
  }
  operator std::span<const bool>() const { return {flags.get(), size}; }
};

Value full(CallContext& context, std::string_view family, const std::vector<Value>& args, unsigned data = 0,
           bool propto = false) {
  return density_value(context, family, pointers(args), DataTypes(args.size(), data), propto);
}

// The log density, the same with every argument hidden behind parameters.
double log_density(std::string_view family, const std::vector<Value>& args) {
  CAPTURE(family);
  return both_ways([family](CallContext& context, const std::vector<Value>& a) { return full(context, family, a); }, args)
      .number[0];
}

// What propto leaves out, with the arguments of `data` known and the real ones of the rest hidden.
double dropped(std::string_view family, const std::vector<Value>& args, unsigned data) {
  Unknowns unknowns;
  std::vector<Value> hidden = args;
  for (std::size_t k = 0; k < args.size(); ++k)
    if (!((data >> k) & 1u) && args[k].type.base != Base::integer) hidden[k] = unknowns.hide(args[k]);
  const double result = apply_density(unknowns.context, family, pointers(hidden), DataTypes(args.size(), data)).dropped;
  const double lpdf = unknowns.numbers_of(full(unknowns.context, family, hidden, data, false))[0];
  const double propto = unknowns.numbers_of(full(unknowns.context, family, hidden, data, true))[0];
  CHECK(close(lpdf - propto, result, 1e-11));
  return result;
}

double log_normal(double y, double mu, double sigma) {
  return -0.5 * kLogTwoPi - std::log(sigma) - 0.5 * std::pow((y - mu) / sigma, 2);
}

const Value kSigma = matrix(2, 2, {2, 0.6, 0.6, 1});
// log N(y | mu, kSigma) by the explicit inverse of a 2 x 2 matrix.
double log_binormal(double y1, double y2, double m1, double m2) {
  const double det = 2 * 1 - 0.36, a = y1 - m1, b = y2 - m2;
  return -kLogTwoPi - 0.5 * std::log(det) - 0.5 * (1 * a * a - 2 * 0.6 * a * b + 2 * b * b) / det;
}

}  // namespace

TEST_CASE("a univariate density sums over its lanes, scalars broadcast") {
  const double expected = log_normal(1, 0.5, 2) + log_normal(3, 0.5, 2);
  CHECK(close(log_density("normal", {vector({1, 3}), real(0.5), real(2)}), expected));
  CHECK(close(log_density("normal", {vector({1, 3}), row_vector({0.5, 0.5}), array({2, 2})}), expected));
  CHECK(log_density("normal", {vector({}), real(0.5), real(2)}) == 0);
  CHECK(close(log_density("bernoulli", {integers({1, 0, 1}), real(0.25)}), 2 * std::log(0.25) + std::log(0.75)));
}

TEST_CASE("a univariate call is one node of lanes, with the data types of its arguments") {
  Unknowns unknowns;
  const std::vector<Value> args{vector({1, 3}), unknowns.hide(real(0)), real(2)};
  const DensityResult result = apply_density(unknowns.context, "normal", pointers(args), DataTypes(3, 0b101));
  REQUIRE(result.factors.size() == 1);
  CHECK(result.terms.empty());
  CHECK(result.constant == 0);
  CHECK(result.factors[0].data_arguments == 0b101);
  const Node& node = unknowns.graph.nodes()[result.factors[0].node];
  CHECK(node.op == Op::density);
  CHECK(node.lanes == 2);
}

TEST_CASE("what propto drops of univariate densities, lane by lane") {
  const std::vector<Value> args{vector({1, 3}), real(0.5), real(2)};
  CHECK(close(dropped("normal", args, 0b001), -kLogTwoPi));                        // the constant always
  CHECK(close(dropped("normal", args, 0b101), -kLogTwoPi - 2 * std::log(2)));      // log sigma if sigma is data
  CHECK(close(dropped("normal", args, 0b111), log_density("normal", args)));       // everything
  CHECK(close(dropped("poisson", {integers({2, 3}), real(1.5)}, 0b01), -std::log(2) - std::log(6)));
  CHECK(close(dropped("gamma", {vector({1, 3}), real(2), real(1.5)}, 0b110), 2 * 2 * std::log(1.5)));  // lgamma(2) = 0
}

TEST_CASE("an argument that no parameter can mend is an error in Stan's words, at the call") {
  const std::string file = "m.stan";
  Unknowns unknowns;
  unknowns.context.file = &file;
  unknowns.context.at = {4, 7};
  const Value mu = unknowns.hide(real(0));
  CHECK(message_of([&] { full(unknowns.context, "normal", {real(1), mu, real(-1)}); }) ==
        "m.stan:4:7: normal: Scale parameter is -1, but must be positive finite");
  CHECK(message_of([&] { full(unknowns.context, "normal", {real(1), real(0), real(0)}); }).find("Scale parameter is 0") !=
        std::string::npos);
  CHECK(message_of([&] { full(unknowns.context, "bernoulli", {integer(2), mu}); }).find("n is 2") != std::string::npos);
  CHECK(
      message_of([&] { full(unknowns.context, "uniform", {real(3), mu, real(0)}); }).empty());  // the lower bound may be below 0
  CHECK(message_of([&] {
          full(unknowns.context, "normal", {vector({1, 2}), vector({1, 2, 3}), real(1)});
        }).find("sizes 2 and 3") != std::string::npos);
}

TEST_CASE("multi_normal and its forms agree with the explicit density") {
  const double expected = log_binormal(1, -0.5, 0.2, 0.3);
  const Value y = vector({1, -0.5}), mu = vector({0.2, 0.3});
  const Value factor = call("cholesky_decompose", {kSigma}), precision = call("inverse_spd", {kSigma});
  CHECK(close(log_density("multi_normal", {y, mu, kSigma}), expected));
  CHECK(close(log_density("multi_normal_cholesky", {y, mu, factor}), expected));
  CHECK(close(log_density("multi_normal_prec", {y, mu, precision}), expected));
  const Value ys = value({Base::vector, 1}, {2, 2}, {1, -0.5, 0.7, 2}),
              mus = value({Base::row_vector, 1}, {2, 2}, {0.2, 0.3, 1, 1});
  CHECK(close(log_density("multi_normal", {ys, mu, kSigma}), expected + log_binormal(0.7, 2, 0.2, 0.3)));
  CHECK(close(log_density("multi_normal_prec", {ys, mus, precision}), expected + log_binormal(0.7, 2, 1, 1)));
  CHECK(close(log_density("multi_normal_cholesky", {y, mus, factor}), expected + log_binormal(1, -0.5, 1, 1)));
  CHECK(close(log_density("multi_normal", {vector({1}), vector({0.5}), matrix(1, 1, {4})}), log_normal(1, 0.5, 2)));
  const double log_det = std::log(2 - 0.36);
  CHECK(close(dropped("multi_normal", {ys, mu, kSigma}, 0b001), -2 * kLogTwoPi));
  CHECK(close(dropped("multi_normal", {ys, mu, kSigma}, 0b101), -2 * kLogTwoPi - log_det));
  CHECK(close(dropped("multi_normal_prec", {ys, mu, precision}, 0b101), -2 * kLogTwoPi - log_det));
  CHECK(close(dropped("multi_normal", {ys, mu, kSigma}, 0b111), log_density("multi_normal", {ys, mu, kSigma})));
  CHECK(message_of([&] { log_density("multi_normal", {y, vector({1, 2, 3}), kSigma}); }).find("size 3, but 2 is needed") !=
        std::string::npos);
  CHECK(message_of([&] { log_density("multi_normal", {y, mu, matrix(2, 2, {1, 2, 2, 1})}); }).find("not positive definite") !=
        std::string::npos);
}

TEST_CASE("multi_normal of a parameter is standard normal lanes and one log determinant") {
  Unknowns unknowns;
  const std::vector<Value> args{unknowns.hide(vector({1, 2})), vector({0, 0}), unknowns.hide(kSigma)};
  const DensityResult result = apply_density(unknowns.context, "multi_normal", pointers(args), DataTypes(3, 0b010));
  REQUIRE(result.factors.size() == 1);
  CHECK(unknowns.graph.nodes()[result.factors[0].node].density == Density::std_normal);
  CHECK(result.terms.size() == 1);
}

TEST_CASE("dirichlet, categorical, multinomial") {
  const Value theta = vector({0.2, 0.3, 0.5}), alpha = vector({2, 1, 3});
  const double expected = std::log(120.0 / 2) + std::log(0.2) + 2 * std::log(0.5);  // Gamma(6) / (Gamma(2) Gamma(1) Gamma(3))
  CHECK(close(log_density("dirichlet", {theta, alpha}), expected));
  CHECK(close(log_density("dirichlet", {value({Base::vector, 1}, {2, 3}, {0.2, 0.3, 0.5, 0.2, 0.3, 0.5}), alpha}), 2 * expected));
  CHECK(close(dropped("dirichlet", {theta, alpha}, 0b10), std::log(60)));
  CHECK(dropped("dirichlet", {theta, alpha}, 0b01) == 0);
  CHECK(close(log_density("dirichlet", {theta, vector({1, 1, 1})}), std::log(2)));
  CHECK(close(log_density("categorical", {integer(3), theta}), std::log(0.5)));
  CHECK(close(log_density("categorical", {integers({3, 1, 3}), theta}), 2 * std::log(0.5) + std::log(0.2)));
  CHECK(close(log_density("categorical", {integer(1), vector({1, 0})}), 0));
  CHECK(close(log_density("categorical_logit", {integers({1, 2}), vector({0, std::log(3)})}), std::log(0.25) + std::log(0.75)));
  CHECK(dropped("categorical", {integers({3, 1}), theta}, 0b01) == 0);
  CHECK(close(log_density("multinomial", {integers({2, 0, 1}), vector({0.5, 0, 0.5})}), std::log(3) + 3 * std::log(0.5)));
  CHECK(close(dropped("multinomial", {integers({2, 0, 1}), theta}, 0b01), std::log(3)));
  CHECK(message_of([&] { log_density("categorical", {integer(4), theta}); }).find("between 1 and 3") != std::string::npos);
  CHECK(message_of([&] { log_density("dirichlet", {vector({0.5, 0.6}), vector({1, 1})}); }).find("must sum to 1") !=
        std::string::npos);
  CHECK(message_of([&] { log_density("multinomial", {integers({1}), theta}); }).find("1 counts and 3") != std::string::npos);
}

TEST_CASE("generalised linear models are their families at alpha + X beta") {
  const Value x = matrix(3, 2, {1, 2, 3, -1, 0.5, 1}), beta = vector({0.3, -0.2}), alpha = real(0.1), sigma = real(1.5);
  const Value eta = vector({0.1 + 0.3 + 0.2, 0.1 + 0.6 - 0.1, 0.1 + 0.9 - 0.2}), y = vector({1, 0, 2});
  CHECK(close(log_density("normal_id_glm", {y, x, alpha, beta, sigma}), log_density("normal", {y, eta, sigma})));
  const Value intercepts = vector({0.1, 0.1, 0.1});
  CHECK(close(log_density("normal_id_glm", {y, x, intercepts, beta, sigma}), log_density("normal", {y, eta, sigma})));
  const Value b = integers({1, 0, 1}), n = integers({3, 0, 1});
  CHECK(close(log_density("bernoulli_logit_glm", {b, x, alpha, beta}), log_density("bernoulli_logit", {b, eta})));
  CHECK(close(log_density("poisson_log_glm", {n, x, alpha, beta}), log_density("poisson_log", {n, eta})));
  CHECK(close(dropped("poisson_log_glm", {n, x, alpha, beta}, 0b0011), -std::log(6)));
  CHECK(close(dropped("normal_id_glm", {y, x, alpha, beta, sigma}, 0b10011), -1.5 * kLogTwoPi - 3 * std::log(1.5)));
}

TEST_CASE("LKJ: order 2 is a Beta density of the correlation, and the Cholesky form has its Jacobian") {
  const double r = 0.4, eta = 1.7;
  // (r + 1) / 2 ~ Beta(eta, eta)
  const double expected =
      (eta - 1) * std::log(1 - r * r) + std::lgamma(eta + 0.5) - std::lgamma(eta) - 0.5 * std::log(std::numbers::pi);
  const Value omega = matrix(2, 2, {1, r, r, 1}), factor = call("cholesky_decompose", {omega});
  CHECK(close(log_density("lkj_corr", {omega, real(eta)}), expected));
  // L = (1, 0; r, sqrt(1 - r^2)): the free element is r itself, so both densities agree at order 2.
  CHECK(close(log_density("lkj_corr_cholesky", {factor, real(eta)}), expected));
  CHECK(close(log_density("lkj_corr", {omega, real(1)}), -std::log(2)));  // uniform on (-1, 1)
  CHECK(close(dropped("lkj_corr_cholesky", {factor, real(eta)}, 0b10), expected - (eta - 1) * std::log(1 - r * r)));
  CHECK(dropped("lkj_corr_cholesky", {factor, real(eta)}, 0b01) == 0);
}

TEST_CASE("LKJ of order 3: the constant makes the density integrate to one") {
  // Midpoint rule over the three correlations; eta = 2 vanishes at the border of the positive definite ones.
  const int n = 60;
  double mass = 0;
  for (int i = 0; i < n; ++i)
    for (int j = 0; j < n; ++j)
      for (int k = 0; k < n; ++k) {
        const double a = -1 + (i + 0.5) * 2 / n, b = -1 + (j + 0.5) * 2 / n, c = -1 + (k + 0.5) * 2 / n;
        mass += std::max(0.0, 1 - a * a - b * b - c * c + 2 * a * b * c);
      }
  mass *= std::pow(2.0 / n, 3);
  CallContext context;
  const Value identity = call("identity_matrix", {integer(3)});
  CHECK(std::exp(full(context, "lkj_corr", {identity, real(2)}).number[0]) * mass == doctest::Approx(1).epsilon(1e-3));
}

TEST_CASE("tail probabilities of parameters are those of numbers") {
  const auto tail = [](const char* family, const char* suffix, const std::vector<Value>& args) {
    CAPTURE(family);
    CAPTURE(suffix);
    both_ways([=](CallContext& context, const std::vector<Value>& a) { return apply_cdf(context, family, suffix, pointers(a)); },
              args);
  };
  for (const char* suffix : {"lcdf", "lccdf", "cdf"}) {
    const Value y = vector({0.5, 2.5});
    for (const char* family : {"normal", "lognormal", "logistic", "cauchy"}) tail(family, suffix, {y, real(0.3), real(1.7)});
    tail("std_normal", suffix, {y});
    tail("exponential", suffix, {y, real(0.8)});
    tail("weibull", suffix, {y, real(1.3), real(2)});
    tail("pareto", suffix, {y, real(0.4), real(1.3)});
  }
  Unknowns unknowns;
  const Value shape = unknowns.hide(real(2));
  const std::vector<Value> gamma{real(1), shape, real(1)};
  const auto of_gamma = [&] { apply_cdf(unknowns.context, "gamma", "lcdf", pointers(gamma)); };
  CHECK(message_of(of_gamma).find("gamma_lcdf of a parameter runs in CmdStan, not here") != std::string::npos);
}

TEST_CASE("tail probabilities") {
  CallContext context;
  const auto tail = [&](const char* suffix, const std::vector<Value>& args) {
    return apply_cdf(context, "normal", suffix, pointers(args)).number[0];
  };
  const std::vector<Value> args{vector({0, 1.959963984540054}), real(0), real(1)};
  CHECK(close(tail("lcdf", args), std::log(0.5) + std::log(0.975)));
  CHECK(close(tail("lccdf", args), std::log(0.5) + std::log(0.025), 1e-10));
  CHECK(close(tail("cdf", args), 0.5 * 0.975));
  CHECK(message_of([&] { apply_cdf(context, "dirichlet", "lcdf", pointers(args)); }).find("runs in CmdStan, not here") !=
        std::string::npos);
  CHECK(message_of([&] { full(context, "wishart", args); }).find("runs in CmdStan, not here") != std::string::npos);
}
