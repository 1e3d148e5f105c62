// The options that every tool has. Which of them a subcommand takes follows from its traits.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "cli/option_table.h"
#include "cli/subcommand.h"

namespace tenfold::cli {

struct SharedOptions {
  SharedOptions();

  std::optional<std::string> config;
  bool dump_config = false;
  std::optional<std::string> out;
  bool resume = false;
  bool force = false;
  std::uint64_t seed = 1;
  int threads;  // the cores this process may use
  std::string device = "auto";
  std::string format = "auto";
  std::optional<std::string> append;
  std::string progress = "auto";
  bool quiet = false;
  bool verbose = false;
  bool help = false;
  bool version = false;
  bool describe = false;
};

void describe(SharedOptions& o, const Traits& traits, OptionTable& table);

// Throws Error usage unless it is auto, cpu, cuda or cuda:N.
void check_device(const std::string& device);

}  // namespace tenfold::cli
