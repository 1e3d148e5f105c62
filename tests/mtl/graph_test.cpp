// complete(): defaults, widening, and every check that needs no image size.
#include "mtl/graph.h"

#include <doctest/doctest.h>

#include <functional>

#include "base/error.h"
#include "mtl/graph_builder.h"
#include "mtl/op_table.h"

using namespace tenfold;
using namespace tenfold::mtl;

namespace {

using Ints = std::vector<std::int64_t>;

// The message of complete() on one node of that operation reading the image, with weights `w` [4, 3, 3, 3] and `v` [4].
std::string complaint(Op op, std::map<std::string, Attribute> attributes, std::map<std::string, std::string> parameters = {},
                      int operands = 1, const std::function<void(Node&)>& change = {}) {
  GraphBuilder graph;
  graph.parameter("w", {4, 3, 3, 3});
  graph.parameter("v", {4});
  graph.parameter("five", {5});
  const int node =
      graph.add("n", op, std::vector<int>(static_cast<std::size_t>(operands), 0), std::move(attributes), std::move(parameters));
  Node& made = graph.model().graph.nodes[static_cast<std::size_t>(node)];
  made.source = "model.py:7";
  if (change) change(made);
  graph.output("o", node);
  try {
    graph.finish();
  } catch (const Error& error) {
    CHECK(error.exit_code() == ExitCode::input);
    return error.message();
  }
  return "";
}

const std::map<std::string, std::string> kConv = {{"weight", "w"}};

}  // namespace

TEST_CASE("every operation has a name that leads back to it, and the table is in their order") {
  CHECK(all_ops().size() == static_cast<std::size_t>(Op::identity) + 1);
  for (const OpSpec& spec : all_ops()) {
    Op op = Op::image;
    CHECK(op_from_name(spec.name, op));
    CHECK(op == spec.op);
    CHECK(name_of(op) == spec.name);
  }
  Op op = Op::image;
  CHECK_FALSE(op_from_name("conv3d", op));
}

TEST_CASE("complete fills in ATen's defaults and widens scalars to pairs") {
  GraphBuilder graph;
  graph.parameter("w", {4, 3, 3, 3});
  const int conv = graph.add("c", Op::conv2d, std::vector<int>{0}, {{"stride", std::int64_t{2}}, {"padding", Ints{1, 0}}}, kConv);
  const int pool = graph.add("p", Op::max_pool2d, std::vector<int>{conv}, {{"kernel_size", std::int64_t{3}}});
  const int leaky = graph.add("l", Op::leaky_relu, std::vector<int>{pool}, {{"negative_slope", std::int64_t{1}}});
  graph.output("o", leaky);
  Model model = graph.finish();
  const Node& c = model.graph.nodes[1];
  CHECK(integers(c, "stride") == Ints{2, 2});
  CHECK(integers(c, "padding") == Ints{1, 0});
  CHECK(integers(c, "dilation") == Ints{1, 1});
  CHECK(integer(c, "groups") == 1);
  CHECK(integers(model.graph.nodes[2], "stride") == Ints{3, 3});  // the kernel's
  CHECK_FALSE(flag(model.graph.nodes[2], "ceil_mode"));
  CHECK(std::holds_alternative<double>(model.graph.nodes[3].attributes.at("negative_slope")));
  const Graph before = model.graph;
  complete(model.graph, model.weights);  // idempotent
  for (std::size_t i = 0; i < before.nodes.size(); ++i) CHECK(before.nodes[i].attributes == model.graph.nodes[i].attributes);
  CHECK_THROWS_AS(flag(c, "stride"), Error);
  CHECK_THROWS_AS(integer(c, "absent"), Error);
}

