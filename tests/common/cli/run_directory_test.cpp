// The run directory: states survive whole, the log is cut back, nothing outside is touched.
#include "cli/run_directory.h"

#include <doctest/doctest.h>
#include <stdlib.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/error.h"
#include "base/files.h"
#include "cli/state.h"

namespace tenfold::cli {
namespace {

namespace fs = std::filesystem;

struct Folder {
  Folder() {
    std::string name = (fs::temp_directory_path() / "tenfold-run-XXXXXX").string();
    path = mkdtemp(name.data());
  }
  ~Folder() { fs::remove_all(path); }
  fs::path path;
};

const RunIdentity kWalk = {"walk", "go"};

ExitCode refusal(const fs::path& path, Reuse reuse, const RunIdentity& identity = kWalk) {
  try {
    DiskRunDirectory directory(path, identity, reuse);
  } catch (const Error& error) {
    return error.exit_code();
  }
  return ExitCode::ok;
}

TEST_CASE("a directory opened and not begun leaves no trace, nor do the parents made for it") {
  const Folder folder;
  {
    DiskRunDirectory directory(folder.path / "a" / "b", kWalk, Reuse::refuse);
  }
  CHECK(fs::is_empty(folder.path));
}

TEST_CASE("a state is read back as it was saved, and the log is cut back to it") {
  const Folder folder;
  const fs::path path = folder.path / "run";
  const std::string blob("\0\x01\xff", 3);
  {
    DiskRunDirectory directory(path, kWalk, Reuse::refuse);
    directory.set_config("{\"n\": 1}\n");
    directory.append_log("{\"step\":1}");
    directory.save_state({.json = {{"step", 1}}, .blobs = {{"a.bin", "old"}, {"gone.bin", "x"}}});
    directory.append_log("{\"step\":2}");
    directory.save_state({.json = {{"step", 2}, {"x", 0.1}}, .blobs = {{"a.bin", blob}}});
    directory.append_log("{\"step\":3}");
  }
  DiskRunDirectory directory(path, kWalk, Reuse::resume);
  CHECK(directory.recorded_config()["n"] == 1);
  const std::optional<State> state = directory.load_state();
  REQUIRE(state);
  CHECK(state->json == Json{{"step", 2}, {"x", 0.1}});
  CHECK(state->blobs == std::map<std::string, std::string>{{"a.bin", blob}});
  CHECK(read_file(path / "log.jsonl") == "{\"step\":1}\n{\"step\":2}\n");
}

TEST_CASE("a state half written is never the one that is read") {
  const Folder folder;
  const fs::path path = folder.path / "run";
  {
    DiskRunDirectory directory(path, kWalk, Reuse::refuse);
    directory.save_state({.json = {{"step", 1}}, .blobs = {{"a.bin", "one"}}});
  }
  // What a crash while writing the next state leaves: its blob, and state.json still the former.
  fs::create_directories(path / "checkpoint" / "1");
  std::ofstream(path / "checkpoint" / "1" / "a.bin") << "tw";
  DiskRunDirectory directory(path, kWalk, Reuse::resume);
  CHECK(directory.load_state()->blobs.at("a.bin") == "one");
}

TEST_CASE("a state that was changed is refused") {
  const Folder folder;
  const fs::path path = folder.path / "run";
  {
    DiskRunDirectory directory(path, kWalk, Reuse::refuse);
    directory.save_state({.json = {{"step", 1}}, .blobs = {{"a.bin", "one"}}});
  }
  SUBCASE("blob") { std::ofstream(path / "checkpoint" / "0" / "a.bin") << "two"; }
  SUBCASE("state.json cut") { std::ofstream(path / "checkpoint" / "state.json") << "{\"schema\": \"tenfold.st"; }
  SUBCASE("state.json of something else") { std::ofstream(path / "checkpoint" / "state.json") << "[]"; }
  DiskRunDirectory directory(path, kWalk, Reuse::resume);
  try {
    directory.load_state();
    FAIL("read a state that was changed");
  } catch (const Error& error) {
    CHECK(error.exit_code() == ExitCode::input);
  }
}

TEST_CASE("one run at a time, and only of the same subcommand") {
  const Folder folder;
  const fs::path path = folder.path / "run";
  CHECK(refusal(path, Reuse::resume) == ExitCode::input);
  CHECK(!fs::exists(path));
  {
    DiskRunDirectory directory(path, kWalk, Reuse::refuse);
    CHECK(refusal(path, Reuse::refuse) == ExitCode::usage);
    directory.begin();
  }
  CHECK(refusal(path, Reuse::refuse) == ExitCode::usage);
  CHECK(refusal(path, Reuse::resume, {"walk", "stop"}) == ExitCode::input);
  CHECK(refusal(path, Reuse::resume) == ExitCode::ok);
  CHECK(refusal(path, Reuse::force) == ExitCode::ok);
  std::ofstream(folder.path / "file") << "x";
  CHECK(refusal(folder.path / "file", Reuse::refuse) == ExitCode::usage);
}

TEST_CASE("a hostile manifest deletes nothing outside the directory") {
  const Folder folder;
  const fs::path path = folder.path / "run";
  std::ofstream(folder.path / "precious") << "x";
  fs::create_directory(folder.path / "elsewhere");
  std::ofstream(folder.path / "elsewhere" / "file") << "x";
  fs::create_directory(path);
  fs::create_directory_symlink(folder.path / "elsewhere", path / "charts");
  std::ofstream(path / "manifest.json")
      << R"({"schema": "tenfold.run/1", "tool": "walk", "subcommand": "go", "finished": true, "exit_code": 0,
      "files": ["../precious", "charts/file", "/etc/hostname", "a/../../precious", ".", 7]})";
  {
    DiskRunDirectory directory(path, kWalk, Reuse::force);
    directory.begin();
  }
  CHECK(fs::exists(folder.path / "precious"));
  CHECK(fs::exists(folder.path / "elsewhere" / "file"));
}

