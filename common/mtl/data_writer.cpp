#include "mtl/data_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <span>

#include "base/error.h"
#include "data/image.h"
#include "data/npy.h"

namespace tenfold::mtl {

namespace {

// Planar to [height, width, channels].
template <class T>
std::vector<T> interleaved(const std::vector<float>& values, std::size_t channels) {
  const std::size_t pixels = values.size() / channels;
  std::vector<T> out(values.size());
  for (std::size_t p = 0; p < pixels; ++p)
    for (std::size_t c = 0; c < channels; ++c) out[p * channels + c] = static_cast<T>(values[c * pixels + p]);
  return out;
}

template <class T>
std::string npy_bytes(data::NpyType type, std::vector<std::int64_t> shape, const std::vector<T>& elements) {
  std::string out = data::npy_header(type, shape);
  out.append(reinterpret_cast<const char*>(elements.data()), elements.size() * sizeof(T));
  return out;
}

// Bytes of an image all of whose values are k / 255.
std::optional<std::vector<std::uint8_t>> as_bytes(const Image& image) {
  std::vector<float> scaled(image.values.size());
  for (std::size_t i = 0; i < scaled.size(); ++i) {
    const float k = std::floor(image.values[i] * 255 + 0.5f);
    if (k / 255.0f != image.values[i]) return std::nullopt;
    scaled[i] = k;
  }
  return interleaved<std::uint8_t>(scaled, static_cast<std::size_t>(image.channels));
}

std::string float_map(const std::vector<float>& values, int channels, int height, int width, bool third) {
  std::vector<std::int64_t> shape = {height, width};
  if (channels > 1 || third) shape.push_back(channels);
  return npy_bytes(data::NpyType::f32, shape, interleaved<float>(values, static_cast<std::size_t>(channels)));
}

struct File {
  std::string extension, bytes;
};

File image_file(const Image& image) {
  if (const auto bytes = as_bytes(image)) return {".png", data::png_bytes(*bytes, image.width, image.height, image.channels)};
  return {".npy", float_map(image.values, image.channels, image.height, image.width, false)};
}

File label_file(const Label& label, const Task& task) {
  if (task.type != TaskType::segmentation)
    return {".npy", float_map(label.values, label.channels, label.height, label.width, false)};
  const bool bytes = std::all_of(label.values.begin(), label.values.end(), [](float v) { return v >= 0 && v <= 255; });
  if (bytes) return {".png", data::png_bytes(interleaved<std::uint8_t>(label.values, 1), label.width, label.height, 1)};
  return {".npy", npy_bytes(data::NpyType::i32, {label.height, label.width}, interleaved<std::int32_t>(label.values, 1))};
}

// Of tasks that are no maps. Null where nothing is valid.
Json number_json(const Label& label, const Task& task) {
  if (!label.any_valid()) return nullptr;
  if (task.type == TaskType::classification) return static_cast<std::int64_t>(label.values[0]);
  if (label.values.size() == 1) return label.values[0];
  return label.values;
}

std::string nyuv2_folder(TaskType type) {
  return type == TaskType::segmentation ? "label" : type == TaskType::depth ? "depth" : type == TaskType::normal ? "normal" : "";
}

}  // namespace

DataWriter::DataWriter(DataLayout layout, std::vector<Task> tasks,
                       std::function<void(const std::string&, std::string_view)> write)
    : layout_(layout), tasks_(std::move(tasks)), write_(std::move(write)) {
  if (layout_ == DataLayout::folder) return;
  std::set<std::string> folders;
  for (const Task& task : tasks_) {
    const std::string folder = nyuv2_folder(task.type);
    if (folder.empty() || !folders.insert(folder).second)
      usage_error(
          fmt::format("--layout nyuv2: no place for task {}; it has one of segmentation, depth and normal each", task.name));
  }
}

void DataWriter::check_split(const std::string& split) const {
  if (layout_ == DataLayout::nyuv2 && split == "val")
    usage_error("--layout nyuv2: it has no split val of ours, which is a tenth of its train; write train and test");
}

void DataWriter::begin_split(const std::string& split) {
  check_split(split);
  split_ = split;
  items_ = 0;
  splits_.push_back({split, {}});
}

void DataWriter::add(const Sample& sample) {
  if (layout_ == DataLayout::folder)
    add_to_folder(sample);
  else
    add_to_nyuv2(sample);
  ++items_;
}

void DataWriter::add_to_folder(const Sample& sample) {
  Json item = {{"id", sample.id}};
  const auto put = [&](const std::string& what, const File& file) {
    const std::string path = split_ + "/" + what + "/" + sample.id + file.extension;
    write_(path, file.bytes);
    item[what] = path;
  };
  put("image", image_file(sample.image));
  for (std::size_t t = 0; t < tasks_.size(); ++t) {
    const Label& label = sample.labels[t];
    if (!tasks_[t].is_map())
      item[tasks_[t].name] = number_json(label, tasks_[t]);
    else
      put(tasks_[t].name, label_file(label, tasks_[t]));
  }
  splits_.back().second.push_back(data::dump_json(item));
}

void DataWriter::add_to_nyuv2(const Sample& sample) {
  const std::string folder = split_ == "test" ? "val" : split_, name = "/" + std::to_string(items_) + ".npy";
  write_(folder + "/image" + name,
         float_map(sample.image.values, sample.image.channels, sample.image.height, sample.image.width, true));
  for (std::size_t t = 0; t < tasks_.size(); ++t) {
    const Label& label = sample.labels[t];
    const std::string path = folder + "/" + nyuv2_folder(tasks_[t].type) + name;
    if (tasks_[t].type == TaskType::segmentation)
      write_(path, npy_bytes(data::NpyType::i64, {label.height, label.width}, interleaved<std::int64_t>(label.values, 1)));
    else
      write_(path, float_map(label.values, label.channels, label.height, label.width, true));
  }
}

void DataWriter::finish(const InputSpec& input) {
  if (layout_ == DataLayout::folder) {
    std::string text = "{\"splits\": {";
    for (std::size_t s = 0; s < splits_.size(); ++s) {
      text += fmt::format("{}\n{}: [", s == 0 ? "" : ",", data::dump_json(splits_[s].first));
      for (std::size_t i = 0; i < splits_[s].second.size(); ++i) text += (i == 0 ? "\n " : ",\n ") + splits_[s].second[i];
      text += "\n]";
    }
    write_("dataset.json", text + "\n}}\n");
  }
  TaskFile file;
  file.input = input;
  file.tasks = tasks_;
  write_("tasks.json", data::dump_json(to_json(file), 1) + "\n");
}

}  // namespace tenfold::mtl
