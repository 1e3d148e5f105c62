#include "cli/run_report.h"

#include <nlohmann/json.hpp>

#include "report/report.h"

namespace tenfold::cli {
namespace {

std::string plain(const Json& value) { return value.is_string() ? value.get<std::string>() : data::dump_json(value); }

report::Table configuration(const Json& config) {
  report::Table table{.title = "Configuration", .columns = {"option", "value"}, .rows = {}};
  for (const auto& [key, value] : config.items())
    if (!value.is_null()) table.rows.push_back({key, plain(value)});
  return table;
}

}  // namespace

void write_report(RunDirectory& directory, const Tool& tool, const Subcommand& subcommand, const Result& result,
                  const Json& envelope, const std::string& command) {
  for (const report::Chart& chart : result.charts)
    directory.write("charts/" + chart.name + ".vl.json", data::dump_json(chart.vega_lite, 2) + "\n");

  report::Report report;
  report.title = tool.name + " " + subcommand.name;
  report.asked = result.asked.empty() ? subcommand.summary : result.asked;
  report.answer = result.answer;
  report.warnings = envelope["warnings"].get<std::vector<std::string>>();
  report.tables = result.tables;
  if (report.tables.empty()) report.text = result.human;
  report.charts = result.charts;
  report.appendix = {configuration(envelope["config"])};
  report.command = command;
  const Json& host = envelope["host"];
  report.facts = {
      {"program", tool.name + " " + plain(envelope["version"]) + " (git " + plain(envelope["git"]) + ")"},
      {"machine", plain(host["cpu"]) + ", " + plain(host["cores"]) + " cores, " + plain(host["threads"]) + " threads used"},
      {"started", plain(envelope["started_at"])},
      {"took", report::number_text(envelope["elapsed_s"].get<double>(), 3) + " s, " +
                   report::number_text(envelope["cpu_s"].get<double>(), 3) + " CPU s"}};
  directory.write("report.html", report::render_html(report));
}

}  // namespace tenfold::cli
