// What the control groups of a process grant it.
#include "base/cgroup.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <limits>
#include <string>

namespace tenfold {

namespace {

using Path = std::filesystem::path;

std::string first_line(const Path& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

// A line of /proc/self/cgroup is `id:controllers:path`; version 2 has one line, `0::path`.
// Gives the folder below the root for the controller, "" if the process is in no such group.
Path group_folder(const Path& membership, const Path& root, const std::string& controller, bool version2) {
  std::ifstream file(membership);
  for (std::string line; std::getline(file, line);) {
    const std::size_t first = line.find(':');
    const std::size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const std::string below = line.substr(std::min(line.size(), second + 2));  // without its leading slash
    if (version2 && controllers.empty()) return root / below;
    if (!version2 && ("," + controllers + ",").find("," + controller + ",") != std::string::npos) {
      const Path combined = root / controllers;
      return (std::filesystem::exists(combined) ? combined : root / controller) / below;
    }
  }
  return {};
}

// The smallest value over the group and its parents down to the root. In a container the path may not exist below the
// mounted root, which then is the container's own group.
double smallest_upwards(Path folder, const Path& root, const std::function<double(const Path&)>& limit) {
  double smallest = std::numeric_limits<double>::infinity();
  if (folder.empty()) return smallest;
  for (;;) {
    smallest = std::min(smallest, limit(folder));
    const bool below_root = folder.string().size() > root.string().size() && folder.has_relative_path();
    if (!below_root) return smallest;
    folder = folder.parent_path();
  }
}

double positive_or_infinite(double value) { return value > 0 ? value : std::numeric_limits<double>::infinity(); }

}  // namespace

double cgroup_cpu_quota(const Path& membership, const Path& root) {
  // "max 100000" or "150000 100000"
  const double version2 = smallest_upwards(group_folder(membership, root, "", true), root, [](const Path& folder) {
    const std::string line = first_line(folder / "cpu.max");
    char* rest = nullptr;
    const double quota = std::strtod(line.c_str(), &rest);
    const double period = std::strtod(rest, nullptr);
    return period > 0 ? positive_or_infinite(quota / period) : std::numeric_limits<double>::infinity();
  });
  // The quota is -1 where there is none.
  const double version1 = smallest_upwards(group_folder(membership, root, "cpu", false), root, [](const Path& folder) {
    const double quota = std::strtod(first_line(folder / "cpu.cfs_quota_us").c_str(), nullptr);
    const double period = std::strtod(first_line(folder / "cpu.cfs_period_us").c_str(), nullptr);
    return period > 0 ? positive_or_infinite(quota / period) : std::numeric_limits<double>::infinity();
  });
  return std::min(version2, version1);
}

std::uint64_t cgroup_memory_limit(const Path& membership, const Path& root) {
  const auto limit_in = [](const char* name) {
    return [name](const Path& folder) {
      return positive_or_infinite(std::strtod(first_line(folder / name).c_str(), nullptr));  // "max" reads as 0
    };
  };
  const double version2 = smallest_upwards(group_folder(membership, root, "", true), root, limit_in("memory.max"));
  const double version1 =
      smallest_upwards(group_folder(membership, root, "memory", false), root, limit_in("memory.limit_in_bytes"));
  const double limit = std::min(version2, version1);
  return limit < 0x1p62 ? static_cast<std::uint64_t>(limit) : std::numeric_limits<std::uint64_t>::max();
}

}  // namespace tenfold
