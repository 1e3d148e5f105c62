// Reading safetensors: the header is believed in nothing.
#include "data/safetensors.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <optional>
#include <unordered_map>
#include <utility>

#include "base/error.h"
#include "base/files.h"
#include "base/suggest.h"
#include "data/json_reader.h"

namespace tenfold::data {

static_assert(std::endian::native == std::endian::little, "safetensors are little-endian, and read in place");

namespace {

constexpr std::uint64_t longest_header = 100'000'000;  // the format's own limit

struct DTypeRow {
  DType dtype;
  std::string_view name;
  std::size_t size;
};

constexpr DTypeRow dtypes[] = {{DType::f64, "F64", 8},     {DType::f32, "F32", 4}, {DType::f16, "F16", 2},
                               {DType::bf16, "BF16", 2},   {DType::i64, "I64", 8}, {DType::i32, "I32", 4},
                               {DType::i16, "I16", 2},     {DType::i8, "I8", 1},   {DType::u8, "U8", 1},
                               {DType::boolean, "BOOL", 1}};

const DTypeRow& row_of(DType dtype) { return dtypes[static_cast<std::size_t>(dtype)]; }

double half_to_double(std::uint16_t bits) {
  const int exponent = (bits >> 10) & 31;
  const int fraction = bits & 1023;
  double magnitude = 0;
  if (exponent == 31) {
    magnitude = fraction == 0 ? std::numeric_limits<double>::infinity() : std::numeric_limits<double>::quiet_NaN();
  } else if (exponent == 0) {
    magnitude = std::ldexp(fraction, -24);
  } else {
    magnitude = std::ldexp(fraction + 1024, exponent - 25);
  }
  return (bits & 0x8000) != 0 ? -magnitude : magnitude;
}

double bfloat_to_double(std::uint16_t bits) { return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16); }

template <class T, class Convert>
std::vector<double> convert(std::span<const std::byte> bytes, Convert&& to_double) {
  std::vector<double> out(bytes.size() / sizeof(T));
  for (std::size_t i = 0; i < out.size(); ++i) {
    T element;
    std::memcpy(&element, bytes.data() + i * sizeof(T), sizeof(T));
    out[i] = to_double(element);
  }
  return out;
}

template <class T>
std::vector<double> convert(std::span<const std::byte> bytes) {
  return convert<T>(bytes, [](T element) { return static_cast<double>(element); });
}

template <class T>
bool holds(DType dtype) {
  if constexpr (std::is_same_v<T, double>) return dtype == DType::f64;
  if constexpr (std::is_same_v<T, float>) return dtype == DType::f32;
  if constexpr (std::is_same_v<T, std::int64_t>) return dtype == DType::i64;
  if constexpr (std::is_same_v<T, std::int32_t>) return dtype == DType::i32;
  if constexpr (std::is_same_v<T, std::uint8_t>) return dtype == DType::u8 || dtype == DType::boolean;
}

// Reads a header over the data that follow it.
class HeaderReader {
 public:
  HeaderReader(std::string file, std::span<const std::byte> data) : file_(std::move(file)), data_(data) {}

  void read(std::string_view header, std::vector<TensorView>& tensors, SafetensorsMetadata& metadata) {
    if (!header.starts_with('{')) input_error(file_ + ": no safetensors file: its header does not begin with '{'");
    const JsonValue root = parse_json(header, file_ + ": header", {.max_depth = 8});
    for (const JsonMember& member : root.object()) {
      if (member.key == "__metadata__") {
        read_metadata(member.value, metadata);
      } else {
        tensors.push_back(read_tensor(member));
      }
    }
    check_cover(tensors);
  }

 private:
  [[noreturn]] void fail(const std::string& name, const std::string& message) const {
    input_error(file_ + ": tensor \"" + name + "\": " + message);
  }

