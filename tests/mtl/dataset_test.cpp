// Data sets: specifications, NYUv2 in MTAN's layout in every dtype and order, folders, and what each faulty item says.
#include "mtl/dataset.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <functional>
#include <set>

#include "base/error.h"
#include "base/files.h"
#include "base/refusal.h"
#include "base/temporary_folder.h"
#include "data/image.h"
#include "mtl/data_sources.h"
#include "mtl/data_writer.h"

using namespace tenfold;
using namespace tenfold::mtl;
using tenfold::test::refusal;
using tenfold::test::says;
namespace fs = std::filesystem;

namespace {

// A .npy file of this dtype and memory order; `value` is given the index in C order.
template <class T>
std::string npy(const std::string& descr, const std::vector<std::size_t>& shape, bool fortran,
                const std::function<double(std::size_t)>& value) {
  std::string text = "{'descr': '" + descr + "', 'fortran_order': " + (fortran ? "True" : "False") + ", 'shape': (";
  std::size_t count = 1;
  for (const std::size_t extent : shape) {
    text += std::to_string(extent) + ", ";
    count *= extent;
  }
  text += "), }\n";
  std::string out = std::string("\x93NUMPY\x01\x00", 8);
  out += static_cast<char>(text.size() & 255);
  out += static_cast<char>(text.size() >> 8);
  out += text;
  std::vector<T> elements(count);
  for (std::size_t i = 0; i < count; ++i) {
    std::size_t place = i;
    if (fortran) {
      std::size_t rest = i;
      std::vector<std::size_t> index(shape.size());
      for (std::size_t d = shape.size(); d-- > 0; rest /= shape[d]) index[d] = rest % shape[d];
      place = 0;
      for (std::size_t d = shape.size(); d-- > 0;) place = place * shape[d] + index[d];
    }
    T v = static_cast<T>(value(i));
    if (descr[0] == '>') {
      auto bytes = std::bit_cast<std::array<std::byte, sizeof(T)>>(v);
      std::reverse(bytes.begin(), bytes.end());
      v = std::bit_cast<T>(bytes);
    }
    std::memcpy(&elements[place], &v, sizeof(T));
  }
  out.append(reinterpret_cast<const char*>(elements.data()), elements.size() * sizeof(T));
  return out;
}

void put(const fs::path& path, const std::string& bytes) {
  fs::create_directories(path.parent_path());
  write_file_atomic(path, bytes);
}

constexpr std::size_t kHeight = 4, kWidth = 6;

double image_value(std::size_t item, std::size_t i) { return static_cast<double>((i * 7 + item * 3) % 64) / 64; }
double label_value(std::size_t item, std::size_t i) { return static_cast<double>((i + item) % 14) - 1; }
double depth_value(std::size_t item, std::size_t i) { return i == 3 ? 0 : static_cast<double>((i + item) % 8) + 0.5; }
double normal_value(std::size_t i) { return i % 3 == (i / 3) % 3 && i / 3 != 5 ? 1 : 0; }

// MTAN's layout, each item in other dtypes and orders.
void make_nyuv2(const fs::path& root, std::size_t train, std::size_t val) {
  for (const auto& [split, count] : {std::pair{"train", train}, std::pair{"val", val}})
    for (std::size_t n = 0; n < count; ++n) {
      const std::string name = std::to_string(n) + ".npy";
      const fs::path folder = root / split;
      const auto image = [n](std::size_t i) { return image_value(n, i); };
      const auto label = [n](std::size_t i) { return label_value(n, i); };
      const auto depth = [n](std::size_t i) { return depth_value(n, i); };
      const std::vector<std::size_t> three = {kHeight, kWidth, 3}, one = {kHeight, kWidth, 1}, flat = {kHeight, kWidth};
      put(folder / "image" / name, n % 3 == 0   ? npy<float>("<f4", three, false, image)
                                   : n % 3 == 1 ? npy<double>(">f8", three, true, image)
                                                : npy<double>("<f8", three, false, image));
      put(folder / "label" / name, n % 3 == 0   ? npy<std::int64_t>("<i8", flat, true, label)
                                   : n % 3 == 1 ? npy<std::int16_t>(">i2", flat, false, label)
                                                : npy<std::int8_t>("|i1", flat, false, label));
      put(folder / "depth" / name, n % 2 == 0 ? npy<float>(">f4", one, true, depth) : npy<double>("<f8", flat, true, depth));
      put(folder / "normal" / name,
          n % 2 == 0 ? npy<float>("<f4", three, true, normal_value) : npy<float>(">f4", three, false, normal_value));
    }
}

std::vector<std::size_t> all_of(const DataSet& data) {
  std::vector<std::size_t> out(data.size());
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = i;
  return out;
}

std::string usage(std::string_view spec) {
  return refusal([&] { open_data(spec, rooms_tasks().tasks, {}, "test"); }, ExitCode::usage);
}

Task task_of(const std::string& name, TaskType type, int channels) {
  Task task;
  task.name = name;
  task.type = type;
  task.channels = channels;
  if (type == TaskType::segmentation || type == TaskType::classification) task.ignore = -1;
  return task;
}

}  // namespace

