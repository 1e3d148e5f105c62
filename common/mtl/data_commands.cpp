// Sets are read in pieces of 64 items, by all threads; an item that cannot be read is listed, and the command ends with 3.
#include "mtl/data_commands.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>
#include <set>

#include "base/error.h"
#include "base/files.h"
#include "base/threads.h"
#include "mtl/data_sources.h"
#include "mtl/data_summary.h"
#include "mtl/data_writer.h"

namespace tenfold::mtl {

// `data render` and `data convert`.
struct DataWriteOptions {
  std::vector<std::string> specs;
  std::string tasks;
  DataLayout layout = DataLayout::folder;
};
struct DataRenderOptions : DataWriteOptions {};
struct DataConvertOptions : DataWriteOptions {};

struct DataReadOptions {
  std::string spec;
  std::string tasks;
};

namespace {

constexpr std::size_t kPiece = 64;

void describe_write(DataWriteOptions& o, cli::OptionTable& table) {
  table.add("--tasks", o.tasks, "tasks.json; without it segmentation, depth and normals of rooms").value_name("FILE");
  table.choice("--layout", o.layout, {{"folder", DataLayout::folder}, {"nyuv2", DataLayout::nyuv2}},
               "dataset.json with PNG and npy files, or MTAN's folders of npy files");
}

}  // namespace

void describe(DataRenderOptions& o, cli::OptionTable& table) {
  table.inputs("SPEC", o.specs, "rooms:n=N,size=HxW,seed=S,split=train|val|test,difficulty=0..2,noise=S,holes=P; a split each")
      .defaults_to("rooms:n=8");
  describe_write(o, table);
}

void describe(DataConvertOptions& o, cli::OptionTable& table) {
  table.inputs("SPEC", o.specs, "rooms:..., nyuv2:ROOT[,split=S] or folder:DIR[,split=S]; a split each").required();
  describe_write(o, table);
}

void describe(DataReadOptions& o, cli::OptionTable& table) {
  table.input("SPEC", o.spec, "rooms:..., nyuv2:ROOT[,split=S] or folder:DIR[,split=S]").defaults_to("rooms:n=64");
  table.add("--tasks", o.tasks, "tasks.json; without it segmentation, depth and normals of rooms").value_name("FILE");
}

namespace {

TaskFile tasks_of(const std::string& file) { return file.empty() ? rooms_tasks() : read_tasks(file); }

std::string split_of(const DataSet& data) {
  const std::string& spec = data.spec();
  const std::size_t at = spec.rfind("split=") + 6;
  return spec.substr(at, spec.find(',', at) - at);
}

// Calls f for every sample that can be read, in order; returns the others.
std::vector<Fault> for_samples(const DataSet& data, cli::Run& run, const std::function<void(const Sample&)>& f) {
  std::vector<Fault> faults;
  for (std::size_t first = 0; first < data.size(); first += kPiece) {
    std::vector<std::size_t> indices;
    for (std::size_t i = first; i < std::min(data.size(), first + kPiece); ++i) indices.push_back(i);
    Loaded loaded = load_all(data, indices, run.threads());
    for (const Sample& sample : loaded.samples) f(sample);
    for (Fault& fault : loaded.faults) {
      run.warn("item " + fault.item + ": " + fault.reason);
      faults.push_back(std::move(fault));
    }
    run.step({.what = "reading",
              .done = static_cast<double>(first + indices.size()),
              .total = static_cast<double>(data.size()),
              .unit = "images",
              .note = ""});
    if (run.stop()) run.interrupted();
  }
  return faults;
}

Json faults_list(const std::vector<Fault>& faults) {
  Json out = Json::array();
  for (const Fault& fault : faults) out.push_back({{"item", fault.item}, {"reason", fault.reason}});
  return out;
}

std::vector<std::unique_ptr<DataSet>> open_sets(const std::vector<std::string>& specs, const TaskFile& tasks, bool rooms) {
  std::vector<std::unique_ptr<DataSet>> sets;
  std::set<std::string> splits;
  for (const std::string& spec : specs) {
    if (rooms && spec.substr(0, spec.find(':')) != "rooms")
      usage_error("data render: " + spec + ": rooms:... is due; data convert takes the others");
    sets.push_back(open_data(spec, tasks.tasks, tasks.input.value_or(InputSpec{}), "test"));
    if (!splits.insert(split_of(*sets.back())).second)
      usage_error(fmt::format("{}: the split {} stands twice; give each input another", spec, split_of(*sets.back())));
  }
  return sets;
}

// Files that wait for the disk: written many at a time, as most of the time is spent waiting until each is safe.
class PendingFiles {
 public:
  explicit PendingFiles(cli::RunDirectory& directory) : directory_(directory) {}

