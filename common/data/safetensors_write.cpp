// Writing safetensors: the same tensors give the same bytes.
#include <algorithm>
#include <unordered_set>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/files.h"
#include "data/json.h"
#include "data/safetensors.h"

namespace tenfold::data {

namespace {

template <class T>
TensorSource source_of(std::string name, DType dtype, std::vector<std::int64_t> shape, std::span<const T> values) {
  return {std::move(name), dtype, std::move(shape), std::as_bytes(values)};
}

void check(const TensorSource& tensor) {
  std::uint64_t size = size_of(tensor.dtype);
  bool fits = true;
  for (const std::int64_t extent : tensor.shape) {
    fits = fits && extent >= 0 && !__builtin_mul_overflow(size, static_cast<std::uint64_t>(extent), &size);
  }
  if (!fits || size != tensor.bytes.size()) {
    machine_error("tensor \"" + tensor.name + "\" holds " + std::to_string(tensor.bytes.size()) +
                  " bytes, which is not what its shape and dtype take");
  }
}

// Largest elements first, so that each tensor begins at a multiple of its element's size.
std::vector<const TensorSource*> in_order(std::span<const TensorSource> tensors) {
  std::vector<const TensorSource*> order;
  std::unordered_set<std::string_view> names;
  for (const TensorSource& tensor : tensors) {
    check(tensor);
    const bool is_new = tensor.name != "__metadata__" && names.insert(tensor.name).second;
    if (!is_new) machine_error("tensor name \"" + tensor.name + "\" is taken");
    order.push_back(&tensor);
  }
  std::sort(order.begin(), order.end(), [](const TensorSource* a, const TensorSource* b) {
    const std::size_t size_a = size_of(a->dtype), size_b = size_of(b->dtype);
    return size_a != size_b ? size_a > size_b : a->name < b->name;
  });
  return order;
}

// The length and the header, padded by spaces to a multiple of 8.
std::string head(const std::vector<const TensorSource*>& order, const SafetensorsMetadata& metadata) {
  Json header = Json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  std::uint64_t offset = 0;
  for (const TensorSource* tensor : order) {
    const std::uint64_t end = offset + tensor->bytes.size();
    header[tensor->name] = {
        {"dtype", std::string(name_of(tensor->dtype))}, {"shape", tensor->shape}, {"data_offsets", {offset, end}}};
    offset = end;
  }
  std::string text;
  try {
    text = header.dump();
  } catch (const Json::exception&) {
    machine_error("a tensor's name or the metadata is no UTF-8");
  }
  text.resize((text.size() + 7) / 8 * 8, ' ');
  const std::uint64_t length = text.size();
  return std::string(reinterpret_cast<const char*>(&length), 8) + text;
}

}  // namespace

TensorSource tensor_source(std::string name, std::vector<std::int64_t> shape, std::span<const double> values) {
  return source_of(std::move(name), DType::f64, std::move(shape), values);
}
TensorSource tensor_source(std::string name, std::vector<std::int64_t> shape, std::span<const float> values) {
  return source_of(std::move(name), DType::f32, std::move(shape), values);
}
TensorSource tensor_source(std::string name, std::vector<std::int64_t> shape, std::span<const std::int64_t> values) {
  return source_of(std::move(name), DType::i64, std::move(shape), values);
}
TensorSource tensor_source(std::string name, std::vector<std::int64_t> shape, std::span<const std::int32_t> values) {
  return source_of(std::move(name), DType::i32, std::move(shape), values);
}
TensorSource tensor_source(std::string name, std::vector<std::int64_t> shape, std::span<const std::uint8_t> values) {
  return source_of(std::move(name), DType::u8, std::move(shape), values);
}

std::string safetensors_bytes(std::span<const TensorSource> tensors, const SafetensorsMetadata& metadata) {
  const std::vector<const TensorSource*> order = in_order(tensors);
  std::string out = head(order, metadata);
  for (const TensorSource* tensor : order) {
    out.append(reinterpret_cast<const char*>(tensor->bytes.data()), tensor->bytes.size());
  }
  return out;
}

void write_safetensors(const std::filesystem::path& path, std::span<const TensorSource> tensors,
                       const SafetensorsMetadata& metadata) {
  const std::vector<const TensorSource*> order = in_order(tensors);
  AtomicFile file(path);
  file.write(head(order, metadata));
  for (const TensorSource* tensor : order) file.write(tensor->bytes);
  file.commit();
}

}  // namespace tenfold::data
