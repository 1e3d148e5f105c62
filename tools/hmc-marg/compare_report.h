// Comparisons as tables, charts and sentences.
#pragma once

#include <string>
#include <vector>

#include "hmc-marg/compare.h"
#include "report/chart.h"
#include "report/report.h"

namespace tenfold::hmc_marg {

report::Table variants_table(const std::vector<VariantMeans>& means);
report::Table contrasts_table(const std::vector<Contrast>& contrasts);
report::Table clauses_table(const std::vector<Clause>& clauses);

// Effective draws per CPU second and per gradient, with intervals; "ess_per_cpu_s", "ess_per_gradient".
std::vector<report::Chart> rate_charts(const std::vector<VariantMeans>& means);

// A sentence a model: "rats71: auto samples 2 dimensions of 73 and gives, per CPU second, 120 times (98 to 140) the effective
// draws of none; ..." `joint`: unconstrained dimensions of the program.
std::string model_sentence(const std::string& model, int joint, const std::vector<VariantMeans>& means,
                           const std::vector<Contrast>& contrasts);

// Whether a twin's means are those of the program.
std::string twin_sentence(const TwinCheck& check);

// The verdict over all clauses in a few sentences: how many hold, which are refuted, which are neither, what was not judged.
std::string claim_sentence(const std::string& claim, const std::vector<Clause>& clauses);

}  // namespace tenfold::hmc_marg
