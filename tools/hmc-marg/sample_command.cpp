// hmc-marg sample.
#include "hmc-marg/sample_command.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include <fmt/format.h>

#include "base/clock.h"
#include "base/error.h"
#include "hmc-marg/certificate.h"
#include "hmc-marg/certificate_failure.h"
#include "hmc-marg/diagnostics.h"
#include "hmc-marg/explain.h"
#include "hmc-marg/noncentred.h"
#include "hmc-marg/plan_race.h"
#include "hmc-marg/sample_charts.h"
#include "hmc-marg/summary.h"
#include "stats/quantile.h"

namespace tenfold::hmc_marg {
namespace {

constexpr std::size_t kSummaryLines = 40;  // of the table that people see

struct Work {  // CPU seconds of all chains
  double warmup_s = 0, sampling_s = 0, recover_s = 0, write_s = 0;
  double gradients = 0;
  double cpu_s() const { return warmup_s + sampling_s + recover_s; }
};

Work add_up(const std::vector<ChainReport>& chains) {
  Work work;
  for (const ChainReport& c : chains) {
    work.warmup_s += c.warmup_cpu_s;
    work.sampling_s += c.sampling_cpu_s;
    work.recover_s += c.recover_cpu_s;
    work.write_s += c.write_s;
    work.gradients += static_cast<double>(c.gradients);
  }
  return work;
}

Json chains_json(const std::vector<ChainReport>& chains) {
  Json out = Json::array();
  for (const ChainReport& c : chains)
    out.push_back({{"id", c.id},
                   {"step_size", c.step_size},
                   {"accept_stat", c.accept_stat},
                   {"leapfrogs", c.leapfrogs},
                   {"warmup_leapfrogs", c.warmup_leapfrogs},
                   {"divergences", c.divergences},
                   {"treedepth_hits", c.treedepth_hits},
                   {"ebfmi", std::isfinite(c.ebfmi) ? Json(c.ebfmi) : Json(nullptr)},
                   {"warmup_cpu_s", c.warmup_cpu_s},
                   {"sampling_cpu_s", c.sampling_cpu_s},
                   {"recover_cpu_s", c.recover_cpu_s}});
  return out;
}

Json source_json(const std::string& file, const std::string& sha256) {
  if (file.empty()) return nullptr;
  return {{"file", file}, {"sha256", sha256}};
}

// Kind of each column: the sampler's own have none.
std::vector<std::string> column_kinds(const Model& model, const Marginal& marginal) {
  std::vector<std::string> kinds(kSamplerColumns);
  for (const Column& column : draw_columns(model, marginal)) kinds.emplace_back(name_of(column.kind));
  return kinds;
}

// Fills in the rows' conditional figures and says what they lack. Returns the CPU time.
double summarize_conditionals(const Model& model, const Marginal& marginal, const SamplerOutput& output, RaoBlackwell what,
                              std::vector<SummaryRow>& rows, cli::Run& run) {
  if (what == RaoBlackwell::off) return 0;
  const bool quantiles = what == RaoBlackwell::quantiles;
  const RaoBlackwellSummary summary = rao_blackwell(model, marginal, output, quantiles, run.threads());
  attach(summary, rows);
  if (!summary.stored)
    run.warn(fmt::format(
        "{} integrated-out scalars at {} draws are more than 2e7 conditional means, which are not kept: rb_mcse is from "
        "batch means{}",
        summary.figures.size(), output.rows * output.values.size(),
        quantiles ? ", and there are no rb quantiles; --thin would do" : ""));
  if (!summary.infinite.empty())
    run.warn(fmt::format("rb_sd, or rb_mean too, is null for {}{}: the conditional has no finite variance at some draws",
                         summary.infinite.front(),
                         summary.infinite.size() > 1 ? fmt::format(" and {} more", summary.infinite.size() - 1) : ""));
  return summary.cpu_s;
}

// How much a mean from the conditionals gains on that of the draws, as a line; empty where there is none.
std::string conditional_text(const std::vector<SummaryRow>& rows) {
  std::vector<double> ratios;
  for (const SummaryRow& row : rows)
    if (row.conditional && row.figures.mcse_mean > 0 && std::isfinite(row.conditional->mcse))
      ratios.push_back(row.conditional->mcse / row.figures.mcse_mean);
  if (ratios.empty()) return "";
  std::sort(ratios.begin(), ratios.end());
  return fmt::format(
      "means from the conditionals of {} integrated-out scalars (rb_mean in result.json): standard error {:.2g} of the "
      "draws', in the median\n",
      ratios.size(), stats::quantile(ratios, 0.5));
}

Json certificate_json(const CertificateResult& c) {
  return {{"points", c.points}, {"max_abs_error", c.max_abs_error}, {"max_rel_error", c.max_rel_error}};
}

}  // namespace

void describe(SampleOptions& o, cli::OptionTable& table) {
  describe_model(o.model, table);
  describe_plan(o.plan, table);
  SamplerOptions& s = o.sampler;
  table.add("--chains", s.chains, "chains to run").between(1, 1000);
  table.add("--warmup", s.warmup, "warm-up iterations a chain").between(0, 1e9);
  table.add("--draws", s.draws, "draws a chain, before thinning").between(1, 1e9);
  table.add("--thin", s.thin, "keep every N-th draw").between(1, 1e9);
  table.add("--delta", s.delta, "target acceptance of the step-size adaptation").strictly_between(0, 1);
  table.add("--max-depth", s.max_depth, "doublings of a trajectory at most").between(1, 20);
  table.choice("--metric", s.metric, {{"diag", MetricKind::diag}, {"dense", MetricKind::dense}, {"unit", MetricKind::unit}},
               "shape of the inverse mass matrix");
  table
      .add("--init", s.init,
           "initial points: uniform within this radius of zero, unconstrained; or a JSON file of constrained values")
      .value_name("RADIUS|FILE");
  table.add("--init-metric", s.init_metric, "JSON file with inv_metric, and step_size where it has one").file();
  table.add("--step-size", s.step_size, "first step size")
      .strictly_between(0, 1e7);  // beyond, Stan takes a posterior for improper
  table.flag("--save-warmup", s.save_warmup, "write the warm-up draws, too");
  table.flag("--csv-timing", s.csv_timing, "write true times into the chain files; equal runs then differ in these bytes");
  table.choice("--rao-blackwell", o.rao_blackwell,
               {{"on", RaoBlackwell::on}, {"off", RaoBlackwell::off}, {"quantiles", RaoBlackwell::quantiles}},
               "moments, and quantiles if asked for, of what was integrated out from its conditionals, not from its draws: "
               "rb_mean and so on");
  table.flag("--strict", o.strict, "exit 1 when a diagnostic warns");
}

cli::Result sample(const SampleOptions& options, cli::Run& run) {
  Model model = load(options.model, run.seed());
  double clock = wall_s();
  const FactorGraph declared = options.plan.may_rewrite() ? model.graph : FactorGraph();
  const Marginal marginal = choose_plan(model, options.plan, run);
  const double plan_s = model.build_s + (wall_s() - clock);
  clock = wall_s();
  const CertificateResult certificate = certify(model.graph, marginal, run.seed());
  if (!certificate.ok) infeasible_error(certificate_failure(model, marginal, certificate, run.seed()));
  if (!model.graph.noncentred.empty()) {
    const CertificateResult identity = certify_noncentred(declared, model.graph, run.seed());
    if (!identity.ok) infeasible_error(noncentred_failure(identity));
  }
  const double certificate_s = wall_s() - clock;

  const SamplerOutput output = run_chains(model, marginal, options.sampler, run);
  ChainDraws draws{.names = output.column_names, .chains = {}};
  for (const auto& values : output.values) draws.chains.emplace_back(values);
  const std::vector<std::string> kinds = column_kinds(model, marginal);
  std::vector<SummaryRow> rows = summarize(draws, kSamplerColumns, kinds, run.threads());
  const double conditional_cpu_s = summarize_conditionals(model, marginal, output, options.rao_blackwell, rows, run);
  const std::vector<std::string> messages = diagnose(output, options.sampler, rows);
  for (const std::string& message : messages) run.warn(message);

  const Work work = add_up(output.chains);
  const MinEss least = min_ess(rows);
  const bool measured = std::isfinite(least.value);
  const Dimensions dims = dimensions(model.graph, marginal);
  const auto ratio = [&](double by) { return measured && by > 0 ? Json(least.value / by) : Json(nullptr); };

  cli::Result result;
  result.value = {
      {"model", source_json(model.source.program_file, model.source.program_sha256)},
      {"data", source_json(model.source.data_file, model.source.data_sha256)},
      {"dims", {{"joint", dims.joint}, {"sampled", dims.sampled}, {"eliminated", dims.eliminated}}},
      {"plan", plan_json(marginal)},
      {"block", block_json(marginal)},
      {"certificate", certificate_json(certificate)},
      {"lp_offset", model.graph.lp_offset},
      {"chains", chains_json(output.chains)},
      {"summary", summary_json(rows, options.rao_blackwell == RaoBlackwell::quantiles ? ConditionalFields::quantiles
                                                                                      : ConditionalFields::moments)},
      {"min_ess",
       {{"value", measured ? Json(least.value) : Json(nullptr)},
        {"name", measured ? Json(least.name) : Json(nullptr)},
        {"per_cpu_s", ratio(work.cpu_s())},
        {"per_gradient", ratio(work.gradients)}}},
      {"time",
       {{"parse_s", model.parse_s},
        {"plan_s", plan_s},
        {"certificate_s", certificate_s},
        {"warmup_cpu_s", work.warmup_s},
        {"sampling_cpu_s", work.sampling_s},
        {"recover_cpu_s", work.recover_s},
        {"rao_blackwell_cpu_s", conditional_cpu_s},
        {"write_s", work.write_s}}},
      {"gradients", work.gradients},
      {"ns_per_gradient", work.gradients > 0 ? Json((work.warmup_s + work.sampling_s) / work.gradients * 1e9) : Json(nullptr)},
      {"diagnostics", {{"ok", messages.empty()}, {"messages", messages}}},
      {"files", output.files},
  };
  result.answer =
      fmt::format("{} of {} dimensions were sampled, the other {} integrated out exactly and drawn from their conditional; {}.",
                  dims.sampled, dims.joint, dims.eliminated,
                  messages.empty() ? "no diagnostic warns"
                                   : fmt::format("{} diagnostic{} warn{}", messages.size(), messages.size() == 1 ? "" : "s",
                                                 messages.size() == 1 ? "s" : ""));
  result.human = "Plan\n" + plan_text(model, marginal) + "\n" + summary_text(rows, kSummaryLines) + "\n";
  if (measured)
    result.human += fmt::format("smallest bulk ESS {:.0f} ({}), {:.0f} per CPU second, {:.3f} per gradient\n", least.value,
                                least.name, least.value / work.cpu_s(), work.gradients > 0 ? least.value / work.gradients : 0.0);
  result.human += conditional_text(rows);
  result.human += certificate.points > 0
                      ? fmt::format("certificate: marginal, conditional and program agree to {:.1e} at {} points\n",
                                    certificate.max_rel_error, certificate.points)
                      : "";
  result.human += fmt::format("in {}: chains, result.json, report.html\n", run.directory()->path().string());
  report::Table plan;
  plan.title = "Plan";
  plan.columns = {"parameter", "size", "status", "why", "lines"};
  for (const PlanEntry& entry : marginal.plan) {
    std::string lines;
    for (const int line : entry.lines) lines += (lines.empty() ? "" : ", ") + std::to_string(line);
    plan.rows.push_back({entry.name, std::to_string(entry.size), entry.eliminated ? "integrated out" : "sampled",
                         entry.detail.empty() ? entry.reason : entry.detail, lines});
  }
  result.tables = {plan, summary_table(rows, true)};
  result.charts = sample_charts(output, rows);
  result.exit_code = options.strict && !messages.empty() ? 1 : 0;
  return result;
}

}  // namespace tenfold::hmc_marg