TEST_CASE("specifications of rooms") {
  const auto data = open_data("rooms:n=3,size=48x64,noise=0.5", rooms_tasks().tasks, {}, "train");
  CHECK(data->spec() == "rooms:n=3,size=48x64,seed=1,split=train,difficulty=1,noise=0.5,holes=0");
  CHECK(data->size() == 3);
  CHECK(open_data("rooms", rooms_tasks().tasks, {}, "test")->size() == 64);
  CHECK(open_data("rooms:split=val", rooms_tasks().tasks, {}, "test")->spec() ==
        "rooms:n=64,size=96x128,seed=1,split=val,difficulty=1,noise=0,holes=0");
  // What is written is read again as the same.
  CHECK(open_data(data->spec(), rooms_tasks().tasks, {}, "test")->sha256() == data->sha256());
  CHECK(open_data("rooms:n=4,size=48x64,noise=0.5", rooms_tasks().tasks, {}, "train")->sha256() != data->sha256());
  CHECK(says(usage("roms:n=3"), "did you mean rooms:?"));
  CHECK(says(usage("imagenet:x"), "rooms:n=64, nyuv2:ROOT and folder:DIR"));
  CHECK(says(usage("rooms:seeds=3"), "did you mean seed?"));
  CHECK(says(usage("rooms:n=3,n=4"), "n stands twice"));
  CHECK(says(usage("rooms:n"), "has no value"));
  CHECK(says(usage("rooms:n=0"), "from 1 to"));
  CHECK(says(usage("rooms:n=-4"), "a whole number"));
  CHECK(says(usage("rooms:size=96"), "as in 96x128"));
  CHECK(says(usage("rooms:size=96x4"), "from 8 to"));
  CHECK(says(usage("rooms:split=dev"), "train, val or test"));
  CHECK(says(usage("rooms:noise=nan"), "from 0 to 1"));
  CHECK(says(usage("nyuv2:"), "the folder is missing"));
}

TEST_CASE("a sample of rooms has what its tasks ask for") {
  const auto data =
      open_data("rooms:n=2,holes=0.1",
                {task_of("n", TaskType::normal, 3), task_of("e", TaskType::edge, 1), task_of("d", TaskType::depth, 1),
                 task_of("k", TaskType::keypoint, 1), task_of("s", TaskType::segmentation, 40)},
                {}, "test");
  const Sample sample = data->load(1);
  RoomsSpec spec{.n = 2, .holes = 0.1};
  const RoomImage room = render_room(spec, 1);
  CHECK(sample.labels[0].values == room.normal);
  CHECK(sample.labels[1].values == room.edge);
  CHECK(sample.labels[2].values == room.depth);
  CHECK(sample.labels[3].values == room.keypoint);
  CHECK(std::equal(room.labels.begin(), room.labels.end(), sample.labels[4].values.begin()));
  const auto holes = std::count(room.depth.begin(), room.depth.end(), 0.0f);
  CHECK(holes > 0);
  CHECK(std::count(sample.labels[2].valid.begin(), sample.labels[2].valid.end(), 0) == holes);
  // Values are whole numbers of 255.
  for (std::size_t p = 0; p < room.labels.size(); ++p)
    for (std::size_t c = 0; c < 3; ++c)
      CHECK(sample.image.values[c * room.labels.size() + p] == static_cast<float>(room.rgb[3 * p + c]) / 255.0f);
  const std::vector<Task> few = {task_of("s", TaskType::segmentation, 5)};
  CHECK(says(refusal([&] { open_data("rooms", few, {}, "test"); }, ExitCode::usage), "5 classes where there are 13"));
  const std::vector<Task> digit = {task_of("digit", TaskType::classification, 10)};
  CHECK(says(refusal([&] { open_data("rooms", digit, {}, "test"); }, ExitCode::usage), "no label for task digit"));
}

