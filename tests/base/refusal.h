// What a call that should be refused says.
#pragma once

#include <doctest/doctest.h>

#include <string>

#include "base/error.h"

namespace tenfold::test {

// The message of the Error, whose exit code is checked; "accepted" without one.
template <class Call>
std::string refusal(Call&& call, ExitCode code = ExitCode::input) {
  try {
    call();
  } catch (const Error& error) {
    CHECK(error.exit_code() == code);
    return error.message();
  }
  return "accepted";
}

inline bool says(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace tenfold::test
