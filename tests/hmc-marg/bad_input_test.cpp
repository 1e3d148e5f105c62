// What the binary does with bad input: the exit code, one line that says where and what, nothing on standard output, nothing left
// behind.
#include <doctest/doctest.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hmc-marg/sampling_support.h"

using namespace tenfold;
using namespace tenfold::hmc_marg;
namespace fs = std::filesystem;

namespace {

// The line after "error: " holds all of these.
struct BadInput {
  std::string program, data;
  int exit_code;
  std::vector<std::string> says;
  std::vector<std::string> options = {};
};

void check_one_line(const test::Outcome& outcome, int exit_code, const std::vector<std::string>& says) {
  CHECK_MESSAGE(outcome.exit_code == exit_code, outcome.err, " signal ", outcome.signal);
  CHECK(outcome.out.empty());
  CHECK_MESSAGE(outcome.err.starts_with("hmc-marg: error: "), outcome.err);
  CHECK_MESSAGE(std::count(outcome.err.begin(), outcome.err.end(), '\n') == 1, outcome.err);
  CHECK_MESSAGE(outcome.err.size() < 500, outcome.err);
  for (const std::string& text : says)
    CHECK_MESSAGE(outcome.err.find(text) != std::string::npos, text, " is missing in: ", outcome.err);
}

class Place {
 public:
  test::Outcome run(const std::vector<std::string>& arguments, const std::string& input = "") const {
    return test::run(testing::command(arguments), {.directory = scratch.path().string(), .variables = {}, .input = input});
  }
  // sample m.stan --data d.json -o out and more; nothing may be left.
  void check(const BadInput& bad) const {
    INFO(bad.program, " ", bad.data);
    scratch.file("m.stan", bad.program);
    scratch.file("d.json", bad.data);
    std::vector<std::string> arguments = {"sample", "m.stan", "--data", "d.json", "-o", "out", "-q"};
    arguments.insert(arguments.end(), bad.options.begin(), bad.options.end());
    check_one_line(run(arguments), bad.exit_code, bad.says);
    CHECK_MESSAGE(!fs::exists(scratch.path() / "out"), "left its run directory behind");
    fs::remove_all(scratch.path() / "out");
  }
  void check_options(const std::vector<std::string>& options, int exit_code, const std::vector<std::string>& says) const {
    std::vector<std::string> arguments = {"sample", "-o", "out", "-q"};
    arguments.insert(arguments.end(), options.begin(), options.end());
    INFO(options.front());
    check_one_line(run(arguments), exit_code, says);
    CHECK_MESSAGE(!fs::exists(scratch.path() / "out"), "left its run directory behind");
    fs::remove_all(scratch.path() / "out");
  }

  test::Scratch scratch;
};

std::string model(const std::string& statement) {
  return "parameters {\n  real x;\n}\nmodel {\n  x ~ normal(0, 1);\n  " + statement + "\n}\n";
}
std::string with_data(const std::string& declarations) {
  return "data {\n  " + declarations + "\n}\nparameters {\n  real x;\n}\nmodel {\n  x ~ normal(0, 1);\n}\n";
}
std::string repeated(const std::string& text, int n) {
  std::string out;
  for (int i = 0; i < n; ++i) out += text;
  return out;
}

}  // namespace

