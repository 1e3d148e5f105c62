#include "cli/process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <thread>

namespace tenfold::test {
namespace {

struct Child {
  pid_t pid = -1;
  int out = -1;  // read ends
  int err = -1;
};

[[noreturn]] void become(const std::vector<std::string>& arguments, const Launch& launch) {
  for (const auto& [name, value] : launch.variables) setenv(name.c_str(), value.c_str(), 1);
  signal(SIGPIPE, SIG_DFL);
  if (!launch.directory.empty() && chdir(launch.directory.c_str()) != 0) _exit(126);
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  execvp(argv[0], argv.data());
  _exit(127);
}

std::array<int, 2> new_pipe() {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe");
  return ends;
}

Child start(const std::vector<std::string>& arguments, const Launch& launch) {
  std::FILE* input = std::tmpfile();
  std::fwrite(launch.input.data(), 1, launch.input.size(), input);
  std::fflush(input);
  std::rewind(input);
  const auto out = new_pipe();
  const auto err = new_pipe();
  const pid_t pid = fork();
  if (pid == 0) {
    dup2(fileno(input), 0);
    dup2(out[1], 1);
    dup2(err[1], 2);
    // The read ends are closed by exec; without a reader now when the output is to be closed.
    if (launch.closed_output) close(out[0]);
    become(arguments, launch);
  }
  std::fclose(input);
  close(out[1]);
  close(err[1]);
  if (launch.closed_output) close(out[0]);
  return {pid, launch.closed_output ? -1 : out[0], err[0]};
}

// Reads both streams to their ends; false when that takes longer than five minutes.
bool drain(const Child& child, Outcome& outcome) {
  std::array<pollfd, 2> streams = {pollfd{child.out, POLLIN, 0}, pollfd{child.err, POLLIN, 0}};
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(5);
  std::array<char, 65536> buffer{};
  while (streams[0].fd >= 0 || streams[1].fd >= 0) {
    if (poll(streams.data(), 2, 1000) < 0 || std::chrono::steady_clock::now() > deadline) return false;
    for (std::size_t s = 0; s < 2; ++s) {
      if (streams[s].fd < 0 || streams[s].revents == 0) continue;
      const ssize_t n = read(streams[s].fd, buffer.data(), buffer.size());
      if (n > 0)
        (s == 0 ? outcome.out : outcome.err).append(buffer.data(), static_cast<std::size_t>(n));
      else
        streams[s].fd = -1;
    }
  }
  return true;
}

Outcome finish(const Child& child) {
  Outcome outcome;
  if (!drain(child, outcome)) kill(child.pid, SIGKILL);
  if (child.out >= 0) close(child.out);
  close(child.err);
  int status = 0;
  waitpid(child.pid, &status, 0);
  if (WIFEXITED(status)) outcome.exit_code = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) outcome.signal = WTERMSIG(status);
  return outcome;
}

}  // namespace

Outcome run(const std::vector<std::string>& arguments, const Launch& launch) {
  const Child child = start(arguments, launch);
  if (launch.signal != 0) {
    // A program that has ended is a zombie until finish() waits for it, so that the id cannot be another's.
    std::this_thread::sleep_for(std::chrono::duration<double>(launch.signal_after_s));
    kill(child.pid, launch.signal);
  }
  return finish(child);
}

std::vector<Outcome> run_together(const std::vector<std::vector<std::string>>& commands, const Launch& launch) {
  std::vector<Child> children;
  for (const auto& command : commands) children.push_back(start(command, launch));
  std::vector<Outcome> outcomes;
  for (const Child& child : children) outcomes.push_back(finish(child));
  return outcomes;
}

}  // namespace tenfold::test
