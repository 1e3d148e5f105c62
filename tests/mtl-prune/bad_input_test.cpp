// What mtl-prune is told wrongly, on the binary: the exit code, what the one line says, and that nothing is left behind.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/files.h"
#include "cli/process.h"
#include "cli/scratch.h"

using namespace tenfold;
using test::Scratch;
namespace fs = std::filesystem;

namespace {

bool has_torch() {
  const bool there = fs::exists(TENFOLD_BUILD_DIR "/lib/tenfold/mtl-prune-torch.so");
  if (!there) MESSAGE("skipped: needs the LibTorch part");
  return there;
}

const std::string kSource = TENFOLD_SOURCE_DIR;
const std::string kScripts = kSource + "/tests/parity/mtl/torchscript/";

test::Outcome prune(std::vector<std::string> words, const Scratch& scratch) {
  words.insert(words.begin(), TENFOLD_BUILD_DIR "/bin/mtl-prune");
  words.insert(words.end(), {"-q", "--format", "json"});
  return test::run(words, {.directory = scratch.path().string(), .variables = {}, .input = ""});
}

void refused(const test::Outcome& outcome, int code, const std::vector<std::string>& messages) {
  CHECK_MESSAGE(outcome.exit_code == code, outcome.err);
  CHECK(outcome.out.empty());
  CHECK(std::count(outcome.err.begin(), outcome.err.end(), '\n') == 1);
  for (const std::string& message : messages)
    CHECK_MESSAGE(outcome.err.find(message) != std::string::npos, message << " in " << outcome.err);
}

// conv a (3 -> 4) read by conv x; `last` stands between, `tasks` is what the file says of its outputs.
void write_model(const Scratch& scratch, const std::string& name, const std::string& op, const std::string& attributes,
                 const std::string& tasks) {
  const std::string graph = R"({"mtg":1,)" + (tasks.empty() ? "" : "\"tasks\":{\"tasks\":" + tasks + "},") + R"("nodes":[
{"id":"a","op":"conv2d","in":["image"],"param":{"weight":"a.weight"}},
{"id":"b","op":")" + op + R"(","in":["a"],"attr":{)" +
                            attributes + R"(},"source":"net.py:7"},
{"id":"x","op":"conv2d","in":["b"],"param":{"weight":"x.weight"}},
{"id":"y","op":"conv2d","in":["b"],"param":{"weight":"x.weight"}}],"outputs":{"seg":"x","depth":"y"}})";
  write_file_atomic(scratch.path() / (name + ".mtg.json"), graph);
  // Safetensors by hand: 12 + 8 floats of 0.5.
  std::string header = R"({"a.weight":{"dtype":"F32","shape":[4,3,1,1],"data_offsets":[0,48]},)"
                       R"("x.weight":{"dtype":"F32","shape":[2,4,1,1],"data_offsets":[48,80]}})";
  header.resize((header.size() + 7) / 8 * 8, ' ');
  std::string bytes;
  for (int i = 0; i < 8; ++i) bytes += static_cast<char>(i < 2 ? header.size() >> (8 * i) & 255 : 0);
  bytes += header;
  const float half = 0.5F;
  for (int i = 0; i < 20; ++i) bytes.append(reinterpret_cast<const char*>(&half), 4);
  write_file_atomic(scratch.path() / (name + ".safetensors"), bytes);
}

const char* const kTwoTasks =
    R"([{"name":"seg","output":"seg","type":"segmentation","classes":2},{"name":"more","output":"depth","type":"segmentation","classes":2}])";

}  // namespace

TEST_CASE("usage: one task for cosprune, unknown names with the nearest, ranges") {
  if (!has_torch()) return;
  const Scratch scratch;
  write_model(scratch, "net", "relu", "", kTwoTasks);
  write_file_atomic(scratch.path() / "one.json", R"({"tasks":[{"name":"depth","output":"depth","type":"depth"}]})");
  refused(prune({"prune", "embedded:rooms_shared", "--tasks", "one.json", "--data", "rooms:n=8,size=32x32", "--scope", "all"},
                scratch),
          2, {"cosprune", "taylor"});
  refused(prune({"prune", "embedded:rooms_shared", "--tasks", "one.json", "--criterion", "l1", "--target", "units=3"}, scratch),
          4, {"--scope all"});
  refused(prune({"prune", "--criterion", "tailor"}, scratch), 2, {"--criterion tailor", "did you mean taylor"});
  refused(prune({"prune", "--target", "macs=1.5"}, scratch), 2, {"(0, 1]"});
  refused(prune({"prune", "--target", "flops=0.5"}, scratch), 2, {"params=V, macs=V, units=N"});
  refused(prune({"prune", "--scope", "regex:["}, scratch), 2, {"regular expression"});
  refused(prune({"prune", "--size", "96"}, scratch), 2, {"96x128"});
  refused(prune({"prune", "--export", "onnx"}, scratch), 2, {"torchscript, safetensors"});
  refused(prune({"prune", "net.mtg.json", "--criterion", "bn", "--target", "units=2"}, scratch), 2, {"no norm"});
  refused(prune({"prune", "net.mtg.json", "--criterion", "taylor"}, scratch), 2, {"--data SPEC"});
  refused(prune({"inspect", "--arch", "rooms-nett"}, scratch), 2, {"did you mean rooms-net"});
  refused(prune({"verify"}, scratch), 2, {"mtl-prune verify"});
  refused(prune({"inspect", "--device", "cuda"}, scratch), 2, {"--device cuda", "runs on the CPU"});
  refused(prune({"latency", "net.mtg.json", "--batch", "0"}, scratch), 2, {"--batch 0"});
}

