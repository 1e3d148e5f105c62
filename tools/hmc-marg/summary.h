// The table of a run: mean, spread, quantiles, R-hat and effective sample sizes of every column (common/stats/mcmc.h).
#pragma once

#include <span>
#include <string>
#include <vector>

#include "data/json.h"
#include "report/report.h"
#include "stats/mcmc.h"

namespace tenfold::hmc_marg {

struct SummaryRow {
  std::string name;
  std::string kind;  // lp, sampled, eliminated, transformed, generated; empty where that is not known
  stats::McmcSummary figures;
};

// Draws of several chains: [chain][row * columns + column].
struct ChainDraws {
  std::vector<std::string> names;            // [columns]
  std::vector<std::span<const double>> chains;
  std::size_t rows() const { return chains.empty() || names.empty() ? 0 : chains.front().size() / names.size(); }
  // One column as [chain][row].
  std::vector<std::vector<double>> column(std::size_t index) const;
};

// Rows for the columns from `first` on, in order; lp__ before them if there is such a column. kinds [columns] may be empty.
std::vector<SummaryRow> summarize(const ChainDraws& draws, std::size_t first, std::span<const std::string> kinds, int threads);

Json summary_json(std::span<const SummaryRow> rows);
report::Table summary_table(std::span<const SummaryRow> rows);
// The same as text with aligned columns, at most `limit` rows of the table (the rest is counted in a last line).
std::string summary_text(std::span<const SummaryRow> rows, std::size_t limit);

}  // namespace tenfold::hmc_marg
