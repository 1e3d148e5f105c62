// The option -o of commands that write a .gnnb folder: data convert, data split, data generate.
#pragma once

#include <optional>
#include <string>

#include "cli/option_table.h"
#include "data/json.h"
#include "gnnbench/gnnb_store.h"

namespace tenfold::gnnbench {

struct GnnbOutput {
  std::optional<std::string> out;  // the folder; without it the next free of NAME.gnnb, NAME-2.gnnb, ...
  bool force = false;
};
void describe_output(GnnbOutput& output, cli::OptionTable& table);

// Where a dataset of this name goes.
GnnbTarget target_of(const GnnbOutput& output, const std::string& name);

// {"path", "digest", "nodes", "edges", "bytes", "files"}: part of these commands' results.
Json written_json(const GnnbWriter::Written& written);

}  // namespace tenfold::gnnbench
