// The checks of `verify` that need tensors: they hold on a sound task, and planted faults fail in those that are about them.
#include "gnnbench/torch/verify_training.h"

#include "doctest_torch.h"

#include "task_support.h"
#include "training_support.h"

using namespace tenfold;
using namespace tenfold::gnnbench;
using namespace tenfold::gnnbench::testing;

namespace {

std::vector<std::string> failing(const std::vector<Check>& checks) {
  std::vector<std::string> names;
  for (const Check& check : checks)
    if (!check.holds()) names.push_back(check.name);
  return names;
}

}  // namespace

TEST_CASE("on dense and sparse tasks, symmetric and directed, all hold, of three workers, too") {
  for (const bool sparse : {false, true})
    for (const bool symmetric : {true, false}) {
      const Dataset data = random_task({.nodes = 60, .edges = 200, .symmetric = symmetric, .sparse = sparse, .seed = 3});
      StoppableRun run(4);
      const std::vector<Check> checks = training_checks(data, {1, 3}, run);
      CHECK(checks.size() == 7 * 6 + 7 + 7 + 7 * 2 + 2);
      for (const std::string& name : failing(checks)) FAIL_CHECK(name);
    }
}

TEST_CASE("a directed graph that calls itself symmetric has wrong gradients, and they are found") {
  Dataset data = random_task({.nodes = 60, .edges = 200, .symmetric = false, .seed = 3});
  data.direction = Direction::symmetric;
  StoppableRun run(4);
  const std::vector<std::string> names = failing(training_checks(data, {1}, run));
  for (const std::string wrong : {"gradients == differences, gcn", "gradients == differences, sage"})
    CHECK(std::find(names.begin(), names.end(), wrong) != names.end());
}
