#include "report/report.h"

#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>

#include "data/json.h"
#include "data/number.h"
#include "report/vega.h"

namespace tenfold::report {
namespace {

constexpr const char* kStyle = R"(
:root { color-scheme: light; --ink: #1c1e21; --soft: #5c6168; --line: #dfe2e6; --tint: #f5f7f9; --accent: #0072B2; }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 880px; padding: 40px 32px 64px; background: #fff; color: var(--ink); font: 16px/1.55 system-ui, -apple-system, "Segoe UI", sans-serif; }
h1 { margin: 0 0 4px; font-size: 26px; line-height: 1.25; }
h2 { margin: 40px 0 12px; font-size: 19px; }
.asked { margin: 0; color: var(--soft); }
.answer { margin: 24px 0; padding: 14px 18px; border-left: 4px solid var(--accent); background: var(--tint); font-size: 18px; }
.warnings { margin: 16px 0; padding: 12px 18px 12px 38px; border-left: 4px solid #D55E00; background: #fdf5f0; }
figure { margin: 20px 0; break-inside: avoid; }
figure > div { overflow-x: auto; }
figcaption, .caption { margin-top: 4px; color: var(--soft); font-size: 14px; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: 14px; font-variant-numeric: tabular-nums; }
th, td { padding: 4px 14px 4px 0; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
th { border-bottom: 2px solid var(--soft); font-weight: 600; vertical-align: bottom; }
td.number, th.number { text-align: right; } td.number { white-space: nowrap; }
pre { overflow-x: auto; padding: 12px 16px; background: var(--tint); border: 1px solid var(--line); border-radius: 4px; font: 13px/1.5 ui-monospace, "SFMono-Regular", Menlo, Consolas, monospace; white-space: pre-wrap; overflow-wrap: anywhere; }
pre.text { white-space: pre; }
details { margin-top: 32px; } summary { cursor: pointer; color: var(--soft); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 2px 18px; margin: 12px 0; color: var(--soft); font-size: 14px; } dd { margin: 0; }
@media print { body { max-width: none; padding: 0; font-size: 11pt; } tr { break-inside: avoid; } a { color: inherit; } .scroll, figure > div { overflow: visible; } }
)";

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&#39;"; break;
      default: out += c;
    }
  }
  return out;
}

// Text inside <script>: "</script" and "<!--" would end or change it, wherever they stand.
std::string script_safe(std::string_view json) {
  std::string out;
  for (const char c : json) out += c == '<' ? std::string("\\u003c") : std::string(1, c);
  return out;
}

bool is_number(const std::string& text) {
  return text.empty() || text == "-" ||
         data::parse_number(text.ends_with('%') ? text.substr(0, text.find_last_not_of(" %") + 1) : text).has_value();
}

// A column is aligned right when all its cells are numbers, empty or "-".
std::vector<bool> number_columns(const Table& table) {
  std::vector<bool> numeric(table.columns.size(), !table.rows.empty());
  for (const auto& row : table.rows)
    for (std::size_t c = 0; c < row.size() && c < numeric.size(); ++c) numeric[c] = numeric[c] && is_number(row[c]);
  return numeric;
}

std::string render(const Table& table) {
  const std::vector<bool> numeric = number_columns(table);
  const auto cell = [&](const char* tag, std::size_t c, const std::string& text) {
    return std::string("<") + tag + (c < numeric.size() && numeric[c] ? " class=\"number\">" : ">") + escaped(text) + "</" + tag +
           ">";
  };
  std::string out = table.title.empty() ? "" : "<h2>" + escaped(table.title) + "</h2>\n";
  out += "<div class=\"scroll\"><table>\n<thead><tr>";
  for (std::size_t c = 0; c < table.columns.size(); ++c) out += cell("th", c, table.columns[c]);
  out += "</tr></thead>\n<tbody>\n";
  for (const auto& row : table.rows) {
    out += "<tr>";
    for (std::size_t c = 0; c < row.size(); ++c) out += cell("td", c, row[c]);
    out += "</tr>\n";
  }
  out += "</tbody></table></div>\n";
  if (!table.caption.empty()) out += "<p class=\"caption\">" + escaped(table.caption) + "</p>\n";
  return out;
}

std::string render_charts(const std::vector<Chart>& charts) {
  if (charts.empty()) return "";
  std::string out = "<h2>Charts</h2>\n";
  for (std::size_t i = 0; i < charts.size(); ++i) {
    out += "<figure><div id=\"chart-" + std::to_string(i) + "\"></div>";
    if (!charts[i].caption.empty()) out += "<figcaption>" + escaped(charts[i].caption) + "</figcaption>";
    out += "</figure>\n";
  }
  return out;
}

// A plain < in the three scripts is safe but for "</script": they hold none, and the report's test says so.
std::string render_scripts(const std::vector<Chart>& charts) {
  if (charts.empty()) return "";
  std::string out;
  for (const std::string_view script : {vega_script(), vega_lite_script(), vega_embed_script()}) {
    out += "<script>";
    out += script;
    out += "</script>\n";
  }
  Json specs = Json::array();
  for (const Chart& chart : charts) specs.push_back(chart.vega_lite);
  out += "<script>\nconst charts = " + script_safe(data::dump_json(specs)) + ";\n";
  out += "charts.forEach((spec, i) => vegaEmbed(\"#chart-\" + i, spec, {renderer: \"svg\", actions: false}));\n</script>\n";
  return out;
}

std::string render_reproduction(const Report& report) {
  std::string out;
  if (!report.command.empty()) out += "<h2>How to reproduce</h2>\n<pre>" + escaped(report.command) + "</pre>\n";
  if (report.facts.empty()) return out;
  out += "<dl>\n";
  for (const auto& [name, value] : report.facts) out += "<dt>" + escaped(name) + "</dt><dd>" + escaped(value) + "</dd>\n";
  return out + "</dl>\n";
}

}  // namespace

std::string number_text(double value, int digits) {
  if (!std::isfinite(value)) return "-";
  char buffer[64];
  std::snprintf(buffer, sizeof buffer, "%.*g", digits, value);
  return buffer;
}

std::string render_html(const Report& report) {
  std::string out = "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n";
  out +=
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>" + escaped(report.title) + "</title>\n";
  out += "<style>" + std::string(kStyle) + "</style>\n</head>\n<body>\n<h1>" + escaped(report.title) + "</h1>\n";
  if (!report.asked.empty()) out += "<p class=\"asked\">" + escaped(report.asked) + "</p>\n";
  if (!report.answer.empty()) out += "<p class=\"answer\">" + escaped(report.answer) + "</p>\n";
  if (!report.warnings.empty()) {
    out += "<ul class=\"warnings\">\n";
    for (const std::string& warning : report.warnings) out += "<li>" + escaped(warning) + "</li>\n";
    out += "</ul>\n";
  }
  if (!report.text.empty()) out += "<pre class=\"text\">" + escaped(report.text) + "</pre>\n";
  for (const Table& table : report.tables) out += render(table);
  out += render_charts(report.charts);
  out += render_reproduction(report);
  if (!report.appendix.empty()) {
    out += "<details><summary>Details</summary>\n";
    for (const Table& table : report.appendix) out += render(table);
    out += "</details>\n";
  }
  return out + render_scripts(report.charts) + "</body>\n</html>\n";
}

}  // namespace tenfold::report
