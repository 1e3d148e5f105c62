// Loops over threads, and cores by affinity and quota.
#include "base/threads.h"

#include <doctest/doctest.h>
#include <sched.h>

#include <atomic>
#include <cmath>
#include <fstream>
#include <numeric>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/cgroup.h"
#include "base/temporary_folder.h"

using namespace tenfold;

namespace {

void write(const std::filesystem::path& path, const std::string& text) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path) << text;
}

}  // namespace

TEST_CASE("every index runs once, for any number of threads") {
  for (const int threads : {1, 2, 5}) {
    ThreadPool pool(threads);
    CHECK(pool.size() == threads);
    for (const int n : {0, 1, 2, 1000}) {
      std::vector<std::atomic<int>> runs(static_cast<std::size_t>(n));
      pool.for_each(n, [&](int i) { ++runs[static_cast<std::size_t>(i)]; });
      for (const auto& count : runs) CHECK(count == 1);
    }
  }
}

TEST_CASE("an exception is carried over, that of the lowest index that threw, and the pool lives on") {
  ThreadPool pool(3);
  for (int round = 0; round < 50; ++round) {
    std::string what;
    try {
      pool.for_each(64, [](int i) {
        if (i == 0 || i >= 60) throw std::runtime_error(std::to_string(i));
      });
    } catch (const std::runtime_error& error) {
      what = error.what();
    }
    CHECK(what == "0");
  }
  std::atomic<int> sum{0};
  pool.for_each(10, [&](int i) { sum += i; });
  CHECK(sum == 45);
}

TEST_CASE("after an exception no new index is begun") {
  std::atomic<int> begun{0};
  CHECK_THROWS(parallel_for(100000, 1, [&](int) {
    ++begun;
    throw std::runtime_error("first");
  }));
  CHECK(begun == 1);
}

TEST_CASE("parallel_for takes more threads than indices, and none") {
  std::atomic<int> count{0};
  parallel_for(2, 16, [&](int) { ++count; });
  parallel_for(3, 0, [&](int) { ++count; });
  parallel_for(0, 4, [&](int) { ++count; });
  CHECK(count == 5);
}

TEST_CASE("available cores follow the affinity") {
  cpu_set_t before;
  REQUIRE(sched_getaffinity(0, sizeof before, &before) == 0);
  const int all = available_cores();
  CHECK(all >= 1);
  CHECK(all <= CPU_COUNT(&before));
  cpu_set_t one;
  CPU_ZERO(&one);
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &before)) {
      CPU_SET(cpu, &one);
      break;
    }
  }
  REQUIRE(sched_setaffinity(0, sizeof one, &one) == 0);
  CHECK(available_cores() == 1);
  CHECK(sched_setaffinity(0, sizeof before, &before) == 0);
}

TEST_CASE("a version 2 quota is the tightest of the group and its parents") {
  const TemporaryFolder folder;
  write(folder / "membership", "0::/outer/inner\n");
  write(folder / "fs/outer/cpu.max", "150000 100000\n");
  write(folder / "fs/outer/inner/cpu.max", "max 100000\n");
  write(folder / "fs/outer/memory.max", "max\n");
  write(folder / "fs/outer/inner/memory.max", "1073741824\n");
  CHECK(cgroup_cpu_quota(folder / "membership", folder / "fs") == 1.5);
  CHECK(cgroup_memory_limit(folder / "membership", folder / "fs") == 1073741824u);
}

TEST_CASE("in a container the group's path is missing below the root, whose own quota counts") {
  const TemporaryFolder folder;
  write(folder / "membership", "0::/docker/abc\n");
  write(folder / "fs/cpu.max", "200000 100000\n");
  CHECK(cgroup_cpu_quota(folder / "membership", folder / "fs") == 2);
}

TEST_CASE("a version 1 quota lies in the controller's folder") {
  const TemporaryFolder folder;
  write(folder / "membership", "5:cpu,cpuacct:/job\n3:memory:/job\n");
  write(folder / "fs/cpu,cpuacct/job/cpu.cfs_quota_us", "50000\n");
  write(folder / "fs/cpu,cpuacct/job/cpu.cfs_period_us", "100000\n");
  write(folder / "fs/cpu,cpuacct/cpu.cfs_quota_us", "-1\n");
  write(folder / "fs/cpu,cpuacct/cpu.cfs_period_us", "100000\n");
  write(folder / "fs/memory/job/memory.limit_in_bytes", "9223372036854771712\n");
  CHECK(cgroup_cpu_quota(folder / "membership", folder / "fs") == 0.5);
  CHECK(cgroup_memory_limit(folder / "membership", folder / "fs") == ~std::uint64_t{0});
}

TEST_CASE("no control group is no limit") {
  const TemporaryFolder folder;
  CHECK(std::isinf(cgroup_cpu_quota(folder / "missing", folder / "fs")));
  write(folder / "membership", "nonsense\n::\n0:\n");
  CHECK(std::isinf(cgroup_cpu_quota(folder / "membership", folder / "fs")));
}
