// What a run keeps of one image in one cell: a line of log.jsonl, from which the result is computed, also after a resumption.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "data/json.h"
#include "mtl-attack/image_attack.h"

namespace tenfold::mtl_attack {

struct ImageRecord {
  std::string id;
  std::string failure;  // not empty: the image was skipped, and nothing else here holds
  double J = 0;                 // of the stored image
  std::vector<double> r, loss;  // by task; NaN where absent
  double J_dataset = 0, J_min = 0;
  double J_before_png = 0;  // of the floats before rounding
  double J_8bit = 0;        // --float alone: of the same rounded to 8 bits
  double linf_levels = 0, l2 = 0, ssim = 0;
  std::vector<bool> floored;  // by task: the floor stood in for gb's denominator at least once
  int restart = 0, forward_passes = 0, backward_passes = 0;
  bool dual_converged = true;
  double cpu_s = 0;  // attack alone
  std::vector<StepTrace> trace;
};

// {"cell": ..., "id": ..., "J": ..., "r": {TASK: x}, ...}. Numbers come back with every bit; NaN is null.
Json to_json(const ImageRecord& record, const std::string& cell, const std::vector<std::string>& tasks);
// Throws Error input for a line that is none.
ImageRecord record_from_json(const Json& line, const std::vector<std::string>& tasks, const std::string& file);

// A log's lines by kind: those of cells, and of the clean pass (cell "clean"). A last line without its end is dropped.
struct LoggedLine {
  std::string cell;
  Json value;
};
std::vector<LoggedLine> parse_log(std::string_view text, const std::string& file);

}  // namespace tenfold::mtl_attack
