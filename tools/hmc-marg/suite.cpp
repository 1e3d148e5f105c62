// The paper's programs and where their data are.
#include "hmc-marg/suite.h"

#include <cstdlib>
#include <filesystem>

#include "base/error.h"

namespace tenfold::hmc_marg {

namespace fs = std::filesystem;

const std::vector<SuiteModel>& paper_suite() {
  static const std::vector<SuiteModel> models = {
      {.name = "eight-schools", .program = "embedded:eight-schools", .data_file = "", .many_times = false},
      {.name = "baseball18", .program = "embedded:baseball18", .data_file = "", .many_times = false},
      {.name = "rats71", .program = "embedded:rats71", .data_file = "", .many_times = true},
      {.name = "electric", .program = "embedded:electric", .data_file = "electric_company.json", .many_times = false},
      {.name = "baseball308", .program = "embedded:hpp", .data_file = "baseball_1996.json", .many_times = true},
      {.name = "fibrosis", .program = "embedded:fibrosis", .data_file = "pulmonary_fibrosis.json", .many_times = true},
  };
  return models;
}

std::string suite_data_folder(const std::string& given) {
  if (!given.empty()) {
    if (!fs::is_directory(given)) input_error(given + ": no such folder; --data-dir names the one with the suite's data files");
    return given;
  }
  const char* data = std::getenv("TENFOLD_DATA");
  return data && *data ? (fs::path(data) / "bayes").string() : std::string();
}

std::string missing_data(const SuiteModel& model, const std::string& folder) {
  if (model.data_file.empty()) return "";
  if (folder.empty()) return model.data_file + " is not shipped, and no --data-dir says where it is";
  return fs::exists(fs::path(folder) / model.data_file) ? "" : model.data_file + " is not in " + folder;
}

ModelSource suite_source(const SuiteModel& model, const std::string& folder) {
  return read_model(model.program, model.data_file.empty() ? "" : (fs::path(folder) / model.data_file).string());
}

}  // namespace tenfold::hmc_marg
