// A run that keeps what it is told, for tests of what goes through it.
#pragma once

#include <filesystem>
#include <functional>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/stop.h"
#include "cli/run.h"
#include "cli/state.h"

namespace tenfold::gnnbench::testing {

class RecordingRun final : public cli::Run {
 public:
  bool stop() override { return stop_requested(); }
  void step(const Progress& progress) override {
    const std::lock_guard lock(mutex_);
    ++steps;
    if (on_step) on_step(progress);
  }
  void log(const Json& line) override { logged.push_back(line); }
  void warn(std::string message) override { warnings.push_back(std::move(message)); }
  void note(std::string message) override {
    const std::lock_guard lock(mutex_);
    notes.push_back(message);
    if (on_note) on_note(message);
  }
  std::optional<cli::State> resume_from() override { return state; }
  void save(const cli::State& saved) override { state = saved; }
  [[noreturn]] void interrupted() override { throw Error(ExitCode::interrupted, "this run was interrupted"); }
  cli::RunDirectory* directory() override { return folder; }
  std::ostream& product() override { return product_; }
  std::uint64_t seed() const override { return 1; }
  int threads() const override { return 2; }
  const std::string& device() const override { return device_; }
  bool verbose() const override { return false; }
  const Json& config() const override { return config_; }

  int steps = 0;
  std::vector<Json> logged;
  std::vector<std::string> notes, warnings;
  std::optional<cli::State> state;
  cli::RunDirectory* folder = nullptr;
  std::function<void(const Progress&)> on_step;
  std::function<void(const std::string&)> on_note;

 private:
  std::mutex mutex_;
  std::string device_ = "cpu";
  Json config_ = Json::object();
  std::ostringstream product_;
};

}  // namespace tenfold::gnnbench::testing
