// The hand-computed cases of what goes together, and the counts of rooms-net.
#include <doctest/doctest.h>

#include "base/error.h"
#include "mtl/architectures.h"
#include "mtl/dataset.h"
#include "mtl/tasks.h"
#include "small_nets.h"

using namespace small_nets;
using mtl::GraphBuilder;
using mtl::Op;
using mtl_prune::Plan;
using mtl_prune::Role;
using mtl_prune::UnitSet;

namespace {

// The kept indices of one dimension after these units of a set went.
std::vector<std::int64_t> kept(const mtl::Model& model, const Units& units, int set, const std::set<std::int64_t>& gone,
                               const std::string& parameter, int dim) {
  Plan plan = keep_everything(model, units);
  drop(plan, set, gone);
  for (const mtl_prune::KeptIndices& entry : kept_indices(units, plan))
    if (entry.dimension->parameter == parameter && entry.dimension->dim == dim) return entry.keep;
  return {};
}

using Indices = std::vector<std::int64_t>;

mtl::TaskFile three_tasks() {
  return mtl::parse_tasks(R"({"tasks": [
    {"name": "seg", "output": "seg", "type": "segmentation", "classes": 13},
    {"name": "depth", "output": "depth", "type": "depth"},
    {"name": "normal", "output": "normal", "type": "normal"}]})",
                          "tasks.json");
}

}  // namespace

TEST_CASE("an addition: rows of both convolutions and the same columns of every reader") {
  GraphBuilder net;
  const int a = net.conv("a", net.image(), 3, 4, 3, {{"padding", 1L}}, true);
  const int b = net.conv("b", net.image(), 3, 4, 1);
  const int sum = net.add("sum", Op::add, std::vector<int>{a, b});
  net.output("x", net.conv("c", sum, 4, 2, 1));
  net.output("y", net.conv("d", net.relu("r", sum), 4, 1, 1));
  const mtl::Model model = drawn(net);
  const Units units = units_of(model);
  const int set = set_making(units, "a.weight");
  CHECK(set_making(units, "b.weight") == set);
  CHECK(units.sets[0].units.size() == 4);
  CHECK(units.sets[0].trunk);
  for (const char* rows : {"a.weight", "b.weight", "a.bias"}) CHECK(kept(model, units, set, {1, 3}, rows, 0) == Indices{0, 2});
  for (const char* columns : {"c.weight", "d.weight"}) CHECK(kept(model, units, set, {1, 3}, columns, 1) == Indices{0, 2});
  CHECK(parameters(units, units.sets[0], Role::consumer) == std::vector<std::string>{"c.weight", "d.weight"});
  CHECK(units.sets[1].locked);  // an output
  CHECK(units.sets[1].why.find("output x") != std::string::npos);
}

TEST_CASE("cat of 3 and 5 channels: the reader's columns move up") {
  GraphBuilder net;
  const int a = net.conv("a", net.image(), 3, 3, 1);
  const int b = net.conv("b", net.image(), 3, 5, 1);
  net.output("x", net.conv("c", net.add("cat", Op::cat, std::vector<int>{a, b}, {{"dim", 1L}}), 8, 2, 1));
  const mtl::Model model = drawn(net);
  const Units units = units_of(model);
  Plan plan = keep_everything(model, units);
  drop(plan, set_making(units, "a.weight"), {1});
  drop(plan, set_making(units, "b.weight"), {1});  // channel 4 of the eight
  const mtl::Model small = remove_units(model, units, plan);
  const mtl::Tensor &before = model.weights.at("c.weight"), &after = small.weights.at("c.weight");
  CHECK(after.shape == mtl::Shape{2, 6, 1, 1});
  int at = 0;
  for (const int column : {0, 2, 3, 5, 6, 7}) CHECK(kernel(after, 1, at++) == kernel(before, 1, column));
}

TEST_CASE("cat of 3 and 5 channels, the first's 1 and the second's 4 go: columns 0 2 3 4 5 6 stay") {
  GraphBuilder net;
  const int a = net.conv("a", net.image(), 3, 3, 1);
  const int b = net.conv("b", net.image(), 3, 5, 1);
  net.output("x", net.conv("c", net.add("cat", Op::cat, std::vector<int>{a, b}, {{"dim", 1L}}), 8, 2, 1));
  const mtl::Model model = drawn(net);
  const Units units = units_of(model);
  Plan plan = keep_everything(model, units);
  drop(plan, set_making(units, "a.weight"), {1});
  drop(plan, set_making(units, "b.weight"), {4});
  for (const mtl_prune::KeptIndices& entry : kept_indices(units, plan))
    if (entry.dimension->parameter == "c.weight") CHECK(entry.keep == Indices{0, 2, 3, 4, 5, 6});
}