TEST_CASE("input size: images bilinear, labels nearest") {
  InputSpec input;
  input.size = std::array<std::int64_t, 2>{48, 64};
  const auto data = open_data("rooms:n=1", rooms_tasks().tasks, input, "test");
  const auto whole = open_data("rooms:n=1", rooms_tasks().tasks, {}, "test");
  const Sample half = data->load(0), full = whole->load(0);
  CHECK(half.image.height == 48);
  CHECK(half.image.values[0] ==
        doctest::Approx((full.image.values[0] + full.image.values[1] + full.image.values[128] + full.image.values[129]) / 4));
  bool same = true;
  for (std::size_t i = 0; i < 48; ++i)
    for (std::size_t j = 0; j < 64; ++j)
      same = same && half.labels[0].values[i * 64 + j] == full.labels[0].values[2 * i * 128 + 2 * j] &&
             half.labels[1].values[i * 64 + j] == full.labels[1].values[2 * i * 128 + 2 * j];
  CHECK(same);
  CHECK(half.labels[2].values.size() == 3 * 48 * 64);
  CHECK(half.labels[2].valid.size() == 48 * 64);
}

TEST_CASE("nyuv2: every dtype, byte order and memory order gives the same numbers") {
  const TemporaryFolder folder;
  make_nyuv2(folder.path(), 25, 4);
  const auto data = open_data("nyuv2:" + folder.path().string(), rooms_tasks().tasks, {}, "test");
  REQUIRE(data->size() == 4);
  const Loaded loaded = load_all(*data, all_of(*data), 2);
  REQUIRE(loaded.faults.empty());
  for (std::size_t n = 0; n < 4; ++n) {
    const Sample& sample = loaded.samples[n];
    CHECK(sample.id == std::to_string(n));
    CHECK(sample.image.height == kHeight);
    CHECK(sample.image.width == kWidth);
    for (std::size_t p = 0; p < kHeight * kWidth; ++p) {
      for (std::size_t c = 0; c < 3; ++c) {
        CHECK(sample.image.values[c * kHeight * kWidth + p] == static_cast<float>(image_value(n, 3 * p + c)));
        CHECK(sample.labels[2].values[c * kHeight * kWidth + p] == static_cast<float>(normal_value(3 * p + c)));
      }
      CHECK(sample.labels[0].values[p] == static_cast<float>(label_value(n, p)));
      CHECK(sample.labels[0].valid[p] == (label_value(n, p) >= 0 ? 1 : 0));
      CHECK(sample.labels[1].values[p] == static_cast<float>(depth_value(n, p)));
      CHECK(sample.labels[1].valid[p] == (p == 3 ? 0 : 1));
      CHECK(sample.labels[2].valid[p] == (p == 5 ? 0 : 1));
    }
  }
}

TEST_CASE("nyuv2: a tenth of train is val, the same always, and train is the rest") {
  const TemporaryFolder folder;
  make_nyuv2(folder.path(), 25, 4);
  const std::string spec = "nyuv2:" + folder.path().string();
  const auto train = open_data(spec, rooms_tasks().tasks, {}, "train"),
             val = open_data(spec + ",split=val", rooms_tasks().tasks, {}, "test");
  CHECK(val->size() == 2);
  CHECK(train->size() == 23);
  std::set<std::string> ids;
  for (std::size_t i = 0; i < train->size(); ++i) ids.insert(train->id(i));
  for (std::size_t i = 0; i < val->size(); ++i) ids.insert(val->id(i));
  CHECK(ids.size() == 25);
  CHECK(val->id(0) != "0");  // drawn, not the first
  const std::string before = val->sha256();
  CHECK(open_data(spec, rooms_tasks().tasks, {}, "val")->sha256() == before);
  make_nyuv2(folder.path() / "other", 25, 1);
  CHECK(open_data(spec + "/other", rooms_tasks().tasks, {}, "val")->sha256() == before);
  put(folder.path() / "train/depth" / (val->id(1) + ".npy"),
      npy<float>("<f4", {kHeight, kWidth}, false, [](std::size_t) { return 1; }));
  CHECK(val->sha256() != before);
  CHECK(train->sha256() == open_data(spec + "/other", rooms_tasks().tasks, {}, "train")->sha256());
}

