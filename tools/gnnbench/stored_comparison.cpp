#include "gnnbench/stored_comparison.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include <fmt/format.h>

#include "base/error.h"
#include "base/files.h"
#include "cli/run_directory.h"
#include "data/csv.h"
#include "data/json_reader.h"

namespace tenfold::gnnbench {
namespace fs = std::filesystem;
namespace {

constexpr const char* kImported = "imported";

// The first line of an imported file is its system's name.
std::vector<RunRecord> read_imported(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder / kImported, error))
    if (entry.path().extension() == ".csv") files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  std::vector<RunRecord> out;
  for (const fs::path& file : files) {
    const data::CsvTable table = data::read_csv(file);
    const std::string name = table.comments.empty() ? file.stem().string() : table.comments.front().text;
    for (RunRecord& record : read_curve_file(file, name)) out.push_back(std::move(record));
  }
  return out;
}

fs::path file_of(const std::string& name) {
  std::string stem;
  for (const char c : name) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
                       (c == '.' && !stem.empty() && stem.back() != '-');  // no hidden file
    stem += plain ? c : '-';
  }
  return fs::path(kImported) / (stem + ".csv");
}

void fill(StoredComparison& out, const Json& result, const fs::path& folder) {
  const Json& target = result.at("target");
  out.data = result.at("data");
  out.measure.target = parse_target(target.at("rule").get<std::string>());
  out.measure.on = target.at("on") == "test" ? Part::test : Part::val;
  const std::string clock = target.at("clock").get<std::string>();
  out.measure.clock = clock == "wall" ? ClockKind::wall : clock == "cpu" ? ClockKind::cpu : ClockKind::train;
  out.target = target.at("value").get<double>();
  for (const Json& run : result.at("failed"))
    out.failed.push_back({.system = run.at("system").get<std::string>(),
                          .seed = run.at("seed").get<std::uint64_t>(),
                          .exit_code = run.at("exit_code").get<int>(),
                          .message = run.at("message").get<std::string>()});
  for (const Json& entry : result.at("left_out"))
    out.left_out.emplace_back(entry.at("system").get<std::string>(), entry.at("why").get<std::string>());
  for (const Json& planned : result.at("plan").at("runs")) {
    const std::string system = planned.at("system").get<std::string>();
    const auto seed = planned.at("seed").get<std::uint64_t>();
    if (std::any_of(out.failed.begin(), out.failed.end(),
                    [&](const FailedRun& f) { return f.system == system && f.seed == seed; }))
      continue;
    const std::string relative = planned.at("folder").get<std::string>();
    RunRecord record = read_run(folder / relative);
    record.system = system;
    record.text = planned.at("text").get<std::string>();
    record.folder = relative;
    out.runs.push_back(std::move(record));
  }
}

}  // namespace

Comparison StoredComparison::compared() const {
  Comparison c = compare_runs(runs, measure, target);
  c.failed = failed;
  c.left_out = left_out;
  return c;
}

Comparison StoredComparison::compared(const Measure& other) const {
  Comparison c = compare_runs(runs, other);
  c.failed = failed;
  c.left_out = left_out;
  return c;
}

StoredComparison read_comparison(const fs::path& folder) {
  const fs::path file = folder / "result.json";
  if (!fs::exists(file))
    input_error(folder.string() + ": no finished comparison there (it has no result.json); gnnbench compare -o makes one");
  const Json envelope = data::to_json(data::read_json(file));
  StoredComparison out;
  out.name = folder.filename().empty() ? folder.parent_path().filename().string() : folder.filename().string();
  try {
    const std::string schema = envelope.at("schema").get<std::string>();
    if (schema != "tenfold.gnnbench.compare/1" && schema != "tenfold.gnnbench.demo/1")
      input_error(file.string() + ": the result of another command (" + schema + ")");
    fill(out, envelope.at("result"), folder);
  } catch (const Json::exception&) {
    input_error(file.string() + ": not the result of a comparison");
  }
  for (RunRecord& record : read_imported(folder)) out.runs.push_back(std::move(record));
  return out;
}

void store_curve(const fs::path& folder, const std::string& name, const std::vector<RunRecord>& runs, bool replace) {
  const StoredComparison stored = read_comparison(folder);
  const fs::path relative = file_of(name);
  for (const RunRecord& run : stored.runs)
    if (!run.imported && run.system == name)
      usage_error("--name " + name + ": a system of the comparison is called that; give another");
  if (!replace && fs::exists(folder / relative))
    usage_error((folder / relative).string() + ": imported before; give another --name, or --replace");

  const bool test = std::any_of(runs.begin(), runs.end(), [](const RunRecord& run) {
    return std::any_of(run.curve.begin(), run.curve.end(), [](const RunPoint& p) { return !std::isnan(p.test); });
  });
  std::string text = "# " + name + "\nseed,time_s,val" + (test ? ",test\n" : "\n");
  for (const RunRecord& run : runs)
    for (const RunPoint& p : run.curve) {
      std::vector<double> row = {static_cast<double>(run.seed), p.train_s, p.val};
      if (test) row.push_back(p.test);
      data::append_csv_row(text, row);
    }
  // Through the comparison's own manifest, so that --force removes it with the rest.
  const Json manifest = data::to_json(data::read_json(folder / "manifest.json"));
  const std::string subcommand = manifest.value("subcommand", "compare");
  cli::DiskRunDirectory directory(folder, {"gnnbench", subcommand}, cli::Reuse::resume);
  directory.write(relative.generic_string(), text);
}

}  // namespace tenfold::gnnbench
