// Partial evaluation: what becomes a factor, a term, a number; what Stan's propto form drops; what is refused and how.
#include <doctest/doctest.h>

#include <cmath>

#include "base/error.h"
#include "base/philox.h"
#include "base/stop.h"
#include "hmc-marg/model_support.h"

using namespace tenfold;
using namespace tenfold::hmc_marg;
using testing::bound_model;

namespace {

double density(const testing::BoundModel& model, const std::vector<double>& q) {
  return reference_log_density(model.graph.graph, testing::joint(model.graph), q, {});
}

// Error message and exit code of a program that cannot be evaluated.
struct Refusal {
  ExitCode code = ExitCode::ok;
  std::string message;
};
Refusal refusal(const std::string& program, const std::string& json = "{}", EvaluationLimits limits = {}) {
  try {
    bound_model(program, json, limits);
  } catch (const Error& error) {
    return {error.exit_code(), error.message()};
  }
  return {};
}

constexpr double kHalfLog2Pi = 0.91893853320467274178;

}  // namespace

TEST_CASE("a density is a factor however it reaches the target") {
  const std::string head = "data { int N; vector[N] y; } parameters { real m; } ";
  const std::string json = R"({"N": 3, "y": [1, 2, 4]})";
  const std::vector<std::string> forms = {
      head + "model { y ~ normal(m, 2); }",
      head + "model { target += normal_lpdf(y | m, 2); }",
      head + "model { for (n in 1:N) y[n] ~ normal(m, 2); }",
      head + "model { vector[N] l; for (n in 1:N) l[n] = normal_lpdf(y[n] | m, 2); target += sum(l); }",
      head + "model { vector[N] l; for (n in 1:N) l[n] = normal_lpdf(y[n] | m, 2); target += l; }",
      head + "transformed parameters { real lprior = 0; lprior += normal_lpdf(y | m, 2); } model { target += lprior; }",
      head + "model { real l = 1; l -= -normal_lpdf(y | m, 2) + 1; target += l; }",
      "functions { void add_lp(vector v, real m) { v ~ normal(m, 2); } } " + head + "model { add_lp(y, m); }",
      "functions { real mine_lpdf(vector v, real m) { return normal_lpdf(v | m, 2); } } " + head + "model { y ~ mine(m); }",
  };
  for (const std::string& form : forms) {
    INFO(form);
    const auto model = bound_model(form, json);
    CHECK(model->graph.terms.empty());
    std::size_t lanes = 0;
    for (const Factor& factor : model->graph.factors) {
      CHECK(model->graph.graph.nodes()[factor.node].density == Density::normal);
      lanes += model->graph.graph.nodes()[factor.node].lanes;
    }
    CHECK(lanes == 3);
    CHECK(density(*model, {0.5}) == doctest::Approx(-3 * (kHalfLog2Pi + std::log(2)) - (0.25 + 2.25 + 12.25) / 8).epsilon(1e-14));
  }
}

TEST_CASE("equal statements count as often as they stand") {
  const auto model = bound_model("parameters { real m; } model { m ~ normal(0, 1); for (i in 1:3) 2 ~ normal(m, 1); }", "{}");
  CHECK(model->graph.factors.size() == 4);
  CHECK(density(*model, {1}) == doctest::Approx(-4 * kHalfLog2Pi - 4 * 0.5).epsilon(1e-14));
}

TEST_CASE("what is no density with coefficient 1 is a term") {
  const auto model =
      bound_model("parameters { real m; } model { target += -0.5 * normal_lpdf(m | 0, 1) + 3 * m / 2 - 7; }", "{}");
  CHECK(model->graph.factors.empty());
  REQUIRE(model->graph.terms.size() == 2);
  CHECK(model->graph.terms[0].coefficient + model->graph.terms[1].coefficient == 1.0);
  CHECK(model->graph.constant == -7);
  CHECK(density(*model, {2}) == doctest::Approx(0.5 * kHalfLog2Pi + 1 + 3 - 7).epsilon(1e-14));
}

