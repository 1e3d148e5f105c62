// .npz: members stored and deflated, object members passed over, and archives that are damaged or lie.
#include "data/npz.h"
#include "base/refusal.h"

#include <doctest/doctest.h>

#include <cstring>

#include "base/error.h"
#include "data/zip_bytes.h"

using namespace tenfold;
using namespace tenfold::data;
using test::zip_bytes;
using test::ZipMember;

using tenfold::test::refusal;
using tenfold::test::says;

namespace {

std::string npy(NpyType type, std::vector<std::int64_t> shape, const std::string& elements) {
  return npy_header(type, shape) + elements;
}

std::string int32s(const std::vector<std::int32_t>& values) {
  std::string out(values.size() * 4, '\0');
  std::memcpy(out.data(), values.data(), out.size());
  return npy(NpyType::i32, {static_cast<std::int64_t>(values.size())}, out);
}

std::string objects() {
  std::string file = npy(NpyType::i64, {2}, "12345678abcdefgh");
  file.replace(file.find("<i8"), 3, "|O8");
  return file;
}

Npz parse(const std::string& bytes) { return Npz::parse(std::as_bytes(std::span(bytes)), "f.npz"); }

const std::vector<std::int32_t> ramp = [] {
  std::vector<std::int32_t> out;
  for (int i = 0; i < 5000; ++i) out.push_back(i * i);
  return out;
}();

}  // namespace

TEST_CASE("npz: stored and deflated members, in the archive's order") {
  const std::string bytes = zip_bytes({{.name = "a.npy", .content = int32s({1, -2, 3})},
                                       {.name = "b.npy", .content = int32s(ramp), .deflated = true},
                                       {.name = "readme.txt", .content = "passed over"}});
  const Npz npz = parse(bytes);
  CHECK(npz.names() == std::vector<std::string>{"a", "b"});
  CHECK(npz.load("a").to_int64s() == std::vector<std::int64_t>{1, -2, 3});
  const std::vector<std::int64_t> b = npz.load("b").to_int64s();
  CHECK(b == std::vector<std::int64_t>(ramp.begin(), ramp.end()));
  CHECK(npz.header("b").shape == std::vector<std::int64_t>{5000});
  CHECK(npz.has("a"));
  CHECK_FALSE(npz.has("c"));
  CHECK(says(refusal([&] { npz.load("adj"); }), "f.npz: no array \"adj\""));
}

TEST_CASE("npz: NumPy's own compressed archive") {
  const Npz npz = Npz::open(TENFOLD_SOURCE_DIR "/sample_data/gnn/iris.npz");
  CHECK(npz.load("attr_matrix").shape() == std::vector<std::int64_t>{150, 4});
  CHECK(npz.load("attr_matrix").to_floats()[0] == 5.1f);  // the first iris: 5.1, 3.5, 1.4, 0.2
  CHECK(npz.load("adj_indptr").to_int64s().back() == 1500);
}

TEST_CASE("npz: an object member harms nobody until it is asked for") {
  const std::string bytes = zip_bytes({{.name = "names.npy", .content = objects()}, {.name = "a.npy", .content = int32s({4})}});
  const Npz npz = parse(bytes);
  CHECK(npz.load("a").to_int64s() == std::vector<std::int64_t>{4});
  CHECK(npz.header("names").is_object());
  CHECK(says(refusal([&] { npz.load("names"); }),
             "f.npz: member names.npy: an object array, which is a pickle and never executed; re-save"));
}

TEST_CASE("npz: a damaged member names itself and its byte") {
  const std::string wrong = zip_bytes({{.name = "a.npy", .content = int32s(ramp), .deflated = true, .checksum_error = 1}});
  CHECK(says(refusal([&] { parse(wrong).load("a"); }), "f.npz: member a.npy: byte 20128 of its content: CRC error"));
  std::string broken = zip_bytes({{.name = "a.npy", .content = int32s(ramp), .deflated = true}});
  for (std::size_t i = 4000; i < 4100; ++i) broken[i] = static_cast<char>(broken[i] ^ 0x55);
  CHECK(says(refusal([&] { parse(broken).load("a"); }), "f.npz: member a.npy: byte "));
}

TEST_CASE("npz: archives that lie are refused before memory is taken") {
  const auto first = [](ZipMember member) { return refusal([&] { parse(zip_bytes({member})).load("a"); }); };
  const std::string a = int32s(ramp);
  CHECK(first({.name = "a.npy", .content = a, .deflated = true}) == "accepted");
  CHECK(says(first({.name = "a.npy", .content = a, .deflated = true, .stated_size = 0xfffffff0}), "which its"));
  CHECK(says(first({.name = "a.npy", .content = a, .deflated = true, .stated_size = static_cast<std::int64_t>(a.size()) + 4}),
             "a.npy"));
  CHECK(says(first({.name = "a.npy", .content = a, .deflated = true, .stated_size = static_cast<std::int64_t>(a.size()) - 4}),
             "a.npy"));
  CHECK(says(first({.name = "a.npy", .content = a, .method = 12}), "method 12"));
  CHECK(says(first({.name = "a.npy", .content = a, .flags = 1}), "encrypted"));
  CHECK(refusal([&] {
          parse(zip_bytes({{.name = "a.npy", .content = a}, {.name = "a.npy", .content = a}}));
        }).starts_with("f.npz: "));
  std::string huge = npy(NpyType::i32, {1'000'000'000'000}, "1234");
  CHECK(says(first({.name = "a.npy", .content = huge}), "shape and dtype take 4000000000128 bytes"));
}

TEST_CASE("npz: an archive cut anywhere is refused") {
  const std::string bytes =
      zip_bytes({{.name = "a.npy", .content = int32s({1, 2})}, {.name = "b.npy", .content = int32s(ramp), .deflated = true}});
  const std::string cut = refusal([&] { parse(bytes.substr(0, bytes.size() - 30)); });
  CHECK(says(cut, "f.npz: byte " + std::to_string(bytes.size() - 30) + ": ends without the directory"));
  for (std::size_t length = 0; length < bytes.size(); length += length < 200 ? 1 : 97) {
    const std::vector<char> part(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(length));
    const std::string why = refusal([&] {
      const Npz npz = Npz::parse(std::as_bytes(std::span(part)), "f.npz");
      npz.load("a");
      npz.load("b");
    });
    CHECK(why != "accepted");
  }
}
