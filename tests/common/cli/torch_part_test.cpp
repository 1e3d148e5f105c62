// The loader of LibTorch parts: what is missing or of another build is refused with the command that builds it.
// That a fitting one opens and answers is tested on fixture-walk's `ask`.
#include "cli/torch_part.h"

#include <doctest/doctest.h>

#include "base/error.h"

namespace tenfold::cli {
namespace {

std::string refusal(const char* tool) {
  try {
    make_torch_part(tool);
  } catch (const Error& error) {
    CHECK(error.exit_code() == ExitCode::usage);
    return error.message();
  }
  return "";
}

TEST_CASE("a part of another build is refused") {
  const std::string message = refusal("fixture-foreign");
  CHECK(message.find("fixture-foreign-torch.so") != std::string::npos);
  CHECK(message.find("is of another build; `scripts/build` makes it") != std::string::npos);
  CHECK(!torch_part_available("fixture-foreign"));
}

TEST_CASE("a part that is not there is refused") {
  CHECK(refusal("fixture-none").find("is not there; `scripts/build` makes it") != std::string::npos);
  CHECK(!torch_part_available("fixture-none"));
}

}  // namespace
}  // namespace tenfold::cli
