// Reading .npz by libzip, from bytes in memory or mapped. What an archive states is checked before memory is taken for it.
#include "data/npz.h"

#include <zip.h>

#include <algorithm>
#include <cstring>
#include <unordered_map>

#include "base/error.h"
#include "base/files.h"
#include "base/suggest.h"

namespace tenfold::data {

namespace {

constexpr std::uint64_t deflate_limit = 1032;  // bytes that one byte of deflate's output can stand for, at most
constexpr std::size_t chunk = 1 << 24;         // bytes read at a time

struct ZipClose {
  void operator()(zip_t* archive) const { zip_discard(archive); }
};
struct MemberClose {
  void operator()(zip_file_t* member) const { zip_fclose(member); }
};

std::string text_of(zip_error_t* error) {
  std::string text = zip_error_strerror(error);
  zip_error_fini(error);
  return text;
}

// Where the end of central directory begins; nothing where the file has none.
std::size_t directory_end(std::span<const std::byte> bytes) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const std::size_t from = text.size() < 65557 ? 0 : text.size() - 65557;  // 22 bytes and the longest comment
  const std::size_t found = text.substr(from).rfind("PK\x05\x06");
  return found == std::string_view::npos ? found : from + found;
}

}  // namespace

struct Npz::Contents {
  struct Member {
    zip_uint64_t index = 0;
    std::uint64_t size = 0;  // inflated
  };

  std::string file;
  std::shared_ptr<const void> owner;
  std::unique_ptr<zip_t, ZipClose> archive;
  std::vector<std::string> names;
  std::unordered_map<std::string, Member> members;

  std::string member_name(std::string_view name) const { return file + ": member " + std::string(name) + ".npy"; }

  void open(std::span<const std::byte> bytes) {
    const std::size_t end = directory_end(bytes);
    if (end == std::string::npos)
      input_error(file + ": byte " + std::to_string(bytes.size()) +
                  ": ends without the directory of a zip archive; the file may be cut off");
    zip_error_t error;
    zip_error_init(&error);
    zip_source_t* source = zip_source_buffer_create(bytes.data(), bytes.size(), 0, &error);
    if (source == nullptr) machine_error(file + ": " + text_of(&error));
    archive.reset(zip_open_from_source(source, ZIP_RDONLY | ZIP_CHECKCONS, &error));
    if (archive == nullptr) {
      zip_source_free(source);
      input_error(file + ": byte " + std::to_string(end) + ": the archive's directory does not fit its members (" +
                  text_of(&error) + ")");
    }
    zip_error_fini(&error);
    list();
  }

  void list() {
    const zip_int64_t count = zip_get_num_entries(archive.get(), 0);
    for (zip_int64_t i = 0; i < count; ++i) {
      zip_stat_t stat;
      const auto index = static_cast<zip_uint64_t>(i);
      if (zip_stat_index(archive.get(), index, ZIP_FL_ENC_RAW, &stat) != 0 || (stat.valid & ZIP_STAT_NAME) == 0 ||
          (stat.valid & ZIP_STAT_SIZE) == 0 || (stat.valid & ZIP_STAT_COMP_SIZE) == 0)
        input_error(file + ": member number " + std::to_string(i) + " has no name or no size");
      const std::string name = stat.name;
      if (!name.ends_with(".npy")) continue;
      const std::string where = file + ": member " + name;
      if ((stat.valid & ZIP_STAT_ENCRYPTION_METHOD) != 0 && stat.encryption_method != ZIP_EM_NONE)
        input_error(where + ": is encrypted; re-save it without a password");
      if (stat.comp_method != ZIP_CM_STORE && stat.comp_method != ZIP_CM_DEFLATE)
        input_error(where + ": is packed by method " + std::to_string(stat.comp_method) + "; stored and deflated ones are read");
      if (stat.size / deflate_limit > stat.comp_size || (stat.comp_method == ZIP_CM_STORE && stat.size != stat.comp_size))
        input_error(where + ": states " + std::to_string(stat.size) + " bytes, which its " + std::to_string(stat.comp_size) +
                    " packed ones cannot hold");
      names.push_back(name.substr(0, name.size() - 4));
      if (!members.emplace(names.back(), Member{index, stat.size}).second) input_error(where + ": is there twice");
    }
  }

