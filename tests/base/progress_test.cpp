// Progress and log lines.
#include "base/progress.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <string>

#include "base/files.h"
#include "base/log.h"
#include "base/temporary_folder.h"

using namespace tenfold;

TEST_CASE("a line says what, how far, the rate and the time left") {
  CHECK(progress_text({.what = "sampling", .done = 1200, .total = 4000, .unit = "it", .note = "12 divergences"}, 1.5) ==
        "sampling 1200/4000 (30 %)  800 it/s  4 s left  12 divergences");
  CHECK(progress_text({.what = "reading", .done = 7, .total = 0, .unit = "rows", .note = ""}, 2) == "reading 7  3.5 rows/s");
  CHECK(progress_text({.what = "x", .done = 1, .total = 7201, .unit = "it", .note = ""}, 1) ==
        "x 1/7201 (0 %)  1 it/s  2 h 00 min left");
  CHECK(progress_text({.what = "x", .done = 0, .total = 10, .unit = "it", .note = ""}, 0) == "x 0/10 (0 %)");
}

TEST_CASE("nothing is drawn when none is asked for, nor control codes into a file") {
  const TemporaryFolder folder;
  write_file_atomic(folder / "err", "");
  FILE* file = std::fopen((folder / "err").c_str(), "w");
  REQUIRE(file != nullptr);
  for (const ProgressMode mode : {ProgressMode::none, ProgressMode::automatic, ProgressMode::plain}) {
    ProgressReporter reporter(mode, ::fileno(file));
    for (int i = 0; i <= 1000; ++i) {
      reporter.show({.what = "work", .done = static_cast<double>(i), .total = 1000, .unit = "it", .note = ""});
    }
  }
  std::fclose(file);
  CHECK(read_file(folder / "err").find('\x1b') == std::string::npos);
}

TEST_CASE("log lines go to standard error, as loud as asked for") {
  const TemporaryFolder folder;
  const int before = ::dup(2);
  FILE* file = std::fopen((folder / "err").c_str(), "w");
  REQUIRE(file != nullptr);
  ::dup2(::fileno(file), 2);
  for (const Verbosity verbosity : {Verbosity::quiet, Verbosity::normal, Verbosity::verbose}) {
    const Log log("tool", verbosity);
    log.info("info");
    log.detail("detail");
    log.warning("careful");
    log.error("x.stan:1:2: broken");
  }
  ::dup2(before, 2);
  ::close(before);
  std::fclose(file);
  const std::string always = "tool: warning: careful\ntool: error: x.stan:1:2: broken\n";
  CHECK(read_file(folder / "err") == always + "tool: info\n" + always + "tool: info\ntool: detail\n" + always);
}
