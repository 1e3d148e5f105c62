// The block's value against printed numbers and a dense oracle, its reverse rule against central differences, compression against
// none.
#include "hmc-marg/gaussian_block.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <random>
#include <sstream>

#include "hmc-marg/block_layout.h"
#include "hmc-marg/marginal_support.h"

using namespace tenfold::hmc_marg;
using namespace tenfold::hmc_marg::testing;

namespace {

double relative(double a, double b) { return std::fabs(a - b) / std::max(1e-300, std::fabs(b)); }

const std::string kTau = "real mu; real<lower=0> tau; vector[J] theta;";

}  // namespace

TEST_CASE("eight schools: log p(y | tau) with mu and theta out, from tau = e^-20 to e^10") {
  const MarginalModel m =
      marginal_of(schools_program(kTau, "mu ~ normal(0, 5); theta ~ normal(mu, tau); y ~ normal(theta, sigma);"), kSchoolsData);
  REQUIRE(m.marginal.target.inputs.size() == 1);
  CHECK(m.marginal.block->n == 9);
  CHECK(m.marginal.block->border == 1);
  CHECK(m.marginal.block->components == 8);
  CHECK(m.marginal.block->whitened == 9);
  const double table[6][2] = {{-20, -30.84423812598053}, {-5, -30.844238526674616}, {0, -30.853098847343833},
                              {2, -31.365627799527505},  {5, -47.416834384640175},  {10, -87.35151125843119}};
  for (const auto& [q, expected] : table) CHECK(relative(m({q}) - q, expected) < 1e-12);
}

TEST_CASE("centred, non-centred and offset-multiplier eight schools have one marginal, value and gradient") {
  const std::string priors = "mu ~ normal(0, 5); tau ~ cauchy(0, 5);";
  const MarginalModel centred =
      marginal_of(schools_program(kTau, priors + "theta ~ normal(mu, tau); y ~ normal(theta, sigma);"), kSchoolsData);
  const MarginalModel other = marginal_of(schools_program("real mu; real<lower=0> tau; vector[J] eta;",
                                                          priors + "eta ~ normal(0, 1); y ~ normal(mu + tau * eta, sigma);"),
                                          kSchoolsData);
  const MarginalModel affine = marginal_of(
      schools_program(
          "real mu; real<lower=0> tau; vector<offset=mu, multiplier=tau>[J] theta;",
          priors + "for (j in 1:J) { theta[j] ~ normal(mu, tau); target += normal_lpdf(y[j] | theta[j], sigma[j]); }"),
      kSchoolsData);
  for (const MarginalModel* m : {&centred, &other, &affine}) REQUIRE(m->marginal.target.inputs.size() == 1);
  std::vector<double> a, b, c;
  for (int k = 0; k < 100; ++k) {
    const std::vector<double> q = {-8 + 0.16 * k};
    const double x = centred(q, a), y = other(q, b), z = affine(q, c);
    CHECK(relative(y, x) < 1e-12);
    CHECK(relative(z, x) < 1e-12);
    CHECK(std::fabs(b[0] - a[0]) < 1e-12 * std::max(1.0, std::fabs(a[0])));
    CHECK(std::fabs(c[0] - a[0]) < 1e-12 * std::max(1.0, std::fabs(a[0])));
  }
}

TEST_CASE("by hand: one school with all out, and a flat mean of three numbers") {
  const MarginalModel one = marginal_of(
      "parameters { real mu; real theta; } model { mu ~ normal(0, 5); theta ~ normal(mu, 5); 28 ~ normal(theta, 15); }", "{}");
  CHECK(one.marginal.target.inputs.empty());
  CHECK(relative(one({}), -5.152778627492504) < 1e-13);
  const MarginalModel flat = marginal_of("parameters { real mu; } model { [1, 2, 6] ~ normal(mu, 1); }", "{}");
  CHECK(relative(flat({}), -9.3871832107434) < 1e-13);
}

TEST_CASE("a funnel without data: its neck is integrated out, what is left is the normal of v") {
  const MarginalModel m =
      marginal_of("parameters { real v; vector[9] x; } model { v ~ normal(0, 3); x ~ normal(0, exp(v / 2)); }", "{}");
  REQUIRE(m.marginal.target.inputs.size() == 1);
  std::vector<double> gradient;
  for (const double v : {-60.0, -3.0, 0.0, 9.0}) {
    CHECK(m({v}, gradient) == doctest::Approx(-0.5 * v * v / 9 - std::log(3) - 0.5 * std::log(2 * M_PI)).epsilon(1e-14));
    CHECK(gradient[0] == doctest::Approx(-v / 9).epsilon(1e-14));
  }
}

