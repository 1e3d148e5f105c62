// tasks.json: defaults, and faults with their place.
#include "mtl/tasks.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "base/error.h"

using namespace tenfold;
using namespace tenfold::mtl;

namespace {

std::string one(const std::string& task) { return "{\"tasks\":[\n" + task + "]}"; }

std::string complaint(const std::string& json) {
  try {
    parse_tasks(json, "t.json");
  } catch (const Error& error) {
    CHECK(error.exit_code() == ExitCode::usage);
    return error.message();
  }
  return "";
}

}  // namespace

TEST_CASE("types have their default losses, channels and ignored label") {
  const TaskFile file = parse_tasks(R"({"tasks":[
    {"name":"s","type":"segmentation","classes":13},{"name":"d","type":"depth"},{"name":"k","type":"keypoint"},
    {"name":"e","type":"edge"},{"name":"n","type":"normal"},{"name":"c","type":"classification","classes":10,"ignore":null},
    {"name":"r","type":"regression","dims":4,"output":2,"loss":"berhu","weight":0.5}]})",
                                    "t.json");
  CHECK_FALSE(file.input.has_value());
  const std::vector<LossType> losses = {LossType::ce,     LossType::l1, LossType::l1,   LossType::l1,
                                        LossType::cosine, LossType::ce, LossType::berhu};
  const std::vector<int> channels = {13, 1, 1, 1, 3, 10, 4};
  for (std::size_t i = 0; i < losses.size(); ++i) {
    CHECK(file.tasks[i].loss == losses[i]);
    CHECK(file.tasks[i].channels == channels[i]);
    CHECK(file.tasks[i].is_map() == (i < 5));
  }
  CHECK(file.tasks[0].ignore == -1.0);
  CHECK_FALSE(file.tasks[1].ignore.has_value());
  CHECK_FALSE(file.tasks[5].ignore.has_value());
  CHECK(file.tasks[0].output == "s");
  CHECK(file.tasks[6].output == "2");
  CHECK(file.tasks[6].weight == 0.5);
  CHECK(find_task(file.tasks, "n") == 4);
}

TEST_CASE("the example of the format, there and back") {
  const std::string text =
      R"({"input":{"range":[-1,1],"order":"BGR","mean":[0.485,0.456,0.406],"std":[0.229,0.224,0.225],"size":[96,128]},
 "tasks":[{"name":"seg","output":"0","type":"segmentation","classes":3,"loss":"ce","ignore":255,"class_weights":[1,2,0.5],
           "weight":1,"resize":"label-nearest"}]})";
  const TaskFile file = parse_tasks(text, "t.json");
  REQUIRE(file.input.has_value());
  CHECK(file.input->lo == -1);
  CHECK(file.input->order == "BGR");
  CHECK((*file.input->size)[1] == 128);
  CHECK(file.tasks[0].ignore == 255.0);
  CHECK(file.tasks[0].class_weights == std::vector<double>{1, 2, 0.5});
  CHECK(file.tasks[0].resize == ResizeRule::label_nearest);
  const std::string written = to_json(file).dump();
  CHECK(to_json(parse_tasks(written, "u.json")).dump() == written);
  const TaskFile grey = parse_tasks(R"({"input":{"order":"L"},"tasks":[{"name":"d","type":"depth"}]})", "t.json");
  CHECK(grey.input->channels() == 1);
  CHECK(grey.input->mean == std::vector<double>{0});
}

TEST_CASE("faults are named with file, line and column, and are the configuration's") {
  CHECK(complaint(one(R"({"name":"s","type":"segmention","classes":3})")) ==
        "t.json:2:20: unknown type segmention; did you mean segmentation?");
  CHECK(complaint(one(R"({"name":"d","type":"depth","loss":"l2"})")) == "t.json:2:35: unknown loss l2; did you mean l1?");
  CHECK(complaint(one(R"({"name":"d","type":"depth","loss":"ce"})")) ==
        "t.json:2:35: loss ce does not go with depth, which takes l1, mse, berhu");
  CHECK(complaint(one(R"({"name":"d","type":"depth","wieght":1})")) ==
        "t.json:2:28: a task has no key \"wieght\"; did you mean \"weight\"?");
  CHECK(complaint(one(R"({"name":"d","type":"depth"},{"name":"d","type":"edge"})")) == "t.json:2:29: two tasks are named d");
  CHECK(complaint(one(R"({"name":"s","type":"segmentation"})")) ==
        "t.json:2:1: task s needs \"classes\", the channels of its output");
  CHECK(complaint(one(R"({"name":"s","type":"segmentation","classes":1})")) == "t.json:2:45: classes is not in [2, 65535]");
  CHECK(complaint(one(R"({"name":"d","type":"depth","classes":3})")) == "t.json:2:38: classes: depth has none");
  CHECK(complaint(one(R"({"name":"s","type":"segmentation","classes":3,"class_weights":[1,2]})")) ==
        "t.json:2:63: class_weights holds 2 numbers for 3 classes");
  CHECK(complaint(one(R"({"name":"d","type":"depth","weight":-1})")) == "t.json:2:37: weight is negative");
  CHECK(complaint(one(R"({"type":"depth"})")) == "t.json:2:1: a task needs the key \"name\"");
  CHECK(complaint(one("")) == "t.json:1:10: tasks is not a list of at least one task");
  CHECK(complaint(one(R"({"name":"c","type":"regression","resize":"pred-bilinear"})")) ==
        "t.json:2:42: resize: regression is no map");
  CHECK(complaint("{\"tasks\":").starts_with("t.json:1:"));
  const auto input = [](const std::string& text) {
    return complaint("{\"input\":" + text + ",\"tasks\":[{\"name\":\"d\",\"type\":\"depth\"}]}");
  };
  CHECK(input(R"({"range":[1,0]})") == "t.json:1:19: range is not [low, high] with low < high");
  CHECK(input(R"({"order":"RBG"})") == "t.json:1:19: order is none of RGB, BGR, L");
  CHECK(input(R"({"mean":[0.5]})") == "t.json:1:18: mean holds 1 numbers for 3 channels");
  CHECK(input(R"({"std":[1,0,1]})") == "t.json:1:17: std is not positive");
  CHECK(input(R"({"size":[96]})") == "t.json:1:18: size is not [height, width]");
  CHECK(input(R"({"size":[96,0]})") == "t.json:1:22: size is not in [1, 65536]");
}

TEST_CASE("an unknown task's name suggests the nearest") {
  const TaskFile file = parse_tasks(one(R"({"name":"depth","type":"depth"},{"name":"normal","type":"normal"})"), "t.json");
  CHECK_THROWS_WITH_AS(find_task(file.tasks, "normals"), "no task normals; did you mean normal?", Error);
  CHECK_THROWS_WITH_AS(find_task(file.tasks, "xyz"), "no task xyz; the tasks are depth, normal", Error);
}
