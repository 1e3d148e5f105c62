// A folder with dataset.json: splits of items, each an image file and, by the tasks' names, label files or numbers.
//   {"splits": {"test": [{"id": "0", "image": "rgb/0.png", "seg": "label/0.png", "depth": "d.npy", "age": 7}]},
//    "scale": {"depth": 0.001}}
// An item's "mask" (a file) narrows what is valid in all its maps to where it is not 0.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "base/error.h"
#include "base/files.h"
#include "base/sha256.h"
#include "base/suggest.h"
#include "mtl/data_sources.h"
#include "mtl/labels.h"
#include "mtl/map_files.h"
#include "mtl/strict_json.h"

namespace tenfold::mtl {

namespace {

namespace fs = std::filesystem;
using data::JsonValue;

bool names_files(std::string_view id) {
  return !id.empty() && id.size() <= 100 && id[0] != '.' &&
         id.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == std::string_view::npos;
}

// Empty, a file, or numbers.
struct Source {
  std::string file;
  std::vector<float> numbers;
  bool named = false;  // the item has the key, if only with null
  bool absent() const { return file.empty() && numbers.empty(); }
};

struct Item {
  std::string id, image, mask;
  std::vector<Source> labels;  // by task
};

class DatasetFile {
 public:
  DatasetFile(std::string_view text, const std::string& file, const std::vector<Task>& tasks)
      : json_{.file = file, .exit_code = ExitCode::input}, tasks_(tasks), root_(data::parse_json(text, file)) {
    json_.object(root_, "dataset.json", {"splits", "scale"});
    splits_ = &json_.member(root_, "dataset.json", "splits");
    if (!splits_->is_object() || splits_->object().empty()) json_.fail(*splits_, "splits: an object of lists is due");
  }

  std::vector<Item> items(const std::string& split) const {
    const JsonValue* list = splits_->find(split);
    if (list == nullptr) {
      std::vector<std::string> names;
      for (const data::JsonMember& member : splits_->object()) names.push_back(member.key);
      usage_error(fmt::format("{}: no split {}; it has {}", json_.file, split, fmt::join(names, ", ")));
    }
    if (!list->is_array() || list->array().empty()) json_.fail(*list, "split " + split + ": a list of items is due");
    std::vector<Item> out;
    std::set<std::string> ids;
    for (const JsonValue& value : list->array()) {
      out.push_back(item(value, out.size()));
      if (!ids.insert(out.back().id).second) json_.fail(value, "the id " + out.back().id + " stands twice");
    }
    for (std::size_t t = 0; t < tasks_.size(); ++t)
      if (std::all_of(out.begin(), out.end(), [&](const Item& i) { return !i.labels[t].named; })) refuse_task(t, *list);
    return out;
  }

  std::vector<double> scales() const {
    std::vector<double> out(tasks_.size(), 1);
    const JsonValue* scale = root_.find("scale");
    if (scale == nullptr) return out;
    if (!scale->is_object()) json_.fail(*scale, "scale: an object of numbers, by task, is due");
    for (std::size_t t = 0; t < tasks_.size(); ++t)
      if (const JsonValue* factor = scale->find(tasks_[t].name)) {
        out[t] = json_.number(*factor, "scale");
        if (out[t] == 0) json_.fail(*factor, "scale: a factor that is not 0 is due");
      }
    return out;
  }

 private:
  Item item(const JsonValue& value, std::size_t number) const {
    if (!value.is_object()) json_.fail(value, "an item: an object is due");
    Item out;
    const JsonValue* id = value.find("id");
    out.id = id == nullptr ? std::to_string(number) : json_.text(*id, "id");
    if (!names_files(out.id)) json_.fail(*id, "id: letters, digits, '.', '_' and '-' are due, as files are named by it");
    out.image = json_.text(json_.member(value, "an item", "image"), "image");
    if (const JsonValue* mask = value.find("mask")) out.mask = json_.text(*mask, "mask");
    for (const Task& task : tasks_) out.labels.push_back(source(value.find(task.name), task));
    return out;
  }

  Source source(const JsonValue* value, const Task& task) const {
    Source out;
    out.named = value != nullptr;
    if (value == nullptr || value->kind == data::JsonKind::null) return out;
    if (value->is_string()) {
      out.file = json_.text(*value, task.name);
      return out;
    }
    if (task.is_map()) json_.fail(*value, task.name + ": a file is due");
    if (value->is_array()) {
      for (const double number : json_.numbers(*value, task.name)) out.numbers.push_back(static_cast<float>(number));
    } else {
      out.numbers = {static_cast<float>(json_.number(*value, task.name))};
    }
    const auto due = static_cast<std::size_t>(task.type == TaskType::regression ? task.channels : 1);
    if (out.numbers.size() != due)
      json_.fail(*value, fmt::format("{}: {} numbers where {} are due", task.name, out.numbers.size(), due));
    return out;
  }

  [[noreturn]] void refuse_task(std::size_t t, const JsonValue& list) const {
    std::vector<std::string> keys;
    for (const data::JsonMember& member : list.array().front().object())
      if (member.key != "id" && member.key != "image" && member.key != "mask") keys.push_back(member.key);
    usage_error(fmt::format("{}: no item has a label for task {}; the first has {}", json_.file, tasks_[t].name,
                            keys.empty() ? "none" : fmt::format("{}", fmt::join(keys, ", "))));
  }

