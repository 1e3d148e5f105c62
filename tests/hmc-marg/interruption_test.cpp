// A run gives the same bytes whatever the number of threads and however often it was interrupted; what does not belong to a run
// is not resumed.
#include <doctest/doctest.h>

#include <signal.h>

#include <functional>
#include <map>
#include <random>

#include "hmc-marg/sampling_support.h"

using namespace tenfold;
using namespace tenfold::hmc_marg;
namespace fs = std::filesystem;

namespace {

const char* const kProgram = R"(data {
  int<lower=0> J;
  vector[J] y;
  vector<lower=0>[J] sigma;
}
parameters {
  real mu;
  real<lower=0> tau;
  vector[J] theta;
}
transformed parameters {
  real spread = max(theta) - min(theta);
}
model {
  mu ~ normal(0, 5);
  tau ~ cauchy(0, 5);
  theta ~ normal(mu, tau);
  y ~ normal(theta, sigma);
}
generated quantities {
  vector[J] replicate = to_vector(normal_rng(theta, sigma));
  real<upper=30> fails_at_times = normal_rng(20, 5);
}
)";

bool tells_time(const std::string& key) {
  return key.ends_with("_s") || key.ends_with("_bytes") || key == "ns_per_gradient" || key == "threads" || key == "command" ||
         key == "started" || key == "finished";
}

Json without_times(const Json& value) {
  if (!value.is_structured()) return value;
  Json out = value.is_array() ? Json::array() : Json::object();
  for (const auto& [key, element] : value.items()) {
    if (value.is_array())
      out.push_back(without_times(element));
    else if (!tells_time(key))
      out[key] = without_times(element);
  }
  return out;
}

// Everything of a finished run that must not differ between equal runs.
std::map<std::string, std::string> facts(const fs::path& directory) {
  std::map<std::string, std::string> files;
  for (auto& [name, bytes] : test::tree(directory)) {
    if (name == "result.json") {
      const Json envelope = Json::parse(bytes);
      files[name] = without_times(envelope.at("result")).dump() + without_times(envelope.at("warnings")).dump();
    } else if (name != "report.html" && name != "config.json" && name != "log.jsonl" && name != "manifest.json") {
      files[name] = bytes;
    }
  }
  return files;
}

void check_same(const fs::path& directory, const std::map<std::string, std::string>& expected) {
  const auto found = facts(directory);
  for (const auto& [name, bytes] : expected)
    CHECK_MESSAGE((found.count(name) == 1 && found.at(name) == bytes), name, " of ", directory.filename().string(),
                  " is not that of an uninterrupted run");
  CHECK(found.size() == expected.size());
}

class Runs {
 public:
  Runs() {
    scratch.file("m.stan", kProgram);
    fs::copy_file(fs::path(TENFOLD_SOURCE_DIR) / "sample_data/hmc-marg/schools.json", scratch.path() / "d.json");
  }

  std::vector<std::string> start(const std::string& out, std::vector<std::string> more = {}) const {
    std::vector<std::string> words = {"sample", "m.stan", "--data", "d.json", "--seed", "5", "-q", "--format", "json", "-o", out};
    words.insert(words.end(), more.begin(), more.end());
    return testing::command(words);
  }
  std::vector<std::string> resume(const std::string& out, std::vector<std::string> more = {}) const {
    std::vector<std::string> words = {"sample", "-o", out, "--resume", "-q", "--format", "json"};
    words.insert(words.end(), more.begin(), more.end());
    return testing::command(words);
  }
  test::Launch here() const { return {.directory = scratch.path().string(), .variables = {}, .input = ""}; }
  test::Launch stopping_after(int steps) const {
    test::Launch launch = here();
    launch.variables["TENFOLD_STOP_AFTER"] = std::to_string(steps);
    return launch;
  }
  test::Launch signalled(int signal, double after_s) const {
    test::Launch launch = here();
    launch.signal = signal;
    launch.signal_after_s = after_s;
    return launch;
  }

  test::Scratch scratch;
};

const std::vector<std::string> kShort = {"--chains", "3", "--warmup", "230", "--draws", "150", "--save-warmup", "--thin", "2"};

}  // namespace

TEST_CASE("one, two and three threads write the same bytes") {
  for (const std::vector<std::string>& variant :
       std::vector<std::vector<std::string>>{{}, {"--marginalize", "none", "--metric", "dense"}}) {
    const Runs runs;
    std::map<std::string, std::string> first;
    for (const char* threads : {"1", "2", "3"}) {
      std::vector<std::string> more = kShort;
      more.insert(more.end(), variant.begin(), variant.end());
      more.insert(more.end(), {"--threads", threads});
      const test::Outcome outcome = test::run(runs.start(threads, more), runs.here());
      REQUIRE_MESSAGE(outcome.exit_code == 0, outcome.err);
      const auto now = facts(runs.scratch.path() / threads);
      if (first.empty()) first = now;
      check_same(runs.scratch.path() / threads, first);
    }
    CHECK(first.count("chains/chain-3.csv") == 1);
    CHECK(first.count("metric/chain-3.json") == 1);
    CHECK(first.count("plan.json") == 1);
  }
}

