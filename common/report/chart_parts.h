// What all charts share: size, colours, axes, thinning. Internal to this folder.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "report/chart.h"

namespace tenfold::report {

inline constexpr int kChartWidth = 680;   // pixels
inline constexpr int kChartHeight = 260;

// A specification with the frame filled in: schema, title, size, data, fonts. Marks are added as "layer" or "mark".
Json chart_frame(const std::string& title, Json values, int height = kChartHeight);

Json quantitative(const std::string& field, const std::string& title, bool log_scale, bool from_zero);

// Colour by the field "series", with a legend unless there is one series alone.
Json series_colour(std::size_t series);

// Every how many of n points to draw, so that at most kMaxPointsPerSeries are.
std::size_t thinning_step(std::size_t n);
std::string thinning_note(std::size_t step);  // empty for 1

}  // namespace tenfold::report
