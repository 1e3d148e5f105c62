// The stop flag: raised by SIGINT or SIGTERM, or at the n-th step under TENFOLD_STOP_AFTER=n, so that tests interrupt by
// counting and not by clocks. Long work finishes its step, saves, and leaves with exit code 130.
#pragma once

#include <cstdint>

namespace tenfold {

bool stop_requested();
void request_stop();

// For long work that keeps nothing: throws Error(interrupted, kInterrupted) once the flag is up.
inline constexpr const char* kInterrupted = "interrupted";
void leave_if_stopped();

// The first SIGINT or SIGTERM raises the flag, a second one ends the process at once with 130.
void install_stop_signals();

// Called once for every finished step (what can be resumed after); the n-th call raises the flag, n from the environment
// variable TENFOLD_STOP_AFTER, read at the first call. Throws Error usage if that is not a positive integer.
void count_step();

// For a run inside another program (a test): raise the flag at the n-th count_step() from now, 0 for never; lower the flag.
void stop_after_steps(std::uint64_t n);
void clear_stop();

}  // namespace tenfold
