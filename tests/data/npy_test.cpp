// .npy: the bytes NumPy writes, every dtype, both orders, and headers that lie.
#include "data/npy.h"
#include "base/refusal.h"

#include <doctest/doctest.h>

#include <cstring>
#include <string>

#include "base/error.h"
#include "base/files.h"
#include "base/temporary_folder.h"

using namespace tenfold;
using namespace tenfold::data;

using tenfold::test::says;

namespace {

std::span<const std::byte> bytes_of(const std::string& text) { return std::as_bytes(std::span(text)); }

template <class T>
std::string raw(const std::vector<T>& values) {
  std::string out(values.size() * sizeof(T), '\0');
  std::memcpy(out.data(), values.data(), out.size());
  return out;
}

// A version-1 file with this dictionary.
std::string file_of(const std::string& dictionary, const std::string& elements, char version = 1) {
  std::string out = "\x93NUMPY";
  out += version;
  out += '\0';
  const std::size_t length = dictionary.size() + 1;
  out += static_cast<char>(length & 255);
  out += static_cast<char>(length >> 8);
  if (version > 1) out += std::string(2, '\0');
  return out + dictionary + "\n" + elements;
}

std::string refusal(const std::string& file) {
  const std::vector<std::byte> copy(bytes_of(file).begin(), bytes_of(file).end());  // the sanitizer watches its end
  return tenfold::test::refusal([&] { NpyArray::parse(copy, "f.npy"); });
}

}  // namespace

TEST_CASE("npy: the header is NumPy's, byte for byte") {
  // numpy.save of zeros((2, 3), float32), arange(5), bool(True), zeros((0, 4), int8)
  CHECK(npy_header(NpyType::f32, std::vector<std::int64_t>{2, 3}) ==
        std::string("\x93NUMPY\x01\x00v\x00", 10) + "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }" +
            std::string(58, ' ') + "\n");
  const std::string one = npy_header(NpyType::i64, std::vector<std::int64_t>{5});
  CHECK(one.size() == 128);
  CHECK(says(one, "{'descr': '<i8', 'fortran_order': False, 'shape': (5,), }"));
  CHECK(says(npy_header(NpyType::boolean, {}), "'|b1', 'fortran_order': False, 'shape': (), }"));
  CHECK(says(npy_header(NpyType::i8, std::vector<std::int64_t>{0, 4}), "'|i1', 'fortran_order': False, 'shape': (0, 4), }"));
}

TEST_CASE("npy: every dtype keeps its values") {
  const auto check = [](const std::string& descr, const std::string& elements, const std::vector<double>& expected) {
    CAPTURE(descr);
    const std::string file = file_of(
        "{'descr': '" + descr + "', 'fortran_order': False, 'shape': (" + std::to_string(expected.size()) + ",), }", elements);
    CHECK(NpyArray::parse(bytes_of(file), "f").to_doubles() == expected);
  };
  check("|b1", raw<std::uint8_t>({0, 1, 2}), {0, 1, 1});
  check("|i1", raw<std::int8_t>({-128, 127}), {-128, 127});
  check("<i2", raw<std::int16_t>({-32768, 5}), {-32768, 5});
  check("<i4", raw<std::int32_t>({-2147483647 - 1, 7}), {-2147483648.0, 7});
  check("<i8", raw<std::int64_t>({-(std::int64_t{1} << 53), 9}), {-0x1p53, 9});
  check("|u1", raw<std::uint8_t>({255}), {255});
  check("<u2", raw<std::uint16_t>({65535}), {65535});
  check("<u4", raw<std::uint32_t>({4294967295u}), {4294967295.0});
  check("<u8", raw<std::uint64_t>({std::uint64_t{1} << 63}), {0x1p63});
  check("<f2", raw<std::uint16_t>({0x3c00, 0xc100, 0x0001, 0x7bff}), {1, -2.5, 0x1p-24, 65504});
  check("<f4", raw<float>({0.1f}), {0.1f});
  check("=f8", raw<double>({0.1, -0.0}), {0.1, -0.0});
}

TEST_CASE("npy: big-endian numbers are turned round, and never viewed in place") {
  const auto check = [](const std::string& descr, const std::string& elements, double expected) {
    CAPTURE(descr);
    const std::string file = file_of("{'descr': '" + descr + "', 'fortran_order': False, 'shape': (1,), }", elements);
    const NpyArray array = NpyArray::parse(bytes_of(file), "f");
    CHECK(array.to_doubles() == std::vector<double>{expected});
    CHECK(array.header().big_endian == (elements.size() > 1));
  };
  using namespace std::string_literals;
  check(">i2", "\xff\x01"s, -255);
  check(">u4", "\x01\x02\x03\x04"s, 0x01020304);
  check(">i8", "\0\0\0\0\0\0\x01\0"s, 256);
  check(">f2", "\xc1\0"s, -2.5);
  check(">f4", "\x40\x48\xf5\xc3"s, static_cast<double>(3.14f));
  check(">f8", "\xbf\xf8\0\0\0\0\0\0"s, -1.5);
  check(">u1", "\x07"s, 7);
  // Fortran order as well: [[1, 2], [3, 4]].
  const std::string file = file_of("{'descr': '>i2', 'fortran_order': True, 'shape': (2, 2), }", "\0\x01\0\x03\0\x02\0\x04"s);
  CHECK(NpyArray::parse(bytes_of(file), "f").to_int64s() == std::vector<std::int64_t>{1, 2, 3, 4});
  const std::string words = file_of("{'descr': '>i4', 'fortran_order': False, 'shape': (1,), }", "\0\0\0\x01"s);
  CHECK_THROWS_AS(NpyArray::parse(bytes_of(words), "f").view<std::int32_t>(), Error);
}

