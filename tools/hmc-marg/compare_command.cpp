// hmc-marg compare: what is run, in which order, and what comes of it.
#include "hmc-marg/compare_command.h"

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "base/error.h"
#include "base/suggest.h"
#include "cli/state.h"
#include "hmc-marg/compare_report.h"
#include "hmc-marg/suite.h"
#include "report/text_table.h"

namespace tenfold::hmc_marg {
namespace {

// A variant that is to be run, or why it cannot be.
struct Candidate {
  std::string name;
  std::optional<PreparedVariant> prepared;
  std::string error;
  ExitCode code = ExitCode::ok;
};

struct Case {
  std::string model;
  bool many_times = false;
  std::string missing;  // why nothing of it is run; else empty
  ModelSource source;
  int joint = 0;        // unconstrained dimensions of the program
  std::vector<std::string> same_as_auto;  // variants that are auto's program, and so not run
  std::vector<Candidate> variants;
};

struct NotRun {
  std::string model, variant, reason;  // variant empty: the whole model
};

void check_options(const CompareOptions& o) {
  const std::vector<std::string> known = {kNone, kReparam, kAuto};
  for (const std::string& name : o.variants) {
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    const std::string near = nearest(name, known);
    usage_error(fmt::format("--variants: no variant {}; {}", name,
                            near.empty() ? "there are none, reparam, auto" : "did you mean " + near + "?"));
  }
  if (o.variants.empty() && o.twin.empty()) usage_error("--variants: name at least one of none, reparam, auto");
  const bool suite = o.suite != "none";
  if (suite && !o.model.model.empty()) usage_error("--suite brings its own programs: leave out MODEL");
  if (suite && !o.model.data.empty())
    usage_error("--suite brings its own data: leave out --data; --data-dir names the folder of what is not shipped");
  if (suite && !o.twin.empty()) usage_error("--twin is a program for one MODEL: leave out --suite");
  if (!suite && !o.data_dir.empty()) usage_error("--data-dir goes with --suite paper; for a MODEL give --data");
  if (o.twin == "-" && (o.model.model == "-" || o.model.data == "-"))
    usage_error("only one of MODEL, --data and --twin can come from standard input");
}

std::vector<std::string> declared_parameters(const FactorGraph& graph) {
  std::vector<std::string> names;
  for (const Parameter& p : graph.parameters) names.push_back(p.name);
  return names;
}

// What a batch goes on past: plans and certificates that fail; in a suite also a program or data that cannot be used.
Candidate prepare_candidate(const std::string& name, const ModelSource& source, const PlanOptions& plan, bool suite,
                            cli::Run& run) {
  Candidate out{.name = name, .prepared = {}, .error = "", .code = ExitCode::ok};
  try {
    out.prepared = prepare(name, source, plan, run);
  } catch (const Error& error) {
    if (error.exit_code() != ExitCode::infeasible && !(suite && error.exit_code() == ExitCode::input)) throw;
    out.error = error.what();
    out.code = error.exit_code();
  }
  return out;
}

// Whether two plans sample the same density in the same coordinates.
bool same_program(const PreparedVariant& a, const PreparedVariant& b) {
  return a.marginal.eliminated == b.marginal.eliminated && a.model.graph.noncentred == b.model.graph.noncentred;
}

// none and reparam that auto turns out to be: running one program twice shows what machines do, not what plans do.
void drop_same(Case& c, std::vector<NotRun>& not_run) {
  const auto automatic =
      std::find_if(c.variants.begin(), c.variants.end(), [](const Candidate& v) { return v.name == kAuto && v.prepared; });
  if (automatic == c.variants.end()) return;
  const PreparedVariant& plan = *automatic->prepared;
  for (const Candidate& v : c.variants) {
    if (&v == &*automatic || !v.prepared || !same_program(*v.prepared, plan)) continue;
    not_run.push_back({c.model, v.name, fmt::format("auto is the same program as {}", v.name)});
    c.same_as_auto.push_back(v.name);
  }
  std::erase_if(c.variants, [&](const Candidate& v) {
    return std::find(c.same_as_auto.begin(), c.same_as_auto.end(), v.name) != c.same_as_auto.end();
  });
}

Case prepare_case(const std::string& model, ModelSource source, const CompareOptions& o, cli::Run& run,
                  std::vector<NotRun>& not_run) {
  Case out;
  out.model = model;
  out.source = std::move(source);
  std::vector<std::string> parameters;
  const auto wanted = [&](const char* name) { return std::find(o.variants.begin(), o.variants.end(), name) != o.variants.end(); };
  for (const char* name : {kNone, kReparam, kAuto}) {
    if (!wanted(name)) continue;
    Candidate candidate = prepare_candidate(name, out.source, variant_plan(name, o.plan), o.suite != "none", run);
    if (candidate.prepared) {
      out.joint = candidate.prepared->dims.joint;
      parameters = declared_parameters(candidate.prepared->model.graph);
      if (std::string(name) == kReparam && wanted(kNone) && candidate.prepared->model.graph.noncentred.empty()) {
        not_run.push_back(
            {model, name, "no sampled parameter has a prior whose location or scale is sampled: the same program as none"});
        continue;
      }
    }
    out.variants.push_back(std::move(candidate));
  }
  drop_same(out, not_run);
  if (o.twin.empty()) return out;
  ModelSource twin = read_model(o.twin, "");
  if (twin.data_file.empty()) {
    twin.data_file = out.source.data_file;
    twin.data_text = out.source.data_text;
    twin.data_sha256 = out.source.data_sha256;
  }
  Candidate candidate = prepare_candidate(kTwin, twin, variant_plan(kTwin, o.plan), false, run);
  if (candidate.prepared) candidate.prepared->counted = parameters;
  out.variants.push_back(std::move(candidate));
  return out;
}

// "schools" for sample_data/schools.stan, "eight-schools" for embedded:eight-schools.
std::string short_name(const std::string& program) {
  const std::string name = std::filesystem::path(program).stem().string();
  return name.substr(name.starts_with("embedded:") ? name.find(':') + 1 : 0);
}

std::vector<Case> prepare_cases(const CompareOptions& o, cli::Run& run, std::vector<NotRun>& not_run) {
  std::vector<Case> cases;
  if (o.suite == "none") {
    if (o.model.model.empty()) run.note(std::string("no MODEL named: this is ") + kEmbeddedModel);
    const ModelSource source = read_model(o.model.model.empty() ? kEmbeddedModel : o.model.model, o.model.data);
    cases.push_back(prepare_case(short_name(source.program_file), source, o, run, not_run));
    return cases;
  }
  const std::string folder = suite_data_folder(o.data_dir);
  for (const SuiteModel& model : paper_suite()) {
    const std::string missing = missing_data(model, folder);
    if (missing.empty()) {
      cases.push_back(prepare_case(model.name, suite_source(model, folder), o, run, not_run));
    } else {
      run.warn(fmt::format("{} is not run: {}", model.name, missing));
      not_run.push_back({model.name, "", missing});
      cases.emplace_back();
      cases.back().model = model.name;
      cases.back().missing = missing;
    }
    cases.back().many_times = model.many_times;
  }
  return cases;
}

// The runs in their order: within a model the variants of one seed, then those of the next, so that a machine that gets slower
// slows all of them.
class Runs {
 public:
  Runs(const std::vector<Case>& cases, const CompareOptions& options, cli::Run& run)
      : cases_(cases), options_(options), run_(run), fingerprint_(fingerprint(cases)) {
    for (const Case& c : cases_) total_ += static_cast<int>(c.variants.size()) * options.seeds;
    if (const auto saved = run.resume_from()) restore(*saved);
  }

