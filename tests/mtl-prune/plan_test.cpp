// plan.json: written, read back, refused.
#include "mtl-prune/plan.h"

#include <doctest/doctest.h>

#include "base/error.h"
#include "small_nets.h"

using namespace small_nets;

namespace {

mtl::Model two_layers(std::uint64_t seed) {
  mtl::GraphBuilder net;
  const int a = net.conv("a", net.image(), 3, 4, 1);
  net.output("x", net.conv("c", a, 4, 2, 1));
  return drawn(net, seed);
}

}  // namespace

TEST_CASE("a plan is read as it was written") {
  const mtl::Model model = two_layers(1);
  const Units units = units_of(model);
  mtl_prune::Plan plan = keep_everything(model, units);
  drop(plan, 0, {2});
  plan.criterion = "l1";
  plan.patches.push_back({"d", "groups", {6}, {5}});
  plan.patches.push_back({"r", "shape", {-1, 24}, {-1, 18}});
  const mtl_prune::Plan again = mtl_prune::parse_plan(mtl_prune::to_json(plan).dump(), "plan.json");
  CHECK(mtl_prune::to_json(again) == mtl_prune::to_json(plan));
  CHECK(plan_sha256(again) == plan_sha256(plan));
  CHECK(plan_sha256(again) != plan_sha256(keep_everything(model, units)));
}

TEST_CASE("a plan of other weights, of other sets, or with a wrong list is refused") {
  const mtl::Model model = two_layers(1), other = two_layers(2);
  const Units units = units_of(model);
  mtl_prune::Plan plan = keep_everything(model, units);
  CHECK_THROWS_WITH_AS(remove_units(other, units, plan), doctest::Contains(mtl::weights_sha256(other.weights).c_str()), Error);
  plan.sets[0].keep.clear();
  CHECK_THROWS_WITH_AS(remove_units(model, units, plan), doctest::Contains("one must stay"), Error);
  plan.sets.pop_back();
  CHECK_THROWS_WITH_AS(remove_units(model, units, plan), doctest::Contains("sets"), Error);
  const std::string bad =
      R"({"plan":1,"source_weights_sha256":"0","criterion":"l1","sets":[
{"id":0,"producers":["a.weight"],"size":4,"keep":[0,4],"score_min":0,"score_max":1,"locked":false}],"patches":[]})";
  CHECK_THROWS_WITH_AS(mtl_prune::parse_plan(bad, "p.json"), doctest::Contains("p.json:2:53"), Error);
  CHECK_THROWS_WITH_AS(mtl_prune::parse_plan(R"({"plan":2})", "p.json"), doctest::Contains("p.json:1"), Error);
}