  void read_metadata(const JsonValue& value, SafetensorsMetadata& metadata) const {
    if (!value.is_object()) input_error(file_ + ": __metadata__ is no object");
    for (const JsonMember& entry : value.object()) {
      if (!entry.value.is_string()) input_error(file_ + ": __metadata__ \"" + entry.key + "\" is no text");
      metadata[entry.key] = entry.value.string();
    }
  }

  TensorView read_tensor(const JsonMember& member) const {
    const JsonValue* dtype = member.value.find("dtype");
    const JsonValue* shape = member.value.find("shape");
    const JsonValue* offsets = member.value.find("data_offsets");
    if (dtype == nullptr || shape == nullptr || offsets == nullptr || !dtype->is_string() || !shape->is_array() ||
        !offsets->is_array() || offsets->array().size() != 2) {
      fail(member.key, "needs dtype, shape and two data_offsets");
    }
    TensorView tensor;
    tensor.name = member.key;
    tensor.dtype = read_dtype(member.key, dtype->string());
    std::uint64_t size = size_of(tensor.dtype);
    tensor.shape.resize(shape->array().size());
    for (std::size_t i = 0; i < tensor.shape.size(); ++i) {
      const std::uint64_t extent = natural(member.key, shape->array()[i], "shape");
      tensor.shape[i] = static_cast<std::int64_t>(extent);
      if (__builtin_mul_overflow(size, extent, &size)) fail(member.key, "its shape has more elements than can be");
    }
    const std::uint64_t begin = natural(member.key, offsets->array()[0], "data_offsets");
    const std::uint64_t end = natural(member.key, offsets->array()[1], "data_offsets");
    if (begin > end || end > data_.size()) fail(member.key, "its data_offsets point outside the file");
    if (end - begin != size) {
      fail(member.key, "takes " + std::to_string(end - begin) + " bytes where its shape and dtype take " + std::to_string(size));
    }
    tensor.bytes = data_.subspan(begin, size);
    return tensor;
  }

  DType read_dtype(const std::string& tensor, const std::string& name) const {
    for (const DTypeRow& row : dtypes) {
      if (row.name == name) return row.dtype;
    }
    fail(tensor, "dtype " + name + " is not supported; F64 F32 F16 BF16 I64 I32 I16 I8 U8 BOOL are");
  }

  std::uint64_t natural(const std::string& tensor, const JsonValue& value, const char* what) const {
    if (!value.fits_int64 || value.integer < 0) {
      fail(tensor, std::string(what) + " holds something that is no natural number");
    }
    return static_cast<std::uint64_t>(value.integer);
  }

  // Together the tensors are the data: no overlap, no hole, nothing left over.
  void check_cover(const std::vector<TensorView>& tensors) const {
    std::vector<const TensorView*> sorted;
    sorted.reserve(tensors.size());
    for (const TensorView& tensor : tensors) sorted.push_back(&tensor);
    std::sort(sorted.begin(), sorted.end(), [](const TensorView* a, const TensorView* b) {
      return std::pair(a->bytes.data(), a->bytes.size()) < std::pair(b->bytes.data(), b->bytes.size());
    });
    const std::byte* covered = data_.data();
    for (const TensorView* tensor : sorted) {
      if (tensor->bytes.data() < covered) fail(tensor->name, "overlaps another tensor");
      if (tensor->bytes.data() > covered) fail(tensor->name, "bytes before it belong to no tensor");
      covered += tensor->bytes.size();
    }
    if (covered != data_.data() + data_.size()) input_error(file_ + ": bytes at its end belong to no tensor");
  }

  std::string file_;
  std::span<const std::byte> data_;
};

}  // namespace

std::size_t size_of(DType dtype) { return row_of(dtype).size; }
std::string_view name_of(DType dtype) { return row_of(dtype).name; }

template <class T>
std::vector<T> TensorView::values() const {
  if (!holds<T>(dtype)) {
    input_error("tensor \"" + name + "\" is of dtype " + std::string(name_of(dtype)) + ", another is needed here");
  }
  std::vector<T> out(bytes.size() / sizeof(T));
  if (!out.empty()) std::memcpy(out.data(), bytes.data(), out.size() * sizeof(T));
  return out;
}