  std::vector<CompareRow> all() {
    std::size_t at = 0;
    for (const Case& c : cases_)
      for (int k = 0; k < options_.seeds; ++k)
        for (const Candidate& candidate : c.variants) {
          const std::uint64_t seed = run_.seed() + static_cast<std::uint64_t>(k);
          if (at < rows_.size())
            check_restored(rows_[at], c.model, candidate.name, seed);
          else
            one(c, candidate, seed);
          ++at;
        }
    return rows_;
  }

 private:
  static Json fingerprint(const std::vector<Case>& cases) {
    Json out = Json::array();
    for (const Case& c : cases)
      for (const Candidate& candidate : c.variants) {
        const ModelSource& source = candidate.prepared ? candidate.prepared->model.source : c.source;
        out.push_back({{"model", c.model},
                       {"variant", candidate.name},
                       {"program_sha256", source.program_sha256},
                       {"data_sha256", source.data_sha256}});
      }
    return out;
  }

  void restore(const cli::State& saved) {
    const auto programs = saved.json.find("programs");
    if (programs == saved.json.end() || *programs != fingerprint_)
      input_error("programs or data changed since the comparison was interrupted; restore them, or start again with --force");
    const auto rows = saved.json.find("rows");
    if (rows == saved.json.end() || !rows->is_array() || static_cast<int>(rows->size()) > total_)
      input_error("checkpoint/state.json: no list of rows; start again with --force");
    for (const Json& row : *rows) rows_.push_back(row_from_json(row));
  }

  static void check_restored(const CompareRow& row, const std::string& model, const std::string& variant, std::uint64_t seed) {
    if (row.model != model || row.variant != variant || row.seed != seed)
      input_error("checkpoint/state.json: its rows are not those of this comparison; start again with --force");
  }

