// The self-contained HTML report: what was asked, the answer in a sentence, charts, tables, how to reproduce.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "report/chart.h"

namespace tenfold::report {

struct Table {
  std::string title;
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> rows;  // each as long as columns; text is escaped; numbers are aligned right
  std::string caption = {};
};

struct Report {
  std::string title;                                       // "hmc-marg sample"
  std::string asked;                                       // what was asked, a sentence
  std::string answer;                                      // the answer, a sentence
  std::vector<std::string> warnings;
  std::string text = {};                                   // shown as it is, in fixed width; may be empty
  std::vector<Table> tables;
  std::vector<Chart> charts;
  std::vector<Table> appendix;                             // tables after the charts, folded away
  std::string command;                                     // reproduces it from the same working directory
  std::vector<std::pair<std::string, std::string>> facts;  // version, machine, time
};

// One HTML document that opens without a network: the drawing code is inside, once.
std::string render_html(const Report& report);

// "0.8123" rather than "0.81230000000000002": digits significant digits, for tables.
std::string number_text(double value, int digits = 4);

}  // namespace tenfold::report
