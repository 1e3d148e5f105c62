// A run without directory, messages and interruption: for what a subcommand's inner functions ask of it.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "cli/run.h"
#include "cli/state.h"

namespace tenfold::hmc_marg::testing {

class QuietRun final : public cli::Run {
 public:
  explicit QuietRun(std::uint64_t seed = 1, int threads = 2) : seed_(seed), threads_(threads) {}

  bool stop() override { return false; }
  void step(const Progress&) override {}
  void log(const Json&) override {}
  void warn(std::string message) override { warnings.push_back(std::move(message)); }
  void note(std::string) override {}
  std::optional<cli::State> resume_from() override { return std::nullopt; }
  void save(const cli::State&) override {}
  [[noreturn]] void interrupted() override { throw std::logic_error("a quiet run is not interrupted"); }
  cli::RunDirectory* directory() override { return nullptr; }
  std::ostream& product() override { return product_; }
  std::uint64_t seed() const override { return seed_; }
  int threads() const override { return threads_; }
  const std::string& device() const override { return device_; }
  bool verbose() const override { return false; }
  const Json& config() const override { return config_; }

  std::vector<std::string> warnings;

 private:
  std::uint64_t seed_;
  int threads_;
  std::string device_ = "cpu";
  Json config_ = Json::object();
  std::ostringstream product_;
};

}  // namespace tenfold::hmc_marg::testing
