// Clocks and the process's memory peak.
#pragma once

#include <cstdint>
#include <string>

namespace tenfold {

double wall_s();         // monotonic, from an arbitrary start
double process_cpu_s();  // user and system time of all threads
double thread_cpu_s();   // of the calling thread
double children_cpu_s(); // of the child processes that have ended and were waited for, with those that they had waited for
std::uint64_t peak_rss_bytes();

// Now in UTC as RFC 3339 with milliseconds, "2026-03-01T12:34:56.789Z".
std::string rfc3339_now();
// The same for a time in milliseconds since 1970.
std::string rfc3339(std::int64_t unix_milliseconds);

}  // namespace tenfold
