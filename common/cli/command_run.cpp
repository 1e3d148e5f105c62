#include "cli/command_run.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/stop.h"

namespace tenfold::cli {

std::string shell_quoted(const std::string& argument) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("-_./:=,+@%").find(c) != std::string_view::npos;
  };
  if (!argument.empty() && std::all_of(argument.begin(), argument.end(), plain)) return argument;
  std::string out = "'";
  for (const char c : argument) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

CommandRun::CommandRun(RunFacts facts, const Log& log, ProgressReporter& progress, std::unique_ptr<DiskRunDirectory> directory)
    : facts_(std::move(facts)),
      log_(log),
      progress_(progress),
      directory_(std::move(directory)),
      resumes_(facts_.shared->resume) {}

CommandRun::~CommandRun() = default;

bool CommandRun::stop() { return stop_requested(); }

void CommandRun::step(const Progress& progress) {
  count_step();
  progress_.show(progress);
}

void CommandRun::log(const Json& line) {
  if (directory_) directory_->append_log(data::dump_json(line));
}

void CommandRun::warn(std::string message) {
  {
    const std::lock_guard guard(mutex_);
    if (std::find(warnings_.begin(), warnings_.end(), message) != warnings_.end()) return;
    warnings_.push_back(message);
  }
  log_.warning(message);
}

void CommandRun::note(std::string message) { log_.info(message); }

std::optional<State> CommandRun::resume_from() {
  if (!directory_ || !resumes_) return std::nullopt;
  std::optional<State> state = directory_->load_state();
  if (!state) note("the run in " + directory_->path().string() + " had saved nothing yet; it begins anew");
  return state;
}

void CommandRun::save(const State& state) {
  if (directory_) directory_->save_state(state);
}

void CommandRun::interrupted() {
  std::string message = kInterrupted;
  if (directory_ && facts_.traits->resumable) {
    directory_->begin();
    message += "; `" + facts_.command + " --resume --out " + shell_quoted(directory_->path().string()) + "` goes on";
  }
  throw Error(ExitCode::interrupted, message);
}

std::ostream& CommandRun::product() {
  if (!product_) {
    const bool directory = facts_.traits->run_directory;
    product_ = std::make_unique<ProductStream>(directory ? std::nullopt : facts_.shared->out);
  }
  return product_->stream();
}

void CommandRun::commit_product() {
  product();
  product_->commit();
}

std::vector<std::string> CommandRun::warnings() const {
  const std::lock_guard guard(mutex_);
  return warnings_;
}

}  // namespace tenfold::cli