TEST_CASE("lp_offset is what the propto form leaves out") {
  const auto offset = [](const std::string& model, const std::string& json = "{}") {
    return bound_model(model, json)->graph.lp_offset;
  };
  CHECK(offset("parameters { real m; } model { m ~ normal(0, 2); }") == doctest::Approx(-kHalfLog2Pi - std::log(2)));
  CHECK(offset("parameters { real m; real<lower=0> s; } model { m ~ normal(0, s); }") == doctest::Approx(-kHalfLog2Pi));
  CHECK(offset("parameters { real m; } model { target += normal_lpdf(m | 0, 2); }") == 0);
  CHECK(offset("parameters { real m; } model { target += normal_lupdf(m | 0, 2); }") ==
        doctest::Approx(-kHalfLog2Pi - std::log(2)));
  // Only data: everything goes. A local has parameter type whatever it holds.
  CHECK(offset("data { real y; } parameters { real m; } model { y ~ normal(0, 1); }", R"({"y": 1})") ==
        doctest::Approx(-kHalfLog2Pi - 0.5));
  CHECK(offset("data { real y; } parameters { real m; } model { real s = 2; y ~ normal(m, s); }", R"({"y": 1})") ==
        doctest::Approx(-kHalfLog2Pi));
  // In a function the types are those of the call.
  const std::string function =
      "functions { void f_lp(real m, real s) { real t = s; m ~ normal(0, t); } } parameters { real m; } model { ";
  CHECK(offset(function + "f_lp(m, 2); }") == doctest::Approx(-kHalfLog2Pi));
  const std::string direct = "functions { void f_lp(real m, real s) { m ~ normal(0, s); } } parameters { real m; } model { ";
  CHECK(offset(direct + "f_lp(m, 2); }") == doctest::Approx(-kHalfLog2Pi - std::log(2)));
}

TEST_CASE("bounds of transformed parameters cut the density") {
  const auto model = bound_model(
      "parameters { real m; } transformed parameters { real<lower=0, upper=4> t = m - 1; } model { m ~ normal(0, 1); }", "{}");
  CHECK(model->graph.bound_checks.size() == 2);
  CHECK(std::isfinite(density(*model, {3})));
  CHECK(density(*model, {0.5}) == -INFINITY);
  CHECK(density(*model, {5.5}) == -INFINITY);
}

TEST_CASE("a truncated normal is divided by the mass between its bounds, and has the gradient of its differences") {
  const auto at = [](const std::string& bounds) {
    return bound_model("data { real y; } parameters { real m; real<lower=0> s; } model { y ~ normal(m, s) T[" + bounds + "]; }",
                       R"({"y": 1.5})");
  };
  const auto tail = [](double z) { return 0.5 * std::erfc(z / std::sqrt(2.0)); };
  const double m = 0.75, s = std::exp(0.25);
  const double plain = -kHalfLog2Pi - 0.25 - 0.5 * (1.5 - m) * (1.5 - m) / (s * s) + 0.25;
  const std::vector<double> q{m, 0.25};
  CHECK(density(*at("1, "), q) == doctest::Approx(plain - std::log(tail((1 - m) / s))).epsilon(1e-13));
  CHECK(density(*at(" , 2"), q) == doctest::Approx(plain - std::log(tail((m - 2) / s))).epsilon(1e-13));
  CHECK(density(*at("1, 2"), q) == doctest::Approx(plain - std::log(tail((1 - m) / s) - tail((2 - m) / s))).epsilon(1e-13));
  const auto model = at("1, 2");
  std::vector<double> gradient(2);
  reference_log_density(model->graph.graph, testing::joint(model->graph), q, gradient);
  for (std::size_t i = 0; i < 2; ++i) {
    const auto moved = [&](double h) {
      std::vector<double> there = q;
      there[i] += h;
      return density(*model, there);
    };
    CHECK(gradient[i] == doctest::Approx((moved(1e-5) - moved(-1e-5)) / 2e-5).epsilon(1e-7));
  }
  CHECK_THROWS_AS(at("2, "), Error);  // the datum lies outside
}

TEST_CASE("integers are exact, truncate and do not overflow silently") {
  const auto value = [](const std::string& e) {
    return bound_model("parameters { real m; } model { int a = 7; int b = -2; target += " + e + "; }", "{}")->graph.constant;
  };
  CHECK(value("a %/% b") == -3);
  CHECK(value("a / b") == -3);
  CHECK(value("a % b") == 1);
  CHECK(value("a / 2.0") == 3.5);
  CHECK(value("a > b && !(a == b) ? 1 : 2") == 1);
  CHECK(value("2 ^ 3") == 8);
  CHECK(refusal("parameters { real m; } model { int a = 2000000000; target += a * a; }").message.starts_with("m.stan:1:"));
  CHECK(refusal("parameters { real m; } model { int a = 0; target += 1 %/% a; }").message.find("by zero") != std::string::npos);
}

