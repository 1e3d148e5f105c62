// What the control groups of a process grant it: CPU time and memory, version 2 and version 1.
#pragma once

#include <cstdint>
#include <filesystem>

namespace tenfold {

// Cores' worth of CPU time, the smallest quota of the group and all its parents; infinity where there is none.
// The paths are /proc/self/cgroup and /sys/fs/cgroup, or a test's stand-in for them.
double cgroup_cpu_quota(const std::filesystem::path& membership, const std::filesystem::path& root);

// The smallest memory limit of the group and its parents; the largest integer where there is none.
std::uint64_t cgroup_memory_limit(const std::filesystem::path& membership, const std::filesystem::path& root);

}  // namespace tenfold
