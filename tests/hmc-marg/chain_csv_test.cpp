// Chain files in CmdStan's dialect: line by line that of files which cmdstanpy, ArviZ and rstan read, values that survive
// reading, and the same summary from the files as in the run.
#include "hmc-marg/chain_csv.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>

#include "data/csv.h"
#include "data/json_reader.h"
#include "hmc-marg/sampling_support.h"

using namespace tenfold;
using namespace tenfold::hmc_marg;
namespace fs = std::filesystem;

namespace {

// The comment lines before the header, and after it those before the first row, each cut at "= " of what depends on the run.
std::vector<std::string> comment_lines(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    if (!line.starts_with("#")) continue;
    for (const char* own : {"model = ", "num_samples = ", "file = ", "seed = ", "Step size = "}) {
      const std::size_t at = line.find(own);
      if (at != std::string::npos) line.resize(at + std::string(own).size());
    }
    if (line.starts_with("# 1.") || line.starts_with("# 0.")) line = "# number";  // the inverse mass
    if (const std::size_t at = line.find(" seconds"); at != std::string::npos)
      line = line.substr(0, line.find_first_of("0123456789")) + line.substr(at);
    lines.push_back(line);
  }
  return lines;
}

std::string dialect_file(const std::string& name) {
  const char* data = std::getenv("TENFOLD_DATA");
  return test::slurp(fs::path(data ? data : TENFOLD_DATA_DEFAULT) / "bayes/csv_dialect" / name);
}

class Folder {
 public:
  fs::path run(const std::string& name, std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), "sample");
    arguments.insert(arguments.end(), {"-o", name, "-q", "--format", "json"});
    const test::Outcome outcome =
        test::run(testing::command(arguments), {.directory = scratch.path().string(), .variables = {}, .input = ""});
    REQUIRE_MESSAGE(outcome.exit_code == 0, outcome.err);
    return scratch.path() / name;
  }
  test::Scratch scratch;
};

}  // namespace

TEST_CASE("chain files have the comment lines of CmdStan's, sampled and all integrated out") {
  const std::string sampled = dialect_file("sampled.csv"), fixed = dialect_file("fixed_param.csv");
  if (sampled.empty()) {
    MESSAGE("skipped: no test data; set TENFOLD_DATA");
    return;
  }
  const Folder folder;
  const fs::path schools = folder.run("sampled", {});
  CHECK(comment_lines(test::slurp(schools / "chains/chain-1.csv")) == comment_lines(sampled));
  folder.scratch.file("normal.stan", "parameters {\n  real x;\n}\nmodel {\n  x ~ normal(0, 1);\n}\n");
  const fs::path normal = folder.run("fixed", {"normal.stan", "--draws", "50"});
  CHECK(comment_lines(test::slurp(normal / "chains/chain-1.csv")) == comment_lines(fixed));
}

TEST_CASE("what differs from the defaults stands in the header") {
  const Folder folder;
  const fs::path run =
      folder.run("run", {"--draws",       "60",          "--warmup", "40",       "--thin",   "7",           "--delta",
                         "0.9",           "--max-depth", "6",        "--metric", "dense",    "--step-size", "0.25",
                         "--init",        "0.5",         "--seed",   "77",       "--chains", "2",           "--save-warmup",
                         "--marginalize", "none"});
  const std::string text = test::slurp(run / "chains/chain-2.csv");
  for (const char* line :
       {"# model = eight-schools_model\n", "#     num_samples = 60\n", "#     num_warmup = 40\n", "#     save_warmup = 1\n",
        "#     thin = 7\n", "#       delta = 0.9\n", "#             max_depth = 6\n", "#         metric = dense_e\n",
        "#         stepsize = 0.25\n", "# id = 2\n", "# init = 0.5\n", "#   seed = 77\n", "#   file = chains/chain-2.csv\n",
        "# Elements of inverse mass matrix:\n"})
    CHECK_MESSAGE(text.find(line) != std::string::npos, std::string(line), " is missing");
  const data::CsvTable table = data::parse_csv(text, "chain-2.csv");
  CHECK(table.rows == 6 + 9);  // rounded up, as CmdStan does
  // The adaptation stands between warm-up and draws; after it the step size is the one it names.
  for (const data::CsvComment& comment : table.comments)
    if (comment.text.starts_with("Step size = ")) {
      CHECK(comment.rows_before == 6);
      CHECK(std::stod(comment.text.substr(12)) == table.at(14, *table.find("stepsize__")));
    }
}

