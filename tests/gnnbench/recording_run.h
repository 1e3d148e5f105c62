// A run that can be stopped and calls back, for tests of what goes through it.
#pragma once

#include <functional>
#include <mutex>
#include <string>

#include "base/stop.h"
#include "cli/test_run.h"

namespace tenfold::gnnbench::testing {

class RecordingRun final : public tenfold::test::TestRun {
 public:
  bool stop() override { return stop_requested(); }
  void step(const Progress& progress) override {
    const std::lock_guard lock(mutex_);
    ++steps;
    if (on_step) on_step(progress);
  }
  void note(std::string message) override {
    const std::lock_guard lock(mutex_);
    notes.push_back(message);
    if (on_note) on_note(message);
  }

  int steps = 0;
  std::function<void(const Progress&)> on_step;
  std::function<void(const std::string&)> on_note;
};

}  // namespace tenfold::gnnbench::testing
