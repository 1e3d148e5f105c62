#include <cmath>
#include <numbers>

#include "hmc-marg/library_values.h"

using namespace tenfold::hmc_marg;
using namespace tenfold::hmc_marg::library_values;

TEST_CASE("functions of one argument keep their container, known or not") {
  for (const char* name :
       {"abs",       "exp",         "expm1", "log",        "log1p",      "log1m", "log2",      "log10",         "sqrt",
        "cbrt",      "square",      "inv",   "inv_sqrt",   "inv_square", "logit", "inv_logit", "log_inv_logit", "log1m_inv_logit",
        "log1p_exp", "inv_cloglog", "Phi",   "Phi_approx", "inv_Phi",    "sin",   "cos",       "tan",           "asin",
        "acos",      "atan",        "sinh",  "cosh",       "tanh",       "asinh", "atanh",     "lgamma",        "digamma",
        "erf",       "erfc"}) {
    const Value out = both_ways(name, {vector({0.25, 0.5, 0.75})});
    CHECK(out.type == Type{Base::vector, 0});
    CHECK(both_ways(name, {array({0.5})}).number[0] == out.number[1]);
  }
  both_ways("acosh", {vector({1.5, 2})});
  both_ways("log1m_exp", {vector({-0.5, -3})});
}

TEST_CASE("values by hand") {
  CHECK(close(call("inv_cloglog", {real(0)}).number[0], 1 - std::exp(-1)));
  CHECK(close(call("Phi_approx", {real(1)}).number[0], 1 / (1 + std::exp(-(0.07056 + 1.5976)))));
  CHECK(close(call("Phi", {real(1.959963984540054)}).number[0], 0.975));
  CHECK(close(call("inv_Phi", {real(0.975)}).number[0], 1.959963984540054));
  CHECK(close(call("log1m_exp", {real(-std::numbers::ln2)}).number[0], -std::numbers::ln2));
  CHECK(close(call("log1p_exp", {real(0)}).number[0], std::numbers::ln2));
  CHECK(call("inv_square", {real(4)}).number[0] == 0.0625);
  CHECK(close(call("digamma", {real(1)}).number[0], -std::numbers::egamma));
  CHECK(close(call("trigamma", {real(1)}).number[0], std::numbers::pi * std::numbers::pi / 6));
  CHECK(close(call("lbeta", {real(2), real(3)}).number[0], std::log(1.0 / 12)));
  CHECK(close(call("lchoose", {real(5), real(2)}).number[0], std::log(10.0)));
  CHECK(close(call("log_diff_exp", {real(std::log(5)), real(std::log(2))}).number[0], std::log(3.0)));
  CHECK(call("multiply_log", {real(0), real(0)}).number[0] == 0);
  CHECK(call("hypot", {real(3), real(4)}).number[0] == 5);
  CHECK(call("log2", {}).number[0] == std::numbers::ln2);
  CHECK(call("log2", {real(8)}).number[0] == 3);
  CHECK(std::isnan(call("not_a_number", {}).number[0]));
  CHECK(call("negative_infinity", {}).number[0] == -HUGE_VAL);
}

TEST_CASE("functions of two arguments broadcast") {
  for (const char* name : {"pow", "fmin", "fmax", "hypot", "fdim", "atan2", "multiply_log", "lbeta", "lchoose", "fmod"}) {
    both_ways(name, {vector({2.5, 3.5}), real(1.5)});
    both_ways(name, {real(2.5), vector({0.5, 1.5})});
    both_ways(name, {vector({2.5, 3.5}), vector({1.5, 0.5})});
  }
  both_ways("log_diff_exp", {vector({2.5, 3.5}), real(1.5)});
  CHECK(both_ways("fma", {real(2), real(3), real(4)}).number[0] == 10);
  CHECK(both_ways("fmax", {real(2), integer(3)}).number[0] == 3);
}

TEST_CASE("the square and the roots are written as such, for the analysis that looks for them") {
  Unknowns unknowns;
  const Value x = unknowns.hide(real(2));
  const auto op_of = [&](double exponent) {
    const Value y = call(unknowns.context, "pow", {x, real(exponent)});
    return unknowns.graph.nodes()[unknowns.graph.node_of(y.slot[0])].op;
  };
  CHECK(op_of(2) == Op::square);
  CHECK(op_of(0.5) == Op::sqrt);
  CHECK(op_of(-0.5) == Op::inv_sqrt);
  CHECK(op_of(-1) == Op::inv);
  CHECK(op_of(3) == Op::pow);
}

TEST_CASE("integer functions stay integers") {
  CHECK(call("abs", {integer(-3)}).type == Type{Base::integer, 0});
  CHECK(call("choose", {integer(5), integer(2)}).number[0] == 10);
  CHECK(call("choose", {integer(5), integer(2)}).type == Type{Base::integer, 0});
  CHECK(call("choose", {integer(30), integer(15)}).number[0] == 155117520);
  CHECK(call("choose", {integer(3), integer(4)}).number[0] == 0);
  CHECK(message_of([] { call("choose", {integer(100), integer(50)}); }).find("does not fit") != std::string::npos);
  CHECK(call("int_step", {real(0)}).number[0] == 0);
  CHECK(call("int_step", {real(0.1)}).type == Type{Base::integer, 0});
}

TEST_CASE("steps take known numbers only") {
  CHECK(call("floor", {real(-1.5)}).number[0] == -2);
  CHECK(call("ceil", {real(-1.5)}).number[0] == -1);
  CHECK(call("round", {real(2.5)}).number[0] == 3);
  CHECK(call("trunc", {real(-2.5)}).number[0] == -2);
  Unknowns unknowns;
  const Value x = unknowns.hide(real(1.5));
  CHECK(message_of([&] { call(unknowns.context, "floor", {x}); }).find("depends on a parameter") != std::string::npos);
}

TEST_CASE("log_mix is the log of the mixture") {
  const double expected = std::log(0.3 * std::exp(1.0) + 0.7 * std::exp(-2.0));
  CHECK(close(both_ways("log_mix", {real(0.3), real(1), real(-2)}).number[0], expected));
  CHECK(close(both_ways("log_mix", {vector({0.3, 0.7}), vector({1, -2})}).number[0], expected));
  const Value two = value({Base::vector, 1}, {2, 2}, {1, -2, 1, -2});
  CHECK(close(both_ways("log_mix", {vector({0.3, 0.7}), two}).number[0], 2 * expected));
  CHECK(message_of([] { call("log_mix", {vector({0.3, 0.7}), vector({1, 2, 3})}); }).find("2 weights") != std::string::npos);
}
