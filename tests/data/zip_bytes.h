// Zip archives made by hand, right or wrong in one place, for the .npz reader's tests.
#pragma once

#include <zlib.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace tenfold::test {

struct ZipMember {
  std::string name, content;
  bool deflated = false;
  std::uint16_t method = 0xffff;         // stated in place of 0 or 8
  std::uint16_t flags = 0;               // 1: encrypted
  std::int64_t stated_size = -1;         // in place of the content's
  std::uint32_t checksum_error = 0;      // xored onto the checksum
};

inline void append_le(std::string& out, std::uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out += static_cast<char>(value >> (8 * i) & 255);
}

enum class DeflateFrame { none, gzip };  // none: as members of an archive are stored

inline std::string deflate_bytes(const std::string& content, DeflateFrame frame = DeflateFrame::none) {
  z_stream stream = {};
  deflateInit2(&stream, 9, Z_DEFLATED, frame == DeflateFrame::gzip ? 15 + 16 : -15, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&stream, content.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(content.data()));
  stream.avail_in = static_cast<uInt>(content.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

inline std::string zip_bytes(const std::vector<ZipMember>& members) {
  std::string out, directory;
  for (const ZipMember& m : members) {
    const std::string packed = m.deflated ? deflate_bytes(m.content) : m.content;
    std::string fields;
    append_le(fields, 20, 2);
    append_le(fields, m.flags, 2);
    append_le(fields, m.method != 0xffff ? m.method : m.deflated ? 8 : 0, 2);
    append_le(fields, 0x00210000, 4);  // 1980-01-01
    append_le(fields,
              crc32(0, reinterpret_cast<const Bytef*>(m.content.data()), static_cast<uInt>(m.content.size())) ^ m.checksum_error,
              4);
    append_le(fields, packed.size(), 4);
    append_le(fields, m.stated_size >= 0 ? static_cast<std::uint64_t>(m.stated_size) : m.content.size(), 4);
    append_le(fields, m.name.size(), 2);
    append_le(fields, 0, 2);
    const std::size_t offset = out.size();
    out += "PK\x03\x04" + fields + m.name + packed;
    directory += std::string("PK\x01\x02") + std::string("\x14\x00", 2) + fields;
    append_le(directory, 0, 2 + 2 + 2 + 4);
    append_le(directory, offset, 4);
    directory += m.name;
  }
  const std::size_t begin = out.size();
  out += directory + "PK\x05\x06" + std::string(4, '\0');
  append_le(out, members.size(), 2);
  append_le(out, members.size(), 2);
  append_le(out, directory.size(), 4);
  append_le(out, begin, 4);
  append_le(out, 0, 2);
  return out;
}

}  // namespace tenfold::test
