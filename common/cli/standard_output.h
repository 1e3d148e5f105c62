// Standard output as the one place for results: written by hand, so that a closed pipe is an error and not a signal.
#pragma once

#include <string_view>

namespace tenfold::cli {

// Before anything else in main: SIGPIPE becomes an error code, and a missing descriptor 0, 1 or 2 is filled, so that no file
// opened later takes the place of standard output.
void guard_standard_streams();

// Writes all of it. Throws Error, exit 5, when the reader has gone or the disk is full.
void write_standard_output(std::string_view text);

bool standard_output_is_terminal();

}  // namespace tenfold::cli
