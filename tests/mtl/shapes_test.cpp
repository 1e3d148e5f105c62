// Shapes by hand, and the published counts of the built-in networks.
#include "mtl/shapes.h"

#include <doctest/doctest.h>

#include "base/error.h"
#include "mtl/architectures.h"
#include "mtl/graph_builder.h"

using namespace tenfold;
using namespace tenfold::mtl;

namespace {

using Ints = std::vector<std::int64_t>;

struct Case {
  Op op;
  std::map<std::string, Attribute> attributes;
  Shape in;
  Shape expected;
  Shape weight = {};  // of the parameter `weight`, where there is one
};

// The shape of one node that reads an image of that shape (or, of another rank, one reshaped to it), or the complaint.
std::string shape_or_complaint(const Case& c) {
  GraphBuilder graph;
  std::map<std::string, std::string> parameters;
  if (!c.weight.empty()) {
    graph.parameter("w", c.weight);
    parameters["weight"] = "w";
  }
  int from = 0;
  Shape image = c.in;
  if (c.in.size() != 4) {
    image = {1, elements(c.in), 1, 1};
    from = graph.add("r", Op::reshape, std::vector<int>{0}, {{"shape", c.in}});
  }
  const int node = graph.add("n", c.op, std::vector<int>{from}, c.attributes, parameters);
  graph.output("o", node);
  try {
    const Shape shape = infer_shapes(graph.finish(), image)[static_cast<std::size_t>(node)];
    std::string text;
    for (const std::int64_t size : shape) text += (text.empty() ? "" : " ") + std::to_string(size);
    return text;
  } catch (const Error& error) {
    return error.message();
  }
}

std::string spaced(const Shape& shape) {
  std::string text;
  for (const std::int64_t size : shape) text += (text.empty() ? "" : " ") + std::to_string(size);
  return text;
}

TaskFile three_tasks(int classes) {
  return parse_tasks(R"({"tasks":[{"name":"seg","type":"segmentation","classes":)" + std::to_string(classes) +
                         R"(},{"name":"depth","type":"depth"},{"name":"normal","type":"normal"}]})",
                     "tasks.json");
}

}  // namespace