TEST_CASE("indices read and write alike") {
  const auto sum = [](const std::string& body) {
    return bound_model("parameters { real m; } model { " + body + " }", "{}")->graph.constant;
  };
  CHECK(sum("matrix[2, 3] a = [[1, 2, 3], [4, 5, 6]]; target += a[2, 3] * 100 + sum(a[1]) + sum(a[:, 2]);") == 613);
  CHECK(sum("matrix[2, 3] a = [[1, 2, 3], [4, 5, 6]]; a[2, 2:3] = [7, 8]; a[:, 1] = [9, 10]'; target += sum(a[2]) * 100 + a[1, "
            "1];") == 2509);
  CHECK(sum("array[2, 3] int a = {{1, 2, 3}, {4, 5, 6}}; a[1] = a[2]; a[2, {3, 1}] = {8, 9}; target += a[1, 1] * 1000 + a[2, 1] "
            "* 100 + a[2, 2] * 10 + a[2, 3];") == 4958);
  CHECK(sum("vector[5] v = [1, 2, 3, 4, 5]'; v[2:4] = v[1:3]; target += v[2] * 100 + v[3] * 10 + v[4];") == 123);
  CHECK(sum("array[2] vector[3] v; v[1] = [1, 2, 3]'; v[2] = 2 * v[1]; v[:, 2] = {10, 20}; target += v[1][2] + v[2, 2] + "
            "v[2][3:][1];") == 36);
  CHECK(sum("vector[3] v = [1, 2, 3]'; target += size(v[3:2]) + sum(v[{1, 1, 3}]);") == 5);
}

TEST_CASE("what depends on a parameter where it must not is refused with its place") {
  const std::string head = "data { int N; vector[N] y; }\nparameters { real m; }\nmodel {\n";
  const std::string json = R"({"N": 2, "y": [1, 2]})";
  const auto at = [&](const std::string& body, const std::string& place, const std::string& words) {
    const Refusal r = refusal(head + body + "\n}", json);
    INFO(r.message);
    CHECK(r.code == ExitCode::input);
    CHECK(r.message.starts_with("m.stan:" + place));
    CHECK(r.message.find(words) != std::string::npos);
  };
  at("  if (m > 0) target += 1;", "4:7", "depends on a parameter");
  at("  while (m < 0) target += 1;", "4:10", "depends on a parameter");
  at("  target += y[3];", "4:15", "index 3 is out of range; `y` has size 2");
  at("  target += y[0];", "4:15", "index 0");
  at("  vector[N - 3] v;", "4:", "is -1");
  at("  vector[3] v = y;", "4:17", "[3]");
  at("  vector[3] v; v[1:2] = [1, 2, 3]';", "4:16", "[2]");
}

TEST_CASE("a program that does not end is ended, one that is too large refused") {
  EvaluationLimits limits;
  limits.statements = 1000;
  const Refusal endless = refusal("parameters { real m; } model { while (1) { } }", "{}", limits);
  CHECK(endless.code == ExitCode::input);
  CHECK(endless.message.find("more than 1000 statements") != std::string::npos);
  CHECK(refusal("data { int N; } parameters { array[N, N] real m; } model { }", R"({"N": 100000})").code == ExitCode::input);
}

TEST_CASE("equal statements are one node, but each counts towards the size of a program") {
  const std::string head = "parameters { real m; }\nmodel {\n  for (i in 1:100000000)\n";
  for (const std::string statement :
       {"m ~ normal(0, 1);", "1 ~ normal(0, 1);", "target += m;", "target += normal_lpdf(m | 0, 1);"}) {
    INFO(statement);
    const Refusal size = refusal(head + "    " + statement + "\n}");
    CHECK(size.code == ExitCode::input);
    CHECK(size.message.starts_with("m.stan:4: "));
    CHECK(size.message.find("20 million") != std::string::npos);
  }
}

TEST_CASE("a weight stays a coefficient where it would make too many factors") {
  const auto model = bound_model("parameters { real m; } model { target += 1e12 * normal_lpdf(m | 0, 1); }", "{}");
  CHECK(model->graph.factors.empty());
  REQUIRE(model->graph.terms.size() == 1);
  CHECK(model->graph.terms[0].coefficient == 1e12);
}

