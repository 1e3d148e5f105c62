// Folders of runs: one that a killed process left is swept by the next run, one in use is not touched.
#include "gnnbench/locked_folder.h"

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/temporary_folder.h"

using namespace tenfold;
using namespace tenfold::gnnbench;
namespace fs = std::filesystem;

TEST_CASE("a killed process's folder goes at the next start, with what is in it; others stay") {
  const TemporaryFolder place;
  fs::create_directories(place.path() / "gnnbench-data-mine-without-lock");
  int ready[2];
  REQUIRE(pipe(ready) == 0);
  const pid_t child = fork();
  if (child == 0) {
    const LockedFolder folder(place.path(), "gnnbench-data-");
    std::ofstream(folder.path() / "data") << "bytes";
    const std::string name = folder.path().filename();
    [[maybe_unused]] const ssize_t written = write(ready[1], name.data(), name.size());
    for (;;) pause();
  }
  char name[64] = {};
  REQUIRE(read(ready[0], name, sizeof name - 1) > 0);
  const fs::path abandoned = place.path() / name;
  {
    const LockedFolder other(place.path(), "gnnbench-data-");
    CHECK(fs::exists(abandoned / "data"));  // its owner lives
    CHECK(other.path() != abandoned);
  }
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  close(ready[0]);
  close(ready[1]);
  CHECK(fs::exists(abandoned / "data"));
  {
    const LockedFolder elsewhere(place.path(), "gnnbench-job-");
    CHECK(fs::exists(abandoned));
    const LockedFolder next(place.path(), "gnnbench-data-");
    CHECK_FALSE(fs::exists(abandoned));
    CHECK(fs::exists(next.path()));
  }
  CHECK(fs::exists(place.path() / "gnnbench-data-mine-without-lock"));
  CHECK(std::distance(fs::directory_iterator(place.path()), fs::directory_iterator()) == 1);
}
