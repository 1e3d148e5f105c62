// Programs started by this one.
//
// fork and exec rather than posix_spawn, which cannot set the signal for orphans. Between the two the child makes system calls
// only, on memory that was laid out before, as other threads may hold locks of the heap.
#include "base/process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <climits>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "base/error.h"

namespace tenfold {

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t kLongestLine = std::size_t{1} << 20;

[[noreturn]] void cannot_start(const std::string& program, int error) {
  machine_error("cannot start " + program + ": " + std::strerror(error));
}

// Both ends of a pipe, closed unless they are taken.
struct Pipe {
  std::array<int, 2> ends = {-1, -1};
  Pipe() = default;
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  ~Pipe() {
    close_end(0);
    close_end(1);
  }
  void open(const std::string& program) {
    if (pipe2(ends.data(), O_CLOEXEC) != 0) cannot_start(program, errno);
  }
  void close_end(std::size_t end) {
    if (ends[end] >= 0) close(std::exchange(ends[end], -1));
  }
  int take(std::size_t end) { return std::exchange(ends[end], -1); }
};

std::vector<std::string> child_environment(const ProcessCommand& command) {
  std::vector<std::string> out;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    if (!command.environment.contains(std::string(text.substr(0, text.find('='))))) out.emplace_back(text);
  }
  for (const auto& [name, value] : command.environment)
    if (value) out.push_back(name + "=" + *value);
  return out;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (std::string& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

// All that the child needs between fork and exec.
struct Launch {
  const char* program;
  char* const* arguments;
  char* const* environment;
  const char* directory;  // or null
  std::array<int, 3> streams;  // to become 0, 1, 2; -1: inherited
  bool own_group;
  int death_signal;
  pid_t parent;
  int report;  // where errno goes if exec fails
};

[[noreturn]] void become(const Launch& launch) {
  const auto fail = [&] {
    const int error = errno;
    [[maybe_unused]] const ssize_t written = write(launch.report, &error, sizeof error);
    _exit(127);
  };
  if (launch.own_group && setpgid(0, 0) != 0) fail();
  if (launch.death_signal != 0) {
    if (prctl(PR_SET_PDEATHSIG, launch.death_signal) != 0) fail();
    if (getppid() != launch.parent) _exit(127);  // it died before the call above
  }
  for (int i = 0; i < 3; ++i)
    if (const int from = launch.streams[static_cast<std::size_t>(i)]; from >= 0 && dup2(from, i) < 0) fail();
  close_range(3, UINT_MAX, CLOSE_RANGE_CLOEXEC);
  if (launch.directory != nullptr && chdir(launch.directory) != 0) fail();
  for (int number = 1; number < NSIG; ++number) signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  execve(launch.program, launch.arguments, launch.environment);
  fail();
  _exit(127);
}

// fork() with all signals blocked, so that no handler of ours runs in the child.
pid_t start(const Launch& launch) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t pid = fork();
  if (pid == 0) become(launch);
  const int error = errno;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = error;
  return pid;
}

int milliseconds_until(Clock::time_point deadline) {
  const double left = std::chrono::duration<double, std::milli>(deadline - Clock::now()).count();
  return static_cast<int>(std::clamp(std::ceil(left), 0.0, 1e9));
}

}  // namespace

std::string find_program(std::string_view name) {
  if (name.find('/') != std::string_view::npos) return std::string(name);
  const char* path = std::getenv("PATH");
  std::string_view folders = path != nullptr ? path : "/usr/local/bin:/usr/bin:/bin";
  while (!folders.empty()) {
    const std::size_t colon = std::min(folders.find(':'), folders.size());
    const std::filesystem::path candidate = std::filesystem::path(folders.substr(0, colon)) / name;
    std::error_code ignored;
    if (std::filesystem::is_regular_file(candidate, ignored) && access(candidate.c_str(), X_OK) == 0) return candidate.string();
    folders.remove_prefix(std::min(colon + 1, folders.size()));
  }
  return "";
}

ChildProcess::ChildProcess(const ProcessCommand& command) : own_group_(command.own_group) {
  std::vector<std::string> arguments = command.arguments;
  const std::string name = arguments.empty() ? "" : arguments[0];
  const std::string program = find_program(name);
  if (program.empty()) cannot_start(name, ENOENT);
  std::vector<std::string> environment = child_environment(command);
  const std::vector<char*> argument_pointers = pointers(arguments), environment_pointers = pointers(environment);

  Pipe out, err, report, nothing;
  nothing.ends[0] = open("/dev/null", O_RDWR | O_CLOEXEC);
  report.open(name);
  const auto stream = [&](ProcessCommand::Stream kind, Pipe& pipe) {
    if (kind == ProcessCommand::Stream::inherit) return -1;
    if (kind == ProcessCommand::Stream::null) return nothing.ends[0];
    pipe.open(name);
    return pipe.ends[1];
  };
  const int input = command.input == ProcessCommand::Stream::inherit ? -1 : nothing.ends[0];
  const int output = stream(command.output, out), error = stream(command.error, err);
  pid_ = start({.program = program.c_str(),
                .arguments = argument_pointers.data(),
                .environment = environment_pointers.data(),
                .directory = command.directory.empty() ? nullptr : command.directory.c_str(),
                .streams = {input, output, error},
                .own_group = command.own_group,
                .death_signal = command.signal_when_orphaned,
                .parent = getpid(),
                .report = report.ends[1]});
  if (pid_ < 0) cannot_start(name, errno);

  report.close_end(1);  // the child's copy closes when exec succeeds
  int failure = 0;
  ssize_t got = 0;
  while ((got = read(report.ends[0], &failure, sizeof failure)) < 0 && errno == EINTR) {
  }
  if (got == static_cast<ssize_t>(sizeof failure)) {
    while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
    cannot_start(name, failure);
  }
  pidfd_ = static_cast<int>(syscall(SYS_pidfd_open, pid_, 0));  // close-on-exec by itself
  if (pidfd_ < 0) {
    const int reason = errno;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    cannot_start(name, reason);
  }
  output_.descriptor = out.take(0);
  error_.descriptor = err.take(0);
  for (const int descriptor : {output_.descriptor, error_.descriptor})
    if (descriptor >= 0) fcntl(descriptor, F_SETFL, O_NONBLOCK);
}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      pidfd_(std::exchange(other.pidfd_, -1)),
      own_group_(other.own_group_),
      output_(std::exchange(other.output_, {})),
      error_(std::exchange(other.error_, {})),
      status_(std::exchange(other.status_, std::nullopt)) {}