TEST_CASE("depthwise convolution, multiplier 2: both outputs of a channel go, groups follow") {
  GraphBuilder net;
  const int a = net.conv("a", net.image(), 3, 6, 1);
  net.parameter("d.weight", {12, 1, 3, 3});
  net.parameter("d.bias", {12});
  const int d = net.add("d", Op::conv2d, std::vector<int>{a}, {{"groups", 6L}, {"padding", 1L}},
                        {{"weight", "d.weight"}, {"bias", "d.bias"}});
  net.output("x", net.conv("c", d, 12, 2, 1));
  const mtl::Model model = drawn(net);
  const Units units = units_of(model);
  const Indices left = {0, 1, 2, 3, 4, 5, 8, 9, 10, 11};
  CHECK(kept(model, units, 0, {3}, "d.weight", 0) == left);
  CHECK(kept(model, units, 0, {3}, "d.bias", 0) == left);
  CHECK(kept(model, units, 0, {3}, "c.weight", 1) == left);
  Plan plan = keep_everything(model, units);
  drop(plan, 0, {3});
  const mtl::Model small = remove_units(model, units, plan);
  CHECK(mtl::integer(small.graph.nodes[2], "groups") == 5);
  REQUIRE(plan.patches.size() == 1);
  CHECK(plan.patches[0].node == "d");
  CHECK(plan.patches[0].from == Indices{6});
  CHECK(plan.patches[0].to == Indices{5});
  CHECK(shapes_of(small).back() == shapes_of(model).back());
}

TEST_CASE("flatten 4x2x3 then linear: channel 2 owns columns 12 to 17") {
  for (const bool reshape : {false, true}) {
    GraphBuilder net;
    const int a = net.conv("a", net.image(), 3, 4, 1);
    const int flat = reshape ? net.add("f", Op::reshape, std::vector<int>{a}, {{"shape", std::vector<std::int64_t>{-1, 24}}})
                             : net.add("f", Op::flatten, std::vector<int>{a}, {{"start_dim", 1L}});
    net.parameter("l.weight", {5, 24});
    net.output("x", net.add("l", Op::linear, std::vector<int>{flat}, {}, {{"weight", "l.weight"}}));
    const mtl::Model model = drawn(net);
    const Units units = units_of(model, 2, 3);
    const Indices left = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 18, 19, 20, 21, 22, 23};
    CHECK(kept(model, units, 0, {2}, "l.weight", 1) == left);
    Plan plan = keep_everything(model, units);
    drop(plan, 0, {2});
    const mtl::Model small = remove_units(model, units, plan);
    CHECK(shapes_of(small, 2, 3).back() == mtl::Shape{1, 5});
    CHECK(plan.patches.size() == (reshape ? 1 : 0));
  }
}

TEST_CASE("grouped convolution: equal counts of each block, columns by group") {
  GraphBuilder net;
  const int a = net.conv("a", net.image(), 3, 8, 1);
  net.parameter("g.weight", {8, 4, 1, 1});
  const int g = net.add("g", Op::conv2d, std::vector<int>{a}, {{"groups", 2L}}, {{"weight", "g.weight"}});
  net.output("x", net.conv("c", g, 8, 2, 1));
  const mtl::Model model = drawn(net);
  const Units units = units_of(model);
  const UnitSet& in = units.sets[static_cast<std::size_t>(set_making(units, "a.weight"))];
  const UnitSet& out = units.sets[static_cast<std::size_t>(set_making(units, "g.weight"))];
  CHECK(in.cells == std::vector<std::vector<int>>{{0, 1, 2, 3}, {4, 5, 6, 7}});
  CHECK(out.cells == in.cells);
  Plan plan = keep_everything(model, units);
  drop(plan, in.id, {1, 6});
  drop(plan, out.id, {0, 7});
  const mtl::Model small = remove_units(model, units, plan);
  const mtl::Tensor &before = model.weights.at("g.weight"), &after = small.weights.at("g.weight");
  CHECK(after.shape == mtl::Shape{6, 3, 1, 1});
  // Rows 1 2 3 of the first group read its columns 0 2 3, rows 4 5 6 of the second read 0 1 3 of theirs.
  CHECK(after.values[0] == before.values[1 * 4 + 0]);
  CHECK(after.values[1] == before.values[1 * 4 + 2]);
  CHECK(after.values[3 * 3 + 1] == before.values[4 * 4 + 1]);
  CHECK(after.values[3 * 3 + 2] == before.values[4 * 4 + 3]);
  SUBCASE("blocks that would differ are refused") {
    drop(plan, in.id, {2});
    CHECK_THROWS_WITH_AS(remove_units(model, units, plan), doctest::Contains("same number"), Error);
  }
}