TEST_CASE("errors of syntax, names, types and unsupported constructs stand at line and column") {
  const Place place;
  const std::vector<BadInput> rows = {
      {"parameters {\n  real x\n}\nmodel {}\n", "{}", 3, {"m.stan:2:9", "`;`"}},
      {model("y ~ normal(0, 1);"), "{}", 3, {"m.stan:6:3", "y"}},
      {model("target += nomal_lpdf(x | 0, 1);"), "{}", 3, {"m.stan:6:13", "normal_lpdf"}},
      {model("x ~ norml(0, 1);"), "{}", 3, {"m.stan:6:", "normal"}},
      {model("x ~ normal(0, 1, 2);"), "{}", 3, {"m.stan:6:"}},
      {model("int n = 1.5;"), "{}", 3, {"m.stan:6:"}},
      {model("vector[2] v = 3;"), "{}", 3, {"m.stan:6:"}},
      {"parameters {\n  unit_vector[3] x;\n}\nmodel {}\n", "{}", 3, {"m.stan:2:3", "unit_vector"}},
      {"parameters {\n  complex x;\n}\nmodel {}\n", "{}", 3, {"m.stan:2:3", "complex"}},
      {"#include other.stan\nparameters {\n  real x;\n}\nmodel {}\n", "{}", 3, {"m.stan:1:1", "#include"}},
      {model("target += reduce_sum(f, {1}, 1, x);"), "{}", 3, {"m.stan:6:13", "reduce_sum"}},
      {"parameters {\n  int n;\n}\nmodel {}\n", "{}", 3, {"m.stan:2:7", "int"}},
      {model("real r = normal_rng(0, 1);"), "{}", 3, {"m.stan:6:12", "normal_rng"}},
      {"", "{}", 3, {"m.stan"}},
      {"\n\n", "{}", 3, {"m.stan"}},
      {std::string("parameters { real x; }\nmodel { \0 }\n", 35), "{}", 3, {"m.stan:2:9"}},
      {"parameters { real x; }\nmodel { x ~ normal(0, \xff\xfe); }\n", "{}", 3, {"m.stan:2:"}},
      {model("target += " + repeated("(", 100000) + "x" + repeated(")", 100000) + ";"), "{}", 3, {"m.stan:6:"}},
      {model(repeated("{", 100000) + repeated("}", 100000)), "{}", 3, {"m.stan:6:"}},
      {model("target += " + repeated("-", 100000) + "x;"), "{}", 3, {"m.stan:6:"}},
      {model("int n = 99999999999;"), "{}", 3, {"m.stan:6:11"}},
      {model("x ~ normal(0, 1e999);"), "{}", 3, {"m.stan:6:"}},
  };
  for (const BadInput& row : rows) place.check(row);
}

TEST_CASE("data that do not fit their declaration are named with its line and what was found") {
  const Place place;
  const std::vector<BadInput> rows = {
      {with_data("int N;"), "{}", 3, {"N", "m.stan:2"}},
      {with_data("int N;"), R"({"n": 3})", 3, {"N", "m.stan:2"}},
      {with_data("int N;"), R"({"N": 1.5})", 3, {"d.json:1:7", "N", "m.stan:2"}},
      {with_data("int N;"), R"({"N": 3000000000})", 3, {"d.json:1:7", "N"}},
      {with_data("int N;"), R"({"N": 123456789012345678901234567890})", 3, {"d.json:1:7", "N"}},
      {with_data("int N;"), R"({"N": "three"})", 3, {"d.json:1:7", "N"}},
      {with_data("int N;"), R"({"N": [3]})", 3, {"d.json:1:7", "N"}},
      {with_data("int<lower=0> N;"), R"({"N": -1})", 3, {"N", "m.stan:2", "-1"}},
      {with_data("vector[2] y;"), R"({"y": [1, 2, 3]})", 3, {"d.json:1:7", "y", "3"}},
      {with_data("vector[2] y;"), R"({"y": [1, null]})", 3, {"d.json:1:", "y"}},
      {with_data("vector<lower=0>[2] y;"), R"({"y": [1, NaN]})", 3, {"y"}},
      {with_data("matrix[2, 2] y;"), R"({"y": [[1, 2], [3]]})", 3, {"d.json:1:", "y"}},
      {with_data("simplex[2] y;"), R"({"y": [0.5, 0.6]})", 3, {"y"}},
      {with_data("int N; vector[N] y;"), R"({"N": -2, "y": []})", 3, {"m.stan:2:", "-2"}},
      {with_data("int N; vector[N] y;"), R"({"N": 2147483647, "y": []})", 3, {"y"}},
      {with_data("int N;"), "", 3, {"d.json"}},
      {with_data("int N;"), "{\"N\": 3", 3, {"d.json:1:8"}},
      {with_data("int N;"), "[3]", 3, {"d.json:1:1"}},
      {with_data("int N;"), "{\"N\": 3, \"N\": 4}", 3, {"d.json:1:10", "N"}},
      {with_data("int N;"), "\x7f\x45\x4c\x46\x02\x01\x01", 3, {"d.json:1:1"}},
      {with_data("int N;"), "{\"N\": " + repeated("[", 100000) + repeated("]", 100000) + "}", 3, {"d.json:1:"}},
  };
  for (const BadInput& row : rows) place.check(row);
}

