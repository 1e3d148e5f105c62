// `run` and `audit` on the binary: images and numbers depend on nothing but images, options and seed, and what was changed
// afterwards is found.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>

#include "base/files.h"
#include "data/image.h"
#include "mtl-attack/small_model.h"
#include "report/report.h"

using namespace tenfold;
using namespace tenfold::mtl_attack::testing;
using test::Scratch;
namespace fs = std::filesystem;

namespace {

const std::vector<std::string> kRun = {"--data",   "rooms:n=4,size=24x32",
                                       "--rule",   "gb,total,worst",
                                       "--attack", "fgsm,pgd",
                                       "--steps",  "3",
                                       "--eps",    "3,8",
                                       "--format", "json"};

std::vector<std::string> run_words(const std::string& model, const std::string& out, const std::vector<std::string>& more = {}) {
  std::vector<std::string> words = {"run", model};
  words.insert(words.end(), kRun.begin(), kRun.end());
  words.insert(words.end(), {"-o", out});
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

// Every image file below the run, by its name.
std::map<std::string, std::string> images_of(const fs::path& folder) {
  std::map<std::string, std::string> files;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(folder)) {
    const std::string name = fs::relative(entry.path(), folder).generic_string();
    if (entry.is_regular_file() && (name.starts_with("adv/") || name.starts_with("clean/")))
      files[name] = read_file(entry.path());
  }
  return files;
}

Json without_times(Json value) {
  if (value.is_object()) {
    for (const char* key : {"cpu_s", "images_per_s"}) value.erase(key);
    for (auto& [key, member] : value.items()) member = without_times(member);
  } else if (value.is_array()) {
    for (Json& member : value) member = without_times(member);
  }
  return value;
}

Json result_in(const fs::path& folder) { return without_times(Json::parse(read_file(folder / "result.json"))["result"]); }

struct Audited {
  int exit_code = 0;
  std::set<std::string> failing;  // names of checks
  std::string all;
};

// The tolerance leaves room for a last bit of a float32 loss, which was once seen to differ from process to process: of losses
// near 0.03 that is 2e-6 of relative change.
Audited audit(const Scratch& scratch, const std::string& folder, const std::string& sample = "0") {
  const test::Outcome outcome = attack(scratch, {"audit", folder, "--sample", sample, "--tolerance", "1e-5", "--format", "json"});
  REQUIRE_MESSAGE((outcome.exit_code == 0 || outcome.exit_code == 1), outcome.err);
  Audited out{outcome.exit_code, {}, outcome.out};
  const Json checks = Json::parse(outcome.out)["result"]["checks"];
  for (const Json& check : checks)
    if (!check["holds"].get<bool>()) out.failing.insert(check["name"].get<std::string>().substr(0, 24));
  return out;
}

void replace_in(const fs::path& file, const std::string& what, const std::string& with) {
  std::string text = read_file(file);
  const std::size_t at = text.find(what);
  REQUIRE(at != std::string::npos);
  std::ofstream(file, std::ios::binary) << text.replace(at, what.size(), with);
}

// Every number, word and null of a result becomes another one; `places` are their names as audit writes them. Times stay.
void change_leaves(Json& value, const std::string& where, std::vector<std::string>& places) {
  if (value.is_object()) {
    for (auto& [key, member] : value.items())
      if (!key.ends_with("_s")) change_leaves(member, where.empty() ? key : where + "." + key, places);
    return;
  }
  if (value.is_array()) {
    for (std::size_t k = 0; k < value.size(); ++k) change_leaves(value[k], where + "[" + std::to_string(k) + "]", places);
    return;
  }
  value = value.is_string()   ? Json(value.get<std::string>() + "x")
          : value.is_number() ? Json(value.get<double>() + 0.01)
                              : Json(5);
  places.push_back(where);
}

void change_pixel(const fs::path& file, int by) {
  const data::PngImage image = data::read_png(file);
  std::vector<std::uint8_t> values(image.values.begin(), image.values.end());
  values[100] = static_cast<std::uint8_t>(values[100] > 127 ? values[100] - by : values[100] + by);
  std::ofstream(file, std::ios::binary) << data::png_bytes(values, image.width, image.height, image.channels);
}

}  // namespace