TEST_CASE("a direction that nothing identifies makes the density -infinity") {
  // Only a + b is observed, and neither has a prior.
  const MarginalModel m = marginal_of("parameters { real a; real b; real<lower=0> s; } model { 1 ~ normal(a + b, s); }", "{}");
  CHECK(m.marginal.block->n == 2);
  CHECK(m({0.3}) == -std::numeric_limits<double>::infinity());
}

namespace {

// Programs that mix whitened, centred and flat scalars, shared and own scales, kept parameters in coefficients and intercepts.
struct Mixed {
  const char* what;
  const char* program;
};

const char* const kMixedData = R"({"N": 24, "G": 6, "g": [1,1,1,1,1,2,2,2,2,3,3,3,3,3,3,4,4,4,5,5,5,5,6,6],
 "x": [0.1,-0.4,1.2,0.7,-1.1,0.3,0.9,-0.6,1.5,-0.2,0.8,-1.3,0.4,0.6,-0.9,1.1,-0.5,0.2,0.75,-0.15,0.35,1.4,-0.8,0.05],
 "y": [1.1,0.4,2.2,1.7,-0.1,0.8,1.9,0.1,2.5,-1.2,0.1,-1.9,-0.4,-0.6,-1.9,3.1,1.5,2.2,0.6,-0.3,0.2,1.4,-0.5,0.6]})";

const std::string kMixedHead = "data { int N; int G; array[N] int g; vector[N] x; vector[N] y; }\n";

const Mixed kMixed[] = {
    {"hierarchical",
     "parameters { real mu; real<lower=0> tau; real<lower=0> s; vector[G] a; }"
     "model { mu ~ normal(0.5, 3); a ~ normal(mu, tau); y ~ normal(a[g], s); }"},
    {"flat mean, kept slope",
     "parameters { real mu; real b; real<lower=0> tau; real<lower=0> s; vector[G] a; }"
     "model { b ~ student_t(4, 0, 1); a ~ normal(mu, tau); y ~ normal(a[g] + b * x, s); }"},
    {"random slopes",
     "parameters { real m; real n; real<lower=0> t; real<lower=0> u; real<lower=0> s; vector[G] a; vector[G] b; }"
     "model { m ~ normal(0, 2); a ~ normal(m, t); b ~ normal(n, u); for (i in 1:N) y[i] ~ normal(a[g[i]] + b[g[i]] * x[i], s); "
     "}"},
    {"non-centred with own scales",
     "parameters { real m; real<lower=0> t; vector<lower=0>[G] s; vector[G] e; }"
     "model { m ~ normal(0, 2); e ~ std_normal(); y ~ normal(m + t * e[g], s[g] .* (1 + square(x[1:N]))); }"},
    {"a chain stays centred",
     "parameters { vector[G] z; real<lower=0> q; real<lower=0> s; }"
     "model { z[1] ~ normal(0, 3); for (t in 2:G) z[t] ~ normal(0.9 * z[t - 1], q); y ~ normal(z[g], s); }"},
    {"autoregression with a kept coefficient",
     "parameters { vector[G] z; real<lower=0> q; real<lower=0, upper=1> r; }"
     "model { z[1] ~ normal(0, 3); z[2:G] ~ normal(r * z[1:(G - 1)], q); y ~ normal(z[g] + r, 0.7); }"},
    {"regression in one component",
     "parameters { vector[5] b; real<lower=0> s; real c; }"
     "model { b ~ normal(0, c ^ 2 + 0.1); for (i in 1:N) y[i] ~ normal(b[1] + b[2] * x[i] + b[3] * x[i]^2 + b[4] * c + b[5] * (i "
     "> 12), s); }"},
    {"three levels",
     "parameters { real m; vector[2] p; vector[G] a; real<lower=0> v; real<lower=0> t; real<lower=0> s; }"
     "model { m ~ normal(0, 1); p ~ normal(m, v); for (k in 1:G) a[k] ~ normal(p[1 + k % 2], t); y ~ normal(a[g], s); }"},
    {"lognormal children and sums",
     "parameters { real m; vector[G] a; real<lower=0> t; real w; }"
     "model { w ~ normal(0, 1); m ~ normal(w, 2); a ~ normal(m, t); exp(y) ~ lognormal(a[g], 0.5 * t); sum(a) ~ normal(w, 0.3); "
     "}"},
    {"correlated effects",
     "parameters { vector[2] m; matrix[2, G] b; real<lower=0> t; real<lower=-1, upper=1> r; real<lower=0> s; }"
     "model { matrix[2, 2] L = [[t, 0], [r, sqrt(1 - r^2)]]; m ~ normal(0, 2); for (k in 1:G) b[, k] ~ multi_normal_cholesky(m, "
     "L);"
     "for (i in 1:N) y[i] ~ normal(b[1, g[i]] + b[2, g[i]] * x[i], s); }"},
};

}  // namespace