ChildProcess::~ChildProcess() {
  if (pid_ >= 0 && !status_) {
    if (own_group_) signal_group(SIGKILL);
    signal(SIGKILL);
    while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
  for (const int descriptor : {pidfd_, output_.descriptor, error_.descriptor})
    if (descriptor >= 0) close(descriptor);
}

void ChildProcess::signal(int number) const {
  if (pid_ >= 0 && !status_) kill(pid_, number);
}

void ChildProcess::signal_group(int number) const {
  if (pid_ >= 0 && own_group_) kill(-pid_, number);
}

void ChildProcess::read_available(Reader& reader) {
  std::array<char, 65536> buffer;
  if (reader.begin > reader.pending.size() / 2) reader.pending.erase(0, std::exchange(reader.begin, 0));
  while (reader.descriptor >= 0 && reader.pending.size() < kLongestLine) {
    const ssize_t n = read(reader.descriptor, buffer.data(), buffer.size());
    if (n > 0) {
      reader.pending.append(buffer.data(), static_cast<std::size_t>(n));
    } else if (n < 0 && errno == EINTR) {
      continue;
    } else {
      if (n == 0 || errno != EAGAIN) close(std::exchange(reader.descriptor, -1));
      return;
    }
  }
}

// Hands over a whole line; the last one also without its line feed, when nothing can follow.
bool ChildProcess::take_line(Reader& reader, ProcessEvent::Kind kind, ProcessEvent& event) const {
  const std::size_t feed = reader.pending.find('\n', reader.begin);
  const bool last = reader.descriptor < 0 || status_ || reader.pending.size() - reader.begin >= kLongestLine;
  if (feed == std::string::npos && (!last || reader.begin == reader.pending.size())) return false;
  event = {kind, reader.pending.substr(reader.begin, feed == std::string::npos ? feed : feed - reader.begin)};
  reader.begin = feed == std::string::npos ? reader.pending.size() : feed + 1;
  if (event.line.ends_with('\r')) event.line.pop_back();  // terminals write one
  return true;
}

void ChildProcess::reap() {
  int status = 0;
  while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  status_.emplace();
  if (WIFEXITED(status)) status_->code = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) status_->signal = WTERMSIG(status);
}

ProcessEvent ChildProcess::next(double timeout_s) {
  const bool forever = timeout_s < 0;
  const auto deadline = Clock::now() + std::chrono::duration_cast<Clock::duration>(
                                           std::chrono::duration<double>(forever ? 0 : std::min(timeout_s, 1e6)));
  ProcessEvent event;
  for (;;) {
    // What it wrote before it ended is all in the pipes by then; what its own children write later is not waited for.
    read_available(error_);
    read_available(output_);
    if (take_line(error_, ProcessEvent::Kind::error, event) || take_line(output_, ProcessEvent::Kind::output, event))
      return event;
    if (status_) return {ProcessEvent::Kind::ended, ""};
    std::array<pollfd, 3> watched = {pollfd{pidfd_, POLLIN, 0}, pollfd{output_.descriptor, POLLIN, 0},
                                     pollfd{error_.descriptor, POLLIN, 0}};
    const int ready = poll(watched.data(), watched.size(), forever ? -1 : milliseconds_until(deadline));
    if (ready < 0 && errno == EINTR) return {ProcessEvent::Kind::interrupted, ""};
    if (ready == 0) return {ProcessEvent::Kind::timeout, ""};
    if (watched[0].revents != 0) reap();
  }
}

std::optional<ProcessStatus> ChildProcess::wait(double timeout_s) {
  const auto deadline = Clock::now() + std::chrono::duration<double>(std::max(timeout_s, 0.0));
  for (;;) {
    const double left = std::chrono::duration<double>(deadline - Clock::now()).count();
    const ProcessEvent event = next(timeout_s < 0 ? -1 : std::max(left, 0.0));
    if (event.kind == ProcessEvent::Kind::ended) return status_;
    if (event.kind == ProcessEvent::Kind::timeout) return std::nullopt;
  }
}

}  // namespace tenfold
