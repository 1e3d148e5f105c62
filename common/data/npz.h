// NumPy's archives of arrays (.npz): zip files of .npy members, stored or deflated, read by libzip. Members are inflated when
// they are asked for; object arrays are pickles, are never opened, and do no harm unless they are asked for.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data/npy.h"

namespace tenfold::data {

class Npz {
 public:
  // Throws Error input, `FILE: byte N: ...`, where the archive's structure does not hold together, a name is there twice, or a
  // member is encrypted or packed otherwise than by deflate.
  static Npz open(const std::filesystem::path& path);
  // Over bytes that live as long as `owner`, or without one as this.
  static Npz parse(std::span<const std::byte> bytes, const std::string& file, std::shared_ptr<const void> owner = {});
  Npz(Npz&&) noexcept;
  Npz& operator=(Npz&&) noexcept;
  ~Npz();

  const std::string& file() const;
  const std::vector<std::string>& names() const;  // without .npy, in the archive's order; other members are passed over
  bool has(std::string_view name) const;

  // Throws Error input: no such member, or one that does not begin as a .npy file.
  NpyHeader header(std::string_view name) const;
  // The array with its bytes. Throws Error input: no such member (naming the nearest), an object array, a member that ends early
  // or whose checksum is wrong (with the byte of its content).
  NpyArray load(std::string_view name) const;

 private:
  struct Contents;
  explicit Npz(std::unique_ptr<Contents> contents);
  std::unique_ptr<Contents> contents_;
};

}  // namespace tenfold::data
