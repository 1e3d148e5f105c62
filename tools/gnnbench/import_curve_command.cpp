#include "gnnbench/import_curve_command.h"

#include <nlohmann/json.hpp>

#include <fmt/format.h>

#include "base/error.h"
#include "gnnbench/comparison_report.h"
#include "gnnbench/stored_comparison.h"
#include "gnnbench/verdicts.h"

namespace tenfold::gnnbench {

struct ImportCurveOptions {
  std::string file;
  std::string name = "imported";
  std::string into;     // a comparison's folder; empty: the file is only looked at
  bool replace = false;
};

void describe(ImportCurveOptions& o, cli::OptionTable& table) {
  table.input("CURVE", o.file, "CSV with the header seed,time_s,val and perhaps test; a row an evaluation").file().required();
  table.add("--name", o.name, "what the curve's system is called");
  table.add("--into", o.into, "a finished comparison's folder; without it the file is only looked at").value_name("CMP");
  table.flag("--replace", o.replace, "replace a curve of that name");
}

namespace {

Json curve_facts(const std::vector<RunRecord>& runs) {
  Json out = Json::array();
  for (const RunRecord& run : runs)
    out.push_back({{"seed", run.seed},
                   {"points", run.curve.size()},
                   {"end_s", run.curve.back().train_s},
                   {"best_val", run.best_val},
                   {"test", std::isnan(run.test) ? Json(nullptr) : Json(run.test)}});
  return out;
}

std::string facts_text(const std::string& name, const std::vector<RunRecord>& runs) {
  std::string text;
  for (const RunRecord& run : runs)
    text += fmt::format("{}, seed {}: {} points to {} s, best validation accuracy {:.4f}\n", name, run.seed, run.curve.size(),
                        report::number_text(run.curve.back().train_s), run.best_val);
  return text;
}

cli::Result import_curve(const ImportCurveOptions& options, cli::Run& run) {
  if (options.name.empty() || options.name.find_first_of("\n\r") != std::string::npos)
    usage_error("--name: a line of text is needed");
  if (options.replace && options.into.empty()) usage_error("--replace: where? name the comparison with --into");
  const std::vector<RunRecord> runs = read_curve_file(options.file, options.name);
  cli::Result result;
  result.value = {{"name", options.name}, {"into", nullptr}, {"runs", curve_facts(runs)}, {"comparison", nullptr}};
  result.human = facts_text(options.name, runs);
  if (options.into.empty()) {
    run.note("the curve was only looked at; --into names a comparison's folder to keep it in");
    return result;
  }
  store_curve(options.into, options.name, runs, options.replace);
  const Comparison comparison = read_comparison(options.into).compared();
  result.value["into"] = options.into;
  result.value["comparison"] = comparison_json(comparison);
  result.human += "\n" + comparison_text(comparison);
  run.note(fmt::format("`gnnbench report {}` shows it beside the comparison's own systems", options.into));
  return result;
}

}  // namespace

cli::Subcommand import_curve_command() {
  return cli::subcommand<ImportCurveOptions>(
      "import-curve", "another program's accuracy over time, beside a comparison's", import_curve,
      {.examples =
           {"gnnbench import-curve sample_data/gnn/pyg_curve.csv --name PyG",
            "gnnbench compare sample_data/gnn/iris.npz --split random:0.5,0.25,0.25 --systems sync,ns --baselines none --seeds 1 "
            "--epochs 20 --hidden 8 -o cmp -q > compared.json && gnnbench import-curve sample_data/gnn/pyg_curve.csv --name PyG "
            "--into cmp"},
       .description =
           "The curve joins the comparison's ratios, seed by seed, and its reports, marked as imported. It moves neither the "
           "target nor the headline: its clock and its evaluations are its own."});
}

}  // namespace tenfold::gnnbench