TEST_CASE("nyuv2: what cannot be a set at all is refused at once") {
  const TemporaryFolder folder;
  const std::string spec = "nyuv2:" + folder.path().string();
  const auto said = [&](ExitCode code) { return refusal([&] { open_data(spec, rooms_tasks().tasks, {}, "test"); }, code); };
  CHECK(says(said(ExitCode::input), "val/image"));
  make_nyuv2(folder.path(), 3, 4);
  CHECK(said(ExitCode::input) == "accepted");
  fs::remove(folder.path() / "val/depth/3.npy");
  CHECK(says(said(ExitCode::input), "4 arrays in image and 3 in depth"));
  fs::remove_all(folder.path() / "val");
  for (const char* name : {"image", "label", "depth", "normal"}) fs::create_directories(folder.path() / "val" / name);
  CHECK(says(said(ExitCode::input), "no image for the split test"));
  const std::vector<Task> edges = {task_of("e", TaskType::edge, 1)};
  CHECK(says(refusal([&] { open_data(spec, edges, {}, "train"); }, ExitCode::usage), "no label for task e"));
}

TEST_CASE("nyuv2: each faulty item is listed with its file and reason, the others are read") {
  const TemporaryFolder folder;
  make_nyuv2(folder.path(), 0, 12);
  const fs::path val = folder.path() / "val";
  const std::vector<std::size_t> three = {kHeight, kWidth, 3}, flat = {kHeight, kWidth};
  const auto half = [](std::size_t) { return 0.5; };
  put(val / "image/0.npy", npy<float>("<f4", three, false, [](std::size_t i) { return i == 4 ? NAN : 0.5; }));
  put(val / "image/1.npy", npy<std::uint8_t>("|u1", three, false, [](std::size_t i) { return i; }));
  put(val / "image/2.npy", npy<float>("<f4", {3, kHeight, kWidth}, false, half));
  put(val / "label/3.npy", npy<std::int64_t>("<i8", flat, false, [](std::size_t i) { return i == 7 ? 13 : 0; }));
  put(val / "label/4.npy", npy<float>("<f4", flat, false, [](std::size_t i) { return i == 7 ? 2.5 : 0; }));
  put(val / "depth/5.npy", npy<float>("<f4", {kHeight, kWidth + 1}, false, half));
  const std::string whole = read_file(val / "depth/6.npy");
  put(val / "depth/6.npy", whole.substr(0, whole.size() - 3));
  put(val / "normal/7.npy", npy<std::uint64_t>("|O", {1}, false, half));
  fs::rename(val / "normal/8.npy", val / "normal/88.npy");
  put(val / "normal/9.npy", "");
  const auto data = open_data("nyuv2:" + folder.path().string(), rooms_tasks().tasks, {}, "test");
  const Loaded loaded = load_all(*data, all_of(*data), 2);
  REQUIRE(loaded.faults.size() == 10);
  CHECK(loaded.samples.size() == 2);
  CHECK(loaded.samples[0].id == "10");
  const std::vector<std::string> parts = {"row 0, column 1 is not finite",
                                          "where [0, 1] is due; divide them by 255",
                                          "6 channels where an image with 1 or 3 is due",
                                          "row 1, column 1 is 13, where a class from 0 to 12 or -1 (ignored) is due",
                                          "row 1, column 1 is 2.5",
                                          "the depth label is 4x7 and the image 4x6",
                                          "the array ends early",
                                          "pickle and never executed",
                                          "8.npy",
                                          "no .npy array"};
  const std::vector<std::string> files = {"image/0", "image/1", "image/2",  "label/3",  "label/4",
                                          "",        "depth/6", "normal/7", "normal/8", "normal/9"};
  for (std::size_t i = 0; i < parts.size(); ++i) {
    CHECK(loaded.faults[i].item == std::to_string(i));
    CHECK_MESSAGE(says(loaded.faults[i].reason, parts[i]), loaded.faults[i].reason);
    CHECK_MESSAGE(says(loaded.faults[i].reason, files[i]), loaded.faults[i].reason);
  }
}