TEST_CASE("models that are none: missing, truncated, a pickle, an unknown operation") {
  if (!has_torch()) return;
  const Scratch scratch;
  refused(prune({"inspect", "none.mtg.json"}, scratch), 3, {"none.mtg.json"});
  refused(prune({"inspect", "none.pt"}, scratch), 3, {"none.pt"});
  const std::string whole = read_file(kScripts + "dict_script.pt");
  write_file_atomic(scratch.path() / "half.pt", whole.substr(0, whole.size() / 2));
  refused(prune({"inspect", "half.pt"}, scratch), 3, {"half.pt"});
  write_model(scratch, "net", "swish", "", kTwoTasks);
  refused(prune({"inspect", "net.mtg.json"}, scratch), 3, {"net.mtg.json:3", "swish", "b"});
  write_file_atomic(scratch.path() / "net.safetensors", "short");
  write_model(scratch, "other", "relu", "", kTwoTasks);
  write_file_atomic(scratch.path() / "other.safetensors", "short");
  refused(prune({"inspect", "other.mtg.json"}, scratch), 3, {"other.safetensors"});
}

TEST_CASE("outputs that tasks do not fit: expected and found") {
  if (!has_torch()) return;
  const Scratch scratch;
  write_model(scratch, "net", "relu", "", kTwoTasks);
  const auto with = [&](const std::string& tasks) {
    write_file_atomic(scratch.path() / "tasks.json", "{\"tasks\":[" + tasks + "]}");
    return prune({"inspect", "net.mtg.json", "--tasks", "tasks.json"}, scratch);
  };
  refused(with(R"({"name":"seg","output":"segm","type":"segmentation","classes":2})"), 3, {"no output segm", "seg, depth"});
  refused(with(R"({"name":"seg","output":"seg","type":"segmentation","classes":5})"), 3,
          {"expected [N, 5, h, w]", "found [N, 2"});
  refused(with(R"({"name":"seg","output":"seg","type":"segmentatoin","classes":2})"), 2,
          {"tasks.json:1", "did you mean segmentation"});
}

TEST_CASE("infeasible: all units locked, a target below the floors") {
  if (!has_torch()) return;
  const Scratch scratch;
  write_model(scratch, "soft", "softmax", "\"dim\":1", kTwoTasks);
  refused(prune({"prune", "soft.mtg.json", "--criterion", "l1"}, scratch), 4,
          {"out of reach", "softmax over the channels", "net.py:7"});
  write_model(scratch, "net", "relu", "", kTwoTasks);
  refused(prune({"prune", "net.mtg.json", "--criterion", "l1", "--target", "macs=0.1", "--floor", "2"}, scratch), 4,
          {"the least is 0.5", "--floor 2"});
  CHECK_FALSE(fs::exists(scratch.path() / "mtl-prune-run"));  // nothing was written
}

