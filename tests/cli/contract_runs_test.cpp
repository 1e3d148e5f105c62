// The contract's second half: bad files, run directories, interruption and resumption, appending, a missing LibTorch part.
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <filesystem>
#include <sstream>

#include "cli/contract.h"

namespace tenfold::test {
namespace {

namespace fs = std::filesystem;

Launch in(const Scratch& scratch) { return {.directory = scratch.path().string(), .variables = {}, .input = ""}; }

Launch stopping_after(const Scratch& scratch, const std::string& steps) {
  return {.directory = scratch.path().string(), .variables = {{"TENFOLD_STOP_AFTER", steps}}, .input = ""};
}

std::string binary_bytes() {
  std::string bytes;
  for (int i = 0; i < 4096; ++i) bytes += static_cast<char>((i * 37 + i / 256) % 256);
  return bytes;
}

struct BadFile {
  std::string what;
  std::string path;
  bool may_pass;  // half a file can be a whole one
};

std::vector<BadFile> bad_files(const Scratch& scratch, const std::string& good) {
  std::string half = slurp(scratch.path() / good);
  half = half.empty() ? "{\"a\": [1, 2" : half.substr(0, half.size() / 2);
  return {{"missing", (scratch.path() / "no-such-file").string(), false},
          {"empty", scratch.file("empty", ""), false},
          {"binary", scratch.file("binary", binary_bytes()), false},
          {"a folder", scratch.path().string(), false},
          {"truncated", scratch.file("truncated", half), true}};
}

void check_bad_file(const ContractTool& tool, const ContractSubcommand& subcommand, const Scratch& scratch, Command command,
                    const BadFile& bad, const std::string& role) {
  const std::string where = place(tool, subcommand) + ", " + role + " " + bad.what;
  const std::string out = (scratch.path() / "must-not-appear").string();
  if (subcommand.option("out")) command = command.with("out", out);
  const Outcome outcome = run(command.arguments(tool, subcommand), in(scratch));
  const bool left_behind = fs::exists(out);
  fs::remove_all(out);
  if (bad.may_pass && (outcome.exit_code == 0 || outcome.exit_code == 1)) return;
  check_error(where, tool, outcome, 3);
  CHECK_MESSAGE(!left_behind, where << ": left its output behind");
}

TEST_CASE("contract: a missing, empty, truncated or binary file is one line and exit 3, and leaves nothing behind") {
  for_each_subcommand([](const ContractTool& tool, const ContractSubcommand& subcommand) {
    if (subcommand.is_demo()) return;
    const Scratch scratch;
    const Command base = base_command(tool, subcommand);
    if (!subcommand.table["inputs"].empty() && subcommand.table["inputs"][0]["stream"] == true) {
      for (const BadFile& bad : bad_files(scratch, base.inputs.empty() ? "" : base.inputs[0])) {
        Command command = base;
        command.inputs.resize(std::max<std::size_t>(command.inputs.size(), 1));
        command.inputs[0] = bad.path;
        check_bad_file(tool, subcommand, scratch, command, bad, subcommand.table["inputs"][0]["value"].get<std::string>());
      }
    }
    for (const Json& option : subcommand.table["options"]) {
      if (option["stream"] == false || option["shared"] == true) continue;
      const std::string name = option["name"].get<std::string>();
      std::string good;
      for (const auto& [given, value] : base.options)
        if (given == name) good = value;
      for (const BadFile& bad : bad_files(scratch, good))
        check_bad_file(tool, subcommand, scratch, base.with(name, bad.path), bad, "--" + name);
    }
  });
}

TEST_CASE("contract: a bad config file is one line and exit 2") {
  for_each_subcommand([](const ContractTool& tool, const ContractSubcommand& subcommand) {
    const Scratch scratch;
    for (const BadFile& bad : bad_files(scratch, "")) {
      const Outcome outcome =
          run(base_command(tool, subcommand).with("config", bad.path).arguments(tool, subcommand), in(scratch));
      check_error(place(tool, subcommand) + ", --config " + bad.what, tool, outcome, 2);
    }
  });
}

TEST_CASE("contract: a run directory that is not empty, not a run's or in use is refused and untouched") {
  for_each_subcommand([](const ContractTool& tool, const ContractSubcommand& subcommand) {
    if (!subcommand.trait("run_directory")) return;
    Scratch scratch;
    const std::string out = scratch.fresh("full");
    fs::create_directory(out);
    scratch.file(fs::path(out).filename().string() + "/keep.txt", "mine");
    const Command command = base_command(tool, subcommand).with("out", out);
    check_error(place(tool, subcommand) + " --out not empty", tool, run(command.arguments(tool, subcommand), in(scratch)), 2);
    check_error(place(tool, subcommand) + " --force on what no run wrote", tool,
                run(command.with("force", "").arguments(tool, subcommand), in(scratch)), 2);
    const std::map<std::string, std::string> untouched = {{"keep.txt", "mine"}};
    CHECK_MESSAGE(tree(out) == untouched, place(tool, subcommand) << ": touched a directory that it refused");
    const std::string busy = scratch.fresh("busy");
    fs::create_directory(busy);
    const int lock = open(busy.c_str(), O_RDONLY | O_DIRECTORY);
    REQUIRE(flock(lock, LOCK_EX | LOCK_NB) == 0);
    check_error(place(tool, subcommand) + " --out in use", tool,
                run(command.with("out", busy).arguments(tool, subcommand), in(scratch)), 2);
    close(lock);
  });
}

TEST_CASE("contract: --force deletes what a run wrote and nothing else") {
  for_each_subcommand([](const ContractTool& tool, const ContractSubcommand& subcommand) {
    if (!subcommand.trait("run_directory") || subcommand.is_demo()) return;
    Scratch scratch;
    const std::string out = scratch.fresh("run");
    const Command command = base_command(tool, subcommand).with("out", out);
    check_result(place(tool, subcommand), tool, subcommand, run(command.arguments(tool, subcommand), in(scratch)));
    const std::map<std::string, std::string> first = tree(out);
    for (const char* file : {"config.json", "result.json", "report.html", "manifest.json"})
      CHECK_MESSAGE(first.count(file) == 1, place(tool, subcommand) << ": the run directory lacks " << file);
    CHECK_MESSAGE(first.count("checkpoint/state.json") == 0, place(tool, subcommand) << ": a finished run kept its state");
    const Json manifest = Json::parse(slurp(fs::path(out) / "manifest.json"), nullptr, false);
    REQUIRE_MESSAGE(manifest.is_object(), place(tool, subcommand) << ": manifest.json does not parse");
    std::map<std::string, bool> listed;
    for (const Json& file : manifest["files"]) listed[file.get<std::string>()] = true;
    for (const auto& [file, bytes] : first)
      CHECK_MESSAGE(listed.count(file) == 1, place(tool, subcommand) << ": manifest.json does not list " << file);
    scratch.file(fs::path(out).filename().string() + "/keep.txt", "mine");
    check_result(place(tool, subcommand) + " --force", tool, subcommand,
                 run(command.with("force", "").arguments(tool, subcommand), in(scratch)));
    CHECK_MESSAGE(slurp(fs::path(out) / "keep.txt") == "mine", place(tool, subcommand)
                                                                   << ": --force deleted a file that is not the run's");
  });
}

bool tells_time_or_memory(const std::string& key) {
  for (const char* unit : {"_s", "_ns", "_bytes", "_per_s", "ns_per_gradient"})
    if (key.ends_with(unit)) return true;
  return false;
}

Json without_times(const Json& value) {
  if (value.is_array()) {
    Json out = Json::array();
    for (const Json& element : value) out.push_back(without_times(element));
    return out;
  }
  if (!value.is_object()) return value;
  Json out = Json::object();
  for (const auto& [key, member] : value.items())
    if (!tells_time_or_memory(key)) out[key] = without_times(member);
  return out;
}

// All members whose names end in _digest, in order.
std::string digests(const Json& value) {
  std::string out;
  if (!value.is_structured()) return out;
  for (const auto& [key, member] : value.items())
    out += value.is_object() && key.ends_with("_digest") ? key + " " + member.dump() + "\n" : digests(member);
  return out;
}

// Of a subcommand that measures times: which files there are, weights byte for byte, and the digests in results.
std::map<std::string, std::string> timed_artefacts(const std::string& directory) {
  std::map<std::string, std::string> files = tree(directory);
  for (auto& [file, bytes] : files) {
    if (file.ends_with(".safetensors")) continue;
    bytes = file.ends_with("result.json") ? digests(Json::parse(bytes, nullptr, false)) : "";
  }
  return files;
}

// A table whose first line is its header, less its columns of times. Chain files begin with comments and stay whole.
std::string without_time_columns(const std::string& csv) {
  std::istringstream lines(csv);
  std::vector<bool> keep;
  std::string out;
  for (std::string line; std::getline(lines, line);) {
    if (keep.empty() && line.starts_with("#")) return csv;
    std::istringstream cells(line);
    std::size_t column = 0;
    const bool header = keep.empty();
    for (std::string cell; std::getline(cells, cell, ','); ++column) {
      if (header) keep.push_back(!tells_time_or_memory(cell));
      if (column >= keep.size() || keep[column]) out += cell + ",";
    }
    out += "\n";
  }
  return out;
}

// Artefacts that are equal byte for byte; of result.json the result less its times, of tables the columns that are no times. A
// file whose name tells a time (charts/ess_per_cpu_s.vl.json) shows nothing but times.
std::map<std::string, std::string> artefacts(const std::string& directory, bool timed) {
  if (timed) return timed_artefacts(directory);
  std::map<std::string, std::string> files = tree(directory);
  files.erase("report.html");
  files.erase("log.jsonl");
  for (auto& [file, bytes] : files) {
    const std::string name = fs::path(file).filename().string();
    if (tells_time_or_memory(name.substr(0, name.find('.')))) bytes.clear();
    if (file.ends_with(".csv")) bytes = without_time_columns(bytes);
  }
  const Json envelope = Json::parse(files["result.json"], nullptr, false);
  if (envelope.is_object() && envelope.contains("result")) files["result.json"] = without_times(envelope["result"]).dump();
  return files;
}

void check_interrupted(const std::string& where, const ContractTool& tool, const Outcome& outcome) {
  check_error(where, tool, outcome, 130);
  CHECK_MESSAGE(outcome.err.find("--resume") != std::string::npos, where << ": does not say how to go on: " << outcome.err);
}

TEST_CASE("contract: an interrupted run leaves 130 and a state that --resume finishes to the same artefacts") {
  for_each_subcommand([](const ContractTool& tool, const ContractSubcommand& subcommand) {
    if (!subcommand.trait("resumable") || subcommand.is_demo()) return;
    Scratch scratch;
    const Command base = base_command(tool, subcommand);
    const std::string whole = scratch.fresh("whole");
    const std::string parts = scratch.fresh("parts");
    check_result(place(tool, subcommand), tool, subcommand,
                 run(base.with("out", whole).arguments(tool, subcommand), in(scratch)));
    const Command resume{.inputs = {}, .options = {{"resume", ""}, {"out", parts}}};
    check_interrupted(place(tool, subcommand) + " under TENFOLD_STOP_AFTER=1", tool,
                      run(base.with("out", parts).arguments(tool, subcommand), stopping_after(scratch, "1")));
    check_interrupted(place(tool, subcommand) + " --resume under TENFOLD_STOP_AFTER=2", tool,
                      run(resume.arguments(tool, subcommand), stopping_after(scratch, "2")));
    if (subcommand.option("seed"))
      check_error(place(tool, subcommand) + " --resume with another seed", tool,
                  run(resume.with("seed", "77").arguments(tool, subcommand), in(scratch)), 3);
    check_result(place(tool, subcommand) + " --resume", tool, subcommand, run(resume.arguments(tool, subcommand), in(scratch)));
    const auto expected = artefacts(whole, subcommand.trait("timed"));
    const auto resumed = artefacts(parts, subcommand.trait("timed"));
    for (const auto& [file, bytes] : expected) {
      CHECK_MESSAGE(resumed.count(file) == 1, place(tool, subcommand) << ": the resumed run lacks " << file);
      if (resumed.count(file))
        CHECK_MESSAGE(resumed.at(file) == bytes, place(tool, subcommand) << ": the resumed run has another " << file);
    }
    CHECK_MESSAGE(resumed.size() == expected.size(), place(tool, subcommand) << ": the resumed run has other files");
    const std::string appended = (scratch.path() / "appended.jsonl").string();
    const Outcome again = run(resume.with("append", appended).arguments(tool, subcommand), in(scratch));
    check_result(place(tool, subcommand) + " --resume of a complete run", tool, subcommand, again);
    CHECK_MESSAGE(Json::parse(slurp(appended), nullptr, false) == Json::parse(again.out, nullptr, false),
                  place(tool, subcommand) << ": --resume --append of a complete run appends something else than it prints");
  });
}

TEST_CASE("contract: a run whose reader has gone is exit 5, and its directory is complete all the same") {
  for_each_subcommand([](const ContractTool& tool, const ContractSubcommand& subcommand) {
    if (!subcommand.trait("run_directory") || subcommand.is_demo()) return;
    Scratch scratch;
    const std::string out = scratch.fresh("unread");
    Launch launch = in(scratch);
    launch.closed_output = true;
    check_error(place(tool, subcommand) + " into a closed pipe", tool,
                run(base_command(tool, subcommand).with("out", out).arguments(tool, subcommand), launch), 5);
    CHECK_MESSAGE(fs::exists(fs::path(out) / "result.json"), place(tool, subcommand)
                                                                 << ": a complete run was lost with its reader");
  });
}

TEST_CASE("contract: two processes that append at once lose nothing") {
  for_each_subcommand([](const ContractTool& tool, const ContractSubcommand& subcommand) {
    if (subcommand.product() || subcommand.is_demo()) return;
    const Scratch scratch;
    const std::string file = (scratch.path() / "appended.jsonl").string();
    const std::vector<std::string> command =
        base_command(tool, subcommand).with("append", file).with("format", "json").arguments(tool, subcommand);
    const std::vector<Outcome> outcomes = run_together({command, command}, in(scratch));
    for (const Outcome& outcome : outcomes) check_result(place(tool, subcommand) + " --append", tool, subcommand, outcome);
    std::istringstream lines(slurp(file));
    int count = 0;
    for (std::string line; std::getline(lines, line); ++count) {
      const std::string violations =
          schema_violations(tool.schema_folder + "/" + subcommand.table["schema_file"].get<std::string>(), line);
      CHECK_MESSAGE(violations.empty(), place(tool, subcommand) << " --append: " << violations);
    }
    CHECK_MESSAGE(count == 2, place(tool, subcommand) << " --append: " << count << " lines of two processes");
  });
}

TEST_CASE("contract: a product goes to --out, whole, or to standard output, the same bytes") {
  for_each_subcommand([](const ContractTool& tool, const ContractSubcommand& subcommand) {
    if (!subcommand.product() || subcommand.trait("run_directory")) return;
    Scratch scratch;
    const std::string file = scratch.fresh("product");
    const Command base = base_command(tool, subcommand);
    const Outcome printed = run(base.arguments(tool, subcommand), in(scratch));
    check_result(place(tool, subcommand), tool, subcommand, printed);
    const Outcome kept = run(base.with("out", file).arguments(tool, subcommand), in(scratch));
    CHECK_MESSAGE(kept.exit_code == 0, place(tool, subcommand)
                                           << " --out: exit code " << kept.exit_code << "; it said: " << kept.err);
    CHECK_MESSAGE(kept.out.empty(), place(tool, subcommand) << " --out: also on standard output");
    CHECK_MESSAGE(slurp(file) == printed.out, place(tool, subcommand) << ": --out holds other bytes than standard output");
  });
}

TEST_CASE("contract: without its LibTorch part a subcommand says how to build it") {
  for_each_subcommand([](const ContractTool& tool, const ContractSubcommand& subcommand) {
    if (!subcommand.trait("torch")) return;
    const Scratch scratch;
    fs::create_directory(scratch.path() / "alone");
    const fs::path lonely = scratch.path() / "alone" / fs::path(tool.program).filename();
    fs::copy_file(tool.program, lonely);
    std::vector<std::string> words = base_command(tool, subcommand).arguments(tool, subcommand);
    words[0] = lonely.string();
    const Outcome outcome = run(words, in(scratch));
    check_error(place(tool, subcommand) + " without its LibTorch part", tool, outcome, 2);
    CHECK_MESSAGE(outcome.err.find("scripts/build") != std::string::npos,
                  place(tool, subcommand) << ": does not say how to build it: " << outcome.err);
  });
}

}  // namespace
}  // namespace tenfold::test
