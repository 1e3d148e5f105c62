// Safetensors: round trips, fixed bytes, and headers that lie.
#include "data/safetensors.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <string>

#include "base/error.h"
#include "base/files.h"
#include "base/temporary_folder.h"

using namespace tenfold;
using namespace tenfold::data;

namespace {

std::string file_of(const std::string& header, const std::string& data) {
  const std::uint64_t length = header.size();
  return std::string(reinterpret_cast<const char*>(&length), 8) + header + data;
}

std::span<const std::byte> bytes_of(const std::string& text) { return std::as_bytes(std::span(text)); }

std::string error_of(const std::string& file) {
  try {
    Safetensors::parse(bytes_of(file), "f.safetensors");
  } catch (const Error& error) {
    CHECK(error.exit_code() == ExitCode::input);
    return error.what();
  }
  return "no error";
}

std::string one_tensor(const std::string& dtype, const std::string& shape, const std::string& offsets) {
  return "{\"t\":{\"dtype\":\"" + dtype + "\",\"shape\":" + shape + ",\"data_offsets\":" + offsets + "}}";
}

bool refused(const std::string& header, const std::string& data, const std::string& words) {
  const std::string error = error_of(file_of(header, data));
  const bool right = error.starts_with("f.safetensors") && error.find(words) != std::string::npos;
  if (!right) MESSAGE(header, " gave ", error);
  return right;
}

}  // namespace

TEST_CASE("what is written is read, with names, shapes and metadata") {
  const TemporaryFolder folder;
  const std::vector<double> q = {1.5, -2, std::nan(""), 4, 5, 6};
  const std::vector<float> w = {0.5f};
  const std::vector<std::int64_t> step = {1234567890123};
  const std::vector<std::uint8_t> empty;
  const std::vector<TensorSource> tensors = {tensor_source("w", {1}, w), tensor_source("q", {2, 3}, q),
                                             tensor_source("step", {}, step), tensor_source("none", {0, 7}, empty)};
  write_safetensors(folder / "x", tensors, {{"format", "pt"}, {"a", "b"}});
  const Safetensors file = Safetensors::open(folder / "x");
  CHECK(file.tensors().size() == 4);
  CHECK(file.metadata().at("format") == "pt");
  const TensorView& read = file.at("q");
  CHECK(read.shape == std::vector<std::int64_t>{2, 3});
  CHECK(read.elements() == 6);
  CHECK(std::memcmp(read.values<double>().data(), q.data(), 48) == 0);
  CHECK(file.at("step").shape.empty());
  CHECK(file.at("step").values<std::int64_t>() == step);
  CHECK(file.at("w").to_doubles() == std::vector<double>{0.5});
  CHECK(file.at("none").elements() == 0);
  CHECK(file.find("W") == nullptr);
  CHECK_THROWS_WITH(file.at("stepp"), doctest::Contains("the nearest is \"step\""));
  CHECK_THROWS_AS(file.at("q").values<float>(), Error);
}

TEST_CASE("the bytes are fixed, whatever the order of the tensors, and every tensor is aligned") {
  const std::vector<double> d = {1};
  const std::vector<std::int32_t> i = {2};
  const std::vector<std::uint8_t> u = {3, 4, 5};
  const TensorSource a = tensor_source("z", {1}, d), b = tensor_source("i", {1}, i), c = tensor_source("u", {3}, u);
  const std::string forward = safetensors_bytes(std::vector{a, b, c});
  CHECK(forward == safetensors_bytes(std::vector{c, b, a}));
  std::string header =
      "{\"z\":{\"dtype\":\"F64\",\"shape\":[1],\"data_offsets\":[0,8]},\"i\":{\"dtype\":\"I32\",\"shape\":[1],\"data_offsets\":["
      "8,12]},"
      "\"u\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[12,15]}}";
  header.resize((header.size() + 7) / 8 * 8, ' ');
  const std::string data("\0\0\0\0\0\0\xf0\x3f\2\0\0\0\3\4\5", 15);
  CHECK(forward == file_of(header, data));
}

TEST_CASE("16-bit floats by hand") {
  // 1, -2, 65504, 2^-24, infinity, NaN as IEEE half; 1, -2, NaN as bfloat16.
  const std::string half("\x00\x3c\x00\xc0\xff\x7b\x01\x00\x00\x7c\x01\x7e", 12);
  const std::string file = file_of(one_tensor("F16", "[6]", "[0,12]"), half);
  const std::vector<double> values = Safetensors::parse(bytes_of(file), "f").at("t").to_doubles();
  CHECK(values[0] == 1);
  CHECK(values[1] == -2);
  CHECK(values[2] == 65504);
  CHECK(values[3] == 0x1p-24);
  CHECK(std::isinf(values[4]));
  CHECK(std::isnan(values[5]));
  const std::string brain("\x80\x3f\x00\xc0\xc0\x7f", 6);
  const std::string other = file_of(one_tensor("BF16", "[3]", "[0,6]"), brain);
  const std::vector<double> read = Safetensors::parse(bytes_of(other), "f").at("t").to_doubles();
  CHECK(read[0] == 1);
  CHECK(read[1] == -2);
  CHECK(std::isnan(read[2]));
}

