// What machine this is, for the result's `host`.
#pragma once

#include <cstdint>
#include <string>

namespace tenfold {

std::string cpu_model();        // "AMD EPYC 9R14", or the architecture's name where the system does not tell
std::uint64_t memory_bytes();   // physical memory, or the cgroup's limit where that is lower
int online_cores();             // of the machine, whatever this process may use

}  // namespace tenfold
