// Work on numbered items by several threads whose results are taken in the items' order, whatever thread was first: logs, sums
// and files then do not depend on the number of threads.
#pragma once

#include <exception>
#include <functional>
#include <map>
#include <mutex>
#include <utility>

#include "base/threads.h"

namespace tenfold::mtl_attack {

// work(i) runs on any thread; take(i, result) on one at a time, for i = 0, 1, 2 ... Once stop() is true nothing new is begun, and
// what was begun is finished and taken. Returns how many were taken. The first exception, by index, comes through, after the
// items before it have been taken.
template <class Item>
int ordered_work(int count, int threads, const std::function<Item(int)>& work, const std::function<void(int, Item&)>& take,
                 const std::function<bool()>& stop) {
  std::mutex mutex;
  std::map<int, Item> ready;
  int next = 0, taken = 0;
  bool failed = false;
  parallel_for(std::min(threads, count), threads, [&](int) {
    for (;;) {
      int mine = 0;
      {
        const std::lock_guard guard(mutex);
        if (next == count || failed || stop()) return;
        mine = next++;
      }
      try {
        Item item = work(mine);
        const std::lock_guard guard(mutex);
        ready.emplace(mine, std::move(item));
        for (auto first = ready.begin(); first != ready.end() && first->first == taken && !failed; first = ready.erase(first))
          take(taken, first->second), ++taken;
      } catch (...) {
        const std::lock_guard guard(mutex);
        failed = true;
        throw;
      }
    }
  });
  return taken;
}

}  // namespace tenfold::mtl_attack
