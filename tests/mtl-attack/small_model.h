// A small network on disk and a run of the program on it, for tests of whole runs.
#pragma once

#include <doctest/doctest.h>

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/process.h"
#include "cli/scratch.h"
#include "mtl/architectures.h"
#include "mtl/dataset.h"
#include "mtl/model.h"

namespace tenfold::mtl_attack::testing {

using Json = nlohmann::ordered_json;

// rooms-net with the weights it is born with: its losses move as those of any other.
inline std::string write_small_model(const test::Scratch& scratch, const mtl::TaskFile& tasks = mtl::rooms_tasks(),
                                     const std::string& name = "net") {
  mtl::Model model = mtl::build({.arch = "rooms-net", .layout = "shared", .widths = {}}, tasks, 3);
  model.tasks = tasks;
  mtl::write_mtg(scratch.path() / name, model);
  return (scratch.path() / (name + ".mtg.json")).string();
}

inline test::Outcome attack(const test::Scratch& scratch, std::vector<std::string> words,
                            std::map<std::string, std::string> variables = {}) {
  words.insert(words.begin(), TENFOLD_BUILD_DIR "/bin/mtl-attack");
  words.insert(words.end(), {"--progress", "none"});
  return test::run(words, {.directory = scratch.path().string(), .variables = std::move(variables), .input = ""});
}

inline Json result_of(const test::Outcome& outcome) {
  REQUIRE_MESSAGE(outcome.exit_code == 0, outcome.err);
  return Json::parse(outcome.out)["result"];
}

}  // namespace tenfold::mtl_attack::testing
