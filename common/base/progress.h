// Progress of long work on standard error: what, how far, rate, time left. One line redrawn on a terminal, a plain line
// now and then elsewhere.
#pragma once

#include <memory>
#include <string>

namespace tenfold {

enum class ProgressMode { automatic, plain, none };  // --progress auto|plain|none

struct Progress {
  std::string what;         // "sampling"; a new name starts a new clock
  double done = 0;          // steps done
  double total = 0;         // of so many; 0 where that is not known
  std::string unit = "it";  // what a step is, for the rate: "it", "tok", "images"
  std::string note;         // "12 divergences"
};

// One line of text: "sampling 1200/4000 (30 %)  812 it/s  3 s left  12 divergences". The rate is over elapsed_s.
std::string progress_text(const Progress& progress, double elapsed_s);

// Safe from several threads; a call that comes too soon after the last shown one costs a clock reading and no output.
class ProgressReporter {
 public:
  // automatic is the redrawn line if `descriptor` is a terminal, plain otherwise.
  explicit ProgressReporter(ProgressMode mode, int descriptor = 2);
  ProgressReporter(const ProgressReporter&) = delete;
  ProgressReporter& operator=(const ProgressReporter&) = delete;
  ~ProgressReporter();

  void show(const Progress& progress);
  // Removes the redrawn line, so that something else can be written; the next show() draws it again.
  void clear();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tenfold
