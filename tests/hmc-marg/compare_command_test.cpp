// The subcommand compare as a program: what it refuses, how it goes on past what fails, what it leaves behind.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/files.h"
#include "hmc-marg/sampling_support.h"

using namespace tenfold;
using namespace tenfold::hmc_marg;
using namespace tenfold::hmc_marg::testing;
namespace fs = std::filesystem;

namespace {

// compare with short runs into the folder, and its result.
struct Comparison {
  tenfold::test::Outcome outcome;
  Json result;  // of the envelope; null where there is none
};

Comparison compare_in(const tenfold::test::Scratch& scratch, std::vector<std::string> arguments,
                      std::map<std::string, std::string> variables = {}) {
  std::vector<std::string> words = {"compare", "--format", "json", "-o", (scratch.path() / "run").string()};
  if (std::find(arguments.begin(), arguments.end(), "--resume") == arguments.end())
    words.insert(words.end(), {"--force", "--warmup", "200", "--draws", "200", "--seeds", "2"});
  words.insert(words.end(), arguments.begin(), arguments.end());
  Comparison out;
  out.outcome =
      tenfold::test::run(command(words), {.directory = scratch.path().string(), .variables = std::move(variables), .input = ""});
  const Json envelope = Json::parse(out.outcome.out, nullptr, false);
  if (envelope.is_object()) out.result = envelope["result"];
  return out;
}

bool says(const Comparison& c, const std::string& text) { return c.outcome.err.find(text) != std::string::npos; }

}  // namespace

TEST_CASE("compare: options that contradict each other are usage errors") {
  const tenfold::test::Scratch scratch;
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases = {
      {{"--variants", "none,aut"}, "did you mean auto?"},
      {{"--suite", "paper", "model.stan"}, "leave out MODEL"},
      {{"--suite", "paper", "--data", "d.json"}, "leave out --data"},
      {{"--suite", "paper", "--twin", "t.stan"}, "leave out --suite"},
      {{"--data-dir", "."}, "--suite paper"},
      {{"-", "--twin", "-"}, "standard input"}};
  for (const auto& [arguments, text] : cases) {
    const Comparison c = compare_in(scratch, arguments);
    CAPTURE(text);
    CHECK(c.outcome.exit_code == 2);
    CHECK(says(c, text));
  }
  CHECK(compare_in(scratch, {"--suite", "paper", "--data-dir", "nowhere"}).outcome.exit_code == 3);
}

TEST_CASE("compare: a variant that cannot run is listed, the others go on, and the exit code says so") {
  const tenfold::test::Scratch scratch;
  const Comparison c = compare_in(scratch, {"--require", "tau"});
  CHECK(c.outcome.exit_code == 4);
  CHECK(says(c, "auto cannot run"));
  int failed = 0, ran = 0;
  REQUIRE(c.result["rows"].size() == 6);
  for (const Json& row : c.result["rows"]) {
    failed +=
        row["variant"] == "auto" && row["min_ess"].is_null() && row["error"].get<std::string>().find("tau") != std::string::npos;
    ran += row["variant"] != "auto" && row["error"].is_null() && row["min_ess"].get<double>() > 0;
  }
  CHECK(failed == 2);
  CHECK(ran == 4);
  CHECK(c.result["clauses"]["divergences"][0]["status"] == "does_not_hold");
}

TEST_CASE("compare: --strict turns a clause that does not hold into exit code 1") {
  const tenfold::test::Scratch scratch;
  // auto told to integrate nothing out diverges as the program as it stands does.
  const std::vector<std::string> plain = {"--variants", "none,auto", "--marginalize", "none"};
  std::vector<std::string> strict = plain;
  strict.emplace_back("--strict");
  const Comparison lenient = compare_in(scratch, plain);
  CHECK(lenient.outcome.exit_code == 0);
  CHECK(lenient.result["clauses"]["divergences"][0]["divergences"].get<int>() > 0);
  CHECK(compare_in(scratch, strict).outcome.exit_code == 1);
}

TEST_CASE("compare: --strict does not pass where nothing was judged") {
  const tenfold::test::Scratch scratch;
  const std::vector<std::string> plain = {"--variants", "none,reparam"};
  std::vector<std::string> strict = plain;
  strict.emplace_back("--strict");
  const Comparison lenient = compare_in(scratch, plain);
  CHECK(lenient.outcome.exit_code == 0);
  CHECK(lenient.result["clauses"]["ess_per_cpu_s"][0]["status"] == "not_run");
  const Comparison c = compare_in(scratch, strict);
  CHECK(c.outcome.exit_code == 1);
  CHECK(says(c, "nothing was judged"));
}

TEST_CASE("compare: a variant that is auto's own program is not run, and nothing is judged against it") {
  const tenfold::test::Scratch scratch;
  const Comparison c = compare_in(scratch, {"--variants", "none,auto", "--marginalize", "none"});
  REQUIRE(c.outcome.exit_code == 0);
  CHECK(c.result["rows"].size() == 2);
  CHECK(c.result["not_run"][0]["variant"] == "none");
  CHECK(c.result["clauses"]["ess_per_cpu_s"][0]["status"] == "not_run");
  CHECK(c.result["clauses"]["ess_per_cpu_s"][0]["why_not_run"] == "auto is the same program as none");
  const Comparison centred =
      compare_in(scratch, {"--variants", "none,reparam,auto", "--marginalize", "none", "--reparam", "auto"});
  CHECK(centred.result["rows"].size() == 4);
  CHECK(centred.result["clauses"]["ess_per_cpu_s"][0]["against"] == "none");
}

