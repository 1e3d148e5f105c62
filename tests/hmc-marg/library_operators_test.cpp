#include <string>

#include "hmc-marg/library_values.h"

using namespace tenfold::hmc_marg;
using namespace tenfold::hmc_marg::library_values;

namespace {

Value apply(Operator op, const Value& x, const Value& y) {
  CallContext context;
  return apply_binary(context, op, x, y);
}

Value both(Operator op, const Value& x, const Value& y) {
  return both_ways([op](CallContext& context, const std::vector<Value>& a) { return apply_binary(context, op, a[0], a[1]); },
                   {x, y});
}

}  // namespace

TEST_CASE("integers stay integers, and division truncates towards zero") {
  CHECK(apply(Operator::divide, integer(7), integer(2)).number[0] == 3);
  CHECK(apply(Operator::divide, integer(-7), integer(2)).number[0] == -3);
  CHECK(apply(Operator::integer_divide, integer(-7), integer(2)).number[0] == -3);
  CHECK(apply(Operator::modulo, integer(-7), integer(2)).number[0] == -1);
  CHECK(apply(Operator::multiply, integer(6), integer(7)).type == Type{Base::integer, 0});
  CHECK(apply(Operator::divide, integer(7), real(2)).number[0] == 3.5);
  CHECK(apply(Operator::divide, integer(7), real(2)).type == Type{Base::real, 0});
  CHECK(apply(Operator::power, integer(2), integer(-1)).number[0] == 0.5);
}

TEST_CASE("integer overflow and division by zero are errors at the call's place") {
  const std::string file = "m.stan";
  CallContext context;
  context.file = &file;
  context.at = {3, 9};
  const auto message = [&](Operator op, int x, int y) {
    return message_of([&] { apply_binary(context, op, integer(x), integer(y)); });
  };
  CHECK(message(Operator::multiply, 65536, 65536).find("m.stan:3:9: integer overflow") == 0);
  CHECK(message(Operator::divide, 1, 0).find("by zero") != std::string::npos);
  CHECK(message(Operator::modulo, 1, 0).find("zero") != std::string::npos);
  CHECK(message(Operator::add, 2147483647, 0).empty());
}

TEST_CASE("scalars are broadcast over containers, known or not") {
  CHECK(both(Operator::add, vector({1, 2, 3}), real(10)).number == std::vector<double>{11, 12, 13});
  CHECK(both(Operator::subtract, real(10), row_vector({1, 2})).number == std::vector<double>{9, 8});
  CHECK(both(Operator::divide, matrix(2, 1, {3, 5}), real(2)).number == std::vector<double>{1.5, 2.5});
  CHECK(both(Operator::elementwise_multiply, vector({1, 2}), vector({3, 4})).number == std::vector<double>{3, 8});
  CHECK(both(Operator::elementwise_divide, vector({1, 2}), vector({4, 4})).number == std::vector<double>{0.25, 0.5});
  CHECK(both(Operator::power, vector({2, 3}), real(2)).number == std::vector<double>{4, 9});
  CHECK(both(Operator::power, vector({4, 9}), real(0.5)).number == std::vector<double>{2, 3});
  CHECK(both(Operator::power, vector({4, 5}), real(-1)).number == std::vector<double>{0.25, 0.2});
  CHECK(both(Operator::power, real(2), vector({1, 3})).number == std::vector<double>{2, 8});
}

TEST_CASE("* is the matrix product of vectors and matrices") {
  const Value a = matrix(2, 3, {1, 4, 2, 5, 3, 6});  // 1 2 3 / 4 5 6
  CHECK(both(Operator::multiply, a, vector({1, 10, 100})).number == std::vector<double>{321, 654});
  CHECK(both(Operator::multiply, row_vector({1, 10}), a).number == std::vector<double>{41, 52, 63});
  CHECK(both(Operator::multiply, row_vector({1, 2}), vector({3, 4})).type == Type{Base::real, 0});
  CHECK(both(Operator::multiply, row_vector({1, 2}), vector({3, 4})).number[0] == 11);
  const Value outer = both(Operator::multiply, vector({1, 2}), row_vector({3, 4, 5}));
  CHECK(outer.dims == std::vector<int>{2, 3});
  CHECK(outer.number == std::vector<double>{3, 6, 4, 8, 5, 10});
  CHECK(both(Operator::multiply, a, matrix(3, 2, {1, 0, 0, 0, 1, 0})).number == std::vector<double>{1, 4, 2, 5});
}

