// SHA-256 through libcrypto. Its low-level functions, deprecated in favour of ones that hide their state: the state is what a
// checkpoint keeps. They also read no openssl.cnf.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "base/sha256.h"

#include <openssl/sha.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <vector>

#include "base/error.h"
#include "base/files.h"

namespace tenfold {

namespace {

std::string hex_of(std::span<const unsigned char> bytes) {
  std::string text;
  for (const unsigned char byte : bytes) {
    text += "0123456789abcdef"[byte >> 4];
    text += "0123456789abcdef"[byte & 15];
  }
  return text;
}

// Empty if the text is no hexadecimal.
std::vector<unsigned char> bytes_of(std::string_view hex) {
  const auto digit = [](char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1; };
  std::vector<unsigned char> bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    const int high = digit(hex[i]), low = digit(hex[i + 1]);
    if (high < 0 || low < 0) return {};
    bytes.push_back(static_cast<unsigned char>(high * 16 + low));
  }
  return bytes;
}

}  // namespace

struct Sha256::Context {
  SHA256_CTX state;
};

Sha256::Sha256() : context_(std::make_unique<Context>()) { SHA256_Init(&context_->state); }

Sha256::Sha256(Sha256&&) noexcept = default;
Sha256::~Sha256() = default;

void Sha256::update(std::span<const std::byte> bytes) { SHA256_Update(&context_->state, bytes.data(), bytes.size()); }

void Sha256::update(std::string_view text) { update(std::as_bytes(std::span(text))); }

std::string Sha256::hex() {
  std::array<unsigned char, 32> digest{};
  SHA256_Final(digest.data(), &context_->state);
  return hex_of(digest);
}

// The eight words and the length in bits, low word first, as they lie in memory; then the bytes that do not fill a block yet.
std::string Sha256::save() const {
  const SHA256_CTX& state = context_->state;
  std::vector<unsigned char> bytes(sizeof state.h + 8 + state.num);
  std::memcpy(bytes.data(), state.h, sizeof state.h);
  std::memcpy(bytes.data() + sizeof state.h, &state.Nl, 4);
  std::memcpy(bytes.data() + sizeof state.h + 4, &state.Nh, 4);
  std::memcpy(bytes.data() + sizeof state.h + 8, state.data, state.num);
  return hex_of(bytes);
}

Sha256 Sha256::restore(std::string_view saved) {
  constexpr std::size_t kWords = 32, kHead = kWords + 8;
  const std::vector<unsigned char> bytes = bytes_of(saved);
  Sha256 hash;
  SHA256_CTX& state = hash.context_->state;
  if (bytes.size() >= kHead) {
    std::memcpy(state.h, bytes.data(), kWords);
    std::memcpy(&state.Nl, bytes.data() + kWords, 4);
    std::memcpy(&state.Nh, bytes.data() + kWords + 4, 4);
  }
  state.num = state.Nl / 8 % 64;
  if (bytes.size() != kHead + state.num || saved.size() != 2 * bytes.size())
    input_error("a saved state of SHA-256 does not read");
  std::memcpy(state.data, bytes.data() + kHead, state.num);
  return hash;
}

std::string sha256_hex(std::span<const std::byte> bytes) {
  Sha256 hash;
  hash.update(bytes);
  return hash.hex();
}

std::string sha256_hex(std::string_view text) { return sha256_hex(std::as_bytes(std::span(text))); }

std::string sha256_file(const std::filesystem::path& path) { return sha256_hex(MappedFile(path).bytes()); }

}  // namespace tenfold
