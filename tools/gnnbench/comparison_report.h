// A comparison as JSON, tables, text, CSV and TeX.
#pragma once

#include <string>
#include <vector>

#include "data/json.h"
#include "gnnbench/comparison.h"
#include "report/report.h"

namespace tenfold::gnnbench {

// {target, systems, ratios, headline, baselines, failed, left_out, protocol, verdicts, claims}
Json comparison_json(const Comparison& comparison);

report::Table systems_table(const Comparison& comparison);
report::Table ratios_table(const Comparison& comparison);
report::Table baselines_table(const Comparison& comparison);
report::Table claims_table(const Comparison& comparison);
// Times to accuracy that the source prints, to be read beside ours.
report::Table published_table();
// All of the above that have rows.
std::vector<report::Table> comparison_tables(const Comparison& comparison);

// The systems' table in columns, then the verdicts a line each.
std::string comparison_text(const Comparison& comparison);

// Header system,family,imported,seed,update,epoch,train_s,wall_s,cpu_s,val,test; a row an evaluation.
std::string curves_csv(const Comparison& comparison);
// A table as CSV (cells as shown), and as a LaTeX tabular with booktabs' rules.
std::string table_csv(const report::Table& table);
std::string table_tex(const report::Table& table, const std::string& label);

}  // namespace tenfold::gnnbench
