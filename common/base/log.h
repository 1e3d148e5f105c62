// Lines for people on standard error: errors, warnings, what is going on. Never on standard output.
#pragma once

#include <string>
#include <string_view>

namespace tenfold {

class ProgressReporter;

// The text with control characters, and bytes that are no UTF-8, as \xNN: what a message quotes must not steer a terminal. Tabs
// and newlines stay.
std::string printable(std::string_view text);

enum class Verbosity { quiet, normal, verbose };  // -q, neither, -v

// `tool: error: ...`, `tool: warning: ...`, and plain lines. Safe from several threads: a line is one write.
class Log {
 public:
  // With a progress reporter, its redrawn line is cleared before a line is written.
  explicit Log(std::string tool, Verbosity verbosity = Verbosity::normal, ProgressReporter* progress = nullptr);
  void error(std::string_view message) const;    // always
  void warning(std::string_view message) const;  // always: a warning is about the result
  void info(std::string_view message) const;     // not when quiet
  void detail(std::string_view message) const;   // when verbose
  Verbosity verbosity() const { return verbosity_; }

 private:
  void line(std::string_view kind, std::string_view message) const;
  std::string tool_;
  Verbosity verbosity_;
  ProgressReporter* progress_;
};

}  // namespace tenfold