TEST_CASE("a program that runs for long ends at a signal, in every block") {
  struct Raised {
    Raised() { request_stop(); }
    ~Raised() { clear_stop(); }
  } raised;
  for (const std::string program :
       {"transformed data { while (1) { } } parameters { real m; } model { }", "parameters { real m; } model { while (1) { } }",
        "parameters { real m; } model { for (i in 1:100000000) m ~ normal(0, 1); }"})
    CHECK(refusal(program).code == ExitCode::interrupted);

  const std::string text =
      "parameters { real m; } model { m ~ normal(0, 1); } generated quantities { real a = m; for (i in 1:100000) a += 1; }";
  const auto model = bound_model(text, "{}");
  GeneratedQuantities generated(model->program, model->data, model->graph);
  PhiloxStream random(1, "test");
  std::vector<double> out(1);
  const std::vector<double> m = {0.5};
  CHECK_THROWS_AS(generated.evaluate(m, {}, random, out), const Error&);
}

TEST_CASE("a reject that is always reached and a density that is zero at data are infeasible") {
  const Refusal reject = refusal("parameters { real m; } model { if (1 > 0) reject(\"value \", 3); }");
  CHECK(reject.code == ExitCode::infeasible);
  CHECK(reject.message.find("value 3") != std::string::npos);
  CHECK(refusal("parameters { real m; } model { reject(\"no \", m); }").message.find("rejects: no `m`;") != std::string::npos);
  CHECK(refusal("parameters { real m; } model { target += negative_infinity(); }").code == ExitCode::infeasible);
  CHECK(refusal("parameters { real m; } transformed parameters { real<lower=0> t = -1; } model { }").code ==
        ExitCode::infeasible);
}

TEST_CASE("constrained values lead back to the unconstrained vector") {
  const auto model = bound_model(
      "parameters { real<lower=1> a; real<lower=0, upper=a> b; simplex[3] s; vector<offset=2, multiplier=3>[2] z; cov_matrix[2] "
      "S; array[2] ordered[2] o; }"
      "model { }",
      "{}");
  const std::vector<double> q = testing::point(0, model->graph.free_size);
  REQUIRE(q.size() == 13);
  // Write the constrained values at q as JSON, read them back.
  std::string json;
  for (const Parameter& p : model->graph.parameters) {
    std::vector<double> x;
    for (std::size_t i = 0; i < p.value.size(); ++i) {
      TargetSpec spec = testing::joint(model->graph);
      TargetSpec one;
      one.inputs = spec.inputs;
      one.terms = {{p.value.slot[i], 1, 0}};
      x.push_back(reference_log_density(model->graph.graph, one, q, {}));
    }
    const auto text = [](double v) {
      char buffer[40];
      std::snprintf(buffer, sizeof buffer, "%.17g", v);
      return std::string(buffer);
    };
    std::string list;
    if (p.dims.empty()) {
      list = text(x[0]);
    } else if (p.dims.size() == 2) {
      list = "[[" + text(x[0]) + ", " + text(x[1]) + "], [" + text(x[2]) + ", " + text(x[3]) + "]]";  // the matrix is symmetric
    } else {
      for (const double v : x) list += (list.empty() ? "[" : ", ") + text(v);
      list += "]";
    }
    json += (json.empty() ? "{\"" : ", \"") + p.name + "\": " + list;
  }
  json += "}";
  std::vector<double> back(q.size());
  unconstrain(model->graph, data::parse_json(json, "init.json"), "init.json", {}, back);
  for (std::size_t i = 0; i < q.size(); ++i) CHECK(back[i] == doctest::Approx(q[i]).epsilon(1e-12));

  const auto complaint = [&](const std::string& text, std::vector<std::string> optional = {}) -> std::string {
    try {
      std::vector<double> free(q.size());
      unconstrain(model->graph, data::parse_json(text, "init.json"), "init.json", optional, free);
    } catch (const Error& error) {
      return error.message();
    }
    return "";
  };
  CHECK(complaint(R"({"a": 0.5})").find("below the lower bound 1") != std::string::npos);
  CHECK(complaint(R"({"a": 2})").find("`b` is missing") != std::string::npos);
  CHECK(complaint(R"({"a": 2})", {"b", "s", "z", "S", "o"}).empty());
  CHECK(complaint(R"({"a": 1})").find("boundary") != std::string::npos);
}
