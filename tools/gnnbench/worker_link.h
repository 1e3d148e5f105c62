// What crosses between the workers and the process that started them. Rank 0 sees the launcher's Run through two pipes: its
// log, state and files are written by the launcher, whose run directory stays as it would be with one worker. The other ranks'
// Run keeps quiet. All of it lies in a folder of the job:
//   job.json      what to do, written by the launcher
//   resume/       the saved state to go on from: state.json and a file a blob
//   calls         a named pipe, rank 0 to launcher: frames of {"do": ...} and bytes
//   answers       a named pipe back: {"ok": ...} or {"error": code, "message": ...}
//   heartbeats    a WorkerPulse a rank
//   error-R.json  why rank R failed
#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "cli/run.h"
#include "cli/state.h"
#include "data/json.h"

namespace tenfold::gnnbench {

// A message on a pipe: a line of JSON, then bytes.
struct Frame {
  Json head;
  std::string bytes;
};
std::string encode(const Json& head, std::string_view bytes);
// The frames that are whole, taken off the front of `buffer`. Throws Error(machine) for lengths that cannot be.
std::vector<Frame> take_frames(std::string& buffer);

void write_state(const std::filesystem::path& folder, const cli::State& state);
std::optional<cli::State> read_state(const std::filesystem::path& folder);  // nothing where the folder is not

// The Run of a worker process.
class WorkerRun final : public cli::Run {
 public:
  // job: job.json as read. Opens the pipes on rank 0. Throws Error(machine).
  WorkerRun(std::filesystem::path folder, const Json& job, int rank);
  ~WorkerRun() override;

  bool stop() override;
  void step(const Progress& progress) override;
  void log(const Json& line) override;
  void warn(std::string message) override;
  void note(std::string message) override;
  std::optional<cli::State> resume_from() override;
  void save(const cli::State& state) override;
  [[noreturn]] void interrupted() override;
  cli::RunDirectory* directory() override;
  std::ostream& product() override;
  std::uint64_t seed() const override;
  int threads() const override;
  const std::string& device() const override { return device_; }
  bool verbose() const override;
  const Json& config() const override;

  void result(const Json& value);  // rank 0's answer to the launcher
  void fail(const Error& error);   // writes error-R.json

 private:
  class Directory;
  void tell(const Json& head, std::string_view bytes = {});        // no answer
  Json ask(const Json& head, std::string_view bytes = {});         // throws what the launcher answers

  std::filesystem::path folder_;
  std::unique_ptr<Json> job_;
  int rank_;
  std::string device_ = "cpu";
  std::mutex mutex_;
  int calls_ = -1, answers_ = -1;
  std::string unread_;  // of answers
  std::unique_ptr<Directory> directory_;
};

// Serves one frame of rank 0 on the launcher's own Run. Returns the answer to be sent back; empty: none is expected. Throws what
// the Run throws where none is.
std::string serve(const Frame& frame, cli::Run& run, std::optional<Json>& result);

}  // namespace tenfold::gnnbench