  const Member& at(std::string_view name) const {
    const auto found = members.find(std::string(name));
    if (found != members.end()) return found->second;
    const std::string near = nearest(name, names);
    input_error(file + ": no array \"" + std::string(name) + "\"" + (near.empty() ? "" : "; the nearest is \"" + near + "\""));
  }

  // The first `size` bytes of a member's content; all of it is checked against its checksum.
  void read(std::string_view name, const Member& member, std::span<std::byte> out) const {
    const std::unique_ptr<zip_file_t, MemberClose> opened(zip_fopen_index(archive.get(), member.index, 0));
    if (opened == nullptr) input_error(member_name(name) + ": " + zip_strerror(archive.get()));
    std::size_t done = 0;
    const auto fail = [&](const std::string& what) {
      input_error(member_name(name) + ": byte " + std::to_string(done) + " of its content: " + what);
    };
    while (done < out.size()) {
      const zip_int64_t got = zip_fread(opened.get(), out.data() + done, std::min(out.size() - done, chunk));
      if (got < 0) fail(zip_file_strerror(opened.get()));
      if (got == 0) fail("ends early; the archive states " + std::to_string(member.size) + " bytes");
      done += static_cast<std::size_t>(got);
    }
    if (out.size() < member.size) return;
    // The checksum is compared when the end is read.
    char more = 0;
    const zip_int64_t got = zip_fread(opened.get(), &more, 1);
    if (got < 0) fail(zip_file_strerror(opened.get()));
    if (got > 0) fail("goes on; the archive states " + std::to_string(member.size) + " bytes");
  }

  NpyHeader header(std::string_view name, const Member& member) const {
    std::vector<std::byte> begin(std::min<std::uint64_t>(member.size, 512));
    read(name, member, begin);
    const std::size_t length = npy_header_length(begin, member_name(name));
    if (length > begin.size() && member.size > begin.size()) {
      begin.resize(std::min<std::uint64_t>(member.size, length));
      read(name, member, begin);
    }
    return parse_npy_header(begin, member_name(name));
  }
};

Npz::Npz(std::unique_ptr<Contents> contents) : contents_(std::move(contents)) {}
Npz::Npz(Npz&&) noexcept = default;
Npz& Npz::operator=(Npz&&) noexcept = default;
Npz::~Npz() = default;

Npz Npz::open(const std::filesystem::path& path) {
  const auto mapping = std::make_shared<const MappedFile>(path);
  return parse(mapping->bytes(), path.string(), mapping);
}

Npz Npz::parse(std::span<const std::byte> bytes, const std::string& file, std::shared_ptr<const void> owner) {
  auto contents = std::make_unique<Contents>();
  contents->file = file;
  contents->owner = std::move(owner);
  contents->open(bytes);
  return Npz(std::move(contents));
}

const std::string& Npz::file() const { return contents_->file; }
const std::vector<std::string>& Npz::names() const { return contents_->names; }
bool Npz::has(std::string_view name) const { return contents_->members.contains(std::string(name)); }
NpyHeader Npz::header(std::string_view name) const { return contents_->header(name, contents_->at(name)); }

NpyArray Npz::load(std::string_view name) const {
  const Contents::Member& member = contents_->at(name);
  const NpyHeader header = contents_->header(name, member);
  const std::string where = contents_->member_name(name);
  // Before memory is taken: the array's own size and the archive's agree.
  if (header.type != NpyType::other && header.data_offset + header.elements() * size_of(header.type) != member.size)
    input_error(where + ": byte " + std::to_string(member.size) + " of its content: the array's shape and dtype take " +
                std::to_string(header.data_offset + header.elements() * size_of(header.type)) + " bytes");
  if (header.is_object())
    input_error(where + ": an object array, which is a pickle and never executed; re-save it as an array of numbers");
  const auto bytes = std::make_shared_for_overwrite<std::byte[]>(member.size);
  const std::span<std::byte> all(bytes.get(), member.size);
  contents_->read(name, member, all);
  return NpyArray::parse(all, where, bytes);
}

}  // namespace tenfold::data
