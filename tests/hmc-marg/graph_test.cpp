// Hash-consing, the forms of operand lists, constants, the limit on size.
#include "hmc-marg/graph.h"

#include <doctest/doctest.h>

#include <cmath>
#include <string>

#include "base/error.h"

using namespace tenfold::hmc_marg;

namespace {

Slot apply(Graph& g, Op op, std::vector<std::vector<Slot>> operands, std::uint32_t lanes) {
  std::vector<std::vector<double>> zeros;
  std::vector<Scalars> scalars;
  for (const auto& operand : operands) zeros.emplace_back(operand.size());
  for (std::size_t k = 0; k < operands.size(); ++k) scalars.push_back({zeros[k], operands[k]});
  return g.lane_wise(op, scalars, lanes);
}

}  // namespace

TEST_CASE("the same operation on the same operands is made once") {
  Graph g;
  const Slot x = g.parameters(2);
  const Slot sum = apply(g, Op::add, {{x}, {x + 1}}, 1);
  const Slot product = apply(g, Op::mul, {{x}, {x + 1}}, 1);
  const std::uint32_t count = g.slot_count();
  CHECK(apply(g, Op::add, {{x}, {x + 1}}, 1) == sum);
  CHECK(apply(g, Op::add, {{x + 1}, {x}}, 1) == sum);
  CHECK(apply(g, Op::mul, {{x + 1}, {x}}, 1) == product);
  CHECK(g.slot_count() == count);
  CHECK(apply(g, Op::sub, {{x}, {x + 1}}, 1) != apply(g, Op::sub, {{x + 1}, {x}}, 1));
}

TEST_CASE("parameters are never merged") {
  Graph g;
  CHECK(g.parameters(3) != g.parameters(3));
}

TEST_CASE("constants are kept once by their bits") {
  Graph g;
  const Slot zero = g.constant(0.0);
  CHECK(g.constant(0.0) == zero);
  CHECK(g.constant(-0.0) != zero);
  const double nan = std::nan("");
  CHECK(g.constant(nan) == g.constant(nan));
  const double values[] = {1, 2, 3};
  const Slot first = g.constants(values);
  CHECK(g.constants(values) == first);
  for (int i = 0; i < 3; ++i) CHECK(g.constant_value(first + static_cast<Slot>(i)) == values[i]);
  CHECK(g.is_constant(first + 2));
  CHECK(g.constant_value(zero) == 0.0);
}

TEST_CASE("operand lists take their shortest form") {
  Graph g;
  const Slot x = g.parameters(4);
  const auto kind = [&](std::vector<Slot> list, std::uint32_t lanes) {
    const Node& node = g.nodes()[g.node_of(apply(g, Op::exp, {list}, lanes))];
    return g.operands(node)[0].kind;
  };
  CHECK(kind({x, x + 1, x + 2}, 3) == Operand::Kind::range);
  CHECK(kind({x + 1, x, x + 2}, 3) == Operand::Kind::list);
  CHECK(kind({x + 2, x + 2, x + 2}, 3) == Operand::Kind::single);
  // Known numbers among slots become constants.
  const double numbers[] = {0, 7};
  const Slot slots[] = {x, 0};
  const Scalars mixed[] = {{numbers, slots}};
  const Node node = g.nodes()[g.node_of(g.lane_wise(Op::exp, mixed, 2))];
  CHECK(g.slot_of(g.operands(node)[0], 0) == x);
  CHECK(g.constant_value(g.slot_of(g.operands(node)[0], 1)) == 7);
}

TEST_CASE("segmented nodes differ by their offsets") {
  Graph g;
  const Slot x = g.parameters(4);
  const double zeros[4] = {};
  const Slot slots[] = {x, x + 1, x + 2, x + 3};
  const Scalars operand[] = {{zeros, slots}};
  const std::uint32_t halves[] = {0, 2, 4};
  const std::uint32_t uneven[] = {0, 1, 4};
  const Slot a = g.segmented(Op::sum, operand, halves);
  CHECK(g.segmented(Op::sum, operand, uneven) != a);
  CHECK(g.segmented(Op::sum, operand, halves) == a);
  CHECK(g.segments(g.nodes()[g.node_of(a)])[1] == 2);
}

TEST_CASE("nodes remember the line that made them first") {
  Graph g;
  const Slot x = g.parameters(1);
  g.set_line(4);
  const Slot e = apply(g, Op::exp, {{x}}, 1);
  g.set_line(9);
  CHECK(apply(g, Op::exp, {{x}}, 1) == e);
  CHECK(g.nodes()[g.node_of(e)].line == 4);
}

TEST_CASE("many nodes are found again after the table has grown") {
  Graph g;
  const Slot x = g.parameters(1);
  std::vector<Slot> made;
  for (int i = 0; i < 20000; ++i) made.push_back(apply(g, Op::add, {{x}, {g.constant(i)}}, 1));
  for (int i = 0; i < 20000; ++i) CHECK(apply(g, Op::add, {{x}, {g.constant(i)}}, 1) == made[static_cast<std::size_t>(i)]);
}

TEST_CASE("more than 20 million scalars are refused with the line") {
  Graph g;
  g.set_file("model.stan");
  g.set_line(17);
  g.parameters(19'999'000);
  CHECK_THROWS_WITH_AS(g.parameters(1'000), doctest::Contains("model.stan:17"), tenfold::Error);
  const Slot last = g.parameters(10);  // the graph is as it was
  CHECK(last == 19'999'001);
}
