// Progress and log lines.
#include "base/progress.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <cstdio>
#include <string>

#include "base/clock.h"
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

namespace {

// What was written to the other end of a pseudoterminal before the first newline (which the terminal turns into "\r\n"). What is
// written there arrives some time later and in pieces of any size.
std::string read_until_newline(int terminal) {
  std::string text;
  char byte = 0;
  while (::read(terminal, &byte, 1) == 1 && byte != '\n') text += byte;
  if (text.ends_with('\r')) text.pop_back();
  return text;
}

}  // namespace

TEST_CASE("on a terminal one line is redrawn, and cleared before anything else is written") {
  const int terminal = ::posix_openpt(O_RDWR | O_NOCTTY);
  REQUIRE(terminal >= 0);
  REQUIRE(::grantpt(terminal) == 0);
  REQUIRE(::unlockpt(terminal) == 0);
  const int screen = ::open(::ptsname(terminal), O_RDWR | O_NOCTTY);
  REQUIRE(screen >= 0);
  const std::string name = "a name that is longer than any terminal is wide " + std::string(300, '.');
  {
    ProgressReporter reporter(ProgressMode::automatic, screen);
    const Progress progress = {.what = name, .done = 1, .total = 0, .unit = "it", .note = ""};
    reporter.show(progress);  // starts the clock
    const double begun = wall_s();
    while (wall_s() < begun + 0.15) {
    }
    reporter.show(progress);
    reporter.clear();
    reporter.clear();  // nothing is drawn any more: nothing to remove
  }
  REQUIRE(::write(screen, "\n", 1) == 1);
  const std::string shown = read_until_newline(terminal);
  const std::string erase = "\r\x1b[K";
  CHECK(shown.starts_with(erase + "a name"));
  CHECK(shown.ends_with(erase));
  CHECK(shown.size() == 2 * erase.size() + 79);  // cut to the line of a terminal that does not tell its width
  ::close(screen);
  ::close(terminal);
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
