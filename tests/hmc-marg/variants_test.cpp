// What is measured of a run: all its CPU seconds, all columns that count; and the paper's claim in effective draws per gradient,
// which no clock disturbs.
#include "hmc-marg/variants.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "base/error.h"
#include "base/philox.h"
#include "hmc-marg/compare.h"
#include "hmc-marg/op_program.h"
#include "hmc-marg/quiet_run.h"
#include "hmc-marg/suite.h"

using namespace tenfold;
using namespace tenfold::hmc_marg;
using namespace tenfold::hmc_marg::testing;

namespace {

const std::string kPrograms = std::string(TENFOLD_SOURCE_DIR) + "/tests/hmc-marg/programs/";
const std::string kSamples = std::string(TENFOLD_SOURCE_DIR) + "/sample_data/hmc-marg/";

std::string data_folder() {
  const char* set = std::getenv("TENFOLD_DATA");
  return std::string(set ? set : TENFOLD_DATA_DEFAULT) + "/bayes";
}

// Chains of independent normal draws in every column, as if the variant had been run.
SamplerOutput made_up(const PreparedVariant& variant, std::size_t rows) {
  SamplerOutput out;
  out.column_names = sampler_column_names();
  for (Column& column : draw_columns(variant.model, variant.marginal)) out.column_names.push_back(std::move(column.name));
  out.rows = rows;
  for (int c = 0; c < 4; ++c) {
    PhiloxStream random(1, "made up", static_cast<std::uint32_t>(c));
    out.values.emplace_back(rows * out.column_names.size());
    for (double& x : out.values.back()) x = random.normal();
    ChainReport report;
    report.id = c + 1;
    report.leapfrogs = 30;
    report.warmup_leapfrogs = 50;
    report.divergences = c == 2 ? 5 : 0;
    report.warmup_cpu_s = 1;
    report.sampling_cpu_s = 2;
    report.recover_cpu_s = 4;
    report.write_s = 100;
    report.gradients = 90;
    out.chains.push_back(report);
  }
  return out;
}

std::size_t column_of(const SamplerOutput& output, const std::string& name) {
  const auto at = std::find(output.column_names.begin(), output.column_names.end(), name);
  REQUIRE(at != output.column_names.end());
  return static_cast<std::size_t>(at - output.column_names.begin());
}

// Every value of a column stands for `times` draws.
void make_slow(SamplerOutput& output, const std::string& name, std::size_t times) {
  const std::size_t columns = output.column_names.size(), at = column_of(output, name);
  for (std::vector<double>& chain : output.values)
    for (std::size_t r = 0; r < output.rows; ++r) chain[r * columns + at] = chain[(r - r % times) * columns + at];
}

PreparedVariant schools(const char* variant, QuietRun& run) {
  return prepare(variant, read_model("embedded:eight-schools", ""), variant_plan(variant, {}), run);
}

}  // namespace

TEST_CASE("variants: none integrates nothing out, reparam samples epsilon, auto follows the options") {
  QuietRun run;
  CHECK(schools(kNone, run).dims.sampled == 10);
  CHECK(schools(kNone, run).model.graph.noncentred.empty());
  const PreparedVariant reparam = schools(kReparam, run);
  CHECK(reparam.dims.sampled == 10);
  CHECK(reparam.model.graph.noncentred.size() == 1);  // theta
  CHECK(schools(kAuto, run).dims.sampled == 1);
  PlanOptions keep;
  keep.keep = {"mu"};
  CHECK(prepare(kAuto, read_model("embedded:eight-schools", ""), variant_plan(kAuto, keep), run).dims.sampled == 2);
  CHECK(prepare(kNone, read_model("embedded:eight-schools", ""), variant_plan(kNone, keep), run).dims.sampled == 10);
}

