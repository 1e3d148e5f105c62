// Where programs and data come from: files, the samples inside the program; what identifies them.
#include "hmc-marg/model.h"

#include <doctest/doctest.h>

#include "base/error.h"
#include "base/sha256.h"
#include "hmc-marg/sampling_support.h"

using namespace tenfold;
using namespace tenfold::hmc_marg;

namespace {

ExitCode code_of(const std::string& program, const std::string& data) {
  try {
    read_model(program, data);
  } catch (const Error& error) {
    return error.exit_code();
  }
  return ExitCode::ok;
}

}  // namespace

TEST_CASE("the embedded models are the files of the sample data") {
  const std::filesystem::path samples = std::filesystem::path(TENFOLD_SOURCE_DIR) / "sample_data/hmc-marg";
  struct Embedded {
    const char *name, *program, *data;  // data null: the program comes alone
  };
  for (const auto& [name, program, data] : {Embedded{"embedded:eight-schools", "schools.stan", "schools.json"},
                                            {"embedded:sleepstudy", "sleepstudy.stan", "sleepstudy.json"},
                                            {"embedded:rats71", "hpp.stan", "rats71.json"},
                                            {"embedded:baseball18", "hpp.stan", "baseball18.json"},
                                            {"embedded:hpp", "hpp.stan", nullptr},
                                            {"embedded:electric", "electric.stan", nullptr},
                                            {"embedded:fibrosis", "fibrosis.stan", nullptr}}) {
    CAPTURE(name);
    const ModelSource embedded = read_model(name, "");
    const ModelSource files = read_model((samples / program).string(), data ? (samples / data).string() : "");
    CHECK(embedded.data_file == (data ? name : ""));
    CHECK(embedded.program_file == name);
    CHECK(embedded.program_text == files.program_text);
    CHECK(embedded.data_text == files.data_text);
    CHECK(embedded.program_sha256 == files.program_sha256);
    CHECK(files.data_sha256 == (data ? sha256_hex(files.data_text) : ""));
  }
  const ModelSource mixed = read_model("embedded:hpp", (samples / "rats71.json").string());
  CHECK(mixed.data_text == read_model("embedded:rats71", "").data_text);
}

TEST_CASE("sources that make no sense are refused by kind") {
  CHECK(code_of("-", "-") == ExitCode::usage);
  CHECK(code_of("embedded:eight-schools", "d.json") == ExitCode::usage);
  CHECK(code_of("embedded:eight-school", "") == ExitCode::usage);
  CHECK(code_of("/no/such/file.stan", "") == ExitCode::input);
  CHECK(code_of(TENFOLD_SOURCE_DIR, "") == ExitCode::input);
}

TEST_CASE("random numbers of transformed data belong to the seed") {
  const auto lp_offset_free_data = [](std::uint64_t seed) {
    ModelSource source;
    source.program_file = "m.stan";
    source.program_text =
        "transformed data {\n  real c = normal_rng(0, 1);\n}\nparameters {\n  real x;\n}\nmodel {\n  x ~ normal(c, 1);\n}\n";
    Model model = load_model(std::move(source), seed);
    const Marginal plain = marginalize(model.graph, {.marginalize = "none", .keep = {}});
    const std::vector<double> q = {0};
    return reference_log_density(model.graph.graph, plain.target, q, {});
  };
  CHECK(lp_offset_free_data(1) == lp_offset_free_data(1));
  CHECK(lp_offset_free_data(1) != lp_offset_free_data(2));
}

TEST_CASE("program and data come from standard input, one of them at a time") {
  const test::Scratch scratch;
  const std::string program = (std::filesystem::path(TENFOLD_SOURCE_DIR) / "sample_data/hmc-marg/schools.stan").string();
  const std::string data = (std::filesystem::path(TENFOLD_SOURCE_DIR) / "sample_data/hmc-marg/schools.json").string();
  const auto lp = [&](const std::vector<std::string>& arguments, const std::string& input) {
    const test::Outcome outcome =
        test::run(testing::command(arguments), {.directory = scratch.path().string(), .variables = {}, .input = input});
    REQUIRE_MESSAGE(outcome.exit_code == 0, outcome.err);
    return Json::parse(outcome.out).at("result").at("lp").get<double>();
  };
  const double expected = lp({"grad", program, "--data", data, "--format", "json"}, "");
  CHECK(lp({"grad", "-", "--data", data, "--format", "json"}, test::slurp(program)) == expected);
  CHECK(lp({"grad", program, "--data", "-", "--format", "json"}, test::slurp(data)) == expected);
}
