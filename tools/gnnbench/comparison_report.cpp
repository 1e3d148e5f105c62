#include "gnnbench/comparison_report.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include <fmt/format.h>

#include "data/csv.h"
#include "gnnbench/verdicts.h"

namespace tenfold::gnnbench {
namespace {

constexpr const char* kNone = "-";

Json or_null(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }
Json or_null(const std::optional<double>& value) { return value ? Json(*value) : Json(nullptr); }

std::string cell(double value, int digits = 3) { return std::isfinite(value) ? report::number_text(value, digits) : kNone; }
std::string cell(const std::optional<double>& value) { return value ? cell(*value) : kNone; }

// "fg", "mb", "baseline", "imported"
const char* family_of(const ComparedSystem& s) { return s.imported ? "imported" : name_of(s.family); }

Json run_json(const ComparedSystem& system, const RunRecord& run) {
  const auto find = [&](const std::vector<ReachTime>& times) {
    return std::find_if(times.begin(), times.end(), [&](const ReachTime& t) { return t.seed == run.seed; });
  };
  const auto seconds = find(system.seconds), updates = find(system.updates), epochs = find(system.epochs);
  const bool timed = seconds != system.seconds.end(), reached = timed && seconds->reached;
  const auto at = [&](auto found, const std::vector<ReachTime>& times) {
    return reached && found != times.end() ? Json(found->time) : Json(nullptr);
  };
  const Json lower = reached ? or_null(system.t_lo[static_cast<std::size_t>(seconds - system.seconds.begin())]) : Json(nullptr);
  return {{"seed", run.seed},
          {"folder", run.folder.empty() ? Json(nullptr) : Json(run.folder)},
          {"reached", reached},
          {"tta_s", at(seconds, system.seconds)},
          {"t_lo_s", lower},
          {"censored_at_s", timed && !reached ? Json(seconds->time) : Json(nullptr)},
          {"update", at(updates, system.updates)},
          {"epoch", at(epochs, system.epochs)},
          {"tta_setup_s", reached && !std::isnan(run.setup_s) ? Json(seconds->time + run.setup_s) : Json(nullptr)},
          {"best_val", or_null(run.best_val)},
          {"test", or_null(run.test)},
          {"epochs", or_null(run.curve.back().epoch)},
          {"updates", or_null(run.curve.back().update)},
          {"epoch_s", or_null(run.epoch_s)},
          {"peak_bytes", or_null(run.peak_bytes)},
          {"converged", run.imported ? Json(nullptr) : Json(run.converged)},
          {"stopped_by", run.stopped_by}};
}

Json accuracy_json(const ComparedSystem& system) {
  const auto accuracy = test_accuracy(system);
  if (!accuracy) return nullptr;
  return {{"mean", accuracy->mean},
          {"ci", Json::array({or_null(accuracy->interval.low), or_null(accuracy->interval.high)})},
          {"n", accuracy->n}};
}

Json mean_table(const ComparedSystem& system, std::map<std::string, double> RunRecord::* table) {
  std::map<std::string, double> sums;
  for (const RunRecord& run : system.runs)
    for (const auto& [key, value] : run.*table) sums[key] += value / static_cast<double>(system.runs.size());
  Json out = Json::object();
  for (const auto& [key, value] : sums) out[key] = or_null(value);
  return out;
}

Json system_json_of(const ComparedSystem& s) {
  Json runs = Json::array();
  for (const RunRecord& run : s.runs) runs.push_back(run_json(s, run));
  const RunRecord& first = s.runs.front();
  return {{"system", s.name},
          {"text", first.text},
          {"family", s.imported ? Json(nullptr) : Json(name_of(s.family))},
          {"imported", s.imported},
          {"workers", first.workers},
          {"lr", or_null(first.lr)},
          {"updates_per_epoch", or_null(first.updates_per_epoch)},
          {"tta_median_s", or_null(s.median_s)},
          {"updates_median", or_null(s.median_updates)},
          {"epochs_median", or_null(s.median_epochs)},
          {"reached", s.reached},
          {"censored", s.runs.size() - s.reached},
          {"reached_untrained", s.reached_untrained},
          {"best_median", or_null(s.best)},
          {"test_accuracy", accuracy_json(s)},
          {"converged", s.imported ? Json(nullptr) : Json(s.converged)},
          {"mean_breakdown_s", mean_table(s, &RunRecord::breakdown_s)},
          {"mean_bytes", mean_table(s, &RunRecord::bytes)},
          {"runs", runs}};
}

Json pair_json(const Comparison& c, const SystemPair& pair) {
  const std::string &a = c.systems[pair.a].name, &b = c.systems[pair.b].name;
  return {{"a", a},
          {"b", b},
          {"time", ratio_json(pair.time)},
          {"updates", ratio_json(pair.updates)},
          {"epochs", ratio_json(pair.epochs)},
          {"verdict", pair_verdict(c, pair)}};
}

Json gap_json(const AccuracyGap& gap) {
  if (!gap.gap) return nullptr;
  return {{"difference", gap.gap->difference},
          {"ci", Json::array({or_null(gap.gap->interval.low), or_null(gap.gap->interval.high)})},
          {"n", gap.gap->n},
          {"shown", gap.gap->shown}};
}

Json baselines_json(const Comparison& c) {
  Json checks = Json::array();
  for (const BaselineCheck& check : c.checks) {
    Json against = Json::object();
    for (const AccuracyGap& gap : check.gaps) against[gap.b] = gap_json(gap);
    checks.push_back({{"system", check.system}, {"against", against}, {"flagged", !check.not_beaten.empty()}});
  }
  Json runs = Json::array();
  for (const ComparedSystem& baseline : c.baselines) runs.push_back(system_json_of(baseline));
  return {{"runs", runs}, {"checks", checks}};
}

std::string bound_mark(RatioKind kind) { return kind == RatioKind::at_least ? ">= " : kind == RatioKind::at_most ? "<= " : ""; }

std::string interval_cell(const std::optional<double>& low, const std::optional<double>& high) {
  return low || high ? cell(low) + " to " + cell(high) : kNone;
}

std::string accuracy_cell(const ComparedSystem& system) {
  const auto accuracy = test_accuracy(system);
  if (!accuracy) return kNone;
  const double half = accuracy->interval.high - accuracy->mean;
  return fmt::format("{:.3f}", accuracy->mean) + (std::isfinite(half) ? fmt::format(" +- {:.3f}", half) : "");
}

double mean_of(const ComparedSystem& system, double RunRecord::* member) {
  double sum = 0;
  for (const RunRecord& run : system.runs) sum += run.*member / static_cast<double>(system.runs.size());
  return sum;
}

std::string tex_escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (std::string_view("&%$#_{}").find(c) != std::string_view::npos)
      out += '\\', out += c;
    else if (c == '~' || c == '^' || c == '\\')
      out += fmt::format("\\char{} ", static_cast<int>(c));
    else if (c == '<' || c == '>')
      out += fmt::format("${}$", c);
    else
      out += c;
  }
  return out;
}

