// hmc-marg demo.
#include "hmc-marg/demo_command.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include <fmt/format.h>

#include "base/error.h"
#include "hmc-marg/certificate.h"
#include "hmc-marg/diagnostics.h"
#include "hmc-marg/explain.h"
#include "hmc-marg/sampler.h"
#include "hmc-marg/summary.h"
#include "stats/interval.h"

namespace tenfold::hmc_marg {
namespace {

struct Variant {
  const char* name;       // "plain"
  const char* marginalize;
};
constexpr Variant kVariants[] = {{"plain", "none"}, {"marginalised", "all"}};

// One run of one variant.
struct Measured {
  std::vector<double> ess_per_cpu_s, ess_per_gradient;
  long divergences = 0;
  double min_ess = 0;      // mean over the repeats
  std::string slowest;     // column of the last repeat's smallest ESS
  double max_rhat = 0;
  SamplerOutput last;
};

// Rates vary by factors: their mean and its interval are taken on the log scale.
stats::MeanInterval geometric_mean(std::vector<double> values) {
  for (double& v : values) v = std::log(v);
  stats::MeanInterval out = stats::mean_interval(values);
  for (double* v : {&out.mean, &out.interval.low, &out.interval.high}) *v = std::exp(*v);
  return out;
}

double cpu_s(const SamplerOutput& output) {
  double sum = 0;
  for (const ChainReport& c : output.chains) sum += c.warmup_cpu_s + c.sampling_cpu_s + c.recover_cpu_s;
  return sum;
}

double gradients(const SamplerOutput& output) {
  double sum = 0;
  for (const ChainReport& c : output.chains) sum += static_cast<double>(c.gradients);
  return sum;
}

void add_run(Measured& m, const Model& model, const Marginal& marginal, std::uint64_t seed, int repeats, cli::Run& run) {
  SamplerOutput output = sample_in_memory(model, marginal, SamplerOptions{}, seed, run);
  if (run.stop()) run.interrupted();
  ChainDraws draws{.names = output.column_names, .chains = {}};
  for (const auto& values : output.values) draws.chains.emplace_back(values);
  std::vector<std::string> kinds(kSamplerColumns);
  for (const Column& column : draw_columns(model, marginal)) kinds.emplace_back(name_of(column.kind));
  const std::vector<SummaryRow> rows = summarize(draws, kSamplerColumns, kinds, run.threads());
  const MinEss least = min_ess(rows);
  m.min_ess += least.value / repeats;
  m.slowest = least.name;
  m.ess_per_cpu_s.push_back(least.value / cpu_s(output));
  m.ess_per_gradient.push_back(least.value / gradients(output));
  for (const ChainReport& c : output.chains) m.divergences += c.divergences;
  for (const SummaryRow& row : rows)
    if (row.figures.rhat > m.max_rhat) m.max_rhat = row.figures.rhat;
  m.last = std::move(output);
}

// The funnel: the spread on the log scale against one of the effects it governs, in the last repeat's draws of both variants.
report::Chart funnel(const std::vector<Measured>& variants, const std::string& spread, const std::string& effect) {
  constexpr double kNarrow = -1;  // log spread below which draws are counted
  std::vector<report::Series> series;
  std::string counts;
  for (std::size_t v = 0; v < variants.size(); ++v) {
    const SamplerOutput& output = variants[v].last;
    const auto at = [&](const std::string& column) {
      return static_cast<std::size_t>(std::find(output.column_names.begin(), output.column_names.end(), column) -
                                      output.column_names.begin());
    };
    const std::size_t x = at(effect), y = at(spread), columns = output.column_names.size();
    report::Series s{kVariants[v].name, {}, {}};
    std::size_t narrow = 0, all = 0;
    for (const auto& chain : output.values)
      for (std::size_t r = 0; r < output.rows; ++r, ++all) {
        const double log_spread = std::log(chain[r * columns + y]);
        narrow += log_spread < kNarrow;
        if (r % 8 != 0) continue;
        s.x.push_back(chain[r * columns + x]);
        s.y.push_back(log_spread);
      }
    counts += fmt::format("{}{} {} of {}", counts.empty() ? "" : ", ", kVariants[v].name, narrow, all);
    series.push_back(std::move(s));
  }
  report::Chart chart = report::points("funnel", "Eight schools: the funnel", series, {.x = effect, .y = "log " + spread});
  chart.caption = fmt::format("Every eighth draw. Draws with log {} below {}: {}.", spread, kNarrow, counts);
  return chart;
}

}  // namespace

void describe(DemoOptions& o, cli::OptionTable& table) {
  table.add("--repeats", o.repeats, "paired repeats of each run, each with its own seed").between(2, 100);
}

cli::Result demo(const DemoOptions& options, cli::Run& run) {
  cli::Result result;
  Json rows = Json::array(), contrasts = Json::array();
  report::Table table;
  table.title = "Plain and marginalised";
  table.columns = {"model", "variant", "sampled", "min ESS", "slowest", "ESS/CPU s", "ESS/gradient", "divergent", "max R-hat"};
  table.caption = fmt::format(
      "4 chains of 1000 warm-up and 1000 draws, means over {} seeds (rates: geometric ones); the smallest bulk ESS over lp__, "
      "sampled and recovered "
      "columns; CPU seconds hold warm-up and recovery.",
      options.repeats);
  std::vector<report::Bar> speeds;
  std::string text;
  double done = 0;

  for (const std::string name : {"eight-schools", "sleepstudy"}) {
    Model model = load_model(read_model("embedded:" + name, ""), run.seed());
    std::vector<Marginal> plans;
    for (const Variant& variant : kVariants)
      plans.push_back(marginalize(model.graph, {.marginalize = variant.marginalize, .keep = {}, .compress = true}));
    const CertificateResult certificate = certify(model.graph, plans.back(), run.seed());
    if (!certificate.ok) infeasible_error("the identity certificate is broken: " + certificate.worst);
    text += fmt::format("{}\n{}  certificate: program, marginal and conditional agree to {:.1e} at {} points\n\n", name,
                        plan_text(model, plans.back()), certificate.max_rel_error, certificate.points);

    std::vector<Measured> measured(std::size(kVariants));
    for (int repeat = 0; repeat < options.repeats; ++repeat)
      for (std::size_t v = 0; v < measured.size(); ++v) {
        add_run(measured[v], model, plans[v], run.seed() + static_cast<std::uint64_t>(repeat), options.repeats, run);
        run.step({.what = "demo", .done = ++done, .total = 4.0 * options.repeats, .unit = "runs", .note = ""});
      }
    for (std::size_t v = 0; v < measured.size(); ++v) {
      const Measured& m = measured[v];
      const stats::MeanInterval speed = geometric_mean(m.ess_per_cpu_s), efficiency = stats::mean_interval(m.ess_per_gradient);
      const Dimensions dims = dimensions(model.graph, plans[v]);
      rows.push_back({{"model", name},
                      {"variant", kVariants[v].name},
                      {"sampled", dims.sampled},
                      {"repeats", options.repeats},
                      {"min_ess", m.min_ess},
                      {"slowest", m.slowest},
                      {"ess_per_cpu_s", speed.mean},
                      {"ess_per_cpu_s_ci", {speed.interval.low, speed.interval.high}},
                      {"ess_per_gradient", efficiency.mean},
                      {"divergences", m.divergences},
                      {"max_rhat", m.max_rhat}});
      table.rows.push_back({name, kVariants[v].name, std::to_string(dims.sampled), fmt::format("{:.0f}", m.min_ess), m.slowest,
                            fmt::format("{:.0f}", speed.mean), report::number_text(efficiency.mean, 3),
                            std::to_string(m.divergences), report::number_text(m.max_rhat, 4)});
      speeds.push_back({.label = name,
                        .value = speed.mean,
                        .low = speed.interval.low,
                        .high = speed.interval.high,
                        .group = kVariants[v].name});
    }
    const stats::PairedRatio gain = stats::compare_ratio(measured[1].ess_per_cpu_s, measured[0].ess_per_cpu_s);
    const stats::PairedRatio per_gradient = stats::compare_ratio(measured[1].ess_per_gradient, measured[0].ess_per_gradient);
    contrasts.push_back({{"model", name},
                         {"quantity", "ess_per_cpu_s"},
                         {"ratio", gain.ratio},
                         {"ci", {gain.interval.low, gain.interval.high}},
                         {"n", gain.n},
                         {"shown", gain.shown}});
    contrasts.push_back({{"model", name},
                         {"quantity", "ess_per_gradient"},
                         {"ratio", per_gradient.ratio},
                         {"ci", {per_gradient.interval.low, per_gradient.interval.high}},
                         {"n", per_gradient.n},
                         {"shown", per_gradient.shown}});
    result.answer += fmt::format(
        "{}On {} the marginalised program gave {:.1f} times the effective draws per CPU second of the program as written (95 % "
        "interval {:.1f} to {:.1f}, {} seeds{}).",
        result.answer.empty() ? "" : " ", name, gain.ratio, gain.interval.low, gain.interval.high, gain.n,
        gain.shown ? "" : "; no difference shown");
    if (measured[0].divergences > 0)
      result.answer += fmt::format(" As written, {} of {} draws diverged: that sampler misses part of the posterior.",
                                   measured[0].divergences, options.repeats * 4000);
    if (name == "eight-schools") result.charts.push_back(funnel(measured, "tau", "theta.1"));
  }
  result.charts.insert(
      result.charts.begin(),
      report::intervals(
          "ess", "Effective draws per CPU second", speeds,
          {.x = "smallest bulk ESS per CPU second, mean and 95 % interval", .y = "", .log_x = true, .log_y = false}));
  result.tables = {table};
  result.value = {{"rows", rows}, {"contrasts", contrasts}, {"answer", result.answer}};
  std::string lines;
  for (const auto& row : table.rows)
    lines +=
        fmt::format("{:<14} {:<13} sampled {:>2}  min ESS {:>5} ({})  {:>8} per CPU s  {:>6} per gradient  {:>4} divergences\n",
                    row[0], row[1], row[2], row[3], row[4], row[5], row[6], row[7]);
  result.human = text + lines + "\n" + result.answer + "\n";
  return result;
}

}  // namespace tenfold::hmc_marg