TEST_CASE("X * beta with known X is one node, a block of constants first") {
  Unknowns unknowns;
  const Value x = matrix(3, 2, {1, 2, 3, 4, 5, 6}), beta = unknowns.hide(vector({10, 20}));
  const Value eta = apply_binary(unknowns.context, Operator::multiply, x, beta);
  const Node& node = unknowns.graph.nodes()[unknowns.graph.node_of(eta.slot[0])];
  CHECK(node.op == Op::dot);
  CHECK(node.lanes == 3);
  const auto operands = unknowns.graph.operands(node);
  const std::vector<double> rows{1, 4, 2, 5, 3, 6};
  for (std::size_t i = 0; i < 6; ++i) {
    CHECK(unknowns.graph.constant_value(unknowns.graph.slot_of(operands[0], i)) == rows[i]);
    CHECK(unknowns.graph.slot_of(operands[1], i) == beta.slot[i % 2]);
  }
  CHECK(unknowns.numbers_of(eta) == std::vector<double>{90, 120, 150});
}

TEST_CASE("division by a matrix solves") {
  const Value a = matrix(2, 2, {2, 1, 0, 4});  // 2 0 / 1 4
  check_numbers(
      both_ways([&](CallContext& c, const std::vector<Value>& v) { return apply_binary(c, Operator::left_divide, a, v[0]); },
                {vector({4, 10})})
          .number,
      {2, 2});
  check_numbers(both_ways([&](CallContext& c, const std::vector<Value>& v) { return apply_binary(c, Operator::divide, v[0], a); },
                          {row_vector({4, 8})})
                    .number,
                {1, 2});
}

TEST_CASE("identities leave a parameter as it is; zero times it does not vanish") {
  Unknowns unknowns;
  const Value x = unknowns.hide(vector({2, 3}));
  CallContext& context = unknowns.context;
  CHECK(apply_binary(context, Operator::add, x, real(0)).slot == x.slot);
  CHECK(apply_binary(context, Operator::add, vector({0, 0}), x).slot == x.slot);
  CHECK(apply_binary(context, Operator::subtract, x, real(0)).slot == x.slot);
  CHECK(apply_binary(context, Operator::multiply, real(1), x).slot == x.slot);
  CHECK(apply_binary(context, Operator::divide, x, real(1)).slot == x.slot);
  CHECK(apply_binary(context, Operator::power, x, real(1)).slot == x.slot);
  CHECK_FALSE(apply_binary(context, Operator::multiply, x, real(0)).known());
  CHECK(apply_binary(context, Operator::subtract, real(0), x).slot != x.slot);
}

TEST_CASE("unary operators; transposing costs no node") {
  CallContext context;
  CHECK(apply_unary(context, Operator::negate, integer(3)).type == Type{Base::integer, 0});
  CHECK(apply_unary(context, Operator::negate, vector({1, -2})).number == std::vector<double>{-1, 2});
  CHECK(apply_unary(context, Operator::logical_not, integer(0)).number[0] == 1);
  CHECK(apply_unary(context, Operator::transpose, vector({1, 2})).type == Type{Base::row_vector, 0});
  const Value t = apply_unary(context, Operator::transpose, matrix(2, 3, {1, 4, 2, 5, 3, 6}));
  CHECK(t.dims == std::vector<int>{3, 2});
  CHECK(t.number == std::vector<double>{1, 2, 3, 4, 5, 6});
}

TEST_CASE("comparisons give integers, and none with a parameter") {
  CHECK(apply(Operator::less, integer(1), real(1.5)).number[0] == 1);
  CHECK(apply(Operator::equal, real(2), integer(3)).number[0] == 0);
  CHECK(apply(Operator::logical_or, integer(0), integer(5)).number[0] == 1);
  CHECK(apply(Operator::logical_and, integer(0), integer(5)).number[0] == 0);
  Unknowns unknowns;
  const Value x = unknowns.hide(real(1));
  CHECK(message_of([&] { apply_binary(unknowns.context, Operator::less, x, real(0)); }).find("depends on a parameter") !=
        std::string::npos);
}

TEST_CASE("sizes that do not match are named") {
  CHECK(message_of([] { apply(Operator::add, vector({1, 2, 3}), vector({1, 2})); }) == "add: sizes [3] and [2] do not match");
  const std::string product = message_of([] { apply(Operator::multiply, matrix(2, 3, std::vector<double>(6)), vector({1, 2})); });
  CHECK(product.find("3 columns") != std::string::npos);
  CHECK(product.find("2 rows") != std::string::npos);
}

TEST_CASE("empty containers") {
  CHECK(both(Operator::add, vector({}), real(1)).number.empty());
  CHECK(both(Operator::multiply, matrix(2, 0, {}), vector({})).number == std::vector<double>{0, 0});
  CHECK(both(Operator::multiply, row_vector({}), vector({})).number == std::vector<double>{0});
}
