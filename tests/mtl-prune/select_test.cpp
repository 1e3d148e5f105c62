// Which units go: order, targets, floors, balance, rounding, locks, and what is refused.
#include "mtl-prune/select.h"

#include <doctest/doctest.h>

#include <cmath>

#include "base/error.h"
#include "mtl/architectures.h"
#include "mtl/tasks.h"
#include "small_nets.h"

using namespace small_nets;
using mtl_prune::ScoreTable;
using mtl_prune::Selection;
using mtl_prune::SelectOptions;
using mtl_prune::UnitScore;

namespace {

using Indices = std::vector<std::int64_t>;

// conv a (3 -> 8), conv b (8 -> 8), head c: two sets of 8.
mtl::Model chain() {
  mtl::GraphBuilder net;
  const int a = net.conv("a", net.image(), 3, 8, 3);
  const int b = net.conv("b", net.relu("r", a), 8, 8, 3);
  const int c = net.relu("s", b);
  net.output("x", net.conv("c", c, 8, 2, 1));
  net.output("y", net.conv("d", c, 8, 1, 1));
  return drawn(net);
}

ScoreTable table(const Units& units, const std::vector<std::vector<double>>& scores) {
  ScoreTable result;
  result.batches = 5;
  auto& by_set = result.scores["cosprune"];
  for (const mtl_prune::UnitSet& set : units.sets) {
    auto& of_set = by_set.emplace_back(set.units.size());
    if (static_cast<std::size_t>(set.id) >= scores.size()) continue;
    for (std::size_t u = 0; u < of_set.size(); ++u) of_set[u].value = scores[static_cast<std::size_t>(set.id)][u];
  }
  return result;
}

struct Chain {
  mtl::Model model = chain();
  Units units = units_of(model);
  ScoreTable scores = table(units, {{0.8, 0.1, 0.7, 0.2, 0.6, 0.3, 0.5, 0.4}, {-1, 1, 1, 1, 1, 1, 1, 1}});
  SelectOptions options;
  Chain() { options.floor = 1; }
  Selection select(const char* target) {
    options.target = mtl_prune::parse_target(target);
    return select_units(model, units, scores, options, shapes_of(model));
  }
};

}  // namespace

TEST_CASE("the lowest go first over all sets, down to the target and not further") {
  Chain net;
  const Selection four = net.select("units=12");
  CHECK(four.plan.sets[0].keep == Indices{0, 2, 4, 6, 7});
  CHECK(four.plan.sets[1].keep == Indices{1, 2, 3, 4, 5, 6, 7});
  CHECK(four.reached == 12);
  CHECK(four.plan.sets[0].score_min == doctest::Approx(0.1));
  CHECK(net.select("macs=1").plan.sets[0].keep.size() == 8);
}

TEST_CASE("params and macs are counted as the removed network has them") {
  Chain net;
  for (const char* target : {"macs=0.5", "params=0.6", "params=0.3"}) {
    Selection selection = net.select(target);
    const mtl::Model small = remove_units(net.model, net.units, selection.plan);
    const mtl::Cost dense = mtl::cost(net.model, 8, 10), pruned = mtl::cost(small, 8, 10);
    const double share = target[0] == 'm' ? static_cast<double>(pruned.macs) / static_cast<double>(dense.macs)
                                          : static_cast<double>(pruned.params) / static_cast<double>(dense.params);
    CHECK(selection.reached == doctest::Approx(share).epsilon(1e-12));
    CHECK(share <= net.options.target.value);
    // One unit less, and the target would not hold: put the last one that went back.
    CHECK(share > net.options.target.value - 0.15);
  }
}

TEST_CASE("floors and ties: by set, then index") {
  Chain net;
  net.scores = table(net.units, {std::vector<double>(8, 0), std::vector<double>(8, 0)});
  net.options.floor = 5;
  CHECK(net.select("units=13").plan.sets[0].keep == Indices{3, 4, 5, 6, 7});
  const Selection more = net.select("units=12");
  CHECK(more.plan.sets[0].keep == Indices{3, 4, 5, 6, 7});
  CHECK(more.plan.sets[1].keep == Indices{1, 2, 3, 4, 5, 6, 7});
  CHECK_THROWS_WITH_AS(net.select("units=9"), doctest::Contains("the least is 10"), Error);
  try {
    net.select("macs=0.01");
    FAIL("a target below the floors was accepted");
  } catch (const Error& error) {
    CHECK(error.exit_code() == ExitCode::infeasible);
    CHECK(error.message().find("floor") != std::string::npos);
  }
}

