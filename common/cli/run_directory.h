// The run directory on disk: who may use it, what a former run wrote there, and how a state is kept and read back.
#pragma once

#include <cstdint>
#include <filesystem>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "cli/run.h"

namespace tenfold::cli {

// What to do about a directory that is not empty.
enum class Reuse { refuse, resume, force };

// What manifest.json says of the run that wrote the directory.
struct RunIdentity {
  std::string tool;
  std::string subcommand;
};

// The first of <tool>-run, <tool>-run-2, ... in the working directory that does not exist or is empty.
std::filesystem::path free_run_directory(std::string_view tool);

// The config.json of a run directory. Throws Error: exit 3 when there is none, it does not read, or the run was another
// tool's or subcommand's.
Json recorded_config(const std::filesystem::path& path, const RunIdentity& identity);

// A run directory in use. Opening checks and locks it but writes nothing into one that a former run left; begin() does.
class DiskRunDirectory final : public RunDirectory {
 public:
  // Throws Error: exit 2 when it is in use or not empty (Reuse::refuse), or not a directory; 3 when Reuse::resume finds
  // nothing to resume; 5 when it cannot be made.
  DiskRunDirectory(std::filesystem::path path, RunIdentity identity, Reuse reuse);
  ~DiskRunDirectory() override;
  DiskRunDirectory(const DiskRunDirectory&) = delete;
  DiskRunDirectory& operator=(const DiskRunDirectory&) = delete;

  // Deletes what a former run's manifest lists (Reuse::force), then writes config.json and the manifest. Once; any writing
  // call makes it first, so that a run which fails on its input has touched nothing.
  void begin(const Json& config);
  bool begun() const { return begun_; }

  const std::filesystem::path& path() const override { return path_; }
  std::filesystem::path claim(std::string_view relative) override;
  void write(std::string_view relative, std::string_view bytes) override;

  void append_log(std::string_view line);  // one line, newline added; flushed at save_state and finish

  void save_state(const State& state);
  std::optional<State> load_state();  // also cuts log.jsonl back to where the state left it

  // Removes everything this run wrote, and the directory if the run made it; for a run that failed before it saved a state.
  void abandon();
  bool has_state() const { return has_state_; }

  void set_config(const Json* config) { config_ = config; }

 private:
  void write_manifest();
  void ensure_begun();
  void register_file(const std::string& relative);
  void delete_listed();

  std::filesystem::path path_;
  RunIdentity identity_;
  Reuse reuse_;
  const Json* config_ = nullptr;  // what begin() writes when a writing call comes first
  std::set<std::string> files_;
  std::mutex mutex_;
  int directory_fd_ = -1;   // holds the lock
  int log_fd_ = -1;
  bool made_directory_ = false;
  bool begun_ = false;
  bool has_state_ = false;
};

}  // namespace tenfold::cli
