// What a subcommand returns.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "data/json.h"
#include "report/chart.h"
#include "report/report.h"

namespace tenfold::cli {

struct Result {
  Json value;                               // the envelope's "result"; ignored where the output is a product
  std::string human = {};                   // printed instead of JSON on a terminal; empty: the JSON
  std::string asked = {};                   // what was asked, a sentence for the report; empty: the subcommand's summary
  std::string answer = {};                  // the answer in a sentence, for the report
  std::vector<report::Table> tables = {};   // for the report; without any it shows `human`
  std::vector<report::Chart> charts = {};   // for the report and charts/
  int exit_code = 0;                        // or 1: a check that the user asked for does not hold
};

}  // namespace tenfold::cli