TEST_CASE("runs stopped after random numbers of steps and resumed give what they would have given") {
  const Runs runs;
  REQUIRE(test::run(runs.start("whole", kShort), runs.here()).exit_code == 0);
  const auto whole = facts(runs.scratch.path() / "whole");
  // The draws whose generated quantities fail are counted over the interruptions, too.
  CHECK(whole.at("result.json").find("generated quantities of") != std::string::npos);
  // What comes after the chains, too.
  const std::string& result = whole.at("result.json");
  CHECK(result.find("\"rb_mean\":null") != std::string::npos);  // of tau
  CHECK(result.find("\"rb_mcse\":0.") != std::string::npos);
  std::mt19937 random(11);
  int interruptions = 0;
  for (int i = 0; interruptions < 36; ++i) {
    const std::string out = "stopped-" + std::to_string(i);
    std::vector<std::string> more = kShort;
    more.insert(more.end(), {"--threads", std::to_string(1 + random() % 3)});
    test::Outcome outcome = test::run(runs.start(out, more), runs.stopping_after(1 + static_cast<int>(random() % 14)));
    for (int again = 0; outcome.exit_code == 130 && again < 20; ++again) {
      ++interruptions;
      CHECK(outcome.out.empty());
      outcome = test::run(runs.resume(out), runs.stopping_after(1 + static_cast<int>(random() % 8)));
    }
    REQUIRE_MESSAGE(outcome.exit_code == 0, outcome.err);
    check_same(runs.scratch.path() / out, whole);
    fs::remove_all(runs.scratch.path() / out);
  }
}

TEST_CASE("runs ended by signals at random moments and resumed give what they would have given") {
  const Runs runs;
  const std::vector<std::string> longer = {"--chains", "2",      "--warmup", "300",           "--draws",
                                           "12000",    "--thin", "40",       "--marginalize", "none"};
  REQUIRE(test::run(runs.start("whole", longer), runs.here()).exit_code == 0);
  const auto whole = facts(runs.scratch.path() / "whole");
  std::mt19937 random(12);
  std::uniform_real_distribution<double> moment(0.005, 0.06);
  int killed = 0, stopped = 0;
  for (int i = 0; i < 7; ++i) {
    const std::string out = "signalled-" + std::to_string(i);
    // Stopped once, so that a state is there; then killed, which leaves files longer than the state says; then stopped again.
    test::Outcome outcome = test::run(runs.start(out, longer), runs.stopping_after(1 + static_cast<int>(random() % 40)));
    REQUIRE(outcome.exit_code == 130);
    outcome = test::run(runs.resume(out), runs.signalled(SIGKILL, (1 + i) * moment(random)));
    killed += outcome.signal == SIGKILL;
    outcome = test::run(runs.resume(out), runs.signalled(random() % 2 == 0 ? SIGINT : SIGTERM, (1 + i) * moment(random)));
    // Before its handler is installed the program ends by the signal itself; after the last draw it may finish.
    CHECK((outcome.exit_code == 130 || outcome.exit_code == 0 || outcome.signal != 0));
    stopped += outcome.exit_code == 130;
    outcome = test::run(runs.resume(out), runs.here());
    REQUIRE_MESSAGE(outcome.exit_code == 0, outcome.err);
    check_same(runs.scratch.path() / out, whole);
    fs::remove_all(runs.scratch.path() / out);
  }
  // How many signals met a run under way depends on the machine's speed: said, not asserted.
  MESSAGE(killed, " runs killed, ", stopped, " stopped by a signal");
}

TEST_CASE("a run that was killed before it saved anything starts from its beginning") {
  const Runs runs;
  REQUIRE(test::run(runs.start("whole", kShort), runs.here()).exit_code == 0);
  const auto whole = facts(runs.scratch.path() / "whole");
  for (const double moment : {0.004, 0.01, 0.02, 0.03, 0.05}) {
    const std::string out = "killed-" + std::to_string(moment);
    test::run(runs.start(out, kShort), runs.signalled(SIGKILL, moment));
    // Before its configuration is there, there is nothing to resume, and before its manifest nothing that --force would delete.
    if (!fs::exists(runs.scratch.path() / out / "manifest.json")) fs::remove_all(runs.scratch.path() / out);
    const bool begun = fs::exists(runs.scratch.path() / out / "config.json");
    std::vector<std::string> anew = kShort;
    anew.emplace_back("--force");
    const test::Outcome outcome = test::run(begun ? runs.resume(out) : runs.start(out, anew), runs.here());
    REQUIRE_MESSAGE(outcome.exit_code == 0, outcome.err);
    check_same(runs.scratch.path() / out, whole);
  }
}