TEST_CASE("a plan of other weights is refused with both hashes; a run that was changed is seen") {
  if (!has_torch()) return;
  const Scratch scratch;
  write_model(scratch, "net", "relu", "", kTwoTasks);
  const std::string plan = kSource + "/sample_data/mtl/rooms_half/plan.json";
  const std::string made_for = nlohmann::json::parse(read_file(plan))["source_weights_sha256"];
  refused(prune({"apply", plan, "net.mtg.json", "-o", "out"}, scratch), 3, {"plan: made for weights " + made_for, "these are"});
  refused(prune({"apply", "none.json", "-o", "out"}, scratch), 3, {"none.json"});
  write_file_atomic(scratch.path() / "bad.json", "{\"plan\":1,\n\"sets\":7}");
  refused(prune({"apply", "bad.json", "-o", "out"}, scratch), 3, {"bad.json:"});
  CHECK_FALSE(fs::exists(scratch.path() / "out"));
  refused(prune({"verify", "nowhere"}, scratch), 3, {"nowhere"});

  REQUIRE(prune({"prune", "net.mtg.json", "--criterion", "l1", "--floor", "1", "--latency-runs", "0", "-o", "out"}, scratch)
              .exit_code == 0);
  CHECK(prune({"verify", "out"}, scratch).exit_code == 0);
  refused(prune({"prune", "net.mtg.json", "--criterion", "l1", "-o", "out"}, scratch), 2, {"out"});
  std::string weights = read_file(scratch.path() / "out" / "pruned.safetensors");
  weights.back() = static_cast<char>(weights.back() ^ 1);
  write_file_atomic(scratch.path() / "out" / "pruned.safetensors", weights);
  const test::Outcome changed = prune({"verify", "out"}, scratch);
  CHECK(changed.exit_code == 1);
  CHECK(nlohmann::json::parse(changed.out)["result"]["failed"].get<int>() >= 2);
}

// Each number by itself, so that no check stands in for another.
TEST_CASE("verify sees every number of a result that can be recounted when it is changed") {
  if (!has_torch()) return;
  const Scratch scratch;
  const test::Outcome pruned = prune({"prune", "--data", "rooms:n=4,size=32x32", "--criterion", "l1", "--target", "units=200",
                                      "--test-images", "2", "--latency-runs", "5", "--export", "safetensors", "-o", "out"},
                                     scratch);
  REQUIRE_MESSAGE(pruned.exit_code == 0, pruned.err);
  const fs::path file = scratch.path() / "out" / "result.json";
  const nlohmann::ordered_json whole = nlohmann::ordered_json::parse(read_file(file));
  const test::Outcome untouched = prune({"verify", "out"}, scratch);
  REQUIRE_MESSAGE(untouched.exit_code == 0, untouched.out);
  const auto changed = [&](const std::string& pointer, const nlohmann::ordered_json& value) {
    nlohmann::ordered_json other = whole;
    nlohmann::ordered_json& place = other["result"].at(nlohmann::ordered_json::json_pointer(pointer));
    REQUIRE(place != value);
    place = value;
    write_file_atomic(file, other.dump());
    const test::Outcome outcome = prune({"verify", "out"}, scratch);
    CHECK_MESSAGE(outcome.exit_code == 1, pointer);
  };
  for (const std::string when : {"before", "after"})
    for (const char* key :
         {"/params", "/macs", "/params_by_head/seg", "/macs_by_head/trunk", "/weight_bytes", "/peak_activation_bytes"})
      changed("/model/" + when + key, 12345);
  changed("/reached", 0.5);
  changed("/units/before", 305);
  changed("/units/removed", 3);
  changed("/sets/0/kept", 2);
  changed("/criterion", "taylor");
  changed("/certificate/max_abs", 1);
  changed("/certificate/tolerance", 1);
  changed("/certificate/tolerance_float64", 1e-3);
  changed("/certificate/n", 800);
  changed("/certificate/sizes/0/0", 64);
  changed("/certificate/holds", false);
  changed("/data/train/sha256", "0");
  changed("/data/test/sha256", "0");
  changed("/latency/ratio", 9);
  changed("/latency/verdict", "9 times faster");
  // What cannot be measured again is not claimed to be: the manual lists it.
  nlohmann::ordered_json measured = whole;
  measured["result"]["tasks"]["seg"]["metrics_after"]["miou"] = 0.99;
  write_file_atomic(file, measured.dump());
  CHECK(prune({"verify", "out"}, scratch).exit_code == 0);
}

TEST_CASE("a module scripted in Python comes back as what it was") {
  if (!has_torch()) return;
  const Scratch scratch;
  for (const char* kind : {"dict_script", "tuple_trace"}) {
    const std::string model = kScripts + kind + ".pt";
    if (!fs::exists(model)) continue;
    const std::string out = std::string("out-") + kind;
    const test::Outcome pruned = prune({"prune", model, "--criterion", "l1", "--target", "params=0.8", "--floor", "1", "--scope",
                                        "all", "--size", "32x32", "--latency-runs", "0", "-o", out},
                                       scratch);
    REQUIRE_MESSAGE(pruned.exit_code == 0, pruned.err);
    CHECK(nlohmann::json::parse(pruned.out)["result"]["certificate"]["holds"] == true);
    const test::Outcome verified = prune({"verify", out}, scratch);
    CHECK_MESSAGE(verified.exit_code == 0, verified.out);
    CHECK(verified.out.find("TorchScript = safetensors") != std::string::npos);
  }
}
