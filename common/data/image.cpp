// The structure of a PNG (RFC 2083) is checked here, its pixels are decoded by stb.
#include "data/image.h"

#include <zlib.h>

#include <array>
#include <optional>

#include "base/crc32.h"
#include "base/error.h"
#include "base/files.h"
#include "data/stb_png.h"

namespace tenfold::data {

namespace {

constexpr std::string_view kSignature = "\x89PNG\r\n\x1a\n";
constexpr std::uint32_t kLongestSide = 1 << 15;
constexpr std::uint64_t kMostPixels = std::uint64_t{1} << 28;

[[noreturn]] void fail(const std::string& file, std::size_t byte, const std::string& what) {
  input_error(file + ": byte " + std::to_string(byte) + ": " + what);
}

std::uint32_t big_endian(std::string_view bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
  return value;
}

struct Chunk {
  std::string_view type, content;
  std::size_t begin = 0, end = 0;  // in the file
};

// The chunk at `at`, its checksum compared.
Chunk chunk_at(std::string_view bytes, std::size_t at, const std::string& file) {
  if (bytes.size() - at < 12) fail(file, bytes.size(), "the PNG ends early");
  const std::size_t length = big_endian(bytes, at);
  if (length > bytes.size() - at - 12) fail(file, bytes.size(), "the PNG ends early");
  Chunk chunk{bytes.substr(at + 4, 4), bytes.substr(at + 8, length), at, at + 12 + length};
  if (crc32(bytes.substr(at + 4, length + 4)) != big_endian(bytes, at + 8 + length))
    fail(file, at, "a PNG chunk's checksum is wrong");
  return chunk;
}

PngHeader header_of(const Chunk& chunk, const std::string& file) {
  if (chunk.type != "IHDR" || chunk.content.size() != 13) fail(file, chunk.begin, "the PNG does not begin with a header");
  const std::string_view c = chunk.content;
  const std::uint32_t width = big_endian(c, 0), height = big_endian(c, 4);
  if (width == 0 || height == 0 || width > kLongestSide || height > kLongestSide || std::uint64_t{width} * height > kMostPixels)
    fail(file, chunk.begin + 8, "a PNG of " + std::to_string(width) + "x" + std::to_string(height) + " pixels is not read");
  const int bits = c[8], colour = c[9];
  const bool known_colour = colour == 0 || colour == 2 || colour == 3 || colour == 4 || colour == 6;
  const bool known_bits =
      bits == 8 || (bits == 16 && colour != 3) || ((bits == 1 || bits == 2 || bits == 4) && (colour == 0 || colour == 3));
  if (!known_colour || !known_bits || c[10] != 0 || c[11] != 0 || (c[12] != 0 && c[12] != 1))
    fail(file, chunk.begin + 16, "the PNG's header has a colour type, depth, packing or interlacing that no PNG has");
  return {.width = static_cast<int>(width),
          .height = static_cast<int>(height),
          .bits = bits,
          .palette = colour == 3,
          .grey = colour == 0 || colour == 4,
          .alpha = colour == 4 || colour == 6,
          .interlaced = c[12] == 1};
}

// Bytes of the filtered rows.
std::uint64_t raw_bytes(const PngHeader& header) {
  const int samples = header.palette ? 1 : (header.grey ? 1 : 3) + (header.alpha ? 1 : 0);
  const auto part = [&](int width, int height) -> std::uint64_t {
    if (width <= 0 || height <= 0) return 0;
    return static_cast<std::uint64_t>(height) *
           (1 + (static_cast<std::uint64_t>(width) * static_cast<std::uint64_t>(samples * header.bits) + 7) / 8);
  };
  if (!header.interlaced) return part(header.width, header.height);
  struct Pass {
    int x, y, dx, dy;
  };
  constexpr std::array<Pass, 7> passes = {
      {{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4}, {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}}};
  std::uint64_t sum = 0;
  for (const Pass& p : passes) sum += part((header.width - p.x + p.dx - 1) / p.dx, (header.height - p.y + p.dy - 1) / p.dy);
  return sum;
}

// Unpacks the pieces without keeping anything: they must be one whole stream of exactly `due` bytes. A bomb stops at due + 1.
class PackedLength {
 public:
  PackedLength(std::uint64_t due, const std::string& file) : due_(due), file_(file) {
    if (inflateInit(&stream_) != Z_OK) machine_error("out of memory while unpacking " + file);
  }
  PackedLength(const PackedLength&) = delete;
  PackedLength& operator=(const PackedLength&) = delete;
  ~PackedLength() { inflateEnd(&stream_); }

