#include "gnnbench/worker_link.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "base/error.h"
#include "base/temporary_folder.h"
#include "gnnbench/recording_run.h"

using namespace tenfold;
using namespace tenfold::gnnbench;
using gnnbench::testing::RecordingRun;
namespace fs = std::filesystem;

namespace {

class MemoryFolder final : public cli::RunDirectory {
 public:
  const fs::path& path() const override { return path_; }
  fs::path claim(std::string_view relative) override {
    claimed.emplace_back(relative);
    return path_ / relative;
  }
  void write(std::string_view relative, std::string_view bytes) override {
    if (relative == "full") machine_error("no space left");
    files[std::string(relative)] = bytes;
  }
  std::vector<std::string> claimed;
  std::map<std::string, std::string> files;

 private:
  fs::path path_ = "/run";
};

Json job() {
  return {{"job", "x"}, {"directory", "/run"}, {"seed", 9}, {"threads", 3}, {"verbose", true}, {"config", {{"a", 1}}}};
}

// Serves `run` at the launcher's end of the pipes until the worker has closed its own.
void serve_all(const fs::path& folder, cli::Run& run, std::optional<Json>& result) {
  const int calls = open((folder / "calls").c_str(), O_RDONLY), answers = open((folder / "answers").c_str(), O_WRONLY);
  std::string unread;
  std::array<char, 7> buffer{};  // frames come in pieces
  for (ssize_t n = 0; (n = read(calls, buffer.data(), buffer.size())) > 0;) {
    unread.append(buffer.data(), static_cast<std::size_t>(n));
    for (const Frame& frame : take_frames(unread)) {
      const std::string answer = serve(frame, run, result);
      CHECK(write(answers, answer.data(), answer.size()) == static_cast<ssize_t>(answer.size()));
    }
  }
  close(calls);
  close(answers);
}

const std::string kBytes("bytes\0\n{\"do\"", 12);

}  // namespace

TEST_CASE("frames come out whole wherever the stream is cut") {
  const std::string stream = encode({{"do", "a"}}, kBytes) + encode({{"do", "b"}}, "") + encode({{"do", "c"}}, "x");
  for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
    std::string buffer = stream.substr(0, cut);
    std::vector<Frame> frames = take_frames(buffer);
    buffer += stream.substr(cut);
    for (Frame& frame : take_frames(buffer)) frames.push_back(std::move(frame));
    REQUIRE(frames.size() == 3);
    CHECK(frames[0].bytes == kBytes);
    CHECK(frames[1].head["do"] == "b");
    CHECK(frames[2].bytes == "x");
    CHECK(buffer.empty());
  }
  std::string nonsense(64, '\xff');
  CHECK_THROWS_AS(take_frames(nonsense), Error);
}

TEST_CASE("what rank 0 tells its run reaches the launcher's, and answers and errors come back") {
  const TemporaryFolder folder;
  REQUIRE(mkfifo((folder / "calls").c_str(), 0600) == 0);
  REQUIRE(mkfifo((folder / "answers").c_str(), 0600) == 0);
  RecordingRun launcher;
  MemoryFolder files;
  launcher.folder = &files;
  std::optional<Json> result;
  std::thread server([&] { serve_all(folder.path(), launcher, result); });
  {
    WorkerRun run(folder.path(), job(), 0);
    run.step({"training", 3, 10, "it", "note"});
    run.log({{"loss", 0.25}});
    run.warn("a warning");
    run.note("a note");
    run.save({.json = {{"update", 7}}, .blobs = {{"one", kBytes}, {"two", ""}}});
    CHECK(run.directory()->claim("curve.csv") == fs::path("/run/curve.csv"));
    run.directory()->write("best/model", kBytes);
    try {
      run.directory()->write("full", "x");
      FAIL("written");
    } catch (const Error& error) {
      CHECK(error.exit_code() == ExitCode::machine);
      CHECK(error.message() == "no space left");
    }
    run.directory()->write("after", "y");
    run.result({{"answer", 42}});
    CHECK(run.seed() == 9);
    CHECK(run.threads() == 3);
    CHECK(run.verbose());
    CHECK(run.config()["a"] == 1);
  }
  server.join();
  CHECK(launcher.steps == 1);
  CHECK(launcher.logged.at(0)["loss"] == 0.25);
  CHECK(launcher.warnings == std::vector<std::string>{"a warning"});
  CHECK(launcher.notes == std::vector<std::string>{"a note"});
  REQUIRE(launcher.state.has_value());
  CHECK(launcher.state->json["update"] == 7);
  CHECK(launcher.state->blobs == std::map<std::string, std::string>{{"one", kBytes}, {"two", ""}});
  CHECK(files.claimed == std::vector<std::string>{"curve.csv"});
  CHECK(files.files == std::map<std::string, std::string>{{"best/model", kBytes}, {"after", "y"}});
  CHECK((*result)["answer"] == 42);
}

TEST_CASE("other ranks keep quiet, have no directory, and read the state to go on from") {
  const TemporaryFolder folder;
  WorkerRun run(folder.path(), job(), 1);
  run.step({"training", 3, 10, "it", ""});
  run.save({.json = {{"update", 7}}, .blobs = {}});
  run.note("nobody hears it");
  CHECK(run.directory() == nullptr);
  CHECK_FALSE(run.resume_from().has_value());
  write_state(folder / "resume", {.json = {{"update", 7}}, .blobs = {{"model", kBytes}}});
  CHECK(run.resume_from()->json["update"] == 7);
  CHECK(run.resume_from()->blobs.at("model") == kBytes);
}