TEST_CASE("uniform takes the same share of each set") {
  Chain net;
  net.options.allocate = "uniform";
  const Selection half = net.select("units=8");
  CHECK(half.plan.sets[0].keep == Indices{0, 2, 4, 6});
  CHECK(half.plan.sets[1].keep == Indices{4, 5, 6, 7});  // ties go by index; unit 0 is the lowest
}

TEST_CASE("normalisations: cosprune is mapped to [0, 1] before any division") {
  Chain net;
  net.scores = table(net.units, {{-0.5, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9}, {-0.6, -0.6, -0.6, -0.6, -0.6, -0.6, -0.6, -0.6}});
  CHECK(net.select("units=15").plan.sets[1].keep.size() == 7);  // as published: -0.6 is lowest
  for (const char* by : {"layer-mean", "layer-max"}) {
    net.options.normalize = by;  // 0.25 / 0.9 against 0.2 / 0.2
    CHECK(net.select("units=15").plan.sets[0].keep == Indices{1, 2, 3, 4, 5, 6, 7});
  }
  net.options.normalize =
      "per-mac";  // a's channels save 3x3 filters of 3 channels and columns of 8 filters; b's 8 channels and 3 heads
  CHECK_NOTHROW(net.select("units=15"));
}

TEST_CASE("dead units go before others, or stay at their score") {
  Chain net;
  net.scores.dead = {std::vector<std::uint8_t>(8, 0), std::vector<std::uint8_t>(8, 0), {0, 0}, {0}};
  net.scores.dead[0][0] = 1;  // the highest score of its set
  CHECK(net.select("units=15").plan.sets[0].keep == Indices{1, 2, 3, 4, 5, 6, 7});
  net.options.dead = "paper";
  CHECK(net.select("units=15").plan.sets[0].keep.size() == 8);
}

TEST_CASE("units that one task alone reaches are kept, or give their share by Taylor") {
  Chain net;
  for (UnitScore& score : net.scores.scores["cosprune"][1]) score.ranked = false;
  const Selection kept = net.select("units=12");
  CHECK(kept.plan.sets[0].keep.size() == 4);
  CHECK(kept.plan.sets[1].keep.size() == 8);
  net.options.private_units = "taylor";
  net.scores.scores["taylor"] = net.scores.scores["cosprune"];
  for (std::size_t u = 0; u < 8; ++u) net.scores.scores["taylor"][1][u].value = static_cast<double>(8 - u);
  const Selection shared = net.select("units=12");
  CHECK(shared.plan.sets[0].keep.size() == 6);  // 2 of 8 and 2 of 8
  CHECK(shared.plan.sets[1].keep == Indices{0, 1, 2, 3, 4, 5});
}

TEST_CASE("confidence prunes only what surely lies below the median") {
  Chain net;
  for (UnitScore& score : net.scores.scores["cosprune"][0]) score.standard_error = 10;  // not sure at all
  net.options.confidence = 0.95;
  const Selection one = net.select("units=15");
  CHECK(one.plan.sets[0].keep.size() == 8);
  CHECK(one.plan.sets[1].keep == Indices{1, 2, 3, 4, 5, 6, 7});
  CHECK_THROWS_AS(net.select("units=14"), Error);  // too few are eligible
}

TEST_CASE("rounding keeps multiples and goes on to the target; the larger of floor and multiple wins") {
  Chain net;
  net.options.round = 4;
  const Selection selection = net.select("macs=0.9");
  for (int s = 0; s < 2; ++s) CHECK(selection.plan.sets[static_cast<std::size_t>(s)].keep.size() % 4 == 0);
  CHECK(selection.reached <= 0.9);
  CHECK(mtl_prune::allowed_keep(net.units, net.units.sets[0], 1, 5, 4) == 8);
  CHECK(mtl_prune::allowed_keep(net.units, net.units.sets[0], 1, 2, 4) == 4);
}

