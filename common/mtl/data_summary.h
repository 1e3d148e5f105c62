// What a data set holds, gathered sample by sample: sizes, ranges, and of each task how much is valid, its range, its classes.
#pragma once

#include <string>
#include <vector>

#include "data/json.h"
#include "mtl/dataset.h"
#include "report/report.h"

namespace tenfold::mtl {

class DataSummary {
 public:
  explicit DataSummary(std::vector<Task> tasks);
  void add(const Sample& sample);

  // {"images": {...}, "tasks": {NAME: {...}}}; ranges are null where nothing was seen.
  Json json() const;
  std::string text() const;
  std::vector<report::Table> tables() const;

 private:
  struct Range {
    double low = 0, high = 0, sum = 0;
    std::int64_t count = 0;
    void add(double v);
    Json json() const;
  };
  struct OfTask {
    std::int64_t places = 0, without = 0;  // pixels (elements, images); images without any valid
    Range values;                          // of valid ones
    std::vector<std::int64_t> classes;
  };
  struct Size {
    int channels, height, width;
    std::int64_t images;
  };

  std::vector<Task> tasks_;
  std::vector<OfTask> of_task_;
  std::vector<Size> sizes_;
  Range image_;
  std::int64_t images_ = 0;
};

}  // namespace tenfold::mtl