TEST_CASE("mixed models: the marginal is the dense integral, its gradient the central difference, compressed or not") {
  for (const Mixed& mixed : kMixed) {
    CAPTURE(mixed.what);
    const std::string program = kMixedHead + mixed.program;
    const MarginalModel m = marginal_of(program, kMixedData);
    PlanOptions off = largest();
    off.compress = false;
    const MarginalModel full = marginal_of(program, kMixedData, off);
    for (const PlanEntry& e : m.marginal.plan) CAPTURE(e.name + " " + e.reason);
    REQUIRE(m.marginal.gaussian != nullptr);
    CHECK(m.marginal.block->rows_compressed <= full.marginal.block->rows_compressed);
    for (int k = 0; k < 3; ++k) {
      const std::vector<double> q = point(k, static_cast<int>(m.marginal.target.inputs.size()));
      std::vector<double> a, b;
      const double value = m(q, a);
      CHECK(std::fabs(value - dense_log_marginal(m, q)) < 1e-10 * std::max(1.0, std::fabs(value)));
      CHECK(std::fabs(value - full(q, b)) < 1e-10 * std::max(1.0, std::fabs(value)));
      for (std::size_t i = 0; i < q.size(); ++i) CHECK(std::fabs(a[i] - b[i]) < 1e-10 * std::max(1.0, std::fabs(a[i])));
      CHECK(gradient_error(m, q) < 1e-6);
      CHECK(gradient_error(full, q) < 1e-6);
    }
  }
}

TEST_CASE("random affine models: any mixture of rows equals the dense integral") {
  std::mt19937 random(7);
  const auto uniform = [&](double a, double b) { return std::uniform_real_distribution<double>(a, b)(random); };
  const auto below = [&](int n) { return std::uniform_int_distribution<int>(0, n - 1)(random); };
  for (int trial = 0; trial < 40; ++trial) {
    CAPTURE(trial);
    const int n = 1 + below(30), extra = 2 * n + below(20);
    std::ostringstream text;
    text << "parameters { vector[" << n << "] z; vector[4] k; } model {\n";
    const auto scale = [&] {
      const int which = below(5);
      return which == 4 ? std::to_string(uniform(0.3, 2))
                        : std::to_string(uniform(0.5, 2)) + " * exp(k[" + std::to_string(which + 1) + "])";
    };
    const auto coefficient = [&] {
      const std::string number = std::to_string(uniform(-2, 2));
      return below(3) == 0 ? number + " * k[" + std::to_string(1 + below(4)) + "]" : number;
    };
    for (int i = 1; i <= n; ++i) {
      if (below(5) == 0) {  // no prior: rows below identify it
        text << "0.5 ~ normal(z[" << i << "], " << scale() << ");\n";
        continue;
      }
      text << "z[" << i << "] ~ normal("
           << (i > 1 && below(2) ? coefficient() + " * z[" + std::to_string(1 + below(i - 1)) + "]" : coefficient()) << ", "
           << scale() << ");\n";
    }
    for (int r = 0; r < extra; ++r) {
      text << uniform(-2, 2) << " ~ normal(" << coefficient();
      for (int t = 1 + below(3); t > 0; --t) text << " + (" << coefficient() << ") * z[" << 1 + below(n) << "]";
      text << ", " << scale() << ");\n";
    }
    text << "}\n";
    CAPTURE(text.str());
    const MarginalModel m = marginal_of(text.str(), "{}");
    REQUIRE(m.marginal.eliminated.size() == 1);
    const std::vector<double> q = {uniform(-0.7, 0.7), uniform(-0.7, 0.7), uniform(-0.7, 0.7), uniform(-0.7, 0.7)};
    const double value = m(q);
    CHECK(std::fabs(value - dense_log_marginal(m, q)) < 1e-10 * std::max(1.0, std::fabs(value)));
    CHECK(gradient_error(m, q) < 1e-6);
  }
}

