#include "gnnbench/torch/parameters.h"

#include <algorithm>
#include <set>
#include <stdexcept>

#include "base/error.h"
#include "base/sha256.h"
#include "data/safetensors.h"

namespace tenfold::gnnbench {
namespace {

using torch::Tensor;

std::uint64_t fnv1a(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return hash;
}

Tensor initial(const ParameterSpec& spec, const RandomKey& key, torch::Dtype dtype) {
  if (spec.law != InitLaw::uniform)
    return torch::full(spec.shape, spec.law == InitLaw::one ? 1.0 : 0.0, torch::TensorOptions().dtype(dtype));
  const std::uint64_t hash = fnv1a(spec.name);
  Tensor values = torch::empty(spec.shape, torch::kFloat64);
  double* out = values.mutable_data_ptr<double>();
  const std::int64_t n = values.numel();
  for (std::int64_t i = 0; i < n; i += 4) {
    const auto words = key.words(Purpose::init, static_cast<std::uint32_t>(i / 4), 0, static_cast<std::uint32_t>(hash),
                                 static_cast<std::uint32_t>(hash >> 32));
    for (std::int64_t lane = 0; lane < 4 && i + lane < n; ++lane) {
      const double u = (static_cast<double>(words[static_cast<std::size_t>(lane)]) + 0.5) * 0x1p-32;
      // Rounded to float32 in either precision, so that both start from the same weights.
      out[i + lane] = static_cast<double>(static_cast<float>(spec.bound * (2 * u - 1)));
    }
  }
  return values.to(dtype);
}

data::DType stored_type(const Tensor& tensor) {
  switch (tensor.scalar_type()) {
    case torch::kFloat64: return data::DType::f64;
    case torch::kInt64: return data::DType::i64;
    default: return data::DType::f32;
  }
}

std::span<const std::byte> bytes_of(const Tensor& tensor) {
  return {static_cast<const std::byte*>(tensor.const_data_ptr()), static_cast<std::size_t>(tensor.nbytes())};
}

Tensor to_tensor(const data::TensorView& view, const std::string& file) {
  torch::Dtype dtype = torch::kFloat32;
  switch (view.dtype) {
    case data::DType::f32: break;
    case data::DType::f64: dtype = torch::kFloat64; break;
    case data::DType::i64: dtype = torch::kInt64; break;
    default: input_error(file + ": " + view.name + ": dtype " + std::string(data::name_of(view.dtype)) + " where F32 is needed");
  }
  Tensor tensor = torch::empty(view.shape, torch::TensorOptions().dtype(dtype));
  std::copy(view.bytes.begin(), view.bytes.end(), static_cast<std::byte*>(tensor.mutable_data_ptr()));
  return tensor;
}

std::string shape_text(at::IntArrayRef shape) {
  std::string text;
  for (const std::int64_t side : shape) text += (text.empty() ? "" : " x ") + std::to_string(side);
  return text;
}

}  // namespace

Parameters::Parameters(const std::vector<ParameterSpec>& specs, const RandomKey& key, torch::Dtype dtype) {
  for (const ParameterSpec& spec : specs) all_.push_back({spec, initial(spec, key, dtype).requires_grad_(true)});
}

std::vector<Tensor> Parameters::tensors() const {
  std::vector<Tensor> out;
  for (const Parameter& p : all_) out.push_back(p.value);
  return out;
}

bool Parameters::has(std::string_view name) const {
  return std::any_of(all_.begin(), all_.end(), [&](const Parameter& p) { return p.spec.name == name; });
}

const Tensor& Parameters::at(std::string_view name) const {
  for (const Parameter& p : all_)
    if (p.spec.name == name) return p.value;
  throw std::logic_error("no parameter " + std::string(name));
}

std::string tensors_to_safetensors(const std::vector<std::pair<std::string, Tensor>>& tensors) {
  std::vector<Tensor> kept;  // contiguous copies live until the bytes are made
  std::vector<data::TensorSource> sources;
  for (const auto& [name, tensor] : tensors) {
    kept.push_back(tensor.detach().contiguous());
    sources.push_back(
        {.name = name, .dtype = stored_type(tensor), .shape = tensor.sizes().vec(), .bytes = bytes_of(kept.back())});
  }
  return data::safetensors_bytes(sources);
}

std::vector<std::pair<std::string, Tensor>> tensors_from_safetensors(std::string_view bytes, const std::string& file) {
  const data::Safetensors stored = data::Safetensors::parse(std::as_bytes(std::span(bytes.data(), bytes.size())), file);
  std::vector<std::pair<std::string, Tensor>> out;
  for (const data::TensorView& view : stored.tensors()) out.emplace_back(view.name, to_tensor(view, file));
  return out;
}

std::string parameters_to_safetensors(const Parameters& parameters) {
  std::vector<std::pair<std::string, Tensor>> tensors;
  for (const Parameter& p : parameters.all()) tensors.emplace_back(p.spec.name, p.value);
  return tensors_to_safetensors(tensors);
}

void load_parameters(Parameters& parameters, std::string_view bytes, const std::string& file) {
  const torch::NoGradGuard off;
  std::set<std::string> filled;
  for (const auto& [name, tensor] : tensors_from_safetensors(bytes, file)) {
    if (!parameters.has(name)) input_error(file + ": " + name + ": the model has no such parameter");
    Tensor value = parameters.at(name);
    if (value.sizes() != tensor.sizes())
      input_error(file + ": " + name + ": shape " + shape_text(tensor.sizes()) + " where the model has " +
                  shape_text(value.sizes()));
    value.copy_(tensor);
    filled.insert(name);
  }
  for (const Parameter& p : parameters.all())
    if (!filled.contains(p.spec.name)) input_error(file + ": no " + p.spec.name + ", which the model has");
}

std::string weights_digest(const Parameters& parameters) {
  Sha256 hash;
  for (const Parameter& p : parameters.all()) {
    hash.update(p.spec.name + " " + shape_text(p.value.sizes()) + "\n");
    const Tensor value = p.value.detach().to(torch::kFloat32).contiguous();
    hash.update(bytes_of(value));
  }
  return hash.hex();
}

}  // namespace tenfold::gnnbench
