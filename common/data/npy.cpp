// Reading and writing NumPy's array files.
#include "data/npy.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>

#include "base/error.h"
#include "base/files.h"

namespace tenfold::data {

static_assert(std::endian::native == std::endian::little, ".npy files of little-endian numbers are read in place");

namespace {

constexpr std::string_view magic = "\x93NUMPY";
constexpr std::size_t longest_header = 1 << 20;  // NumPy's own for shapes are under 200 bytes

struct TypeRow {
  NpyType type;
  std::string_view code, name;
  std::size_t size;
};

constexpr TypeRow types[] = {
    {NpyType::boolean, "b1", "bool", 1}, {NpyType::i8, "i1", "int8", 1},     {NpyType::i16, "i2", "int16", 2},
    {NpyType::i32, "i4", "int32", 4},    {NpyType::i64, "i8", "int64", 8},   {NpyType::u8, "u1", "uint8", 1},
    {NpyType::u16, "u2", "uint16", 2},   {NpyType::u32, "u4", "uint32", 4},  {NpyType::u64, "u8", "uint64", 8},
    {NpyType::f16, "f2", "float16", 2},  {NpyType::f32, "f4", "float32", 4}, {NpyType::f64, "f8", "float64", 8},
    {NpyType::other, "", "no number", 0}};

const TypeRow& row_of(NpyType type) { return types[static_cast<std::size_t>(type)]; }

// "<f4", ">f4", "=f4", "|b1"; single bytes under any mark.
NpyType type_of(const std::string& descr) {
  for (const TypeRow& row : types)
    if (row.size > 0 && descr.size() == 3 && descr.substr(1) == row.code &&
        (descr[0] == '<' || descr[0] == '=' || descr[0] == '>' || (row.size == 1 && descr[0] == '|')))
      return row.type;
  return NpyType::other;
}

[[noreturn]] void fail(const std::string& file, std::size_t byte, const std::string& what) {
  input_error(file + ": byte " + std::to_string(byte) + ": " + what);
}

// The Python dictionary of a header: three keys, their values a string (or a list, of records), a boolean, a tuple of integers.
class HeaderText {
 public:
  HeaderText(std::string_view text, std::size_t offset, const std::string& file) : text_(text), offset_(offset), file_(file) {}

  NpyHeader read() {
    NpyHeader header;
    bool descr = false, order = false, shape = false;
    expect('{');
    while (!take('}')) {
      const std::string key = quoted();
      expect(':');
      if (key == "descr" && !descr) {
        descr = true;
        header.descr = peek() == '[' ? record() : quoted();
      } else if (key == "fortran_order" && !order) {
        order = true;
        header.fortran_order = boolean();
      } else if (key == "shape" && !shape) {
        shape = true;
        header.shape = tuple();
      } else {
        refuse("its header has the key \"" + key + "\" where one of descr, fortran_order and shape is due");
      }
      if (!take(',') && peek() != '}') refuse("its header has no comma or brace where one is due");
    }
    if (!descr || !order || !shape) refuse("its header lacks descr, fortran_order or shape");
    skip();
    if (at_ != text_.size()) refuse("its header goes on after its dictionary");
    header.type = type_of(header.descr);
    header.big_endian = size_of(header.type) > 1 && header.descr[0] == '>';
    return header;
  }

