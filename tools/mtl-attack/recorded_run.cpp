#include "mtl-attack/recorded_run.h"

#include <fmt/format.h>

#include "base/error.h"
#include "base/files.h"

namespace tenfold::mtl_attack {
namespace {

Json read_object(const std::filesystem::path& path) {
  Json value = Json::parse(read_file(path), nullptr, false);
  if (!value.is_object()) input_error(path.string() + ": no JSON object; is this the directory of a finished run?");
  return value;
}

}  // namespace

RunOptions demo_options(std::int64_t images) {
  RunOptions options;
  options.model = "embedded:rooms_shared";
  options.victim.data = fmt::format("rooms:n={},size=96x128,split=test", images);
  options.attack.rules = {"single:*", "total", "signsum", "gb", "worst"};
  options.attack.attacks = {"fgsm", "pgd"};
  options.attack.eps = {"2/255", "8/255"};
  return options;
}

RecordedRun read_run(const std::filesystem::path& folder) {
  RecordedRun run;
  run.folder = folder;
  const Json envelope = read_object(folder / "result.json"), config = read_object(folder / "config.json");
  const std::string schema =
      envelope.contains("schema") && envelope["schema"].is_string() ? envelope["schema"].get<std::string>() : "";
  const bool demo = schema.starts_with("tenfold.mtl-attack.demo/");
  if (!demo && !schema.starts_with("tenfold.mtl-attack.run/"))
    input_error((folder / "result.json").string() + ": not the result of mtl-attack run or demo");
  if (!envelope.contains("result") || !envelope["result"].is_object())
    input_error((folder / "result.json").string() + ": holds no result");
  run.result = envelope["result"];
  if (demo) {
    const bool says = config.contains("images") && config["images"].is_number_integer();
    if (!says) input_error((folder / "config.json").string() + ": does not say how many images");
    run.options = demo_options(config["images"].get<std::int64_t>());
  } else {
    run.options = run_options_from_config(config, (folder / "config.json").string());
  }
  if (config.contains("seed") && config["seed"].is_number_unsigned()) run.seed = config["seed"].get<std::uint64_t>();
  return run;
}

}  // namespace tenfold::mtl_attack
