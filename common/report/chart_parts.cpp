#include "report/chart_parts.h"

namespace tenfold::report {

Json chart_frame(const std::string& title, Json values, int height) {
  return {
      {"$schema", "https://vega.github.io/schema/vega-lite/v6.json"},
      {"title", {{"text", title}, {"anchor", "start"}, {"fontSize", 14}}},
      {"width", kChartWidth},
      {"height", height},
      {"data", {{"values", std::move(values)}}},
      {"config",
       {{"font", "system-ui, sans-serif"},
        {"view", {{"stroke", nullptr}}},
        {"axis",
         {{"gridColor", "#e8e8e8"},
          {"domainColor", "#888"},
          {"tickColor", "#888"},
          {"labelFontSize", 11},
          {"titleFontSize", 12},
          {"titleFontWeight", "normal"}}},
        {"legend", {{"orient", "top"}, {"titleFontWeight", "normal"}, {"symbolOpacity", 1}}},
            // Okabe and Ito's palette: told apart by colour-blind readers too.
        {"range", {{"category", {"#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8c6d31", "#555555"}}}}}}};
}

Json quantitative(const std::string& field, const std::string& title, bool log_scale, bool from_zero) {
  Json scale = {{"zero", from_zero && !log_scale}};
  if (log_scale) scale["type"] = "log";
  return {{"field", field}, {"type", "quantitative"}, {"title", title}, {"scale", scale}};
}

Json series_colour(std::size_t series) {
  Json colour = {{"field", "series"}, {"type", "nominal"}, {"title", nullptr}, {"sort", nullptr}};
  if (series <= 1) colour["legend"] = nullptr;
  return colour;
}

std::size_t thinning_step(std::size_t n) {
  return n <= kMaxPointsPerSeries ? 1 : (n + kMaxPointsPerSeries - 1) / kMaxPointsPerSeries;
}

std::string thinning_note(std::size_t step) {
  return step <= 1 ? "" : "Thinned for drawing: one point in " + std::to_string(step) + " is shown.";
}

}  // namespace tenfold::report