TEST_CASE("figures count the CPU seconds of warm-up, draws and recovery, and the gradients of warm-up") {
  QuietRun run;
  const PreparedVariant variant = schools(kAuto, run);
  const Figures f = figures_of(variant, made_up(variant, 500), 1);
  CHECK(f.cpu_s == 28);  // (1 + 2 + 4) * 4; writing files is none of the sampler's
  CHECK(f.gradients == 360);
  CHECK(f.leapfrogs == 120);
  CHECK(f.divergences == 5);
  CHECK(f.sampled == 1);
  CHECK(f.ess_per_cpu_s() == doctest::Approx(f.min_ess / 28));
  CHECK(f.ess_per_gradient() == doctest::Approx(f.min_ess / 360));
  CHECK(f.max_rhat < 1.1);
}

TEST_CASE("the smallest ESS is that of lp__, a sampled or a recovered column, whichever it is") {
  QuietRun run;
  const PreparedVariant variant = schools(kAuto, run);
  for (const char* name : {"lp__", "tau", "mu", "theta.5"}) {
    SamplerOutput output = made_up(variant, 500);
    make_slow(output, name, 10);
    const Figures f = figures_of(variant, output, 2);
    CHECK(f.slowest == name);
    CHECK(f.min_ess < 600);
  }
}

TEST_CASE("of a twin the original's parameters count, though they are transformed there") {
  QuietRun run;
  const ModelSource source = read_model(kPrograms + "schools-noncentred.stan", kSamples + "schools.json");
  PreparedVariant twin = prepare(kTwin, source, variant_plan(kTwin, {}), run);
  SamplerOutput output = made_up(twin, 500);
  make_slow(output, "theta.3", 10);
  CHECK(figures_of(twin, output, 1).slowest != "theta.3");
  twin.counted = {"mu", "tau", "theta"};
  CHECK(figures_of(twin, output, 1).slowest == "theta.3");
}

TEST_CASE("a run does not win by values that are not finite, or by standing still") {
  QuietRun run;
  const PreparedVariant variant = schools(kAuto, run);
  SamplerOutput lost = made_up(variant, 500);
  lost.values[1][7 * lost.column_names.size() + column_of(lost, "theta.2")] = std::nan("");
  CHECK_THROWS_WITH_AS(figures_of(variant, lost, 1), "column theta.2 has values that are not finite", Error);
  SamplerOutput still = made_up(variant, 500);
  for (std::vector<double>& chain : still.values) std::fill(chain.begin(), chain.end(), 1.0);
  CHECK_THROWS_AS(figures_of(variant, still, 1), Error);
}

TEST_CASE("the suite: six programs, three of which come without data") {
  std::string names, alone;
  for (const SuiteModel& model : paper_suite()) {
    names += model.name + " ";
    if (!missing_data(model, "").empty()) alone += model.name + " ";
    CHECK(missing_data(model, "/no/such/folder").empty() == model.data_file.empty());
    CHECK(model.many_times == (model.name == "rats71" || model.name == "baseball308" || model.name == "fibrosis"));
  }
  CHECK(names == "eight-schools baseball18 rats71 electric baseball308 fibrosis ");
  CHECK(alone == "electric baseball308 fibrosis ");
  CHECK(suite_data_folder(kSamples) == kSamples);
  CHECK_THROWS_AS(suite_data_folder("/no/such/folder"), Error);
}

namespace {

SamplerOptions short_runs(int iterations) {
  SamplerOptions options;
  options.warmup = iterations;
  options.draws = iterations;
  return options;
}

}  // namespace

