// A run without a program around it: what is said to it is kept, it has no folder, and nobody stops it. Tests that want another
// answer derive from it.
#pragma once

#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "cli/run.h"
#include "cli/state.h"

namespace tenfold::test {

class TestRun : public cli::Run {
 public:
  explicit TestRun(std::uint64_t seed = 1, int threads = 2) : seed_(seed), threads_(threads) {}

  bool stop() override { return false; }
  void step(const Progress&) override {}
  void log(const Json& line) override {
    const std::lock_guard lock(mutex_);
    logged.push_back(line);
  }
  void warn(std::string message) override {
    const std::lock_guard lock(mutex_);
    warnings.push_back(std::move(message));
  }
  void note(std::string message) override {
    const std::lock_guard lock(mutex_);
    notes.push_back(std::move(message));
  }
  std::optional<cli::State> resume_from() override { return state; }
  void save(const cli::State& saved) override { state = saved; }
  [[noreturn]] void interrupted() override { throw Error(ExitCode::interrupted, "this run was interrupted"); }
  cli::RunDirectory* directory() override { return folder; }
  std::ostream& product() override { return product_; }
  std::uint64_t seed() const override { return seed_; }
  int threads() const override { return threads_; }
  const std::string& device() const override { return device_; }
  bool verbose() const override { return false; }
  const Json& config() const override { return config_; }

  std::vector<Json> logged;
  std::vector<std::string> notes, warnings;
  std::optional<cli::State> state;
  cli::RunDirectory* folder = nullptr;

 protected:
  std::recursive_mutex mutex_;

 private:
  std::uint64_t seed_;
  int threads_;
  std::string device_ = "cpu";
  Json config_ = Json::object();
  std::ostringstream product_;
};

}  // namespace tenfold::test
