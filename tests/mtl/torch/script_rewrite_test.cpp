// TorchScript written back with fewer channels, and written from a graph: read again, they are the smaller graph's function.
#include "mtl/torch/script.h"

#include "script_support.h"

#include <filesystem>
#include <functional>
#include <numeric>

#include "base/error.h"
#include "mtl/architectures.h"
#include "mtl/graph_builder.h"
#include "mtl/torch/executor.h"

using namespace tenfold;
using namespace tenfold::mtl;
using namespace tenfold::mtl::test;

namespace {

using Ints = std::vector<std::int64_t>;

std::string scratch(const std::string& name) { return (std::filesystem::temp_directory_path() / ("tenfold-" + name)).string(); }

Ints without(std::int64_t size, const Ints& gone) {
  Ints keep;
  for (std::int64_t i = 0; i < size; ++i)
    if (std::find(gone.begin(), gone.end(), i) == gone.end()) keep.push_back(i);
  return keep;
}

// Takes indices out of one dimension of a parameter.
void drop(Model& model, const std::string& name, int dim, const Ints& gone) {
  REQUIRE(model.weights.contains(name));
  Tensor& tensor = model.weights.at(name);
  tensor = select(tensor, dim, without(tensor.shape[static_cast<std::size_t>(dim)], gone));
}

void drop_norm(Model& model, const std::string& name, const Ints& gone) {
  for (const char* role : {".weight", ".bias", ".running_mean", ".running_var"})
    if (model.weights.contains(name + role)) drop(model, name + role, 0, gone);
}

Node& node_of(Model& model, const std::string& id) {
  const int index = model.graph.find(id);
  REQUIRE(index >= 0);
  return model.graph.nodes[static_cast<std::size_t>(index)];
}

void check_same(const Model& model, const std::string& path, const at::Tensor& image, const std::vector<std::string>& names) {
  const ScriptModule read = ScriptModule::load(path);
  const auto native = read.run(image);
  const auto ours = Executor(model).run(image);
  REQUIRE(native.size() == ours.size());
  for (std::size_t i = 0; i < ours.size(); ++i) {
    CHECK(native[i].first == names[i]);
    CHECK(at::allclose(native[i].second, ours[i], 1e-5, 1e-6));
  }
}

}  // namespace

TEST_CASE("channels taken out of a residual trunk: parameters, statistics and columns go, names and dictionary stay") {
  for (const char* kind : {"script", "trace"}) {
    CAPTURE(kind);
    ScriptModule module = ScriptModule::load(script_path(std::string("dict_") + kind + ".pt"));
    Model model = module.lower(3, 32, 48);
    const Ints gone = {1, 4, 11};
    drop(model, "trunk.b1.conv1.weight", 0, gone);
    drop_norm(model, "trunk.b1.bn1", gone);
    drop(model, "trunk.b1.conv2.weight", 1, gone);
    const Ints added = {0, 7};  // of the sum: both branches and all who read it
    drop(model, "trunk.b1.conv2.weight", 0, added);
    drop_norm(model, "trunk.b1.bn2", added);
    drop(model, "trunk.b1.short.0.weight", 0, added);
    drop_norm(model, "trunk.b1.short.1", added);
    drop(model, "trunk.b2.conv1.weight", 1, added);
    drop(model, "trunk.b2.short.0.weight", 1, added);
    const std::string path = scratch("rewritten.pt");
    module.write_rewritten(path, model.weights, {});
    check_same(model, path, sine_image(2, 40, 56), {"seg", "depth", "normal"});
    // The file is the user's module: read again it lowers to the smaller graph under the same parameter names.
    ScriptModule read = ScriptModule::load(path);
    CHECK(weights_sha256(read.lower(3, 32, 48).weights) == weights_sha256(model.weights));
    CHECK(read_file(path).size() < read_file(script_path(std::string("dict_") + kind + ".pt")).size());
    // The bytes do not depend on the name.
    const std::string other = scratch("other-name.pt");
    module.write_rewritten(other, model.weights, {});
    CHECK(read_file(path) == read_file(other));
    std::filesystem::remove(path);
    std::filesystem::remove(other);
  }
}