TEST_CASE("what fails while a program is executed with its data stands at line and column with the values") {
  const Place place;
  const std::vector<BadInput> rows = {
      {model("vector[3] v = rep_vector(1, 3); target += v[4] * x;"), "{}", 3, {"m.stan:6:", "4", "3"}},
      {model("vector[3] v = rep_vector(x, 2);"), "{}", 3, {"m.stan:6:", "3", "2"}},
      {model("target += dot_product(rep_vector(x, 2), rep_vector(1, 3));"), "{}", 3, {"m.stan:6:", "2", "3"}},
      {model("vector[-1] v;"), "{}", 3, {"m.stan:6:", "-1"}},
      {model("int n = 2147483647; n += 1;"), "{}", 3, {"m.stan:6:"}},
      {model("int n = 1 %/% 0;"), "{}", 3, {"m.stan:6:"}},
      {model("-1 ~ lognormal(x, 1);"), "{}", 3, {"m.stan:6:", "lognormal", "-1"}},
      {"functions {\n  real f(real a) {\n    return f(a);\n  }\n}\n" + model("target += f(x);"), "{}", 3, {"m.stan:"}},
      {model("if (x > 0) target += x;"), "{}", 3, {"m.stan:6:"}},
      {model("while (x > 0) target += x;"), "{}", 3, {"m.stan:6:"}},
      {model("target += floor(x);"), "{}", 3, {"m.stan:6:", "the argument of floor"}},
      {"data {\n  vector[2] y;\n}\ntransformed data {\n  if (y[1] > 0) reject(\"y is \", y[1]);\n}\n" + model(""),
       R"({"y": [1, 2]})",
       3,
       {"m.stan:5:", "y is 1"}},
  };
  for (const BadInput& row : rows) place.check(row);
}

TEST_CASE("what cannot be sampled ends with exit 4 and the reason") {
  const Place place;
  const std::string schools = test::slurp(fs::path(TENFOLD_SOURCE_DIR) / "sample_data/hmc-marg/schools.stan");
  const std::string data = test::slurp(fs::path(TENFOLD_SOURCE_DIR) / "sample_data/hmc-marg/schools.json");
  place.check({schools, data, 4, {"--marginalize", "`tau`", "line 9", "bounds"}, {"--marginalize", "tau"}});
  place.check({schools, data, 2, {"thta", "theta"}, {"--marginalize", "thta"}});
  place.check({schools, data, 2, {"tua", "tau"}, {"--keep", "tua"}});
  place.check({"parameters {\n  real<lower=0> s;\n}\nmodel {\n  target += negative_infinity() * s;\n}\n", "{}", 4, {"m.stan:5"}});
  place.check({model("target += bernoulli_lpmf(1 | 0 * x);"), "{}", 4, {"m.stan:6", "--init"}, {"--marginalize", "none"}});
  // Nothing fixes b: its conditional has no precision.
  place.check(
      {"parameters {\n  real a;\n  real b;\n}\nmodel {\n  a ~ normal(0, 1);\n  3 ~ normal(a, 1);\n  2 ~ normal(b * 0, 1);\n}\n",
       "{}",
       4,
       {"b"},
       {"--marginalize", "a,b"}});
}

