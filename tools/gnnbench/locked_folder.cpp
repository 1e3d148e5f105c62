#include "gnnbench/locked_folder.h"

#include <stdlib.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/error.h"

namespace tenfold::gnnbench {
namespace fs = std::filesystem;
namespace {

constexpr const char* kLock = "lock";

void remove_abandoned(const fs::path& place, const std::string& prefix) {
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(place, ignored)) {
    if (!entry.path().filename().string().starts_with(prefix)) continue;
    const fs::path lock = entry.path() / kLock;
    if (access(lock.c_str(), W_OK) != 0) continue;  // another user's, or just being made
    try {
      if (const std::optional<FileLock> free = FileLock::try_lock(lock)) fs::remove_all(entry.path(), ignored);
    } catch (const Error&) {  // its owner has just removed it
    }
  }
}

}  // namespace

LockedFolder::LockedFolder(const fs::path& place, const std::string& prefix) {
  remove_abandoned(place, prefix);
  do {  // another process may take the folder for an abandoned one between its making and its locking
    std::string name = place / (prefix + "XXXXXX");
    if (mkdtemp(name.data()) == nullptr) machine_error(name + ": cannot be made: " + std::strerror(errno));
    path_ = name;
    lock_.emplace(path_ / kLock);
  } while (!fs::exists(path_ / kLock));
}

LockedFolder::~LockedFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

}  // namespace tenfold::gnnbench