TEST_CASE("abandoning removes what the run wrote and keeps what it found") {
  const Folder folder;
  DiskRunDirectory made(folder.path / "new", kWalk, Reuse::refuse);
  made.write("charts/a.json", "{}");
  made.abandon();
  CHECK(!fs::exists(folder.path / "new"));
  CHECK_THROWS_AS(made.claim("../outside"), Error);
}

TEST_CASE("what a process killed in the middle of a write left is cleared away by the run that goes on, and nothing else is") {
  const Folder folder;
  const fs::path run = folder.path / "run";
  const auto put = [](const fs::path& path) { write_file_atomic(path, "half"); };
  fs::create_directory(run);
  put(run / "manifest.json.tmp-12-0");
  {
    DiskRunDirectory directory(run, kWalk, Reuse::refuse);  // killed before it wrote anything
    directory.write("charts/a.json", "{}");
    directory.save_state({.json = {{"step", 1}}, .blobs = {{"a.bin", "one"}}});
  }
  put(run / "charts/a.json.tmp-12-3");
  put(run / "checkpoint/0/a.bin.tmp-12-4");
  put(run / "mine.tmp-1-2");
  {
    DiskRunDirectory directory(run, kWalk, Reuse::resume);
    directory.finish(0);
  }
  CHECK(!fs::exists(run / "manifest.json.tmp-12-0"));
  CHECK(!fs::exists(run / "charts/a.json.tmp-12-3"));
  CHECK(!fs::exists(run / "checkpoint"));
  CHECK(fs::exists(run / "mine.tmp-1-2"));
}

TEST_CASE("a finished run has no state left, and says how it ended") {
  const Folder folder;
  {
    DiskRunDirectory directory(folder.path / "run", kWalk, Reuse::refuse);
    directory.save_state({.json = {{"step", 1}}, .blobs = {{"a.bin", "one"}}});
    directory.finish(1);
  }
  CHECK(!fs::exists(folder.path / "run" / "checkpoint"));
  CHECK(DiskRunDirectory(folder.path / "run", kWalk, Reuse::resume).finished() == 1);
}

TEST_CASE("a finished run that was killed while it tidied up is tidied up later") {
  const Folder folder;
  const fs::path run = folder.path / "run";
  {
    DiskRunDirectory directory(run, kWalk, Reuse::refuse);
    directory.save_state({.json = {{"step", 1}}, .blobs = {{"a.bin", "one"}}});
    fs::copy(run / "checkpoint", folder.path / "before", fs::copy_options::recursive);
    directory.finish(0);
  }
  fs::copy(folder.path / "before", run / "checkpoint", fs::copy_options::recursive);
  write_file_atomic(run / "manifest.json.tmp-12-9", "half");
  Json manifest = Json::parse(read_file(run / "manifest.json"));
  manifest["files"].push_back("checkpoint/state.json");
  manifest["files"].push_back("checkpoint/0/a.bin");
  write_file_atomic(run / "manifest.json", manifest.dump());
  DiskRunDirectory directory(run, kWalk, Reuse::resume);
  directory.finish(*directory.finished());
  CHECK(!fs::exists(run / "checkpoint"));
  CHECK(!fs::exists(run / "manifest.json.tmp-12-9"));
  CHECK(Json::parse(read_file(run / "manifest.json"))["finished"] == true);
}

TEST_CASE("log lines of several threads stay whole") {
  const Folder folder;
  DiskRunDirectory directory(folder.path / "run", kWalk, Reuse::refuse);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&directory, t] {
      for (int i = 0; i < 200; ++i) directory.append_log("{\"thread\":" + std::to_string(t) + "}");
    });
  for (std::thread& thread : threads) thread.join();
  std::ifstream lines(folder.path / "run" / "log.jsonl");
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) CHECK(Json::parse(line, nullptr, false).is_object());
  CHECK(count == 800);
}

}  // namespace
}  // namespace tenfold::cli
