#include "cli/run_directory.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/files.h"
#include "base/sha256.h"
#include "base/version.h"
#include "cli/state.h"
#include "data/json_reader.h"

namespace tenfold::cli {
namespace fs = std::filesystem;
namespace {

constexpr const char* kManifest = "manifest.json";
constexpr const char* kConfig = "config.json";
constexpr const char* kLog = "log.jsonl";
constexpr const char* kState = "checkpoint/state.json";

std::string slot_folder(int slot) { return "checkpoint/" + std::to_string(slot) + "/"; }

// Inside the directory, and no way out of it: a manifest may have been written by anyone.
bool is_inside(const fs::path& relative) {
  if (relative.empty() || relative.is_absolute()) return false;
  for (const fs::path& part : relative)
    if (part == ".." || part == "." || part.empty()) return false;
  return true;
}

// The name of the file that a killed process was writing when it left this temporary (base/files.cpp), or "".
std::string unfinished(const std::string& name) {
  const std::size_t mark = name.rfind(".tmp-");
  return mark == std::string::npos || name.find_first_not_of("0123456789-", mark + 5) != std::string::npos ? ""
                                                                                                           : name.substr(0, mark);
}

// A process killed while it wrote its first file leaves a directory that counts as empty.
bool holds_nothing(const fs::path& path) {
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(path, error))
    if (unfinished(entry.path().filename().string()) != kManifest) return false;
  return !error;
}

[[noreturn]] void cannot(const std::string& what, const fs::path& path, int error) {
  machine_error(path.string() + ": cannot " + what + ": " + std::strerror(error));
}

}  // namespace

DiskRunDirectory::DiskRunDirectory(fs::path path, RunIdentity identity, Reuse reuse)
    : path_(std::move(path)), identity_(std::move(identity)), reuse_(reuse) {
  open_or_make(reuse);
  try {
    lock();
    const bool empty = holds_nothing(path_);
    const bool manifest = fs::exists(path_ / kManifest);
    if (reuse == Reuse::resume) {
      if (!manifest)
        input_error(path_.string() + ": no run to resume (it has no manifest.json); leave --resume out to start one");
      read_manifest();
      has_state_ = fs::exists(path_ / kState);
      begun_ = true;
    } else if (reuse == Reuse::force) {
      if (!empty && !manifest)
        usage_error(path_.string() +
                    ": not empty, and no run wrote it (it has no manifest.json); --force deletes only what a run wrote");
      if (manifest) read_manifest();
    } else if (!empty) {
      usage_error(path_.string() + ": not empty; " +
                  (manifest ? "--resume goes on with the run there, --force starts it anew, or " : "") +
                  "name another directory with --out");
    }
  } catch (...) {
    // A directory that another process has locked is in use, whoever made it.
    if (locked_)
      for (auto made = made_.rbegin(); made != made_.rend(); ++made) rmdir(made->c_str());
    close(directory_fd_);
    throw;
  }
}

DiskRunDirectory::~DiskRunDirectory() {
  if (log_fd_ >= 0) close(log_fd_);
  if (!begun_)
    for (auto made = made_.rbegin(); made != made_.rend(); ++made) rmdir(made->c_str());
  close(directory_fd_);
}

void DiskRunDirectory::open_or_make(Reuse reuse) {
  std::error_code error;
  if (reuse == Reuse::resume && !fs::exists(path_, error))
    input_error(path_.string() + ": no such run directory; leave --resume out to start one");
  std::vector<fs::path> missing;
  for (fs::path part = fs::absolute(path_).lexically_normal(); !fs::exists(part, error) && part.has_relative_path();
       part = part.parent_path())
    if (part.has_filename()) missing.push_back(part);
  for (auto part = missing.rbegin(); part != missing.rend(); ++part) {
    if (mkdir(part->c_str(), 0777) == 0)
      made_.push_back(*part);
    else if (errno != EEXIST)
      cannot("make the run directory", *part, errno);
  }
  directory_fd_ = open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory_fd_ >= 0) return;
  if (errno == ENOTDIR) usage_error(path_.string() + ": not a directory; --out names the run directory");
  cannot("open the run directory", path_, errno);
}

void DiskRunDirectory::lock() {
  for (;;) {
    if (flock(directory_fd_, LOCK_EX | LOCK_NB) != 0) {
      if (errno == EWOULDBLOCK)
        usage_error(path_.string() + ": in use by a run that is going on; wait for it, or name another directory with --out");
      cannot("lock the run directory", path_, errno);
    }
    // Between opening and locking another process may have removed it: what is locked must be what the path names.
    struct stat held{}, named{};
    if (fstat(directory_fd_, &held) == 0 && stat(path_.c_str(), &named) == 0 && held.st_dev == named.st_dev &&
        held.st_ino == named.st_ino)
      break;
    close(directory_fd_);
    open_or_make(reuse_);
  }
  locked_ = true;
}

