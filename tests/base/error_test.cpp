// Errors and exit codes.
#include "base/error.h"

#include <doctest/doctest.h>

using namespace tenfold;

TEST_CASE("an error carries its exit code and one line") {
  try {
    input_error("a.json:3:4: broken\r\nhere");
  } catch (const Error& error) {
    CHECK(error.exit_code() == ExitCode::input);
    CHECK(std::string(error.what()) == "a.json:3:4: broken  here");
  }
  CHECK_THROWS_AS(usage_error("x"), Error);
  CHECK(static_cast<int>(ExitCode::interrupted) == 130);
}

TEST_CASE("a position leaves out what does not apply") {
  CHECK(at_position("f", 3, 4, "bad") == "f:3:4: bad");
  CHECK(at_position("f", 3, 0, "bad") == "f:3: bad");
  CHECK(at_position("f", 0, 4, "bad") == "f: bad");
  CHECK(at_position("", 3, 4, "bad") == "3:4: bad");
  CHECK(at_position("", 0, 0, "bad") == "bad");
}
