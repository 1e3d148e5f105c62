// Test data outside the repository, and the corpus of programs with their references in it.
#pragma once

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "base/error.h"
#include "hmc-marg/model_support.h"

namespace tenfold::hmc_marg::testing {

// A file or folder of the Bayesian test data, below TENFOLD_DATA or its default; empty, with a message, where it is absent.
inline std::filesystem::path test_data(const std::string& name) {
  const char* const set = std::getenv("TENFOLD_DATA");
  const std::filesystem::path path = std::filesystem::path(set && *set ? set : TENFOLD_DATA_DEFAULT) / "bayes" / name;
  if (std::filesystem::exists(path)) return path;
  MESSAGE("skipped: " << path.string() << " is absent; TENFOLD_DATA names the folder of test data");
  return {};
}

// posteriordb's programs and data with the values that CmdStan and stanli give: refs.json, an object of programs.
struct Corpus {
  std::filesystem::path folder;  // empty: absent, which was said
  data::JsonValue references;

  Corpus() {
    const std::filesystem::path file = test_data("corpus/refs.json");
    if (file.empty()) return;
    folder = file.parent_path();
    references = data::read_json(file);
  }

  // Throws Error(input) for a program with a construct that is refused.
  std::shared_ptr<BoundModel> bind(const data::JsonMember& entry) const {
    return bind_files(folder / (entry.key + ".stan"), folder / entry.value.find("data")->string());
  }
  std::shared_ptr<BoundModel> bind(const std::string& name) const {
    return bind_files(folder / (name + ".stan"), folder / references.find(name)->find("data")->string());
  }

  // Calls `use` with every program that is not refused; the corpus test lists the others.
  void each(const std::function<void(const std::string& name, BoundModel& model)>& use) const {
    for (const data::JsonMember& entry : references.object()) {
      CAPTURE(entry.key);
      std::shared_ptr<BoundModel> model;
      try {
        model = bind(entry);
      } catch (const Error&) {
        continue;
      }
      use(entry.key, *model);
    }
  }
};

}  // namespace tenfold::hmc_marg::testing