TEST_CASE("compare: a twin with another posterior is said to have one") {
  tenfold::test::Scratch scratch;
  const std::string source = TENFOLD_SOURCE_DIR;
  std::string program = read_file(source + "/sample_data/hmc-marg/schools.stan");
  const std::string data = source + "/sample_data/hmc-marg/schools.json";
  const std::string original = scratch.file("m.stan", program);
  const std::string right = scratch.file("right.stan", program + "\n");
  const Comparison same = compare_in(scratch, {original, "--data", data, "--twin", right, "--variants", "auto"});
  CHECK(same.result["twin"]["compared"] == 10);
  CHECK(!same.result["twin"]["max_abs_z"].is_null());
  const std::string wrong = scratch.file("wrong.stan", program.substr(0, program.rfind('}')) + "  mu ~ normal(-40, 1);\n}\n");
  const Comparison c = compare_in(scratch, {original, "--data", data, "--twin", wrong, "--variants", "auto"});
  CHECK(c.outcome.exit_code == 0);
  CHECK(c.result["twin"]["difference_shown"] == true);
  CHECK(says(c, "The twin's means are not the program's: "));
}

TEST_CASE("compare: runs of one seed stand together, and compare.csv has a line for each") {
  const tenfold::test::Scratch scratch;
  const Comparison c = compare_in(scratch, {"--seed", "5"});
  REQUIRE(c.outcome.exit_code == 0);
  std::string order;
  for (const Json& row : c.result["rows"]) order += row["variant"].get<std::string>() + row["seed"].dump() + " ";
  CHECK(order == "none5 reparam5 auto5 none6 reparam6 auto6 ");
  std::istringstream lines(read_file(scratch.path() / "run" / "compare.csv"));
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    if (count == 0) continue;
    const Json& row = c.result["rows"][static_cast<std::size_t>(count - 1)];
    CHECK(line.find("," + row["variant"].get<std::string>() + "," + row["seed"].dump() + ",") != std::string::npos);
    CHECK(line.find("," + row["min_ess"].dump() + ",") != std::string::npos);
    CHECK(line.find("," + row["cpu_s"].dump() + ",") != std::string::npos);
  }
  CHECK(count == 7);
}

TEST_CASE("compare: a twin made by hand gives the draws of the non-centred form, and its own row") {
  const tenfold::test::Scratch scratch;
  const std::string source = TENFOLD_SOURCE_DIR;
  const Comparison c =
      compare_in(scratch, {source + "/sample_data/hmc-marg/schools.stan", "--data", source + "/sample_data/hmc-marg/schools.json",
                           "--twin", source + "/tests/hmc-marg/programs/schools-noncentred.stan", "--variants", "reparam,auto"});
  REQUIRE(c.outcome.exit_code == 0);
  REQUIRE(c.result["rows"].size() == 6);
  const Json &reparam = c.result["rows"][0], &twin = c.result["rows"][2];
  CHECK(twin["variant"] == "twin");
  CHECK(twin["gradients"] == reparam["gradients"]);
  CHECK(twin["sampled"] == 10);
  CHECK(c.result["contrasts"].size() == 2);
}

TEST_CASE("compare: what does not fit the interrupted comparison is not resumed") {
  tenfold::test::Scratch scratch;
  const std::string program = read_file(std::string(TENFOLD_SOURCE_DIR) + "/sample_data/hmc-marg/schools.stan");
  const std::string model = scratch.file("m.stan", program);
  const std::string data = std::string(TENFOLD_SOURCE_DIR) + "/sample_data/hmc-marg/schools.json";
  CHECK(compare_in(scratch, {model, "--data", data}, {{"TENFOLD_STOP_AFTER", "2"}}).outcome.exit_code == 130);
  scratch.file("m.stan", program + "\n");
  const Comparison changed = compare_in(scratch, {"--resume"});
  CHECK(changed.outcome.exit_code == 3);
  CHECK(says(changed, "programs or data changed"));
  scratch.file("m.stan", program);
  const Comparison resumed = compare_in(scratch, {"--resume"});
  CHECK(resumed.outcome.exit_code == 0);
  CHECK(resumed.result["rows"].size() == 6);
}

TEST_CASE("compare: the suite without its data runs what is shipped and names the rest") {
  const tenfold::test::Scratch scratch;
  const Comparison c = compare_in(scratch, {"--suite", "paper", "--variants", "auto"}, {{"TENFOLD_DATA", ""}});
  CHECK(c.outcome.exit_code == 0);
  CHECK(c.result["models"].size() == 3);
  CHECK(c.result["rows"].size() == 6);
  CHECK(c.result["not_run"].size() == 3);
  CHECK(says(c, "fibrosis is not run: pulmonary_fibrosis.json is not shipped"));
}
