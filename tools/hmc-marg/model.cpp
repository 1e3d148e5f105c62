// Reading a model: program and data from files, standard input, or the samples inside the program.
#include "hmc-marg/model.h"

#include <utility>

#include <fmt/format.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/files.h"
#include "base/sha256.h"
#include "base/suggest.h"
#include "data/json_reader.h"
#include "hmc-marg/embedded.h"

namespace tenfold::hmc_marg {

ModelSource read_model(const std::string& program, const std::string& data) {
  ModelSource source;
  constexpr std::string_view prefix = "embedded:";
  if (program.starts_with(prefix)) {
    const EmbeddedModel& model = embedded_model(program.substr(prefix.size()));
    if (!data.empty() && !model.data.empty()) usage_error("--data does not go with " + program + ", which carries its own");
    source.program_file = program;
    source.program_text = model.program;
    if (!model.data.empty()) {
      source.data_file = program;
      source.data_text = model.data;
    }
  } else {
    if (program == "-" && data == "-") usage_error("program and data cannot both come from standard input");
    source.program_file = program == "-" ? "<stdin>" : program;
    source.program_text = read_file(program);
  }
  if (!data.empty()) {
    source.data_file = data == "-" ? "<stdin>" : data;
    source.data_text = read_file(data);
  }
  source.program_sha256 = sha256_hex(source.program_text);
  source.data_sha256 = source.data_file.empty() ? "" : sha256_hex(source.data_text);
  return source;
}

Model load_model(ModelSource source, std::uint64_t seed) {
  Model model;
  model.source = std::move(source);
  double before = wall_s();
  model.program = parse_program(model.source.program_text, model.source.program_file);
  model.parse_s = wall_s() - before;
  before = wall_s();
  if (model.source.data_file.empty()) {
    model.data = bind_data(model.program, nullptr, "", seed);
  } else {
    const data::JsonValue json = data::parse_json(model.source.data_text, model.source.data_file);
    model.data = bind_data(model.program, &json, model.source.data_file, seed);
  }
  model.graph = build_factor_graph(model.program, *model.data);
  model.build_s = wall_s() - before;
  return model;
}

data::JsonValue read_values(const std::string& file) { return data::parse_json(read_file(file), file == "-" ? "<stdin>" : file); }

}  // namespace tenfold::hmc_marg