TEST_CASE("the shape of every operation") {
  const std::vector<Case> cases = {
      // (13 + 2*1 - 3)/2 + 1 = 7; (10 + 0 - (2*2+1))/2 + 1 = 3
      {Op::conv2d,
       {{"stride", Ints{2, 2}}, {"padding", Ints{1, 0}}, {"dilation", Ints{1, 2}}},
       {2, 3, 13, 10},
       {2, 4, 7, 3},
       {4, 3, 3, 3}},
      {Op::conv2d, {{"groups", std::int64_t{3}}}, {2, 6, 5, 5}, {2, 9, 3, 3}, {9, 2, 3, 3}},
      // (5-1)*2 - 2 + 2 + 1 + 1 = 10
      {Op::conv_transpose2d,
       {{"stride", std::int64_t{2}}, {"padding", std::int64_t{1}}, {"output_padding", std::int64_t{1}}},
       {1, 6, 5, 4},
       {1, 2, 10, 8},
       {6, 2, 3, 3}},
      {Op::conv_transpose2d, {{"groups", std::int64_t{3}}}, {1, 6, 2, 2}, {1, 6, 4, 4}, {6, 2, 3, 3}},
      {Op::linear, {}, {2, 7, 5}, {2, 7, 3}, {3, 5}},
      {Op::prelu, {}, {1, 4, 2, 2}, {1, 4, 2, 2}, {4}},
      {Op::prelu, {}, {1, 4, 2, 2}, {1, 4, 2, 2}, {1}},
      {Op::group_norm, {{"num_groups", std::int64_t{2}}}, {1, 4, 2, 2}, {1, 4, 2, 2}},
      {Op::layer_norm, {{"normalized_shape", Ints{2, 3}}}, {1, 4, 2, 3}, {1, 4, 2, 3}},
      // ceil: (6 - 3 + 1)/2 + 1 = 3; a window that begins in the padding does not count: (5 + 2 - 2 + 1)/2 + 1 = 4 -> 3
      {Op::max_pool2d,
       {{"kernel_size", std::int64_t{3}}, {"stride", std::int64_t{2}}, {"ceil_mode", true}},
       {1, 2, 6, 6},
       {1, 2, 3, 3}},
      {Op::max_pool2d,
       {{"kernel_size", std::int64_t{2}}, {"padding", std::int64_t{1}}, {"ceil_mode", true}},
       {1, 2, 5, 5},
       {1, 2, 3, 3}},
      {Op::avg_pool2d, {{"kernel_size", Ints{2, 3}}}, {1, 2, 5, 7}, {1, 2, 2, 2}},
      {Op::adaptive_avg_pool2d, {{"output_size", Ints{1, 2}}}, {1, 2, 5, 7}, {1, 2, 1, 2}},
      {Op::upsample, {{"scale", 1.5}}, {1, 2, 5, 4}, {1, 2, 7, 6}},
      {Op::upsample, {{"size", Ints{3, 9}}, {"mode", std::string("bilinear")}}, {1, 2, 5, 4}, {1, 2, 3, 9}},
      {Op::flatten, {{"start_dim", std::int64_t{1}}}, {2, 4, 2, 3}, {2, 24}},
      {Op::flatten, {{"start_dim", std::int64_t{1}}, {"end_dim", std::int64_t{-2}}}, {2, 4, 2, 3}, {2, 8, 3}},
      {Op::reshape, {{"shape", Ints{0, 2, -1}}}, {2, 4, 2, 3}, {2, 2, 12}},
      {Op::permute, {{"dims", Ints{0, 2, -1, 1}}}, {2, 4, 5, 3}, {2, 5, 3, 4}},
      {Op::squeeze, {{"dim", std::int64_t{-1}}}, {2, 4, 5, 1}, {2, 4, 5}},
      {Op::squeeze, {{"dim", std::int64_t{1}}}, {2, 4, 5, 1}, {2, 4, 5, 1}},
      {Op::unsqueeze, {{"dim", std::int64_t{-1}}}, {2, 4}, {2, 4, 1}},
      {Op::mean, {{"dim", Ints{2, -1}}}, {2, 4, 5, 3}, {2, 4}},
      {Op::sum, {{"dim", Ints{1}}, {"keepdim", true}}, {2, 4, 5, 3}, {2, 1, 5, 3}},
      {Op::mean, {}, {2, 4, 5, 3}, {}},
      {Op::argmax, {{"dim", std::int64_t{1}}}, {2, 4, 5, 3}, {2, 5, 3}},
      {Op::softmax, {{"dim", std::int64_t{-1}}}, {2, 4, 5, 3}, {2, 4, 5, 3}},
      // ATen's order: last dimension first
      {Op::pad, {{"pad", Ints{1, 2, 3, -1}}}, {2, 4, 5, 3}, {2, 4, 7, 6}},
      {Op::pixel_shuffle, {{"upscale_factor", std::int64_t{2}}}, {2, 8, 5, 3}, {2, 2, 10, 6}},
      {Op::slice, {{"dim", std::int64_t{1}}, {"start", std::int64_t{1}}, {"step", std::int64_t{2}}}, {2, 8, 5, 3}, {2, 4, 5, 3}},
      {Op::slice,
       {{"dim", std::int64_t{-1}}, {"start", std::int64_t{-2}}, {"end", std::int64_t{-1}}},
       {2, 8, 5, 3},
       {2, 8, 5, 1}},
  };
  for (const Case& c : cases) {
    CAPTURE(name_of(c.op));
    CHECK(shape_or_complaint(c) == spaced(c.expected));
  }
}

