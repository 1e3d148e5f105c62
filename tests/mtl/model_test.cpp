// MTG files: the same bytes there and back, and faults with their place.
#include "mtl/model.h"

#include <doctest/doctest.h>

#include <filesystem>

#include "base/error.h"
#include "base/files.h"
#include "data/safetensors.h"
#include "mtl/architectures.h"
#include "mtl/graph_builder.h"

using namespace tenfold;
using namespace tenfold::mtl;

namespace {

TaskFile three_tasks() {
  return parse_tasks(R"({"input":{"mean":[0.485,0.456,0.406],"std":[0.229,0.224,0.225]},
    "tasks":[{"name":"seg","type":"segmentation","classes":13},{"name":"depth","type":"depth"},{"name":"normal","type":"normal"}]})",
                     "tasks.json");
}

Weights small_weights() {
  Weights weights;
  weights["w"] = {{4, 3, 3, 3}, std::vector<float>(108, 0.5F)};
  weights["unread"] = {{2}, {1, 2}};
  return weights;
}

// One node, to be broken.
std::string graph_of(const std::string& node, const std::string& rest = R"("outputs":{"o":"c"})") {
  return "{\"mtg\":1,\n \"nodes\":[\n  " + node + "],\n " + rest + "}";
}

std::string complaint(const std::string& json) {
  try {
    parse_mtg(json, "net.mtg.json", small_weights());
  } catch (const Error& error) {
    CHECK(error.exit_code() == ExitCode::input);
    return error.message();
  }
  return "";
}

const std::string kConv = R"({"id":"c","op":"conv2d","in":["image"],"param":{"weight":"w"},"attr":{"stride":2,"padding":1}})";

}  // namespace

TEST_CASE("an MTG file is written and read back to the same bytes") {
  const Model model = build({.arch = "rooms-net", .layout = "branch:2"}, three_tasks(), 3);
  const std::filesystem::path folder = std::filesystem::temp_directory_path() / "tenfold-mtg-test";
  std::filesystem::create_directories(folder);
  write_mtg(folder / "a", model);
  const Model read = read_mtg(folder / "a.mtg.json");
  CHECK(mtg_json(read) == mtg_json(model));
  CHECK(weights_sha256(read.weights) == weights_sha256(model.weights));
  write_mtg(folder / "b", read);
  CHECK(read_file(folder / "a.mtg.json") == read_file(folder / "b.mtg.json"));
  CHECK(read_file(folder / "a.safetensors") == read_file(folder / "b.safetensors"));
  REQUIRE(read.tasks.has_value());
  CHECK(read.tasks->tasks[0].channels == 13);
  REQUIRE(read.input.has_value());
  CHECK(read.input->mean == std::vector<double>{0.485, 0.456, 0.406});
  for (std::size_t i = 0; i < model.graph.nodes.size(); ++i) {
    CHECK(read.graph.nodes[i].attributes == model.graph.nodes[i].attributes);
    CHECK(read.graph.nodes[i].id == model.graph.nodes[i].id);
  }
  std::filesystem::remove_all(folder);
}

TEST_CASE("every kind of attribute and operand survives") {
  GraphBuilder graph;
  graph.parameter("s", {3, 1, 1});
  using Kind = Operand::Kind;
  int map = graph.add("sub", Op::sub, std::vector<Operand>{{Kind::number, 0, "", 1}, {Kind::node, 0, "", 0}}, {{"alpha", 0.1}});
  map = graph.add("mul", Op::mul, std::vector<Operand>{{Kind::node, map, "", 0}, {Kind::parameter, 0, "s", 0}});
  map = graph.add("pool", Op::avg_pool2d, std::vector<int>{map},
                  {{"kernel_size", std::vector<std::int64_t>{2, 3}}, {"ceil_mode", true}, {"divisor_override", std::int64_t{5}}});
  map = graph.add("up", Op::upsample, std::vector<int>{map},
                  {{"mode", std::string("bilinear")}, {"size_of", std::string("mul")}, {"align_corners", true}});
  map = graph.add("clamp", Op::clamp, std::vector<int>{map}, {{"max", 6.0}});
  graph.model().graph.nodes.back().source = "net.py:12";
  graph.output("o", map);
  const Model model = graph.finish();
  const Model read = parse_mtg(mtg_json(model), "x", model.weights);
  CHECK(mtg_json(read) == mtg_json(model));
  for (std::size_t i = 0; i < model.graph.nodes.size(); ++i)
    CHECK(read.graph.nodes[i].attributes == model.graph.nodes[i].attributes);
  CHECK(read.graph.nodes.back().source == "net.py:12");
  CHECK(read.graph.nodes[1].inputs[0].number == 1);
  CHECK(read.graph.nodes[2].inputs[1].parameter == "s");
}

