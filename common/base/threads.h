// Cores this process may use, and loops over them.
#pragma once

#include <functional>
#include <memory>

namespace tenfold {

// Cores by affinity, capped by the cgroup's CPU quota (v2 and v1, the tightest of the hierarchy, rounded up); at least 1.
int available_cores();

// Threads that wait for loops. Which thread runs which index is not fixed: results must not depend on it.
class ThreadPool {
 public:
  // The calling thread is one of the `threads` (at least 1).
  explicit ThreadPool(int threads);
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;
  ~ThreadPool();

  int size() const;

  // body(i) for every i in [0, n), all done on return. If bodies throw, no new index is begun, and the exception of the
  // lowest index that threw is carried over. One loop at a time; a body must not call for_each of its own pool.
  void for_each(int n, const std::function<void(int)>& body);

 private:
  struct Shared;
  std::unique_ptr<Shared> shared_;
};

// The same with threads of its own, for long bodies (chains).
void parallel_for(int n, int threads, const std::function<void(int)>& body);

}  // namespace tenfold