// Tables of words in columns of equal width.
std::string columns_text(const report::Table& table) {
  std::vector<std::size_t> widths;
  for (const std::string& title : table.columns) widths.push_back(title.size());
  for (const auto& row : table.rows)
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  std::string out;
  const auto line = [&](const std::vector<std::string>& row) {
    std::string text;
    for (std::size_t i = 0; i < row.size(); ++i)
      text += i < 2 ? fmt::format("{:<{}}  ", row[i], widths[i]) : fmt::format("{:>{}}  ", row[i], widths[i]);
    out += text.substr(0, text.find_last_not_of(' ') + 1) + "\n";
  };
  line(table.columns);
  for (const auto& row : table.rows) line(row);
  return out;
}

}  // namespace

Json comparison_json(const Comparison& c) {
  Json systems = Json::array(), ratios = Json::array(), failed = Json::array(), left_out = Json::array(), claims = Json::array();
  for (const ComparedSystem& s : c.systems) systems.push_back(system_json_of(s));
  for (const SystemPair& pair : c.pairs) ratios.push_back(pair_json(c, pair));
  for (const FailedRun& run : c.failed)
    failed.push_back({{"system", run.system}, {"seed", run.seed}, {"exit_code", run.exit_code}, {"message", run.message}});
  for (const auto& [system, why] : c.left_out) left_out.push_back({{"system", system}, {"why", why}});
  for (const Claim& claim : published_claims(c))
    claims.push_back({{"claim", claim.claim},
                      {"published", claim.published.empty() ? Json(nullptr) : Json(claim.published)},
                      {"verdict", name_of(claim.verdict)},
                      {"evidence", claim.evidence}});
  return {{"target",
           {{"value", or_null(c.target)},
            {"rule", c.measure.target.text},
            {"on", c.measure.on == Part::test ? "test" : "val"},
            {"clock", name_of(c.measure.clock)},
            {"best_fg", or_null(c.best_fg)},
            {"best_mb", or_null(c.best_mb)},
            {"reached_untrained", c.reached_untrained}}},
          {"systems", systems},
          {"ratios", ratios},
          {"pairs_compared", {{"pairs", own_pairs(c)}, {"level", 0.95}, {"corrected", false}}},
          {"headline", c.headline ? pair_json(c, *c.headline) : Json(nullptr)},
          {"baselines", baselines_json(c)},
          {"failed", failed},
          {"left_out", left_out},
          {"protocol", c.protocol},
          {"verdicts", verdicts(c)},
          {"claims", claims}};
}

