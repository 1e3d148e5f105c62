// Charts as Vega-Lite specifications, built from plain vectors. See https://vega.github.io/vega-lite/ (version 6).
#pragma once

#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "data/json.h"

namespace tenfold::report {

struct Chart {
  std::string name;   // file name in charts/ without ending: "trace-mu"
  std::string title;  // shown above it
  Json vega_lite;     // a complete specification with its data inside
  std::string caption = {};  // a sentence below it: how to read it; may be empty
};

// Axis titles with their unit, and how an axis counts.
struct Axes {
  std::string x;
  std::string y;
  bool log_x = false;
  bool log_y = false;
};

struct Series {
  std::string name;  // in the legend
  std::vector<double> x;
  std::vector<double> y;  // NaN leaves a gap
};

struct BandSeries {
  std::string name;
  std::vector<double> x;
  std::vector<double> low;
  std::vector<double> mid;
  std::vector<double> high;
};

struct Bar {
  std::string label;
  double value = 0;
  double low = std::numeric_limits<double>::quiet_NaN();  // interval drawn when both ends are finite
  double high = std::numeric_limits<double>::quiet_NaN();
  std::string group = {};  // bars of one label side by side, by group
};

// Lines and traces of more points than this are thinned to every k-th; the caption says so.
inline constexpr std::size_t kMaxPointsPerSeries = 2000;

Chart lines(std::string name, std::string title, const std::vector<Series>& series, const Axes& axes);
Chart bands(std::string name, std::string title, const std::vector<BandSeries>& series, const Axes& axes);
Chart bars(std::string name, std::string title, const std::vector<Bar>& bars, const Axes& axes);
// Horizontal intervals with a point at value: a forest plot. Of a Bar's fields label, value, low, high, group.
Chart intervals(std::string name, std::string title, const std::vector<Bar>& rows, const Axes& axes);
Chart points(std::string name, std::string title, const std::vector<Series>& series, const Axes& axes);
// Counts in equal bins over the range of all series; bins are counted here, on all the values. Series.x is ignored.
Chart histogram(std::string name, std::string title, const std::vector<Series>& series, const Axes& axes, int bins = 40);
// Rank plot (Vehtari et al. 2021, section 5): the ranks of each chain's draws among all of them, in bins, with the band in
// which 95 % of the bars lie when the chains agree (binomial). draws: [chain][iteration]; ties share their mean rank.
Chart rank_plot(std::string name, std::string title, const std::vector<std::vector<double>>& draws, int bins = 20);
// The draws of each chain over the iterations.
Chart trace(std::string name, std::string title, const std::vector<std::vector<double>>& draws, const std::string& quantity);

}  // namespace tenfold::report
