// data inspect, hash and convert on sets with faults: the others are done, the faulty ones listed, and the exit code is 3.
#include "mtl/data_commands.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/files.h"
#include "base/refusal.h"
#include "base/temporary_folder.h"
#include "cli/test_run.h"
#include "data/image.h"
#include "mtl/rooms.h"

using namespace tenfold;
using namespace tenfold::mtl;
using tenfold::test::refusal;
using tenfold::test::says;
namespace fs = std::filesystem;

namespace {

// A run directory in a test's folder.
class Directory final : public cli::RunDirectory {
 public:
  explicit Directory(fs::path path) : path_(std::move(path)) {}
  const fs::path& path() const override { return path_; }
  fs::path claim(std::string_view relative) override {
    fs::create_directories((path_ / relative).parent_path());
    return path_ / relative;
  }
  void write(std::string_view relative, std::string_view bytes) override { write_file_atomic(claim(relative), bytes); }

 private:
  fs::path path_;
};

class DataRun final : public test::TestRun {
 public:
  explicit DataRun(const fs::path& path) : directory_(path) {}
  cli::RunDirectory* directory() override { return &directory_; }

 private:
  Directory directory_;
};

cli::Result invoke(const cli::Subcommand& command, const std::vector<std::pair<std::string, std::vector<std::string>>>& options,
                   cli::Run& run) {
  const auto bound = command.bind();
  for (const auto& [name, typed] : options) {
    cli::OptionSpec* spec = bound->table.find(name);
    REQUIRE(spec != nullptr);
    cli::set_option(*spec, typed, name);
  }
  return bound->invoke(run);
}

std::map<std::string, std::string> tree(const fs::path& root) {
  std::map<std::string, std::string> out;
  for (const auto& entry : fs::recursive_directory_iterator(root))
    if (entry.is_regular_file()) out[entry.path().lexically_relative(root).string()] = read_file(entry.path());
  return out;
}

}  // namespace

TEST_CASE("data inspect of rooms counts what is there") {
  test::TestRun run;
  const cli::Result result = invoke(data_inspect_command("x"), {{"spec", {"rooms:n=5,size=24x32,holes=0.25"}}}, run);
  CHECK(result.exit_code == 0);
  const Json& value = result.value;
  CHECK(value["items"] == 5);
  CHECK(value["images"]["sizes"] == Json::array({{{"channels", 3}, {"height", 24}, {"width", 32}, {"images", 5}}}));
  CHECK(value["images"]["values"]["max"] <= 1.0);
  const double valid = value["tasks"]["depth"]["valid_share"];
  CHECK(valid <= 0.75);
  CHECK(valid > 0.6);
  CHECK(value["tasks"]["seg"]["valid_share"] == 1.0);
  CHECK(value["tasks"]["seg"]["classes"].size() == 13);
  double shares = 0;
  for (const Json& one : value["tasks"]["seg"]["classes"]) shares += one["share"].get<double>();
  CHECK(shares == doctest::Approx(1));
  CHECK(value["tasks"]["normal"]["values"]["min"] >= -1.0);
  CHECK(value["faults"].empty());
}

TEST_CASE("data hash: of rooms both hashes; other images, other hash") {
  test::TestRun run;
  const auto hash = [&](const std::string& spec) { return invoke(data_hash_command("x"), {{"spec", {spec}}}, run).value; };
  const Json one = hash("rooms:n=2,size=16x24,split=train");
  CHECK(one["spec"] == "rooms:n=2,size=16x24,seed=1,split=train,difficulty=1,noise=0,holes=0");
  CHECK(one["rendered_sha256"] == rooms_sha256({.n = 2, .height = 16, .width = 24, .split = "train"}));
  CHECK(hash("rooms:n=2,size=16x24,seed=2,split=train")["rendered_sha256"] != one["rendered_sha256"]);
  CHECK(hash("rooms:n=2,size=16x24,seed=2,split=train")["sha256"] != one["sha256"]);
}

TEST_CASE("render, spoil, inspect, convert") {
  const TemporaryFolder folder;
  DataRun run(folder / "a");
  const cli::Result rendered =
      invoke(data_render_command("x"), {{"spec", {"rooms:n=4,size=16x24,split=train", "rooms:n=3,size=16x24"}}}, run);
  CHECK(rendered.exit_code == 0);
  CHECK(rendered.value["splits"][0]["images"] == 4);
  CHECK(rendered.value["files"] == 7 * 4 + 2);
  DataRun again(folder / "b");
  invoke(data_render_command("x"), {{"spec", {"rooms:n=4,size=16x24,split=train", "rooms:n=3,size=16x24"}}}, again);
  CHECK(tree(folder / "a") == tree(folder / "b"));

  const std::string spec = "folder:" + (folder / "a").string();
  write_file_atomic(folder / "a/test/image/1.png", "no image");
  fs::remove(folder / "a/test/depth/2.npy");
  test::TestRun inspected;
  const cli::Result found = invoke(data_inspect_command("x"), {{"spec", {spec}}}, inspected);
  CHECK(found.exit_code == 3);
  REQUIRE(found.value["faults"].size() == 2);
  CHECK(found.value["faults"][0]["item"] == "1");
  CHECK(says(found.value["faults"][0]["reason"], "test/image/1.png: byte 0: no PNG"));
  CHECK(found.value["faults"][1]["item"] == "2");
  CHECK(says(found.value["faults"][1]["reason"], "test/depth/2.npy"));
  CHECK(found.value["images"]["count"] == 1);
  CHECK(inspected.warnings.size() == 2);

  DataRun converted(folder / "c");
  const cli::Result moved =
      invoke(data_convert_command("x"), {{"spec", {spec, spec + ",split=train"}}, {"layout", {"nyuv2"}}}, converted);
  CHECK(moved.exit_code == 3);
  CHECK(moved.value["splits"][0]["images"] == 1);
  CHECK(moved.value["splits"][0]["faults"].size() == 2);
  test::TestRun last;
  CHECK(invoke(data_inspect_command("x"), {{"spec", {"nyuv2:" + (folder / "c").string()}}}, last).exit_code == 0);

  test::TestRun refused;
  CHECK(says(refusal([&] { invoke(data_render_command("x"), {{"spec", {spec}}}, refused); }, ExitCode::usage),
             "data convert takes the others"));
  CHECK(says(refusal([&] { invoke(data_render_command("x"), {{"spec", {"rooms:n=1", "rooms:n=2"}}}, refused); }, ExitCode::usage),
             "the split test stands twice"));
  CHECK(
      says(refusal([&] { invoke(data_render_command("x"), {{"spec", {"rooms:n=1,split=val"}}, {"layout", {"nyuv2"}}}, refused); },
                   ExitCode::usage),
           "no split val"));
}