TEST_CASE("grouped transposed convolution: its outputs are virtual columns") {
  GraphBuilder net;
  const int a = net.conv("a", net.image(), 3, 4, 1);
  net.parameter("t.weight", {4, 3, 2, 2});  // 2 groups: 4 -> 6 channels
  const int t =
      net.add("t", Op::conv_transpose2d, std::vector<int>{a}, {{"groups", 2L}, {"stride", 2L}}, {{"weight", "t.weight"}});
  net.output("x", net.conv("c", t, 6, 2, 1));
  const mtl::Model model = drawn(net);
  const Units units = units_of(model);
  const int in = set_making(units, "a.weight"), out = set_making(units, "t.weight");
  CHECK(units.sets[static_cast<std::size_t>(out)].units.size() == 6);
  Plan plan = keep_everything(model, units);
  drop(plan, in, {0, 3});
  drop(plan, out, {2, 3});  // the first group's column 2, the second's column 0
  const mtl::Model small = remove_units(model, units, plan);
  const mtl::Tensor &before = model.weights.at("t.weight"), &after = small.weights.at("t.weight");
  CHECK(after.shape == mtl::Shape{2, 2, 2, 2});
  CHECK(kernel(after, 0, 0) == kernel(before, 1, 0));
  CHECK(kernel(after, 0, 1) == kernel(before, 1, 1));
  CHECK(kernel(after, 1, 0) == kernel(before, 2, 1));
  CHECK(kernel(after, 1, 1) == kernel(before, 2, 2));
}

TEST_CASE("group_norm merges its groups, one group is never removable and said so") {
  for (const std::int64_t groups : {4, 1}) {
    GraphBuilder net;
    const int a = net.conv("a", net.image(), 3, 8, 1);
    net.parameter("n.weight", {8});
    net.parameter("n.bias", {8});
    const int n =
        net.add("n", Op::group_norm, std::vector<int>{a}, {{"num_groups", groups}}, {{"weight", "n.weight"}, {"bias", "n.bias"}});
    net.output("x", net.conv("c", n, 8, 2, 1));
    const mtl::Model model = drawn(net);
    const Units units = units_of(model);
    CHECK(units.sets[0].units.size() == static_cast<std::size_t>(groups));
    CHECK(units.notes.size() == (groups == 1 ? 1 : 0));
    if (groups == 1) continue;
    CHECK(kept(model, units, 0, {1}, "c.weight", 1) == Indices{0, 1, 4, 5, 6, 7});
    Plan plan = keep_everything(model, units);
    drop(plan, 0, {1});
    const mtl::Model small = remove_units(model, units, plan);
    CHECK(mtl::integer(small.graph.nodes[2], "num_groups") == 3);
  }
}

TEST_CASE("a slice's bounds move, and neither half loses its last channel") {
  GraphBuilder net;
  const int a = net.conv("a", net.image(), 3, 6, 1);
  const int low = net.add("low", Op::slice, std::vector<int>{a}, {{"dim", 1L}, {"start", 0L}, {"end", 2L}});
  const int high = net.add("high", Op::slice, std::vector<int>{a}, {{"dim", -3L}, {"start", 2L}});
  net.output("x", net.conv("c", low, 2, 2, 1));
  net.output("y", net.conv("d", high, 4, 2, 1));
  const mtl::Model model = drawn(net);
  const Units units = units_of(model);
  Plan plan = keep_everything(model, units);
  drop(plan, 0, {0, 4});
  const mtl::Model small = remove_units(model, units, plan);
  CHECK(mtl::integer(small.graph.nodes[2], "end") == 1);
  CHECK(mtl::integer(small.graph.nodes[3], "start") == 1);
  CHECK(small.weights.at("c.weight").shape[1] == 1);
  CHECK(small.weights.at("d.weight").shape[1] == 3);
  drop(plan, 0, {1});
  CHECK_THROWS_WITH_AS(remove_units(model, units, plan), doctest::Contains("no channel left"), Error);
}

