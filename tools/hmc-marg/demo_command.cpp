// hmc-marg demo.
#include "hmc-marg/demo_command.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>

#include <fmt/format.h>

#include "hmc-marg/compare_report.h"
#include "hmc-marg/exact.h"
#include "hmc-marg/exact_against.h"
#include "report/text_table.h"

namespace tenfold::hmc_marg {
namespace {

struct Piece {
  std::string model;                  // embedded:...
  std::vector<const char*> variants;  // auto last
  bool graded;                        // by quadrature
};
// The rates of rats71 have no non-centred form, and five spreads of sleepstudy are too many for quadrature.
const std::vector<Piece> kPieces = {{"eight-schools", {kNone, kReparam, kAuto}, true},
                                    {"rats71", {kNone, kAuto}, true},
                                    {"sleepstudy", {kNone, kReparam, kAuto}, false}};

// A variant and its runs, one a repeat.
struct Played {
  PreparedVariant prepared;
  std::vector<SamplerOutput> outputs;
  std::optional<Verdict> verdict;  // of the draws of all repeats together
};

// The funnel: the spread on the log scale against one of the effects it governs, in the last repeat's draws of both variants.
report::Chart funnel(const std::vector<Played>& variants, const std::string& spread, const std::string& effect) {
  constexpr double kNarrow = -1;  // log spread below which draws are counted
  std::vector<report::Series> series;
  std::string counts;
  for (std::size_t v = 0; v < variants.size(); ++v) {
    const SamplerOutput& output = variants[v].outputs.back();
    const auto at = [&](const std::string& column) {
      return static_cast<std::size_t>(std::find(output.column_names.begin(), output.column_names.end(), column) -
                                      output.column_names.begin());
    };
    const std::size_t x = at(effect), y = at(spread), columns = output.column_names.size();
    report::Series s{variants[v].prepared.name, {}, {}};
    std::size_t narrow = 0, all = 0;
    for (const auto& chain : output.values)
      for (std::size_t r = 0; r < output.rows; ++r, ++all) {
        const double log_spread = std::log(chain[r * columns + y]);
        narrow += log_spread < kNarrow;
        if (r % 8 != 0) continue;
        s.x.push_back(chain[r * columns + x]);
        s.y.push_back(log_spread);
      }
    counts += fmt::format("{}{} {} of {}", counts.empty() ? "" : ", ", variants[v].prepared.name, narrow, all);
    series.push_back(std::move(s));
  }
  report::Chart chart = report::points("funnel", "Eight schools: the funnel", series, {.x = effect, .y = "log " + spread});
  chart.caption = fmt::format("Every eighth draw. Draws with log {} below {}: {}.", spread, kNarrow, counts);
  return chart;
}

// The runs of one model.
std::vector<Played> play(const Piece& piece, int repeats, double& done, double total, std::vector<CompareRow>& rows,
                         cli::Run& run) {
  std::vector<Played> played;
  const ModelSource source = read_model("embedded:" + piece.model, "");
  for (const char* name : piece.variants)
    played.push_back({.prepared = prepare(name, source, variant_plan(name, {}), run), .outputs = {}, .verdict = {}});
  for (int repeat = 0; repeat < repeats; ++repeat)
    for (Played& p : played) {
      const std::uint64_t seed = run.seed() + static_cast<std::uint64_t>(repeat);
      MeasuredRun measured = measure(p.prepared, SamplerOptions{}, seed, run);
      if (!measured.complete) run.interrupted();
      rows.push_back({piece.model, p.prepared.name, seed, measured.figures, ""});
      p.outputs.push_back(std::move(measured.output));
      run.step({.what = "demo", .done = ++done, .total = total, .unit = "runs", .note = piece.model + ", " + p.prepared.name});
    }
  return played;
}

// The draws of all repeats of each variant against the exact posterior: chains of one posterior, whatever their seeds.
void grade_all(std::vector<Played>& played, cli::Run& run) {
  const PreparedVariant& automatic = played.back().prepared;
  const ExactResult exact = integrate(automatic.model, automatic.marginal, {}, run);
  for (Played& p : played) {
    ChainDraws all;
    for (const SamplerOutput& output : p.outputs) {
      const ChainDraws draws = draws_of(output);
      all.names = draws.names;
      all.chains.insert(all.chains.end(), draws.chains.begin(), draws.chains.end());
    }
    p.verdict = judge(exact, grade(automatic.model, exact, all, run.threads()));
  }
}

std::string verdict_sentence(const std::string& variant, const Verdict& v) {
  return v.difference_shown ? fmt::format("{} misses the exact posterior: {} is off by {:.1f} standard errors (limit {:.1f})",
                                          variant, v.worst, v.max_abs_z, v.limit)
                            : fmt::format("{} shows no difference from it: the largest of {} z-scores is {:.1f} (limit {:.1f})",
                                          variant, v.compared, v.max_abs_z, v.limit);
}

Json grade_json(const std::string& model, const std::string& variant, const Verdict& v) {
  return {{"model", model},
          {"variant", variant},
          {"compared", v.compared},
          {"max_abs_z", v.max_abs_z},
          {"worst", v.worst},
          {"limit", v.compared > 0 ? Json(v.limit) : Json(nullptr)},
          {"difference_shown", v.difference_shown}};
}

report::Table grades_table() {
  report::Table table;
  table.title = "Against the exact posterior";
  table.columns = {"model", "variant", "furthest off", "largest |z|", "limit", "z-scores"};
  table.caption =
      "z: how far means, standard deviations and quantiles of all draws are from those by quadrature, in Monte Carlo standard "
      "errors; the largest of so many passes the limit by chance with probability 5 %.";
  return table;
}

}  // namespace

void describe(DemoOptions& o, cli::OptionTable& table) {
  table.add("--repeats", o.repeats, "paired repeats of each run, each with its own seed").between(2, 100);
}

cli::Result demo(const DemoOptions& options, cli::Run& run) {
  cli::Result result;
  Json row_list = Json::array(), gain_list = Json::array(), grade_list = Json::array();
  std::vector<CompareRow> rows;
  report::Table grades = grades_table();
  report::Chart chart;
  std::string text, graded;
  std::vector<std::pair<std::string, int>> joint;
  double done = 0, total = 0;
  for (const Piece& piece : kPieces) total += static_cast<double>(piece.variants.size()) * options.repeats;

  for (const Piece& piece : kPieces) {
    std::vector<Played> played = play(piece, options.repeats, done, total, rows, run);
    const PreparedVariant& automatic = played.back().prepared;
    joint.emplace_back(piece.model, automatic.dims.joint);
    text += fmt::format("{}\n{}  certificate: program, marginal and conditional agree to {:.1e} at {} points\n\n", piece.model,
                        plan_text(automatic.model, automatic.marginal), automatic.certificate.max_rel_error,
                        automatic.certificate.points);
    if (piece.graded) grade_all(played, run);
    std::string verdicts;
    for (const Played& p : played) {
      if (!p.verdict) continue;
      const Verdict& v = *p.verdict;
      grade_list.push_back(grade_json(piece.model, p.prepared.name, v));
      grades.rows.push_back({piece.model, p.prepared.name, v.worst, fmt::format("{:.2f}", v.max_abs_z),
                             fmt::format("{:.2f}", v.limit), std::to_string(v.compared)});
      verdicts += (verdicts.empty() ? "" : "; ") + verdict_sentence(p.prepared.name, v);
    }
    if (!verdicts.empty()) graded += fmt::format("{}, by quadrature: {}.\n", piece.model, verdicts);
    if (chart.name.empty()) chart = funnel(played, "tau", "theta.1");
  }

  const std::vector<VariantMeans> means = variant_means(rows);
  const std::vector<Contrast> gains = contrasts(rows);
  for (const CompareRow& row : rows) row_list.push_back(row_json(row));
  for (const Contrast& c : gains) gain_list.push_back(contrast_json(c));
  for (const auto& [model, dimensions] : joint) result.answer += model_sentence(model, dimensions, means, gains) + "\n";
  result.answer += graded;
  result.tables = {variants_table(means), contrasts_table(gains), grades};
  result.charts = rate_charts(means);
  result.charts.push_back(std::move(chart));
  result.value = {{"rows", row_list}, {"contrasts", gain_list}, {"grades", grade_list}, {"answer", result.answer}};
  result.human = text + report::table_text(result.tables[0], 3) + "\n" + report::table_text(result.tables[1], 2) + "\n" +
                 report::table_text(grades, 3) + "\n" + result.answer;
  return result;
}

}  // namespace tenfold::hmc_marg
