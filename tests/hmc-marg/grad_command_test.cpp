// The subcommand grad at a point of the user's own.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "hmc-marg/sampling_support.h"

using namespace tenfold;
using namespace tenfold::hmc_marg;
using namespace tenfold::hmc_marg::testing;

TEST_CASE("grad --marginal asks for the values of the kept parameters alone") {
  tenfold::test::Scratch scratch;
  const std::string at = scratch.file("at.json", R"({"tau": 2.5})");
  const auto grad = [&](const std::string& density, const std::string& file) {
    return tenfold::test::run(command({"grad", density, "--at", file, "--format", "json", "--marginalize", "all"}),
                              {.directory = scratch.path().string(), .variables = {}, .input = ""});
  };
  const auto marginal = grad("--marginal", at);
  REQUIRE(marginal.exit_code == 0);
  const Json result = Json::parse(marginal.out)["result"];
  REQUIRE(result["gradient"].size() == 1);
  CHECK(result["gradient"][0]["at"].get<double>() == doctest::Approx(std::log(2.5)));
  CHECK(grad("--joint", at).exit_code == 3);  // mu and theta are needed there
  CHECK(grad("--marginal", scratch.file("none.json", "{}")).exit_code == 3);
  // Whatever the eliminated ones are given, the marginal density is the same.
  const std::string all = scratch.file("all.json", R"({"mu": 7, "tau": 2.5, "theta": [1, 2, 3, 4, 5, 6, 7, 8]})");
  CHECK(Json::parse(grad("--marginal", all).out)["result"] == result);
}

TEST_CASE("--marginalize without a name is a usage error, not `none`") {
  const tenfold::test::Scratch scratch;
  for (const char* list : {"", ",", " "}) {
    const auto outcome = tenfold::test::run(command({"grad", "--marginal", "--marginalize", list}),
                                            {.directory = scratch.path().string(), .variables = {}, .input = ""});
    CHECK(outcome.exit_code == 2);
    CHECK(outcome.err.find("--marginalize: names no parameter") != std::string::npos);
  }
}