TEST_CASE("options out of range or of no sense are one line and exit 2") {
  const Place place;
  place.check_options({"--chains", "0"}, 2, {"--chains", "0", "between 1 and 1000"});
  place.check_options({"--chains", "99999999999999999999"}, 2, {"--chains"});
  place.check_options({"--draws", "-5"}, 2, {"--draws", "-5"});
  place.check_options({"--draws", "ten"}, 2, {"--draws", "ten"});
  place.check_options({"--thin", "0"}, 2, {"--thin"});
  place.check_options({"--delta", "1"}, 2, {"--delta", "below 1"});
  place.check_options({"--delta", "nan"}, 2, {"--delta"});
  place.check_options({"--step-size", "0"}, 2, {"--step-size"});
  place.check_options({"--step-size", "inf"}, 2, {"--step-size"});
  place.check_options({"--max-depth", "21"}, 2, {"--max-depth"});
  place.check_options({"--metric", "dens"}, 2, {"dens", "dense"});
  place.check_options({"--init", "-1"}, 2, {"--init", "-1"});
  place.check_options({"--threads", "0"}, 2, {"--threads"});
  place.check_options({"--drwas", "5"}, 2, {"--drwas", "--draws"});
  place.check_options({"--data", "x.json"}, 2, {"--data"});
  check_one_line(place.run({"sampel"}), 2, {"sampel", "sample"});
  check_one_line(place.run({"sample", "-", "--data", "-", "-o", "out"}, "x"), 2, {"standard input"});
  check_one_line(place.run({"sample", "embedded:nothing", "-o", "out", "-q"}), 2, {"nothing", "eight-schools"});
  check_one_line(place.run({"summary"}), 2, {"FILES"});
  CHECK(!fs::exists(place.scratch.path() / "out"));
}

TEST_CASE("files of initial values and metrics are read strictly") {
  const Place place;
  const auto init = [&](const std::string& bytes, const std::vector<std::string>& says) {
    INFO(bytes);
    place.scratch.file("i.json", bytes);
    place.check_options({"--init", "i.json"}, 3, says);
  };
  init("", {"i.json"});
  init("{", {"i.json:1:2"});
  init("{}", {"i.json", "tau"});
  init(R"({"tau": -1})", {"i.json", "tau"});
  init(R"({"tau": [1]})", {"i.json:1:9", "tau"});
  init(R"({"tau": "one"})", {"i.json:1:9", "tau"});
  init(R"({"tau": 1, "theta": [1, 2]})", {"i.json:1:21", "theta"});
  place.check_options({"--init", "missing.json"}, 3, {"missing.json"});
  place.check_options({"--init", "."}, 3, {"."});
  const auto metric = [&](const std::string& bytes, const std::vector<std::string>& says, const std::string& kind = "diag") {
    INFO(bytes);
    place.scratch.file("w.json", bytes);
    place.check_options({"--init-metric", "w.json", "--metric", kind}, 3, says);
  };
  metric("", {"w.json"});
  metric("[1]", {"w.json:1:1", "inv_metric"});
  metric("{\"inv_metric\": 1}", {"w.json", "inv_metric"});
  metric("{\"inv_metric\": [1, 2]}", {"w.json:1:16", "2", "1"});
  metric("{\"inv_metric\": [\"x\"]}", {"w.json:1:17"});
  metric("{\"inv_metric\": [0]}", {"w.json:1:16", "positive"});
  metric("{\"inv_metric\": [NaN]}", {"w.json:1:16", "finite"});
  metric("{\"inv_metric\": [1], \"step_size\": -1}", {"w.json", "step_size"});
  metric("{\"inv_metric\": [1], \"step_size\": \"big\"}", {"w.json:1:34"});
  metric("{\"inv_metric\": [1]}", {"w.json:1:17"}, "dense");
  metric("{\"inv_metric\": [[-1]]}", {"w.json:1:16", "positive definite"}, "dense");
  place.scratch.file("w.json", "{\"inv_metric\": [1]}");
  place.check_options({"--init-metric", "w.json", "--metric", "unit"}, 2, {"--init-metric", "unit"});
}

