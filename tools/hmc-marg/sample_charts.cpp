// Charts of a run.
#include "hmc-marg/sample_charts.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace tenfold::hmc_marg {
namespace {

constexpr std::size_t kCharted = 3;  // columns shown besides lp__

// Names of the columns with the smallest bulk ESS, lp__ first.
std::vector<std::string> worst_columns(std::span<const SummaryRow> rows) {
  std::vector<const SummaryRow*> order;
  for (const SummaryRow& row : rows)
    if ((row.kind == "sampled" || row.kind == "eliminated") && std::isfinite(row.figures.ess_bulk)) order.push_back(&row);
  std::sort(order.begin(), order.end(), [](const SummaryRow* a, const SummaryRow* b) {
    return a->figures.ess_bulk != b->figures.ess_bulk ? a->figures.ess_bulk < b->figures.ess_bulk
                                                      : a < b;  // ties in the table's order
  });
  std::vector<std::string> names = {"lp__"};
  for (std::size_t i = 0; i < order.size() && i < kCharted; ++i) names.push_back(order[i]->name);
  return names;
}

// A column name as a file name: "theta.3" -> "theta-3".
std::string file_part(std::string name) {
  std::replace(name.begin(), name.end(), '.', '-');
  return name;
}

}  // namespace

std::vector<report::Chart> sample_charts(const SamplerOutput& output, std::span<const SummaryRow> rows) {
  ChainDraws draws{.names = output.column_names, .chains = {}};
  for (const auto& values : output.values) draws.chains.emplace_back(values);
  std::vector<report::Chart> charts;
  for (const std::string& name : worst_columns(rows)) {
    const auto at = std::find(draws.names.begin(), draws.names.end(), name);
    const auto column = draws.column(static_cast<std::size_t>(at - draws.names.begin()));
    charts.push_back(report::trace("trace-" + file_part(name), "Trace of " + name, column, name));
    charts.push_back(report::rank_plot("rank-" + file_part(name), "Ranks of " + name, column));
  }
  // Energies, centred, beside their changes from draw to draw: with changes much narrower than the energies themselves, the
  // momentum draws do not reach the tails (Betancourt 2016).
  const auto energy =
      draws.column(static_cast<std::size_t>(std::find(draws.names.begin(), draws.names.end(), "energy__") - draws.names.begin()));
  report::Series marginal{"energy, centred", {}, {}}, change{"change from draw to draw", {}, {}};
  for (const auto& chain : energy) {
    double mean = 0;
    for (const double e : chain) mean += e / static_cast<double>(chain.size());
    for (std::size_t i = 0; i < chain.size(); ++i) {
      marginal.y.push_back(chain[i] - mean);
      if (i > 0) change.y.push_back(chain[i] - chain[i - 1]);
    }
  }
  if (std::any_of(change.y.begin(), change.y.end(), [](double e) { return e != 0; }))
    charts.push_back(report::histogram("energy", "Energy and its changes", {marginal, change}, {.x = "energy", .y = "draws"}));
  return charts;
}

}  // namespace tenfold::hmc_marg
