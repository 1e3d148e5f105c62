// The stop flag, its signals, and the step that tests stop at.
#include "base/stop.h"

#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <mutex>

#include "base/error.h"

namespace tenfold {

namespace {

std::atomic<bool> stop_flag{false};
std::atomic<bool> signal_seen{false};
static_assert(std::atomic<bool>::is_always_lock_free, "the handler may only touch lock-free atomics");

// Steps still to be counted before the flag rises; negative: never.
std::atomic<std::int64_t> steps_left{-1};
std::once_flag environment_read;

void on_signal(int) {
  if (signal_seen.exchange(true)) _exit(static_cast<int>(ExitCode::interrupted));
  stop_flag.store(true);
}

void read_environment() {
  const char* text = std::getenv("TENFOLD_STOP_AFTER");
  if (text == nullptr || *text == '\0') return;
  const bool digits = std::strspn(text, "0123456789") == std::strlen(text) && std::strlen(text) <= 18;
  const std::int64_t n = digits ? std::atoll(text) : 0;
  if (n < 1) {
    usage_error("TENFOLD_STOP_AFTER=" + std::string(text) + " is not a positive integer; give the step to stop at");
  }
  steps_left.store(n);
}

}  // namespace

bool stop_requested() { return stop_flag.load(std::memory_order_relaxed); }
void request_stop() { stop_flag.store(true); }

void leave_if_stopped() {
  if (stop_requested()) throw Error(ExitCode::interrupted, kInterrupted);
}

void install_stop_signals() {
  struct sigaction action = {};
  action.sa_handler = on_signal;
  sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;  // a write in progress goes on
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

void count_step() {
  std::call_once(environment_read, read_environment);
  if (steps_left.load(std::memory_order_relaxed) < 0) return;
  if (steps_left.fetch_sub(1) == 1) request_stop();
}

void stop_after_steps(std::uint64_t n) {
  std::call_once(environment_read, read_environment);
  steps_left.store(n == 0 ? -1 : static_cast<std::int64_t>(n));
}

void clear_stop() {
  stop_flag.store(false);
  signal_seen.store(false);
}

}  // namespace tenfold
