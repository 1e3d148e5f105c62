// Errors and exit codes.
#include "base/error.h"

#include <algorithm>
#include <utility>

namespace tenfold {

Error::Error(ExitCode exit_code, std::string message) : exit_code_(exit_code), message_(std::move(message)) {
  std::replace_if(message_.begin(), message_.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
}

void usage_error(std::string message) { throw Error(ExitCode::usage, std::move(message)); }
void input_error(std::string message) { throw Error(ExitCode::input, std::move(message)); }
void infeasible_error(std::string message) { throw Error(ExitCode::infeasible, std::move(message)); }
void machine_error(std::string message) { throw Error(ExitCode::machine, std::move(message)); }

std::string at_position(const std::string& file, std::size_t line, std::size_t column, const std::string& message) {
  std::string place = file;
  for (const std::size_t part : {line, column}) {
    if (part == 0) break;
    if (!place.empty()) place += ':';
    place += std::to_string(part);
  }
  return place.empty() ? message : place + ": " + message;
}

}  // namespace tenfold
