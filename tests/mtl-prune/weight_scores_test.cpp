// Criteria of weights alone, by hand.
#include <doctest/doctest.h>

#include <cmath>

#include "base/error.h"
#include "mtl-prune/scores.h"
#include "small_nets.h"

using namespace small_nets;
using mtl_prune::Couple;

namespace {

// Two producers of one set of two units: a = rows (1, -2), (3, 4); b = rows (0, 5), (-6, 0); a norm of scales -0.5, 2 behind a.
mtl::Model pair_of_producers() {
  mtl::GraphBuilder net;
  const int a = net.batch_norm("n", net.conv("a", net.image(), 2, 2, 1), 2);
  const int b = net.conv("b", net.image(), 2, 2, 1);
  const int sum = net.add("sum", mtl::Op::add, std::vector<int>{a, b});
  net.output("x", net.conv("c", sum, 2, 1, 1));
  mtl::Model model = drawn(net);
  model.weights.at("a.weight").values = {1, -2, 3, 4};
  model.weights.at("b.weight").values = {0, 5, -6, 0};
  model.weights.at("n.weight").values = {-0.5, 2};
  return model;
}

double score(const char* criterion, Couple couple, std::size_t unit) {
  const mtl::Model model = pair_of_producers();
  return mtl_prune::weight_scores(criterion, model, units_of(model), couple, 1)[0][unit].value;
}

}  // namespace

TEST_CASE("l1 and l2 of the filters, coupled over the producers") {
  CHECK(score("l1", Couple::mean, 0) == doctest::Approx((3 + 5) / 2.0));
  CHECK(score("l1", Couple::sum, 1) == 13);
  CHECK(score("l1", Couple::max, 1) == 7);
  CHECK(score("l1", Couple::min, 0) == 3);
  CHECK(score("l1", Couple::first, 1) == 7);
  CHECK(score("l2", Couple::mean, 0) == doctest::Approx((5 + 25) / 2.0));
  CHECK(score("l2", Couple::joint, 1) == 61);
  CHECK(score("bn", Couple::mean, 0) == 0.5);
  CHECK(score("bn", Couple::mean, 1) == 2);
}

TEST_CASE("grouped transposed filters are columns of their group's rows") {
  mtl::GraphBuilder net;
  const int a = net.conv("a", net.image(), 3, 4, 1);
  net.parameter("t.weight", {4, 1, 1, 1});
  const int t = net.add("t", mtl::Op::conv_transpose2d, std::vector<int>{a}, {{"groups", 2L}}, {{"weight", "t.weight"}});
  net.output("x", net.conv("c", t, 2, 1, 1));
  mtl::Model model = drawn(net);
  model.weights.at("t.weight").values = {1, -2, 4, 8};
  const Units units = units_of(model);
  const auto scores = mtl_prune::weight_scores("l1", model, units, Couple::mean, 1);
  const auto& of_t = scores[static_cast<std::size_t>(set_making(units, "t.weight"))];
  CHECK(of_t[0].value == 3);
  CHECK(of_t[1].value == 12);
}

TEST_CASE("random depends on the seed alone; names are checked") {
  CHECK(score("random", Couple::mean, 0) == score("random", Couple::mean, 0));
  CHECK(score("random", Couple::mean, 0) != score("random", Couple::mean, 1));
  CHECK(mtl_prune::check_criterion("taylor-task") == "taylor-task:max");
  CHECK_THROWS_WITH_AS(mtl_prune::check_criterion("cosprun"), doctest::Contains("did you mean cosprune"), Error);
  CHECK_THROWS_WITH_AS(mtl_prune::parse_couple("meen"), doctest::Contains("did you mean mean"), Error);
}

TEST_CASE("bn without a norm is no number") {
  mtl::GraphBuilder net;
  net.output("x", net.conv("c", net.conv("a", net.image(), 3, 4, 1), 4, 1, 1));
  const mtl::Model model = drawn(net);
  CHECK(std::isnan(mtl_prune::weight_scores("bn", model, units_of(model), Couple::mean, 1)[0][0].value));
}
