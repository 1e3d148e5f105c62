#include "gnnbench/predict_command.h"

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <ostream>
#include <string>

#include <fmt/format.h>

#include "base/error.h"
#include "cli/torch_part.h"
#include "data/json_reader.h"
#include "data/npy.h"
#include "gnnbench/load.h"
#include "gnnbench/torch_part.h"

namespace tenfold::gnnbench {

struct PredictOptions {
  std::string run;
  LoadOptions load;
  std::string as = "csv";
  std::int64_t row_chunk = 65536;
};

void describe(PredictOptions& o, cli::OptionTable& table) {
  table.input("RUN", o.run, "run directory of train, or a folder with config.json and model.safetensors").required();
  table.add("--data", o.load.data, "data set to classify, in any form that train reads; the run's own unless given")
      .value_name("DATA");
  // The options of reading, without their positional DATA.
  cli::OptionTable reading;
  describe_load(o.load, reading);
  for (const cli::OptionSpec& spec : reading.specs())
    if (!spec.input) table.specs().push_back(spec);
  table.add("--as", o.as, "lines of node, class and probabilities; or the probabilities alone as a float32 array [n, C]")
      .one_of({"csv", "npy"});
  table.add("--row-chunk", o.row_chunk, "rows of one step").between(1, 1e9).not_identity();
}

namespace {

namespace fs = std::filesystem;

fs::path model_folder(const std::string& run) {
  const fs::path path = run;
  if (fs::exists(path / "best" / "model.safetensors")) return path / "best";
  if (fs::exists(path / "model.safetensors")) return path;
  input_error(run + ": no best/model.safetensors; name the run directory of a finished train");
}

// The data set that the run was trained on, read the same way.
LoadOptions data_of_run(const std::string& run) {
  const std::string file = (fs::path(run) / "config.json").string();
  if (!fs::exists(file)) usage_error("which data? pass --data DATA");
  const Json config = data::to_json(data::read_json(file));
  LoadOptions load;
  cli::OptionTable table;
  describe_load(load, table);
  for (cli::OptionSpec& spec : table.specs())
    if (config.is_object() && config.contains(spec.name)) cli::set_option(spec, config[spec.name], file + ": " + spec.name);
  if (load.data.empty()) usage_error("which data? pass --data DATA");
  if (load.data == "-") usage_error(run + ": its data came from standard input; pass them with --data DATA, - for a pipe again");
  return load;
}

void write_csv(const Dataset& data, const std::vector<float>& probabilities, std::size_t classes, std::ostream& out) {
  std::string line = "node,class";
  for (std::size_t c = 0; c < classes; ++c) line += fmt::format(",p{}", c);
  out << line << '\n';
  for (std::size_t v = 0; v < static_cast<std::size_t>(data.nodes()); ++v) {
    const float* row = probabilities.data() + v * classes;
    line = data.node_ids.empty() ? std::to_string(v) : data.node_ids[v];
    line += fmt::format(",{}", std::max_element(row, row + classes) - row);
    for (std::size_t c = 0; c < classes; ++c) line += fmt::format(",{}", row[c]);
    out << line << '\n';
  }
}

void write_npy(const std::vector<float>& probabilities, std::int64_t rows, std::int64_t classes, std::ostream& out) {
  const std::int64_t shape[] = {rows, classes};
  out << data::npy_header(data::NpyType::f32, shape);
  out.write(reinterpret_cast<const char*>(probabilities.data()),
            static_cast<std::streamsize>(probabilities.size() * sizeof(float)));
}

// How often the prediction is the label, where labels are known.
void note_accuracy(const Dataset& data, const std::vector<float>& probabilities, std::size_t classes, cli::Run& run) {
  std::int64_t correct[4] = {}, labelled[4] = {};
  for (std::size_t v = 0; v < data.labels.size(); ++v) {
    if (data.labels[v] < 0) continue;
    const float* row = probabilities.data() + v * classes;
    const std::size_t part = data.split.empty() ? 0 : data.split[v];
    ++labelled[part];
    correct[part] += std::max_element(row, row + classes) - row == data.labels[v];
  }
  constexpr const char* kNames[] = {"outside the split", "training", "validation", "test"};
  for (int part = 0; part < 4; ++part)
    if (labelled[part] > 0)
      run.note(fmt::format("accuracy on {} nodes {}: {:.4f}", labelled[part], kNames[part],
                           static_cast<double>(correct[part]) / static_cast<double>(labelled[part])));
}

cli::Result predict(const PredictOptions& options, cli::Run& run) {
  const fs::path folder = model_folder(options.run);
  const Dataset data = load_dataset(options.load.data.empty() ? data_of_run(options.run) : options.load, run);
  const auto part = cli::open_torch_part<TorchPart>("gnnbench");
  const std::vector<float> probabilities = part->predict(folder, data, run.threads(), options.row_chunk);
  const auto rows = static_cast<std::size_t>(data.nodes());
  const std::size_t classes = probabilities.size() / std::max<std::size_t>(rows, 1);
  if (options.as == "npy")
    write_npy(probabilities, data.nodes(), static_cast<std::int64_t>(classes), run.product());
  else
    write_csv(data, probabilities, classes, run.product());
  note_accuracy(data, probabilities, classes, run);
  return {};
}

}  // namespace

cli::Subcommand predict_command() {
  return cli::subcommand<PredictOptions>(
      "predict", "classes and probabilities of all nodes, by a trained model", predict,
      {.threads = true,
       .torch = true,
       .product = "text/csv",
       .examples = {"gnnbench predict sample_data/gnn/karate-model --data sample_data/gnn/karate.csv --labels "
                    "sample_data/gnn/karate_labels.csv --features identity"},
       .description = "Exact inference: every node sees all its neighbours. RUN's best/ is what training kept, config.json and "
                      "model.safetensors in PyTorch Geometric's names."});
}

}  // namespace tenfold::gnnbench
