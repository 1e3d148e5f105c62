// Summaries of columns, as JSON, table and text.
#include "hmc-marg/summary.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include <fmt/format.h>

#include "base/threads.h"
#include "report/text_table.h"

namespace tenfold::hmc_marg {
namespace {

// "-" for what is not defined (a constant column has no R-hat).
std::string cell(double value, int digits = 3) { return std::isfinite(value) ? report::number_text(value, digits) : "-"; }
// A quantity to the decimals that show three digits of its spread: what lies below those says nothing.
std::string beside(double value, double spread) {
  if (!std::isfinite(value)) return "-";
  if (!(spread >= 1e-6 && spread < 1e9 && std::abs(value) < 1e12)) return report::number_text(value, 4);
  const std::string text = fmt::format("{:.{}f}", value, std::max(0, 2 - static_cast<int>(std::floor(std::log10(spread)))));
  return text.find_first_not_of("-0.") == std::string::npos && text.front() == '-' ? text.substr(1) : text;
}
std::string whole(double value) { return std::isfinite(value) ? fmt::format("{:.0f}", value) : "-"; }

}  // namespace

std::vector<std::vector<double>> ChainDraws::column(std::size_t index) const {
  std::vector<std::vector<double>> out(chains.size());
  for (std::size_t c = 0; c < chains.size(); ++c) {
    const std::size_t n = chains[c].size() / names.size();
    out[c].resize(n);
    for (std::size_t r = 0; r < n; ++r) out[c][r] = chains[c][r * names.size() + index];
  }
  return out;
}

std::vector<SummaryRow> summarize(const ChainDraws& draws, std::size_t first, std::span<const std::string> kinds, int threads) {
  std::vector<std::size_t> wanted;
  const auto lp = std::find(draws.names.begin(), draws.names.end(), "lp__");
  if (lp != draws.names.end()) wanted.push_back(static_cast<std::size_t>(lp - draws.names.begin()));
  for (std::size_t i = first; i < draws.names.size(); ++i)
    if (wanted.empty() || wanted.front() != i) wanted.push_back(i);
  std::vector<SummaryRow> rows(wanted.size());
  parallel_for(static_cast<int>(wanted.size()), threads, [&](int i) {
    const std::size_t index = wanted[static_cast<std::size_t>(i)];
    SummaryRow& row = rows[static_cast<std::size_t>(i)];
    row.name = draws.names[index];
    row.kind = row.name == "lp__" ? "lp" : kinds.empty() ? "" : kinds[index];
    row.figures = stats::summarize(stats::Draws(draws.column(index)));
  });
  return rows;
}

Json summary_json(std::span<const SummaryRow> rows, ConditionalFields fields) {
  Json out = Json::array();
  for (const SummaryRow& row : rows) {
    const stats::McmcSummary& f = row.figures;
    Json entry = {{"name", row.name}};
    entry["kind"] = row.kind.empty() ? Json(nullptr) : Json(row.kind);
    // A constant column has no convergence figures: null, not a number that JSON cannot hold.
    const auto put = [&](const char* key, double value) { entry[key] = std::isfinite(value) ? Json(value) : Json(nullptr); };
    put("mean", f.mean);
    put("mcse_mean", f.mcse_mean);
    put("sd", f.sd);
    put("mcse_sd", f.mcse_sd);
    put("q5", f.q5);
    put("q50", f.q50);
    put("q95", f.q95);
    put("rhat", f.rhat);
    put("ess_bulk", f.ess_bulk);
    put("ess_tail", f.ess_tail);
    put("ess_basic", f.ess_basic);
    const ConditionalFigures c = row.conditional.value_or(ConditionalFigures{});
    if (fields != ConditionalFields::none) {
      put("rb_mean", c.mean);
      put("rb_sd", c.sd);
      put("rb_mcse", c.mcse);
    }
    if (fields == ConditionalFields::quantiles) {
      put("rb_q5", c.q5);
      put("rb_q50", c.q50);
      put("rb_q95", c.q95);
    }
    out.push_back(std::move(entry));
  }
  return out;
}

report::Table summary_table(std::span<const SummaryRow> rows, bool conditional) {
  report::Table table;
  table.title = "Posterior summary";
  const bool kinds =
      std::any_of(rows.begin(), rows.end(), [](const SummaryRow& row) { return !row.kind.empty() && row.kind != "lp"; });
  table.columns = {"", "kind", "mean", "mcse", "sd", "5 %", "50 %", "95 %", "R-hat", "ESS bulk", "ESS tail"};
  for (const SummaryRow& row : rows) {
    const stats::McmcSummary& f = row.figures;
    table.rows.push_back({row.name, row.kind, beside(f.mean, f.sd), cell(f.mcse_mean, 2), beside(f.sd, f.sd), beside(f.q5, f.sd),
                          beside(f.q50, f.sd), beside(f.q95, f.sd), std::isfinite(f.rhat) ? fmt::format("{:.3f}", f.rhat) : "-",
                          whole(f.ess_bulk), whole(f.ess_tail)});
  }
  if (conditional && std::any_of(rows.begin(), rows.end(), [](const SummaryRow& row) { return row.conditional.has_value(); })) {
    table.columns.insert(table.columns.end(), {"RB mean", "RB mcse"});
    table.caption = "RB: from the conditionals of what was integrated out, instead of its draws.";
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const auto& c = rows[i].conditional;
      table.rows[i].push_back(c ? beside(c->mean, std::max(c->mcse, 1e-3 * c->sd)) : "");
      table.rows[i].push_back(c ? cell(c->mcse, 2) : "");
    }
  }
  if (!kinds) {  // of files that do not say
    table.columns.erase(table.columns.begin() + 1);
    for (auto& row : table.rows) row.erase(row.begin() + 1);
  }
  return table;
}

std::string summary_text(std::span<const SummaryRow> rows, std::size_t limit) {
  const report::Table table = summary_table(rows.first(std::min(rows.size(), limit)));
  const bool kinds = table.columns.size() > 1 && table.columns[1] == "kind";
  std::string text = report::table_text(table, kinds ? 2 : 1);
  if (rows.size() > limit) text += fmt::format("and {} more columns, all in result.json\n", rows.size() - limit);
  return text;
}

}  // namespace tenfold::hmc_marg
