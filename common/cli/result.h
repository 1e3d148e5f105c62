// What a subcommand returns.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "data/json.h"
#include "report/chart.h"
#include "report/report.h"

namespace tenfold::cli {

struct Result {
  Json value;        // the envelope's "result"; ignored where the output is a product
  std::string human;                   // printed instead of JSON on a terminal; empty: the JSON, indented
  std::string answer;                  // the answer in a sentence, for the report
  std::vector<report::Table> tables;   // for the report
  std::vector<report::Chart> charts;   // for the report and charts/
  int exit_code = 0;                   // 0, or 1: a check that the user asked for does not hold
};

}  // namespace tenfold::cli
