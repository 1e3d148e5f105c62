// Every operation gives what PyTorch's functional interface gives, in value and gradient; gates, taps, train mode.
#include "doctest_torch.h"

#include "base/error.h"
#include "mtl/op_table.h"
#include "mtl/torch/executor.h"
#include "mtl/torch/hand_net.h"

namespace tenfold::mtl {
namespace {

namespace F = torch::nn::functional;
using at::Tensor;
using Named = std::map<std::string, Tensor>;

struct OpCase {
  std::string node;  // after {"id":"y",
  std::map<std::string, Shape> shapes;
  std::function<Tensor(const Tensor& x, const Tensor& h, const Named& w)> expected;  // h = x's sigmoid, a second operand
  Shape image = {2, 4, 6, 5};
};

// x's running statistics are not trained.
std::vector<OpCase> convolution_cases() {
  return {
      {R"("op":"conv2d","in":["x"],"param":{"weight":"w","bias":"b"},"attr":{"stride":[2,1],"padding":[1,2],"dilation":[1,2]})",
       {{"w", {3, 4, 3, 3}}, {"b", {3}}},
       [](auto& x, auto&, auto& w) {
         return F::conv2d(x, w.at("w"), F::Conv2dFuncOptions().bias(w.at("b")).stride({2, 1}).padding({1, 2}).dilation({1, 2}));
       }},
      {R"("op":"conv2d","in":["x"],"param":{"weight":"w"},"attr":{"groups":2})",
       {{"w", {6, 2, 1, 1}}},
       [](auto& x, auto&, auto& w) { return F::conv2d(x, w.at("w"), F::Conv2dFuncOptions().groups(2)); }},
      {R"("op":"conv_transpose2d","in":["x"],"param":{"weight":"w","bias":"b"},"attr":{"stride":[2,3],"padding":[1,0],"output_padding":[1,2],"groups":2,"dilation":[1,2]})",
       {{"w", {4, 3, 3, 2}}, {"b", {6}}},
       [](auto& x, auto&, auto& w) {
         return F::conv_transpose2d(x, w.at("w"),
                                    F::ConvTranspose2dFuncOptions()
                                        .bias(w.at("b"))
                                        .stride({2, 3})
                                        .padding({1, 0})
                                        .output_padding({1, 2})
                                        .groups(2)
                                        .dilation({1, 2}));
       }},
      {R"("op":"linear","in":["x"],"param":{"weight":"w","bias":"b"})",
       {{"w", {3, 5}}, {"b", {3}}},
       [](auto& x, auto&, auto& w) { return F::linear(x, w.at("w"), w.at("b")); }},
      {R"("op":"batch_norm","in":["x"],"param":{"weight":"w","bias":"b","running_mean":"mean","running_var":"var"},"attr":{"eps":0.01})",
       {{"w", {4}}, {"b", {4}}, {"mean", {4}}, {"var", {4}}},
       [](auto& x, auto&, auto& w) {
         return F::batch_norm(x, w.at("mean"), w.at("var"),
                              F::BatchNormFuncOptions().weight(w.at("w")).bias(w.at("b")).eps(0.01));
       }},
      {R"("op":"instance_norm","in":["x"],"param":{"weight":"w","bias":"b"},"attr":{"eps":0.02})",
       {{"w", {4}}, {"b", {4}}},
       [](auto& x, auto&, auto& w) {
         return F::instance_norm(x, F::InstanceNormFuncOptions().weight(w.at("w")).bias(w.at("b")).eps(0.02));
       }},
      {R"("op":"group_norm","in":["x"],"param":{"weight":"w","bias":"b"},"attr":{"num_groups":2,"eps":0.03})",
       {{"w", {4}}, {"b", {4}}},
       [](auto& x, auto&, auto& w) {
         return F::group_norm(x, F::GroupNormFuncOptions(2).weight(w.at("w")).bias(w.at("b")).eps(0.03));
       }},
      {R"("op":"layer_norm","in":["x"],"param":{"weight":"w","bias":"b"},"attr":{"normalized_shape":[5],"eps":0.04})",
       {{"w", {5}}, {"b", {5}}},
       [](auto& x, auto&, auto& w) {
         return F::layer_norm(x, F::LayerNormFuncOptions({5}).weight(w.at("w")).bias(w.at("b")).eps(0.04));
       }},
  };
}

std::vector<OpCase> activation_cases() {
  const auto unary = [](const std::string& op, std::function<Tensor(const Tensor&)> f, const std::string& attributes = "") {
    return OpCase{R"("op":")" + op + R"(","in":["x"])" + (attributes.empty() ? "" : ",\"attr\":{" + attributes + "}"),
                  {},
                  [f](auto& x, auto&, auto&) { return f(x); }};
  };
  std::vector<OpCase> cases = {
      unary("relu", [](auto& x) { return F::relu(x); }),
      unary("relu6", [](auto& x) { return F::relu6(x); }),
      unary(
          "leaky_relu", [](auto& x) { return F::leaky_relu(x, F::LeakyReLUFuncOptions().negative_slope(0.3)); },
          R"("negative_slope":0.3)"),
      unary("silu", [](auto& x) { return F::silu(x); }),
      unary("gelu", [](auto& x) { return F::gelu(x); }),
      unary(
          "gelu", [](auto& x) { return F::gelu(x, F::GELUFuncOptions().approximate("tanh")); }, R"("approximate":"tanh")"),
      unary("hardswish", [](auto& x) { return x * F::relu6(x + 3) / 6; }),
      unary("hardsigmoid", [](auto& x) { return F::relu6(x + 3) / 6; }),
      unary(
          "hardtanh", [](auto& x) { return F::hardtanh(x, F::HardtanhFuncOptions().min_val(-0.3).max_val(0.4)); },
          R"("min_val":-0.3,"max_val":0.4)"),
      unary("sigmoid", [](auto& x) { return 1 / (1 + (-x).exp()); }),
      unary("tanh", [](auto& x) { return x.tanh(); }),
      unary(
          "softplus", [](auto& x) { return F::softplus(x, F::SoftplusFuncOptions().beta(2).threshold(1)); },
          R"("beta":2,"threshold":1)"),
      unary("exp", [](auto& x) { return x.exp(); }),
      unary("abs", [](auto& x) { return x.abs(); }),
      unary("neg", [](auto& x) { return -x; }),
      unary(
          "clamp", [](auto& x) { return x.clamp(-0.5, 0.2); }, R"("min":-0.5,"max":0.2)"),
      unary(
          "clamp", [](auto& x) { return x.clamp_max(0.2); }, R"("max":0.2)"),
      unary(
          "dropout", [](auto& x) { return x; }, R"("p":0.5)"),
      unary("identity", [](auto& x) { return x; }),
  };
  cases.push_back({R"("op":"prelu","in":["x"],"param":{"weight":"w"})", {{"w", {4}}}, [](auto& x, auto&, auto& w) {
                     return F::prelu(x, w.at("w"));
                   }});
  cases.push_back({R"("op":"log","in":["h"])", {}, [](auto&, auto& h, auto&) { return h.log(); }});
  cases.push_back({R"("op":"sqrt","in":["h"])", {}, [](auto&, auto& h, auto&) { return h.sqrt(); }});
  return cases;
}

std::vector<OpCase> operand_cases() {
  return {
      {R"("op":"add","in":["x","h"],"attr":{"alpha":2})", {}, [](auto& x, auto& h, auto&) { return x + 2 * h; }},
      {R"("op":"sub","in":["x",{"param":"w"}])", {{"w", {4, 1, 1}}}, [](auto& x, auto&, auto& w) { return x - w.at("w"); }},
      {R"("op":"sub","in":[1,"x"])", {}, [](auto& x, auto&, auto&) { return 1 - x; }},
      {R"("op":"mul","in":[{"param":"w"},"x"])", {{"w", {4, 1, 1}}}, [](auto& x, auto&, auto& w) { return w.at("w") * x; }},
      {R"("op":"div","in":["x","h"])", {}, [](auto& x, auto& h, auto&) { return x / h; }},
      {R"("op":"div","in":["x",4])", {}, [](auto& x, auto&, auto&) { return x * 0.25; }},
      {R"("op":"max","in":["x","h"])", {}, [](auto& x, auto& h, auto&) { return at::where(x > h, x, h); }},
      {R"("op":"min","in":["x","h"])", {}, [](auto& x, auto& h, auto&) { return at::where(x < h, x, h); }},
      {R"("op":"matmul","in":["x","p"]},{"id":"z","op":"identity","in":["y"])",
       {},
       [](auto& x, auto& h, auto&) { return x.matmul(h.permute({0, 1, 3, 2})); }},
      {R"("op":"cat","in":["x","h","x"],"attr":{"dim":1})", {}, [](auto& x, auto& h, auto&) { return at::cat({x, h, x}, 1); }},
      {R"("op":"slice","in":["x"],"attr":{"dim":1,"start":1,"end":4,"step":2})",
       {},
       [](auto& x, auto&, auto&) { return at::stack({x.select(1, 1), x.select(1, 3)}, 1); }},
  };
}

std::vector<OpCase> spatial_cases() {
  return {
      {R"("op":"max_pool2d","in":["x"],"attr":{"kernel_size":[3,2],"stride":[2,1],"padding":[1,0],"dilation":[1,2],"ceil_mode":true})",
       {},
       [](auto& x, auto&, auto&) {
         return F::max_pool2d(x, F::MaxPool2dFuncOptions({3, 2}).stride({2, 1}).padding({1, 0}).dilation({1, 2}).ceil_mode(true));
       }},
      {R"("op":"avg_pool2d","in":["x"],"attr":{"kernel_size":[3,2],"stride":[2,1],"padding":[1,0],"ceil_mode":true,"count_include_pad":false})",
       {},
       [](auto& x, auto&, auto&) {
         return F::avg_pool2d(
             x, F::AvgPool2dFuncOptions({3, 2}).stride({2, 1}).padding({1, 0}).ceil_mode(true).count_include_pad(false));
       }},
      {R"("op":"adaptive_avg_pool2d","in":["x"],"attr":{"output_size":[2,3]})",
       {},
       [](auto& x, auto&, auto&) { return F::adaptive_avg_pool2d(x, F::AdaptiveAvgPool2dFuncOptions({2, 3})); }},
      {R"("op":"adaptive_max_pool2d","in":["x"],"attr":{"output_size":[2,3]})",
       {},
       [](auto& x, auto&, auto&) { return F::adaptive_max_pool2d(x, F::AdaptiveMaxPool2dFuncOptions({2, 3})); }},
      {R"("op":"upsample","in":["x"],"attr":{"mode":"bilinear","size":[9,7]})",
       {},
       [](auto& x, auto&, auto&) {
         return F::interpolate(
             x, F::InterpolateFuncOptions().size(std::vector<std::int64_t>{9, 7}).mode(torch::kBilinear).align_corners(false));
       }},
      {R"("op":"upsample","in":["x"],"attr":{"mode":"bilinear","scale":2,"align_corners":true})",
       {},
       [](auto& x, auto&, auto&) {
         return F::interpolate(
             x, F::InterpolateFuncOptions().scale_factor(std::vector<double>{2, 2}).mode(torch::kBilinear).align_corners(true));
       }},
      {R"("op":"avg_pool2d","in":["x"],"attr":{"kernel_size":2}},{"id":"z","op":"upsample","in":["y"],"attr":{"size_of":"x"})",
       {},
       [](auto& x, auto&, auto&) {
         return F::interpolate(F::avg_pool2d(x, F::AvgPool2dFuncOptions(2)),
                               F::InterpolateFuncOptions().size(std::vector<std::int64_t>{6, 5}).mode(torch::kNearest));
       }},
      {R"("op":"pad","in":["x"],"attr":{"pad":[1,2,0,3],"value":0.7})",
       {},
       [](auto& x, auto&, auto&) { return F::pad(x, F::PadFuncOptions({1, 2, 0, 3}).value(0.7)); }},
      {R"("op":"pad","in":["x"],"attr":{"pad":[1,2,0,3],"mode":"reflect"})",
       {},
       [](auto& x, auto&, auto&) { return F::pad(x, F::PadFuncOptions({1, 2, 0, 3}).mode(torch::kReflect)); }},
      {R"("op":"pixel_shuffle","in":["x"],"attr":{"upscale_factor":2})",
       {},
       [](auto& x, auto&, auto&) { return F::pixel_shuffle(x, F::PixelShuffleFuncOptions(2)); }},
  };
}

std::vector<OpCase> shape_cases() {
  return {
      {R"("op":"flatten","in":["x"],"attr":{"start_dim":1,"end_dim":2})",
       {},
       [](auto& x, auto&, auto&) { return x.view({2, 24, 5}); }},
      {R"("op":"reshape","in":["x"],"attr":{"shape":[0,2,-1]})", {}, [](auto& x, auto&, auto&) { return x.view({2, 2, 60}); }},
      {R"("op":"permute","in":["x"],"attr":{"dims":[0,2,3,1]})",
       {},
       [](auto& x, auto&, auto&) { return x.transpose(1, 2).transpose(2, 3); }},
      {R"("op":"unsqueeze","in":["x"],"attr":{"dim":2}},{"id":"z","op":"squeeze","in":["y"],"attr":{"dim":2})",
       {},
       [](auto& x, auto&, auto&) { return x; }},
      {R"("op":"softmax","in":["x"],"attr":{"dim":1})", {}, [](auto& x, auto&, auto&) { return x.exp() / x.exp().sum(1, true); }},
      {R"("op":"log_softmax","in":["x"],"attr":{"dim":3})",
       {},
       [](auto& x, auto&, auto&) { return x - x.exp().sum(3, true).log(); }},
      {R"("op":"mean","in":["x"],"attr":{"dim":[2,3],"keepdim":true})",
       {},
       [](auto& x, auto&, auto&) { return x.sum(3, true).sum(2, true) / 30; }},
      {R"("op":"sum","in":["x"],"attr":{"dim":[1]})", {}, [](auto& x, auto&, auto&) { return x.sum(1); }},
      {R"("op":"l2_normalize","in":["x"],"attr":{"dim":1})",
       {},
       [](auto& x, auto&, auto&) { return F::normalize(x, F::NormalizeFuncOptions().dim(1)); }},
  };
}

void check(const OpCase& c) {
  INFO(c.node);
  const std::string nodes = R"({"id":"x","op":"identity","in":["image"]},{"id":"h","op":"sigmoid","in":["x"]},)"
                            R"({"id":"p","op":"permute","in":["h"],"attr":{"dims":[0,1,3,2]}},{"id":"y",)" +
                            c.node + "}";
  const std::string last = c.node.find("\"id\":\"z\"") == std::string::npos ? "y" : "z";
  const Model model = hand_net(nodes, "\"out\":\"" + last + "\"", drawn(c.shapes));
  Executor executor(model, at::kDouble);
  executor.require_grad(true);
  torch::manual_seed(3);
  const Tensor image = (at::randn(c.image, at::kDouble)).requires_grad_(true);
  const Tensor out = executor.run(image)[0];
  const Tensor expected = c.expected(image, image.sigmoid(), executor.weights());
  REQUIRE(out.sizes() == expected.sizes());
  CHECK((out - expected).abs().max().item<double>() < 1e-12);

  std::vector<Tensor> inputs{image};
  for (const std::string& name : executor.parameter_names()) inputs.push_back(executor.weights().at(name));
  const Tensor direction = at::randn(out.sizes(), at::kDouble);
  const auto ours = torch::autograd::grad({out}, inputs, {direction}, true, false, true);
  const auto theirs = torch::autograd::grad({expected}, inputs, {direction}, true, false, true);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    REQUIRE(ours[i].defined() == theirs[i].defined());
    // ATen's own gradient of hardsigmoid has a float32 constant in it.
    const double tolerance = c.node.find("hardsigmoid") == std::string::npos ? 1e-11 : 1e-7;
    if (ours[i].defined()) CHECK((ours[i] - theirs[i]).abs().max().item<double>() < tolerance);
  }
}

TEST_CASE("every operation is PyTorch's, in value and gradient") {
  for (const auto& cases : {convolution_cases(), activation_cases(), operand_cases(), spatial_cases(), shape_cases()})
    for (const OpCase& c : cases) check(c);
}

TEST_CASE("argmax counts along its dimension") {
  Executor executor(hand_net(R"({"id":"y","op":"argmax","in":["image"],"attr":{"dim":1}})", R"("out":"y")"));
  const Tensor image = at::tensor({0.f, 1.f, 3.f, 2.f}).view({1, 2, 1, 2});  // channel 0: 0 1, channel 1: 3 2
  CHECK(at::equal(executor.run(image)[0].flatten(), at::tensor({1, 1}, at::kLong)));
}

const char* const kTwoConvs = R"({"id":"a","op":"conv2d","in":["image"],"param":{"weight":"wa"}},
  {"id":"n","op":"batch_norm","in":["a"],"param":{"running_mean":"mean","running_var":"var"}},
  {"id":"r","op":"relu","in":["n"]},{"id":"b","op":"conv2d","in":["r"],"param":{"weight":"wb"}})";