template std::vector<double> TensorView::values<double>() const;
template std::vector<float> TensorView::values<float>() const;
template std::vector<std::int64_t> TensorView::values<std::int64_t>() const;
template std::vector<std::int32_t> TensorView::values<std::int32_t>() const;
template std::vector<std::uint8_t> TensorView::values<std::uint8_t>() const;

std::vector<double> TensorView::to_doubles() const {
  switch (dtype) {
    case DType::f64: return values<double>();
    case DType::f32: return convert<float>(bytes);
    case DType::f16: return convert<std::uint16_t>(bytes, half_to_double);
    case DType::bf16: return convert<std::uint16_t>(bytes, bfloat_to_double);
    case DType::i64: return convert<std::int64_t>(bytes);
    case DType::i32: return convert<std::int32_t>(bytes);
    case DType::i16: return convert<std::int16_t>(bytes);
    case DType::i8: return convert<std::int8_t>(bytes);
    case DType::u8:
    case DType::boolean: return convert<std::uint8_t>(bytes);
  }
  return {};
}

struct Safetensors::Contents {
  std::string file;
  std::optional<MappedFile> mapping;
  std::vector<TensorView> tensors;
  std::unordered_map<std::string_view, std::size_t> by_name;  // views of the tensors' own names
  SafetensorsMetadata metadata;

  void read(std::span<const std::byte> bytes) {
    if (bytes.size() < 8) input_error(file + ": no safetensors file: shorter than its 8-byte length");
    std::uint64_t length = 0;
    std::memcpy(&length, bytes.data(), 8);
    if (length > longest_header) input_error(file + ": no safetensors file: its header would be over 100 MB");
    if (length > bytes.size() - 8) input_error(file + ": its header is longer than the file; the file may be cut off");
    const std::string_view header(reinterpret_cast<const char*>(bytes.data()) + 8, length);
    HeaderReader(file, bytes.subspan(8 + length)).read(header, tensors, metadata);
    for (std::size_t i = 0; i < tensors.size(); ++i) by_name.emplace(tensors[i].name, i);
  }
};

Safetensors::Safetensors(std::unique_ptr<Contents> contents) : contents_(std::move(contents)) {}
Safetensors::Safetensors(Safetensors&&) noexcept = default;
Safetensors& Safetensors::operator=(Safetensors&&) noexcept = default;
Safetensors::~Safetensors() = default;

Safetensors Safetensors::open(const std::filesystem::path& path) {
  auto contents = std::make_unique<Contents>();
  contents->file = path.string();
  contents->read(contents->mapping.emplace(path).bytes());
  return Safetensors(std::move(contents));
}

Safetensors Safetensors::parse(std::span<const std::byte> bytes, const std::string& file) {
  auto contents = std::make_unique<Contents>();
  contents->file = file;
  contents->read(bytes);
  return Safetensors(std::move(contents));
}

const std::vector<TensorView>& Safetensors::tensors() const { return contents_->tensors; }
const SafetensorsMetadata& Safetensors::metadata() const { return contents_->metadata; }

const TensorView* Safetensors::find(std::string_view name) const {
  const auto found = contents_->by_name.find(name);
  return found == contents_->by_name.end() ? nullptr : &contents_->tensors[found->second];
}

const TensorView& Safetensors::at(std::string_view name) const {
  if (const TensorView* tensor = find(name)) return *tensor;
  std::vector<std::string> names;
  for (const TensorView& tensor : tensors()) names.push_back(tensor.name);
  const std::string near = nearest(name, names);
  input_error(contents_->file + ": no tensor \"" + std::string(name) + "\"" +
              (near.empty() ? "" : "; the nearest is \"" + near + "\""));
}

}  // namespace tenfold::data