void DiskRunDirectory::read_manifest() {
  const std::string file = (path_ / kManifest).string();
  const Json manifest = data::to_json(data::read_json(file));
  const auto text = [&](const char* key) {
    return manifest.is_object() && manifest.contains(key) && manifest[key].is_string() ? manifest[key].get<std::string>()
                                                                                       : std::string();
  };
  if (text("schema") != "tenfold.run/1") input_error(file + ": not the manifest of a run directory");
  if (reuse_ == Reuse::resume && (text("tool") != identity_.tool || text("subcommand") != identity_.subcommand))
    input_error(path_.string() + ": a run of " + text("tool") + " " + text("subcommand") + ", not of " + identity_.tool + " " +
                identity_.subcommand + "; resume it with that");
  if (manifest.contains("files") && manifest["files"].is_array())
    for (const Json& relative : manifest["files"])
      if (relative.is_string() && is_inside(relative.get<std::string>())) files_.insert(relative.get<std::string>());
  if (manifest.contains("finished") && manifest["finished"] == true)
    finished_ =
        manifest.contains("exit_code") && manifest["exit_code"].is_number_integer() ? manifest["exit_code"].get<int>() : 0;
}

void DiskRunDirectory::write_manifest() const {
  const Json manifest = {{"schema", "tenfold.run/1"},
                         {"tool", identity_.tool},
                         {"subcommand", identity_.subcommand},
                         {"version", version()},
                         {"finished", finished_.has_value()},
                         {"exit_code", finished_ ? Json(*finished_) : Json(nullptr)},
                         {"files", files_}};
  write_file_atomic(path_ / kManifest, data::dump_json(manifest, 2) + "\n");
}

Json DiskRunDirectory::recorded_config() const { return data::to_json(data::read_json(path_ / kConfig)); }

void DiskRunDirectory::begin() {
  const std::lock_guard guard(mutex_);
  begin_locked();
}

void DiskRunDirectory::begin_locked() {
  if (begun_) return;
  begun_ = true;
  if (reuse_ == Reuse::force) {
    remove_unfinished();
    remove_listed("");
    finished_.reset();
  }
  register_file(kManifest);
  write_locked(kConfig, config_);
}

// What a process killed in the middle of a write left beside files that are the run's.
void DiskRunDirectory::remove_unfinished() const {
  std::error_code error;
  std::vector<fs::path> found;
  for (fs::recursive_directory_iterator it(path_, error), end; !error && it != end; it.increment(error)) {
    const std::string name = unfinished(it->path().filename().string());
    if (!name.empty() && it->is_regular_file(error) &&
        files_.contains((it->path().parent_path() / name).lexically_relative(path_).generic_string()))
      found.push_back(it->path());
  }
  for (const fs::path& path : found) fs::remove(path, error);
}

// The manifest comes before the file, so that --force finds whatever a crash left.
void DiskRunDirectory::register_file(const std::string& relative) {
  if (!is_inside(relative)) throw Error(ExitCode::machine, relative + ": not a path inside the run directory");
  if (!files_.insert(relative).second) return;
  std::error_code error;
  fs::create_directories((path_ / relative).parent_path(), error);
  if (error) cannot("make a folder", (path_ / relative).parent_path(), error.value());
  write_manifest();
}

fs::path DiskRunDirectory::claim(std::string_view relative) {
  const std::lock_guard guard(mutex_);
  begin_locked();
  register_file(std::string(relative));
  return path_ / relative;
}

void DiskRunDirectory::write_locked(const std::string& relative, std::string_view bytes) {
  register_file(relative);
  write_file_atomic(path_ / relative, bytes);
}

void DiskRunDirectory::write(std::string_view relative, std::string_view bytes) {
  const std::lock_guard guard(mutex_);
  begin_locked();
  write_locked(std::string(relative), bytes);
}

