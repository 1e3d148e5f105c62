#include "mtl/torch/script.h"

#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/csrc/jit/runtime/profiling_graph_executor_impl.h>

#include <cmath>

#include "base/error.h"
#include "base/philox.h"
#include "mtl/shapes.h"
#include "mtl/torch/executor.h"
#include "mtl/torch/script_contents.h"

namespace tenfold::mtl {
namespace {

namespace jit = torch::jit;
using Outputs = std::vector<std::pair<std::string, at::Tensor>>;

void gather_outputs(const c10::IValue& value, const std::string& name, const std::string& file, Outputs& outputs) {
  const auto inner = [&](const std::string& part) { return name.empty() ? part : name + "." + part; };
  if (value.isTensor()) {
    outputs.emplace_back(name.empty() ? "0" : name, value.toTensor());
  } else if (value.isGenericDict()) {
    for (const auto& entry : value.toGenericDict()) {
      if (!entry.key().isString()) input_error(file + ": forward returns a dictionary whose keys are no texts");
      gather_outputs(entry.value(), inner(entry.key().toStringRef()), file, outputs);
    }
  } else if (value.isTuple()) {
    const auto& elements = value.toTupleRef().elements();
    const c10::TypePtr type = value.type();
    for (std::size_t i = 0; i < elements.size(); ++i) gather_outputs(elements[i], inner(element_name(type, i)), file, outputs);
  } else if (value.isList()) {
    const auto elements = value.toListRef();
    for (std::size_t i = 0; i < elements.size(); ++i) gather_outputs(elements[i], inner(std::to_string(i)), file, outputs);
  } else if (!value.isNone()) {
    input_error(file + ": forward returns " + value.tagKind() + " where tensors are expected");
  }
}

// Images of uniform noise in [-1, 1]: whatever convention a model has, about its scale.
at::Tensor noise(std::int64_t batch, std::int64_t channels, std::int64_t height, std::int64_t width, std::uint32_t id) {
  at::Tensor image = at::empty({batch, channels, height, width}, at::kFloat);
  PhiloxStream stream(0, "lowering", id);
  float* values = image.data_ptr<float>();
  for (std::int64_t i = 0; i < image.numel(); ++i) values[i] = static_cast<float>(2 * stream.uniform() - 1);
  return image;
}

void compare(const std::string& file, const Executor& lowered, const Outputs& native, const at::Tensor& image) {
  const std::vector<at::Tensor> ours = lowered.run(image);
  for (std::size_t i = 0; i < ours.size(); ++i) {
    const auto& [name, theirs] = native.at(i);
    const std::string place = file + ": output " + name + ": the lowered graph ";
    if (ours[i].sizes() != theirs.sizes()) input_error(place + "has another shape than the module");
    const double scale = theirs.abs().max().item<double>(), off = (ours[i] - theirs).abs().max().item<double>();
    if (std::isfinite(scale) ? !(off <= 1e-5 * scale) : !at::allclose(ours[i], theirs, 1e-5, 0, /*equal_nan=*/true))
      input_error(place + "differs from the module by " + std::to_string(off) + " of " + std::to_string(scale) +
                  " (in-place operations on views?)");
  }
}

}  // namespace

ScriptModule::ScriptModule(std::unique_ptr<Contents> contents) : contents_(std::move(contents)) {}
ScriptModule::ScriptModule(ScriptModule&&) noexcept = default;
ScriptModule& ScriptModule::operator=(ScriptModule&&) noexcept = default;
ScriptModule::~ScriptModule() = default;

ScriptModule ScriptModule::load(const std::filesystem::path& path) {
  // Without profiling every run takes the same kernels in the same order: outputs and gradients do not depend on how often the
  // module ran before. Has to be said before the first run.
  jit::getProfilingMode() = false;
  auto contents = std::make_unique<Contents>();
  contents->path = path;
  contents->module = load_script(path);
  return ScriptModule(std::move(contents));
}

std::vector<std::pair<std::string, at::Tensor>> ScriptModule::run(const at::Tensor& image) const {
  const std::string file = contents_->path.string();
  c10::IValue result;
  try {
    result = contents_->module.get_method("forward")({image});
  } catch (const std::exception& error) {
    input_error(file + ": does not run on an image of " + c10::str(image.sizes()) + ": " + script_error(error));
  }
  Outputs outputs;
  gather_outputs(result, "", file, outputs);
  if (outputs.empty()) input_error(file + ": forward returns no tensor");
  return outputs;
}

std::string ScriptModule::weights_sha256() const {
  Weights weights;
  const auto add = [&](const std::string& name, const at::Tensor& tensor) {
    if (!tensor.is_floating_point()) return;
    const at::Tensor host = tensor.detach().to(at::kFloat).contiguous();
    weights[name] = {host.sizes().vec(), {host.data_ptr<float>(), host.data_ptr<float>() + host.numel()}};
  };
  for (const auto& parameter : contents_->module.named_parameters()) add(parameter.name, parameter.value);
  for (const auto& buffer : contents_->module.named_buffers()) add(buffer.name, buffer.value);
  return mtl::weights_sha256(weights);
}

std::int64_t ScriptModule::parameters() const {
  std::int64_t count = 0;
  for (const at::Tensor& parameter : contents_->module.parameters()) count += parameter.numel();
  return count;
}

Model ScriptModule::lower(std::int64_t channels, std::int64_t height, std::int64_t width) {
  const std::string file = contents_->path.string();
  const at::NoGradGuard no_gradients;
  const at::Tensor image = noise(2, channels, height, width, 0);
  const Outputs native = run(image);
  // A second size where the module takes one; one of fixed size is asked with another batch alone.
  at::Tensor second = noise(3, channels, height + 32, width + 64, 1);
  Outputs native_second;
  for (const bool fixed : {false, true}) {
    if (fixed) second = noise(3, channels, height, width, 1);
    try {
      native_second = run(second);
      break;
    } catch (const Error&) {
      if (fixed)
        input_error(file + ": runs on a batch of 2 images but not of 3; trace it with the batch left open (x.size(0), -1)");
    }
  }
  try {
    const CanonicalScript canonical = canonicalise(contents_->module);
    LoweredScript lowered = Lowering(canonical, image).run();
    contents_->lowered = reconcile(std::move(lowered), Lowering(canonical, second).run());
  } catch (const Error& error) {
    throw Error(error.exit_code(), file + ": " + error.message());
  } catch (const std::exception& error) {
    input_error(file + ": cannot be lowered: " + script_error(error));
  }
  const Model& model = contents_->lowered.model;
  if (native.size() != model.graph.outputs.size()) input_error(file + ": some outputs do not depend on the image");
  const Executor executor(model);
  compare(file, executor, native, image);
  compare(file, executor, native_second, second);
  return model;
}

}  // namespace tenfold::mtl
