// Real worker processes under mpirun: the exchange of random messages, and every way in which workers can end.
#include "gnnbench/launcher.h"

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/process.h"
#include "base/process_state.h"
#include "base/stop.h"
#include "gnnbench/recording_run.h"
#include "gnnbench/transport_inproc.h"
#include "gnnbench/worker_jobs.h"

using namespace tenfold;
using namespace tenfold::gnnbench;
using gnnbench::testing::RecordingRun;
namespace fs = std::filesystem;

namespace {

const fs::path kProgram = fs::path(TENFOLD_BUILD_DIR) / "bin" / "gnnbench";

// What every test below needs; says what is missing.
bool can_launch() {
  const fs::path module = fs::path(TENFOLD_BUILD_DIR) / "lib" / "tenfold" / "gnnbench-torch.so";
  const bool there = fs::exists(kProgram) && fs::exists(module) && !find_program("mpirun").empty();
  if (!there) MESSAGE("skipped: needs gnnbench with its torch part, and mpirun");
  return there;
}

Json exchange(std::uint32_t rounds) {
  return {{"job", "exchange"}, {"rounds", rounds}, {"largest_bytes", 5000}, {"chunk_bytes", 1000}};
}
constexpr std::uint32_t kForEver = 1'000'000'000;

LaunchOptions workers(int count, double timeout_s = 60) {
  return {.workers = count, .timeout_s = timeout_s, .program = kProgram};
}

std::vector<pid_t> pids_of(const std::string& note) {
  std::istringstream words(note);
  std::string word;
  words >> word;
  std::vector<pid_t> pids;
  for (pid_t pid = 0; words >> pid;) pids.push_back(pid);
  return pids;
}

struct Ended {
  ExitCode code = ExitCode::ok;
  std::string message;
};
template <class Body>
Ended error_of(const Body& body) {
  try {
    body();
  } catch (const Error& error) {
    return {error.exit_code(), error.message()};
  }
  return {};
}

}  // namespace

TEST_CASE("processes receive what threads receive, message for message, in pieces") {
  if (!can_launch()) return;
  for (const int count : {2, 3}) {
    CAPTURE(count);
    RecordingRun run;
    const Json answer = launch_workers(exchange(20), workers(count), run);
    Json job = exchange(20), expected;
    job["seed"] = 1;
    run_inproc(count, [&](Transport& transport) {
      RecordingRun quiet;
      const Json mine = exchange_job(job, transport, quiet);
      if (transport.rank() == 0) expected = mine;
    });
    CHECK(answer == expected);
    CHECK(run.steps == 20);
    REQUIRE(run.notes.size() == 1);
    CHECK(pids_of(run.notes[0]).size() == static_cast<std::size_t>(count));
    CHECK(all_end(pids_of(run.notes[0])));
  }
}

TEST_CASE("a worker that is killed ends the run, named with its signal, and no process is left") {
  if (!can_launch()) return;
  for (const std::size_t victim : {0u, 1u, 2u}) {
    CAPTURE(victim);
    RecordingRun run;
    std::vector<pid_t> pids;
    run.on_note = [&](const std::string& note) {
      if (pids.empty()) pids = pids_of(note);
    };
    run.on_step = [&](const Progress& progress) {
      if (progress.done == 5) kill(pids.at(victim), SIGKILL);
    };
    const Ended ended = error_of([&] { launch_workers(exchange(kForEver), workers(3), run); });
    CHECK(ended.code == ExitCode::machine);
    CHECK(ended.message == "worker " + std::to_string(victim) + " was killed by signal 9");
    CHECK(pids.size() == 3);
    CHECK(all_end(pids));
    CHECK(run.notes.size() == 1);  // nothing of mpirun's banners
  }
}

TEST_CASE("a worker that stands still is given up after the timeout") {
  if (!can_launch()) return;
  RecordingRun run;
  std::vector<pid_t> pids;
  run.on_note = [&](const std::string& note) {
    if (pids.empty()) pids = pids_of(note);
  };
  run.on_step = [&](const Progress& progress) {
    if (progress.done == 5) kill(pids.at(1), SIGSTOP);
  };
  const Ended ended = error_of([&] { launch_workers(exchange(kForEver), workers(2, 3), run); });
  CHECK(ended.code == ExitCode::machine);
  CHECK(ended.message == "worker 1 gave no sign of life for 3 s (it is stopped); the others were ended");
  CHECK(all_end(pids));
}