TEST_CASE("grouped convolution g = 2, 8 -> 8, asked to keep 5: 6, three of each block, and a warning") {
  mtl::GraphBuilder builder;
  const int a = builder.conv("a", builder.image(), 3, 8, 1);
  builder.parameter("g.weight", {8, 4, 1, 1});
  const int g = builder.add("g", mtl::Op::conv2d, std::vector<int>{a}, {{"groups", 2L}}, {{"weight", "g.weight"}});
  builder.output("x", builder.conv("c", g, 8, 2, 1));
  builder.output("y", builder.conv("d", g, 8, 2, 1));
  const mtl::Model model = drawn(builder);
  const Units units = units_of(model);
  SelectOptions options;
  options.floor = 1;
  options.scope = "regex:^a\\.";
  options.target = mtl_prune::parse_target("units=5");
  const ScoreTable scores = table(units, {{0.1, 0.2, 0.3, 0.9, 0.8, 0.7, 0.6, 0.5}});
  Selection selection = select_units(model, units, scores, options, shapes_of(model));
  CHECK(selection.plan.sets[0].keep == Indices{1, 2, 3, 4, 5, 6});
  CHECK(selection.reached == 6);
  REQUIRE(selection.warnings.size() == 1);
  CHECK(selection.warnings[0].find("asked to keep 5 units, it keeps 6") != std::string::npos);
  CHECK_NOTHROW(remove_units(model, units, selection.plan));
}

TEST_CASE("scopes and targets that are none are refused with the nearest") {
  Chain net;
  CHECK_THROWS_WITH_AS(mtl_prune::parse_target("mac=0.5"), doctest::Contains("did you mean macs"), Error);
  for (const char* wrong : {"macs=0", "macs=1.1", "macs=", "macs", "units=0", "units=2.5", "params=nan"})
    CHECK_THROWS_AS(mtl_prune::parse_target(wrong), Error);
  net.options.scope = "regex:(";
  CHECK_THROWS_AS(net.select("macs=0.5"), Error);
  net.options.scope = "trunks";
  CHECK_THROWS_AS(net.select("macs=0.5"), Error);
  net.options.scope = "regex:nothing";
  CHECK_THROWS_WITH_AS(net.select("macs=0.5"), doctest::Contains("no set"), Error);
}

TEST_CASE("floors, locks and balance hold in every plan of rooms-net, and the target too") {
  const mtl::TaskFile tasks = mtl::parse_tasks(R"({"tasks": [
    {"name": "seg", "output": "seg", "type": "segmentation", "classes": 13},
    {"name": "depth", "output": "depth", "type": "depth"}]})",
                                               "t.json");
  const mtl::Model model = mtl::build({}, tasks, 3);
  const Units units = units_of(model, 32, 48);
  const std::vector<mtl::Shape> shapes = shapes_of(model, 32, 48);
  for (const char* criterion : {"l1", "l2", "bn", "random"}) {
    ScoreTable scores;
    scores.scores[criterion] = weight_scores(criterion, model, units, mtl_prune::Couple::mean, 5);
    for (const double target : {0.9, 0.6, 0.4}) {
      for (const char* allocate : {"global", "uniform"}) {
        SelectOptions options;
        options.criterion = criterion;
        options.allocate = allocate;
        options.target = {mtl_prune::Target::Kind::macs, target};
        Selection selection = select_units(model, units, scores, options, shapes);
        for (std::size_t s = 0; s < units.sets.size(); ++s) {
          CHECK(selection.plan.sets[s].keep.size() >= std::min<std::size_t>(5, units.sets[s].units.size()));
          if (units.sets[s].locked || !units.sets[s].trunk)
            CHECK(selection.plan.sets[s].keep.size() == units.sets[s].units.size());
        }
        const mtl::Model small = remove_units(model, units, selection.plan);
        const double share =
            static_cast<double>(mtl::cost(small, 32, 48).macs) / static_cast<double>(mtl::cost(model, 32, 48).macs);
        CHECK(share <= target);
        CHECK(share == doctest::Approx(selection.reached).epsilon(1e-9));
      }
    }
  }
}
