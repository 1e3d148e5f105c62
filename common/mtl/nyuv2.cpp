// NYUv2 as MTAN lays it out: ROOT/{train,val}/{image,label,depth,normal}/{0..N-1}.npy. Its val is our test; our val is a tenth of
// its train, drawn once and for all.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <set>

#include "base/error.h"
#include "base/files.h"
#include "base/philox.h"
#include "base/sha256.h"
#include "base/suggest.h"
#include "mtl/data_sources.h"
#include "mtl/labels.h"
#include "mtl/map_files.h"

namespace tenfold::mtl {

namespace {

namespace fs = std::filesystem;

// The folder of a task's labels; "" where MTAN has none.
std::string folder_of(TaskType type) {
  switch (type) {
    case TaskType::segmentation: return "label";
    case TaskType::depth: return "depth";
    case TaskType::normal: return "normal";
    default: return {};
  }
}

std::int64_t count_arrays(const fs::path& folder) {
  std::error_code error;
  std::int64_t count = 0;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error))
    count += it->path().extension() == ".npy" ? 1 : 0;
  if (error) input_error(folder.string() + ": " + error.message());
  return count;
}

// Numbers of the images, ascending. Of MTAN's train the first tenth of a keyed permutation is val.
std::vector<std::int64_t> numbers_of(std::string_view split, std::int64_t count) {
  std::vector<std::int64_t> order(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<std::int64_t>(i);
  if (split == "test") return order;
  PhiloxStream random(0, "nyuv2/val");
  for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.below(static_cast<std::uint32_t>(i))]);
  const auto tenth = static_cast<std::ptrdiff_t>(order.size() / 10);
  if (split == "val")
    order.erase(order.begin() + tenth, order.end());
  else
    order.erase(order.begin(), order.begin() + tenth);
  std::sort(order.begin(), order.end());
  return order;
}

class Nyuv2 final : public DataSet {
 public:
  Nyuv2(const fs::path& root, std::string split, const std::vector<Task>& tasks, const InputSpec& input)
      : root_(root / (split == "test" ? "val" : "train")), tasks_(tasks), input_(input) {
    spec_ = "nyuv2:" + root.string() + ",split=" + split;
    std::set<std::string> folders = {"image"};
    for (const Task& task : tasks) folders.insert(folder_of(task.type));
    const std::int64_t images = count_arrays(root_ / "image");
    for (const std::string& folder : folders) {
      const std::int64_t count = count_arrays(root_ / folder);
      if (count != images) input_error(fmt::format("{}: {} arrays in image and {} in {}", root_.string(), images, count, folder));
    }
    numbers_ = numbers_of(split, images);
    if (numbers_.empty()) input_error(fmt::format("{}: no image for the split {}", root_.string(), split));
    folders_.assign(folders.begin(), folders.end());
  }

  std::size_t size() const override { return numbers_.size(); }
  std::string id(std::size_t index) const override { return std::to_string(numbers_.at(index)); }
  const std::string& spec() const override { return spec_; }

  Sample load(std::size_t index) const override {
    Sample sample;
    sample.id = id(index);
    const fs::path image = file("image", index);
    sample.image = image_of(planes_of(data::NpyArray::map(image)), image.string());
    fit_channels(sample.image, input_, image.string());
    for (const Task& task : tasks_) {
      const fs::path path = file(folder_of(task.type), index);
      sample.labels.push_back(map_label(planes_of(data::NpyArray::map(path)), task, 1, path.string()));
    }
    check_sizes(sample, tasks_);
    if (input_.size) bring_to_size(sample, static_cast<int>((*input_.size)[0]), static_cast<int>((*input_.size)[1]));
    return sample;
  }

  std::string sha256(std::vector<std::string>* unreadable) const override {
    Sha256 hash;
    for (const std::string& folder : folders_)
      for (std::size_t i = 0; i < numbers_.size(); ++i) hash_file(hash, file(folder, i), folder + "/" + id(i), unreadable);
    return hash.hex();
  }

 private:
  fs::path file(const std::string& folder, std::size_t index) const { return root_ / folder / (id(index) + ".npy"); }

  fs::path root_;
  std::vector<Task> tasks_;
  InputSpec input_;
  std::string spec_;
  std::vector<std::string> folders_;
  std::vector<std::int64_t> numbers_;
};

}  // namespace

std::unique_ptr<DataSet> open_nyuv2(const std::string& root, const std::string& split, const std::vector<Task>& tasks,
                                    const InputSpec& input) {
  const std::vector<std::string> splits = {"train", "val", "test"};
  if (std::find(splits.begin(), splits.end(), split) == splits.end())
    usage_error("nyuv2: split=" + split + ": train, val or test is due");
  for (const Task& task : tasks)
    if (folder_of(task.type).empty())
      usage_error(fmt::format("nyuv2: no label for task {}, whose type is {}; it has segmentation, depth, normal", task.name,
                              name_of(task.type)));
  if (input.order == "L") usage_error("nyuv2: its images are RGB, where the tasks' input has order L");
  return std::make_unique<Nyuv2>(root, split, tasks, input);
}

}  // namespace tenfold::mtl
