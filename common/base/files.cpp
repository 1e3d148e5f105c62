// Files: whole reads, atomic writes, locks, appending, mapping.
#include "base/files.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/error.h"

namespace tenfold {

namespace {

std::string reason(int error) {
  switch (error) {
    case ENOENT: return "no such file";
    case EISDIR: return "is a folder";
    case EACCES: return "permission denied";
    case ENOSPC: return "no space left on the device";
    default: return std::strerror(error);
  }
}

[[noreturn]] void fail_read(const std::filesystem::path& path, int error) {
  input_error(path.string() + ": cannot be read: " + reason(error));
}

[[noreturn]] void fail_write(const std::filesystem::path& path, int error) {
  machine_error(path.string() + ": cannot be written: " + reason(error));
}

// Closes on every way out.
struct Descriptor {
  int value;
  explicit Descriptor(int descriptor) : value(descriptor) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (value >= 0) ::close(value);
  }
};

int open_for_reading(const std::filesystem::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) fail_read(path, errno);
  return descriptor;
}

// 0, or errno.
int write_all(int descriptor, const char* data, std::size_t size) {
  while (size > 0) {
    const ssize_t written = ::write(descriptor, data, size);
    if (written < 0) {
      if (errno == EINTR) continue;
      return errno;
    }
    data += written;
    size -= static_cast<std::size_t>(written);
  }
  return 0;
}

// So that the renamed entry itself survives a power cut; file systems that cannot are left alone.
void sync_folder(const std::filesystem::path& path) {
  const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
  const Descriptor descriptor(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (descriptor.value >= 0) ::fsync(descriptor.value);
}

// In the target's folder, since a rename does not cross file systems; unique in this process and among processes.
std::filesystem::path temporary_name(const std::filesystem::path& path) {
  static std::atomic<unsigned> serial{0};
  std::filesystem::path name = path;
  name += ".tmp-" + std::to_string(::getpid()) + "-" + std::to_string(serial++);
  return name;
}

int lock_exclusively(int descriptor, bool wait) {
  while (::flock(descriptor, LOCK_EX | (wait ? 0 : LOCK_NB)) != 0) {
    if (errno != EINTR) return errno;
  }
  return 0;
}

int open_lock(const std::filesystem::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (descriptor < 0) machine_error(path.string() + ": cannot be locked: " + reason(errno));
  return descriptor;
}

}  // namespace

std::string read_file(const std::filesystem::path& path) {
  const bool standard_input = path == "-";
  const Descriptor descriptor(standard_input ? ::dup(0) : open_for_reading(path));
  if (descriptor.value < 0) input_error("standard input is closed");
  struct stat status = {};
  std::string content;
  if (::fstat(descriptor.value, &status) == 0 && S_ISREG(status.st_mode)) {
    content.reserve(static_cast<std::size_t>(status.st_size) + 1);
  }
  // Pipes and /proc have no size to go by: read until the end.
  std::array<char, 1 << 16> chunk;
  for (;;) {
    const ssize_t got = ::read(descriptor.value, chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail_read(standard_input ? std::filesystem::path("standard input") : path, errno);
    if (got == 0) return content;
    content.append(chunk.data(), static_cast<std::size_t>(got));
  }
}

void write_file_atomic(const std::filesystem::path& path, std::string_view content) {
  AtomicFile file(path);
  file.write(content);
  file.commit();
}

AtomicFile::AtomicFile(std::filesystem::path path) : path_(std::move(path)), temporary_(temporary_name(path_)) {
  std::error_code ignored;
  // A rename would replace a link by a file: what the link points to is meant.
  if (std::filesystem::is_symlink(path_, ignored)) {
    const std::filesystem::path target = std::filesystem::weakly_canonical(path_, ignored);
    if (!ignored) {
      path_ = target;
      temporary_ = temporary_name(path_);
    }
  }
  if (std::filesystem::is_directory(path_, ignored)) fail_write(path_, EISDIR);
  // A device or a pipe is written to: a rename would put a file in its place (root may do that to /dev/null).
  if (std::filesystem::is_other(path_, ignored)) {
    temporary_.clear();
    descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CLOEXEC);
    if (descriptor_ < 0) fail_write(path_, errno);
    return;
  }
  descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (descriptor_ < 0) {
    if (errno == ENOENT) machine_error(path_.string() + ": cannot be written: its folder does not exist");
    fail_write(path_, errno);
  }
}

AtomicFile::~AtomicFile() {
  if (descriptor_ < 0) return;
  ::close(descriptor_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  const int error = write_all(descriptor_, reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (error != 0) fail_write(path_, error);
}

void AtomicFile::write(std::string_view text) { write(std::as_bytes(std::span(text))); }

void AtomicFile::commit() {
  if (temporary_.empty()) {
    if (::close(std::exchange(descriptor_, -1)) != 0) fail_write(path_, errno);
    return;
  }
  struct stat earlier = {};
  if (::stat(path_.c_str(), &earlier) == 0) ::fchmod(descriptor_, earlier.st_mode & 07777);
  if (::fsync(descriptor_) != 0 && errno != EINVAL) fail_write(path_, errno);
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) fail_write(path_, errno);
  ::close(std::exchange(descriptor_, -1));
  sync_folder(path_);
}

void append_line_locked(const std::filesystem::path& path, std::string_view line) {
  const Descriptor descriptor(::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666));
  if (descriptor.value < 0) fail_write(path, errno);
  if (const int error = lock_exclusively(descriptor.value, true); error != 0) fail_write(path, error);
  struct stat status = {};
  if (::fstat(descriptor.value, &status) != 0) fail_write(path, errno);
  const bool regular = S_ISREG(status.st_mode);
  std::string text;
  char last = '\n';
  if (regular && status.st_size > 0 && ::pread(descriptor.value, &last, 1, status.st_size - 1) == 1 && last != '\n') {
    text += '\n';
  }
  text += line;
  text += '\n';
  if (const int error = write_all(descriptor.value, text.data(), text.size()); error != 0) {
    // Half a line helps nobody.
    if (regular && ::ftruncate(descriptor.value, status.st_size) != 0) fail_write(path, errno);
    fail_write(path, error);
  }
}

FileLock::FileLock(const std::filesystem::path& path) : descriptor_(open_lock(path)) {
  if (const int error = lock_exclusively(descriptor_, true); error != 0) {
    ::close(descriptor_);
    machine_error(path.string() + ": cannot be locked: " + reason(error));
  }
}

std::optional<FileLock> FileLock::try_lock(const std::filesystem::path& path) {
  FileLock lock(open_lock(path));
  const int error = lock_exclusively(lock.descriptor_, false);
  if (error == EWOULDBLOCK) return std::nullopt;
  if (error != 0) machine_error(path.string() + ": cannot be locked: " + reason(error));
  return lock;
}

FileLock::FileLock(FileLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

FileLock& FileLock::operator=(FileLock&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

FileLock::~FileLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

MappedFile::MappedFile(const std::filesystem::path& path) {
  const Descriptor descriptor(open_for_reading(path));
  struct stat status = {};
  if (::fstat(descriptor.value, &status) != 0) fail_read(path, errno);
  if (S_ISDIR(status.st_mode)) fail_read(path, EISDIR);
  if (!S_ISREG(status.st_mode)) input_error(path.string() + ": is no regular file");
  size_ = static_cast<std::size_t>(status.st_size);
  if (size_ == 0) return;
  void* address = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, descriptor.value, 0);
  if (address == MAP_FAILED) {
    size_ = 0;
    fail_read(path, errno);
  }
  data_ = static_cast<const std::byte*>(address);
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
}

}  // namespace tenfold
