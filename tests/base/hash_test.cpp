// SHA-256 (FIPS 180-4's examples) and CRC-32 (the check value of its catalogue).
#include <doctest/doctest.h>

#include <fstream>
#include <string>

#include "base/crc32.h"
#include "base/error.h"
#include "base/sha256.h"
#include "base/temporary_folder.h"

using namespace tenfold;

TEST_CASE("SHA-256 of the standard's messages") {
  CHECK(sha256_hex(std::string_view("")) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(sha256_hex(std::string_view("abc")) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  const std::string a(1000000, 'a');
  const std::string million = "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0";
  CHECK(sha256_hex(std::string_view(a)) == million);
  Sha256 pieces;
  for (std::size_t at = 0; at < a.size(); at += 777) pieces.update(std::string_view(a).substr(at, 777));
  CHECK(pieces.hex() == million);
}

TEST_CASE("SHA-256 goes on from its saved text, at every length in a block") {
  const std::string a(200, 'x');
  for (std::size_t cut = 0; cut <= 130; ++cut) {
    Sha256 first;
    first.update(std::string_view(a).substr(0, cut));
    Sha256 second = Sha256::restore(first.save());
    second.update(std::string_view(a).substr(cut));
    CHECK(second.hex() == sha256_hex(std::string_view(a)));
  }
  Sha256 started;
  started.update("abc");
  const std::string saved = started.save();
  for (const std::string& text : {std::string(), saved.substr(1), saved + "00", std::string(saved.size(), 'z'), saved.substr(2)})
    CHECK_THROWS_AS(Sha256::restore(text), Error);
}

TEST_CASE("a file's hash is that of its bytes") {
  const TemporaryFolder folder;
  std::ofstream(folder / "x", std::ios::binary) << std::string("a\0b\n", 4);
  CHECK(sha256_file(folder / "x") == sha256_hex(std::string_view("a\0b\n", 4)));
  CHECK_THROWS_AS(sha256_file(folder / "missing"), Error);
}

TEST_CASE("CRC-32 of 123456789, in one piece and in two") {
  CHECK(crc32(std::string_view("123456789")) == 0xCBF43926u);
  CHECK(crc32(std::string_view("6789"), crc32(std::string_view("12345"))) == 0xCBF43926u);
  CHECK(crc32(std::string_view("")) == 0);
  CHECK(crc32(std::string_view(""), 17) == 17);
}
