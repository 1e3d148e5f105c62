// Errors and exit codes: the one error type, thrown where a fault is understood and caught in main alone.
#pragma once

#include <cstddef>
#include <exception>
#include <string>

namespace tenfold {

// What a process returns, the same for every tool.
enum class ExitCode : int {
  ok = 0,
  check_failed = 1,  // a check that the user asked for does not hold
  usage = 2,         // command line or configuration
  input = 3,         // input that cannot be used, or a run directory of another configuration
  infeasible = 4,    // no plan fits, a target was never met; the message says what would do
  machine = 5,       // I/O, memory, a worker died
  interrupted = 130,
};

// The message is one line, `FILE:LINE:COL: what is wrong; what to do about it`, without the parts that do not apply.
// Line breaks inside it become spaces, so that "one error, one line" holds whatever was quoted.
class Error : public std::exception {
 public:
  Error(ExitCode exit_code, std::string message);
  ExitCode exit_code() const { return exit_code_; }
  const std::string& message() const { return message_; }
  const char* what() const noexcept override { return message_.c_str(); }

 private:
  ExitCode exit_code_;
  std::string message_;
};

[[noreturn]] void usage_error(std::string message);
[[noreturn]] void input_error(std::string message);
[[noreturn]] void infeasible_error(std::string message);
[[noreturn]] void machine_error(std::string message);

// `FILE:LINE:COL: message`; line and column count from 1, a 0 is left out (as is an empty file name).
std::string at_position(const std::string& file, std::size_t line, std::size_t column, const std::string& message);

}  // namespace tenfold
