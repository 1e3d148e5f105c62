#include "cli/shared_options.h"

#include <algorithm>

#include "base/error.h"
#include "base/threads.h"

namespace tenfold::cli {

SharedOptions::SharedOptions() : threads(available_cores()) {}

void describe(SharedOptions& o, const Traits& traits, OptionTable& table) {
  const bool product = !traits.product.empty();
  table.add("--config", o.config, "a JSON object of long option names; what is typed wins over it")
      .value_name("FILE")
      .file()
      .not_in_config();
  table.flag("--dump-config", o.dump_config, "print the effective configuration as JSON and stop").not_in_config();
  if (traits.run_directory) {
    table.add("--out", o.out, "the run directory; without it the next free of <tool>-run, <tool>-run-2, ...")
        .shorthand('o')
        .value_name("DIR")
        .not_dumped();
    if (traits.resumable) table.flag("--resume", o.resume, "go on with the run in --out").not_dumped();
    table.flag("--force", o.force, "delete what a former run wrote in --out, and start anew").not_dumped();
  } else if (product) {
    table.add("--out", o.out, "the file to write, - for standard output (the default)").shorthand('o').file().not_dumped();
  }
  if (traits.random) table.add("--seed", o.seed, "all randomness derives from it");
  if (traits.threads) {
    OptionRow row =
        table.add("--threads", o.threads, "threads to use; by default the cores this process may use").between(1, 4096);
    if (!traits.threads_in_identity) row.not_identity();
  }
  if (traits.torch)
    table.add("--device", o.device, "where tensors live; this version computes on the CPU").value_name("auto|cpu");
  if (!product) {
    table.add("--format", o.format, "a summary for people, or JSON; auto: a summary on a terminal")
        .one_of({"auto", "human", "json"})
        .not_dumped();
    table.add("--append", o.append, "also append the result to FILE as one line of JSON").value_name("FILE").not_dumped();
  }
  table.add("--progress", o.progress, "progress on standard error").one_of({"auto", "plain", "none"}).not_dumped();
  table.flag("--quiet", o.quiet, "only errors and warnings on standard error").shorthand('q').not_in_config();
  table.flag("--verbose", o.verbose, "more on standard error").shorthand('v').not_in_config();
  table.flag("--help", o.help, "print this and stop").shorthand('h').not_in_config();
  table.flag("--version", o.version, "print the version and stop").not_in_config();
  table.flag("--describe", o.describe, "print all subcommands and options as JSON and stop").not_in_config();
}

void check_device(const std::string& device) {
  const std::string index = device.substr(0, 5) == "cuda:" ? device.substr(5) : std::string("0");
  const bool known = device == "auto" || device == "cpu" || device == "cuda" || device.substr(0, 5) == "cuda:";
  const bool number =
      !index.empty() && index.size() <= 3 && std::all_of(index.begin(), index.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (!known || !number) usage_error("--device: \"" + device + "\" will not do; give auto, cpu, cuda or cuda:N");
}

}  // namespace tenfold::cli