TEST_CASE("a folder: PNG, npy, numbers, scales, masks, items without a label") {
  const TemporaryFolder folder;
  const fs::path root = folder.path();
  std::vector<std::uint8_t> rgb(2 * 3 * 3, 51), seg = {0, 1, 2, 255, 0, 1};
  rgb[3] = 255;
  put(root / "rgb/a.png", data::png_bytes(rgb, 3, 2, 3));
  put(root / "grey.png", data::png_bytes(seg, 3, 2, 1));
  put(root / "mask.png", data::png_bytes(std::vector<std::uint8_t>{1, 0, 9, 1, 1, 1}, 3, 2, 1));
  put(root / "d.npy", npy<std::uint16_t>(">u2", {2, 3}, false, [](std::size_t i) { return i * 1000; }));
  put(root / "dataset.json", R"({"splits": {"test": [
    {"id": "a", "image": "rgb/a.png", "seg": "grey.png", "depth": "d.npy", "age": 7, "pose": [1, 2], "mask": "mask.png"},
    {"image": "grey.png", "age": null, "pose": [3, 4]}]}, "scale": {"depth": 0.001, "pose": 10}})");
  std::vector<Task> tasks = {task_of("seg", TaskType::segmentation, 3), task_of("depth", TaskType::depth, 1),
                             task_of("age", TaskType::classification, 8), task_of("pose", TaskType::regression, 2)};
  tasks[0].ignore = 255;
  const auto data = open_data("folder:" + root.string(), tasks, {}, "test");
  REQUIRE(data->size() == 2);
  const Sample a = data->load(0), b = data->load(1);
  CHECK(a.id == "a");
  CHECK(a.image.channels == 3);
  CHECK(a.image.values[0] == 51 / 255.0f);
  CHECK(a.image.values[1] == 1.0f);  // red of the second pixel
  CHECK(a.labels[0].values == std::vector<float>{0, 1, 2, 255, 0, 1});
  CHECK(a.labels[0].valid == std::vector<std::uint8_t>{1, 0, 1, 0, 1, 1});  // the mask, and 255
  CHECK(a.labels[1].values[4] == doctest::Approx(4));
  CHECK(a.labels[1].valid == std::vector<std::uint8_t>{0, 0, 1, 1, 1, 1});  // depth 0, and the mask
  CHECK(a.labels[2].values == std::vector<float>{7});
  CHECK(a.labels[3].values == std::vector<float>{10, 20});
  CHECK(b.id == "1");
  CHECK(b.image.channels == 3);  // grey spread
  CHECK(b.image.values[3] == 1.0f);
  CHECK(b.image.values[6 + 3] == 1.0f);
  CHECK_FALSE(b.labels[0].any_valid());
  CHECK(b.labels[0].values.size() == 6);
  CHECK_FALSE(b.labels[2].any_valid());
  CHECK(b.labels[3].any_valid());
  InputSpec grey;
  grey.order = "L";
  const auto one = open_data("folder:" + root.string(), tasks, grey, "test");
  CHECK(one->load(1).image.channels == 1);
  CHECK(says(refusal([&] { one->load(0); }), "3 channels where the tasks' input has order L"));
  // The hash sees a number of dataset.json and a byte of a file.
  const std::string before = data->sha256();
  CHECK(open_data("folder:" + root.string(), tasks, {}, "test")->sha256() == before);
  put(root / "mask.png", data::png_bytes(std::vector<std::uint8_t>{1, 1, 9, 1, 1, 1}, 3, 2, 1));
  const std::string changed = data->sha256();
  CHECK(changed != before);
  put(root / "d.npy", npy<std::uint16_t>(">u2", {2, 3}, false, [](std::size_t i) { return i * 1000 + 1; }));  // of the same size
  CHECK(data->sha256() != changed);
  // A file that is gone is one faulty item; the set still has its hash, which says so.
  const std::string whole = data->sha256();
  fs::remove(root / "d.npy");
  std::vector<std::string> unreadable;
  CHECK(data->sha256(&unreadable) != whole);
  REQUIRE(unreadable.size() == 1);
  CHECK(says(unreadable[0], "d.npy"));
  const Loaded loaded = load_all(*data, {0, 1}, 1);
  CHECK(loaded.samples.size() == 1);
  CHECK(loaded.faults.size() == 1);
}