TEST_CASE("groups, num_groups, chunk and a constant shape are patched at their nodes") {
  for (const char* kind : {"script", "trace"}) {
    CAPTURE(kind);
    ScriptModule module = ScriptModule::load(script_path(std::string("tuple_") + kind + ".pt"));
    Model model = module.lower(3, 32, 48);
    // A whole group of the grouped convolution and of the norm behind it.
    const Ints group = {4, 5, 6, 7};
    drop(model, "trunk.b2.conv2.weight", 0, group);
    drop_norm(model, "trunk.b2.bn2", group);
    drop(model, "trunk.b2.short.0.weight", 0, group);
    drop_norm(model, "trunk.b2.short.1", group);
    for (const char* name : {"mix.weight", "mix.bias", "gn.weight", "gn.bias", "se.2.weight", "se.2.bias"})
      drop(model, name, 0, group);
    drop(model, "se.0.weight", 1, group);
    drop(model, "split.weight", 1, group);
    // Channel 3 of the gate's halves, and of the map flattened behind them.
    for (const char* name : {"split.weight", "split.bias"}) drop(model, name, 0, {3, 15});
    drop(model, "map.weight", 1, {3});
    drop(model, "fc.weight", 1, {12, 13, 14, 15});
    node_of(model, "mix").attributes["groups"] = std::int64_t{3};
    node_of(model, "gn").attributes["num_groups"] = std::int64_t{3};
    node_of(model, "slice_1").attributes["end"] = std::int64_t{11};
    node_of(model, "slice_2").attributes["start"] = std::int64_t{11};
    node_of(model, "slice_2").attributes["end"] = std::int64_t{22};
    std::string flat;
    for (const Node& node : model.graph.nodes)
      if (node.op == Op::reshape && integers(node, "shape") == Ints{-1, 48}) flat = node.id;
    REQUIRE(flat != "");
    node_of(model, flat).attributes["shape"] = Ints{-1, 44};
    const std::vector<ScriptModule::Patch> patches = {{"mix", "groups", {3}},   {"gn", "num_groups", {3}},
                                                      {"slice_1", "end", {11}}, {"slice_2", "start", {11}},
                                                      {"slice_2", "end", {22}}, {flat, "shape", {-1, 44}}};
    const std::string path = scratch("patched.pt");
    module.write_rewritten(path, model.weights, patches);
    check_same(model, path, sine_image(3, 40, 56), {"0", "1"});
    std::filesystem::remove(path);
  }
}

TEST_CASE("what mtl-prune wrote and PyTorch read: the same outputs here, natively and lowered") {
  const Json files = Json::parse(read_file(parity_path("rewritten.json")))["files"];
  CHECK(files.size() == 4);
  for (const auto& [file, answer] : files.items()) {
    CAPTURE(file);
    ScriptModule module = ScriptModule::load(parity_path("rewritten/" + file));
    CHECK(module.parameters() == answer["params"].get<std::int64_t>());
    const at::Tensor image = sine_image(2, answer["size"][0], answer["size"][1]);
    for (const auto& [name, tensor] : module.run(image)) check_answer(tensor, answer["outputs"][name]);
    const Model model = module.lower(3, 32, 48);
    const auto ours = Executor(model).run(image);
    for (std::size_t i = 0; i < ours.size(); ++i) check_answer(ours[i], answer["outputs"][model.graph.outputs[i].name]);
  }
}

TEST_CASE("nothing taken out: the file is copied") {
  ScriptModule module = ScriptModule::load(script_path("named_script.pt"));
  const Model model = module.lower(3, 32, 48);
  const std::string path = scratch("copied.pt");
  module.write_rewritten(path, model.weights, {});
  CHECK(read_file(path) == read_file(script_path("named_script.pt")));
  std::filesystem::remove(path);
}

TEST_CASE("another exported method is refused; a parameter that is computed cannot shrink") {
  ScriptModule module = ScriptModule::load(script_path("exports.pt"));
  Model model = module.lower(3, 16, 16);
  drop(model, "c.weight", 0, {1});
  drop(model, "c.bias", 0, {1});
  CHECK_THROWS_WITH_AS(module.write_rewritten(scratch("no.pt"), model.weights, {}),
                       doctest::Contains("exports the method features beside forward"), Error);
  CHECK_FALSE(std::filesystem::exists(scratch("no.pt")));
}