TEST_CASE("components of five and more, and many components, agree with the dense integral") {
  // Crossed factors 12 x 9: no border makes components of four or fewer.
  std::ostringstream text;
  text << "parameters { vector[12] a; vector[9] b; real<lower=0> s; real<lower=0> t; } model { a ~ normal(0, t); b ~ normal(1, "
          "2);\n";
  for (int i = 0; i < 108; i += 1 + i % 3)
    text << 0.1 * (i % 17) - 0.5 << " ~ normal(a[" << 1 + i % 12 << "] + b[" << 1 + i / 12 << "], s);\n";
  text << "}";
  const MarginalModel m = marginal_of(text.str(), "{}");
  CHECK(m.marginal.block->n == 21);
  for (int k = 0; k < 3; ++k) {
    const std::vector<double> q = point(k, 2);
    const double value = m(q);
    CHECK(std::fabs(value - dense_log_marginal(m, q)) < 1e-10 * std::fabs(value));
    CHECK(gradient_error(m, q) < 1e-6);
  }
}

TEST_CASE("all instruction sets draw the same from a regular class") {
  // Pairs with two shared scalars, single scalars with one, and one that no class is like.
  const std::string program =
      "parameters { real m; real v; vector[19] a; vector[19] b; vector[11] c; real<lower=0> s; real<lower=0> t; } model { "
      "m ~ normal(0, 5); v ~ normal(0, 5); a ~ normal(m, t); b ~ normal(v, 2 * t); c ~ normal(m, 3); "
      "for (i in 1:19) for (k in 1:3) 0.3 * i - k ~ normal(a[i] + k * b[i], s); "
      "for (i in 1:11) 0.1 * i ~ normal(c[i], s); for (i in 1:5) 0.2 * i ~ normal(c[i], 2 * s); }";
  const MarginalModel m = marginal_of(program, "{}");
  std::vector<ChooseKernels> choices = {block_kernels_plain};
  if (__builtin_cpu_supports("avx2")) choices.push_back(block_kernels_avx2);
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
    choices.push_back(block_kernels_avx512);
  std::vector<double> first;
  for (const ChooseKernels choose : choices) {
    const BlockLayout layout = lay_out(*m.marginal.gaussian, choose);
    const std::size_t p = layout.border_diagonal.size();
    std::vector<double> factor(layout.factors.size()), border(p * p, 0.0), border_g(p, 0.0), all;
    for (std::size_t i = 0; i < factor.size(); ++i) factor[i] = 1 + 0.13 * static_cast<double>(i);
    int regular = 0;
    for (const auto& data : layout.classes) {
      const BlockClass& c = data->shape;
      if (data->kernels.draw == nullptr) continue;
      ++regular;
      std::vector<double> memory(c.condition_work() * static_cast<std::size_t>(c.batches * c.lanes) + 8);
      BlockState state;
      state.factor = factor.data();
      state.border_size = static_cast<int>(p);
      state.border_matrix = border.data();
      state.border_vector = border_g.data();
      state.work = reinterpret_cast<double*>((reinterpret_cast<std::uintptr_t>(memory.data()) + 63) / 64 * 64);
      data->kernels.condition(c, state);
      CHECK(state.good);
      std::vector<double> x(static_cast<std::size_t>(c.batches * c.d * c.lanes));
      for (std::size_t i = 0; i < x.size(); ++i) x[i] = std::sin(static_cast<double>(i));
      data->kernels.draw(c, state, x.data());
      all.insert(all.end(), x.begin(), x.end());
    }
    CHECK(regular >= 2);
    all.insert(all.end(), border.begin(), border.end());
    all.insert(all.end(), border_g.begin(), border_g.end());
    if (first.empty())
      first = all;
    else
      CHECK(all == first);
  }
}

TEST_CASE("all instruction sets compute the same") {
  for (const Mixed& mixed : kMixed) {
    CAPTURE(mixed.what);
    const MarginalModel m = marginal_of(kMixedHead + mixed.program, kMixedData);
    std::vector<ChooseKernels> choices = {block_kernels_plain};
    if (__builtin_cpu_supports("avx2")) choices.push_back(block_kernels_avx2);
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
      choices.push_back(block_kernels_avx512);
    std::vector<double> first;
    for (const ChooseKernels choose : choices) {
      GaussianBlock block(*m.marginal.gaussian, choose);
      const std::size_t inputs = block.inputs().size();
      std::vector<std::uint32_t> places(inputs);
      std::vector<double> values(inputs), adjoints(inputs, 0.0), workspace(block.workspace_size());
      for (std::size_t i = 0; i < inputs; ++i) {
        places[i] = static_cast<std::uint32_t>(i);
        values[i] = 0.4 + 0.07 * static_cast<double>(i % 11);
      }
      adjoints.push_back(block.bound(places)->evaluate(values.data(), adjoints.data(), workspace.data()));
      if (first.empty())
        first = adjoints;
      else
        CHECK(adjoints == first);
    }
  }
}
