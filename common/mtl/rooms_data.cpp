// Rooms as a data set: its specification, and from rendered maps to samples.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

#include "base/error.h"
#include "base/sha256.h"
#include "base/suggest.h"
#include "data/number.h"
#include "mtl/data_sources.h"
#include "mtl/labels.h"

namespace tenfold::mtl {

namespace {

const std::vector<std::string> kKeys = {"n", "size", "seed", "split", "difficulty", "noise", "holes"};
const std::vector<std::string> kSplits = {"train", "val", "test"};

double number_within(std::string_view key, std::string_view text, double low, double high) {
  const std::optional<double> value = data::parse_number(text);
  if (!value || !(*value >= low && *value <= high))
    usage_error(fmt::format("rooms: {}={}: a number from {} to {} is due", key, text, low, high));
  return *value;
}

std::uint64_t whole_within(std::string_view key, std::string_view text, std::uint64_t low, std::uint64_t high) {
  const bool digits = !text.empty() && text.size() <= 19 && text.find_first_not_of("0123456789") == std::string_view::npos;
  const std::uint64_t value = digits ? std::stoull(std::string(text)) : 0;
  if (!digits || value < low || value > high)
    usage_error(fmt::format("rooms: {}={}: a whole number from {} to {} is due", key, text, low, high));
  return value;
}

void set(RoomsSpec& spec, const std::string& key, std::string_view value) {
  if (key == "n") spec.n = static_cast<std::int64_t>(whole_within(key, value, 1, 100000000));
  if (key == "seed") spec.seed = whole_within(key, value, 0, 9999999999999999999ull);
  if (key == "difficulty") spec.difficulty = static_cast<int>(whole_within(key, value, 0, 2));
  if (key == "noise") spec.noise = number_within(key, value, 0, 1);
  if (key == "holes") spec.holes = number_within(key, value, 0, 0.95);
  if (key == "split") {
    spec.split = value;
    if (std::find(kSplits.begin(), kSplits.end(), spec.split) == kSplits.end())
      usage_error(fmt::format("rooms: split={}: train, val or test is due", value));
  }
  if (key == "size") {
    const std::size_t x = value.find('x');
    if (x == std::string_view::npos) usage_error(fmt::format("rooms: size={}: height x width is due, as in 96x128", value));
    spec.height = static_cast<int>(whole_within("size's height", value.substr(0, x), 8, 4096));
    spec.width = static_cast<int>(whole_within("size's width", value.substr(x + 1), 8, 4096));
  }
}

class Rooms final : public DataSet {
 public:
  Rooms(RoomsSpec spec, std::vector<Task> tasks, const InputSpec& input)
      : spec_(std::move(spec)), tasks_(std::move(tasks)), size_(input.size), text_(rooms_spec_text(spec_)) {}

  std::size_t size() const override { return static_cast<std::size_t>(spec_.n); }
  std::string id(std::size_t index) const override { return std::to_string(index); }
  const std::string& spec() const override { return text_; }
  std::string sha256(std::vector<std::string>* /*unreadable*/) const override {
    return sha256_hex(fmt::format("tenfold rooms version {}; {}", kRoomsVersion, text_));
  }

  Sample load(std::size_t index) const override {
    const RoomImage room = render_room(spec_, static_cast<std::uint32_t>(index));
    Sample sample;
    sample.id = id(index);
    sample.image = {.channels = 3, .height = room.height, .width = room.width, .values = {}};
    const std::size_t pixels = room.labels.size();
    sample.image.values.resize(3 * pixels);
    for (std::size_t p = 0; p < pixels; ++p)
      for (std::size_t c = 0; c < 3; ++c) sample.image.values[c * pixels + p] = static_cast<float>(room.rgb[3 * p + c]) / 255.0f;
    for (const Task& task : tasks_) {
      Label label{.channels = task.type == TaskType::normal ? 3 : 1,
                  .height = room.height,
                  .width = room.width,
                  .values = {},
                  .valid = {}};
      switch (task.type) {
        case TaskType::segmentation: label.values.assign(room.labels.begin(), room.labels.end()); break;
        case TaskType::depth: label.values = room.depth; break;
        case TaskType::normal: label.values = room.normal; break;
        case TaskType::edge: label.values = room.edge; break;
        default: label.values = room.keypoint; break;
      }
      mark_valid(label, task, sample.id + ": the label of " + task.name);
      sample.labels.push_back(std::move(label));
    }
    if (size_) bring_to_size(sample, static_cast<int>((*size_)[0]), static_cast<int>((*size_)[1]));
    return sample;
  }

 private:
  RoomsSpec spec_;
  std::vector<Task> tasks_;
  std::optional<std::array<std::int64_t, 2>> size_;
  std::string text_;
};

}  // namespace

RoomsSpec parse_rooms_spec(std::string_view text, std::string_view split) {
  RoomsSpec spec;
  set(spec, "split", split);
  std::vector<std::string> seen;
  while (!text.empty()) {
    const std::string_view item = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), item.size() + 1));
    const std::size_t equals = item.find('=');
    const std::string key(item.substr(0, equals));
    if (std::find(kKeys.begin(), kKeys.end(), key) == kKeys.end()) {
      const std::string near = nearest(key, kKeys);
      usage_error(fmt::format(
          "rooms: unknown key \"{}\"; {}", key,
          near.empty() ? "n, size, seed, split, difficulty, noise and holes are known" : "did you mean " + near + "?"));
    }
    if (equals == std::string_view::npos) usage_error("rooms: " + key + " has no value; write " + key + "=...");
    if (std::find(seen.begin(), seen.end(), key) != seen.end()) usage_error("rooms: " + key + " stands twice");
    seen.push_back(key);
    set(spec, key, item.substr(equals + 1));
  }
  return spec;
}

std::string rooms_spec_text(const RoomsSpec& spec) {
  return fmt::format("rooms:n={},size={}x{},seed={},split={},difficulty={},noise={},holes={}", spec.n, spec.height, spec.width,
                     spec.seed, spec.split, spec.difficulty, data::number_text(spec.noise), data::number_text(spec.holes));
}

std::unique_ptr<DataSet> open_rooms(const RoomsSpec& spec, const std::vector<Task>& tasks, const InputSpec& input) {
  if (input.order == "L") usage_error("rooms: its images are RGB, where the tasks' input has order L");
  for (const Task& task : tasks) {
    if (!task.is_map())
      usage_error(fmt::format("rooms: no label for task {}, whose type is {}; it has segmentation, depth, normal, edge, keypoint",
                              task.name, name_of(task.type)));
    if (task.type == TaskType::segmentation && task.channels < kRoomsClasses)
      usage_error(fmt::format("rooms: task {} has {} classes where there are {}", task.name, task.channels, kRoomsClasses));
  }
  return std::make_unique<Rooms>(spec, tasks, input);
}

}  // namespace tenfold::mtl
