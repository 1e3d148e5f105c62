// Runs of the training engine in a test: a plan, a run that can be stopped and resumed, and its result.
#pragma once

#include <atomic>
#include <filesystem>
#include <map>
#include <string>

#include "cli/run.h"
#include "cli/test_run.h"
#include "gnnbench/torch/train_run.h"
#include "gnnbench/train_options.h"

namespace tenfold::gnnbench::testing {

// What a run writes, kept in memory.
class MemoryDirectory final : public cli::RunDirectory {
 public:
  const std::filesystem::path& path() const override { return path_; }
  std::filesystem::path claim(std::string_view relative) override { return path_ / relative; }
  void write(std::string_view relative, std::string_view bytes) override { files[std::string(relative)] = bytes; }
  std::map<std::string, std::string> files;

 private:
  std::filesystem::path path_ = "memory";
};

class StoppableRun final : public tenfold::test::TestRun {
 public:
  explicit StoppableRun(std::uint64_t seed, int threads = 1) : TestRun(seed, threads) {}

  bool stop() override { return stop_after > 0 && steps >= stop_after; }
  void step(const Progress&) override { ++steps; }
  cli::RunDirectory* directory() override { return &folder; }

  std::atomic<int> steps = 0;  // workers in threads all look at it
  int stop_after = 0;
  MemoryDirectory folder;
};

inline TrainOptions small_options(const std::string& system) {
  TrainOptions o;
  o.system = system;
  o.model.hidden = 8;
  o.batch = 7;
  o.fanout = {"3", "2"};
  o.lr = 0.02;
  o.epochs = 12;
  o.eval_every = "geo:1.3";
  return o;
}

inline Json train(const TrainOptions& options, const Dataset& data, cli::Run& run) {
  const TrainPlan plan = plan_training(options, data);
  return TrainRun({.plan = plan, .data = data}, run).train();
}

// Through as many interruptions as `stops` says, each after so many updates more.
inline Json train_in_pieces(const TrainOptions& options, const Dataset& data, std::uint64_t seed, const std::vector<int>& stops) {
  std::optional<cli::State> state;
  for (const int stop : stops) {
    StoppableRun run(seed);
    run.state = state;
    run.stop_after = stop;
    try {
      return train(options, data, run);
    } catch (const Error& error) {
      if (error.exit_code() != ExitCode::interrupted) throw;
      state = run.state;
    }
  }
  StoppableRun run(seed);
  run.state = state;
  return train(options, data, run);
}

}  // namespace tenfold::gnnbench::testing