 private:
  [[noreturn]] void refuse(const std::string& what) const { fail(file_, offset_ + at_, what); }
  void skip() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) ++at_;
  }
  char peek() {
    skip();
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  bool take(char c) {
    if (peek() != c) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!take(c)) refuse(std::string("its header has no '") + c + "' where one is due");
  }
  std::string quoted() {
    const char quote = peek();
    if (quote != '\'' && quote != '"') refuse("its header has no quoted word where one is due");
    const std::size_t end = text_.find(quote, at_ + 1);
    if (end == std::string_view::npos) refuse("a word in its header has no end");
    std::string out(text_.substr(at_ + 1, end - at_ - 1));
    at_ = end + 1;
    return out;
  }
  // A list of fields, kept as text for the message.
  std::string record() {
    const std::size_t begin = at_;
    int depth = 0;
    do {
      const char c = peek();
      if (c == '\0') refuse("a list in its header has no end");
      depth += c == '[' ? 1 : c == ']' ? -1 : 0;
      ++at_;
    } while (depth > 0);
    return std::string(text_.substr(begin, at_ - begin));
  }
  bool boolean() {
    skip();
    for (const std::string_view word : {"True", "False"})
      if (text_.substr(at_).starts_with(word)) {
        at_ += word.size();
        return word == "True";
      }
    refuse("its fortran_order is neither True nor False");
  }
  std::vector<std::int64_t> tuple() {
    std::vector<std::int64_t> out;
    expect('(');
    while (!take(')')) {
      if (out.size() == 32) refuse("its shape has more than 32 dimensions");
      out.push_back(natural());
      take('L');  // Python 2 wrote 3L
      if (!take(',') && peek() != ')') refuse("its shape has no comma or parenthesis where one is due");
    }
    return out;
  }
  std::int64_t natural() {
    skip();
    std::int64_t value = 0;
    const std::size_t begin = at_;
    for (; at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9'; ++at_)
      if (__builtin_mul_overflow(value, std::int64_t{10}, &value) ||
          __builtin_add_overflow(value, std::int64_t{text_[at_] - '0'}, &value))
        refuse("its shape has a number beyond 2^63");
    if (at_ == begin) refuse("its shape holds something that is no natural number");
    return value;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t offset_;
  const std::string& file_;
};

double half_to_double(std::uint16_t bits) {
  const int exponent = (bits >> 10) & 31, fraction = bits & 1023;
  double magnitude = 0;
  if (exponent == 31)
    magnitude = fraction == 0 ? std::numeric_limits<double>::infinity() : std::numeric_limits<double>::quiet_NaN();
  else if (exponent == 0)
    magnitude = std::ldexp(fraction, -24);
  else
    magnitude = std::ldexp(fraction + 1024, exponent - 25);
  return (bits & 0x8000) != 0 ? -magnitude : magnitude;
}

// Calls f(element, index in memory) for every element, as the C++ type behind the dtype (f16 as double, bool as 0 or 1).
template <class F>
void for_elements(const NpyHeader& header, std::span<const std::byte> bytes, F f) {
  const auto go = [&]<class Stored, class Convert>(Stored, Convert convert) {
    const std::size_t count = bytes.size() / sizeof(Stored);
    for (std::size_t i = 0; i < count; ++i) {
      std::array<std::byte, sizeof(Stored)> memory;
      std::memcpy(memory.data(), bytes.data() + i * sizeof(Stored), sizeof(Stored));
      if (header.big_endian) std::reverse(memory.begin(), memory.end());
      f(convert(std::bit_cast<Stored>(memory)), i);
    }
  };
  const auto same = [](auto v) { return v; };
  switch (header.type) {
    case NpyType::boolean: go(std::uint8_t{}, [](std::uint8_t v) { return std::uint8_t{v != 0}; }); break;
    case NpyType::i8: go(std::int8_t{}, same); break;
    case NpyType::i16: go(std::int16_t{}, same); break;
    case NpyType::i32: go(std::int32_t{}, same); break;
    case NpyType::i64: go(std::int64_t{}, same); break;
    case NpyType::u8: go(std::uint8_t{}, same); break;
    case NpyType::u16: go(std::uint16_t{}, same); break;
    case NpyType::u32: go(std::uint32_t{}, same); break;
    case NpyType::u64: go(std::uint64_t{}, same); break;
    case NpyType::f16: go(std::uint16_t{}, half_to_double); break;
    case NpyType::f32: go(float{}, same); break;
    case NpyType::f64: go(double{}, same); break;
    case NpyType::other: break;
  }
}

// Places, in C order, of the elements as a Fortran-order file has them: the first index runs fastest.
class COrder {
 public:
  explicit COrder(const NpyHeader& header) : shape_(header.shape), index_(shape_.size(), 0), stride_(shape_.size(), 1) {
    for (std::size_t d = shape_.size(); d-- > 1;) stride_[d - 1] = stride_[d] * static_cast<std::size_t>(shape_[d]);
    in_place_ = !header.fortran_order || shape_.size() < 2;
  }
  std::size_t operator()(std::size_t i) {
    if (in_place_) return i;
    const std::size_t place = place_;
    for (std::size_t d = 0; d < shape_.size(); ++d) {
      place_ += stride_[d];
      if (++index_[d] < shape_[d]) break;
      place_ -= stride_[d] * static_cast<std::size_t>(shape_[d]);
      index_[d] = 0;
    }
    return place;
  }

 private:
  const std::vector<std::int64_t>& shape_;
  std::vector<std::int64_t> index_;
  std::vector<std::size_t> stride_;
  std::size_t place_ = 0;
  bool in_place_ = true;
};

template <class T>
std::vector<T> as_floating(const NpyHeader& header, std::span<const std::byte> bytes) {
  std::vector<T> out(bytes.size() / size_of(header.type));
  COrder place(header);
  for_elements(header, bytes, [&](auto v, std::size_t i) { out[place(i)] = static_cast<T>(v); });
  return out;
}

template <class T>
constexpr NpyType type_for() {
  if constexpr (std::is_same_v<T, float>) return NpyType::f32;
  if constexpr (std::is_same_v<T, std::int64_t>) return NpyType::i64;
  if constexpr (std::is_same_v<T, std::int32_t>) return NpyType::i32;
  return NpyType::u8;
}

}  // namespace

std::size_t size_of(NpyType type) { return row_of(type).size; }
std::string_view name_of(NpyType type) { return row_of(type).name; }

std::uint64_t NpyHeader::elements() const {
  std::uint64_t out = 1;
  for (const std::int64_t extent : shape) out *= static_cast<std::uint64_t>(extent);
  return out;
}

std::size_t npy_header_length(std::span<const std::byte> bytes, const std::string& file) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (!text.starts_with(magic)) fail(file, 0, "no .npy array: it does not begin with \\x93NUMPY");
  if (text.size() < 12) fail(file, text.size(), "ends within the header of a .npy array");
  const auto byte = [&](std::size_t i) { return static_cast<std::size_t>(static_cast<unsigned char>(text[i])); };
  const std::size_t version = byte(6);
  if (version < 1 || version > 3) fail(file, 6, ".npy version " + std::to_string(version) + "; 1, 2 and 3 are read");
  const std::size_t length =
      version == 1 ? 10 + (byte(8) | byte(9) << 8) : 12 + (byte(8) | byte(9) << 8 | byte(10) << 16 | byte(11) << 24);
  if (length > longest_header) fail(file, 8, "its header would be " + std::to_string(length) + " bytes long");
  return length;
}

