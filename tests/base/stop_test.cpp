// The stop flag: signals, and the n-th step. Each case runs in a process of its own, since the flag is the process's.
#include "base/stop.h"

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>

#include "base/error.h"

using namespace tenfold;

namespace {

// The exit code of `action` in a child; -1 if a signal ended it.
template <class Action>
int exit_of(Action action) {
  const pid_t child = ::fork();
  if (child == 0) {
    try {
      ::_exit(action());
    } catch (const Error& error) {
      ::_exit(static_cast<int>(error.exit_code()));
    }
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int steps_until_stop(int most) {
  for (int step = 1; step <= most; ++step) {
    count_step();
    if (stop_requested()) return step;
  }
  return 0;
}

}  // namespace

TEST_CASE("the first signal raises the flag, the second leaves at once with 130") {
  for (const int signal : {SIGINT, SIGTERM}) {
    CHECK(exit_of([signal] {
            install_stop_signals();
            if (stop_requested()) return 1;
            ::raise(signal);
            return stop_requested() ? 0 : 2;
          }) == 0);
    CHECK(exit_of([signal] {
            install_stop_signals();
            ::raise(signal);
            ::raise(signal);
            return 1;
          }) == 130);
  }
}

TEST_CASE("a stop that the program asked for does not make the first signal a second") {
  CHECK(exit_of([] {
          install_stop_signals();
          request_stop();
          ::raise(SIGINT);
          return stop_requested() ? 0 : 1;
        }) == 0);
}

TEST_CASE("TENFOLD_STOP_AFTER=3 stops at the third step, once") {
  const auto with = [](const char* value) {
    return exit_of([value] {
      ::setenv("TENFOLD_STOP_AFTER", value, 1);
      return steps_until_stop(100);
    });
  };
  CHECK(with("3") == 3);
  CHECK(with("1") == 1);
  CHECK(with("") == 0);
  for (const char* wrong : {"0", "-1", "two", "3x", " 3", "99999999999999999999"}) CHECK(with(wrong) == 2);
  CHECK(exit_of([] {
          ::unsetenv("TENFOLD_STOP_AFTER");
          return steps_until_stop(100);
        }) == 0);
  CHECK(exit_of([] {
          ::setenv("TENFOLD_STOP_AFTER", "2", 1);
          steps_until_stop(100);
          clear_stop();
          return steps_until_stop(100);
        }) == 0);
}

TEST_CASE("a program may set the step itself") {
  CHECK(exit_of([] {
          ::unsetenv("TENFOLD_STOP_AFTER");
          stop_after_steps(5);
          const int first = steps_until_stop(100);
          clear_stop();
          stop_after_steps(0);
          return first == 5 && steps_until_stop(100) == 0 ? 0 : 1;
        }) == 0);
}
