// Runs a program and collects what it did.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace tenfold::test {

struct Outcome {
  int exit_code = -1;  // -1: ended by a signal, or killed because it hung
  int signal = 0;
  std::string out;
  std::string err;
};

struct Launch {
  std::string directory;                        // working directory; empty: the test's own
  std::map<std::string, std::string> variables; // added to the environment
  std::string input;                            // standard input
  bool closed_output = false;                   // standard output is a pipe that nobody reads
  int signal = 0;                               // sent to the program after signal_after_s, unless 0
  double signal_after_s = 0;
};

// Ends the program after five minutes: nothing may hang.
Outcome run(const std::vector<std::string>& arguments, const Launch& launch = {});

// Several at once, all of them running before any is waited for.
std::vector<Outcome> run_together(const std::vector<std::vector<std::string>>& commands, const Launch& launch = {});

}  // namespace tenfold::test