NpyHeader parse_npy_header(std::span<const std::byte> bytes, const std::string& file) {
  const std::size_t length = npy_header_length(bytes, file);
  if (bytes.size() < length) fail(file, bytes.size(), "ends within the header of a .npy array");
  const std::size_t begin = static_cast<unsigned char>(bytes[6]) == 1 ? 10 : 12;
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()) + begin, length - begin);
  NpyHeader header = HeaderText(text, begin, file).read();
  header.data_offset = length;
  std::uint64_t size = std::max<std::uint64_t>(size_of(header.type), 1);
  for (const std::int64_t extent : header.shape)
    if (__builtin_mul_overflow(size, static_cast<std::uint64_t>(extent), &size) || size >> 62 != 0)
      fail(file, begin, "its shape has more elements than can be");
  return header;
}

NpyArray NpyArray::parse(std::span<const std::byte> bytes, const std::string& file, std::shared_ptr<const void> owner) {
  NpyArray array;
  array.header_ = parse_npy_header(bytes, file);
  const NpyHeader& header = array.header_;
  if (header.is_object()) input_error(file + ": an object array, which is a pickle and never executed; re-save it as numbers");
  if (header.type == NpyType::other)
    input_error(file + ": dtype " + header.descr + " is not read; re-save it as numbers or bool");
  const std::uint64_t due = header.data_offset + header.elements() * size_of(header.type);
  if (bytes.size() < due)
    fail(file, bytes.size(), "the array ends early: its shape and dtype take " + std::to_string(due) + " bytes");
  if (bytes.size() > due) fail(file, due, "bytes after the array's last element");
  array.bytes_ = bytes.subspan(header.data_offset);
  array.owner_ = std::move(owner);
  array.file_ = file;
  return array;
}

