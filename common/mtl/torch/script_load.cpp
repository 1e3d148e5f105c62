// Opening a TorchScript file, and saying what is wrong with one that is none.
#include <caffe2/serialize/inline_container.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "base/error.h"
#include "mtl/torch/script_contents.h"

namespace tenfold::mtl {
namespace {

namespace jit = torch::jit;

enum class Archive { torchscript, pickle, exported, compiled, other, broken };

// By the names of the archive's files alone: nothing is unpickled.
Archive archive_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  char magic[4] = {};
  file.read(magic, 4);
  if (file.gcount() >= 2 && magic[0] == '\x80' && static_cast<unsigned char>(magic[1]) <= 5) return Archive::pickle;
  if (file.gcount() < 4 || std::string_view(magic, 2) != "PK") return Archive::other;
  try {
    caffe2::serialize::PyTorchStreamReader reader(path.string());
    const std::vector<std::string> records = reader.getAllRecords();
    const auto any = [&](auto matches) { return std::ranges::any_of(records, matches); };
    if (any([](const std::string& r) { return r.find("aotinductor") != std::string::npos; })) return Archive::compiled;
    if (any([](const std::string& r) {
          return r == "archive_format" || r.starts_with("models/") || r == "serialized_exported_program.json";
        }))
      return Archive::exported;
    if (any([](const std::string& r) { return r.starts_with("code/"); }) && reader.hasRecord("constants.pkl"))
      return Archive::torchscript;
    return any([](const std::string& r) { return r == "data.pkl"; }) ? Archive::pickle : Archive::other;
  } catch (const std::exception&) {
    return Archive::broken;
  }
}

// Archives of torch.export keep other names at their root, which the reader above may not accept: the text says it too.
bool looks_exported(const std::filesystem::path& path) {
  if (path.extension() == ".pt2") return true;
  std::ifstream file(path, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  return text.find("serialized_exported_program.json") != std::string::npos;
}

void refuse_others(const std::filesystem::path& path) {
  const std::string name = path.string();
  std::error_code status;
  if (!std::filesystem::exists(path, status)) input_error(name + ": no such file");
  if (std::filesystem::is_directory(path, status)) input_error(name + ": is a folder");
  switch (archive_of(path)) {
    case Archive::torchscript: return;
    case Archive::pickle:
      input_error(name +
                  ": a pickled state_dict or module, which is not read; save the module with torch.jit.script or "
                  "torch.jit.trace, or convert the weights to safetensors");
    case Archive::exported:
      input_error(name + ": a program of torch.export (.pt2), which is not read; save it with torch.jit.trace");
    case Archive::compiled:
      input_error(name + ": compiled by AOTInductor, which keeps no gradients; save it with torch.jit.trace");
    case Archive::broken:
      if (looks_exported(path))
        input_error(name + ": a program of torch.export (.pt2), which is not read; save it with torch.jit.trace");
      input_error(name + ": truncated or damaged: the archive cannot be opened");
    case Archive::other: input_error(name + ": no TorchScript file");
  }
}

// "my::op" of LibTorch's "Unknown builtin op: my::op."
std::string unknown_operation(const std::string& message) {
  const std::string mark = "Unknown builtin op: ";
  const std::size_t at = message.find(mark);
  if (at == std::string::npos) return "";
  std::string name = message.substr(at + mark.size());
  name = name.substr(0, name.find_first_of(" \n"));
  while (!name.empty() && name.back() == '.') name.pop_back();
  return name;
}

void check_signature(const std::string& name, const jit::Module& module) {
  const auto method = module.find_method("forward");
  if (!method) input_error(name + ": has no forward method");
  const auto& arguments = method->function().getSchema().arguments();
  if (arguments.size() < 2) input_error(name + ": forward takes no image");
  for (std::size_t i = 2; i < arguments.size(); ++i)
    if (!arguments[i].default_value()) input_error(name + ": forward takes " + arguments[i].name() + " beside the image");
}

class Silent final : public c10::WarningHandler {
 public:
  void process(const c10::Warning& /*warning*/) override {}
};

// What neither runs right nor can be lowered.
void check_operations(const std::string& name, const jit::Module& module) {
  CanonicalScript canonical;
  try {
    canonical = canonicalise(module);
  } catch (const std::exception& error) {
    input_error(name + ": cannot be brought to evaluation mode: " + script_error(error));
  }
  for (const jit::Node* node : all_nodes(*canonical.graph)) {
    const std::string kind = node->kind().toQualString();
    const std::string space = kind.substr(0, kind.find("::"));
    if (space == "quantized" || kind == "aten::quantize_per_tensor" || kind == "aten::dequantize" ||
        kind == "aten::quantize_per_channel")
      input_error(name + ": " + kind + in_source(node) + ": quantised weights; save the network before it was quantised");
    if (space != "aten" && space != "prim") input_error(name + ": " + kind + in_source(node) + ": a custom operation");
    if (kind != "aten::batch_norm") continue;
    const auto training = jit::toIValue(node->input(5));
    if (training && training->isBool() && training->toBool())
      input_error(name + ": aten::batch_norm" + in_source(node) +
                  ": traced with train-mode batch statistics; trace again in eval mode");
  }
}

}  // namespace

std::string script_error(const std::exception& error) {
  std::string text = error.what();
  if (const auto* torch_error = dynamic_cast<const c10::Error*>(&error)) text = torch_error->what_without_backtrace();
  // Errors of the interpreter end in "RuntimeError: what it was about".
  const std::string mark = "RuntimeError: ";
  if (const std::size_t at = text.rfind(mark); at != std::string::npos) text = text.substr(at + mark.size());
  while (!text.empty() && text.front() == '\n') text.erase(0, 1);
  return text.substr(0, text.find('\n'));
}

jit::Module open_script(const std::filesystem::path& path) {
  const std::string name = path.string();
  Silent silent;  // what is wrong is said by the error
  const c10::WarningUtils::WarningHandlerGuard guard(&silent);
  jit::Module module;
  try {
    module = jit::load(name, c10::kCPU);
  } catch (const std::exception& error) {
    const std::string unknown = unknown_operation(error.what());
    if (!unknown.empty()) input_error(name + ": " + unknown + ": a custom operation, or one of another PyTorch");
    if (std::string_view(error.what()).find("torch.classes") != std::string_view::npos)
      input_error(name + ": holds an object of a custom class");
    input_error(name + ": cannot be read as TorchScript: " + script_error(error));
  }
  module.eval();
  for (const at::Tensor& parameter : module.parameters())
    if (parameter.is_floating_point() && parameter.scalar_type() != at::kFloat) module.to(at::kFloat);
  for (at::Tensor parameter : module.parameters()) parameter.requires_grad_(false);
  return module;
}

jit::Module load_script(const std::filesystem::path& path) {
  refuse_others(path);
  jit::Module module = open_script(path);
  const std::string name = path.string();
  check_signature(name, module);
  for (const at::Tensor& parameter : module.parameters())
    if (parameter.is_quantized()) input_error(name + ": quantised weights; save the network before it was quantised");
  check_operations(name, module);
  return module;
}

}  // namespace tenfold::mtl
