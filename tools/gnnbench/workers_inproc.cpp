#include "gnnbench/workers_inproc.h"

#include <algorithm>
#include <exception>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <thread>
#include <vector>

#include "base/error.h"
#include "cli/state.h"
#include "gnnbench/transport_inproc.h"

namespace tenfold::gnnbench {
namespace {

// One worker's view of the run.
class WorkerView final : public cli::Run {
 public:
  WorkerView(cli::Run& run, int rank, int threads) : run_(run), first_(rank == 0), threads_(threads) {}

  bool stop() override { return run_.stop(); }
  void step(const Progress& progress) override {
    if (first_) run_.step(progress);
  }
  void log(const Json& line) override {
    if (first_) run_.log(line);
  }
  void warn(std::string message) override {
    if (first_) run_.warn(std::move(message));
  }
  void note(std::string message) override {
    if (first_) run_.note(std::move(message));
  }
  std::optional<cli::State> resume_from() override { return first_ ? run_.resume_from() : state; }
  void save(const cli::State& state) override {
    if (first_) run_.save(state);
  }
  // Leaving is done by the thread that has the run.
  [[noreturn]] void interrupted() override { throw Error(ExitCode::interrupted, "interrupted"); }
  cli::RunDirectory* directory() override { return first_ ? run_.directory() : nullptr; }
  std::ostream& product() override { return nowhere_; }
  std::uint64_t seed() const override { return run_.seed(); }
  int threads() const override { return threads_; }
  const std::string& device() const override { return run_.device(); }
  bool verbose() const override { return run_.verbose(); }
  const Json& config() const override { return run_.config(); }

  std::optional<cli::State> state;  // of the other ranks

 private:
  cli::Run& run_;
  bool first_;
  int threads_;
  std::ostringstream nowhere_;
};

// Whether the error only says that another worker has gone.
bool lost_peer(const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const Error& error) {
    return error.exit_code() == ExitCode::machine;
  } catch (...) {
    return false;
  }
}

}  // namespace

Json run_inproc(int workers, cli::Run& run, const std::function<Json(Transport&, cli::Run&)>& body) {
  std::vector<std::unique_ptr<Transport>> transports = make_inproc(workers);
  const std::optional<cli::State> state = run.resume_from();
  const auto count = static_cast<std::size_t>(workers);
  std::vector<std::exception_ptr> failures(count);
  Json answer;
  std::vector<std::thread> threads;
  const int share = std::max(1, run.threads() / workers);
  for (std::size_t rank = 0; rank < count; ++rank)
    threads.emplace_back([&, rank] {
      try {
        WorkerView view(run, static_cast<int>(rank), share);
        view.state = state;
        Json value = body(*transports[rank], view);
        if (rank == 0) answer = std::move(value);
      } catch (...) {
        failures[rank] = std::current_exception();
      }
      transports[rank].reset();  // peers that still wait for this worker are told
    });
  for (std::thread& thread : threads) thread.join();
  std::exception_ptr worst;
  for (const std::exception_ptr& failure : failures)
    if (failure && (!worst || (lost_peer(worst) && !lost_peer(failure)))) worst = failure;
  if (!worst) return answer;
  try {
    std::rethrow_exception(worst);
  } catch (const Error& error) {
    if (error.exit_code() == ExitCode::interrupted) run.interrupted();
    throw;
  }
}

}  // namespace tenfold::gnnbench