  void one(const Case& c, const Candidate& candidate, std::uint64_t seed) {
    if (run_.stop()) leave();
    CompareRow row{.model = c.model, .variant = candidate.name, .seed = seed, .figures = {}, .error = candidate.error};
    if (candidate.prepared) {
      try {
        const MeasuredRun measured = measure(*candidate.prepared, options_.sampler, seed, run_);
        if (!measured.complete) leave();
        row.figures = measured.figures;
        if (!options_.twin.empty()) row.means = measured.means;
      } catch (const Error& error) {
        if (error.exit_code() != ExitCode::infeasible) throw;
        row.error = error.what();
      }
    }
    if (!candidate.error.empty())
      run_.warn(fmt::format("{}: {} cannot run: {}", c.model, candidate.name, row.error));
    else if (!row.error.empty())
      run_.warn(fmt::format("{}: {} with seed {} failed: {}", c.model, candidate.name, seed, row.error));
    run_.log(row_json(row));
    rows_.push_back(std::move(row));
    run_.step({.what = "compare",
               .done = static_cast<double>(rows_.size()),
               .total = static_cast<double>(total_),
               .unit = "runs",
               .note = c.model + ", " + candidate.name});
    if (static_cast<int>(rows_.size()) < total_) save();
  }

  void save() {
    Json rows = Json::array();
    for (const CompareRow& row : rows_) rows.push_back(saved_row(row));
    run_.save({.json = {{"programs", fingerprint_}, {"rows", std::move(rows)}}, .blobs = {}});
  }

  void leave() {  // by an exception
    save();
    run_.interrupted();
  }

