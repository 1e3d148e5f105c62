// Safetensors: named tensors in one file, an 8-byte length, a JSON header, then the bytes (little-endian, row-major).
// Format: https://github.com/huggingface/safetensors. Python reads what is written here and the other way round.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tenfold::data {

enum class DType : std::uint8_t { f64, f32, f16, bf16, i64, i32, i16, i8, u8, boolean };

std::size_t size_of(DType dtype);          // bytes of an element
std::string_view name_of(DType dtype);     // "F64", ..., "BOOL"

// A tensor of a mapped file; valid as long as its Safetensors is.
struct TensorView {
  std::string name;
  DType dtype = DType::f64;
  std::vector<std::int64_t> shape;   // empty for a scalar
  std::span<const std::byte> bytes;  // row-major, not necessarily aligned

  std::size_t elements() const { return bytes.size() / size_of(dtype); }
  // A copy, where the dtype is the asked one: double F64, float F32, int64 I64, int32 I32, uint8 U8 or BOOL.
  // Throws Error input on another dtype.
  template <class T>
  std::vector<T> values() const;
  // Any dtype as doubles (I64 beyond 2^53 is rounded).
  std::vector<double> to_doubles() const;
};

extern template std::vector<double> TensorView::values<double>() const;
extern template std::vector<float> TensorView::values<float>() const;
extern template std::vector<std::int64_t> TensorView::values<std::int64_t>() const;
extern template std::vector<std::int32_t> TensorView::values<std::int32_t>() const;
extern template std::vector<std::uint8_t> TensorView::values<std::uint8_t>() const;

using SafetensorsMetadata = std::map<std::string, std::string>;

// A file mapped and checked whole: a header over 100 MB or over the file, offsets that overlap, leave holes, overflow or
// point outside, a size that is not shape times dtype, a name twice: each is Error input with the file's name.
class Safetensors {
 public:
  static Safetensors open(const std::filesystem::path& path);
  // Over bytes held elsewhere, which must outlive this.
  static Safetensors parse(std::span<const std::byte> bytes, const std::string& file);
  Safetensors(Safetensors&&) noexcept;
  Safetensors& operator=(Safetensors&&) noexcept;
  ~Safetensors();

  const std::vector<TensorView>& tensors() const;  // in the header's order
  const SafetensorsMetadata& metadata() const;
  const TensorView* find(std::string_view name) const;
  const TensorView& at(std::string_view name) const;  // throws Error input, suggesting the nearest name

 private:
  struct Contents;
  explicit Safetensors(std::unique_ptr<Contents> contents);
  std::unique_ptr<Contents> contents_;
};

// A tensor to be written; `bytes` must outlive the call.
struct TensorSource {
  std::string name;
  DType dtype = DType::f64;
  std::vector<std::int64_t> shape;
  std::span<const std::byte> bytes;
};

TensorSource tensor_source(std::string name, std::vector<std::int64_t> shape, std::span<const double> values);
TensorSource tensor_source(std::string name, std::vector<std::int64_t> shape, std::span<const float> values);
TensorSource tensor_source(std::string name, std::vector<std::int64_t> shape, std::span<const std::int64_t> values);
TensorSource tensor_source(std::string name, std::vector<std::int64_t> shape, std::span<const std::int32_t> values);
TensorSource tensor_source(std::string name, std::vector<std::int64_t> shape, std::span<const std::uint8_t> values);

// The file's bytes, the same for the same tensors in any order: by element size, largest first, then by name, so that
// every tensor is aligned. Throws Error machine if shape, dtype and bytes disagree or a name is there twice.
std::string safetensors_bytes(std::span<const TensorSource> tensors, const SafetensorsMetadata& metadata = {});
// Atomically (base/files.h).
void write_safetensors(const std::filesystem::path& path, std::span<const TensorSource> tensors,
                       const SafetensorsMetadata& metadata = {});

}  // namespace tenfold::data