TEST_CASE("what has no channel rule locks, with its node as the reason") {
  GraphBuilder net;
  const int a = net.conv("a", net.image(), 3, 4, 1);
  const int soft = net.add("attention", Op::softmax, std::vector<int>{a}, {{"dim", 1L}});
  net.model().graph.nodes.back().source = "model.py:41";
  const int b = net.conv("b", soft, 4, 4, 1);
  const int stepped = net.add("even", Op::slice, std::vector<int>{b}, {{"dim", 1L}, {"step", 2L}});
  net.output("x", net.conv("c", stepped, 2, 2, 1));
  const mtl::Model model = drawn(net);
  const Units units = units_of(model);
  CHECK(units.sets[0].locked);
  CHECK(units.sets[0].why.find("attention (model.py:41)") != std::string::npos);
  CHECK(units.sets[1].why.find("step") != std::string::npos);
  Plan plan = keep_everything(model, units);
  drop(plan, 0, {1});
  CHECK_THROWS_WITH_AS(remove_units(model, units, plan), doctest::Contains("locked"), Error);
}

TEST_CASE("a parameter of several nodes has one identity") {
  GraphBuilder net;
  const int a = net.conv("a", net.image(), 3, 4, 1);
  const int first = net.conv("w", a, 4, 4, 1);
  const int second = net.add("again", Op::conv2d, std::vector<int>{first}, {}, {{"weight", "w.weight"}});
  net.output("x", net.conv("c", second, 4, 2, 1));
  const Units units = units_of(drawn(net));
  CHECK(set_making(units, "a.weight") == set_making(units, "w.weight"));  // w reads its own output with the same columns
  CHECK(units.sets[0].units.size() == 4);
}

TEST_CASE("a one-channel factor is locked, the many channels are not; pixel_shuffle merges r * r") {
  GraphBuilder net;
  const int a = net.conv("a", net.image(), 3, 8, 1);
  const int gate = net.add("s", Op::sigmoid, std::vector<int>{net.conv("g", net.image(), 3, 1, 1)});
  const int product = net.add("m", Op::mul, std::vector<int>{a, gate});
  const int up = net.add("p", Op::pixel_shuffle, std::vector<int>{product}, {{"upscale_factor", 2L}});
  net.output("x", net.conv("c", up, 2, 2, 1));
  const mtl::Model model = drawn(net);
  const Units units = units_of(model);
  CHECK(units.sets[static_cast<std::size_t>(set_making(units, "g.weight"))].locked);
  const int set = set_making(units, "a.weight");
  CHECK(units.sets[static_cast<std::size_t>(set)].units.size() == 2);
  CHECK(kept(model, units, set, {0}, "a.weight", 0) == Indices{4, 5, 6, 7});
  CHECK(kept(model, units, set, {0}, "c.weight", 1) == Indices{1});
}

TEST_CASE("rooms-net: 304 trunk units in sets of 16, 32, 32, 32, 64, 64, 64") {
  const mtl::Model model = mtl::build({}, three_tasks(), 1);
  const Units units = units_of(model, 96, 128);
  std::vector<std::size_t> sizes;
  for (const UnitSet& set : units.sets)
    if (set.trunk) sizes.push_back(set.units.size());
  CHECK(sizes == std::vector<std::size_t>{16, 32, 32, 32, 64, 64, 64});
  for (const UnitSet& set : units.sets) CHECK(set.trunk == (set.reaches == 7));
}

TEST_CASE("pruning nothing gives the same bytes; A then B is A and B at once") {
  const mtl::Model model = mtl::build({}, three_tasks(), 1);
  const Units units = units_of(model, 96, 128);
  Plan nothing = keep_everything(model, units);
  const mtl::Model same = remove_units(model, units, nothing);
  CHECK(mtl::weights_sha256(same.weights) == mtl::weights_sha256(model.weights));
  CHECK(mtl::mtg_json(same) == mtl::mtg_json(model));

  Plan both = nothing, a = nothing;
  drop(both, 1, {3, 7, 20});
  drop(both, 4, {0, 63});
  drop(a, 1, {7});
  drop(a, 4, {63});
  const mtl::Model after_a = remove_units(model, units, a);
  const Units units_a = units_of(after_a, 96, 128);
  Plan b = keep_everything(after_a, units_a);
  drop(b, 1, {3, 19});
  drop(b, 4, {0});
  CHECK(mtl::weights_sha256(remove_units(after_a, units_a, b).weights) ==
        mtl::weights_sha256(remove_units(model, units, both).weights));
}
