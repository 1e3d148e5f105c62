#include "gnnbench/data_convert_command.h"

#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "gnnbench/gnnb_output.h"
#include "gnnbench/graph_facts.h"
#include "gnnbench/load.h"
#include "gnnbench/split.h"

namespace tenfold::gnnbench {

struct DataConvertOptions {
  LoadOptions load;
  GnnbOutput output;
};

struct DataSplitOptions {
  LoadOptions load;
  GnnbOutput output;
};

void describe(DataConvertOptions& o, cli::OptionTable& table) {
  describe_load(o.load, table);
  describe_output(o.output, table);
}

void describe(DataSplitOptions& o, cli::OptionTable& table) {
  o.load.split = "random:0.6,0.2,0.2";
  describe_load(o.load, table);
  describe_output(o.output, table);
}

namespace {

// How many nodes of each class are in train, val, test.
Json class_table(const Dataset& data) {
  std::vector<std::array<std::int64_t, 4>> counts(static_cast<std::size_t>(data.classes), {0, 0, 0, 0});
  for (std::size_t v = 0; v < data.labels.size(); ++v)
    if (data.labels[v] >= 0 && !data.split.empty()) ++counts[static_cast<std::size_t>(data.labels[v])][data.split[v]];
  Json out = Json::array();
  for (std::size_t c = 0; c < counts.size(); ++c)
    out.push_back({{"class", c}, {"train", counts[c][1]}, {"val", counts[c][2]}, {"test", counts[c][3]}, {"none", counts[c][0]}});
  return out;
}

std::string written_text(const GnnbWriter::Written& written, const Dataset& data) {
  return fmt::format("{}: {} nodes, {} edges, {} bytes\n", written.path.string(), written.nodes, written.edges, written.bytes) +
         info_text(data);
}

// Inputs are checked throughout before they are stored.
Dataset load_whole(LoadOptions load, cli::Run& run) {
  load.verify = true;
  return load_dataset(load, run);
}

cli::Result data_convert(const DataConvertOptions& options, cli::Run& run) {
  const Dataset data = load_whole(options.load, run);
  const GnnbWriter::Written written = write_gnnb(data, target_of(options.output, data.name));
  if (!options.output.out) run.note("the graph is in " + written.path.string());
  cli::Result result;
  result.value = written_json(written);
  result.value["info"] = info_json(data);
  result.human = written_text(written, data);
  return result;
}

cli::Result data_split(const DataSplitOptions& options, cli::Run& run) {
  if (options.load.split == "given")
    usage_error("--split given: data split makes a split; give random:0.6,0.2,0.2 or per-class:20,500,1000");
  const Dataset data = load_whole(options.load, run);
  const SplitCounts counts = count_split(data.split, data.nodes());
  if (counts.train == 0)
    input_error(data.source + ": --split " + options.load.split + " leaves no node to train on of " +
                std::to_string(data.nodes()));
  const GnnbWriter::Written written = write_gnnb(data, target_of(options.output, data.name));
  if (!options.output.out) run.note("the graph is in " + written.path.string());
  cli::Result result;
  result.value = written_json(written);
  result.value["split"] = split_json(data);
  result.value["classes"] = class_table(data);
  result.human = fmt::format("{}: {}: {} train, {} val, {} test, {} none\n", written.path.string(), data.split_name, counts.train,
                             counts.val, counts.test, counts.none);
  return result;
}

}  // namespace

cli::Subcommand data_convert_command() {
  return cli::subcommand<DataConvertOptions>(
      "data convert", "write any input as a .gnnb folder, which opens at once", data_convert,
      {.examples =
           {"gnnbench data convert sample_data/gnn/karate.csv --labels sample_data/gnn/karate_labels.csv --features identity "
            "-o build/karate.gnnb",
            "gnnbench data convert sample_data/gnn/iris.npz --split random:0.5,0.25,0.25"},
       .description =
           "The folder holds the graph made simple, its features as --features, --feature-norm and --store ask for, labels and "
           "split. Equal content gives an equal digest."});
}

cli::Subcommand data_split_command() {
  return cli::subcommand<DataSplitOptions>(
      "data split", "choose training, validation and test nodes, and write a .gnnb folder", data_split,
      {.examples =
           {"gnnbench data split sample_data/gnn/karate.csv --labels sample_data/gnn/karate_labels.csv --split per-class:4,8,12 "
            "-o build/karate-split.gnnb",
            "gnnbench data split sample_data/gnn/iris.npz"},
       .description =
           "Labelled nodes are taken by ascending keyed uniform of their id: a split depends on the labels and --split-seed "
           "alone."});
}

}  // namespace tenfold::gnnbench