const std::map<std::string, Shape> kTwoConvShapes = {{"wa", {3, 2, 1, 1}}, {"wb", {2, 3, 1, 1}}, {"mean", {3}}, {"var", {3}}};

TEST_CASE("a gate scales what its consumer reads and nothing else") {
  const Model model = hand_net(kTwoConvs, R"("out":"b","before":"r")", drawn(kTwoConvShapes));
  Executor executor(model, at::kDouble);
  const Tensor image = at::randn({2, 2, 3, 3}, at::kDouble), gate = at::tensor({1., 0., 0.5}, at::kDouble);
  RunHooks hooks;
  hooks.read_scale[model.graph.find("b")] = gate;
  const std::vector<Tensor> gated = executor.run(image, hooks), plain = executor.run(image);
  CHECK(at::equal(gated[1], plain[1]));
  const Tensor weight = executor.weights().at("wb") * gate.view({1, 3, 1, 1});
  CHECK(at::allclose(gated[0], at::conv2d(plain[1], weight), 1e-13, 1e-13));
}

TEST_CASE("a tap sees each node once, in order") {
  const Model model = hand_net(kTwoConvs, R"("out":"b")", drawn(kTwoConvShapes));
  std::vector<int> seen;
  RunHooks hooks;
  hooks.tap = [&](int node, const Tensor& result) {
    seen.push_back(node);
    CHECK(result.size(0) == 2);
  };
  (void)Executor(model).run(at::randn({2, 2, 3, 3}), hooks);
  CHECK(seen == std::vector<int>{0, 1, 2, 3, 4});
}