TEST_CASE("threads, interruption and resumption change no byte of any image, and no number") {
  const Scratch scratch;
  const std::string model = write_small_model(scratch);
  result_of(attack(scratch, run_words(model, "one", {"--threads", "1"})));
  result_of(attack(scratch, run_words(model, "three", {"--threads", "3"})));
  const std::map<std::string, std::string> images = images_of(scratch.path() / "one");
  CHECK(images.size() == 4 + 3 * 2 * 2 * 4);
  CHECK(images_of(scratch.path() / "three") == images);
  CHECK(result_in(scratch.path() / "three") == result_in(scratch.path() / "one"));
  // Within the clean pass, within a cell, at the end of one.
  for (const std::string stop : {"2", "7", "20"}) {
    const std::string out = "stopped-" + stop;
    CHECK(attack(scratch, run_words(model, out), {{"TENFOLD_STOP_AFTER", stop}}).exit_code == 130);
    // A torn last line, and a later image that is there without its line, count for nothing.
    std::ofstream(scratch.path() / out / "log.jsonl", std::ios::app) << "{\"cell\": \"gb-pg";
    result_of(attack(scratch, {"run", "--resume", "-o", out, "--format", "json"}));
    CHECK(images_of(scratch.path() / out) == images);
    CHECK(result_in(scratch.path() / out) == result_in(scratch.path() / "one"));
  }
  const test::Outcome other = attack(scratch, {"run", "--resume", "-o", "stopped-2", "--steps", "4"});
  CHECK_MESSAGE(other.exit_code == 3, other.err);
}

TEST_CASE("a batch gives what single images give, up to its kernels' rounding; a limit changes no denominator") {
  const Scratch scratch;
  const std::string model = write_small_model(scratch);
  result_of(attack(scratch, run_words(model, "alone")));
  result_of(attack(scratch, run_words(model, "batch", {"--batch", "3"})));
  const std::map<std::string, std::string> a = images_of(scratch.path() / "alone"), b = images_of(scratch.path() / "batch");
  std::size_t values = 0, equal = 0;
  for (const auto& [name, bytes] : a) {
    const data::PngImage x = data::parse_png(bytes, name), y = data::parse_png(b.at(name), name);
    for (std::size_t j = 0; j < x.values.size(); ++j) equal += x.values[j] == y.values[j] ? 1 : 0;
    values += x.values.size();
  }
  CHECK(static_cast<double>(equal) >= 0.999 * static_cast<double>(values));
  const Json limited = result_of(attack(scratch, run_words(model, "limited", {"--limit", "2"})));
  CHECK(limited["clean"]["loss"] == result_in(scratch.path() / "alone")["clean"]["loss"]);
  CHECK(limited["cells"][0]["n"] == 2);
  for (const auto& [name, bytes] : images_of(scratch.path() / "limited")) CHECK_MESSAGE(a.at(name) == bytes, name);
}

TEST_CASE("budgets hold in the files, 0 is the identity, and J is that of the file") {
  const Scratch scratch;
  const std::string model = write_small_model(scratch);
  const Json result =
      result_of(attack(scratch, {"run", model, "--data", "rooms:n=2,size=24x32", "--rule", "gb", "--attack", "apgd", "--steps",
                                 "4", "--eps", "0,1,8", "--restarts", "2", "-o", "run", "--format", "json"}));
  CHECK(result["cells"][0]["J_mean"] == 0);
  CHECK(result["cells"][0]["linf_max_levels"] == 0);
  CHECK(result["cells"][0]["ssim_mean"].get<double>() == doctest::Approx(1));
  CHECK(result["cells"][1]["linf_max_levels"] == 1);
  CHECK(result["cells"][2]["linf_max_levels"] == 8);
  CHECK(result["cells"][2]["J_mean"].get<double>() > result["cells"][1]["J_mean"].get<double>());
  CHECK(result["cells"][2]["forward_passes"] == 2 * 5);
  const std::map<std::string, std::string> images = images_of(scratch.path() / "run");
  for (const char* id : {"0", "1"})
    CHECK(images.at("adv/gb-apgd-0/" + std::string(id) + ".png") == images.at("clean/" + std::string(id) + ".png"));
}

