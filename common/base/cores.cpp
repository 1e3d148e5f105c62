// How many cores this process may use: affinity and cgroup quotas.
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>

#include "base/cgroup.h"
#include "base/threads.h"

namespace tenfold {

namespace {

int cores_by_affinity() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) == 0) return std::max(1, CPU_COUNT(&set));
  return std::max(1, static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN)));
}

}  // namespace

int available_cores() {
  const double quota = cgroup_cpu_quota("/proc/self/cgroup", "/sys/fs/cgroup");
  const int by_affinity = cores_by_affinity();
  if (!(quota < by_affinity)) return by_affinity;
  return std::max(1, static_cast<int>(std::ceil(quota)));
}

}  // namespace tenfold
