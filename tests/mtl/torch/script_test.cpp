// TorchScript files run natively and lowered: PyTorch's own outputs, names, sources, and what is refused.
#include "mtl/torch/script.h"

#include <torch/csrc/jit/runtime/profiling_graph_executor_impl.h>

#include "script_support.h"

#include <filesystem>
#include <thread>

#include "base/error.h"
#include "base/temporary_folder.h"
#include "mtl/shapes.h"
#include "mtl/torch/executor.h"
#include "mtl/torch/losses.h"
#include "mtl/torch/network.h"
#include "mtl/torch/task_outputs.h"

using namespace tenfold;
using namespace tenfold::mtl;
using namespace tenfold::mtl::test;

namespace {

const std::vector<std::string> kGood = {"dict", "tuple", "named", "single", "fixed", "pool", "ops"};

template <class F>
std::string complaint(const F& act) {
  try {
    act();
  } catch (const Error& error) {
    CHECK(error.exit_code() == ExitCode::input);
    return error.message();
  }
  return "";
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

const Node& node_with(const Model& model, Op op, int which = 0) {
  for (const Node& node : model.graph.nodes)
    if (node.op == op && which-- == 0) return node;
  throw std::runtime_error("no such node");
}

}  // namespace

TEST_CASE("native running gives PyTorch's outputs under their names") {
  const Json answers = parity_answers();
  for (const std::string& name : kGood) {
    for (const char* kind : {"script", "trace"}) {
      const std::string file = name + "_" + kind + ".pt";
      CAPTURE(file);
      const ScriptModule module = ScriptModule::load(script_path(file));
      const Json& answer = answers[file];
      const auto outputs = module.run(sine_image(2, answer["size"][0], answer["size"][1]));
      REQUIRE(outputs.size() == answer["outputs"].size());
      for (const auto& [output, tensor] : outputs) {
        REQUIRE(answer["outputs"].contains(output));
        check_answer(tensor, answer["outputs"][output]);
      }
    }
  }
}

TEST_CASE("the lowered graph is the same function at this size and another, shapes and all") {
  const Json answers = parity_answers();
  for (const std::string& name : kGood) {
    for (const char* kind : {"script", "trace"}) {
      const std::string file = name + "_" + kind + ".pt";
      CAPTURE(file);
      ScriptModule module = ScriptModule::load(script_path(file));
      const Json& answer = answers[file];
      const std::int64_t height = answer["size"][0], width = answer["size"][1];
      const Model model = module.lower(3, height, width);
      const Executor executor(model);
      const auto ours = executor.run(sine_image(2, height, width));
      for (std::size_t i = 0; i < ours.size(); ++i) {
        REQUIRE(answer["outputs"].contains(model.graph.outputs[i].name));
        check_answer(ours[i], answer["outputs"][model.graph.outputs[i].name]);
      }
      // A size that lowering did not see, and one image alone.
      const at::Tensor other = name == "fixed" ? sine_image(1, height, width) : sine_image(1, height + 16, width + 8);
      const auto native = module.run(other);
      const auto again = executor.run(other);
      const auto shapes = infer_shapes(model, other.sizes().vec());
      for (std::size_t i = 0; i < again.size(); ++i) {
        CHECK(at::allclose(again[i], native[i].second, 1e-5, 1e-6));
        CHECK(again[i].sizes().vec() == shapes[static_cast<std::size_t>(model.graph.outputs[i].node)]);
      }
    }
  }
}

TEST_CASE("a traced and a scripted module lower to the same graph") {
  for (const std::string& name : kGood) {
    CAPTURE(name);
    const std::int64_t width = name == "fixed" ? 32 : 48;
    ScriptModule scripted = ScriptModule::load(script_path(name + "_script.pt"));
    ScriptModule traced = ScriptModule::load(script_path(name + "_trace.pt"));
    Model a = scripted.lower(3, 32, width), b = traced.lower(3, 32, width);
    CHECK(weights_sha256(a.weights) == weights_sha256(b.weights));
    std::vector<Op> ops_a, ops_b;
    for (const Node& node : a.graph.nodes) ops_a.push_back(node.op);
    for (const Node& node : b.graph.nodes) ops_b.push_back(node.op);
    CHECK((ops_a == ops_b));
  }
}

TEST_CASE("nodes keep parameter names and the user's source lines; sizes of the image stay sizes") {
  ScriptModule module = ScriptModule::load(script_path("dict_script.pt"));
  const Model model = module.lower(3, 32, 48);
  CHECK(model.weights.contains("trunk.b1.conv1.weight"));
  CHECK(model.graph.find("trunk.b1.conv1") > 0);
  const Node& conv = model.graph.nodes[static_cast<std::size_t>(model.graph.find("trunk.b1.conv1"))];
  CHECK(conv.source.starts_with("torchscript_nets.py:"));
  CHECK(text(node_with(model, Op::upsample), "size_of") == "image");
  CHECK(real(node_with(model, Op::upsample, 2), "scale") == 4.0);
  CHECK(integer(node_with(model, Op::l2_normalize), "dim") == 1);
  CHECK(model.graph.outputs[0].name == "seg");
  CHECK(model.graph.outputs[2].name == "normal");
  CHECK(module.parameters() == cost(model, 32, 48).params);

  ScriptModule tuple = ScriptModule::load(script_path("tuple_trace.pt"));
  const Model lowered = tuple.lower(3, 32, 48);
  CHECK(integers(node_with(lowered, Op::reshape, 1), "shape") == std::vector<std::int64_t>{0, -1, 1, 1});
  CHECK(lowered.graph.outputs[1].name == "1");
  ScriptModule named = ScriptModule::load(script_path("named_script.pt"));
  CHECK(named.lower(3, 32, 48).graph.outputs[1].name == "edge");
  ScriptModule pool = ScriptModule::load(script_path("pool_script.pt"));
  CHECK(integers(node_with(pool.lower(3, 32, 48), Op::adaptive_avg_pool2d), "output_size") == std::vector<std::int64_t>{1, 1});
}

TEST_CASE("native running repeats bit for bit, from several threads too, and is differentiable in the image") {
  const ScriptModule module = ScriptModule::load(script_path("single_script.pt"));
  const at::Tensor image = sine_image(1, 32, 48);
  const auto gradient = [&] {
    at::Tensor x = image.clone().requires_grad_(true);
    at::Tensor total;
    for (const auto& [name, tensor] : module.run(x))
      total = total.defined() ? total + tensor.square().sum() : tensor.square().sum();
    return torch::autograd::grad({total}, {x})[0];
  };
  const at::Tensor first = gradient();
  for (int i = 0; i < 4; ++i) CHECK(at::equal(gradient(), first));
  std::vector<at::Tensor> from_threads(4);
  std::vector<std::thread> threads;
  for (at::Tensor& result : from_threads) threads.emplace_back([&result, &gradient] { result = gradient(); });
  for (std::thread& thread : threads) thread.join();
  for (const at::Tensor& result : from_threads) CHECK(at::equal(result, first));
  CHECK(first.abs().max().item<double>() > 0);
  // Where the executor profiles, large networks differ from their second run on.
  CHECK_FALSE(torch::jit::getProfilingMode());
}

TEST_CASE("files that are no TorchScript, or cannot be run, say what they are") {
  const auto load = [](const std::string& name) { return complaint([&] { ScriptModule::load(script_path(name)); }); };
  CHECK(contains(load("none.pt"), "none.pt: no such file"));
  CHECK(contains(load("bad_state_dict.pt"), "a pickled state_dict"));
  CHECK(contains(load("bad_state_dict.pt"), "safetensors"));
  CHECK(contains(load("bad_truncated.pt"), "truncated or damaged"));
  CHECK(contains(load("bad_exported.pt2"), ".pt2"));
  CHECK(contains(load("bad_custom.pt"), "tenfold_example::twice: a custom operation"));
  CHECK(contains(load("bad_quantised.pt"), "quantised weights"));
  CHECK(contains(load("bad_train_norm.pt"), "aten::batch_norm (torchscript_nets.py:"));
  CHECK(contains(load("bad_train_norm.pt"), "traced with train-mode batch statistics; trace again in eval mode"));
  const std::string text = (std::filesystem::temp_directory_path() / "tenfold-no-script.pt").string();
  write_file_atomic(text, "hello");
  CHECK(contains(complaint([&] { ScriptModule::load(text); }), "no TorchScript file"));
  std::filesystem::remove(text);
}

TEST_CASE("a file cut anywhere is refused, never more") {
  const std::string whole = read_file(script_path("fixed_script.pt"));
  const std::string path = (std::filesystem::temp_directory_path() / "tenfold-cut.pt").string();
  for (std::size_t length = 0; length < whole.size(); length += 997) {
    write_file_atomic(path, std::string_view(whole).substr(0, length));
    CAPTURE(length);
    CHECK(complaint([&] { ScriptModule::load(path); }) != "");
  }
  std::filesystem::remove(path);
}

TEST_CASE("what cannot be lowered is named with operation and line, and still runs natively") {
  const Json sources = parity_answers()["sources"];
  const auto lower = [](const std::string& name) {
    return complaint([&] {
      ScriptModule module = ScriptModule::load(script_path(name));
      CHECK(module.run(sine_image(1, 16, 16)).size() == 1);
      module.lower(3, 16, 16);
    });
  };
  CHECK(contains(lower("bad_data_flow.pt"), "control flow or arithmetic on data"));
  CHECK(contains(lower("bad_data_flow.pt"), sources["data_flow"].get<std::string>()));
  CHECK(contains(lower("bad_unknown_op.pt"),
                 "operation aten::cumsum (" + sources["unknown_op"].get<std::string>() + ") has no counterpart"));
  CHECK(contains(lower("bad_view_write.pt"),
                 "a view is read after aten::relu_ (" + sources["view_write"].get<std::string>() + ")"));
  CHECK(contains(lower("bad_size_flip.pt"), "a condition on the image's size takes another way"));
  ScriptModule module = ScriptModule::load(script_path("fixed_script.pt"));
  CHECK(contains(complaint([&] { module.lower(3, 48, 32); }), "does not run on an image of [2, 3, 48, 32]"));
}

TEST_CASE("a task of one channel may have its output without that dimension, natively and lowered") {
  const TemporaryFolder folder;
  torch::jit::Module module("Flat");
  module.define("def forward(self, x):\n  return x.mean([1, 2, 3]), x.mean(1), x.mean([2, 3])\n");
  const std::filesystem::path path = folder.path() / "flat.pt";
  module.save(path.string());
  const auto tasks = [&](const std::string& text) {
    write_file_atomic(folder.path() / "tasks.json",
                      R"({"input": {"mean": [0, 0, 0], "std": [1, 1, 1]}, "tasks": [)" + text + "]}");
    return (folder.path() / "tasks.json").string();
  };
  const std::string flat = R"({"name": "age", "output": "0", "type": "regression"},
                              {"name": "depth", "output": "1", "type": "depth"})";
  for (const bool lower : {false, true}) {
    const auto network = load_network({path, tasks(flat)}, lower, 4, 6);
    for (const std::int64_t images : {1, 3}) {
      const at::Tensor x = at::rand({images, 3, 4, 6});
      const std::vector<at::Tensor> outputs = network->outputs(x);
      CHECK(outputs[0].sizes().vec() == std::vector<std::int64_t>{images, 1});
      CHECK(outputs[1].sizes().vec() == std::vector<std::int64_t>{images, 1, 4, 6});
      CHECK((outputs[0].squeeze(1) - x.mean({1, 2, 3})).abs().max().item<double>() < 1e-6);
      // The same loss from what the graph itself gives.
      const LabelBatch labels{at::ones({images, 1}), at::ones({images, 1}, at::kBool)};
      const at::Tensor own = per_image_loss(outputs[0], labels, network->tasks()[0]).loss;
      CHECK(at::equal(own, per_image_loss(outputs[0].squeeze(1), labels, network->tasks()[0]).loss));
      CHECK(own.sizes().vec() == std::vector<std::int64_t>{images});
    }
    // Three numbers are not one, and one is not two.
    const std::string three = R"({"name": "age", "output": "2", "type": "regression"})";
    CHECK(contains(complaint([&] { load_network({path, tasks(three)}, lower, 4, 6); }), "expected [N, 1]"));
    CHECK(contains(
        complaint([&] { load_network({path, tasks(R"({"name": "n", "output": "1", "type": "normal"})")}, lower, 4, 6); }),
        "expected [N, 3, h, w]"));
  }
  // squeeze() of a single image.
  const Task age{.name = "age",
                 .output = "0",
                 .type = TaskType::regression,
                 .channels = 1,
                 .loss = LossType::mse,
                 .ignore = {},
                 .class_weights = {}};
  CHECK(with_channels(at::ones({}), age, 1).sizes().vec() == std::vector<std::int64_t>{1, 1});
  CHECK(with_channels(at::ones({}), age, 2).dim() == 0);
}