TEST_CASE("sizes that do not go together are named") {
  CHECK(shape_or_complaint({Op::conv2d, {}, {1, 4, 5, 5}, {}, {4, 3, 3, 3}}) ==
        "node n: conv2d expects 3 channels, not [1, 4, 5, 5]");
  CHECK(shape_or_complaint({Op::conv2d, {}, {1, 3, 2, 5}, {}, {4, 3, 3, 3}}) ==
        "node n: conv2d has a kernel larger than its padded input [1, 3, 2, 5]");
  CHECK(shape_or_complaint({Op::linear, {}, {2, 4}, {}, {3, 5}}) == "node n: linear expects 5 features, not [2, 4]");
  CHECK(shape_or_complaint({Op::group_norm, {{"num_groups", std::int64_t{3}}}, {1, 4, 2, 2}, {}}) ==
        "node n: group_norm has 3 groups, which do not divide [1, 4, 2, 2]");
  CHECK(shape_or_complaint({Op::reshape, {{"shape", Ints{7, -1}}}, {2, 4, 2, 3}, {}}) ==
        "node n: reshape to [7, -1] does not hold the elements of [2, 4, 2, 3]");
  CHECK(shape_or_complaint({Op::softmax, {{"dim", std::int64_t{4}}}, {2, 4, 2, 3}, {}}) ==
        "node n: softmax names dimension 4 of 4");
  CHECK(shape_or_complaint({Op::pixel_shuffle, {{"upscale_factor", std::int64_t{2}}}, {1, 6, 2, 3}, {}}) ==
        "node n: pixel_shuffle by 2 does not divide the channels of [1, 6, 2, 3]");
  CHECK(shape_or_complaint({Op::pad, {{"pad", Ints{3, 0}}, {"mode", std::string("reflect")}}, {1, 6, 2, 3}, {}}) ==
        "node n: pad of mode reflect is wider than its input [1, 6, 2, 3]");
  CHECK(shape_or_complaint({Op::slice, {{"start", std::int64_t{5}}}, {2, 4, 2, 3}, {}}) ==
        "node n: slice leaves nothing of dimension 0 of [2, 4, 2, 3]");
}

TEST_CASE("joins broadcast, cat adds up, matmul multiplies") {
  GraphBuilder graph;
  graph.parameter("scale", {4, 1, 1});
  graph.parameter("m", {5, 7});
  const int pooled = graph.add("pool", Op::adaptive_avg_pool2d, std::vector<int>{0}, {{"output_size", std::int64_t{1}}});
  const int product = graph.add("mul", Op::mul, std::vector<int>{0, pooled});
  const int scaled = graph.add(
      "scale", Op::mul, std::vector<Operand>{{Operand::Kind::node, product, "", 0}, {Operand::Kind::parameter, 0, "scale", 0}});
  const int joined = graph.add("cat", Op::cat, std::vector<int>{0, scaled, pooled}, {{"dim", std::int64_t{1}}});
  const int multiplied = graph.add(
      "matmul", Op::matmul, std::vector<Operand>{{Operand::Kind::node, scaled, "", 0}, {Operand::Kind::parameter, 0, "m", 0}});
  graph.output("o", joined);
  graph.output("p", multiplied);
  Model model = graph.finish();
  CHECK_THROWS_WITH_AS(infer_shapes(model, {2, 4, 6, 5}), "node cat: cat joins [2, 8, 6, 5] and [2, 4, 1, 1] along dimension 1",
                       Error);
  model.graph.nodes[4].inputs.pop_back();
  CHECK_THROWS_WITH_AS(infer_shapes(model, {2, 4, 6, 4}), "node matmul: matmul multiplies [2, 4, 6, 4] and [5, 7]", Error);
  const std::vector<Shape> wide = infer_shapes(model, {2, 4, 6, 5});
  CHECK(wide[2] == Shape{2, 4, 6, 5});
  CHECK(wide[4] == Shape{2, 8, 6, 5});
  CHECK(wide[5] == Shape{2, 4, 6, 7});
  CHECK_THROWS_AS(infer_shapes(model, {2, 3, 6, 5}), Error);
}

