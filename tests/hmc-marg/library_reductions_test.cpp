#include <cmath>

#include "hmc-marg/library_values.h"

using namespace tenfold::hmc_marg;
using namespace tenfold::hmc_marg::library_values;

TEST_CASE("sums, means, moments") {
  const Value x = vector({1, 2, 4, 9});
  CHECK(both_ways("sum", {x}).number[0] == 16);
  CHECK(both_ways("mean", {x}).number[0] == 4);
  CHECK(both_ways("prod", {x}).number[0] == 72);
  CHECK(both_ways("min", {x}).number[0] == 1);
  CHECK(both_ways("max", {x}).number[0] == 9);
  CHECK(close(both_ways("variance", {x}).number[0], 38.0 / 3));
  CHECK(close(both_ways("sd", {x}).number[0], std::sqrt(38.0 / 3)));
  CHECK(both_ways("sum", {matrix(2, 2, {1, 2, 3, 4})}).number[0] == 10);
  CHECK(both_ways("variance", {vector({7})}).number[0] == 0);
  CHECK(both_ways("norm1", {vector({3, -4})}).number[0] == 7);
  CHECK(both_ways("norm2", {vector({3, -4})}).number[0] == 5);
}

TEST_CASE("integer sums and extremes are integers, a mean is not") {
  CHECK(call("sum", {integers({1, 2, 4})}).type == Type{Base::integer, 0});
  CHECK(call("max", {integers({1, 2, 4})}).type == Type{Base::integer, 0});
  CHECK(call("max", {integer(3), integer(2)}).number[0] == 3);
  CHECK(call("min", {integer(3), integer(2)}).type == Type{Base::integer, 0});
  CHECK(call("mean", {integers({1, 2})}).number[0] == 1.5);
  CHECK(call("mean", {integers({1, 2})}).type == Type{Base::real, 0});
}

TEST_CASE("empty containers: the neutral element, or an error where there is none") {
  CHECK(call("sum", {vector({})}).number[0] == 0);
  CHECK(call("prod", {vector({})}).number[0] == 1);
  CHECK(call("max", {vector({})}).number[0] == -HUGE_VAL);
  CHECK(call("log_sum_exp", {vector({})}).number[0] == -HUGE_VAL);
  CHECK(message_of([] { call("mean", {vector({})}); }).find("empty") != std::string::npos);
  CHECK(message_of([] { call("min", {integers({})}); }).find("empty") != std::string::npos);
}

TEST_CASE("dot products and distances") {
  CHECK(both_ways("dot_product", {vector({1, 2, 3}), row_vector({4, 5, 6})}).number[0] == 32);
  CHECK(both_ways("dot_self", {vector({1, 2, 3})}).number[0] == 14);
  CHECK(both_ways("squared_distance", {vector({1, 2}), vector({4, 6})}).number[0] == 25);
  CHECK(both_ways("distance", {vector({1, 2}), row_vector({4, 6})}).number[0] == 5);
  CHECK(message_of([] { call("dot_product", {vector({1, 2}), vector({1})}); }) == "dot_product: sizes 2 and 1 do not match");
}

TEST_CASE("log_sum_exp does not overflow, softmax sums to one") {
  CHECK(close(both_ways("log_sum_exp", {vector({1000, 1000})}).number[0], 1000 + std::log(2)));
  CHECK(close(both_ways("log_sum_exp", {real(0), real(std::log(3))}).number[0], std::log(4)));
  CHECK(call("log_sum_exp", {vector({-HUGE_VAL, -HUGE_VAL})}).number[0] == -HUGE_VAL);
  const Value p = both_ways("softmax", {vector({1, 2, 700})});
  CHECK(close(p.number[0] + p.number[1] + p.number[2], 1));
  const Value q = both_ways("softmax", {vector({0.1, -0.7, 0.4})}), log_q = both_ways("log_softmax", {vector({0.1, -0.7, 0.4})});
  for (int i = 0; i < 3; ++i) CHECK(close(std::log(q.number[i]), log_q.number[i]));
}

TEST_CASE("cumulative sums") {
  CHECK(both_ways("cumulative_sum", {vector({1, 2, 4})}).number == std::vector<double>{1, 3, 7});
  CHECK(call("cumulative_sum", {integers({1, 2, 4})}).type == Type{Base::integer, 1});
  CHECK(call("cumulative_sum", {vector({})}).number.empty());
}

TEST_CASE("known summands gather into one number beside the node") {
  Unknowns unknowns;
  const Value x = unknowns.hide(vector({1, 2, 4, 9}), 1, 4);  // one unknown among known numbers
  const Value sum = call(unknowns.context, "sum", {x});
  CHECK(unknowns.graph.nodes()[unknowns.graph.node_of(sum.slot[0])].op == Op::add);
  CHECK(unknowns.numbers_of(sum)[0] == 16);
}