namespace {

// Changes something in an interrupted run; resuming it must be refused with exit 3 in one line that names what does not fit, and
// the run must be resumable once it is put right.
template <class Change, class Restore>
void check_refused(const Change& change, const Restore& restore, const std::vector<std::string>& names,
                   const std::vector<std::string>& more = {}) {
  const Runs runs;
  REQUIRE(test::run(runs.start("whole", kShort), runs.here()).exit_code == 0);
  REQUIRE(test::run(runs.start("run", kShort), runs.stopping_after(9)).exit_code == 130);
  const auto before = test::tree(runs.scratch.path() / "run");
  change(runs.scratch);
  const auto changed = test::tree(runs.scratch.path() / "run");
  test::Outcome outcome = test::run(runs.resume("run", more), runs.here());
  CHECK_MESSAGE(outcome.exit_code == 3, outcome.err);
  CHECK(outcome.out.empty());
  CHECK_MESSAGE(std::count(outcome.err.begin(), outcome.err.end(), '\n') == 1, outcome.err);
  for (const std::string& name : names)
    CHECK_MESSAGE(outcome.err.find(name) != std::string::npos, name, " is not named in: ", outcome.err);
  CHECK_MESSAGE(test::tree(runs.scratch.path() / "run") == changed, "a refused run was touched: ", outcome.err);
  restore(runs.scratch, before);
  outcome = test::run(runs.resume("run"), runs.here());
  REQUIRE_MESSAGE(outcome.exit_code == 0, outcome.err);
  check_same(runs.scratch.path() / "run", facts(runs.scratch.path() / "whole"));
}

using Tree = std::map<std::string, std::string>;

// A file of the run replaced by these bytes.
void check_file_refused(const std::string& file, const std::function<std::string(const std::string&)>& change,
                        const std::vector<std::string>& names) {
  INFO(file);
  check_refused(
      [&](const test::Scratch& scratch) { scratch.file("run/" + file, change(test::slurp(scratch.path() / "run" / file))); },
      [&](const test::Scratch& scratch, const Tree& before) { scratch.file("run/" + file, before.at(file)); }, names);
}

}  // namespace

TEST_CASE("another program, other data and another configuration are not resumed") {
  check_refused([](const test::Scratch& s) { s.file("m.stan", std::string(kProgram) + "// another\n"); },
                [](const test::Scratch& s, const Tree&) { s.file("m.stan", kProgram); }, {"m.stan", "changed"});
  std::string data;
  check_refused(
      [&](const test::Scratch& s) {
        data = test::slurp(s.path() / "d.json");
        s.file("d.json", data + " ");
      },
      [&](const test::Scratch& s, const Tree&) { s.file("d.json", data); }, {"d.json", "changed"});
  const auto nothing = [](const test::Scratch&) {};
  const auto restore = [](const test::Scratch&, const Tree&) {};
  check_refused(nothing, restore, {"draws"}, {"--draws", "160"});
  check_refused(nothing, restore, {"keep"}, {"--keep", "mu"});
  check_refused(nothing, restore, {"seed"}, {"--seed", "6"});
}

TEST_CASE("a chain file that is truncated, missing rows or another run's, and a broken state, are not resumed") {
  check_file_refused("chains/chain-1.csv", [](const std::string& bytes) { return bytes.substr(0, bytes.size() / 2); },
                     {"chain-1.csv"});
  check_file_refused("chains/chain-1.csv", [](const std::string&) { return std::string(); }, {"chain-1.csv"});
  // Columns of another model, long enough.
  check_file_refused("chains/chain-1.csv",
                     [](const std::string& bytes) {
                       return "lp__,a\n" + std::string(bytes.size() / 4, '1') + ",2\n" + std::string(bytes.size(), '#') + "\n";
                     },
                     {"chain-1.csv"});
  // The second chain's rows in the first one's place.
  check_refused(
      [](const test::Scratch& s) { s.file("run/chains/chain-1.csv", test::slurp(s.path() / "whole/chains/chain-2.csv")); },
      [](const test::Scratch& s, const Tree& before) { s.file("run/chains/chain-1.csv", before.at("chains/chain-1.csv")); },
      {"chain-1.csv"});
  check_file_refused("checkpoint/state.json", [](const std::string&) { return std::string("{}"); }, {});
  check_file_refused("checkpoint/state.json", [](const std::string& bytes) { return bytes.substr(0, bytes.size() / 2); },
                     {"state.json"});
}