  void add(const Chunk& chunk) {
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(chunk.content.data()));
    stream_.avail_in = static_cast<uInt>(chunk.content.size());
    while (stream_.avail_in > 0 && !ended_) {
      stream_.next_out = reinterpret_cast<Bytef*>(buffer_.data());
      stream_.avail_out = static_cast<uInt>(buffer_.size());
      const int status = inflate(&stream_, Z_NO_FLUSH);
      length_ += buffer_.size() - stream_.avail_out;
      if (length_ > due_) fail(file_, chunk.begin, "the PNG unpacks to more than its size takes");
      if (status == Z_NEED_DICT || (status < 0 && status != Z_BUF_ERROR))
        fail(file_, chunk.begin, "the PNG's pixels do not unpack");
      ended_ = status == Z_STREAM_END;
    }
  }
  void finish(std::size_t byte) const {
    if (!ended_ || length_ != due_) fail(file_, byte, "the PNG's pixels end early");
  }

 private:
  std::uint64_t due_;
  const std::string& file_;
  z_stream stream_{};
  std::array<char, 1 << 14> buffer_;
  std::uint64_t length_ = 0;
  bool ended_ = false;
};

// Walks over all chunks; returns the header with what a tRNS chunk adds.
PngHeader check_structure(std::string_view bytes, const std::string& file) {
  PngHeader header = parse_png_header(bytes, file);
  PackedLength packed(raw_bytes(header), file);
  bool pixels = false, ended = false;
  std::size_t at = chunk_at(bytes, kSignature.size(), file).end;
  while (!ended) {
    const Chunk chunk = chunk_at(bytes, at, file);
    for (const char c : chunk.type)
      if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z')))
        fail(file, chunk.begin, "a PNG chunk's name is not made of letters");
    if (chunk.type == "IDAT") packed.add(chunk);
    pixels = pixels || chunk.type == "IDAT";
    header.alpha = header.alpha || chunk.type == "tRNS";
    ended = chunk.type == "IEND";
    at = chunk.end;
  }
  if (!pixels) fail(file, at, "the PNG has no pixels");
  packed.finish(at);
  return header;
}

// Without the alpha channel. Nothing where a pixel is not opaque.
std::optional<std::vector<std::uint16_t>> opaque(const StbImage& image, std::uint16_t white) {
  const auto channels = static_cast<std::size_t>(image.channels);
  std::vector<std::uint16_t> out;
  out.reserve(image.values.size() / channels * (channels - 1));
  for (std::size_t i = 0; i < image.values.size(); i += channels) {
    if (image.values[i + channels - 1] != white) return std::nullopt;
    out.insert(out.end(), image.values.begin() + static_cast<std::ptrdiff_t>(i),
               image.values.begin() + static_cast<std::ptrdiff_t>(i + channels - 1));
  }
  return out;
}

}  // namespace

PngHeader parse_png_header(std::string_view bytes, const std::string& file) {
  if (!bytes.starts_with(kSignature)) fail(file, 0, "no PNG: its signature is missing");
  return header_of(chunk_at(bytes, kSignature.size(), file), file);
}

PngImage parse_png(std::string_view bytes, const std::string& file) {
  const PngHeader header = check_structure(bytes, file);
  if (bytes.size() > std::uint64_t{1} << 30) fail(file, 0, "a PNG of more than 2^30 bytes is not read");
  const bool wide = header.bits == 16;
  StbImage decoded = stb_decode_png(bytes, wide);
  if (!decoded.failure.empty()) input_error(file + ": the PNG is not read: " + decoded.failure);
  PngImage image{.width = decoded.width,
                 .height = decoded.height,
                 .channels = decoded.channels,
                 .maximum = wide ? 65535 : 255,
                 .values = {}};
  if (decoded.channels == 2 || decoded.channels == 4) {
    auto kept = opaque(decoded, static_cast<std::uint16_t>(image.maximum));
    if (!kept) input_error(file + ": the PNG has transparent pixels; save it without transparency");
    image.values = std::move(*kept);
    --image.channels;
  } else {
    image.values = std::move(decoded.values);
  }
  // stb spreads greys of few bits over 0..255.
  if (header.grey && header.bits < 8) {
    image.maximum = (1 << header.bits) - 1;
    for (std::uint16_t& value : image.values) value = static_cast<std::uint16_t>(value / (255 / image.maximum));
  }
  return image;
}

PngImage read_png(const std::filesystem::path& path) {
  const MappedFile file(path);
  return parse_png(file.text(), path.string());
}

std::string png_bytes(std::span<const std::uint8_t> values, int width, int height, int channels) {
  if (width < 1 || height < 1 || (channels != 1 && channels != 3) ||
      values.size() != static_cast<std::size_t>(width) * static_cast<std::size_t>(height) * static_cast<std::size_t>(channels))
    machine_error("a PNG of " + std::to_string(width) + "x" + std::to_string(height) + "x" + std::to_string(channels) + " from " +
                  std::to_string(values.size()) + " values");
  std::string out = stb_encode_png(values, width, height, channels);
  if (out.empty()) machine_error("out of memory while writing a PNG");
  return out;
}

}  // namespace tenfold::data