TEST_CASE("train mode: the batch's statistics, and running means that follow them") {
  const Model model = hand_net(kTwoConvs, R"("out":"n","a":"a")", drawn(kTwoConvShapes));
  Executor executor(model, at::kDouble);
  const Tensor image = at::randn({4, 2, 3, 3}, at::kDouble), before = executor.weights().at("mean").clone();
  RunHooks hooks;
  hooks.train = true;
  const std::vector<Tensor> out = executor.run(image, hooks);
  CHECK(out[0].mean({0, 2, 3}).abs().max().item<double>() < 1e-12);
  const Tensor follow = 0.9 * before + 0.1 * out[1].mean({0, 2, 3});
  CHECK(at::allclose(executor.weights().at("mean"), follow, 1e-12, 1e-12));
}

TEST_CASE("what dropout drops follows from the seed and the node") {
  const Model model = hand_net(R"({"id":"a","op":"dropout","in":["image"],"attr":{"p":0.25}},
    {"id":"b","op":"dropout","in":["image"],"attr":{"p":0.25}})",
                               R"("a":"a","b":"b")");
  const Executor executor(model);
  const Tensor image = at::ones({1, 1, 100, 100});
  RunHooks hooks;
  hooks.train = true;
  hooks.dropout_seed = 5;
  const std::vector<Tensor> first = executor.run(image, hooks), again = executor.run(image, hooks);
  CHECK(at::equal(first[0], again[0]));
  CHECK_FALSE(at::equal(first[0], first[1]));
  CHECK(first[0].max().item<double>() == doctest::Approx(4.0 / 3));
  CHECK((first[0] > 0).to(at::kDouble).mean().item<double>() == doctest::Approx(0.75).epsilon(0.03));
  CHECK(at::equal(executor.run(image)[0], image));
}

TEST_CASE("float64 runs give what float32 runs give, closer") {
  const Model model = hand_net(kTwoConvs, R"("out":"b")", drawn(kTwoConvShapes));
  const Tensor image = at::randn({2, 2, 3, 3});
  const Tensor narrow = Executor(model).run(image)[0], wide = Executor(model, at::kDouble).run(image)[0];
  CHECK((wide.scalar_type() == at::kDouble));
  CHECK((narrow - wide).abs().max().item<double>() < 1e-5);
}

TEST_CASE("what ATen refuses names the node") {
  const Model model = hand_net(R"({"id":"deep","op":"conv2d","in":["image"],"param":{"weight":"w"},"source":"net.py:7"})",
                               R"("out":"deep")", drawn({{"w", {1, 5, 1, 1}}}));
  try {
    (void)Executor(model).run(at::zeros({1, 2, 4, 4}));
    FAIL("no error");
  } catch (const Error& error) {
    CHECK(error.exit_code() == ExitCode::input);
    CHECK(std::string(error.what()).starts_with("node deep (net.py:7): "));
    CHECK(std::string(error.what()).find('\n') == std::string::npos);
  }
}

}  // namespace
}  // namespace tenfold::mtl