NpyArray NpyArray::map(const std::filesystem::path& path) {
  const auto mapping = std::make_shared<const MappedFile>(path);
  return parse(mapping->bytes(), path.string(), mapping);
}

std::vector<std::int64_t> NpyArray::to_int64s() const {
  std::vector<std::int64_t> out(size());
  COrder place(header_);
  for_elements(header_, bytes_, [&](auto v, std::size_t i) {
    using V = decltype(v);
    const std::size_t to = place(i);
    bool fits = true;
    if constexpr (std::is_floating_point_v<V>)
      fits = v >= V(-0x1p63) && v < V(0x1p63) && std::trunc(v) == v;
    else if constexpr (std::is_same_v<V, std::uint64_t>)
      fits = v <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    if (!fits) input_error(file_ + ": element " + std::to_string(to) + " is " + std::to_string(v) + ", no integer that fits");
    out[to] = static_cast<std::int64_t>(v);
  });
  return out;
}

std::vector<double> NpyArray::to_doubles() const { return as_floating<double>(header_, bytes_); }
std::vector<float> NpyArray::to_floats() const { return as_floating<float>(header_, bytes_); }

template <class T>
std::span<const T> NpyArray::view() const {
  const std::string due(name_of(type_for<T>()));
  if (header_.type != type_for<T>()) input_error(file_ + ": dtype " + header_.descr + " where " + due + " is due");
  if (header_.big_endian) input_error(file_ + ": big-endian numbers where little-endian ones are due");
  if (header_.fortran_order && header_.shape.size() > 1) input_error(file_ + ": in Fortran order where C order is due");
  if (reinterpret_cast<std::uintptr_t>(bytes_.data()) % alignof(T) != 0)
    fail(file_, header_.data_offset, "its elements do not begin at a multiple of " + std::to_string(alignof(T)) + " bytes");
  return {reinterpret_cast<const T*>(bytes_.data()), size()};
}

template std::span<const float> NpyArray::view<float>() const;
template std::span<const std::int64_t> NpyArray::view<std::int64_t>() const;
template std::span<const std::int32_t> NpyArray::view<std::int32_t>() const;
template std::span<const std::uint8_t> NpyArray::view<std::uint8_t>() const;

std::string npy_header(NpyType type, std::span<const std::int64_t> shape) {
  const TypeRow& row = row_of(type);
  std::string text =
      "{'descr': '" + std::string(row.size == 1 ? "|" : "<") + std::string(row.code) + "', 'fortran_order': False, 'shape': (";
  for (std::size_t d = 0; d < shape.size(); ++d) text += (d == 0 ? "" : " ") + std::to_string(shape[d]) + ",";
  if (shape.size() > 1) text.pop_back();
  text += "), }";
  text.append(63 - (10 + text.size()) % 64, ' ');
  text += '\n';
  std::string out(magic);
  out += std::string("\x01\x00", 2);
  out += static_cast<char>(text.size() & 255);
  out += static_cast<char>(text.size() >> 8);
  return out + text;
}

void write_npy(const std::filesystem::path& path, NpyType type, std::span<const std::int64_t> shape,
               std::span<const std::byte> bytes) {
  AtomicFile file(path);
  file.write(npy_header(type, shape));
  file.write(bytes);
  file.commit();
}

}  // namespace tenfold::data