TEST_CASE("audit holds on an untouched run, of 8 bits and of floats, and attacks again to the same bytes") {
  const Scratch scratch;
  const std::string model = write_small_model(scratch);
  for (const std::string kind : {"", "--float", "--integer", "--random-start"}) {
    std::vector<std::string> more = {"--force"};
    if (!kind.empty()) more.push_back(kind);
    if (kind == "--float") more.insert(more.end(), {"--eps", "0.4/255"});
    const test::Outcome outcome = attack(scratch, run_words(model, "run", more));
    const Json result = result_of(outcome);
    if (kind == "--float") {
      const Json& cell = result["cells"][2];
      CHECK(cell["eps_levels"].get<double>() == doctest::Approx(0.4));
      CHECK(cell["J_mean"].get<double>() > 0);
      CHECK(cell["J_8bit"] == 0);
      CHECK(cell["J_mean"] == cell["J_before_png"]);
    }
    const Audited audited = audit(scratch, "run", "2");
    CHECK_MESSAGE(audited.exit_code == 0, kind << audited.all);
    CHECK(Json::parse(audited.all)["result"]["steps"].size() >= 6);
  }
}

TEST_CASE("--float: a budget between grey levels passes its own audit, and the SSIM is that of the npy") {
  const Scratch scratch;
  const std::string model = write_small_model(scratch);
  for (const std::string eps : {"0.5/255", "2.5/255", "0.03"}) {
    const Json result =
        result_of(attack(scratch, {"run", model, "--data", "rooms:n=2,size=24x32", "--rule", "gb", "--attack", "fgsm,pgd,apgd",
                                   "--steps", "3", "--eps", eps, "--float", "-o", "run", "--force", "--format", "json"}));
    const Audited audited = audit(scratch, "run", "2");
    CHECK_MESSAGE(audited.exit_code == 0, eps << audited.all);
    CHECK(result["cells"][0]["ssim_mean"].get<double>() < 0.99995);
  }
  // A value that moved within the budget by less than half a grey level is still another image.
  const fs::path file = scratch.path() / "run/adv/gb-pgd-7.65/0.npy";
  REQUIRE(fs::exists(file));
  std::string bytes = read_file(file);
  bytes[bytes.size() - 400 * 4] = static_cast<char>(bytes[bytes.size() - 400 * 4] ^ 1);
  std::ofstream(file, std::ios::binary) << bytes;
  CHECK(audit(scratch, "run", "2").failing.contains("attacked again, the samp"));
}

