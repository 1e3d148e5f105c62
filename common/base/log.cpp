// Lines for people on standard error.
#include "base/log.h"

#include <unistd.h>

#include <utility>

#include "base/progress.h"

namespace tenfold {

Log::Log(std::string tool, Verbosity verbosity, ProgressReporter* progress)
    : tool_(std::move(tool)), verbosity_(verbosity), progress_(progress) {}

void Log::error(std::string_view message) const { line("error: ", message); }
void Log::warning(std::string_view message) const { line("warning: ", message); }

void Log::info(std::string_view message) const {
  if (verbosity_ != Verbosity::quiet) line("", message);
}

void Log::detail(std::string_view message) const {
  if (verbosity_ == Verbosity::verbose) line("", message);
}

void Log::line(std::string_view kind, std::string_view message) const {
  std::string text = tool_ + ": ";
  text += kind;
  text += message;
  text += '\n';
  if (progress_ != nullptr) progress_->clear();
  // One write, so that lines of several threads or processes do not mix; a closed stderr is nobody's error.
  if (::write(STDERR_FILENO, text.data(), text.size()) < 0) return;
}

}  // namespace tenfold