TEST_CASE("a stop request reaches the workers, who save together; the resumed run answers as one that was not interrupted") {
  if (!can_launch()) return;
  RecordingRun whole;
  const Json expected = launch_workers(exchange(12), workers(2), whole);
  RecordingRun run;
  run.on_step = [&](const Progress& progress) {
    if (progress.done == 4) request_stop();
  };
  Json job = exchange(kForEver);
  const Ended ended = error_of([&] { launch_workers(job, workers(2), run); });
  clear_stop();
  CHECK(ended.code == ExitCode::interrupted);
  CHECK(ended.message == "this run was interrupted");
  REQUIRE(run.state.has_value());
  CHECK(run.state->json["round"].get<int>() >= 4);
  CHECK(run.state->json["round"].get<int>() == run.steps);

  // Interrupted by count, so that the place is known.
  setenv("TENFOLD_STOP_AFTER", "4", 1);
  RecordingRun counted;
  CHECK(error_of([&] { launch_workers(exchange(12), workers(2), counted); }).code == ExitCode::interrupted);
  unsetenv("TENFOLD_STOP_AFTER");
  CHECK(counted.state->json["round"] == 4);
  counted.steps = 0;
  CHECK(launch_workers(exchange(12), workers(2), counted) == expected);
  CHECK(counted.steps == 8);
}

TEST_CASE("what a worker throws is thrown here") {
  if (!can_launch()) return;
  RecordingRun run;
  const Ended ended = error_of([&] { launch_workers({{"job", "nonsense"}}, workers(2), run); });
  CHECK(ended.code == ExitCode::usage);
  CHECK(ended.message == "no worker's job nonsense");
}

TEST_CASE("what the launcher cannot do for a worker is thrown on both sides") {
  if (!can_launch()) return;
  RecordingRun run;
  run.on_step = [&](const Progress& progress) {
    if (progress.done == 2) input_error("the launcher's disk is full");
  };
  CHECK(error_of([&] { launch_workers(exchange(kForEver), workers(2), run); }).message == "the launcher's disk is full");
}

TEST_CASE("without mpirun the error says what to install; an mpirun that fails is told by its code") {
  RecordingRun run;
  const std::string path = std::getenv("PATH");
  setenv("PATH", "/nowhere", 1);
  const Ended missing = error_of([&] { launch_workers(exchange(1), workers(2), run); });
  setenv("PATH", path.c_str(), 1);
  CHECK(missing.code == ExitCode::machine);
  CHECK(missing.message.find("install openmpi-bin") != std::string::npos);

  if (!can_launch()) return;
  LaunchOptions options = workers(2);
  options.program = "/nowhere/gnnbench";
  const Ended failed = error_of([&] { launch_workers(exchange(1), options, run); });
  CHECK(failed.code == ExitCode::machine);
  CHECK(failed.message.starts_with("mpirun could not run the workers (exit code "));
}

TEST_CASE("workers go when the launcher is killed") {
  if (!can_launch()) return;
  std::array<int, 2> ends{};
  REQUIRE(pipe(ends.data()) == 0);
  const pid_t launcher = fork();
  if (launcher == 0) {
    RecordingRun run;
    run.on_note = [&](const std::string& note) { [[maybe_unused]] const ssize_t n = write(ends[1], note.data(), note.size()); };
    error_of([&] { launch_workers(exchange(kForEver), workers(2), run); });
    _exit(0);
  }
  std::array<char, 256> buffer{};
  const ssize_t n = read(ends[0], buffer.data(), buffer.size());
  REQUIRE(n > 0);
  const std::vector<pid_t> pids = pids_of(std::string(buffer.data(), static_cast<std::size_t>(n)));
  CHECK(pids.size() == 2);
  for (const pid_t pid : pids) kill(pid, SIGSTOP);  // also workers that would not notice by themselves
  kill(launcher, SIGKILL);
  waitpid(launcher, nullptr, 0);
  CHECK(all_end(pids));
}