TEST_CASE("what is wrong with a node is said with its id and source line") {
  CHECK(complaint(Op::conv2d, {}, kConv) == "");
  CHECK(complaint(Op::conv2d, {}) == "node n (model.py:7): conv2d needs the parameter weight");
  CHECK(complaint(Op::conv2d, {{"strid", std::int64_t{1}}}, kConv) ==
        "node n (model.py:7): conv2d has no attribute strid; did you mean stride?");
  CHECK(complaint(Op::conv2d, {{"stride", std::int64_t{0}}}, kConv) == "node n (model.py:7): stride is 0; at least 1 is needed");
  CHECK(complaint(Op::conv2d, {{"padding", Ints{1, -1}}}, kConv) == "node n (model.py:7): padding is -1; at least 0 is needed");
  CHECK(complaint(Op::conv2d, {{"stride", Ints{1, 2, 3}}}, kConv) ==
        "node n (model.py:7): stride is not an integer or a list of two");
  CHECK(complaint(Op::conv2d, {{"groups", 1.5}}, kConv) == "node n (model.py:7): groups is not an integer");
  CHECK(complaint(Op::conv2d, {{"groups", std::int64_t{3}}}, kConv) ==
        "node n (model.py:7): 4 channels do not divide into 3 groups");
  CHECK(complaint(Op::conv2d, {}, {{"weight", "v"}}) == "node n (model.py:7): weight v has 1 dimensions, not 4");
  CHECK(complaint(Op::conv2d, {}, {{"weight", "gone"}}) == "node n (model.py:7): weight gone is not among the weights");
  CHECK(complaint(Op::conv2d, {}, {{"weight", "w"}, {"bias", "five"}}) ==
        "node n (model.py:7): bias five holds 5 elements where 4 are expected");
  CHECK(complaint(Op::conv2d, {}, {{"weight", "w"}, {"gain", "v"}}) == "node n (model.py:7): conv2d has no parameter gain");
  CHECK(complaint(Op::conv2d, {}, kConv, 2) == "node n (model.py:7): conv2d takes 1 operand, not 2");
  CHECK(complaint(Op::add, {}) == "node n (model.py:7): add takes 2 operands, not 1");
  CHECK(complaint(Op::cat, {}, {}, 0) == "node n (model.py:7): cat takes at least 1 operand, not 0");
  CHECK(complaint(Op::batch_norm, {}, {{"running_mean", "v"}, {"running_var", "five"}}) ==
        "node n (model.py:7): running_var five holds 5 elements where 4 are expected");
  CHECK(complaint(Op::group_norm, {}) == "node n (model.py:7): group_norm needs the attribute num_groups");
  CHECK(complaint(Op::layer_norm, {{"normalized_shape", Ints{5}}}, {{"weight", "v"}}) ==
        "node n (model.py:7): weight v is not of normalized_shape");
}

TEST_CASE("operations with rules of their own") {
  CHECK(complaint(Op::clamp, {}) == "node n (model.py:7): clamp needs min or max");
  CHECK(complaint(Op::clamp, {{"max", 6.0}}) == "");
  CHECK(complaint(Op::upsample, {}) == "node n (model.py:7): upsample takes one of size, scale and size_of, not 0");
  CHECK(complaint(Op::upsample, {{"size", std::int64_t{8}}, {"scale", 2.0}}) ==
        "node n (model.py:7): upsample takes one of size, scale and size_of, not 2");
  CHECK(complaint(Op::upsample, {{"scale", 0.0}}) == "node n (model.py:7): scale is not positive");
  CHECK(complaint(Op::upsample, {{"size_of", std::string("image")}}) == "");
  CHECK(complaint(Op::upsample, {{"size_of", std::string("n")}}) ==
        "node n (model.py:7): size_of n names no node that stands before it");
  CHECK(complaint(Op::upsample, {{"scale", 2.0}, {"mode", std::string("bilnear")}}) ==
        "node n (model.py:7): mode bilnear is none of nearest, bilinear; did you mean bilinear?");
  CHECK(complaint(Op::upsample, {{"scale", 2.0}, {"align_corners", true}}) ==
        "node n (model.py:7): nearest has no align_corners");
  CHECK(complaint(Op::reshape, {{"shape", Ints{-1, -1}}}) == "node n (model.py:7): shape has more than one -1");
  CHECK(complaint(Op::reshape, {{"shape", Ints{0, -2}}}) == "node n (model.py:7): shape is -2; at least -1 is needed");
  CHECK(complaint(Op::pad, {{"pad", Ints{1, 1, 1}}}) == "node n (model.py:7): pad holds an odd number of widths");
  CHECK(complaint(Op::permute, {{"dims", Ints{0, 2, 2, 1}}}) == "node n (model.py:7): dims is no permutation");
  CHECK(complaint(Op::permute, {{"dims", Ints{0, -1, 2, 1}}}) == "");
  CHECK(complaint(Op::dropout, {{"p", 1.5}}) == "node n (model.py:7): p is not in [0, 1]");
  CHECK(complaint(Op::slice, {{"step", std::int64_t{0}}}) == "node n (model.py:7): step is 0; at least 1 is needed");
}