TEST_CASE("npy: Fortran order is turned into C order") {
  // [[1, 2, 3], [4, 5, 6]] lies in the file as 1 4 2 5 3 6.
  const std::string file =
      file_of("{'descr': '<i4', 'fortran_order': True, 'shape': (2, 3), }", raw<std::int32_t>({1, 4, 2, 5, 3, 6}));
  const NpyArray array = NpyArray::parse(bytes_of(file), "f");
  CHECK(array.to_int64s() == std::vector<std::int64_t>{1, 2, 3, 4, 5, 6});
  CHECK(array.to_floats() == std::vector<float>{1, 2, 3, 4, 5, 6});
  CHECK_THROWS_AS(array.view<std::int32_t>(), Error);
  // Three axes: element (i, j, k) of shape (2, 2, 2) has the value 4i + 2j + k.
  const std::string cube =
      file_of("{'descr': '|u1', 'fortran_order': True, 'shape': (2, 2, 2), }", raw<std::uint8_t>({0, 4, 2, 6, 1, 5, 3, 7}));
  CHECK(NpyArray::parse(bytes_of(cube), "f").to_int64s() == std::vector<std::int64_t>{0, 1, 2, 3, 4, 5, 6, 7});
}

TEST_CASE("npy: versions 2 and 3, keys in any order, either quote, Python 2's long") {
  for (const char version : {2, 3}) {
    const std::string file =
        file_of("{\"shape\":(2L,), 'fortran_order' : False,'descr':'<i4'}", raw<std::int32_t>({8, 9}), version);
    CHECK(NpyArray::parse(bytes_of(file), "f").to_int64s() == std::vector<std::int64_t>{8, 9});
  }
  CHECK(says(refusal(file_of("{'descr': '<i4', 'fortran_order': False, 'shape': (1,), }", "abcd", 4)),
             "f.npy: byte 6: .npy version 4"));
}

TEST_CASE("npy: what does not fit an integer is named") {
  const auto message = [](const std::string& descr, const std::string& elements) {
    const std::string file = file_of("{'descr': '" + descr + "', 'fortran_order': False, 'shape': (2,), }", elements);
    try {
      NpyArray::parse(bytes_of(file), "f.npy").to_int64s();
    } catch (const Error& error) {
      return error.message();
    }
    return std::string("accepted");
  };
  CHECK(says(message("<f8", raw<double>({1, 2.5})), "element 1 is 2.5"));
  CHECK(says(message("<f4", raw<float>({1e30f, 1})), "element 0 is"));
  CHECK(says(message("<u8", raw<std::uint64_t>({5, ~std::uint64_t{0}})), "element 1 is 18446744073709551615"));
  CHECK(message("<f8", raw<double>({-3, 4})) == "accepted");
}

TEST_CASE("npy: headers that lie are refused with the byte") {
  const std::string good = "{'descr': '<i4', 'fortran_order': False, 'shape': (2,), }";
  const std::string whole = file_of(good, raw<std::int32_t>({1, 2}));
  CHECK(refusal(whole) == "accepted");
  CHECK(says(refusal(whole.substr(0, whole.size() - 1)), "byte " + std::to_string(whole.size() - 1) + ": the array ends early"));
  CHECK(says(refusal(whole + "x"), "byte " + std::to_string(whole.size()) + ": bytes after"));
  CHECK(says(refusal("PK\x03\x04 no array at all"), "byte 0: no .npy array"));
  CHECK(says(refusal(file_of("{'descr': '|O', 'fortran_order': False, 'shape': (2,), }", "pickle..")),
             "pickle and never executed"));
  CHECK(says(refusal(file_of("{'descr': [('a', '<i4')], 'fortran_order': False, 'shape': (2,), }", "12345678")),
             "dtype [('a', '<i4')]"));
  CHECK(says(refusal(file_of("{'descr': '<i4', 'fortran_order': False, 'shape': (4611686018427387904, 4), }", "")),
             "more elements than can be"));
  CHECK(
      says(refusal(file_of("{'descr': '<i4', 'fortran_order': False, 'shape': (99999999999999999999,), }", "")), "beyond 2^63"));
  CHECK(says(refusal(file_of("{'descr': '<i4', 'fortran_order': False, 'shape': (-1,), }", "")), "no natural number"));
  CHECK(says(refusal(file_of("{'descr': '<i4', 'shape': (1,), }", "1234")), "lacks"));
  CHECK(says(refusal(file_of("{'descr': '<i4', 'descr': '<i8', 'fortran_order': False, 'shape': (1,)}", "1234")), "has the key"));
  CHECK(says(refusal(file_of("__import__('os').system('true')", "")), "byte 10"));
  for (std::size_t length = 0; length < whole.size(); ++length) CHECK(refusal(whole.substr(0, length)) != "accepted");
}

TEST_CASE("npy: what is written is mapped in place") {
  const TemporaryFolder folder;
  const std::vector<float> x = {1, 2, 3, 4, 5, 6};
  write_npy(folder.path() / "x.npy", NpyType::f32, std::vector<std::int64_t>{3, 2}, std::as_bytes(std::span(x)));
  const NpyArray array = NpyArray::map(folder.path() / "x.npy");
  CHECK(array.shape() == std::vector<std::int64_t>{3, 2});
  const auto view = array.view<float>();
  CHECK(std::vector<float>(view.begin(), view.end()) == x);
  CHECK_THROWS_AS(array.view<std::int32_t>(), Error);
}
