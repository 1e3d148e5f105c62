// Clocks and the process's memory peak.
#include "base/clock.h"

#include <sys/resource.h>
#include <time.h>

#include <cstdio>
#include <fstream>
#include <string>

namespace tenfold {

namespace {

double seconds(clockid_t clock) {
  timespec now = {};
  clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

}  // namespace

double wall_s() { return seconds(CLOCK_MONOTONIC); }
double process_cpu_s() { return seconds(CLOCK_PROCESS_CPUTIME_ID); }
double thread_cpu_s() { return seconds(CLOCK_THREAD_CPUTIME_ID); }

double children_cpu_s() {
  rusage usage = {};
  getrusage(RUSAGE_CHILDREN, &usage);
  const auto of = [](const timeval& time) { return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec); };
  return of(usage.ru_utime) + of(usage.ru_stime);
}

std::uint64_t peak_rss_bytes() {
  // getrusage counts what the process was before exec, too: a child of a large process would have the parent's peak.
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmHWM:")) return std::stoull(line.substr(6)) * 1024;  // kibibytes
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
}

std::string rfc3339(std::int64_t unix_milliseconds) {
  std::int64_t whole = unix_milliseconds / 1000;
  std::int64_t milliseconds = unix_milliseconds % 1000;
  if (milliseconds < 0) {
    milliseconds += 1000;
    --whole;
  }
  const time_t instant = static_cast<time_t>(whole);
  tm parts = {};
  gmtime_r(&instant, &parts);
  char date[32];
  const std::size_t length = strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &parts);
  char fraction[8];
  std::snprintf(fraction, sizeof fraction, ".%03dZ", static_cast<int>(milliseconds));
  return std::string(date, length) + fraction;
}

std::string rfc3339_now() {
  timespec now = {};
  clock_gettime(CLOCK_REALTIME, &now);
  return rfc3339(static_cast<std::int64_t>(now.tv_sec) * 1000 + now.tv_nsec / 1000000);
}

}  // namespace tenfold
