// SHA-256 (FIPS 180-4), as lower-case hexadecimal.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace tenfold {

// A hash fed piece by piece.
class Sha256 {
 public:
  Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;
  ~Sha256();
  void update(std::span<const std::byte> bytes);
  void update(std::string_view text);
  // The digest of everything fed so far; the object must not be fed afterwards.
  std::string hex();

  // What was fed so far, as a short text from which another process goes on. restore() throws Error input if it is none.
  std::string save() const;
  static Sha256 restore(std::string_view saved);

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

std::string sha256_hex(std::span<const std::byte> bytes);
std::string sha256_hex(std::string_view text);

// Throws Error input if the file cannot be read.
std::string sha256_file(const std::filesystem::path& path);

}  // namespace tenfold
