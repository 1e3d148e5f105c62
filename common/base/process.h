// Programs started by this one: their output line by line, their end through a pidfd with a deadline, and no orphans.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tenfold {

struct ProcessCommand {
  enum class Stream { inherit, null, pipe };

  std::vector<std::string> arguments;  // [0] is looked up in PATH unless it has a slash
  std::map<std::string, std::optional<std::string>> environment = {};  // set on top of ours; without a value: removed
  std::filesystem::path directory = {};     // empty: ours
  Stream input = Stream::null;         // inherit or null
  Stream output = Stream::pipe;
  Stream error = Stream::pipe;
  bool own_group = true;               // a process group of its own: the terminal's Ctrl-C does not reach it
  // Sent to the child when the *thread* that started it ends (prctl(2), PR_SET_PDEATHSIG), however that comes; 0: nothing.
  int signal_when_orphaned = 0;
};

struct ProcessStatus {
  int code = -1;   // of exit(), or -1
  int signal = 0;  // that ended it, or 0
};

// What a child did next.
struct ProcessEvent {
  enum class Kind {
    output,       // a line on its standard output (without the line feed)
    error,        // a line on its standard error
    ended,        // it ended, and all that it wrote was handed over; again on every further call
    timeout,      // nothing within the time given
    interrupted,  // a signal came to us: look at the stop flag
  };
  Kind kind = Kind::timeout;
  std::string line;
};

// The full path of a program in PATH (a name with a slash is itself), or empty.
std::string find_program(std::string_view name);

class ChildProcess {
 public:
  // Only what is on this list reaches the child: the three streams, the environment, the working directory. Other descriptors
  // are closed, signals are at their defaults. Throws Error machine if the program cannot be started.
  explicit ChildProcess(const ProcessCommand& command);
  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&&) = delete;
  // A child that still runs is killed, with its group if it has one, and waited for.
  ~ChildProcess();

  pid_t id() const { return pid_; }
  void signal(int number) const;        // nothing once it has ended
  void signal_group(int number) const;  // own_group only; also reaches what the child left behind

  // Waits at most timeout_s for the next event; below zero: for ever. Lines longer than 1 MiB come in pieces.
  ProcessEvent next(double timeout_s);

  // Waits for the end, dropping lines; nothing if it still runs after timeout_s.
  std::optional<ProcessStatus> wait(double timeout_s = -1);

  // Empty while it runs.
  const std::optional<ProcessStatus>& status() const { return status_; }

 private:
  struct Reader {
    int descriptor = -1;
    std::string pending;    // read
    std::size_t begin = 0;  // of what was not handed over
  };
  void read_available(Reader& reader);
  bool take_line(Reader& reader, ProcessEvent::Kind kind, ProcessEvent& event) const;
  void reap();

  pid_t pid_ = -1;
  int pidfd_ = -1;
  bool own_group_ = false;
  Reader output_, error_;
  std::optional<ProcessStatus> status_;
};

}  // namespace tenfold