  void add(const std::string& path, std::string_view bytes) {
    paths_.push_back(path);
    bytes_.emplace_back(bytes);
    ++files;
    total += static_cast<std::int64_t>(bytes.size());
    if (paths_.size() >= kMost) write();
  }
  void write() {
    for (const std::string& path : paths_) directory_.claim(path);
    parallel_for(static_cast<int>(paths_.size()), kWriters, [&](int i) {
      const auto at = static_cast<std::size_t>(i);
      write_file_atomic(directory_.path() / paths_[at], bytes_[at]);
    });
    paths_.clear();
    bytes_.clear();
  }

  std::int64_t files = 0, total = 0;

 private:
  static constexpr std::size_t kMost = 256;
  static constexpr int kWriters = 16;
  cli::RunDirectory& directory_;
  std::vector<std::string> paths_, bytes_;
};

cli::Result write_sets(const DataWriteOptions& options, cli::Run& run, bool rooms) {
  const TaskFile tasks = tasks_of(options.tasks);
  const auto sets = open_sets(options.specs, tasks, rooms);
  PendingFiles pending(*run.directory());
  DataWriter writer(options.layout, tasks.tasks,
                    [&](const std::string& path, std::string_view bytes) { pending.add(path, bytes); });
  for (const auto& data : sets) writer.check_split(split_of(*data));
  cli::Result result;
  result.value = {{"layout", options.layout == DataLayout::folder ? "folder" : "nyuv2"}, {"splits", Json::array()}};
  report::Table table{.title = "Splits", .columns = {"split", "from", "images", "not read"}, .rows = {}};
  bool whole = true;
  for (const auto& data : sets) {
    const std::string split = split_of(*data);
    writer.begin_split(split);
    std::int64_t images = 0;
    const std::vector<Fault> faults = for_samples(*data, run, [&](const Sample& sample) {
      writer.add(sample);
      ++images;
    });
    whole = whole && faults.empty();
    result.value["splits"].push_back(
        {{"split", split}, {"spec", data->spec()}, {"images", images}, {"faults", faults_list(faults)}});
    table.rows.push_back({split, data->spec(), std::to_string(images), std::to_string(faults.size())});
    result.human += fmt::format("{}: {} images from {}\n", split, images, data->spec());
  }
  InputSpec input = tasks.input.value_or(InputSpec{});
  input.size.reset();  // images and labels have been brought to it
  writer.finish(input);
  pending.write();
  result.value["files"] = pending.files;
  result.value["bytes"] = pending.total;
  result.human += fmt::format("{} files, {} bytes in {}\n", pending.files, pending.total, run.directory()->path().string());
  result.answer = fmt::format("{} files, {} bytes.", pending.files, pending.total);
  result.tables = {table};
  result.exit_code = whole ? 0 : static_cast<int>(ExitCode::input);
  return result;
}

cli::Result data_render(const DataRenderOptions& options, cli::Run& run) { return write_sets(options, run, true); }
cli::Result data_convert(const DataConvertOptions& options, cli::Run& run) { return write_sets(options, run, false); }

cli::Result data_inspect(const DataReadOptions& options, cli::Run& run) {
  const TaskFile tasks = tasks_of(options.tasks);
  const auto data = open_data(options.spec, tasks.tasks, tasks.input.value_or(InputSpec{}), "test");
  DataSummary summary(tasks.tasks);
  const std::vector<Fault> faults = for_samples(*data, run, [&](const Sample& sample) { summary.add(sample); });
  cli::Result result;
  result.value = {{"spec", data->spec()}, {"items", data->size()}};
  result.value.update(summary.json());
  result.value["faults"] = faults_list(faults);
  result.human = fmt::format("{}\n{}", data->spec(), summary.text());
  if (!faults.empty()) result.human += fmt::format("{} of {} items cannot be read\n", faults.size(), data->size());
  result.exit_code = faults.empty() ? 0 : static_cast<int>(ExitCode::input);
  return result;
}

cli::Result data_hash(const DataReadOptions& options, cli::Run& run) {
  const TaskFile tasks = tasks_of(options.tasks);
  const auto data = open_data(options.spec, tasks.tasks, tasks.input.value_or(InputSpec{}), "test");
  run.step({.what = "hashing", .done = 0, .total = static_cast<double>(data->size()), .unit = "images", .note = ""});
  Json rendered = nullptr;
  if (data->spec().starts_with("rooms:"))
    rendered = rooms_sha256(parse_rooms_spec(std::string_view(data->spec()).substr(6), "test"));
  cli::Result result;
  std::vector<std::string> unreadable;
  const std::string sha256 = data->sha256(&unreadable);
  result.value = {{"spec", data->spec()}, {"items", data->size()}, {"sha256", sha256}, {"rendered_sha256", rendered}};
  result.human = fmt::format("{}  {}\n", rendered.is_null() ? sha256 : rendered.get<std::string>(), data->spec());
  for (const std::string& complaint : unreadable) run.warn(complaint);
  if (!unreadable.empty()) result.exit_code = static_cast<int>(ExitCode::input);
  return result;
}

}  // namespace

cli::Subcommand data_render_command(const std::string& tool) {
  return cli::subcommand<DataRenderOptions>(
      "data render", "rooms as files", data_render,
      {.run_directory = true,
       .threads = true,
       .schema = "data-set",
       .examples = {tool + " data render rooms:n=4,size=48x64 -o build/" + tool + "-rooms",
                    tool + " data render rooms:n=6,split=train rooms:n=2,split=test --layout nyuv2 -o build/" + tool +
                        "-rooms-nyuv2"},
       .description =
           "The folder is a data set of its own (folder:DIR or nyuv2:DIR) with its tasks.json. Equal specifications give equal "
           "bytes on every machine."});
}

cli::Subcommand data_convert_command(const std::string& tool) {
  return cli::subcommand<DataConvertOptions>(
      "data convert", "a data set in another layout", data_convert,
      {.run_directory = true,
       .threads = true,
       .schema = "data-set",
       .examples = {tool + " data convert folder:sample_data/mtl/digits --tasks sample_data/mtl/digits/tasks.json -o build/" +
                    tool + "-digits"},
       .description = "No number changes: images that are no 8-bit ones, and classes that no byte holds, are written as npy. "
                      "Items that cannot "
                      "be read are listed and left out, and the command ends with 3."});
}

cli::Subcommand data_inspect_command(const std::string& tool) {
  return cli::subcommand<DataReadOptions>(
      "data inspect", "what a data set holds: sizes, ranges, valid labels, classes, faulty items", data_inspect,
      {.threads = true,
       .examples = {tool + " data inspect rooms:n=16,difficulty=2,holes=0.1",
                    tool + " data inspect folder:sample_data/mtl/digits --tasks sample_data/mtl/digits/tasks.json"},
       .description = "Reads every item. Ends with 3 if one cannot be read."});
}

cli::Subcommand data_hash_command(const std::string& tool) {
  return cli::subcommand<DataReadOptions>(
      "data hash", "the SHA-256 that stands for a data set", data_hash,
      {.examples = {tool + " data hash rooms:n=4",
                    tool + " data hash folder:sample_data/mtl/digits --tasks sample_data/mtl/digits/tasks.json"},
       .description = "Of files it runs over names, sizes and bytes. Of rooms over the specification and the renderer's version; "
                      "rendered_sha256 is that of all the pixels and maps."});
}

}  // namespace tenfold::mtl
