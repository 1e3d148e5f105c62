// PNGs: every kind that the standard has, as tests/parity/mtl/png.py packed them; what is written reads back; hostile files are
// refused with the byte.
#include "data/image.h"

#include <doctest/doctest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "base/crc32.h"
#include "base/refusal.h"
#include "base/sha256.h"

using namespace tenfold;
using namespace tenfold::data;
using tenfold::test::refusal;
using tenfold::test::says;

namespace {

std::string bytes_of_hex(const std::string& hex) {
  std::string out;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) out += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  return out;
}

const nlohmann::json& golden() {
  static const auto value = nlohmann::json::parse(std::ifstream(TENFOLD_SOURCE_DIR "/tests/parity/mtl/png.json"));
  return value;
}

std::string word(std::uint32_t v) {
  return {static_cast<char>(v >> 24), static_cast<char>(v >> 16), static_cast<char>(v >> 8), static_cast<char>(v)};
}

std::string chunk(const std::string& type, const std::string& content) {
  return word(static_cast<std::uint32_t>(content.size())) + type + content + word(crc32(type + content));
}

std::string said(const std::string& bytes) {
  return refusal([&] { parse_png(bytes, "f.png"); });
}

std::string gradient() {
  std::vector<std::uint8_t> values;
  for (int i = 0; i < 8 * 5 * 3; ++i) values.push_back(static_cast<std::uint8_t>(i * 7));
  return png_bytes(values, 8, 5, 3);
}

}  // namespace

TEST_CASE("png: greys, colours, palettes, interlacing, opaque alpha") {
  REQUIRE(golden()["cases"].size() == 12);
  for (const auto& one : golden()["cases"]) {
    CAPTURE(one["name"]);
    const PngImage image = parse_png(bytes_of_hex(one["png"]), "f.png");
    CHECK(image.height == one["height"]);
    CHECK(image.width == one["width"]);
    CHECK(image.channels == one["channels"]);
    CHECK(image.maximum == one["maximum"]);
    CHECK(image.values == one["values"].get<std::vector<std::uint16_t>>());
  }
}

TEST_CASE("png: what is written reads back, with the same bytes always") {
  for (const int channels : {1, 3}) {
    std::vector<std::uint8_t> values;
    for (int i = 0; i < 19 * 23 * channels; ++i) values.push_back(static_cast<std::uint8_t>(i * i * 31 + i));
    const std::string bytes = png_bytes(values, 23, 19, channels);
    CHECK(bytes == png_bytes(values, 23, 19, channels));
    const PngImage image = parse_png(bytes, "f.png");
    CHECK(image.width == 23);
    CHECK(image.height == 19);
    CHECK(image.channels == channels);
    CHECK(std::equal(values.begin(), values.end(), image.values.begin(), image.values.end()));
  }
  CHECK(sha256_hex(gradient()) == "3d15f66c7f03b053f0ff478a900be0570e9f906153bc2d83eca75c18db933104");
}

TEST_CASE("png: hostile files are refused in one line with the byte") {
  const std::string good = gradient();
  CHECK(said(good) == "accepted");
  CHECK(said("GIF89a") == "f.png: byte 0: no PNG: its signature is missing");
  CHECK(said("") == "f.png: byte 0: no PNG: its signature is missing");
  // Cut anywhere: refused.
  for (std::size_t length = 0; length < good.size(); ++length) CHECK(said(good.substr(0, length)) != "accepted");
  CHECK(says(said(good.substr(0, good.size() - 5)), "the PNG ends early"));
  // Any single bit changed: a checksum, a length or the signature tells.
  for (std::size_t at = 0; at < good.size(); ++at) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 4);
    CHECK(said(bad) != "accepted");
  }
  CHECK(says(said(bytes_of_hex(golden()["transparent"])), "transparent pixels"));
}

TEST_CASE("png: headers that lie") {
  const std::string signature = "\x89PNG\r\n\x1a\n", end = chunk("IEND", "");
  const auto header = [](std::uint32_t width, std::uint32_t height, const std::string& rest) {
    return chunk("IHDR", word(width) + word(height) + rest);
  };
  using namespace std::string_literals;
  const std::string grey8 = "\x08\x00\x00\x00\x00"s;
  CHECK(says(said(signature + header(0xffffffff, 1, grey8) + end), "a PNG of 4294967295x1 pixels is not read"));
  CHECK(says(said(signature + header(30000, 30000, grey8) + end), "is not read"));
  CHECK(says(said(signature + header(0, 4, grey8) + end), "0x4"));
  CHECK(says(said(signature + header(4, 4, "\x07\x00\x00\x00\x00"s) + end), "that no PNG has"));
  CHECK(says(said(signature + header(4, 4, "\x10\x03\x00\x00\x00"s) + end), "that no PNG has"));
  CHECK(says(said(signature + header(4, 4, grey8) + end), "has no pixels"));
  CHECK(says(said(signature + end), "does not begin with a header"));
  CHECK(says(said(signature + header(1, 1, grey8) + chunk("\0DAT"s, "") + end), "not made of letters"));
  CHECK(says(said(signature + header(1, 1, grey8) + chunk("ABCD", "") + end), "has no pixels"));
  // One pixel, packed as stored deflate: 2 bytes due (filter and grey), 3 there; then 1.
  const std::string three = "\x78\x01\x01\x03\x00\xfc\xff\x00\x05\x06\x00\x13\x00\x0c"s,
                    one = "\x78\x01\x01\x01\x00\xfe\xff\x00\x00\x01\x00\x01"s;
  CHECK(says(said(signature + header(1, 1, grey8) + chunk("IDAT", three) + end), "unpacks to more than its size takes"));
  CHECK(says(said(signature + header(1, 1, grey8) + chunk("IDAT", one) + end), "pixels end early"));
  CHECK(says(said(signature + header(1, 1, grey8) + chunk("IDAT", "not deflated") + end), "do not unpack"));
  const std::string two = "\x78\x01\x01\x02\x00\xfd\xff\x00\x05\x00\x07\x00\x06"s;
  CHECK(says(said(signature + header(1, 1, grey8) + chunk("IDAT", two) + chunk("ABCD", "") + end), "is not read"));
  CHECK(parse_png(signature + header(1, 1, grey8) + chunk("IDAT", two) + end, "f.png").values == std::vector<std::uint16_t>{5});
}
