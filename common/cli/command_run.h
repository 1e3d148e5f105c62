// The run of one subcommand from the shell: cli::Run over a run directory, standard error and the stop flag.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/log.h"
#include "cli/product_stream.h"
#include "cli/run.h"
#include "cli/run_directory.h"
#include "cli/shared_options.h"
#include "cli/state.h"

namespace tenfold::cli {

struct RunFacts {
  std::string command;  // "hmc-marg sample", as typed to start it
  const SharedOptions* shared = nullptr;
  const Json* config = nullptr;
  const Traits* traits = nullptr;
};

class CommandRun final : public Run {
 public:
  CommandRun(RunFacts facts, const Log& log, ProgressReporter& progress, std::unique_ptr<DiskRunDirectory> directory);
  ~CommandRun() override;

  bool stop() override;
  void step(const Progress& progress) override;
  void log(const Json& line) override;
  void warn(std::string message) override;
  void note(std::string message) override;
  std::optional<State> resume_from() override;
  void save(const State& state) override;
  [[noreturn]] void interrupted() override;
  RunDirectory* directory() override { return directory_.get(); }
  std::ostream& product() override;
  std::uint64_t seed() const override { return facts_.shared->seed; }
  int threads() const override { return facts_.shared->threads; }
  const std::string& device() const override { return facts_.shared->device; }
  bool verbose() const override { return facts_.shared->verbose; }
  const Json& config() const override { return *facts_.config; }

  DiskRunDirectory* disk() { return directory_.get(); }
  std::vector<std::string> warnings() const;
  void commit_product();

 private:
  RunFacts facts_;
  const Log& log_;
  ProgressReporter& progress_;
  std::unique_ptr<DiskRunDirectory> directory_;
  std::unique_ptr<ProductStream> product_;
  std::vector<std::string> warnings_;
  mutable std::mutex mutex_;
  bool resumes_;
};

// An argument as a shell takes it: quoted where it must be.
std::string shell_quoted(const std::string& argument);

}  // namespace tenfold::cli
