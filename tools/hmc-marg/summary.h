// The table of a run: mean, spread, quantiles, R-hat and effective sample sizes of every column (common/stats/mcmc.h).
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "data/json.h"
#include "report/report.h"
#include "stats/mcmc.h"

namespace tenfold::hmc_marg {

// Of a scalar that was integrated out, from its conditionals instead of its draws (rao_blackwell.h). NaN: not defined or not
// asked for.
struct ConditionalFigures {
  double mean = std::numeric_limits<double>::quiet_NaN(), sd = mean;
  double mcse = mean;  // of the mean; 0 where all conditionals have one mean
  double q5 = mean, q50 = mean, q95 = mean;
};

struct SummaryRow {
  std::string name;
  std::string kind;  // lp, sampled, eliminated, transformed, generated; empty where that is not known
  stats::McmcSummary figures;
  std::optional<ConditionalFigures> conditional = std::nullopt;
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

// rb_mean, rb_sd, rb_mcse of every row, null without conditional figures; quantiles adds rb_q5, rb_q50, rb_q95.
enum class ConditionalFields : std::uint8_t { none, moments, quantiles };

Json summary_json(std::span<const SummaryRow> rows, ConditionalFields fields = ConditionalFields::none);
// conditional: a column with rb_mean and rb_mcse, if a row has them.
report::Table summary_table(std::span<const SummaryRow> rows, bool conditional = false);
// The same as text with aligned columns, at most `limit` rows of the table (the rest is counted in a last line).
std::string summary_text(std::span<const SummaryRow> rows, std::size_t limit);

}  // namespace tenfold::hmc_marg
