// Lines for people on standard error.
#include "base/log.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "base/progress.h"

namespace tenfold {

namespace {

// Length of the UTF-8 character that begins at `at`, or 0 where there is none or it is a control character: U+0000 to U+001F
// except for tab and newline, U+007F to U+009F.
std::size_t character_at(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  const unsigned first = byte(at);
  if (first < 0x80) return (first >= 0x20 && first != 0x7f) || first == '\n' || first == '\t' ? 1 : 0;
  const std::size_t length = first >= 0xc2 && first < 0xe0   ? 2
                             : first >= 0xe0 && first < 0xf0 ? 3
                             : first >= 0xf0 && first < 0xf5 ? 4
                                                             : 0;
  for (std::size_t i = 1; i < length; ++i)
    if (byte(at + i) >> 6 != 2) return 0;
  return first == 0xc2 && byte(at + 1) < 0xa0 ? 0 : length;
}

}  // namespace

std::string printable(std::string_view text) {
  constexpr char digits[] = "0123456789abcdef";
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = character_at(text, at);
    if (length > 0) {
      out += text.substr(at, length);
    } else {
      const auto byte = static_cast<unsigned char>(text[at]);
      out += {'\\', 'x', digits[byte >> 4], digits[byte & 15]};
    }
    at += std::max<std::size_t>(length, 1);
  }
  return out;
}

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
  text += printable(message);
  text += '\n';
  if (progress_ != nullptr) progress_->clear();
  // One write, so that lines of several threads or processes do not mix; a closed stderr is nobody's error.
  if (::write(STDERR_FILENO, text.data(), text.size()) < 0) return;
}

}  // namespace tenfold