  const std::vector<Case>& cases_;
  const CompareOptions& options_;
  cli::Run& run_;
  Json fingerprint_;
  int total_ = 0;
  std::vector<CompareRow> rows_;
};

Json models_json(const std::vector<Case>& cases) {
  Json out = Json::array();
  for (const Case& c : cases) {
    if (!c.missing.empty()) continue;
    Json variants = Json::array();
    for (const Candidate& v : c.variants) {
      Json entry = {{"variant", v.name}, {"program", nullptr}, {"sampled", nullptr}, {"eliminated", nullptr}};
      if (v.prepared) {
        const ModelSource& source = v.prepared->model.source;
        entry = {{"variant", v.name},
                 {"program", {{"file", source.program_file}, {"sha256", source.program_sha256}}},
                 {"sampled", v.prepared->dims.sampled},
                 {"eliminated", v.prepared->dims.eliminated}};
      }
      variants.push_back(std::move(entry));
    }
    const ModelSource& s = c.source;
    out.push_back({{"name", c.model},
                   {"data", s.data_file.empty() ? Json(nullptr) : Json{{"file", s.data_file}, {"sha256", s.data_sha256}}},
                   {"joint", c.joint},
                   {"variants", std::move(variants)}});
  }
  return out;
}

Json not_run_json(const std::vector<NotRun>& not_run) {
  Json out = Json::array();
  for (const NotRun& n : not_run)
    out.push_back({{"model", n.model}, {"variant", n.variant.empty() ? Json(nullptr) : Json(n.variant)}, {"reason", n.reason}});
  return out;
}

int exit_code(const std::vector<Case>& cases, const std::vector<CompareRow>& rows, const std::vector<Clause>& clauses,
              bool strict) {
  for (const Case& c : cases)
    for (const Candidate& v : c.variants)
      if (v.code == ExitCode::input) return static_cast<int>(ExitCode::input);
  if (std::any_of(rows.begin(), rows.end(), [](const CompareRow& row) { return !row.error.empty(); }))
    return static_cast<int>(ExitCode::infeasible);
  const bool broken =
      std::any_of(clauses.begin(), clauses.end(), [](const Clause& c) { return c.status == ClauseStatus::does_not_hold; });
  const bool judged =
      std::any_of(clauses.begin(), clauses.end(), [](const Clause& c) { return c.status != ClauseStatus::not_run; });
  return strict && (broken || !judged) ? static_cast<int>(ExitCode::check_failed) : 0;
}

cli::Result result_of(const CompareOptions& o, const std::vector<Case>& cases, const std::vector<NotRun>& not_run,
                      const std::vector<CompareRow>& rows, cli::Run& run) {
  const std::vector<VariantMeans> means = variant_means(rows);
  const std::vector<Contrast> gains = contrasts(rows);
  std::vector<Clause> clauses;
  for (const Case& c : cases)
    for (Clause& clause : judge_model(c.model, c.many_times, rows, c.missing, c.same_as_auto))
      clauses.push_back(std::move(clause));
  const std::optional<TwinCheck> twin = o.twin.empty() ? std::nullopt : std::optional(check_twin(cases.front().model, rows));

  cli::Result result;
  Json row_list = Json::array(), gain_list = Json::array();
  for (const CompareRow& row : rows) row_list.push_back(row_json(row));
  for (const Contrast& c : gains) gain_list.push_back(contrast_json(c));
  result.value = {{"suite", o.suite == "none" ? Json(nullptr) : Json(o.suite)},
                  {"models", models_json(cases)},
                  {"rows", row_list},
                  {"contrasts", gain_list},
                  {"clauses", clauses_json(clauses)},
                  {"twin", twin ? twin_json(*twin) : Json(nullptr)},
                  {"not_run", not_run_json(not_run)}};
  result.tables = {variants_table(means)};
  if (!gains.empty()) result.tables.push_back(contrasts_table(gains));
  result.tables.push_back(clauses_table(clauses));
  result.charts = rate_charts(means);
  std::vector<std::string> findings;
  for (const Case& c : cases)
    if (c.missing.empty()) findings.push_back(model_sentence(c.model, c.joint, means, gains));
  for (const NotRun& n : not_run)
    if (!n.variant.empty()) findings.push_back(fmt::format("{}: {} is not run: {}.", n.model, n.variant, n.reason));
  if (twin) findings.push_back(twin_sentence(*twin));
  if (twin && twin->difference_shown) run.warn(findings.back());
  if (o.strict && std::all_of(clauses.begin(), clauses.end(), [](const Clause& c) { return c.status == ClauseStatus::not_run; }))
    run.warn("--strict: nothing was judged, so that nothing is shown to hold");
  result.answer =
      claim_sentence(o.suite == "none" ? "That auto is at least as fast and free of divergences" : "The paper's claim", clauses);
  for (const report::Table& table : result.tables)
    result.human += report::table_text(table, &table == &result.tables.front()  ? 3
                                              : &table == &result.tables.back() ? 4
                                                                                : 2) +
                    "\n";
  result.human += fmt::format("{}\n{}\n", fmt::join(findings, "\n"), result.answer);
  // The answer of one model is its finding; of several a table beside the verdict.
  if (cases.size() == 1) {
    result.answer = fmt::format("{} {}", fmt::join(findings, " "), result.answer);
  } else {
    report::Table words{.title = "In words", .columns = {"finding"}, .rows = {}, .caption = ""};
    for (std::string& finding : findings) words.rows.push_back({std::move(finding)});
    result.tables.insert(result.tables.begin(), std::move(words));
  }
  result.exit_code = exit_code(cases, rows, clauses, o.strict);
  return result;
}

}  // namespace

void describe(CompareOptions& o, cli::OptionTable& table) {
  table
      .input("MODEL", o.model.model,
             "a Stan program; - is standard input; without it, and without --suite, embedded:eight-schools")
      .file();
  table.add("--data", o.model.data, "data in CmdStan's JSON; - is standard input").file();
  describe_plan(o.plan, table);
  table.add("--seeds", o.seeds, "paired runs of each variant, with the seeds from --seed on").between(1, 1000);
  table.add("--variants", o.variants,
            "what to run: the program as it stands, its non-centred form, what the plan's options make of it");
  table.add("--twin", o.twin, "another program with the same data, run as it stands: a form made by hand").file();
  table.add("--suite", o.suite, "the programs of the paper on automatic marginalisation, in place of MODEL")
      .one_of({"none", "paper"});
  table.add("--data-dir", o.data_dir, "folder of the suite's data that are not shipped; default: bayes in $TENFOLD_DATA")
      .value_name("DIR");
  SamplerOptions& s = o.sampler;
  table.add("--chains", s.chains, "chains of a run").between(1, 1000);
  table.add("--warmup", s.warmup, "warm-up iterations a chain").between(0, 1e9);
  table.add("--draws", s.draws, "draws a chain").between(4, 1e9);
  table.add("--delta", s.delta, "target acceptance of the step-size adaptation").strictly_between(0, 1);
  table.flag("--strict", o.strict, "exit 1 when a clause that was judged does not hold, or none was judged");
}

cli::Result compare(const CompareOptions& options, cli::Run& run) {
  check_options(options);
  std::vector<NotRun> not_run;
  const std::vector<Case> cases = prepare_cases(options, run, not_run);
  if (options.seeds == 1) run.warn("one seed gives no interval: no ratio is judged with --seeds 1");
  const std::vector<CompareRow> rows = Runs(cases, options, run).all();
  run.directory()->write("compare.csv", rows_csv(rows));
  return result_of(options, cases, not_run, rows, run);
}

}  // namespace tenfold::hmc_marg