TEST_CASE("audit finds a tampered pixel, number and file, each by name") {
  const Scratch scratch;
  const std::string model = write_small_model(scratch);
  result_of(attack(scratch, run_words(model, "run")));
  const fs::path run = scratch.path() / "run";
  const auto restored = [&](const std::string& name) {
    fs::remove_all(scratch.path() / name);
    fs::copy(run, scratch.path() / name, fs::copy_options::recursive);
    return scratch.path() / name;
  };
  const fs::path pixel = restored("pixel");
  change_pixel(pixel / "adv/gb-pgd-8/1.png", 60);
  Audited found = audit(scratch, "pixel");
  CHECK(found.exit_code == 1);
  CHECK(found.failing.contains("every adversarial image "));
  CHECK(found.all.find("gb-pgd-8/1.png: value") != std::string::npos);

  // Within the budget, but no longer what the numbers were counted on.
  change_pixel(restored("small") / "adv/gb-pgd-8/1.png", 1);
  found = audit(scratch, "small", "4");
  CHECK(found.exit_code == 1);
  CHECK(found.failing.contains("attacked again, the samp"));
  CHECK(found.failing.contains("J, losses and sizes in l"));

  change_pixel(restored("clean") / "clean/2.png", 1);
  CHECK(audit(scratch, "clean").failing == std::set<std::string>{"the clean images are the"});

  const Json result = Json::parse(read_file(run / "result.json"))["result"];
  const std::string mean = "\"J_mean\": " + result["cells"][3]["J_mean"].dump();
  const fs::path number = restored("number");
  replace_in(number / "result.json", mean, "\"J_mean\": 9.75");
  found = audit(scratch, "number");
  CHECK(found.failing == std::set<std::string>{"result.json is what the "});
  CHECK(found.all.find("cells[3].J_mean is 9.75") != std::string::npos);

  const fs::path log = restored("log");
  replace_in(log / "log.jsonl", "\"J_dataset\":", "\"J_dataset\":1");
  CHECK(audit(scratch, "log").failing.contains("J, losses and sizes in l"));

  fs::remove(restored("gone") / "adv/worst-pgd-3/0.png");
  CHECK(audit(scratch, "gone").failing.contains("every image that the log"));

  const fs::path more = restored("more");
  fs::copy(more / "adv/worst-pgd-3/0.png", more / "adv/worst-pgd-3/77.png");
  CHECK(audit(scratch, "more").failing == std::set<std::string>{"every image that the log"});

  // Another network under the same name.
  mtl::Model other = mtl::build({.arch = "rooms-net", .layout = "shared", .widths = {}}, mtl::rooms_tasks(), 4);
  other.tasks = mtl::rooms_tasks();
  mtl::write_mtg(scratch.path() / "other", other);
  const test::Outcome outcome =
      attack(scratch, {"audit", "run", "--sample", "0", "--model", "other.mtg.json", "--format", "json"});
  CHECK(outcome.exit_code == 1);
  CHECK(outcome.out.find("weights_sha256: the run says") != std::string::npos);
}

TEST_CASE("audit finds every number and word of the result that is not what it was, and those of the log") {
  const Scratch scratch;
  const std::string model = write_small_model(scratch);
  result_of(attack(scratch, {"run", model, "--data", "rooms:n=2,size=24x32", "--rule", "total,gb", "--attack", "fgsm", "--eps",
                             "8", "-o", "run", "--format", "json"}));
  const fs::path file = scratch.path() / "run/result.json";
  const std::string whole = read_file(file);
  Json envelope = Json::parse(whole);
  std::vector<std::string> places;
  change_leaves(envelope["result"], "", places);
  CHECK(places.size() > 100);
  std::ofstream(file, std::ios::binary) << envelope.dump();
  const Audited found = audit(scratch, "run");
  CHECK(found.failing.contains("result.json is what the "));
  for (const std::string& place : places)
    CHECK_MESSAGE(found.all.find("result.json: " + place + " is ") != std::string::npos, place);
  std::ofstream(file, std::ios::binary) << whole;
  REQUIRE(audit(scratch, "run", "2").failing.empty());

  const fs::path log = scratch.path() / "run/log.jsonl";
  const std::string lines = read_file(log);
  const std::size_t clean = lines.find("\"cell\":\"clean\"");
  REQUIRE(clean != std::string::npos);
  // The clean pass's loss of a task; J_before_png and the passes of an image that is attacked again.
  replace_in(log, "\"seg\":", "\"seg\":1");
  CHECK(audit(scratch, "run", "2").failing == std::set<std::string>{"J, losses and sizes in l"});
  for (const std::string& key : {"\"J_before_png\":", "\"backward_passes\":"}) {
    std::ofstream(log, std::ios::binary) << lines;
    replace_in(log, key, key + "1");
    CHECK(audit(scratch, "run", "2").failing.contains("attacked again, the samp"));
  }
}

