// hmc-marg verify.
#include "hmc-marg/verify_command.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.h"
#include "base/philox.h"
#include "cli/torch_part.h"
#include "hmc-marg/certificate.h"
#include "hmc-marg/explain.h"
#include "hmc-marg/gradient_check.h"
#include "hmc-marg/noncentred.h"
#include "hmc-marg/op_program.h"
#include "hmc-marg/plan_race.h"
#include "hmc-marg/recover.h"
#include "hmc-marg/torch_part.h"

namespace tenfold::hmc_marg {
namespace {

struct Check {
  std::string name;
  bool ok = false;
  double error = 0, tolerance = 0;
  std::string detail;
};

// Relative to what is compared, and to 1 where that is small.
double distance(double a, double b, double scale = 1) {
  const double d = std::fabs(a - b) / std::max({1.0, std::fabs(b), scale});
  return std::isnan(d) ? std::numeric_limits<double>::infinity() : d;
}

// Unconstrained kept coordinates from U(-2, 2) at which the density is finite.
std::vector<std::vector<double>> finite_points(Engine& engine, std::uint64_t seed, int wanted) {
  std::vector<std::vector<double>> points;
  const auto key = philox_key(seed, "verify");
  for (std::uint32_t i = 0; i < 100u * static_cast<std::uint32_t>(wanted) && static_cast<int>(points.size()) < wanted; ++i) {
    PhiloxStream random(key, i);
    std::vector<double> q(static_cast<std::size_t>(engine.dimension()));
    for (double& v : q) v = 4 * random.uniform() - 2;
    if (std::isfinite(engine.log_density(q))) points.push_back(std::move(q));
  }
  if (points.empty()) infeasible_error("no point with a finite density among those tried; check bounds and data");
  return points;
}

// The largest difference of value and gradient between two ways to compute one density. rounding: absolute error of the other's
// last value that is known of and does not count.
Check compare(std::string name, const std::vector<std::vector<double>>& points, const DensityFunction& ours,
              const DensityFunction& other, double tolerance, const std::function<double()>& rounding = {}) {
  Check check{std::move(name), true, 0, tolerance, ""};
  for (const std::vector<double>& q : points) {
    std::vector<double> a(q.size()), b(q.size());
    const double value = ours(q, a), expected = other(q, b);
    const double known = rounding ? rounding() / tolerance : 0;
    check.error = std::max(check.error, distance(value, expected, known));
    // Gradient entries are compared on the scale of the whole gradient: a small entry is a difference of large terms.
    double scale = known;
    for (const double g : b) scale = std::max(scale, std::fabs(g));
    for (std::size_t i = 0; i < q.size(); ++i) check.error = std::max(check.error, distance(a[i], b[i], scale));
  }
  check.ok = check.error <= tolerance;
  check.detail = fmt::format("value and gradient at {} points", points.size());
  return check;
}

Check gradient_differences(const std::vector<std::vector<double>>& points, const DensityFunction& density) {
  constexpr double kTolerance = 1e-6;
  const GradientCheck c = check_gradient(points, density, kTolerance);
  const bool ok = c.error <= kTolerance && (c.compared > 0 || c.skipped == 0);
  std::string detail =
      fmt::format("{} components of gradients at {} points against extrapolated differences", c.compared, points.size());
  if (c.skipped > 0) detail += fmt::format("; {} more left out, whose differences are too inexact to judge by", c.skipped);
  return {"gradient_differences", ok, c.error, kTolerance, std::move(detail)};
}

// Draws at one value of the kept parameters against the exact conditional mean and variance: the largest z-score over all
// scalars.
Check recovery_moments(const Model& model, const Marginal& marginal, std::span<const double> q, std::uint64_t seed) {
  constexpr int kDraws = 4000;
  Recovery recovery(model.graph, marginal);
  TargetSpec spec;
  spec.inputs = marginal.target.inputs;
  std::vector<std::pair<double, std::size_t>> sources;  // number, or place among the outputs
  constexpr std::size_t kKnown = ~std::size_t{0};
  for (const int i : marginal.kept) {
    const Value& value = model.graph.parameters[static_cast<std::size_t>(i)].value;
    for (std::size_t k = 0; k < value.size(); ++k) {
      const Slot slot = value.slot.empty() ? 0 : value.slot[k];
      sources.emplace_back(value.number[k], slot == 0 ? kKnown : spec.outputs.size());
      if (slot != 0) spec.outputs.push_back(slot);
    }
  }
  std::vector<double> outputs(spec.outputs.size()), kept;
  if (!outputs.empty()) {
    Engine engine(lower(model.graph.graph, spec));
    engine.outputs(q, outputs);
  }
  for (const auto& [number, place] : sources) kept.push_back(place == kKnown ? number : outputs[place]);

  const std::size_t n = recovery.eliminated_size();
  std::vector<double> z(n), mean(n), variance(n), kurtosis(n), sum(n), squares(n);
  Check check{"recovery_moments", false, 0, 5, fmt::format("z-scores of means and variances of {} draws", kDraws)};
  if (!recovery.condition(kept)) return check;
  recovery.mean(mean);
  recovery.variance(variance);
  recovery.excess_kurtosis(kurtosis);
  for (std::uint32_t draw = 0; draw < kDraws; ++draw) {
    PhiloxStream random(seed, "verify recovery", draw);
    recovery.draw(random, z);
    for (std::size_t i = 0; i < n; ++i) {
      const double d = z[i] - mean[i];
      sum[i] += d;
      squares[i] += d * d;
    }
  }
  for (std::size_t i = 0; i < n; ++i) {
    if (!(variance[i] > 0) || !std::isfinite(variance[i]) || !std::isfinite(kurtosis[i]) || kurtosis[i] > 12)
      continue;  // z-scores need moments
    check.error = std::max(check.error, std::fabs(sum[i] / kDraws) / std::sqrt(variance[i] / kDraws));
    check.error =
        std::max(check.error, std::fabs(squares[i] / kDraws / variance[i] - 1) / std::sqrt((2.0 + kurtosis[i]) / kDraws));
  }
  check.ok = check.error <= check.tolerance;
  return check;
}

std::string names_of(const FactorGraph& model, const std::vector<int>& parameters) {
  std::vector<std::string> names;
  for (const int p : parameters) names.push_back(model.parameters[static_cast<std::size_t>(p)].name);
  return fmt::format("{}", fmt::join(names, ","));
}

}  // namespace

void describe(VerifyOptions& o, cli::OptionTable& table) {
  describe_model(o.model, table);
  describe_plan(o.plan, table);
  table.add("--points", o.points, "points of the certificate").between(16, 100000);
  table.add("--oracle", o.oracle, "compare with autograd in LibTorch; auto: where that part is built")
      .one_of({"auto", "none", "torch"});
}

cli::Result verify(const VerifyOptions& options, cli::Run& run) {
  Model model = load(options.model, run.seed());
  const FactorGraph declared = options.plan.may_rewrite() ? model.graph : FactorGraph();
  const Marginal marginal = choose_plan(model, options.plan, run);
  std::optional<Marginal> other;
  if (!marginal.eliminated.empty()) {
    PlanOptions plan = options.plan;
    plan.compress = !plan.compress;
    plan.marginalize = names_of(model.graph, marginal.eliminated);  // compressed or not, other sets may be the cheapest
    plan.keep = plan.require = {};
    plan.plan = "auto";
    other = marginalize(model.graph, plan);
  }
  Engine engine(lower(model.graph.graph, marginal.target));
  const DensityFunction ours = [&](std::span<const double> q, std::span<double> gradient) {
    return engine.log_density(q, gradient);
  };
  std::vector<Check> checks;
  // First: of an improper posterior it says which scalar is to blame, where the search for points would only find none.
  if (!marginal.eliminated.empty()) {
    const CertificateResult c = certify(model.graph, marginal, run.seed(), options.points);
    checks.push_back({"certificate", c.ok, c.max_rel_error, kCertificateTolerance,
                      c.ok ? fmt::format("joint = marginal + conditional at {} points", c.points) : c.worst});
  }
  if (!model.graph.noncentred.empty()) {
    const CertificateResult c = certify_noncentred(declared, model.graph, run.seed());
    checks.push_back({"noncentred", c.ok, c.max_rel_error, kCertificateTolerance,
                      c.ok ? fmt::format("density of epsilon = density as declared * scales at {} points", c.points) : c.worst});
  }
  const std::vector<std::vector<double>> points = finite_points(engine, run.seed(), 8);
  checks.push_back(gradient_differences(points, ours));
  checks.push_back(compare(
      "engine_against_reference", points, ours,
      [&](std::span<const double> q, std::span<double> g) {
        return reference_log_density(model.graph.graph, marginal.target, q, g);
      },
      1e-10));
  if (other) {
    Engine uncompressed(lower(model.graph.graph, other->target));
    checks.push_back(compare(
        "compression", points, ours,
        [&](std::span<const double> q, std::span<double> g) { return uncompressed.log_density(q, g); }, 1e-9));
    checks.push_back(recovery_moments(model, marginal, points.front(), run.seed()));
  }
  const Dimensions dims = dimensions(model.graph, marginal);
  const bool wanted = options.oracle == "torch" || (options.oracle == "auto" && cli::torch_part_available("hmc-marg"));
  if (options.oracle == "auto" && !wanted) run.note("the LibTorch part is not built: no oracle; scripts/build builds it");
  if (wanted && marginal.block && marginal.block->n > kOracleLimit) {
    run.warn(fmt::format("the oracle's dense block takes {} eliminated scalars at most, here are {}: not compared", kOracleLimit,
                         marginal.block->n));
  } else if (wanted) {
    const auto part = cli::open_torch_part<TorchPart>("hmc-marg");
    checks.push_back(compare(
        "torch_oracle", points, ours,
        [&](std::span<const double> q, std::span<double> g) { return part->log_density(model.graph, marginal.eliminated, q, g); },
        1e-9, [&] { return part->rounding(); }));
  }

  cli::Result result;
  Json list = Json::array();
  bool all = true;
  for (const Check& check : checks) {
    all = all && check.ok;
    list.push_back({{"name", check.name},
                    {"ok", check.ok},
                    {"error", std::isfinite(check.error) ? Json(check.error) : Json(nullptr)},
                    {"tolerance", check.tolerance},
                    {"detail", check.detail}});
    result.human += fmt::format("{}  {:<26} {:.2e} (at most {:.0e}): {}\n", check.ok ? "holds" : "FAILS", check.name, check.error,
                                check.tolerance, check.detail);
  }
  result.value = {{"dims", {{"joint", dims.joint}, {"sampled", dims.sampled}, {"eliminated", dims.eliminated}}},
                  {"checks", list},
                  {"ok", all}};
  result.exit_code = all ? 0 : 1;
  return result;
}

}  // namespace tenfold::hmc_marg