report::Table systems_table(const Comparison& c) {
  report::Table table;
  table.title = "Systems";
  table.columns = {"system",  "family",       "time to target (s)", "updates",  "epochs",
                   "reached", "an epoch (s)", "test accuracy",      "converged"};
  for (const auto* list : {&c.systems, &c.baselines})
    for (const ComparedSystem& s : *list)
      table.rows.push_back({s.name, family_of(s), cell(s.median_s), cell(s.median_updates), cell(s.median_epochs),
                            fmt::format("{} of {}", s.reached, s.runs.size()), cell(mean_of(s, &RunRecord::epoch_s)),
                            accuracy_cell(s), s.imported ? kNone : fmt::format("{} of {}", s.converged, s.runs.size())});
  table.caption = fmt::format(
      "Target: {} accuracy {:.4f} ({}). Times, updates and epochs are Kaplan-Meier medians over seeds on the {} clock; - where "
      "more "
      "than half of the runs did not get there. Test accuracy at the best validation, mean and 95 % interval over seeds.",
      c.measure.on == Part::test ? "test" : "validation", c.target, c.measure.target.text, name_of(c.measure.clock));
  return table;
}

report::Table ratios_table(const Comparison& c) {
  report::Table table;
  table.title = "Ratios of times to the target";
  table.columns = {"a", "b", "a / b", "95 % interval", "pairs", "log-rank p", "verdict"};
  for (const SystemPair& pair : c.pairs) {
    const std::string &a = c.systems[pair.a].name, &b = c.systems[pair.b].name;
    table.rows.push_back({a, b, pair.time.ratio ? bound_mark(pair.time.kind) + cell(pair.time.ratio) : kNone,
                          interval_cell(pair.time.low, pair.time.high), std::to_string(pair.time.pairs), cell(pair.time.log_rank),
                          pair_verdict(c, pair)});
  }
  const std::size_t pairs = own_pairs(c);
  table.caption =
      "Geometric means over pairs of equal seed, Student's interval of the logarithms. A run that missed the target makes "
      "its pair a bound. Intervals are of 95 % each, whatever their number";
  table.caption += pairs < 2 ? "."
                             : fmt::format(": of {} pairs that do not differ {:.2g} would be shown to.", pairs,
                                           0.05 * static_cast<double>(pairs));
  return table;
}

report::Table baselines_table(const Comparison& c) {
  report::Table table;
  table.title = "Against the baselines";
  table.columns = {"system",        "baseline", "system's test accuracy", "baseline's", "difference in points",
                   "95 % interval", "beaten"};
  for (const BaselineCheck& check : c.checks)
    for (const AccuracyGap& gap : check.gaps) {
      if (!gap.gap) continue;
      const bool beaten = std::find(check.not_beaten.begin(), check.not_beaten.end(), gap.b) == check.not_beaten.end();
      const stats::Interval& i = gap.gap->interval;
      table.rows.push_back({check.system, gap.b, fmt::format("{:.3f}", gap.mean_a), fmt::format("{:.3f}", gap.mean_b),
                            fmt::format("{:.1f}", 100 * gap.gap->difference),
                            std::isfinite(i.low) ? fmt::format("{:.1f} to {:.1f}", 100 * i.low, 100 * i.high) : kNone,
                            beaten ? "yes" : "not shown"});
    }
  table.caption =
      "mlp sees features without the graph, label propagation the graph without features: a model that beats neither of "
      "them has little to show for its training.";
  return table;
}