TEST_CASE("integers and booleans as doubles") {
  const std::string file = file_of(
      "{\"b\":{\"dtype\":\"BOOL\",\"shape\":[2],\"data_offsets\":[0,2]},\"i\":{\"dtype\":\"I8\",\"shape\":[1],\"data_offsets\":["
      "2,3]},"
      "\"s\":{\"dtype\":\"I16\",\"shape\":[1],\"data_offsets\":[3,5]}}",
      std::string("\1\0\xff\xfe\xff", 5));
  const Safetensors read = Safetensors::parse(bytes_of(file), "f");
  CHECK(read.at("b").to_doubles() == std::vector<double>{1, 0});
  CHECK(read.at("i").to_doubles() == std::vector<double>{-1});
  CHECK(read.at("s").to_doubles() == std::vector<double>{-2});
  CHECK(read.at("b").values<std::uint8_t>() == std::vector<std::uint8_t>{1, 0});
}

TEST_CASE("a file that is none, or cut off") {
  CHECK(error_of("").find("no safetensors file") != std::string::npos);
  CHECK(error_of("1234567").find("no safetensors file") != std::string::npos);
  const std::uint64_t huge = ~std::uint64_t{0};
  CHECK(error_of(std::string(reinterpret_cast<const char*>(&huge), 8)).find("100 MB") != std::string::npos);
  const std::uint64_t beyond = 1000;
  CHECK(error_of(std::string(reinterpret_cast<const char*>(&beyond), 8) + "{}").find("cut off") != std::string::npos);
  CHECK(refused("[]", "", "does not begin with '{'"));
  CHECK(refused("", "", "does not begin with '{'"));
  CHECK(refused("{\"t\":", "", "header"));
  CHECK(error_of(file_of("{}", "")) == "no error");
}

TEST_CASE("headers that lie are refused") {
  const std::string data(8, 'x');
  CHECK(refused(one_tensor("F32", "[2]", "[0,16]"), data, "outside"));
  CHECK(refused(one_tensor("F32", "[2]", "[8,0]"), data, "outside"));
  CHECK(refused(one_tensor("F32", "[3]", "[0,8]"), data, "takes 8 bytes where its shape and dtype take 12"));
  CHECK(refused(one_tensor("F32", "[4611686018427387904,4]", "[0,8]"), data, "more elements"));
  CHECK(refused(one_tensor("F64", "[2305843009213693952]", "[0,0]"), data, "more elements"));
  CHECK(refused(one_tensor("F32", "[-2]", "[0,8]"), data, "natural"));
  CHECK(refused(one_tensor("F32", "[2.0]", "[0,8]"), data, "natural"));
  CHECK(refused(one_tensor("F32", "[2]", "[0,99999999999999999999]"), data, "natural"));
  CHECK(refused(one_tensor("F32", "[2]", "[0]"), data, "two data_offsets"));
  CHECK(refused(one_tensor("C64", "[1]", "[0,8]"), data, "dtype C64"));
  CHECK(refused("{\"t\":1}", data, "needs dtype"));
  CHECK(refused("{\"__metadata__\":{\"a\":1}}", "", "is no text"));
  CHECK(refused("{}", data, "belong to no tensor"));
  CHECK(refused(one_tensor("F32", "[1]", "[4,8]"), data, "before it belong to no tensor"));
  CHECK(refused(one_tensor("F32", "[1]", "[0,4]"), data, "at its end"));
}

TEST_CASE("tensors that overlap, or share a name, are refused") {
  const auto two = [](const std::string& first, const std::string& second, const std::string& name) {
    return "{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":" + first + "},\"" + name +
           "\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":" + second + "}}";
  };
  CHECK(refused(two("[0,4]", "[2,6]", "b"), std::string(6, 'x'), "overlaps"));
  CHECK(refused(two("[0,4]", "[0,4]", "b"), std::string(4, 'x'), "overlaps"));
  CHECK(refused(two("[0,4]", "[4,8]", "a"), std::string(8, 'x'), "already"));
  CHECK(error_of(file_of(two("[4,8]", "[0,4]", "b"), std::string(8, 'x'))) == "no error");
}

TEST_CASE("what is not consistent is not written") {
  const std::vector<double> d = {1, 2};
  CHECK_THROWS_AS(safetensors_bytes(std::vector{tensor_source("a", {3}, d)}), Error);
  CHECK_THROWS_AS(safetensors_bytes(std::vector{tensor_source("a", {-2}, d)}), Error);
  CHECK_THROWS_AS(safetensors_bytes(std::vector{tensor_source("a", {2}, d), tensor_source("a", {2}, d)}), Error);
  CHECK_THROWS_AS(safetensors_bytes(std::vector{tensor_source("__metadata__", {2}, d)}), Error);
  CHECK_THROWS_AS(safetensors_bytes(std::vector{tensor_source("\xff", {2}, d)}), Error);
}
