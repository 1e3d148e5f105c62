// The run as a subcommand sees it: progress, log, interruption, saved state, the run directory, the product stream.
// All virtual, because a run crosses as a reference into a tool's LibTorch part, where statics exist a second time.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>

#include "base/progress.h"
#include "data/json.h"

namespace tenfold::cli {

struct State;  // cli/state.h

// The folder a run writes. Paths are relative to it and use '/'. What is written or claimed stands in manifest.json.
class RunDirectory {
 public:
  virtual ~RunDirectory() = default;

  virtual const std::filesystem::path& path() const = 0;

  // Registers a file that the tool writes itself ("chains/chain-1.csv"), makes its folder, and returns its full path.
  // The tool keeps it consistent over interruptions: on resume the file is there as it was left.
  virtual std::filesystem::path claim(std::string_view relative) = 0;

  // Writes a whole file atomically and registers it.
  virtual void write(std::string_view relative, std::string_view bytes) = 0;
};

class Run {
 public:
  virtual ~Run() = default;

  // True from the first SIGINT or SIGTERM, or from the step that TENFOLD_STOP_AFTER names. Then save() and interrupted().
  virtual bool stop() = 0;

  // Reports and counts a step. Callable from any thread. A loop calls it once per unit of work that it can stop after.
  virtual void step(const Progress& progress) = 0;

  // Appends a line to log.jsonl (nothing without a run directory). Callable from any thread.
  virtual void log(const Json& line) = 0;

  // Said on stderr and listed in the result's warnings, once for equal messages. Callable from any thread.
  virtual void warn(std::string message) = 0;

  // Said on stderr unless -q.
  virtual void note(std::string message) = 0;

  // The state that a former run saved, under --resume; else empty. Throws Error (exit 3) when it does not read.
  virtual std::optional<State> resume_from() = 0;

  // Keeps the state atomically: after a crash at any moment either the old or the new one is there, whole. What log() has
  // written so far belongs to it: a resumed run cuts log.jsonl back to here. Not callable from two threads at once.
  virtual void save(const State& state) = 0;

  // Leaves with exit 130 and a line that says how to go on; call after save().
  [[noreturn]] virtual void interrupted() = 0;

  // Null when the subcommand has no run directory.
  virtual RunDirectory* directory() = 0;

  // Where a product goes: -o FILE (written whole or not at all) or standard output.
  virtual std::ostream& product() = 0;

  virtual std::uint64_t seed() const = 0;          // --seed
  virtual int threads() const = 0;                 // --threads, at least 1
  virtual const std::string& device() const = 0;   // --device: "auto", "cpu", "cuda", "cuda:1"
  virtual bool verbose() const = 0;                // -v
  virtual const Json& config() const = 0;          // the effective configuration
};

}  // namespace tenfold::cli