TEST_CASE("a module generated from a graph: a dictionary of its outputs, parameters under their names") {
  const TaskFile tasks =
      parse_tasks(R"({"tasks":[{"name":"seg","type":"segmentation","classes":4},{"name":"depth","type":"depth"},
                                         {"name":"kind","type":"classification","classes":3}]})",
                  "t.json");
  const std::string path = scratch("generated.pt");
  for (const char* arch : {"rooms-net", "vgg16-mtl-small"}) {
    CAPTURE(arch);
    Model model = build({.arch = arch, .layout = "branch:3"}, tasks, 3);
    write_generated_script(path, model);
    check_same(model, path, sine_image(2, 40, 56), {"seg", "depth", "kind"});
    ScriptModule read = ScriptModule::load(path);
    const Model again = read.lower(3, 64, 64);
    for (const auto& [name, tensor] : model.weights) {
      REQUIRE(again.weights.contains(name));
      CHECK((again.weights.at(name).values == tensor.values));
    }
  }
  // Every operation that the small networks use.
  for (const char* name : {"dict", "tuple", "named", "single", "pool", "ops"}) {
    CAPTURE(name);
    ScriptModule module = ScriptModule::load(script_path(std::string(name) + "_script.pt"));
    const Model model = module.lower(3, 32, 48);
    std::vector<std::string> names;
    for (const Output& output : model.graph.outputs) names.push_back(output.name);
    write_generated_script(path, model);
    check_same(model, path, sine_image(1, 64, 48), names);
  }
  std::filesystem::remove(path);
}

TEST_CASE("a generated module of every operation that no network here has") {
  using Kind = Operand::Kind;
  GraphBuilder graph;
  graph.parameter("s", {3, 1, 1});
  graph.parameter("m.0.w", {8, 5});
  for (auto& [name, tensor] : graph.model().weights) std::iota(tensor.values.begin(), tensor.values.end(), -1.0F);
  const auto unary = [&](Op op, int x, std::map<std::string, Attribute> attributes = {}) {
    return graph.add("n" + std::to_string(graph.model().graph.nodes.size()), op, std::vector<int>{x}, std::move(attributes));
  };
  const auto join = [&](Op op, Operand a, Operand b, std::map<std::string, Attribute> attributes = {}) {
    return graph.add("n" + std::to_string(graph.model().graph.nodes.size()), op, std::vector<Operand>{a, b},
                     std::move(attributes));
  };
  const auto node = [](int n) { return Operand{Kind::node, n, "", 0}; };
  const auto number = [](double v) { return Operand{Kind::number, 0, "", v}; };
  int x = unary(Op::sigmoid, 0);
  x = join(Op::sub, number(2), node(x), {{"alpha", 0.5}});
  x = join(Op::div, number(3), node(x));
  x = join(Op::mul, Operand{Kind::parameter, 0, "s", 0}, node(x));
  x = join(Op::max, node(x), number(0.25));
  x = join(Op::min, node(x), number(1.5));
  x = join(Op::add, number(0.5), node(x), {{"alpha", 2.0}});
  x = unary(Op::softplus, unary(Op::hardtanh, unary(Op::log, unary(Op::sqrt, unary(Op::exp, x)))), {{"beta", 2.0}});
  x = unary(Op::gelu, unary(Op::neg, unary(Op::hardsigmoid, x)), {{"approximate", std::string("tanh")}});
  x = unary(Op::avg_pool2d, x,
            {{"kernel_size", Ints{2, 3}}, {"stride", Ints{1, 1}}, {"padding", Ints{1, 0}}, {"count_include_pad", false}});
  x = unary(Op::upsample, x, {{"mode", std::string("bilinear")}, {"size", Ints{10, 8}}, {"align_corners", true}});
  const int pooled = unary(Op::adaptive_max_pool2d, x, {{"output_size", Ints{4, 8}}});
  const int product = join(Op::matmul, node(pooled), Operand{Kind::parameter, 0, "m.0.w", 0});
  int flat = unary(Op::squeeze, unary(Op::unsqueeze, product, {{"dim", std::int64_t{1}}}), {{"dim", std::int64_t{1}}});
  flat = unary(Op::log_softmax, unary(Op::permute, flat, {{"dims", Ints{0, 2, 3, 1}}}), {{"dim", std::int64_t{-1}}});
  flat = unary(Op::sum, unary(Op::reshape, flat, {{"shape", Ints{0, -1, 3}}}), {{"dim", Ints{1}}, {"keepdim", true}});
  graph.output("sum", flat);
  graph.output("mean", unary(Op::mean, x));
  graph.output("best", unary(Op::argmax, x, {{"dim", std::int64_t{1}}}));
  graph.output("padded", unary(Op::pad, x, {{"pad", Ints{1, 2}}, {"value", 0.5}}));
  const Model model = graph.finish();
  const std::string path = scratch("every.pt");
  write_generated_script(path, model);
  check_same(model, path, sine_image(2, 9, 9), {"sum", "mean", "best", "padded"});
  std::filesystem::remove(path);
}