TEST_CASE("weights that no node names are left out") {
  const Model model = parse_mtg(graph_of(kConv), "net.mtg.json", small_weights());
  CHECK(model.weights.size() == 1);
  CHECK(model.weights.contains("w"));
}

TEST_CASE("faults are named with file, line and column") {
  CHECK(complaint(graph_of(kConv)) == "");
  CHECK(complaint("{\"mtg\":2}") == "net.mtg.json:1:8: mtg is not 1, the only version there is");
  CHECK(complaint("{\"mtg\":1,\n\"nods\":[]}") == "net.mtg.json:2:1: the graph has no key \"nods\"; did you mean \"nodes\"?");
  CHECK(complaint(graph_of(R"({"id":"c","op":"conv3d","in":["image"]})")) ==
        "net.mtg.json:3:18: node c: unknown operation conv3d; did you mean conv2d?");
  CHECK(complaint(graph_of(R"({"id":"c","op":"relu","in":["c"]})")) ==
        "net.mtg.json:3:31: node c reads c, which does not stand before it (nodes are in topological order)");
  CHECK(complaint(graph_of(R"({"id":"c","op":"relu","in":["image"],"attr":{"inplace":true}})")) ==
        "net.mtg.json:3:48: node c: relu has no key \"inplace\"");
  CHECK(complaint(graph_of(R"({"id":"c","op":"conv2d","in":["image"],"param":{"weight":"v"}})")) ==
        "net.mtg.json:3:60: node c: parameter v is not among the weights");
  CHECK(complaint(graph_of(R"({"id":"c","op":"conv2d","in":["image"],"param":{"weight":"unread"}})")) ==
        "net.mtg.json:3:3: node c: weight unread has 1 dimensions, not 4");
  CHECK(complaint(graph_of(kConv + ",\n  " + kConv)) == "net.mtg.json:4:3: two nodes are named c");
  CHECK(complaint(graph_of(kConv, "\"outputs\":{}")) == "net.mtg.json:4:12: the graph has no output");
  CHECK(complaint(graph_of(kConv, "\"outputs\":{\"o\":\"d\"}")) ==
        "net.mtg.json:4:17: output o is d, which does not stand before it (nodes are in topological order)");
  CHECK(complaint(graph_of(R"({"id":"c","op":"conv2d","in":["image"],"param":{"weight":"w"},"attr":{"stride":0.5}})")) ==
        "net.mtg.json:3:3: node c: stride is not an integer or a list of two");
  CHECK(complaint(graph_of(R"({"id":"c","op":"relu","in":["image"]})", R"("tasks":{"tasks":[]},"outputs":{"o":"c"})"))
            .find("tasks is not a list of at least one task") != std::string::npos);
  CHECK(complaint("{\"mtg\":1,") != "");
}

TEST_CASE("read_weights takes every real dtype and leaves integers out") {
  const std::vector<double> wide = {1.5, -2.25};
  const std::vector<std::uint16_t> half = {0x3E00, 0xC080};  // 1.5, -2.25 as binary16
  const std::vector<std::int64_t> counter = {3};
  const std::vector<data::TensorSource> sources = {
      data::tensor_source("d", {2}, std::span<const double>(wide)),
      {"h", data::DType::f16, {2}, std::as_bytes(std::span<const std::uint16_t>(half))},
      data::tensor_source("num_batches_tracked", {1}, std::span<const std::int64_t>(counter)),
  };
  const std::filesystem::path path = std::filesystem::temp_directory_path() / "tenfold-read-weights.safetensors";
  data::write_safetensors(path, sources);
  const Weights weights = read_weights(path);
  CHECK(weights.size() == 2);
  CHECK(weights.at("d").values == std::vector<float>{1.5F, -2.25F});
  CHECK(weights.at("h").values == std::vector<float>{1.5F, -2.25F});
  std::filesystem::remove(path);
}

TEST_CASE("select takes slices of a dimension; the hash sees names, shapes and values") {
  const Tensor tensor{{2, 3, 2}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}};
  const Tensor kept = select(tensor, 1, {0, 2});
  CHECK(kept.shape == Shape{2, 2, 2});
  CHECK(kept.values == std::vector<float>{0, 1, 4, 5, 6, 7, 10, 11});
  CHECK(select(tensor, 0, {1}).values == std::vector<float>{6, 7, 8, 9, 10, 11});
  CHECK_THROWS_AS(select(tensor, 1, {3}), Error);
  const std::string hash = weights_sha256({{"a", tensor}});
  CHECK(hash != weights_sha256({{"b", tensor}}));
  CHECK(hash != weights_sha256({{"a", {{2, 2, 3}, tensor.values}}}));
  CHECK(hash != weights_sha256({{"a", kept}}));
  CHECK(hash == weights_sha256({{"a", tensor}}));
}
