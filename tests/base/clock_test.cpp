// Clocks, dates, memory.
#include "base/clock.h"

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <vector>

#include "base/host.h"

using namespace tenfold;

TEST_CASE("dates are RFC 3339 in UTC") {
  CHECK(rfc3339(0) == "1970-01-01T00:00:00.000Z");
  CHECK(rfc3339(951782400123) == "2000-02-29T00:00:00.123Z");
  CHECK(rfc3339(-1) == "1969-12-31T23:59:59.999Z");
  CHECK(rfc3339_now().size() == 24);
}

TEST_CASE("clocks do not run backwards, and work costs CPU time") {
  const double wall = wall_s(), process = process_cpu_s(), thread = thread_cpu_s();
  volatile double sink = 0;
  while (thread_cpu_s() == thread) sink = sink + 1;
  CHECK(wall_s() >= wall);
  CHECK(process_cpu_s() > process);
}

TEST_CASE("the CPU time of a child counts once it has been waited for") {
  const double before = children_cpu_s();
  const pid_t child = fork();
  if (child == 0) {
    volatile double sink = 0;
    while (process_cpu_s() < 0.05) sink = sink + 1;
    _exit(0);
  }
  CHECK(children_cpu_s() == before);
  waitpid(child, nullptr, 0);
  CHECK(children_cpu_s() > before + 0.03);
}

TEST_CASE("the memory peak grows with what is touched") {
  const std::uint64_t before = peak_rss_bytes();
  CHECK(before > 100000);
  const std::vector<char> touched(before + (32u << 20), 1);
  CHECK(peak_rss_bytes() > before + (16u << 20));
  CHECK(touched.back() == 1);
}

TEST_CASE("the host has a name, cores and memory") {
  CHECK_FALSE(cpu_model().empty());
  CHECK(online_cores() >= 1);
  CHECK(memory_bytes() > (16u << 20));
}
