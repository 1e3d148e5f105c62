// The run directory on disk: who may use it, what a former run wrote there, and how a state is kept and read back.
//
// Beside what the tool writes it holds config.json, log.jsonl, manifest.json, and while the run is unfinished checkpoint/:
// state.json, and the blobs of the state in checkpoint/0 or checkpoint/1 in turn. state.json says which of the two, and is
// replaced last, so that a crash at any moment leaves one whole state. A finished run has no state left.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "cli/run.h"
#include "data/json.h"

namespace tenfold::cli {

// What to do about a directory that is not empty.
enum class Reuse { refuse, resume, force };

// Whose run it is; manifest.json says so.
struct RunIdentity {
  std::string tool;
  std::string subcommand;
};

// A run directory in use: locked from the constructor on. What a former run left is untouched until begin().
class DiskRunDirectory final : public RunDirectory {
 public:
  // Throws Error: exit 2 when it is in use, or not empty (Reuse::refuse), or no run wrote it (Reuse::force), or no directory;
  // exit 3 when Reuse::resume finds nothing to resume or another subcommand's run; exit 5 when it cannot be made.
  DiskRunDirectory(std::filesystem::path path, RunIdentity identity, Reuse reuse);
  ~DiskRunDirectory() override;
  DiskRunDirectory(const DiskRunDirectory&) = delete;
  DiskRunDirectory& operator=(const DiskRunDirectory&) = delete;

  const std::filesystem::path& path() const override { return path_; }
  std::filesystem::path claim(std::string_view relative) override;
  void write(std::string_view relative, std::string_view bytes) override;

  // The configuration of the run being resumed. Throws Error, exit 3, when it does not read.
  Json recorded_config() const;
  // The exit code of a run that is complete, when resumed.
  std::optional<int> finished() const { return finished_; }

  // Deletes what the former run's manifest lists (Reuse::force) and writes config.json. Called by the first call that writes,
  // so that a run which fails on its input has touched nothing; set_config() comes before.
  void begin();
  void set_config(std::string config) { config_ = std::move(config); }

  void append_log(std::string_view line);  // a line feed is added
  void save_state(const State& state);
  bool has_state() const { return has_state_; }
  // Also cuts log.jsonl back to where the state left it. Empty when none was saved. Throws Error, exit 3, when it does not read.
  std::optional<State> load_state();

  // The run is complete: its state goes, and what a killed process was writing. Again after a kill in here: the rest goes.
  void finish(int exit_code);
  // Removes everything that this run wrote, and the directory if the run made it.
  void abandon();

 private:
  void open_or_make(Reuse reuse);
  void lock();
  void read_manifest();
  void write_manifest() const;
  void register_file(const std::string& relative);
  void remove_listed(const std::string& prefix);
  void remove_unfinished() const;
  void begin_locked();
  void write_locked(const std::string& relative, std::string_view bytes);

  std::filesystem::path path_;
  RunIdentity identity_;
  Reuse reuse_;
  std::string config_ = "{}\n";
  std::set<std::string> files_;  // relative, as manifest.json lists them
  std::vector<std::filesystem::path> made_;  // directories that the constructor made, outermost first
  std::optional<int> finished_;
  mutable std::mutex mutex_;
  int directory_fd_ = -1;  // holds the lock
  bool locked_ = false;
  int log_fd_ = -1;
  int slot_ = 0;  // where the last state lies
  bool begun_ = false;
  bool has_state_ = false;
};

// Opens the directory named, or without a name the first of <tool>-run, <tool>-run-2, ... that is free.
std::unique_ptr<DiskRunDirectory> open_run_directory(const std::optional<std::string>& name, const RunIdentity& identity,
                                                     Reuse reuse);

}  // namespace tenfold::cli