void DiskRunDirectory::append_log(std::string_view line) {
  const std::lock_guard guard(mutex_);
  begin_locked();
  if (log_fd_ < 0) {
    register_file(kLog);
    log_fd_ = open((path_ / kLog).c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (log_fd_ < 0) cannot("open the log", path_ / kLog, errno);
  }
  const std::string text = std::string(line) + "\n";
  for (std::size_t written = 0; written < text.size();) {
    const ssize_t n = ::write(log_fd_, text.data() + written, text.size() - written);
    if (n < 0 && errno != EINTR) cannot("write the log", path_ / kLog, errno);
    if (n > 0) written += static_cast<std::size_t>(n);
  }
}

void DiskRunDirectory::save_state(const State& state) {
  const std::lock_guard guard(mutex_);
  begin_locked();
  const int slot = has_state_ ? 1 - slot_ : 0;
  remove_listed(slot_folder(slot));
  Json blobs = Json::object();
  for (const auto& [name, bytes] : state.blobs) {
    write_locked(slot_folder(slot) + name, bytes);
    blobs[name] = {{"bytes", bytes.size()}, {"sha256", sha256_hex(bytes)}};
  }
  std::error_code error;
  if (log_fd_ >= 0 && fsync(log_fd_) != 0) cannot("write the log", path_ / kLog, errno);
  const std::uintmax_t log_bytes = fs::file_size(path_ / kLog, error);
  const Json document = {{"schema", "tenfold.state/1"},
                         {"slot", slot},
                         {"log_bytes", error ? 0 : log_bytes},
                         {"blobs", blobs},
                         {"state", state.json}};
  write_locked(kState, data::dump_json(document) + "\n");
  slot_ = slot;
  has_state_ = true;
}

std::optional<State> DiskRunDirectory::load_state() {
  const std::lock_guard guard(mutex_);
  std::uintmax_t log_bytes = 0;
  std::optional<State> state;
  if (has_state_) {
    const std::string file = (path_ / kState).string();
    const Json document = data::to_json(data::read_json(file));
    try {
      if (document.at("schema") != "tenfold.state/1") input_error(file + ": a state of another version; start another run");
      slot_ = document.at("slot").get<int>() == 1 ? 1 : 0;
      log_bytes = document.at("log_bytes").get<std::uintmax_t>();
      state.emplace();
      state->json = document.at("state");
      for (const auto& [name, facts] : document.at("blobs").items()) {
        const fs::path blob = path_ / (slot_folder(slot_) + name);
        std::string bytes = is_inside(name) ? read_file(blob) : std::string();
        if (sha256_hex(bytes) != facts.at("sha256").get<std::string>())
          input_error(blob.string() + ": not as the run left it; start another run");
        state->blobs[name] = std::move(bytes);
      }
    } catch (const Json::exception&) {
      input_error(file + ": not a state that a run saved; start another run");
    }
  }
  std::error_code error;
  if (fs::exists(path_ / kLog, error) && fs::file_size(path_ / kLog, error) > log_bytes)
    fs::resize_file(path_ / kLog, log_bytes, error);
  return state;
}

void DiskRunDirectory::finish(int exit_code) {
  const std::lock_guard guard(mutex_);
  begin_locked();
  remove_unfinished();
  finished_ = exit_code;
  write_manifest();
  const auto is_state = [](const std::string& f) {
    return f == kState || f.starts_with(slot_folder(0)) || f.starts_with(slot_folder(1));
  };
  if (std::none_of(files_.begin(), files_.end(), is_state)) return;
  remove_listed(kState);
  remove_listed(slot_folder(0));
  remove_listed(slot_folder(1));
  write_manifest();
}

// Removes the listed files whose names begin with prefix, and the folders that this empties.
void DiskRunDirectory::remove_listed(const std::string& prefix) {
  std::error_code error;
  const fs::path root = fs::canonical(path_, error);
  for (auto it = files_.begin(); it != files_.end();) {
    if (!it->starts_with(prefix)) {
      ++it;
      continue;
    }
    const fs::path file = path_ / *it;
    const fs::path folder = fs::canonical(file.parent_path(), error);
    // A folder that is a link to elsewhere is not the run's.
    const bool ours = !error && std::mismatch(root.begin(), root.end(), folder.begin(), folder.end()).first == root.end();
    if (ours && !fs::is_directory(fs::symlink_status(file, error))) fs::remove(file, error);
    for (fs::path parent = fs::path(*it).parent_path(); ours && !parent.empty(); parent = parent.parent_path())
      if (rmdir((path_ / parent).c_str()) != 0) break;
    it = files_.erase(it);
  }
}

void DiskRunDirectory::abandon() {
  const std::lock_guard guard(mutex_);
  if (!begun_) return;
  remove_listed("");
  for (auto made = made_.rbegin(); made != made_.rend(); ++made) rmdir(made->c_str());
}

std::unique_ptr<DiskRunDirectory> open_run_directory(const std::optional<std::string>& name, const RunIdentity& identity,
                                                     Reuse reuse) {
  if (name) return std::make_unique<DiskRunDirectory>(*name, identity, reuse);
  if (reuse == Reuse::resume) usage_error("--resume: which run? name its directory with --out");
  for (int number = 1;; ++number) {
    const fs::path path = identity.tool + "-run" + (number == 1 ? "" : "-" + std::to_string(number));
    std::error_code error;
    if (fs::exists(fs::symlink_status(path, error)) && !(fs::is_directory(path, error) && holds_nothing(path))) continue;
    try {
      return std::make_unique<DiskRunDirectory>(path, identity, reuse);
    } catch (const Error& taken) {
      // Between the look and the lock another process took it.
      if (taken.exit_code() != ExitCode::usage) throw;
    }
  }
}

}  // namespace tenfold::cli
