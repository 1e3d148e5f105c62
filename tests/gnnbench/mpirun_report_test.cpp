#include "gnnbench/mpirun_report.h"

#include <doctest/doctest.h>

#include <sstream>
#include <string>
#include <vector>

using tenfold::gnnbench::MpirunReport;

namespace {

const std::string kRule(74, '-');

// What is left for people.
std::vector<std::string> feed(MpirunReport& report, const std::string& text) {
  std::vector<std::string> rest;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);)
    if (!report.take(line)) rest.push_back(line);
  return rest;
}

}  // namespace

TEST_CASE("Open MPI's banners are read for the worker and how it ended, and swallowed") {
  const std::string normal =
      kRule +
      "\nPrimary job  terminated normally, but 1 process returned\na non-zero exit code. Per user-direction, "
      "the job has been aborted.\n" +
      kRule + "\n";
  struct Case {
    const char* what;
    std::string text, cause;
  };
  const std::vector<Case> cases = {
      {"kill -9",
       normal + kRule + "\nmpirun noticed that process rank 1 with PID 0 on node host exited on signal 9 (Killed).\n" + kRule +
           "\n",
       "worker 1 was killed by signal 9"},
      {"exit(3)",
       normal + kRule +
           "\nmpirun detected that one or more processes exited with non-zero status, thus causing\nthe job to be terminated. "
           "The "
           "first process to do so was:\n\n  Process name: [[41187,1],2]\n  Exit code:    3\n" +
           kRule + "\n",
       "worker 2 ended with exit code 3"},
      {"MPI_Abort",
       kRule +
           "\nMPI_ABORT was invoked on rank 0 in communicator MPI_COMM_WORLD\nwith errorcode 75.\n\nNOTE: invoking MPI_ABORT "
           "causes "
           "Open MPI to kill all MPI processes.\n" +
           kRule + "\n",
       "worker 0 ended with exit code 75"},
  };
  for (const Case& each : cases) {
    CAPTURE(each.what);
    MpirunReport report;
    CHECK(feed(report, "a worker's own line\n" + each.text + "another\n") ==
          std::vector<std::string>{"a worker's own line", "another"});
    CHECK(report.cause() == each.cause);
  }
}

TEST_CASE("the first cause counts, and a job that never started leaves mpirun's own words") {
  const std::string abort =
      kRule + "\nMPI_ABORT was invoked on rank 2 in communicator MPI_COMM_WORLD\nwith errorcode 4.\n" + kRule + "\n";
  const std::string killed =
      kRule + "\nmpirun noticed that process rank 0 with PID 0 on node host exited on signal 15 (Terminated).\n" + kRule + "\n";
  MpirunReport report;
  feed(report, abort + killed);
  CHECK(report.cause() == "worker 2 ended with exit code 4");

  MpirunReport start;
  feed(start,
       kRule + "\nThere are not enough slots available in the system to satisfy the 9\nslots that were requested. Either ask\n" +
           kRule + "\n");
  CHECK(start.cause().empty());
  CHECK(start.first_words() == "There are not enough slots available in the system to satisfy the 9 slots that were requested");
}
