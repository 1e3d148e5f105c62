// Layouts and freshly drawn weights.
#include "mtl/architectures.h"

#include <doctest/doctest.h>

#include <cmath>
#include <set>

#include "base/error.h"
#include "mtl/shapes.h"

using namespace tenfold;
using namespace tenfold::mtl;

namespace {

TaskFile three_tasks() {
  return parse_tasks(R"({"tasks":[{"name":"seg","type":"segmentation","classes":13},{"name":"depth","type":"depth"},
                        {"name":"normal","type":"normal"}]})",
                     "tasks.json");
}

std::string complaint(std::string_view layout) {
  try {
    parse_layout(layout, 3, 5);
  } catch (const Error& error) {
    CHECK(error.exit_code() == ExitCode::usage);
    return error.message();
  }
  return "";
}

}  // namespace

TEST_CASE("three tasks and five blocks have 51 layouts, each of which reads back and builds") {
  const std::vector<Layout> layouts = all_layouts(3, 5);
  CHECK(layouts.size() == 51);
  CHECK(std::set<Layout>(layouts.begin(), layouts.end()).size() == 51);
  CHECK(all_layouts(2, 5).size() == 6);  // where the two part: before block 0 .. 4, or never
  for (const Layout& layout : layouts) {
    std::string text = "[";
    for (const auto& block : layout) {
      text += text.size() > 1 ? ",[" : "[";
      for (std::size_t g = 0; g < block.size(); ++g) {
        text += g > 0 ? ",[" : "[";
        for (std::size_t t = 0; t < block[g].size(); ++t) text += (t > 0 ? "," : "") + std::to_string(block[g][t]);
        text += "]";
      }
      text += "]";
    }
    text += "]";
    CHECK(parse_layout(text, 3, 5) == layout);
  }
  CHECK(layouts.front() == parse_layout("shared", 3, 5));
  CHECK(layouts.back() == parse_layout("independent", 3, 5));
}

TEST_CASE("branch:K shares K blocks") {
  const Layout two = parse_layout("branch:2", 3, 5);
  CHECK(two[1] == std::vector<std::vector<int>>{{0, 1, 2}});
  CHECK(two[2] == std::vector<std::vector<int>>{{0}, {1}, {2}});
  CHECK(parse_layout("branch:0", 3, 5) == parse_layout("independent", 3, 5));
  CHECK(parse_layout("branch:5", 3, 5) == parse_layout("shared", 3, 5));
}

TEST_CASE("layouts that are none") {
  CHECK(complaint("shred") == "layout shred: did you mean shared?");
  CHECK(complaint("branch:6") == "layout branch:6: branch:K shares K blocks, 0 to 5");
  CHECK(complaint("branch:x") == "layout branch:x: branch:K shares K blocks, 0 to 5");
  CHECK(complaint("[[[0,1,2]]]") == "layout [[[0,1,2]]]: 1 partitions for 5 blocks");
  CHECK(complaint("[[[0],[1,2]],[[0,1],[2]],[[0],[1],[2]],[[0],[1],[2]],[[0],[1],[2]]]").find("block 1 joins tasks") !=
        std::string::npos);
  CHECK(complaint("[[[0,1]],[[0,1]],[[0,1]],[[0,1]],[[0,1]]]").find("each of the 3 tasks once") != std::string::npos);
  CHECK(complaint("[[[0,1,3]],[],[],[],[]]").find("a number from 0 to 2") != std::string::npos);
  CHECK(complaint("[[[0,").find("layout:1:") != std::string::npos);
}

