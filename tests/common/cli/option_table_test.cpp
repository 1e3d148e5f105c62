// The option table: values in and out of an options struct, bounds, words.
#include "cli/option_table.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "cli/config.h"
#include "cli/parse.h"

namespace tenfold::cli {
namespace {

enum class Metric { diag, dense };

struct Options {
  std::string model;
  int chains = 4;
  std::int64_t draws = 1000;
  double delta = 0.8;
  bool compress = true;
  bool strict = false;
  Metric metric = Metric::diag;
  std::vector<std::string> keep;
  std::optional<double> step;
};

OptionTable table_of(Options& o) {
  OptionTable table;
  table.input("MODEL", o.model, "a program").file().defaults_to("embedded:x");
  table.add("--chains", o.chains, "chains to run").shorthand('c').at_least(1);
  table.add("--draws", o.draws, "draws");
  table.add("--delta", o.delta, "target acceptance").strictly_between(0, 1);
  table.add("--compress", o.compress, "compress rows");
  table.flag("--strict", o.strict, "strict");
  table.choice("--metric", o.metric, {{"diag", Metric::diag}, {"dense", Metric::dense}}, "metric");
  table.add("--keep", o.keep, "parameters to keep");
  table.add("--step", o.step, "step size");
  return table;
}

void type(Options& o, const std::vector<std::string>& words) {
  OptionTable table = table_of(o);
  apply_typed(parse_arguments(words, {&table}, "`tool --help`"));
}

std::string error_of(const std::vector<std::string>& words) {
  Options o;
  try {
    type(o, words);
  } catch (const Error& error) {
    CHECK(error.exit_code() == ExitCode::usage);
    return error.message();
  }
  return "";
}

TEST_CASE("what is typed lands in the struct") {
  Options o;
  type(o, {"m.stan", "-c", "2", "--draws=1e6", "--delta", "0.95", "--compress", "off", "--strict", "--metric", "dense", "--keep",
           "mu,tau", "--keep", "theta", "--step", "-1.5"});
  CHECK(o.model == "m.stan");
  CHECK(o.chains == 2);
  CHECK(o.draws == 1000000);
  CHECK(o.delta == 0.95);
  CHECK(!o.compress);
  CHECK(o.strict);
  CHECK(o.metric == Metric::dense);
  CHECK(o.keep == std::vector<std::string>{"mu", "tau", "theta"});
  CHECK(o.step == -1.5);
}

TEST_CASE("a switch can be turned off again, and - is an input") {
  Options o;
  o.strict = true;
  type(o, {"--strict=off", "-"});
  CHECK(!o.strict);
  CHECK(o.model == "-");
}

TEST_CASE("after -- everything is an input") {
  Options o;
  type(o, {"--strict", "--", "--delta"});
  CHECK(o.model == "--delta");
  CHECK(o.strict);
  type(o, {"m.stan", "--"});
  CHECK(o.model == "m.stan");
  CHECK(error_of({"m.stan", "--", "--delta"}).starts_with("\"--delta\" is one input too many"));
  CHECK(error_of({"--dleta", "--", "m.stan"}).starts_with("unknown option --dleta"));
}

TEST_CASE("an input that takes many takes them wherever they stand") {
  std::vector<std::string> files;
  bool strict = false;
  OptionTable table;
  table.inputs("FILES", files, "files").required();
  table.flag("--strict", strict, "strict");
  apply_typed(parse_arguments({"a,b", "--strict", "c", "-"}, {&table}, ""));
  CHECK(files == std::vector<std::string>{"a,b", "c", "-"});
  CHECK(strict);
}

TEST_CASE("errors name the option, what it got and what would do") {
  CHECK(error_of({"--chains", "0"}) == "--chains: 0 will not do; give an integer at least 1");
  CHECK(error_of({"--chains", "2.5"}) == "--chains: \"2.5\" will not do; give an integer at least 1");
  CHECK(error_of({"--chains", "99999999999"}) == "--chains: \"99999999999\" will not do; give an integer at least 1");
  CHECK(error_of({"--delta", "1"}) == "--delta: 1 will not do; give a number above 0 and below 1");
  CHECK(error_of({"--delta", "nan"}).find("--delta: nan will not do") == 0);
  CHECK(error_of({"--metric", "dnse"}) == "--metric: \"dnse\" will not do; give one of diag, dense");
  CHECK(error_of({"--compress", "maybe"}) == "--compress: \"maybe\" will not do; give on or off");
  CHECK(error_of({"--chains"}) == "--chains: needs a value; give an integer at least 1");
  CHECK(error_of({"--chains", "1", "--chains", "2"}) == "--chains: given 2 times; give it once");
  CHECK(error_of({"--chians", "1"}) == "unknown option --chians; did you mean --chains?");
  CHECK(error_of({"a", "b"}) == "\"b\" is one input too many; see `tool --help`");
}

TEST_CASE("the effective configuration, applied to defaults, gives itself") {
  Options o;
  type(o, {"m.stan", "--delta", "0.1", "--keep", "a,b", "--metric", "dense"});
  OptionTable table = table_of(o);
  const Json config = effective_config({&table});
  CHECK(
      config.dump() ==
      R"({"model":"m.stan","chains":4,"draws":1000,"delta":0.1,"compress":true,"strict":false,"metric":"dense","keep":["a","b"],"step":null})");
  Options again;
  OptionTable other = table_of(again);
  apply_recorded_config(config, "config.json", {&other});
  CHECK(effective_config({&other}) == config);
}

TEST_CASE("a JSON value of another type is refused") {
  Options o;
  OptionTable table = table_of(o);
  CHECK_THROWS_WITH_AS(set_option(*table.find("chains"), Json("4"), "chains"),
                       "chains: \"4\" will not do; give an integer at least 1", Error);
  CHECK_THROWS_WITH_AS(set_option(*table.find("metric"), Json(1), "metric"), "metric: 1 will not do; give one of diag, dense",
                       Error);
  CHECK_THROWS_WITH_AS(set_option(*table.find("chains"), Json(nullptr), "chains"),
                       "chains: null will not do; give an integer at least 1", Error);
  set_option(*table.find("chains"), Json(3.0), "chains");
  CHECK(o.chains == 3);
}

TEST_CASE("an option that is part of the run's identity may not change on resume, another may") {
  Options o;
  OptionTable table = table_of(o);
  Json recorded = effective_config({&table});
  o.chains = 8;
  CHECK_THROWS_WITH_AS(check_identity(recorded, {&table}, "run"),
                       "--chains: 8 differs from the run in run, which has 4; leave it out to go on, or start another run",
                       Error);
  table.find("chains")->identity = false;
  check_identity(recorded, {&table}, "run");
}

}  // namespace
}  // namespace tenfold::cli
