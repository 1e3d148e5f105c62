// Charts of given values: lines, bands, bars, intervals, points.
#include "report/chart.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "report/chart_parts.h"

namespace tenfold::report {
namespace {

constexpr std::size_t kFewPoints = 100;

struct Rows {
  Json values = Json::array();
  std::size_t step = 1;  // the coarsest thinning of any series
};

Rows rows_of(const std::vector<Series>& series) {
  Rows rows;
  for (const Series& s : series) {
    const std::size_t n = std::min(s.x.size(), s.y.size());
    const std::size_t step = thinning_step(n);
    rows.step = std::max(rows.step, step);
    for (std::size_t i = 0; i < n; i += step) rows.values.push_back({{"series", s.name}, {"x", s.x[i]}, {"y", s.y[i]}});
  }
  return rows;
}

Json xy(const Axes& axes) {
  return {{"x", quantitative("x", axes.x, axes.log_x, false)}, {"y", quantitative("y", axes.y, axes.log_y, false)}};
}

Json bar_rows(const std::vector<Bar>& bars) {
  Json values = Json::array();
  for (const Bar& bar : bars) {
    Json row = {{"label", bar.label}, {"series", bar.group}, {"value", bar.value}};
    if (std::isfinite(bar.low) && std::isfinite(bar.high)) row["low"] = bar.low, row["high"] = bar.high;
    values.push_back(std::move(row));
  }
  return values;
}

bool any_interval(const std::vector<Bar>& bars) {
  return std::any_of(bars.begin(), bars.end(), [](const Bar& bar) { return std::isfinite(bar.low) && std::isfinite(bar.high); });
}

std::size_t groups(const std::vector<Bar>& bars) {
  std::vector<std::string> names;
  for (const Bar& bar : bars)
    if (std::find(names.begin(), names.end(), bar.group) == names.end()) names.push_back(bar.group);
  return names.size();
}

}  // namespace

Chart lines(std::string name, std::string title, const std::vector<Series>& series, const Axes& axes) {
  Rows rows = rows_of(series);
  Json spec = chart_frame(title, std::move(rows.values));
  spec["mark"] = {{"type", "line"}, {"strokeWidth", 1.5}};
  spec["encoding"] = xy(axes);
  spec["encoding"]["color"] = series_colour(series.size());
  return {std::move(name), std::move(title), std::move(spec), thinning_note(rows.step)};
}

Chart bands(std::string name, std::string title, const std::vector<BandSeries>& series, const Axes& axes) {
  Json values = Json::array();
  std::size_t coarsest = 1;
  for (const BandSeries& s : series) {
    const std::size_t n = std::min({s.x.size(), s.low.size(), s.mid.size(), s.high.size()});
    const std::size_t step = thinning_step(n);
    coarsest = std::max(coarsest, step);
    for (std::size_t i = 0; i < n; i += step)
      values.push_back({{"series", s.name}, {"x", s.x[i]}, {"y", s.mid[i]}, {"low", s.low[i]}, {"high", s.high[i]}});
  }
  Json spec = chart_frame(title, std::move(values));
  spec["encoding"] = {{"x", quantitative("x", axes.x, axes.log_x, false)}, {"color", series_colour(series.size())}};
  const Json mid = {{"y", quantitative("y", axes.y, axes.log_y, false)}};
  const Json range = {{"y", quantitative("low", axes.y, axes.log_y, false)}, {"y2", {{"field", "high"}}}};
  spec["layer"] = Json::array({Json{{"mark", {{"type", "area"}, {"opacity", 0.2}}}, {"encoding", range}},
                               Json{{"mark", {{"type", "line"}, {"strokeWidth", 1.5}}}, {"encoding", mid}}});
  return {std::move(name), std::move(title), std::move(spec), thinning_note(coarsest)};
}

Chart bars(std::string name, std::string title, const std::vector<Bar>& bars, const Axes& axes) {
  const std::size_t colours = groups(bars);
  Json spec = chart_frame(title, bar_rows(bars));
  spec["encoding"] = {{"x",
                       {{"field", "label"},
                        {"type", "nominal"},
                        {"title", axes.x},
                        {"sort", nullptr},
                        {"axis", {{"labelAngle", bars.size() > 8 * colours ? -40 : 0}}}}}};
  if (colours > 1) spec["encoding"]["xOffset"] = {{"field", "series"}, {"sort", nullptr}};
  Json bar = {{"mark", {{"type", "bar"}, {"width", {{"band", 0.7}}}}},
              {"encoding", {{"y", quantitative("value", axes.y, axes.log_y, true)}, {"color", series_colour(colours)}}}};
  spec["layer"] = Json::array({std::move(bar)});
  if (any_interval(bars))
    spec["layer"].push_back({{"mark", {{"type", "rule"}, {"strokeWidth", 1.5}}},
                             {"encoding", {{"y", quantitative("low", axes.y, axes.log_y, true)}, {"y2", {{"field", "high"}}}}}});
  return {std::move(name), std::move(title), std::move(spec)};
}

Chart intervals(std::string name, std::string title, const std::vector<Bar>& rows, const Axes& axes) {
  const std::size_t colours = groups(rows);
  const int height = std::max<int>(80, static_cast<int>(rows.size()) * 20);
  Json spec = chart_frame(title, bar_rows(rows), height);
  spec["encoding"] = {
      {"y",
       {{"field", "label"}, {"type", "nominal"}, {"title", axes.y.empty() ? Json(nullptr) : Json(axes.y)}, {"sort", nullptr}}},
      {"color", series_colour(colours)}};
  if (colours > 1) spec["encoding"]["yOffset"] = {{"field", "series"}, {"sort", nullptr}};
  Json point = {{"mark", {{"type", "point"}, {"filled", true}, {"size", 50}, {"opacity", 1}}},
                {"encoding", {{"x", quantitative("value", axes.x, axes.log_x, false)}}}};
  Json rule = {{"mark", {{"type", "rule"}, {"strokeWidth", 2}}},
               {"encoding", {{"x", quantitative("low", axes.x, axes.log_x, false)}, {"x2", {{"field", "high"}}}}}};
  spec["layer"] = any_interval(rows) ? Json::array({std::move(rule), std::move(point)}) : Json::array({std::move(point)});
  return {std::move(name), std::move(title), std::move(spec)};
}

Chart points(std::string name, std::string title, const std::vector<Series>& series, const Axes& axes) {
  Rows rows = rows_of(series);
  // A cloud shows its density by small marks that shine through; of a few points each is to be found.
  const bool few = rows.values.size() <= kFewPoints;
  Json spec = chart_frame(title, std::move(rows.values));
  spec["mark"] = {{"type", "point"}, {"filled", true}, {"size", few ? 120 : 20}, {"opacity", few ? 0.9 : 0.6}};
  spec["encoding"] = xy(axes);
  spec["encoding"]["color"] = series_colour(series.size());
  return {std::move(name), std::move(title), std::move(spec), thinning_note(rows.step)};
}

}  // namespace tenfold::report