TEST_CASE("the sentence of a protecting rule is about the tasks that it attacks, and says what the others did") {
  const Scratch scratch;
  const std::string model = write_small_model(scratch);
  const auto sentence = [&](const std::string& rule, const std::string& limit) {
    const test::Outcome outcome =
        attack(scratch, {"run", model, "--data", "rooms:n=3,size=24x32", "--rule", rule, "--attack", "pgd", "--steps", "2",
                         "--eps", "8", "--limit", limit, "-o", "run", "--force", "--format", "human"});
    REQUIRE_MESSAGE(outcome.exit_code == 0, outcome.err);
    return outcome.out.substr(outcome.out.find("Changing no pixel"));
  };
  const auto change = [&](const std::string& task) {
    return result_in(scratch.path() / "run")["cells"][0]["tasks"][task]["rel_change_mean"].get<double>();
  };
  const auto by = [](double value) { return " by " + std::string(value > 0 ? "+" : "") + report::number_text(value, 3); };
  std::string said = sentence("protect:depth", "3");
  CAPTURE(said);
  CHECK(said.find("the losses of seg and normal by " + report::number_text(std::abs(change("seg") + change("normal")) / 2, 3) +
                  " times") != std::string::npos);
  CHECK(said.find("what it protects changed: depth" + by(change("depth")) + ".") != std::string::npos);
  CHECK(said.find("over 3 images (95 % interval ") != std::string::npos);
  said = sentence("single:seg", "3");
  CHECK(said.find("the loss of seg by " + report::number_text(std::abs(change("seg")), 3) + " times its clean value") !=
        std::string::npos);
  CHECK(said.find("the others changed: depth" + by(change("depth")) + " and normal" + by(change("normal"))) != std::string::npos);
  said = sentence("gb", "1");
  CHECK(said.find("the tasks' losses by ") != std::string::npos);
  CHECK(said.find(" times their clean value on one image.") != std::string::npos);
}

TEST_CASE("inspect: gb's image keeps every byte when a task's loss is multiplied by 2^10 or 2^-10, total's does not") {
  const Scratch scratch;
  const Json result = result_of(attack(
      scratch, {"inspect", write_small_model(scratch), "--data", "rooms:n=1,size=24x32", "--scale-check", "--format", "json"}));
  REQUIRE(result["scale_check"].size() == 6);
  std::int64_t changed = 0;
  for (const Json& row : result["scale_check"]) {
    CHECK(row["gb_changed"] == 0);
    changed += row["total_changed"].get<std::int64_t>();
  }
  CHECK(changed > 1000);
  double shares = 0;
  for (const Json& task : result["tasks"]) shares += task["total_share"].get<double>();
  CHECK(shares == doctest::Approx(1));
  CHECK(result["cosine"]["seg"]["seg"].get<double>() == doctest::Approx(1));
  CHECK(result["cosine"]["seg"]["depth"].get<double>() == doctest::Approx(result["cosine"]["depth"]["seg"].get<double>()));
}

TEST_CASE("transfer: a network to itself is the attack itself") {
  const Scratch scratch;
  const std::string model = write_small_model(scratch);
  const Json run = result_of(attack(scratch, run_words(model, "run")));
  const Json transfer = result_of(attack(scratch, {"transfer", model, model, "--data", "rooms:n=4,size=24x32", "--attack", "pgd",
                                                   "--steps", "3", "--eps", "8", "-o", "transfer", "--format", "json"}));
  REQUIRE(transfer["matrix"].size() == 4);
  for (const Json& entry : transfer["matrix"])
    CHECK(entry["J_mean"].get<double>() == doctest::Approx(run["cells"][3]["J_mean"].get<double>()).epsilon(1e-9));
  CHECK(run["cells"][3]["rule"] == "gb");
  const Json& S = transfer["within"][0]["S"];
  double own = 0, across = 0;
  for (const char* a : {"seg", "depth", "normal"})
    for (const char* b : {"seg", "depth", "normal"}) (std::string(a) == b ? own : across) += S[a][b].get<double>();
  CHECK(transfer["within"][0]["transferability"].get<double>() == doctest::Approx(across / 6 / (own / 3)));
}