TEST_CASE("files and folders that cannot be read or written are named") {
  const Place place;
  const fs::path root = place.scratch.path();
  fs::create_directory(root / "folder");
  check_one_line(place.run({"sample", "missing.stan", "-o", "out", "-q"}), 3, {"missing.stan"});
  check_one_line(place.run({"sample", "folder", "-o", "out", "-q"}), 3, {"folder"});
  check_one_line(place.run({"summary", "missing.csv", "-q"}), 3, {"missing.csv"});
  check_one_line(place.run({"summary", "folder", "-q"}), 3, {"folder"});
  place.scratch.file("empty.csv", "");
  check_one_line(place.run({"summary", "empty.csv", "-q"}), 3, {"empty.csv"});
  place.scratch.file("text.csv", "lp__,a\n1,two\n");
  check_one_line(place.run({"summary", "text.csv", "-q"}), 3, {"text.csv:2"});
  place.scratch.file("short.csv", "lp__,a\n1,2\n1\n");
  check_one_line(place.run({"summary", "short.csv", "-q"}), 3, {"short.csv:3"});
  place.scratch.file("a.csv", "lp__,a\n1,2\n");
  place.scratch.file("b.csv", "lp__,b\n1,2\n");
  check_one_line(place.run({"summary", "a.csv", "b.csv", "-q"}), 3, {"b.csv", "a.csv"});
  place.scratch.file("header.csv", "lp__,a\n");
  check_one_line(place.run({"summary", "header.csv", "-q"}), 3, {"header.csv"});
  // A folder in which nothing can be made: a file stands in its place.
  place.scratch.file("blocked", "");
  check_one_line(place.run({"sample", "-o", "blocked/run", "-q"}), 5, {"blocked/run"});
  check_one_line(place.run({"sample", "-o", "blocked", "-q"}), 2, {"blocked"});
  CHECK(!fs::exists(root / "out"));
}

TEST_CASE("a full disk is the machine's failure, and a device is not replaced by a file") {
  if (!fs::exists("/dev/full")) {
    MESSAGE("skipped: no /dev/full");
    return;
  }
  const Place place;
  const test::Outcome appended = place.run({"explain", "--append", "/dev/full", "-q", "--format", "json"});
  CHECK_MESSAGE(appended.exit_code == 5, appended.err);
  // A pipe stands for the device: what would replace it would replace /dev/full.
  const fs::path pipe = place.scratch.path() / "pipe";
  REQUIRE(mkfifo(pipe.c_str(), 0600) == 0);
  const int reader = open(pipe.c_str(), O_RDONLY | O_NONBLOCK);
  CHECK(place.run({"graph", "-o", "pipe", "-q"}).exit_code == 0);
  close(reader);
  REQUIRE(fs::is_fifo(pipe));
  check_one_line(place.run({"graph", "-o", "/dev/full", "-q"}), 5, {"/dev/full"});
  CHECK(appended.err.find("/dev/full") != std::string::npos);
  CHECK(std::count(appended.err.begin(), appended.err.end(), '\n') == 1);
}

TEST_CASE("a run that finds no more room leaves nothing behind") {
  const Place place;
  // A limit on the size of files, in blocks: in the middle of the chains, and at the report.
  for (const char* limit : {"20", "400"}) {
    std::string line = std::string("trap '' XFSZ; ulimit -f ") + limit + "; exec '" + testing::command({})[0] +
                       "' sample -o out -q --format json";
    const test::Outcome outcome =
        test::run({"sh", "-c", line}, {.directory = place.scratch.path().string(), .variables = {}, .input = ""});
    check_one_line(outcome, 5, {"out/", "cannot be written"});
    CHECK(!fs::exists(place.scratch.path() / "out"));
  }
}