report::Table claims_table(const Comparison& c) {
  report::Table table;
  table.title = "Published claims, here";
  table.columns = {"claim", "published", "here", "evidence"};
  for (const Claim& claim : published_claims(c))
    table.rows.push_back(
        {claim.claim, claim.published.empty() ? kNone : claim.published, name_of(claim.verdict), claim.evidence});
  return table;
}

report::Table published_table() {
  struct Row {
    const char* graph;
    double fg, mb;
  };
  constexpr Row rows[] = {{"pubmed", .81, .33},
                          {"ogbn-arxiv", 3.44, .55},
                          {"reddit", 41.5, 5.98},
                          {"ogbn-products", 53.04, 40.05},
                          {"ogbn-papers100M", 160.41, 41.31}};
  report::Table table;
  table.title = "Published times to accuracy";
  table.columns = {"graph", "best full-graph (s)", "best mini-batch (s)", "ratio"};
  for (const Row& row : rows) table.rows.push_back({row.graph, cell(row.fg, 5), cell(row.mb, 5), cell(row.fg / row.mb)});
  table.caption = "Bajaj et al., arXiv 2406.00552: GraphSAGE on four A100; their targets are not printed.";
  return table;
}

std::vector<report::Table> comparison_tables(const Comparison& c) {
  std::vector<report::Table> tables;
  for (report::Table& table :
       std::vector<report::Table>{systems_table(c), ratios_table(c), baselines_table(c), claims_table(c), published_table()})
    if (!table.rows.empty()) tables.push_back(std::move(table));
  return tables;
}

std::string comparison_text(const Comparison& c) {
  std::string out = columns_text(systems_table(c)) + "\n";
  for (const std::string& sentence : verdicts(c)) out += sentence + "\n";
  return out;
}

std::string curves_csv(const Comparison& c) {
  std::string out = "system,family,imported,seed,update,epoch,train_s,wall_s,cpu_s,val,test\n";
  const auto value = [](double number) { return std::isfinite(number) ? fmt::format("{}", number) : std::string(); };
  for (const auto* list : {&c.systems, &c.baselines})
    for (const ComparedSystem& s : *list)
      for (const RunRecord& run : s.runs)
        for (const RunPoint& p : run.curve) {
          data::append_csv_cell(out, s.name);
          out += fmt::format(",{},{},{},{},{},{},{},{},{},{}\n", s.imported ? "" : name_of(s.family), s.imported ? 1 : 0,
                             run.seed, value(p.update), value(p.epoch), value(p.train_s), value(p.wall_s), value(p.cpu_s),
                             value(p.val), value(p.test));
        }
  return out;
}

std::string table_csv(const report::Table& table) {
  std::string out;
  const auto line = [&](const std::vector<std::string>& row) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (i > 0) out += ',';
      data::append_csv_cell(out, row[i] == kNone ? "" : row[i]);
    }
    out += '\n';
  };
  line(table.columns);
  for (const auto& row : table.rows) line(row);
  return out;
}

std::string table_tex(const report::Table& table, const std::string& label) {
  std::string out = "% needs \\usepackage{booktabs}\n\\begin{table}\n  \\caption{" +
                    tex_escaped(table.title + ". " + table.caption) + "}\n  \\label{" + label + "}\n  \\begin{tabular}{" +
                    std::string(table.columns.size(), 'l') + "}\n    \\toprule\n";
  const auto line = [&](const std::vector<std::string>& row) {
    out += "    ";
    for (std::size_t i = 0; i < row.size(); ++i) out += (i > 0 ? " & " : "") + tex_escaped(row[i]);
    out += " \\\\\n";
  };
  line(table.columns);
  out += "    \\midrule\n";
  for (const auto& row : table.rows) line(row);
  return out + "    \\bottomrule\n  \\end{tabular}\n\\end{table}\n";
}

}  // namespace tenfold::gnnbench
