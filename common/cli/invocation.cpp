#include "cli/invocation.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "base/error.h"
#include "base/files.h"
#include "base/log.h"
#include "base/progress.h"
#include "base/stop.h"
#include "cli/command_run.h"
#include "cli/config.h"
#include "cli/envelope.h"
#include "cli/help.h"
#include "cli/parse.h"
#include "cli/run_report.h"
#include "cli/shared_options.h"
#include "cli/standard_output.h"
#include "data/json_reader.h"

namespace tenfold::cli {
namespace {

struct Invocation {
  const Tool& tool;
  const Subcommand& subcommand;
  const std::vector<std::string>& words;
  std::unique_ptr<BoundSubcommand> bound = subcommand.bind();
  SharedOptions shared = {};
  OptionTable shared_table = {};
  std::unique_ptr<DiskRunDirectory> directory = nullptr;
  Json config = nullptr;
  std::string started_at = rfc3339_now();
  double started_wall_s = wall_s();

  std::string command() const { return tool.name + " " + subcommand.name; }
  Tables tables() { return {&bound->table, &shared_table}; }
};

// A table that names two options alike, or takes a shared option's name, is a fault of the tool; found by its first run.
void check_table(Invocation& in) {
  for (const OptionSpec& spec : in.bound->table.specs()) {
    const auto same = [&](const OptionSpec& other) {
      return other.name == spec.name || (!spec.short_name.empty() && other.short_name == spec.short_name);
    };
    const auto& own = in.bound->table.specs();
    const auto& shared = in.shared_table.specs();
    if (std::count_if(own.begin(), own.end(), same) + std::count_if(shared.begin(), shared.end(), same) != 1)
      machine_error("a fault of this program: two options of " + in.command() + " are called " + spec.name);
  }
}

std::vector<std::string> arguments(const Invocation& in) {
  const auto skip = 1 + std::count(in.subcommand.name.begin(), in.subcommand.name.end(), ' ');
  return {in.words.begin() + skip, in.words.end()};
}

// True when one of the options that print and stop was given.
bool print_and_stop(Invocation& in, const std::vector<TypedOption>& typed) {
  const auto given = [&](const char* name) {
    return std::any_of(typed.begin(), typed.end(),
                       [&](const TypedOption& o) { return o.spec->name == name && o.spec == in.shared_table.find(name); });
  };
  if (given("help"))
    write_standard_output(subcommand_help(in.tool, in.subcommand));
  else if (given("version"))
    write_standard_output(version_text(in.tool));
  else if (given("describe"))
    write_standard_output(data::dump_json(describe_tool(in.tool), 2) + "\n");
  else
    return false;
  return true;
}

std::string first_example(const Invocation& in) {
  return in.subcommand.traits.examples.empty() ? in.command() + " --help" : in.subcommand.traits.examples.front();
}

// Inputs that were not named: their default, or exit 2 with an example. Returns what to say about defaults.
std::vector<std::string> fill_inputs(Invocation& in) {
  std::vector<std::string> notes;
  for (OptionSpec& spec : in.bound->table.specs()) {
    if (!spec.input) continue;
    const Json value = option_value(spec);
    if (!value.is_null() && value != "" && !(value.is_array() && value.empty())) continue;
    if (spec.required) usage_error(spec.value_name + ": no input named; for example: " + first_example(in));
    if (spec.default_input.empty()) continue;
    set_option(spec, std::vector<std::string>{spec.default_input}, spec.value_name);
    notes.push_back("no " + spec.value_name + " named: this is " + spec.default_input);
  }
  return notes;
}

// Defaults, then the resumed run's config.json, then --config, then what was typed.
void configure(Invocation& in, const std::vector<TypedOption>& typed) {
  apply_typed(typed);  // first for --config, --out, --resume, --force; and again at the end, to win
  const bool resume = in.shared.resume;
  if (resume && in.shared.force) usage_error("--resume and --force exclude each other; give one of them");
  const std::optional<std::string> config_file = in.shared.config;
  Json recorded;
  if (resume) {
    if (!in.shared.out) usage_error("--resume: which run? name its directory with --out");
    in.directory = open_run_directory(in.shared.out, {in.tool.name, in.subcommand.name}, Reuse::resume);
    recorded = in.directory->recorded_config();
    apply_recorded_config(recorded, (in.directory->path() / "config.json").string(), in.tables());
  }
  if (config_file) apply_config_file(*config_file, in.tables());
  apply_typed(typed);
  if (resume) check_identity(recorded, in.tables(), in.directory->path().string());
  if (in.subcommand.traits.torch) check_device(in.shared.device);
}

ProgressMode progress_mode(const SharedOptions& shared) {
  if (shared.quiet || shared.progress == "none") return ProgressMode::none;
  return shared.progress == "plain" ? ProgressMode::plain : ProgressMode::automatic;
}

// The line that does this run again: as typed, or for a resumed run, whose line says nothing, from what the directory holds.
std::string reproducing_command(const Invocation& in) {
  if (in.shared.resume) return in.command() + " --config " + shell_quoted(*in.shared.out + "/config.json");
  std::string out = in.tool.name;
  for (const std::string& word : in.words)
    if (word != "--force") out += " " + shell_quoted(word);
  return out;
}

std::string json_text(const Json& envelope) { return data::dump_json(envelope, 2) + "\n"; }

void print_result(const Invocation& in, const std::string& human, const Json& envelope) {
  const std::string& format = in.shared.format;
  const bool people = format == "human" || (format == "auto" && standard_output_is_terminal());
  if (!people || human.empty())
    write_standard_output(json_text(envelope));
  else
    write_standard_output(human.ends_with('\n') ? human : human + "\n");
}

Json envelope_of(const Invocation& in, Result& result, const std::vector<std::string>& warnings) {
  EnvelopeFacts facts;
  facts.schema = schema_name(in.tool, in.subcommand);
  facts.argv = {in.tool.name};
  facts.argv.insert(facts.argv.end(), in.words.begin(), in.words.end());
  if (in.subcommand.traits.random) facts.seed = in.shared.seed;
  facts.threads = in.subcommand.traits.threads ? in.shared.threads : 1;
  facts.started_at = in.started_at;
  facts.elapsed_s = wall_s() - in.started_wall_s;
  facts.cpu_s = process_cpu_s() + children_cpu_s();  // workers and runs of a comparison are processes of their own
  return make_envelope(facts, in.config, std::move(result.value), warnings);
}

int deliver(Invocation& in, CommandRun& run, Result result, const Log& log) {
  const bool product = !in.subcommand.traits.product.empty();
  const Json envelope = envelope_of(in, result, run.warnings());
  for (std::size_t i = run.warnings().size(); i < envelope["warnings"].size(); ++i)
    log.warning(envelope["warnings"][i].get<std::string>());
  if (DiskRunDirectory* directory = run.disk()) {
    write_report(*directory, in.tool, in.subcommand, result, envelope, reproducing_command(in));
    directory->write("result.json", json_text(envelope));
    directory->finish(result.exit_code);
    if (!in.shared.out) log.info("the run is in " + directory->path().string());
  }
  if (product) {
    run.commit_product();
    return result.exit_code;
  }
  if (in.shared.append) append_line_locked(*in.shared.append, data::dump_json(envelope));
  print_result(in, result.human, envelope);
  return result.exit_code;
}

// A run that failed leaves nothing behind, unless there is a state to go on from, or the run is complete and only its result
// found nobody to read it.
void abandon_unless_saved(const Invocation& in, CommandRun& run) {
  if (run.disk() && !run.disk()->has_state() && !run.disk()->finished() && !in.shared.resume) run.disk()->abandon();
}

// A run directory that is complete: its result once more.
int deliver_again(const Invocation& in, DiskRunDirectory& directory, const Log& log) {
  const int exit_code = *directory.finished();
  directory.finish(exit_code);  // the run may have been killed while it tidied up
  log.info("the run in " + directory.path().string() + " is complete; this is its result");
  if (!in.subcommand.traits.product.empty()) return exit_code;
  const std::string file = (directory.path() / "result.json").string();
  if (in.shared.append) append_line_locked(*in.shared.append, data::dump_json(data::to_json(data::read_json(file))));
  write_standard_output(read_file(file));
  return exit_code;
}

}  // namespace

int invoke(const Tool& tool, const Subcommand& subcommand, const std::vector<std::string>& words) {
  Invocation in{.tool = tool, .subcommand = subcommand, .words = words};
  describe(in.shared, subcommand.traits, in.shared_table);
  check_table(in);
  const std::vector<TypedOption> typed = parse_arguments(arguments(in), in.tables(), "`" + in.command() + " --help`");
  if (print_and_stop(in, typed)) return 0;
  configure(in, typed);
  const std::vector<std::string> notes = fill_inputs(in);
  in.config = effective_config(in.tables());
  if (in.shared.dump_config) {
    write_standard_output(data::dump_json(in.config, 2) + "\n");
    return 0;
  }

  ProgressReporter progress(progress_mode(in.shared));
  const Verbosity verbosity = in.shared.quiet ? Verbosity::quiet : in.shared.verbose ? Verbosity::verbose : Verbosity::normal;
  const Log log(tool.name, verbosity, &progress);
  install_stop_signals();
  if (subcommand.traits.run_directory && !in.directory)
    in.directory =
        open_run_directory(in.shared.out, {tool.name, subcommand.name}, in.shared.force ? Reuse::force : Reuse::refuse);
  if (in.directory) {
    in.directory->set_config(json_text(in.config));
    if (in.directory->finished() && in.shared.resume) return deliver_again(in, *in.directory, log);
  }

  for (const std::string& note : notes) log.info(note);
  CommandRun run({.command = in.command(), .shared = &in.shared, .config = &in.config, .traits = &subcommand.traits}, log,
                 progress, std::move(in.directory));
  try {
    Result result = in.bound->invoke(run);
    progress.clear();
    return deliver(in, run, std::move(result), log);
  } catch (const Error& error) {
    progress.clear();
    const bool can_go_on = error.exit_code() == ExitCode::interrupted && subcommand.traits.resumable;
    if (!can_go_on) abandon_unless_saved(in, run);
    if (can_go_on && error.message() == kInterrupted)
      run.interrupted();  // by leave_if_stopped(): how to go on is still to be said
    throw;
  } catch (...) {
    progress.clear();
    abandon_unless_saved(in, run);
    throw;
  }
}

}  // namespace tenfold::cli
