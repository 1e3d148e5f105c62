#include "mtl/torch/tensor_file.h"

#include <cstring>

#include "base/error.h"
#include "data/safetensors.h"

namespace tenfold::mtl {

std::string tensor_file(const std::map<std::string, at::Tensor>& tensors) {
  std::vector<at::Tensor> held;
  std::vector<data::TensorSource> sources;
  for (const auto& [name, tensor] : tensors) {
    const at::Tensor& flat = held.emplace_back(tensor.detach().contiguous());
    const data::DType dtype = flat.scalar_type() == at::kFloat    ? data::DType::f32
                              : flat.scalar_type() == at::kDouble ? data::DType::f64
                                                                  : data::DType::i64;
    sources.push_back({name, dtype, flat.sizes().vec(), {static_cast<const std::byte*>(flat.const_data_ptr()), flat.nbytes()}});
  }
  return data::safetensors_bytes(sources);
}

std::map<std::string, at::Tensor> read_tensor_file(const std::string& bytes, const std::string& file) {
  const data::Safetensors content = data::Safetensors::parse(std::as_bytes(std::span(bytes)), file);
  std::map<std::string, at::Tensor> tensors;
  for (const data::TensorView& view : content.tensors()) {
    if (view.dtype != data::DType::f32 && view.dtype != data::DType::f64 && view.dtype != data::DType::i64)
      input_error(file + ": " + view.name + " is " + std::string(name_of(view.dtype)) + ", which no state holds");
    const at::ScalarType dtype = view.dtype == data::DType::f32   ? at::kFloat
                                 : view.dtype == data::DType::f64 ? at::kDouble
                                                                  : at::kLong;
    at::Tensor tensor = at::empty(view.shape, dtype);
    if (!view.bytes.empty()) std::memcpy(tensor.mutable_data_ptr(), view.bytes.data(), view.bytes.size());
    tensors.emplace(view.name, std::move(tensor));
  }
  return tensors;
}

}  // namespace tenfold::mtl
