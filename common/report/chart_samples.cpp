// Charts of samples: histogram, rank plot, trace.
#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>
#include <utility>

#include "report/chart.h"
#include "report/chart_parts.h"

namespace tenfold::report {
namespace {

std::string chain_name(std::size_t chain) { return "chain " + std::to_string(chain + 1); }

// Ranks from 1 of all draws together, ties sharing their mean rank. draws and result: [chain][iteration].
std::vector<std::vector<double>> pooled_ranks(const std::vector<std::vector<double>>& draws) {
  struct Place {
    double value;
    std::size_t chain, iteration;
  };
  std::vector<Place> places;
  std::vector<std::vector<double>> ranks(draws.size());
  for (std::size_t c = 0; c < draws.size(); ++c) {
    ranks[c].resize(draws[c].size());
    for (std::size_t i = 0; i < draws[c].size(); ++i) places.push_back({draws[c][i], c, i});
  }
  // NaN last and equals in their order, so that the order is one.
  std::sort(places.begin(), places.end(), [](const Place& a, const Place& b) {
    if (std::isnan(a.value) != std::isnan(b.value)) return std::isnan(b.value);
    if (!std::isnan(a.value) && a.value != b.value) return a.value < b.value;
    return std::pair(a.chain, a.iteration) < std::pair(b.chain, b.iteration);
  });
  for (std::size_t begin = 0; begin < places.size();) {
    std::size_t end = begin + 1;
    while (end < places.size() && places[end].value == places[begin].value) ++end;
    for (std::size_t k = begin; k < end; ++k)
      ranks[places[k].chain][places[k].iteration] = 0.5 * static_cast<double>(begin + 1 + end);
    begin = end;
  }
  return ranks;
}

// The 2.5 % and 97.5 % quantiles of a Binomial(n, 1/bins) count.
std::pair<double, double> count_band(std::size_t n, int bins) {
  if (bins < 2) return {static_cast<double>(n), static_cast<double>(n)};
  const double p = 1.0 / bins;
  const double size = static_cast<double>(n);
  double cumulative = 0;
  double low = -1;
  for (std::size_t k = 0; k <= n; ++k) {
    const double count = static_cast<double>(k);
    cumulative += std::exp(std::lgamma(size + 1) - std::lgamma(count + 1) - std::lgamma(size - count + 1) + count * std::log(p) +
                           (size - count) * std::log1p(-p));
    if (low < 0 && cumulative >= 0.025) low = count;
    if (cumulative >= 0.975) return {low, count};
  }
  return {low, size};
}

}  // namespace

Chart histogram(std::string name, std::string title, const std::vector<Series>& series, const Axes& axes, int bins) {
  double low = std::numeric_limits<double>::infinity();
  double high = -low;
  std::size_t left_out = 0;
  for (const Series& s : series)
    for (const double y : s.y) {
      if (std::isfinite(y))
        low = std::min(low, y), high = std::max(high, y);
      else
        ++left_out;
    }
  if (!(low <= high)) low = high = 0;
  if (low == high) low -= 0.5, high += 0.5;
  bins = std::max(bins, 1);
  const double width = (high - low) / bins;
  Json values = Json::array();
  for (const Series& s : series) {
    std::vector<std::int64_t> counts(static_cast<std::size_t>(bins));
    for (const double y : s.y)
      if (std::isfinite(y)) ++counts[static_cast<std::size_t>(std::clamp(static_cast<int>((y - low) / width), 0, bins - 1))];
    for (int b = 0; b < bins; ++b)
      values.push_back({{"series", s.name},
                        {"from", low + b * width},
                        {"to", low + (b + 1) * width},
                        {"count", counts[static_cast<std::size_t>(b)]}});
  }
  Json spec = chart_frame(title, std::move(values));
  spec["mark"] = {{"type", "bar"}, {"opacity", series.size() > 1 ? 0.5 : 0.9}, {"binSpacing", 0}};
  Json x = quantitative("from", axes.x, false, false);
  x["bin"] = {{"binned", true}};
  Json y = quantitative("count", axes.y, false, true);
  y["stack"] = nullptr;
  spec["encoding"] = {{"x", x}, {"x2", {{"field", "to"}}}, {"y", y}, {"color", series_colour(series.size())}};
  const std::string caption = left_out == 0 ? "" : std::to_string(left_out) + " values that are not finite are left out.";
  return {std::move(name), std::move(title), std::move(spec), caption};
}

Chart rank_plot(std::string name, std::string title, const std::vector<std::vector<double>>& draws, int bins) {
  const std::vector<std::vector<double>> ranks = pooled_ranks(draws);
  std::size_t total = 0;
  for (const auto& chain : draws) total += chain.size();
  bins = std::max(1, std::min<int>(bins, static_cast<int>(std::max<std::size_t>(total, 1))));
  Json values = Json::array();
  for (std::size_t c = 0; c < ranks.size(); ++c) {
    std::vector<std::int64_t> counts(static_cast<std::size_t>(bins));
    for (const double rank : ranks[c]) {
      const int bin = static_cast<int>((rank - 0.5) * bins / static_cast<double>(total));
      ++counts[static_cast<std::size_t>(std::clamp(bin, 0, bins - 1))];
    }
    const auto [low, high] = count_band(ranks[c].size(), bins);
    for (int b = 0; b < bins; ++b)
      values.push_back({{"series", chain_name(c)},
                        {"bin", b + 1},
                        {"count", counts[static_cast<std::size_t>(b)]},
                        {"low", low},
                        {"high", high}});
  }
  Json spec = chart_frame(title, std::move(values), 110);
  spec.erase("width");
  spec.erase("height");
  const Json bin_axis = {{"labels", false}, {"ticks", false}};
  const Json x = {{"field", "bin"}, {"type", "ordinal"}, {"title", "rank"}, {"axis", bin_axis}};
  const Json bar = {{"mark", {{"type", "bar"}, {"width", {{"band", 1}}}, {"opacity", 0.85}}},
                    {"encoding", {{"x", x}, {"y", quantitative("count", "draws", false, true)}, {"color", series_colour(1)}}}};
  const auto rule = [](const char* field) {
    return Json{{"mark", {{"type", "rule"}, {"strokeDash", {4, 3}}, {"color", "#333"}}},
                {"encoding", {{"y", {{"field", field}, {"type", "quantitative"}, {"aggregate", "min"}}}}}};
  };
  const std::size_t columns = std::min<std::size_t>(draws.size(), 4);
  spec["facet"] = {{"field", "series"}, {"type", "nominal"}, {"title", nullptr}, {"sort", nullptr}};
  spec["columns"] = std::max<std::size_t>(columns, 1);
  spec["spec"] = {
      {"width", columns > 0 ? (kChartWidth - 20 * static_cast<int>(columns - 1)) / static_cast<int>(columns) : kChartWidth},
      {"height", 110},
      {"layer", Json::array({bar, rule("low"), rule("high")})}};
  return {std::move(name), std::move(title), std::move(spec),
          "Ranks of each chain's draws among all chains'. Chains that sample the same distribution give flat bars; about 95 % of "
          "them "
          "lie between the dashed lines."};
}

Chart trace(std::string name, std::string title, const std::vector<std::vector<double>>& draws, const std::string& quantity) {
  std::vector<Series> series;
  for (std::size_t c = 0; c < draws.size(); ++c) {
    std::vector<double> iteration(draws[c].size());
    std::iota(iteration.begin(), iteration.end(), 1.0);
    series.push_back({chain_name(c), std::move(iteration), draws[c]});
  }
  Chart chart = lines(std::move(name), std::move(title), series, {.x = "iteration", .y = quantity});
  chart.vega_lite["mark"] = {{"type", "line"}, {"strokeWidth", 0.7}, {"opacity", 0.75}};
  return chart;
}

}  // namespace tenfold::report