TEST_CASE("the paper's claim on what is shipped, per gradient: auto beats none and reparam, without divergences") {
  for (const SuiteModel& model : paper_suite()) {
    if (!model.data_file.empty()) continue;
    CAPTURE(model.name);
    QuietRun run;
    std::vector<CompareRow> rows;
    std::vector<const char*> names = {kNone, kAuto};
    if (model.name == "eight-schools") names.push_back(kReparam);
    for (const char* name : names) {
      const PreparedVariant variant = prepare(name, suite_source(model, ""), variant_plan(name, {}), run);
      for (std::uint64_t seed = 1; seed <= 4; ++seed) {
        const MeasuredRun measured = measure(variant, short_runs(300), seed, run);
        REQUIRE(measured.complete);
        rows.push_back({model.name, name, seed, measured.figures, ""});
      }
    }
    for (const Contrast& c : contrasts(rows)) {
      CAPTURE(c.b);
      CAPTURE(ratio_text(c.per_gradient));
      CHECK(c.per_gradient.n == 4);
      CHECK(c.per_gradient.interval.low > 1);
      if (std::string(c.b) == kNone) CHECK(c.per_gradient.ratio > 5);
    }
    for (const VariantMeans& means : variant_means(rows))
      if (means.variant == kAuto) {
        CHECK(means.divergences == 0);
        CHECK(means.max_rhat < 1.06);
      }
  }
}

TEST_CASE("the paper's programs on data that are not shipped: auto neither diverges nor crawls") {
  for (const SuiteModel& model : paper_suite()) {
    if (model.data_file.empty()) continue;
    if (const std::string missing = missing_data(model, data_folder()); !missing.empty()) {
      MESSAGE("skipped: " << model.name << ": " << missing << "; TENFOLD_DATA names the folder of test data");
      continue;
    }
    CAPTURE(model.name);
    QuietRun run;
    const PreparedVariant variant = prepare(kAuto, suite_source(model, data_folder()), variant_plan(kAuto, {}), run);
    const MeasuredRun measured = measure(variant, short_runs(500), 1, run);
    CHECK(measured.figures.divergences == 0);
    CHECK(measured.figures.max_rhat < 1.06);
    CHECK(measured.figures.ess_per_gradient() > 0.005);  // as they stand: 0.003 and less
  }
}

// Log densities at fixed scales against dense multivariate normals computed elsewhere (1e-11 relative), plus the priors of what
// is kept.
TEST_CASE("electric and fibrosis: marginal densities of the sample programs") {
  for (const SuiteModel& model : paper_suite())
    if ((model.name == "electric" || model.name == "fibrosis") && !missing_data(model, data_folder()).empty()) {
      MESSAGE("skipped: " << missing_data(model, data_folder()) << "; TENFOLD_DATA names the folder of test data");
      return;
    }
  QuietRun run;
  const double log_2pi = std::log(2 * M_PI);
  PlanOptions plan;
  plan.marginalize = "mua,a,b";
  const PreparedVariant electric =
      prepare(kAuto, read_model(kSamples + "electric.stan", data_folder() + "/electric_company.json"), plan, run);
  Engine of_electric(lower(electric.model.graph.graph, electric.marginal.target));
  for (const auto& [sigmay, expected] : {std::pair{0.0, -5232.04973611336}, {1.5, -985.849712300545}}) {
    const std::vector<double> q(4, sigmay);
    CHECK(of_electric.log_density(q) == doctest::Approx(expected + 4 * (-0.5 * sigmay * sigmay - 0.5 * log_2pi)).epsilon(1e-11));
  }
  plan.marginalize = "m_a,m_b,a,b";
  const PreparedVariant fibrosis =
      prepare(kAuto, read_model(kSamples + "fibrosis.stan", data_folder() + "/pulmonary_fibrosis.json"), plan, run);
  Engine of_fibrosis(lower(fibrosis.model.graph.graph, fibrosis.marginal.target));
  const std::vector<double> scales = {800, 8, 130}, widths = {100, 3, 100};  // s_a, s_b, s and their Cauchy priors
  std::vector<double> q;
  double kept = 0;
  for (std::size_t i = 0; i < 3; ++i) {
    q.push_back(std::log(scales[i]));
    kept += q.back() - std::log(M_PI * widths[i]) - std::log1p(std::pow(scales[i] / widths[i], 2));
  }
  CHECK(of_fibrosis.log_density(q) == doctest::Approx(-10494.786635276538 + kept).epsilon(1e-11));
}