TEST_CASE("multiply-adds by hand: grouped, transposed, linear; norms count nothing") {
  GraphBuilder graph;
  int map =
      graph.conv("c", 0, 1, 6, 3, {{"groups", std::int64_t{3}}, {"padding", std::int64_t{1}}});  // 3 -> 6 in groups of 1 -> 2
  map = graph.batch_norm("bn", map, 6);
  graph.parameter("t.weight", {6, 2, 2, 2});
  map = graph.add("t", Op::conv_transpose2d, std::vector<int>{map}, {{"stride", std::int64_t{2}}}, {{"weight", "t.weight"}});
  map = graph.add("flat", Op::flatten, std::vector<int>{map}, {{"start_dim", std::int64_t{1}}});
  graph.parameter("l.weight", {3, 2 * 8 * 10});
  map = graph.add("l", Op::linear, std::vector<int>{map}, {}, {{"weight", "l.weight"}});
  graph.output("o", map);
  const Model model = graph.finish();
  CHECK(image_channels(model) == 3);
  const std::vector<Shape> shapes = infer_shapes(model, {2, 3, 4, 5});
  CHECK(node_macs(model, 1, shapes) == 2 * 6 * 20 * 9);
  CHECK(node_macs(model, 2, shapes) == 0);
  CHECK(node_macs(model, 3, shapes) == 2 * 6 * 20 * (2 * 4));
  CHECK(node_macs(model, 5, shapes) == 2 * 160 * 3);
  const Cost all = cost(model, 4, 5);
  CHECK(all.macs == 6 * 20 * 9 + 6 * 20 * 8 + 480);
  CHECK(all.params == 54 + 12 + 48 + 480);
  CHECK(all.weight_bytes == 4 * (54 + 24 + 48 + 480));
  CHECK(all.trunk_params == 0);  // one output: all of it is its head
  CHECK(all.head_params == Ints{all.params});
  // conv + norm: 120 + 120; norm + transposed: 120 + 160; transposed + flat: 160 + 160
  CHECK(all.peak_activation_bytes == 4 * 320);
  CHECK(is_buffer(model.graph, "bn.running_var"));
  CHECK_FALSE(is_buffer(model.graph, "bn.weight"));
}

TEST_CASE("rooms-net at 96x128: 249 153 parameters, 83 927 040 multiply-adds, 51 658 752 of them in the trunk") {
  const Model model = build({.arch = "rooms-net"}, three_tasks(13), 1);
  const Cost all = cost(model, 96, 128);
  CHECK(all.params == 249153);
  CHECK(all.macs == 83927040);
  CHECK(all.trunk_macs == 51658752);
  CHECK(all.trunk_params == 165264);
  CHECK(all.head_params == Ints{27776 + 429, 27776 + 33, 27776 + 99});
  const std::vector<Shape> shapes = infer_shapes(model, {2, 3, 96, 128});
  CHECK(shapes[static_cast<std::size_t>(model.graph.outputs[0].node)] == Shape{2, 13, 96, 128});
  CHECK(shapes[static_cast<std::size_t>(model.graph.find("heads.depth.up1"))] == Shape{2, 32, 24, 32});
  // Another size, and one that halves unevenly.
  CHECK(infer_shapes(model, {1, 3, 37, 51})[static_cast<std::size_t>(model.graph.outputs[2].node)] == Shape{1, 3, 37, 51});
}

TEST_CASE("vgg16-mtl: 84 125 680 parameters, 13 343 748 with all widths 5") {
  const TaskFile tasks = three_tasks(40);
  const Cost full = cost(build({.arch = "vgg16-mtl"}, tasks, 1), 96, 128);
  CHECK(full.params == 84125680);
  CHECK(full.trunk_params == 14714688);
  CHECK(full.head_params[0] + full.head_params[1] + full.head_params[2] == 69410992);
  CHECK(cost(build({.arch = "vgg16-mtl", .widths = Ints(13, 5)}, tasks, 1), 96, 128).params == 13343748);
  CHECK(cost(build({.arch = "vgg16-mtl-small"}, tasks, 1), 96, 128).params == 735064);
}