TEST_CASE("operands: order, parameters and numbers") {
  const auto reads = [](Operand::Kind kind, int node, const std::string& parameter, double number) {
    return [=](Node& n) { n.inputs[0] = Operand{kind, node, parameter, number}; };
  };
  using Kind = Operand::Kind;
  CHECK(complaint(Op::relu, {}, {}, 1, reads(Kind::node, 1, "", 0)) ==
        "node n (model.py:7): reads a node that does not stand before it");
  CHECK(complaint(Op::relu, {}, {}, 1, reads(Kind::number, 0, "", 2)) ==
        "node n (model.py:7): relu reads nodes alone, not a parameter or a number");
  CHECK(complaint(Op::mul, {}, {}, 2, reads(Kind::number, 0, "", 2)) == "");
  CHECK(complaint(Op::mul, {}, {}, 2, reads(Kind::number, 0, "", std::numeric_limits<double>::infinity())) ==
        "node n (model.py:7): reads a number that is not finite");
  CHECK(complaint(Op::mul, {}, {}, 2, reads(Kind::parameter, 0, "v", 0)) == "");
  CHECK(complaint(Op::mul, {}, {}, 2, reads(Kind::parameter, 0, "gone", 0)) ==
        "node n (model.py:7): parameter gone is not among the weights");
  CHECK(complaint(Op::matmul, {}, {}, 2, reads(Kind::number, 0, "", 2)) ==
        "node n (model.py:7): matmul reads nodes and parameters, not a number");
  CHECK(complaint(Op::mul, {}, {}, 2, [](Node& n) {
          for (Operand& o : n.inputs) o = {Operand::Kind::parameter, 0, "v", 0};
        }) == "node n (model.py:7): mul reads no node");
}

TEST_CASE("outputs and ids") {
  const auto finish = [](const std::function<void(GraphBuilder&)>& change) -> std::string {
    GraphBuilder graph;
    graph.relu("a", 0);
    change(graph);
    try {
      graph.finish();
    } catch (const Error& error) {
      return error.message();
    }
    return "";
  };
  CHECK(finish([](GraphBuilder&) {}) == "the graph has no output");
  CHECK(finish([](GraphBuilder& g) {
          g.output("x", 1);
          g.output("x", 0);
        }) == "two outputs are named x");
  CHECK(finish([](GraphBuilder& g) { g.output("x", 7); }) == "output x names no node");
  CHECK(finish([](GraphBuilder& g) {
          g.relu("a", 1);
          g.output("x", 1);
        }) == "node a: another node has this id");
  CHECK(finish([](GraphBuilder& g) {
          for (int i = 0; i < 65; ++i) g.output(std::to_string(i), 1);
        }) == "the graph has 65 outputs; at most 64");
}

TEST_CASE("what reaches an output, by node and by parameter, and who reads what") {
  // image -> a -> b -> output 0
  //          a -> c -> output 1, and c takes b's size; one weight in a, one shared by b and c, one of d, which nobody reads.
  GraphBuilder graph;
  for (const char* name : {"wa", "shared", "unread"}) graph.parameter(name, {3, 3, 1, 1});
  const auto conv = [&](const char* id, int input, const char* weight) {
    return graph.add(id, Op::conv2d, std::vector<int>{input}, {}, {{"weight", weight}});
  };
  const int a = conv("a", 0, "wa"), b = conv("b", a, "shared"), c = conv("c", a, "shared");
  const int up = graph.add("up", Op::upsample, std::vector<int>{c}, {{"size_of", std::string("b")}});
  conv("d", b, "unread");
  graph.output("zero", b);
  graph.output("one", up);
  const Model model = graph.finish();
  CHECK(reached_outputs(model.graph) == std::vector<std::uint64_t>{3, 3, 1, 2, 2, 0});
  const auto by_parameter = reached_by_parameter(model.graph);
  CHECK(by_parameter.at("wa") == 3);
  CHECK(by_parameter.at("shared") == 3);  // the union over its users
  CHECK(by_parameter.at("unread") == 0);
  CHECK(readers(model.graph) == std::vector<std::vector<int>>{{1}, {2, 3}, {4, 5}, {4}, {}, {}});
}
