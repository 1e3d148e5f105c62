#include "gnnbench/report_command.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/suggest.h"
#include "gnnbench/compare_systems.h"
#include "gnnbench/comparison_report.h"
#include "gnnbench/stored_comparison.h"

namespace tenfold::gnnbench {

struct ReportOptions {
  std::string comparison;
  std::vector<std::string> formats = {"html", "csv", "tex"};
  std::string target = "recorded";
};

void describe(ReportOptions& o, cli::OptionTable& table) {
  table.input("CMP", o.comparison, "the folder of a finished compare or demo").required();
  table.add("--formats", o.formats, "what to write: html, csv, tex").value_name("html,csv,tex");
  table.add("--target", o.target, "the accuracy asked about: the one recorded, another, or auto:f")
      .value_name("recorded|X|auto:f");
}

namespace {

void check_formats(const std::vector<std::string>& formats) {
  const std::vector<std::string> known = {"html", "csv", "tex"};
  for (const std::string& format : formats) {
    if (std::find(known.begin(), known.end(), format) != known.end()) continue;
    const std::string near = nearest(format, known);
    usage_error("--formats: no format " + format + (near.empty() ? "; html, csv and tex are" : "; did you mean " + near + "?"));
  }
}

struct NamedTable {
  const char* name;
  report::Table table;
};

std::vector<NamedTable> named_tables(const Comparison& c) {
  std::vector<NamedTable> tables;
  for (NamedTable& entry : std::vector<NamedTable>{{"systems", systems_table(c)},
                                                   {"ratios", ratios_table(c)},
                                                   {"baselines", baselines_table(c)},
                                                   {"claims", claims_table(c)},
                                                   {"published", published_table()}})
    if (!entry.table.rows.empty()) tables.push_back(std::move(entry));
  return tables;
}

cli::Result report(const ReportOptions& options, cli::Run& run) {
  check_formats(options.formats);
  const StoredComparison stored = read_comparison(options.comparison);
  Measure measure = stored.measure;
  const bool recorded = options.target == "recorded";
  if (!recorded) measure.target = parse_target(options.target);
  const Comparison comparison = recorded ? stored.compared() : stored.compared(measure);

  cli::Result result = comparison_result(comparison, stored.data);
  std::vector<std::string> files;
  const auto write = [&](const std::string& name, const std::string& text) {
    run.directory()->write(name, text);
    files.push_back(name);
  };
  const auto asked_for = [&](const char* format) {
    return std::find(options.formats.begin(), options.formats.end(), format) != options.formats.end();
  };
  if (asked_for("csv")) {
    write("curves.csv", curves_csv(comparison));
    for (const NamedTable& entry : named_tables(comparison)) write(std::string(entry.name) + ".csv", table_csv(entry.table));
  }
  if (asked_for("tex"))
    for (const NamedTable& entry : named_tables(comparison))
      write(std::string(entry.name) + ".tex", table_tex(entry.table, std::string("tab:gnnbench-") + entry.name));
  if (asked_for("html"))
    files.emplace_back("report.html");
  else
    result.charts.clear();
  result.value["comparison"] = options.comparison;
  result.value["files"] = files;
  return result;
}

}  // namespace

cli::Subcommand report_command() {
  return cli::subcommand<ReportOptions>(
      "report", "a comparison once more, with imported curves: HTML, CSV and TeX", report,
      {.run_directory = true,
       .examples = {"gnnbench report sample_data/gnn/iris-comparison",
                    "gnnbench report sample_data/gnn/iris-comparison --formats csv,tex "
                    "--target auto:0.95 -o build/iris-report"},
       .description =
           "Everything is computed anew from the runs' own results. At the recorded target by default; another one needs no "
           "new training. report.html is written in any case, with charts if html is among the formats."});
}

}  // namespace tenfold::gnnbench
