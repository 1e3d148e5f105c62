// Cores this process may use, and loops over them.
#include "base/threads.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace tenfold {

namespace {

// Indices handed out one by one, and the first exception by index.
struct Loop {
  const int n;
  const std::function<void(int)>& body;
  std::atomic<int> next{0};
  std::mutex mutex;
  int failed_index = -1;
  std::exception_ptr failure;

  Loop(int count, const std::function<void(int)>& each) : n(count), body(each) {}

  void run() {
    for (int i = next.fetch_add(1); i < n; i = next.fetch_add(1)) {
      try {
        body(i);
      } catch (...) {
        next.store(n);
        const std::lock_guard lock(mutex);
        if (failed_index < 0 || i < failed_index) {
          failed_index = i;
          failure = std::current_exception();
        }
      }
    }
  }
};

}  // namespace

struct ThreadPool::Shared {
  std::mutex mutex;
  std::condition_variable work;  // a new loop, or the end
  std::condition_variable idle;  // a thread has left the loop
  Loop* loop = nullptr;
  std::uint64_t generation = 0;
  int busy = 0;
  bool ending = false;
  std::vector<std::thread> threads;

  void serve() {
    std::uint64_t seen = 0;
    std::unique_lock lock(mutex);
    for (;;) {
      work.wait(lock, [&] { return ending || generation != seen; });
      if (ending) return;
      seen = generation;
      Loop* mine = loop;
      lock.unlock();
      mine->run();
      lock.lock();
      if (--busy == 0) idle.notify_one();
    }
  }

  void end() {
    {
      const std::lock_guard lock(mutex);
      ending = true;
    }
    work.notify_all();
    for (std::thread& thread : threads) thread.join();
  }
};

ThreadPool::ThreadPool(int threads) : shared_(std::make_unique<Shared>()) {
  try {
    for (int i = 1; i < threads; ++i) shared_->threads.emplace_back([shared = shared_.get()] { shared->serve(); });
  } catch (...) {
    shared_->end();
    throw;
  }
}

ThreadPool::~ThreadPool() { shared_->end(); }

int ThreadPool::size() const { return static_cast<int>(shared_->threads.size()) + 1; }

void ThreadPool::for_each(int n, const std::function<void(int)>& body) {
  Loop loop(n, body);
  if (n > 1 && !shared_->threads.empty()) {
    {
      const std::lock_guard lock(shared_->mutex);
      shared_->loop = &loop;
      shared_->busy = static_cast<int>(shared_->threads.size());
      ++shared_->generation;
    }
    shared_->work.notify_all();
    loop.run();
    std::unique_lock lock(shared_->mutex);
    shared_->idle.wait(lock, [&] { return shared_->busy == 0; });
  } else {
    loop.run();
  }
  if (loop.failure) std::rethrow_exception(loop.failure);
}

void parallel_for(int n, int threads, const std::function<void(int)>& body) {
  ThreadPool(std::clamp(threads, 1, std::max(n, 1))).for_each(n, body);
}

}  // namespace tenfold