TEST_CASE("a folder: normals from PNG and npz") {
  const TemporaryFolder folder;
  const fs::path root = folder.path();
  put(root / "i.png", data::png_bytes(std::vector<std::uint8_t>{1, 2}, 2, 1, 1));
  put(root / "n.png", data::png_bytes(std::vector<std::uint8_t>{255, 128, 0, 0, 0, 0}, 2, 1, 3));
  put(root / "dataset.json", R"({"splits": {"test": [{"image": "i.png", "n": "n.png"}]}})");
  const auto data = open_data("folder:" + root.string(), {task_of("n", TaskType::normal, 3)}, {}, "test");
  const Sample sample = data->load(0);
  CHECK(sample.labels[0].values[0] == 1);
  CHECK(sample.labels[0].values[2] == doctest::Approx(1 / 255.0));
  CHECK(sample.labels[0].values[4] == -1);
  CHECK(sample.labels[0].valid == std::vector<std::uint8_t>{1, 0});  // black: none
}

TEST_CASE("a folder: what is wrong in dataset.json is said with its place") {
  const TemporaryFolder folder;
  const std::vector<Task> tasks = {task_of("seg", TaskType::segmentation, 3)};
  const auto said = [&](const std::string& json, ExitCode code = ExitCode::input) {
    put(folder.path() / "dataset.json", json);
    return refusal([&] { open_data("folder:" + folder.path().string(), tasks, {}, "test"); }, code);
  };
  CHECK(says(said("{"), "dataset.json:1:"));
  CHECK(says(said(R"({"split": {}})"), "\"split\""));
  CHECK(says(said("{}"), "splits"));
  CHECK(says(said(R"({"splits": {"train": [], "val": []}})", ExitCode::usage), "no split test; it has train, val"));
  CHECK(says(said(R"({"splits": {"test": []}})"), "a list of items"));
  CHECK(says(said("{\"splits\": {\"test\": [\n {\"seg\": \"a.png\"}]}}"), "dataset.json:2:"));
  CHECK(says(said(R"({"splits": {"test": [{"image": "a.png", "seg": 4}]}})"), "a file is due"));
  CHECK(says(said(R"({"splits": {"test": [{"image": "a.png", "id": "../a", "seg": "b.png"}]}})"), "files are named by it"));
  CHECK(says(said(R"({"splits": {"test": [{"image": "a.png", "id": "1", "seg": "b"}, {"image": "a.png", "seg": "b"}]}})"),
             "the id 1 stands twice"));
  CHECK(says(said(R"({"splits": {"test": [{"image": "a.png", "label": "b"}]}})", ExitCode::usage),
             "no item has a label for task seg; the first has label"));
  CHECK(says(said(R"({"splits": {"test": [{"image": "a.png", "seg": "b"}]}, "scale": {"seg": "x"}})"), "scale"));
  CHECK(said(R"({"splits": {"test": [{"image": "a.png", "seg": "b.png"}]}})") == "accepted");
  const auto data = open_data("folder:" + folder.path().string(), tasks, {}, "test");
  CHECK(says(load_all(*data, {0}, 1).faults.at(0).reason, "a.png"));
  fs::remove(folder.path() / "dataset.json");
  CHECK(says(refusal([&] { open_data("folder:" + folder.path().string(), tasks, {}, "test"); }), "dataset.json"));
}

