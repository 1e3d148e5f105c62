#include "gnnbench/gnnb_output.h"

#include <nlohmann/json.hpp>

#include "base/error.h"

namespace tenfold::gnnbench {

void describe_output(GnnbOutput& o, cli::OptionTable& table) {
  table.add("--out", o.out, "the .gnnb folder to write; without it the next free of NAME.gnnb, NAME-2.gnnb, ...")
      .shorthand('o')
      .value_name("DIR")
      .not_dumped();
  table.flag("--force", o.force, "replace a .gnnb folder that is there").not_dumped();
}

GnnbTarget target_of(const GnnbOutput& output, const std::string& name) {
  if (output.out && output.out->empty()) usage_error("--out: needs the name of a folder");
  return {.path = output.out.value_or(name + ".gnnb"), .force = output.force, .may_number = !output.out.has_value()};
}

Json written_json(const GnnbWriter::Written& written) {
  return {{"path", written.path.string()}, {"digest", written.digest}, {"nodes", written.nodes},
          {"edges", written.edges},        {"bytes", written.bytes},   {"files", written.files}};
}

}  // namespace tenfold::gnnbench