TEST_CASE("a layout decides which parameters reach which outputs") {
  const Model model =
      build({.arch = "rooms-net", .layout = "[[[0,1,2]],[[0,1,2]],[[0,1],[2]],[[0,1],[2]],[[0],[1],[2]]]"}, three_tasks(), 1);
  const auto reached = reached_by_parameter(model.graph);
  CHECK(reached.at("blocks.1.0.conv1.weight") == 7);
  CHECK(reached.at("blocks.2.0.conv1.weight") == 3);
  CHECK(reached.at("blocks.2.1.conv1.weight") == 4);
  CHECK(reached.at("blocks.4.1.bn2.bias") == 2);
  CHECK(reached.at("heads.normal.out.bias") == 4);
  const Cost shared = cost(build({.arch = "rooms-net"}, three_tasks(), 1), 96, 128);
  const Cost apart = cost(build({.arch = "rooms-net", .layout = "independent"}, three_tasks(), 1), 96, 128);
  CHECK(apart.params == shared.params + 2 * shared.trunk_params);
  CHECK(apart.trunk_params == 0);
}

TEST_CASE("weights: Kaiming normal by fan-out, biases 0, norms 1 and 0; by name and seed alone") {
  const Model shared = build({.arch = "rooms-net"}, three_tasks(), 7);
  const auto deviation = [](const Tensor& tensor) {
    double sum = 0;
    for (const float v : tensor.values) sum += double(v) * v;
    return std::sqrt(sum / static_cast<double>(tensor.values.size()));
  };
  // 36 864 draws: the sample's deviation is within 1.5 % (4 standard errors) of sqrt(2 / (64 * 9)).
  CHECK(deviation(shared.weights.at("blocks.4.0.conv1.weight")) == doctest::Approx(std::sqrt(2.0 / 576)).epsilon(0.015));
  // fan-out, not fan-in: 32 outputs of a 1x1 kernel on 16.
  CHECK(deviation(shared.weights.at("blocks.1.0.shortcut.conv.weight")) == doctest::Approx(std::sqrt(2.0 / 32)).epsilon(0.13));
  CHECK(shared.weights.at("heads.seg.out.bias").values == std::vector<float>(13, 0.0F));
  CHECK(shared.weights.at("blocks.0.0.bn.weight").values == std::vector<float>(16, 1.0F));
  CHECK(shared.weights.at("blocks.0.0.bn.running_var").values == std::vector<float>(16, 1.0F));
  const Model branched = build({.arch = "rooms-net", .layout = "branch:3"}, three_tasks(), 7);
  CHECK(branched.weights.at("blocks.4.0.conv1.weight").values == shared.weights.at("blocks.4.0.conv1.weight").values);
  CHECK(branched.weights.at("blocks.4.1.conv1.weight").values != shared.weights.at("blocks.4.0.conv1.weight").values);
  CHECK(weights_sha256(build({.arch = "rooms-net"}, three_tasks(), 7).weights) == weights_sha256(shared.weights));
  CHECK(weights_sha256(build({.arch = "rooms-net"}, three_tasks(), 8).weights) != weights_sha256(shared.weights));
}

TEST_CASE("tasks without a map end in a mean over it; one channel goes in for order L") {
  const TaskFile tasks = parse_tasks(R"({"input":{"order":"L"},"tasks":[{"name":"digit","type":"classification","classes":10},
                                        {"name":"age","type":"regression","dims":2}]})",
                                     "tasks.json");
  const Model model = build({.arch = "rooms-net"}, tasks, 1);
  CHECK(image_channels(model) == 1);
  const std::vector<Shape> shapes = infer_shapes(model, {3, 1, 32, 32});
  CHECK(shapes[static_cast<std::size_t>(model.graph.outputs[0].node)] == Shape{3, 10});
  CHECK(shapes[static_cast<std::size_t>(model.graph.outputs[1].node)] == Shape{3, 2});
}

TEST_CASE("architectures that are none") {
  CHECK_THROWS_WITH_AS(build({.arch = "room-net"}, three_tasks(), 1), "no architecture room-net; did you mean rooms-net?", Error);
  CHECK_THROWS_WITH_AS(build({.arch = "rooms-net", .widths = {1}}, three_tasks(), 1),
                       "widths: rooms-net's are fixed; vgg16-mtl takes them", Error);
  CHECK_THROWS_WITH_AS(build({.arch = "vgg16-mtl", .widths = {1, 2}}, three_tasks(), 1),
                       "widths: 2 numbers for vgg16's 13 convolutions", Error);
}