TEST_CASE("rooms written in either layout read back as they were rendered") {
  const auto rooms = open_data("rooms:n=3,size=24x32,holes=0.2", rooms_tasks().tasks, {}, "test");
  for (const DataLayout layout : {DataLayout::folder, DataLayout::nyuv2}) {
    const TemporaryFolder folder;
    std::size_t files = 0;
    DataWriter writer(layout, rooms_tasks().tasks, [&](const std::string& path, std::string_view bytes) {
      put(folder / path, std::string(bytes));
      ++files;
    });
    writer.begin_split("test");
    for (std::size_t i = 0; i < 3; ++i) writer.add(rooms->load(i));
    writer.finish({});
    CHECK(files == (layout == DataLayout::folder ? 14 : 13));
    const std::string kind = layout == DataLayout::folder ? "folder:" : "nyuv2:";
    const TaskFile tasks = read_tasks(folder / "tasks.json");
    const auto data = open_data(kind + folder.path().string(), tasks.tasks, *tasks.input, "test");
    REQUIRE(data->size() == 3);
    for (std::size_t i = 0; i < 3; ++i) {
      const Sample expected = rooms->load(i), sample = data->load(i);
      CHECK(sample.id == expected.id);
      CHECK(sample.image.values == expected.image.values);
      for (std::size_t t = 0; t < 3; ++t) {
        CHECK(sample.labels[t].values == expected.labels[t].values);
        CHECK(sample.labels[t].valid == expected.labels[t].valid);
      }
    }
  }
}

TEST_CASE("what no byte holds is written as npy, and nothing changes") {
  const TemporaryFolder folder;
  std::vector<Task> tasks = {task_of("seg", TaskType::segmentation, 400), task_of("age", TaskType::classification, 9),
                             task_of("pose", TaskType::regression, 2)};
  Sample sample;
  sample.id = "x";
  sample.image = {.channels = 1, .height = 1, .width = 2, .values = {0.1f, 0.7f}};
  sample.labels = {{.channels = 1, .height = 1, .width = 2, .values = {300, -1}, .valid = {1, 0}},
                   {.channels = 1, .values = {-1}, .valid = {0}},
                   {.channels = 2, .values = {0.1f, -3e-9f}, .valid = {1, 1}}};
  DataWriter writer(DataLayout::folder, tasks,
                    [&](const std::string& path, std::string_view bytes) { put(folder / path, std::string(bytes)); });
  writer.begin_split("val");
  writer.add(sample);
  Sample other = sample;
  other.id = "y";
  other.labels[0].values = {3, -1};
  writer.add(other);
  writer.finish({});
  InputSpec grey;
  grey.order = "L";
  const auto data = open_data("folder:" + folder.path().string(), tasks, grey, "val");
  const Sample again = data->load(0);
  CHECK(data->load(1).labels[0].values == other.labels[0].values);
  CHECK(again.image.values == sample.image.values);
  CHECK(again.labels[0].values == sample.labels[0].values);
  CHECK(again.labels[0].valid == sample.labels[0].valid);
  CHECK_FALSE(again.labels[1].any_valid());
  CHECK(again.labels[2].values == sample.labels[2].values);
  CHECK(says(refusal([&] { DataWriter(DataLayout::nyuv2, tasks, {}); }, ExitCode::usage), "no place for task age"));
}

TEST_CASE("the digits of the sample data") {
  const std::string root = TENFOLD_SOURCE_DIR "/sample_data/mtl/digits";
  const TaskFile tasks = read_tasks(root + "/tasks.json");
  for (const auto& [split, count] : {std::pair{"train", 240}, std::pair{"val", 40}, std::pair{"test", 120}}) {
    const auto data = open_data("folder:" + root, tasks.tasks, *tasks.input, split);
    CHECK(data->size() == static_cast<std::size_t>(count));
    const Loaded loaded = load_all(*data, all_of(*data), 2);
    CHECK(loaded.faults.empty());
    for (const Sample& sample : loaded.samples) {
      CHECK(sample.image.channels == 1);
      CHECK(static_cast<int>(sample.labels[0].values[0]) % 2 == static_cast<int>(sample.labels[1].values[0]));
      double ink = 0;
      for (const float v : sample.image.values) ink += v / 64.0;
      CHECK(std::abs(ink - sample.labels[2].values[0]) < 0.003);
    }
  }
}
