// A folder for one run, removed at its end. What a killed process left is removed by the next one that makes such a folder: a
// folder in use has its lock held, which dies with its owner.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "base/files.h"

namespace tenfold::gnnbench {

class LockedFolder {
 public:
  // place/prefixXXXXXX, after the abandoned ones of that prefix are removed. Throws Error(machine) where it cannot be made.
  LockedFolder(const std::filesystem::path& place, const std::string& prefix);
  LockedFolder(const LockedFolder&) = delete;
  LockedFolder& operator=(const LockedFolder&) = delete;
  ~LockedFolder();
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  std::optional<FileLock> lock_;
};

}  // namespace tenfold::gnnbench
