#include "mtl-attack/attack_charts.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include <fmt/format.h>

#include "report/report.h"

namespace tenfold::mtl_attack {
namespace {

double number(const Json& value) { return value.is_number() ? value.get<double>() : std::nan(""); }

std::string text_of(const Json& value) {
  return value.is_string() ? value.get<std::string>() : fmt::format("{:g}", number(value));
}

std::vector<std::string> distinct(const Json& cells, const char* key) {
  std::vector<std::string> out;
  for (const Json& cell : cells) {
    const std::string value = text_of(cell[key]);
    if (std::find(out.begin(), out.end(), value) == out.end()) out.push_back(value);
  }
  return out;
}

std::string base64(const std::string& bytes) {
  static constexpr char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t word = 0;
    for (std::size_t k = 0; k < 3; ++k) word = word << 8 | (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0U);
    for (std::size_t k = 0; k < 4; ++k) out += i + k <= bytes.size() ? digits[word >> (18 - 6 * k) & 63] : '=';
  }
  return out;
}

Json frame(const std::string& title, Json values) {
  return {{"$schema", "https://vega.github.io/schema/vega-lite/v6.json"},
          {"title", title},
          {"data", {{"values", std::move(values)}}},
          {"config", {{"view", {{"stroke", nullptr}}}}}};
}

constexpr const char* kDamage = "J: mean relative loss change of the tasks";

report::Chart bands_of(const Json& cells, const std::string& attack) {
  std::vector<report::BandSeries> series;
  for (const std::string& rule : distinct(cells, "rule")) {
    std::map<double, const Json*> by_eps;
    for (const Json& cell : cells)
      if (cell["rule"] == rule && cell["attack"] == attack) by_eps[cell["eps_levels"].get<double>()] = &cell;
    report::BandSeries band{rule, {}, {}, {}, {}};
    for (const auto& [eps, cell] : by_eps) {
      band.x.push_back(eps);
      band.mid.push_back(number((*cell)["J_mean"]));
      band.low.push_back(number((*cell)["J_ci95"][0]));
      band.high.push_back(number((*cell)["J_ci95"][1]));
    }
    if (!band.x.empty()) series.push_back(std::move(band));
  }
  return report::bands("damage-" + attack, "Damage over the budget, " + attack, series,
                       {.x = "greatest change of a pixel (grey levels of 255)", .y = kDamage});
}

report::Chart intervals_of(const Json& cells, const std::string& attack) {
  std::vector<report::Bar> rows;
  for (const Json& cell : cells)
    if (cell["attack"] == attack)
      rows.push_back(
          {cell["rule"].get<std::string>(), number(cell["J_mean"]), number(cell["J_ci95"][0]), number(cell["J_ci95"][1]), ""});
  return report::intervals("damage-" + attack, "Damage by rule, " + attack, rows, {.x = kDamage, .y = ""});
}

}  // namespace

std::vector<report::Chart> damage_charts(const Json& cells) {
  std::vector<report::Chart> charts;
  const bool several = distinct(cells, "eps_levels").size() > 1;
  for (const std::string& attack : distinct(cells, "attack")) {
    charts.push_back(several ? bands_of(cells, attack) : intervals_of(cells, attack));
    charts.back().caption =
        "0: the images do no harm; 1: losses doubled on average. Means over the images with 95 % bootstrap intervals.";
  }
  return charts;
}

report::Chart heat_map(const HeatMap& map) {
  Json values = Json::array();
  for (std::size_t i = 0; i < map.matrix.size(); ++i)
    for (std::size_t j = 0; j < map.matrix[i].size(); ++j) {
      const double value = map.matrix[i][j];
      if (std::isnan(value)) continue;
      values.push_back({{"row", map.row_names[i]},
                        {"column", map.column_names[j]},
                        {"value", value},
                        {"text", report::number_text(value, 3)}});
    }
  Json spec = frame(map.title, std::move(values));
  const Json x = {{"field", "column"},
                  {"type", "nominal"},
                  {"sort", map.column_names},
                  {"title", map.columns},
                  {"axis", {{"labelAngle", 0}, {"orient", "top"}}}};
  const Json y = {{"field", "row"}, {"type", "nominal"}, {"sort", map.row_names}, {"title", map.rows}};
  spec["width"] = {{"step", 110}};
  spec["height"] = {{"step", 44}};
  const Json colour = {{"field", "value"}, {"type", "quantitative"}, {"scale", {{"scheme", "oranges"}}}, {"legend", nullptr}};
  spec["layer"] = Json::array({{{"mark", "rect"}, {"encoding", {{"x", x}, {"y", y}, {"color", colour}}}},
                               {{"mark", {{"type", "text"}, {"fontSize", 13}}},
                                {"encoding", {{"x", x}, {"y", y}, {"text", {{"field", "text"}, {"type", "nominal"}}}}}}});
  return {map.name, map.title, std::move(spec), map.caption};
}

std::vector<report::Chart> task_heat_maps(const Json& cells, const std::vector<std::string>& tasks) {
  std::vector<report::Chart> charts;
  for (const std::string& attack : distinct(cells, "attack"))
    for (const std::string& eps : distinct(cells, "eps_levels")) {
      HeatMap map{.name = "tasks-" + attack + "-" + eps,
                  .title = fmt::format("Who hurts whom: {} at {} grey levels", attack, eps),
                  .rows = "attacked task",
                  .columns = "relative loss change of",
                  .row_names = tasks,
                  .column_names = tasks,
                  .matrix = {},
                  .caption =
                      "Each row attacks one task alone. What stands beside the diagonal is damage that was not asked for: it "
                      "passes through what the tasks share."};
      for (const std::string& task : tasks)
        for (const Json& cell : cells) {
          if (cell["rule"] != "single:" + task || cell["attack"] != attack || text_of(cell["eps_levels"]) != eps) continue;
          map.matrix.emplace_back();
          for (const std::string& harmed : tasks) map.matrix.back().push_back(number(cell["tasks"][harmed]["rel_change_mean"]));
        }
      if (map.matrix.size() == tasks.size() && tasks.size() > 1) charts.push_back(heat_map(map));
    }
  return charts;
}

report::Chart picture_grid(const PictureGrid& grid) {
  Json values = Json::array();
  for (std::size_t i = 0; i < grid.png.size(); ++i)
    for (std::size_t j = 0; j < grid.png[i].size(); ++j)
      if (!grid.png[i][j].empty())
        values.push_back(
            {{"row", grid.rows[i]}, {"column", grid.columns[j]}, {"url", "data:image/png;base64," + base64(grid.png[i][j])}});
  Json spec = frame(grid.title, std::move(values));
  spec["width"] = {{"step", grid.width + 6}};
  spec["height"] = {{"step", grid.height + 6}};
  spec["mark"] = {{"type", "image"}, {"width", grid.width}, {"height", grid.height}};
  const auto axis = [](const char* field, const std::vector<std::string>& names, Json look) {
    return Json{{"field", field}, {"type", "nominal"}, {"sort", names}, {"title", nullptr}, {"axis", std::move(look)}};
  };
  const Json plain = {{"labelAngle", 0}, {"orient", "top"}, {"ticks", false}, {"domain", false}, {"labelLimit", grid.width + 6}};
  spec["encoding"] = {{"x", axis("column", grid.columns, plain)},
                      {"y", axis("row", grid.rows, {{"ticks", false}, {"domain", false}, {"labelLimit", 90}})},
                      {"url", {{"field", "url"}, {"type", "nominal"}}}};
  return {grid.name, grid.title, std::move(spec), grid.caption};
}

}  // namespace tenfold::mtl_attack
