// The programs that the paper on automatic marginalisation measures (Lai, Domke, Sheldon, ICML 2023): what `compare --suite
// paper` runs.
#pragma once

#include <string>
#include <vector>

#include "hmc-marg/model.h"

namespace tenfold::hmc_marg {

struct SuiteModel {
  std::string name;       // "baseball308"
  std::string program;    // "embedded:hpp"
  std::string data_file;  // in the data folder: "baseball_1996.json"; empty where the data are inside the program
  bool many_times = false;  // the paper's largest gains: at least 8 times is claimed
};

// In the order of their running.
const std::vector<SuiteModel>& paper_suite();

// `given`, or where it is empty $TENFOLD_DATA/bayes, or empty where that is not set. Throws Error(input): `given` is no folder.
std::string suite_data_folder(const std::string& given);

// Why the model cannot be read, as a phrase ("baseball_1996.json is not in DIR"), or empty.
std::string missing_data(const SuiteModel& model, const std::string& folder);
ModelSource suite_source(const SuiteModel& model, const std::string& folder);

}  // namespace tenfold::hmc_marg
