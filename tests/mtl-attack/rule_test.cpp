// Rules as typed, and the damage they are measured by.
#include <doctest/doctest.h>

#include <cmath>
#include <string>

#include "base/error.h"
#include "mtl-attack/attack_options.h"
#include "mtl-attack/damage.h"

using namespace tenfold;
using namespace tenfold::mtl_attack;

namespace {

const std::vector<std::string> kTasks = {"seg", "depth", "normal"};

std::string message_of(const std::string& rule, const std::vector<std::string>& tasks = kTasks) {
  try {
    parse_rule(rule, tasks);
  } catch (const Error& error) {
    CHECK(error.exit_code() == ExitCode::usage);
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("rules: names, aliases, arguments") {
  CHECK(parse_rule("dgba", kTasks).name == "gb");
  CHECK(parse_rule("gb-mta", kTasks).kind == RuleKind::gb);
  CHECK(parse_rule("single:depth", kTasks).task == 1);
  CHECK(parse_rule("weights:1,0.5,2", kTasks).weights == std::vector<double>{1, 0.5, 2});
  CHECK(parse_rule("protect:normal+seg", kTasks).protect == std::vector<bool>{true, false, true});
  const std::vector<Rule> rules = parse_rules({"single:*", "weights:1", "2", "3", "gb", "dgba"}, kTasks);
  REQUIRE(rules.size() == 5);
  CHECK(rules[2].name == "single:normal");
  CHECK(rules[3].weights == std::vector<double>{1, 2, 3});
  CHECK(rules[4].name == "gb");
}

TEST_CASE("rules: what is wrong is said with the nearest name") {
  CHECK(message_of("gradnrom").find("gradnorm") != std::string::npos);
  CHECK(message_of("single:dept").find("depth") != std::string::npos);
  CHECK(message_of("single:").find("seg, depth, normal") != std::string::npos);
  CHECK(message_of("weights:1,2").find("2 weights for 3 tasks") != std::string::npos);
  CHECK(message_of("weights:1,x,2").find("no weight") != std::string::npos);
  CHECK(message_of("protect:").find("protects no task") != std::string::npos);
  CHECK(message_of("protect:seg+depth+normal").find("all tasks") != std::string::npos);
  CHECK(message_of("worst", {"seg"}).find("two tasks") != std::string::npos);
  CHECK(message_of("protect:seg", {"seg"}).find("two tasks") != std::string::npos);
  CHECK(message_of("gb:1").find("no argument") != std::string::npos);
  CHECK_THROWS_AS(check_pair(parse_rule("worst", kTasks), AttackKind::mim), Error);
  CHECK_THROWS_AS(parse_attack("pdg"), Error);
}

TEST_CASE("cells: one folder each, whatever the names") {
  AttackOptions options;
  options.rules = {"single:*", "gb"};
  options.attacks = {"fgsm", "pgd"};
  options.eps = {"2/255", "8/255", "8"};
  const std::vector<Cell> cells = make_cells(options, false, {"a/b", "a b"});
  REQUIRE(cells.size() == 12);
  CHECK(cells[0].name == "single-a-b-fgsm-2");
  CHECK(cells[4].name == "single-a-b-fgsm-2-2");
  CHECK(cells[11].name == "gb-pgd-8");
  options.eps = {"0.4/255"};
  CHECK_THROWS_AS(make_cells(options, false, kTasks), Error);
  options.floats = true;
  CHECK_NOTHROW(make_cells(options, false, kTasks));
}

TEST_CASE("damage: relative to the clean loss or its floor, over the tasks that are there") {
  const double nan = std::nan("");
  const CleanImage a{{2, 0.5, 1}, {true, true, true}}, b{{4, 1e-9, 0}, {true, true, false}};
  const LossScale scale = loss_scale({a, b}, 3, 1e-3);
  CHECK(scale.mean[0] == 3);
  CHECK(scale.mean[2] == 1);  // one image has it
  CHECK(scale.floor[1] == doctest::Approx(0.25e-3));
  const std::vector<double> losses = {8, 0.5, 3};
  const std::vector<double> ra = relative_change(losses, a, scale), rb = relative_change(losses, b, scale);
  CHECK(ra == std::vector<double>{3, 0, 2});
  CHECK(rb[0] == 1);
  CHECK(rb[1] == doctest::Approx(0.5 / 0.25e-3));  // the floor
  CHECK(std::isnan(rb[2]));
  CHECK(mean_present(ra) == doctest::Approx(5.0 / 3));
  CHECK(least_present(ra) == 0);
  CHECK(mean_present(rb) == doctest::Approx((1 + 0.5 / 0.25e-3) / 2));
  CHECK(std::isnan(mean_present(std::vector<double>{nan, nan})));
  CHECK(damage_by_dataset(losses, a, scale) == doctest::Approx((6.0 / 3 + 0 + 2) / 3));
}

TEST_CASE("objectives: each rule's own, and the one asked for") {
  const CleanImage clean{{1, 2, 4}, {true, true, true}};
  const LossScale scale = loss_scale({clean}, 3, 1e-3);
  const std::vector<double> losses = {2, 2, 12};  // r = 1, 0, 2
  const auto f = [&](const std::string& rule, const std::string& objective = "auto") {
    return objective_of(parse_rule(rule, kTasks), objective, kTasks)(losses, clean, scale);
  };
  CHECK(f("gb") == 1);
  CHECK(f("total") == 16);
  CHECK(f("single:normal") == 12);
  CHECK(f("worst") == 0);
  CHECK(f("protect:depth") == 1.5);
  CHECK(f("signsum") == 1);
  CHECK(f("total", "J") == 1);
  CHECK(f("gb", "single:seg") == 2);
  CHECK_THROWS_AS(f("gb", "mean"), Error);
}

TEST_CASE("gb's weights: reciprocal losses, in units of the first that is there") {
  const CleanImage clean{{0, 8, 2}, {false, true, true}};
  const LossScale scale{{1, 1, 1}, {1e-3, 1e-3, 1e-3}};
  const std::vector<double> losses = {0, 4, 1e-5};
  const PassWeights now = pass_weights(parse_rule("gb", kTasks), Denominator::current, losses, clean, scale);
  CHECK(now.w == std::vector<double>{0, 1, 4000});
  CHECK(now.floored == std::vector<bool>{false, false, true});
  CHECK(pass_weights(parse_rule("gb", kTasks), Denominator::clean, losses, clean, scale).w == std::vector<double>{0, 1, 4});
  CHECK(pass_weights(parse_rule("gb", kTasks), Denominator::dataset, losses, clean, scale).w == std::vector<double>{0, 1, 1});
  CHECK(pass_weights(parse_rule("total", kTasks), Denominator::current, losses, clean, scale).w == std::vector<double>{0, 1, 1});
}
