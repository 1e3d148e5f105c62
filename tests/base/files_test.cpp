// Atomic writes, locks, appending, mapping.
#include "base/files.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/temporary_folder.h"

using namespace tenfold;

namespace {

std::vector<std::string> names_in(const std::filesystem::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) names.push_back(entry.path().filename());
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

TEST_CASE("a pipe is written to and not replaced by a file") {
  const TemporaryFolder folder;
  const std::filesystem::path pipe = folder / "pipe";
  REQUIRE(mkfifo(pipe.c_str(), 0600) == 0);
  const int reader = open(pipe.c_str(), O_RDONLY | O_NONBLOCK);
  write_file_atomic(pipe, "through");
  char text[16] = {};
  CHECK(read(reader, text, sizeof text) == 7);
  CHECK(std::string(text) == "through");
  close(reader);
  CHECK(std::filesystem::is_fifo(pipe));
  CHECK(names_in(folder.path()) == std::vector<std::string>{"pipe"});
}

TEST_CASE("what is written atomically is read back, and nothing is left beside it") {
  const TemporaryFolder folder;
  const std::string content("a\0\n\xff", 4);
  write_file_atomic(folder / "x", "earlier, and longer");
  write_file_atomic(folder / "x", content);
  CHECK(read_file(folder / "x") == content);
  CHECK(names_in(folder.path()) == std::vector<std::string>{"x"});
}

TEST_CASE("a writer that is given up leaves the earlier file and no trace") {
  const TemporaryFolder folder;
  write_file_atomic(folder / "x", "earlier");
  {
    AtomicFile file(folder / "x");
    file.write("half of the n");
    CHECK(read_file(folder / "x") == "earlier");
  }
  CHECK(read_file(folder / "x") == "earlier");
  CHECK(names_in(folder.path()) == std::vector<std::string>{"x"});
}

TEST_CASE("a write that the system cuts short leaves the earlier file") {
  const TemporaryFolder folder;
  write_file_atomic(folder / "x", "earlier");
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    const rlimit limit = {1000, 1000};  // files of at most 1000 bytes, as on a full disk
    ::setrlimit(RLIMIT_FSIZE, &limit);
    std::signal(SIGXFSZ, SIG_IGN);
    try {
      write_file_atomic(folder / "x", std::string(100000, 'n'));
    } catch (const Error& error) {
      ::_exit(static_cast<int>(error.exit_code()));
    }
    ::_exit(0);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 5);
  CHECK(read_file(folder / "x") == "earlier");
  CHECK(names_in(folder.path()) == std::vector<std::string>{"x"});
}

TEST_CASE("an atomic write keeps a file's mode and goes through a link") {
  const TemporaryFolder folder;
  write_file_atomic(folder / "x", "1");
  ::chmod((folder / "x").c_str(), 0640);
  std::filesystem::create_symlink("x", folder / "link");
  write_file_atomic(folder / "link", "2");
  CHECK(read_file(folder / "x") == "2");
  CHECK(std::filesystem::is_symlink(folder / "link"));
  struct stat status = {};
  REQUIRE(::stat((folder / "x").c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0640);
}

TEST_CASE("what cannot be read is an input error, what cannot be written the machine's") {
  const TemporaryFolder folder;
  const auto code_of = [](auto&& action) {
    try {
      action();
    } catch (const Error& error) {
      return error.exit_code();
    }
    return ExitCode::ok;
  };
  CHECK(code_of([&] { read_file(folder / "missing"); }) == ExitCode::input);
  CHECK(code_of([&] { read_file(folder.path()); }) == ExitCode::input);
  CHECK(code_of([&] { MappedFile mapped(folder.path()); }) == ExitCode::input);
  CHECK(code_of([&] { write_file_atomic(folder / "no/such/x", ""); }) == ExitCode::machine);
  CHECK(code_of([&] { write_file_atomic(folder.path(), ""); }) == ExitCode::machine);
  CHECK(code_of([&] { append_line_locked(folder.path(), "x"); }) == ExitCode::machine);
}

TEST_CASE("a lock has one holder, and a dead process holds none") {
  const TemporaryFolder folder;
  std::optional<FileLock> lock = FileLock::try_lock(folder / "lock");
  REQUIRE(lock.has_value());
  CHECK_FALSE(FileLock::try_lock(folder / "lock").has_value());
  lock.reset();
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    const FileLock mine(folder / "lock");
    ::raise(SIGKILL);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(FileLock::try_lock(folder / "lock").has_value());
}

TEST_CASE("lines that processes append at once are all there, whole") {
  const TemporaryFolder folder;
  constexpr int processes = 4, lines = 200;
  std::vector<pid_t> children;
  for (int p = 0; p < processes; ++p) {
    children.push_back(::fork());
    REQUIRE(children.back() >= 0);
    if (children.back() == 0) {
      for (int i = 0; i < lines; ++i) append_line_locked(folder / "log", std::string(300, static_cast<char>('a' + p)));
      ::_exit(0);
    }
  }
  for (const pid_t child : children) ::waitpid(child, nullptr, 0);
  std::istringstream log(read_file(folder / "log"));
  std::vector<int> counts(processes, 0);
  for (std::string line; std::getline(log, line);) {
    REQUIRE(line == std::string(300, line.at(0)));
    ++counts.at(static_cast<std::size_t>(line[0] - 'a'));
  }
  CHECK(counts == std::vector<int>(processes, lines));
}

TEST_CASE("a torn last line is closed before one is appended") {
  const TemporaryFolder folder;
  write_file_atomic(folder / "log", "whole\ntorn");
  append_line_locked(folder / "log", "next");
  CHECK(read_file(folder / "log") == "whole\ntorn\nnext\n");
}

TEST_CASE("a mapping shows the file's bytes; an empty file is an empty span") {
  const TemporaryFolder folder;
  write_file_atomic(folder / "x", "bytes");
  write_file_atomic(folder / "empty", "");
  MappedFile mapped(folder / "x");
  const MappedFile moved = std::move(mapped);
  CHECK(moved.text() == "bytes");
  CHECK(MappedFile(folder / "empty").bytes().empty());
}
