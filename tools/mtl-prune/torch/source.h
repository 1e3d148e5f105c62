// What a job works on: the model as a graph, its tasks and data, its units, its costs at one image size.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "cli/run.h"
#include "mtl-prune/options.h"
#include "mtl-prune/units.h"
#include "mtl/dataset.h"
#include "mtl/shapes.h"
#include "mtl/torch/network.h"
#include "mtl/torch/script.h"

namespace tenfold::mtl_prune {

struct Source {
  std::string name;
  mtl::TaskModel model;  // without tasks where nobody says what the outputs mean
  std::shared_ptr<mtl::ScriptModule> script;  // the user's module, where it came as TorchScript
  std::unique_ptr<mtl::DataSet> train, test;  // null without --data
  std::int64_t height = 0, width = 0;
  std::vector<mtl::Shape> shapes;  // for one image
  Units units;
  mtl::Cost cost;

  std::int64_t channels() const { return model.input.channels(); }
};

// data: null where the job reads no images. Throws Error: usage where data is asked for without tasks, input for what cannot be
// used.
Source open_source(const ModelOptions& options, const DataOptions* data);

// The same from a model in memory.
Source make_source(std::string name, mtl::TaskModel model, std::int64_t height, std::int64_t width);

// One of the files a --model may be, with or without tasks, at this size.
mtl::TaskModel read_model(const std::string& path, const std::string& tasks, std::int64_t height, std::int64_t width,
                          std::shared_ptr<mtl::ScriptModule>* script);

}  // namespace tenfold::mtl_prune
