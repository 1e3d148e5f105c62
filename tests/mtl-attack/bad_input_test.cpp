// Bad input on the binary: the exit code, and a line that says what is wrong.
#include <doctest/doctest.h>

#include "base/files.h"
#include "mtl-attack/small_model.h"

using namespace tenfold;
using namespace tenfold::mtl_attack::testing;
using test::Scratch;

namespace {

const std::string kParity = TENFOLD_SOURCE_DIR "/tests/parity/mtl-attack/";

void check(const Scratch& scratch, const std::vector<std::string>& words, int exit_code, const std::string& said) {
  const test::Outcome outcome = attack(scratch, words);
  CHECK_MESSAGE(outcome.exit_code == exit_code, outcome.err);
  CHECK_MESSAGE(outcome.err.find(said) != std::string::npos, "wanted \"" << said << "\", it said: " << outcome.err);
  CHECK(outcome.err.find("terminate") == std::string::npos);
}

std::vector<std::string> with(const std::string& model, std::vector<std::string> more) {
  std::vector<std::string> words = {"run", model, "--data", "rooms:n=1,size=24x32", "-o", "out"};
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

}  // namespace

TEST_CASE("what is typed wrong is exit 2, with the range or the nearest name") {
  const Scratch scratch;
  const std::string model = write_small_model(scratch);
  check(scratch, with(model, {"--eps", "-1"}), 2, "from 0 to 255 grey levels");
  check(scratch, with(model, {"--eps", "256"}), 2, "from 0 to 255 grey levels");
  check(scratch, with(model, {"--eps", "0.5/255"}), 2, "--float");
  check(scratch, with(model, {"--steps", "0"}), 2, "--steps");
  check(scratch, with(model, {"--rule", "gradnrom"}), 2, "gradnorm");
  check(scratch, with(model, {"--rule", "single:dept"}), 2, "depth");
  check(scratch, with(model, {"--rule", "protect:seg+depth+normal"}), 2, "attacks none");
  check(scratch, with(model, {"--rule", "protect:"}), 2, "protects no task");
  check(scratch, with(model, {"--rule", "worst", "--attack", "mim"}), 2, "not with mim");
  check(scratch, with(model, {"--attack", "pdg"}), 2, "pgd");
  check(scratch, with(model, {"--float", "--integer"}), 2, "give one");
  check(scratch, with(model, {"--batch", "0"}), 2, "--batch");
  check(scratch, with(model, {"--device", "cuda"}), 2, "CPU");
  check(scratch, {"run", model, "--data", "romos:n=2"}, 2, "rooms");
  mtl::TaskFile one = mtl::rooms_tasks();
  one.tasks.resize(1);
  const std::string single = write_small_model(scratch, one, "single");
  check(scratch, with(single, {"--rule", "worst"}), 2, "two tasks");
  CHECK(!std::filesystem::exists(scratch.path() / "out"));
}

TEST_CASE("tasks.json that is wrong is exit 2 with its line") {
  const Scratch scratch;
  scratch.file("twice.json",
               "{\"tasks\": [\n {\"name\": \"seg\", \"output\": \"0\", \"type\": \"segmentation\", \"classes\": 5},\n"
               " {\"name\": \"seg\", \"output\": \"1\", \"type\": \"depth\"}]}");
  check(scratch, with(kParity + "trio.pt", {"--tasks", "twice.json"}), 2, "twice.json:3:");
  scratch.file(
      "loss.json",
      "{\"tasks\": [\n {\"name\": \"seg\", \"output\": \"0\", \"type\": \"segmentation\", \"classes\": 5, \"loss\": \"cee\"}]}");
  check(scratch, with(kParity + "trio.pt", {"--tasks", "loss.json"}), 2, "loss.json:2:");
}

TEST_CASE("a model that cannot be used is exit 3 and says why") {
  const Scratch scratch;
  const std::string tasks = scratch.file("tasks.json",
                                         "{\"tasks\": [{\"name\": \"seg\", \"output\": \"seg\", \"type\": \"segmentation\", "
                                         "\"classes\": 13}]}");
  check(scratch, with("missing.mtg.json", {}), 3, "missing.mtg.json");
  check(scratch, with("missing.pt", {"--tasks", tasks}), 3, "missing.pt");
  const std::string whole = read_file(kParity + "trio.pt");
  scratch.file("torn.pt", whole.substr(0, whole.size() / 2));
  check(scratch, with("torn.pt", {"--tasks", tasks}), 3, "torn.pt");
  scratch.file("noise.pt", std::string(2000, 'x'));
  check(scratch, with("noise.pt", {"--tasks", tasks}), 3, "noise.pt");
  check(scratch, with(kParity + "trio.pt", {}), 2, "--tasks");
  // Five channels where thirteen classes are said; an output that is not there; one that no gradient leaves.
  check(scratch, with(kParity + "trio.pt", {"--tasks", tasks}), 3, "expected");
  const std::string edge =
      scratch.file("edge.json", "{\"tasks\": [{\"name\": \"edge\", \"output\": \"edge\", \"type\": \"edge\"}]}");
  check(scratch, with(kParity + "trio.pt", {"--tasks", edge}), 3, "edge");
  check(scratch, with(kParity + "cut.pt", {"--tasks", kParity + "cut.tasks.json"}), 3, "task depth: no gradient");
}

TEST_CASE("a data set without an image that can be used is exit 3") {
  const Scratch scratch;
  scratch.file("d/dataset.json", "{\"splits\": {\"test\": [{\"id\": \"a\", \"image\": \"a.png\", \"seg\": 1}]}}");
  const std::string model = write_small_model(scratch);
  const test::Outcome outcome = attack(scratch, {"run", model, "--data", "folder:d", "-o", "out"});
  CHECK_MESSAGE(outcome.exit_code == 3, outcome.err);
}

TEST_CASE("an item whose file is missing or torn is listed, the others are attacked, and the end is 3") {
  const Scratch scratch;
  const std::string model = write_small_model(scratch);
  REQUIRE(attack(scratch, {"data", "render", "rooms:n=4,size=24x32", "-o", "set"}).exit_code == 0);
  const Json set = Json::parse(read_file(scratch.path() / "set/dataset.json"));
  const Json& items = set["splits"]["test"];
  const std::string missing = items[1]["seg"].get<std::string>(), torn = items[2]["depth"].get<std::string>();
  std::filesystem::remove(scratch.path() / "set" / missing);
  std::filesystem::resize_file(scratch.path() / "set" / torn, 100);
  const std::vector<std::string> words = {"--data", "folder:set", "--rule", "gb,total", "--attack", "fgsm", "--format", "json"};
  for (const std::string command : {"run", "transfer"}) {
    std::vector<std::string> all = {command, model, "-o", command};
    all.insert(all.end(), words.begin(), words.end());
    if (command == "transfer") all[7] = "gb";
    const test::Outcome outcome = attack(scratch, all);
    REQUIRE_MESSAGE(outcome.exit_code == 3, outcome.err);
    const Json result = Json::parse(read_file(scratch.path() / command / "result.json"))["result"];
    REQUIRE(result["faults"].size() == 2);
    CHECK(result["faults"][0]["item"] == items[1]["id"]);
    CHECK(result["faults"][0]["reason"].get<std::string>().find(missing) != std::string::npos);
    CHECK(result["faults"][1]["item"] == items[2]["id"]);
    CHECK(result["faults"][1]["reason"].get<std::string>().find(torn) != std::string::npos);
    CHECK((command == "run" ? result["cells"][0]["n"] : result["n"]) == 2);
  }
  CHECK(attack(scratch, {"audit", "run"}).exit_code == 0);
  // Its hash says the same.
  const test::Outcome hash = attack(scratch, {"data", "hash", "folder:set", "--tasks", "set/tasks.json"});
  CHECK(hash.exit_code == 3);
  CHECK(hash.err.find(missing) != std::string::npos);
  // A file that comes back is another set.
  scratch.file("set/" + missing, read_file(scratch.path() / "set" / items[0]["seg"].get<std::string>()));
  CHECK(attack(scratch, {"audit", "run"}).exit_code == 1);
}

TEST_CASE("audit: of what is no run, and of a run that kept no images") {
  const Scratch scratch;
  check(scratch, {"audit", "nothing"}, 3, "nothing");
  check(scratch, {"audit"}, 2, "mtl-attack audit");
  const std::string model = write_small_model(scratch);
  CHECK(attack(scratch, with(model, {"--attack", "fgsm", "--save-adv", "none"})).exit_code == 0);
  CHECK(!std::filesystem::exists(scratch.path() / "out" / "adv"));
  check(scratch, {"audit", "out"}, 2, "--save-adv none");
}
