// Files: whole reads, atomic writes, advisory locks, and appending a line that several processes may append to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace tenfold {

// The whole file; "-" is standard input. Throws Error input (missing, a folder, not readable).
std::string read_file(const std::filesystem::path& path);

// Writes a temporary name in the same folder, syncs it, renames it over the path: at every moment the path holds the
// earlier file or the whole new one. Throws Error machine, the earlier file untouched and the temporary removed. A device or
// a pipe is written to as it is.
void write_file_atomic(const std::filesystem::path& path, std::string_view content);

// The same, piece by piece, for what is too large to hold as one string. Nothing appears until commit(); a writer that
// is destroyed before leaves no trace.
class AtomicFile {
 public:
  explicit AtomicFile(std::filesystem::path path);
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  ~AtomicFile();
  void write(std::span<const std::byte> bytes);
  void write(std::string_view text);
  void commit();

 private:
  std::filesystem::path path_;
  std::filesystem::path temporary_;
  int descriptor_ = -1;
};

// Appends the line and a line feed under an exclusive lock, so that processes that append at once lose nothing; creates
// the file. A torn last line (no line feed) is closed first. Throws Error machine.
void append_line_locked(const std::filesystem::path& path, std::string_view line);

// An exclusive advisory lock (flock) on a file, created if need be and never deleted; released by destruction, or by the
// system when the process dies.
class FileLock {
 public:
  // Waits until the lock is free. Throws Error machine.
  explicit FileLock(const std::filesystem::path& path);
  // Nothing if another holder (also of this process) has it.
  static std::optional<FileLock> try_lock(const std::filesystem::path& path);
  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&& other) noexcept;
  ~FileLock();

 private:
  explicit FileLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

// A file mapped read-only; empty files give an empty span. Throws Error input.
class MappedFile {
 public:
  explicit MappedFile(const std::filesystem::path& path);
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  ~MappedFile();
  std::span<const std::byte> bytes() const { return {data_, size_}; }
  std::string_view text() const { return {reinterpret_cast<const char*>(data_), size_}; }

 private:
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace tenfold
