#include "gnnbench/compare_runs.h"

#include <signal.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <string_view>

#include <fmt/format.h>

#include "base/error.h"
#include "base/process.h"
#include "cli/state.h"
#include "data/json_reader.h"

namespace tenfold::gnnbench {
namespace fs = std::filesystem;
namespace {

constexpr double kLookEvery = 0.2;       // seconds between looks at the stop flag
constexpr const char* kParts = "parts";  // METIS's answers, which all seeds share

struct Ended {
  int exit_code = 0;
  std::string message;  // of its error line
};

// What earlier processes of this comparison finished, by folder.
using Done = std::map<std::string, Ended>;

Done restore(const std::optional<cli::State>& state) {
  Done done;
  if (!state) return done;
  try {
    for (const auto& [folder, entry] : state->json.at("done").items())
      done[folder] = {.exit_code = entry.at("exit_code").get<int>(), .message = entry.at("message").get<std::string>()};
  } catch (const Json::exception&) {
    input_error("checkpoint/state.json: not a comparison's state; start another run");
  }
  return done;
}

void save(const Done& done, cli::Run& run) {
  Json entries = Json::object();
  for (const auto& [folder, ended] : done) entries[folder] = {{"exit_code", ended.exit_code}, {"message", ended.message}};
  run.save({.json = {{"done", entries}}, .blobs = {}});
}

std::vector<std::string> command_of(const PlannedRun& planned, const ChildSetting& setting, bool resumed, const cli::Run& run,
                                    const fs::path& root) {
  const fs::path program = setting.program.empty() ? fs::read_symlink("/proc/self/exe") : setting.program;
  std::vector<std::string> words = {program.string(), "train",  setting.data.string(),       "--system",
                                    planned.text,     "--seed", std::to_string(planned.seed)};
  words.insert(words.end(), planned.arguments.begin(), planned.arguments.end());
  words.insert(words.end(), {"--threads", std::to_string(run.threads()), "--device", run.device(), "--partition-cache", kParts,
                             "--out", planned.folder, "--quiet", "--progress", "none"});
  // A folder that a run began: this comparison's own is gone on with, one that lay there before is made anew.
  if (fs::exists(root / planned.folder / "manifest.json")) words.emplace_back(resumed ? "--resume" : "--force");
  return words;
}

// Starts the child and waits for its end, passing a stop request on once.
Ended run_child(const std::vector<std::string>& words, const fs::path& root, cli::Run& run) {
  ProcessCommand command{.arguments = words};
  command.environment["TENFOLD_STOP_AFTER"] = std::nullopt;  // counts our steps, not the child's
  command.directory = root;
  command.output = ProcessCommand::Stream::null;
  command.signal_when_orphaned = SIGINT;
  ChildProcess child(command);
  bool told = false;
  Ended ended;
  for (;;) {
    const ProcessEvent event = child.next(kLookEvery);
    if (event.kind == ProcessEvent::Kind::ended) break;
    if (event.kind == ProcessEvent::Kind::error) {
      const std::string_view mark = "gnnbench: error: ";
      if (event.line.starts_with(mark)) ended.message = event.line.substr(mark.size());
    }
    if (run.stop() && !told) {
      child.signal(SIGINT);
      told = true;
    }
  }
  const ProcessStatus status = *child.status();
  ended.exit_code = status.signal != 0 ? static_cast<int>(ExitCode::machine) : status.code;
  if (status.signal != 0) ended.message = fmt::format("ended by signal {} ({})", status.signal, strsignal(status.signal));
  return ended;
}

// The child's files count as ours, so that --force removes them, too.
void claim_files(const fs::path& folder, cli::RunDirectory& directory) {
  std::error_code error;
  std::vector<std::string> files;
  for (fs::recursive_directory_iterator it(directory.path() / folder, error), end; !error && it != end; it.increment(error))
    if (it->is_regular_file(error) && it->path().filename().string().find(".tmp-") == std::string::npos)
      files.push_back(it->path().lexically_relative(directory.path()).generic_string());
  std::sort(files.begin(), files.end());
  for (const std::string& file : files) directory.claim(file);
}

RunRecord record_of(const PlannedRun& planned, const fs::path& root) {
  RunRecord record = read_run(root / planned.folder);
  record.system = planned.system;
  record.text = planned.text;
  record.folder = planned.folder;
  return record;
}

// What several runs warn of alike stands once.
void take_warnings(const PlannedRun& planned, const fs::path& root, FinishedRuns& out) {
  const data::JsonValue envelope = data::read_json(root / planned.folder / "result.json");
  const data::JsonValue* warnings = envelope.find("warnings");
  if (!warnings) return;
  for (const data::JsonValue& warning : warnings->array()) {
    const std::string text = warning.string();
    auto found = std::find_if(out.warnings.begin(), out.warnings.end(), [&](const auto& entry) { return entry.first == text; });
    if (found == out.warnings.end()) found = out.warnings.insert(out.warnings.end(), {text, {}});
    if (std::find(found->second.begin(), found->second.end(), planned.system) == found->second.end())
      found->second.push_back(planned.system);
  }
}

}  // namespace

FinishedRuns run_children(const ComparisonPlan& plan, const ChildSetting& setting, cli::Run& run) {
  cli::RunDirectory& directory = *run.directory();
  const fs::path root = fs::absolute(directory.path());
  const std::optional<cli::State> state = run.resume_from();
  Done done = restore(state);
  double count = static_cast<double>(done.size());
  for (const PlannedRun& planned : plan.runs) {
    if (done.contains(planned.folder)) continue;
    directory.claim(planned.folder + "/manifest.json");  // makes the folders above it
    const Ended ended = run_child(command_of(planned, setting, state.has_value(), run, root), root, run);
    claim_files(planned.folder, directory);
    claim_files(kParts, directory);
    const std::string who = fmt::format("{} with seed {}: ", planned.system, planned.seed);
    if (ended.exit_code == static_cast<int>(ExitCode::interrupted)) {
      save(done, run);
      run.interrupted();
    }
    if (ended.exit_code == static_cast<int>(ExitCode::usage) || ended.exit_code == static_cast<int>(ExitCode::input))
      throw Error(static_cast<ExitCode>(ended.exit_code), who + ended.message);
    if (ended.exit_code != 0 && ended.exit_code != static_cast<int>(ExitCode::infeasible)) {
      save(done, run);
      // The child's own way to go on is not the comparison's.
      const std::string what = ended.message.substr(0, ended.message.find("; --resume"));
      machine_error(fmt::format("{}{}; --resume --out {} goes on", who,
                                what.empty() ? fmt::format("ended with exit code {}", ended.exit_code) : what,
                                directory.path().string()));
    }
    if (ended.exit_code != 0) run.warn(who + ended.message);
    done[planned.folder] = ended;
    run.log({{"what", "run"},
             {"system", planned.system},
             {"seed", planned.seed},
             {"folder", planned.folder},
             {"exit_code", ended.exit_code}});
    save(done, run);
    run.step({.what = "comparing",
              .done = ++count,
              .total = static_cast<double>(plan.runs.size()),
              .unit = "runs",
              .note = fmt::format("{}, seed {}", planned.system, planned.seed)});
    if (run.stop() && done.size() < plan.runs.size()) run.interrupted();
  }
  FinishedRuns out;
  for (const PlannedRun& planned : plan.runs) {
    const Ended& ended = done.at(planned.folder);
    if (ended.exit_code == 0) {
      out.records.push_back(record_of(planned, root));
      take_warnings(planned, root, out);
      continue;
    }
    out.failed.push_back(
        {.system = planned.system, .seed = planned.seed, .exit_code = ended.exit_code, .message = ended.message});
  }
  return out;
}

}  // namespace tenfold::gnnbench
