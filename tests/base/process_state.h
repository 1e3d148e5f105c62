// Whether a process still runs. One that has ended but was not waited for by its parent does not.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

inline bool runs(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  const std::size_t name_end = text.rfind(") ");
  return name_end != std::string::npos && text[name_end + 2] != 'Z' && text[name_end + 2] != 'X';
}

// Within a minute: the system delivers a signal when it gets to it.
inline bool all_end(const std::vector<pid_t>& pids) {
  for (int i = 0; i < 6000; ++i) {
    bool some = false;
    for (const pid_t pid : pids) some = some || runs(pid);
    if (!some) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}