TEST_CASE("a file holds the draws of the run to the last bit, and metric files their metric") {
  Model model = load_model(read_model(kEmbeddedModel, ""), 3);
  SamplerOptions options;
  options.chains = 2;
  options.warmup = 120;
  options.draws = 80;
  const SamplerOutput memory = testing::sample(model, {}, options, 3);
  const Folder folder;
  const fs::path run = folder.run("run", {"--chains", "2", "--warmup", "120", "--draws", "80", "--seed", "3"});
  for (std::size_t c = 0; c < 2; ++c) {
    const data::CsvTable table = data::read_csv(run / ("chains/chain-" + std::to_string(c + 1) + ".csv"));
    CHECK(table.names == memory.column_names);
    CHECK(table.values == memory.values[c]);
    const Json metric = Json::parse(test::slurp(run / ("metric/chain-" + std::to_string(c + 1) + ".json")));
    CHECK(metric.at("step_size").get<double>() == memory.chains[c].step_size);
    CHECK(metric.at("inv_metric").size() == 1);
  }
}

TEST_CASE("summary of the files is the run's summary") {
  for (const std::vector<std::string>& more : std::vector<std::vector<std::string>>{
           {}, {"--save-warmup", "--thin", "3"}, {"--marginalize", "none"}, {"all.stan", "--save-warmup"}}) {
    const Folder folder;
    folder.scratch.file("all.stan", "parameters {\n  vector[3] x;\n}\nmodel {\n  x ~ normal(0, 1);\n}\n");
    std::vector<std::string> arguments = more;
    arguments.insert(arguments.end(), {"--warmup", "100", "--draws", "100"});
    const fs::path run = folder.run("run", arguments);
    Json ours = Json::parse(test::slurp(run / "result.json")).at("result").at("summary");
    const test::Outcome outcome =
        test::run(testing::command({"summary", "run/chains/chain-1.csv", "run/chains/chain-2.csv", "run/chains/chain-3.csv",
                                    "run/chains/chain-4.csv", "-q", "--format", "json"}),
                  {.directory = folder.scratch.path().string(), .variables = {}, .input = ""});
    REQUIRE_MESSAGE(outcome.exit_code == 0, outcome.err);
    Json theirs = Json::parse(outcome.out).at("result").at("summary");
    REQUIRE(ours.size() > 2);
    for (Json* summary : {&ours, &theirs})
      for (Json& row : *summary)
        for (const char* only_a_run_knows : {"kind", "rb_mean", "rb_sd", "rb_mcse"}) row.erase(only_a_run_knows);
    CHECK(ours == theirs);
  }
}

TEST_CASE("summary says which file holds fewer rows than its header announces") {
  const test::Scratch scratch;
  std::string text = "# num_samples = 10\n# thin = 3\n# save_warmup = 0\nlp__,a\n";
  for (int i = 0; i < 4; ++i) text += "1," + std::to_string(i % 3) + "\n";
  scratch.file("whole.csv", text);
  scratch.file("cut.csv", text.substr(0, text.size() - 4));
  const auto summary = [&](const std::string& file) {
    return test::run(testing::command({"summary", file}), {.directory = scratch.path().string(), .variables = {}, .input = ""});
  };
  CHECK(summary("whole.csv").err.find("announces") == std::string::npos);
  CHECK_MESSAGE(summary("cut.csv").err.find("cut.csv: holds 3 of the 4 draws") != std::string::npos, summary("cut.csv").err);
}

TEST_CASE("cmdstanpy, ArviZ and rstan read every kind of run with equal values") {
  // tests/parity/hmc-marg/chain_files.py asks them.
  const data::JsonValue answers = data::read_json(fs::path(TENFOLD_SOURCE_DIR) / "tests/parity/hmc-marg/chain_files.json");
  CHECK(answers.object().size() >= 10);
  for (const data::JsonMember& run : answers.object())
    for (const char* reader : {"cmdstanpy", "arviz", "rstan"}) {
      const data::JsonValue* answer = run.value.find(reader);
      REQUIRE(answer);
      CHECK_MESSAGE(answer->boolean, run.key, " in ", std::string(reader));
    }
}
