// NumPy's array files (.npy, versions 1 to 3): numbers of any dtype and byte order and bool, in C or Fortran order. Headers are
// believed in nothing; object arrays are pickles and never opened.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tenfold::data {

enum class NpyType : std::uint8_t { boolean, i8, i16, i32, i64, u8, u16, u32, u64, f16, f32, f64, other };

std::size_t size_of(NpyType type);        // bytes of an element; 0 for other
std::string_view name_of(NpyType type);   // "bool", "int8", ..., "float64"

// What a header says. Where `type` is other (objects, text, records) the array is not readable here, and `descr` tells what it
// is.
struct NpyHeader {
  NpyType type = NpyType::other;
  std::string descr;                // "<f4", "|O"
  bool big_endian = false;          // the most significant byte of an element first; never of single bytes
  bool fortran_order = false;
  std::vector<std::int64_t> shape;  // empty for a scalar
  std::size_t data_offset = 0;      // bytes before the first element

  std::uint64_t elements() const;   // product of the shape
  bool is_object() const { return descr.find('O') != std::string::npos; }
};

// Reads the header at the beginning of `bytes`, which may end anywhere after it. Throws Error input, `FILE: byte N: ...`.
NpyHeader parse_npy_header(std::span<const std::byte> bytes, const std::string& file);
// Longest prefix that a header of this beginning takes: where to stop reading before deciding. At least 12 bytes must be given.
std::size_t npy_header_length(std::span<const std::byte> bytes, const std::string& file);

// An array over somebody's bytes, or its own.
class NpyArray {
 public:
  // Views `bytes`, which must live as long as `owner` or, without one, as this. Throws Error input where they are too few or too
  // many, or the dtype is not a number's.
  static NpyArray parse(std::span<const std::byte> bytes, const std::string& file, std::shared_ptr<const void> owner = {});
  static NpyArray map(const std::filesystem::path& path);  // the file mapped

  const NpyHeader& header() const { return header_; }
  NpyType type() const { return header_.type; }
  const std::vector<std::int64_t>& shape() const { return header_.shape; }
  std::size_t size() const { return bytes_.size() / size_of(header_.type); }  // elements
  const std::string& file() const { return file_; }  // for messages: the file, or file:member
  std::span<const std::byte> bytes() const { return bytes_; }
  const std::shared_ptr<const void>& owner() const { return owner_; }

  // All elements in C order. Throws Error input naming the element where one does not fit: a fraction or a number out of range in
  // to_int64s, nothing in the others (f64 beyond f32 becomes infinite, integers round).
  std::vector<std::int64_t> to_int64s() const;
  std::vector<double> to_doubles() const;
  std::vector<float> to_floats() const;

  // The elements in place, of exactly this type, little-endian, in C order, aligned. Throws Error input where they are not that.
  template <class T>
  std::span<const T> view() const;

 private:
  NpyHeader header_;
  std::span<const std::byte> bytes_;  // of the elements
  std::shared_ptr<const void> owner_;
  std::string file_;
};

extern template std::span<const float> NpyArray::view<float>() const;
extern template std::span<const std::int64_t> NpyArray::view<std::int64_t>() const;
extern template std::span<const std::int32_t> NpyArray::view<std::int32_t>() const;
extern template std::span<const std::uint8_t> NpyArray::view<std::uint8_t>() const;

// Header of a C-order array, version 1, padded so that the elements begin at a multiple of 64: what NumPy writes.
std::string npy_header(NpyType type, std::span<const std::int64_t> shape);

// A whole file, atomically (base/files.h). bytes are the elements in C order.
void write_npy(const std::filesystem::path& path, NpyType type, std::span<const std::int64_t> shape,
               std::span<const std::byte> bytes);

}  // namespace tenfold::data
