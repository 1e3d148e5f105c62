// Variants of a model: their plans, their runs, their figures.
#include "hmc-marg/variants.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/error.h"
#include "hmc-marg/certificate_failure.h"
#include "hmc-marg/diagnostics.h"
#include "hmc-marg/noncentred.h"
#include "hmc-marg/plan_race.h"

namespace tenfold::hmc_marg {
namespace {

// "theta.3" is a column of the parameter theta.
bool is_column_of(const std::string& column, const std::vector<std::string>& parameters) {
  const std::string name = column.substr(0, column.find('.'));
  return std::find(parameters.begin(), parameters.end(), name) != parameters.end();
}

// A column that is not finite has no ESS and would be passed over: a run must not win by losing values.
void check_finite(const std::vector<SummaryRow>& rows) {
  for (const SummaryRow& row : rows)
    if ((row.kind == "lp" || row.kind == "sampled" || row.kind == "eliminated") && !std::isfinite(row.figures.mean))
      infeasible_error(fmt::format("column {} has values that are not finite", row.name));
}

}  // namespace

PlanOptions variant_plan(const std::string& variant, const PlanOptions& automatic) {
  if (variant == kAuto) return automatic;
  PlanOptions plan;
  plan.marginalize = "none";
  if (variant == kReparam) plan.reparam = "auto";
  return plan;
}

PreparedVariant prepare(const std::string& name, const ModelSource& source, const PlanOptions& plan, cli::Run& run) {
  PreparedVariant out;
  out.name = name;
  out.model = load_model(source, run.seed());
  const FactorGraph declared = plan.may_rewrite() ? out.model.graph : FactorGraph();
  out.marginal = choose_plan(out.model, plan, run);
  out.certificate = certify(out.model.graph, out.marginal, run.seed());
  if (!out.certificate.ok)
    infeasible_error(fmt::format("{}: {}", name, certificate_failure(out.model, out.marginal, out.certificate, run.seed())));
  if (!out.model.graph.noncentred.empty()) {
    const CertificateResult identity = certify_noncentred(declared, out.model.graph, run.seed());
    if (!identity.ok) infeasible_error(fmt::format("{}: {}", name, noncentred_failure(identity)));
  }
  out.dims = dimensions(out.model.graph, out.marginal);
  return out;
}

ChainDraws draws_of(const SamplerOutput& output) {
  ChainDraws draws{.names = output.column_names, .chains = {}};
  for (const std::vector<double>& values : output.values) draws.chains.emplace_back(values);
  return draws;
}

Figures figures_of(const PreparedVariant& variant, const SamplerOutput& output, int threads, std::vector<ColumnMean>* means) {
  std::vector<std::string> kinds(kSamplerColumns);
  for (const Column& column : draw_columns(variant.model, variant.marginal))
    kinds.emplace_back(is_column_of(column.name, variant.counted) ? "sampled" : name_of(column.kind));
  const std::vector<SummaryRow> rows = summarize(draws_of(output), kSamplerColumns, kinds, threads);
  check_finite(rows);
  for (const SummaryRow& row : rows)
    if (means && (row.kind == "sampled" || row.kind == "eliminated"))
      means->push_back({row.name, row.figures.mean, row.figures.mcse_mean});
  Figures f;
  f.sampled = variant.dims.sampled;
  const MinEss least = min_ess(rows);
  if (!std::isfinite(least.value))
    infeasible_error("no column has an effective sample size: the chains did not move, or too few draws");
  f.min_ess = least.value;
  f.slowest = least.name;
  for (const ChainReport& c : output.chains) {
    f.cpu_s += c.warmup_cpu_s + c.sampling_cpu_s + c.recover_cpu_s;
    f.gradients += static_cast<double>(c.gradients);
    f.leapfrogs += c.leapfrogs;
    f.divergences += c.divergences;
  }
  for (const SummaryRow& row : rows)
    if (std::isfinite(row.figures.rhat) && !(row.figures.rhat <= f.max_rhat)) f.max_rhat = row.figures.rhat;
  return f;
}

MeasuredRun measure(const PreparedVariant& variant, const SamplerOptions& options, std::uint64_t seed, cli::Run& run) {
  MeasuredRun out;
  try {
    out.output = sample_in_memory(variant.model, variant.marginal, options, seed, run);
  } catch (const Error& error) {
    if (error.exit_code() == ExitCode::interrupted) return {};  // within long generated quantities
    throw;
  }
  const std::size_t whole = static_cast<std::size_t>(options.draws) * out.output.column_names.size();
  for (const std::vector<double>& values : out.output.values)
    if (values.size() != whole) return {};
  out.complete = true;
  out.figures = figures_of(variant, out.output, run.threads(), &out.means);
  return out;
}

}  // namespace tenfold::hmc_marg
