#include "base/process.h"

#include <doctest/doctest.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "base/error.h"
#include "base/process_state.h"
#include "base/temporary_folder.h"

using namespace tenfold;

namespace {

ProcessCommand shell(const std::string& script) { return {.arguments = {"sh", "-c", script}}; }

std::vector<std::string> lines(ChildProcess& child, ProcessEvent::Kind kind) {
  std::vector<std::string> out;
  for (;;) {
    const ProcessEvent event = child.next(60);
    if (event.kind == ProcessEvent::Kind::ended) return out;
    REQUIRE(event.kind != ProcessEvent::Kind::timeout);
    if (event.kind == kind) out.push_back(event.line);
  }
}

}  // namespace

TEST_CASE("both streams come line by line, also an unfinished last line") {
  ChildProcess child(shell("printf 'a\\nb\\n'; printf 'e\\n' >&2; printf 'last'"));
  CHECK(lines(child, ProcessEvent::Kind::output) == std::vector<std::string>{"a", "b", "last"});
  CHECK(child.status()->code == 0);
  ChildProcess other(shell("printf 'a\\n'; printf 'e\\n\\nf' >&2"));
  CHECK(lines(other, ProcessEvent::Kind::error) == std::vector<std::string>{"e", "", "f"});
}

TEST_CASE("a line comes while the child still runs") {
  ChildProcess child(shell("echo ready; exec sleep 1000"));
  CHECK(child.next(60).line == "ready");
  CHECK(child.next(0).kind == ProcessEvent::Kind::timeout);
  CHECK_FALSE(child.status().has_value());
}

TEST_CASE("more output than a pipe holds does not block the child") {
  ChildProcess child(shell("i=0; while [ $i -lt 20000 ]; do echo 0123456789; i=$((i+1)); done"));
  CHECK(lines(child, ProcessEvent::Kind::output).size() == 20000);
}

TEST_CASE("exit codes and signals are told apart") {
  ChildProcess exits(shell("exit 7"));
  CHECK(exits.wait(60)->code == 7);
  CHECK(exits.status()->signal == 0);
  ChildProcess dies(shell("kill -9 $$"));
  CHECK(dies.wait(60)->signal == SIGKILL);
  CHECK(dies.status()->code == -1);
}

TEST_CASE("waiting has a deadline, and a child that still runs is killed with its children when it goes out of scope") {
  pid_t grandchild = 0;
  {
    ChildProcess child(shell("sleep 1000 & echo $!; wait"));
    grandchild = std::stoi(child.next(60).line);
    CHECK_FALSE(child.wait(0.01).has_value());
    CHECK(runs(grandchild));
  }
  CHECK(all_end({grandchild}));
}

TEST_CASE("the end is seen although a grandchild holds the pipes") {
  ChildProcess child(shell("sleep 1000 & exit 3"));
  CHECK(child.wait(60)->code == 3);
  child.signal_group(SIGKILL);
}

TEST_CASE("the environment is ours with edits") {
  setenv("TENFOLD_TEST_KEPT", "kept", 1);
  setenv("TENFOLD_TEST_GONE", "gone", 1);
  ProcessCommand command = shell("echo $TENFOLD_TEST_KEPT-$TENFOLD_TEST_GONE-$TENFOLD_TEST_NEW");
  command.environment = {{"TENFOLD_TEST_GONE", std::nullopt}, {"TENFOLD_TEST_NEW", "new=1"}};
  ChildProcess child(command);
  CHECK(child.next(60).line == "kept--new=1");
}

TEST_CASE("the child runs in its own group, in the folder given, with nothing on its standard input and no other descriptor") {
  const TemporaryFolder folder;
  const std::ofstream open_here(folder / "held");
  ProcessCommand command =
      shell("pwd; ps -o pgid= -p $$ 2>/dev/null || cut -d' ' -f5 /proc/$$/stat; cat; ls /proc/$$/fd | wc -l");
  command.directory = folder.path();
  ChildProcess child(command);
  CHECK(child.next(60).line == std::filesystem::canonical(folder.path()).string());
  CHECK(std::stoi(child.next(60).line) == child.id());
  CHECK(std::stoi(child.next(60).line) <= 4);  // 0, 1, 2, and what the shell may hold
}

TEST_CASE("a program that is not there is an error that names it") {
  CHECK(find_program("no-such-program-of-tenfold").empty());
  CHECK(find_program("sh").ends_with("/sh"));
  for (const char* name : {"no-such-program-of-tenfold", "/nowhere/program"}) {
    try {
      ChildProcess child({.arguments = {name}});
      FAIL("started");
    } catch (const Error& error) {
      CHECK(error.exit_code() == ExitCode::machine);
      CHECK(error.message() == std::string("cannot start ") + name + ": No such file or directory");
    }
  }
}

TEST_CASE("a child goes when the thread that started it ends") {
  pid_t pid = 0;
  std::optional<ChildProcess> kept;
  std::thread([&] {
    ProcessCommand command = shell("exec sleep 1000");
    command.signal_when_orphaned = SIGTERM;
    kept.emplace(command);
    pid = kept->id();
  }).join();
  CHECK(kept->wait(60)->signal == SIGTERM);
  CHECK(pid > 0);
}

TEST_CASE("a signal to us is told, so that the stop flag can be looked at") {
  struct sigaction action = {}, before = {};
  action.sa_handler = [](int) {};
  sigaction(SIGUSR2, &action, &before);
  ChildProcess child(shell("exec sleep 1000"));
  const pthread_t self = pthread_self();
  std::atomic<bool> told{false};
  std::thread sender([&] {
    while (!told) {
      pthread_kill(self, SIGUSR2);
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  });
  const ProcessEvent::Kind kind = child.next(60).kind;
  told = true;
  sender.join();
  sigaction(SIGUSR2, &before, nullptr);
  CHECK(kind == ProcessEvent::Kind::interrupted);
}