  StrictJson json_;
  const std::vector<Task>& tasks_;
  JsonValue root_;
  const JsonValue* splits_ = nullptr;
};

// The mask's zeros are valid nowhere.
void narrow(Label& label, const Planes& mask, const std::string& where) {
  if (mask.channels != 1 || mask.height != label.height || mask.width != label.width)
    input_error(fmt::format("{}: a mask of {}x{}x{} where {}x{} is due", where, mask.height, mask.width, mask.channels,
                            label.height, label.width));
  for (std::size_t p = 0; p < label.valid.size(); ++p)
    if (mask.values[p] == 0) label.valid[p] = 0;
}

class Folder final : public DataSet {
 public:
  Folder(const fs::path& folder, const std::string& split, const std::vector<Task>& tasks, const InputSpec& input)
      : folder_(folder), tasks_(tasks), input_(input), spec_("folder:" + folder.string() + ",split=" + split) {
    for (const Task& task : tasks_)
      if (task.name == "id" || task.name == "image" || task.name == "mask")
        usage_error("folder: a task cannot be called " + task.name + ", which means something else in dataset.json");
    const fs::path file = folder_ / "dataset.json";
    const std::string text = read_file(file);
    const DatasetFile dataset(text, file.string(), tasks_);
    items_ = dataset.items(split);
    scales_ = dataset.scales();
  }

  std::size_t size() const override { return items_.size(); }
  std::string id(std::size_t index) const override { return items_.at(index).id; }
  const std::string& spec() const override { return spec_; }

  Sample load(std::size_t index) const override {
    const Item& item = items_.at(index);
    Sample sample;
    sample.id = item.id;
    const fs::path image = folder_ / item.image;
    sample.image = image_of(read_planes(image), image.string());
    fit_channels(sample.image, input_, image.string());
    for (std::size_t t = 0; t < tasks_.size(); ++t) sample.labels.push_back(label(item, t, sample.image));
    check_sizes(sample, tasks_);
    if (!item.mask.empty()) {
      const fs::path path = folder_ / item.mask;
      const Planes mask = read_planes(path);
      for (Label& one : sample.labels)
        if (one.height > 0) narrow(one, mask, path.string());
    }
    if (input_.size) bring_to_size(sample, static_cast<int>((*input_.size)[0]), static_cast<int>((*input_.size)[1]));
    return sample;
  }

  std::string sha256(std::vector<std::string>* unreadable) const override {
    Sha256 hash;
    for (const Item& item : items_) {
      hash.update(item.id + "\n");
      file_into(hash, item.image, unreadable);
      if (!item.mask.empty()) file_into(hash, item.mask, unreadable);
      for (std::size_t t = 0; t < tasks_.size(); ++t) {
        const Source& source = item.labels[t];
        hash.update(fmt::format("{} {}\n", tasks_[t].name, scales_[t]));
        hash.update(std::as_bytes(std::span(source.numbers)));
        if (!source.file.empty()) file_into(hash, source.file, unreadable);
      }
    }
    return hash.hex();
  }

 private:
  Label label(const Item& item, std::size_t t, const Image& image) const {
    const Task& task = tasks_[t];
    const Source& source = item.labels[t];
    const std::string where = source.file.empty() ? task.name : (folder_ / source.file).string();
    if (task.is_map() && !source.absent()) return map_label(read_planes(folder_ / source.file), task, scales_[t], where);
    Label label;
    label.channels = task.type == TaskType::normal ? 3 : task.type == TaskType::regression ? task.channels : 1;
    if (task.is_map()) {
      label.height = image.height;
      label.width = image.width;
    }
    const std::size_t places = task.is_map() ? image.values.size() / static_cast<std::size_t>(image.channels) : 1;
    if (source.absent()) {
      label.values.assign(places * static_cast<std::size_t>(label.channels), 0);
      label.valid.assign(task.type == TaskType::normal ? places : label.values.size(), 0);
      return label;
    }
    label.values = source.file.empty() ? source.numbers : read_planes(folder_ / source.file).values;
    if (label.values.size() != static_cast<std::size_t>(label.channels))
      input_error(fmt::format("{}: {} numbers where {} are due", where, label.values.size(), label.channels));
    if (task.type == TaskType::regression)
      for (float& v : label.values) v = static_cast<float>(v * scales_[t]);
    mark_valid(label, task, where);
    return label;
  }

  // What is read from a member of an archive counts with the whole archive.
  void file_into(Sha256& hash, const std::string& name, std::vector<std::string>* unreadable) const {
    const std::size_t member = name.rfind(".npz:");
    hash_file(hash, folder_ / (member == std::string::npos ? name : name.substr(0, member + 4)), name, unreadable);
  }

  fs::path folder_;
  std::vector<Task> tasks_;
  InputSpec input_;
  std::string spec_;
  std::vector<Item> items_;
  std::vector<double> scales_;
};

}  // namespace

std::unique_ptr<DataSet> open_folder(const std::string& folder, const std::string& split, const std::vector<Task>& tasks,
                                     const InputSpec& input) {
  return std::make_unique<Folder>(folder, split, tasks, input);
}

std::size_t count_folder_items(std::string_view json, const std::string& file, const std::string& split,
                               const std::vector<Task>& tasks) {
  const DatasetFile dataset(json, file, tasks);
  dataset.scales();
  return dataset.items(split).size();
}

}  // namespace tenfold::mtl
