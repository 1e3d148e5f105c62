// Label propagation on a path, by hand, and its fixed point.
#include <doctest/doctest.h>

#include <cmath>

#include "gnnbench/label_propagation.h"
#include "torch/task_support.h"

using namespace tenfold;
using namespace tenfold::gnnbench;

TEST_CASE("scores solve Z = 0.9 A Z + 0.1 Y up to 0.9^50, and unreached nodes have none") {
  testing::TaskStorage s;
  s.graph = build_graph(6, {{0, 1}, {1, 2}, {2, 3}}, Direction::symmetric).csr;  // 4 and 5 are alone
  s.x.assign(6, 0);
  s.labels = {0, 0, 1, 1, 0, 1};
  s.split = {1, 2, 2, 1, 1, 3};
  const Dataset data = testing::dataset_of(std::move(s), 1, 2, Direction::symmetric, false);
  ThreadPool pool(2);
  const std::vector<float> z = propagate_labels(data, pool);
  const auto at = [&](std::size_t v, std::size_t c) { return static_cast<double>(z[2 * v + c]); };
  const auto weight = [](double du, double dv) { return 1 / std::sqrt(du * dv); };
  // Node 0 (degree 2 with its loop): 0.9 (z0 / 2 + z1 / sqrt 6) + 0.1.
  CHECK(at(0, 0) == doctest::Approx(0.9 * (at(0, 0) / 2 + at(1, 0) * weight(2, 3)) + 0.1).epsilon(0.01));
  // Node 1 is not a training node: its label, though known, is not used.
  CHECK(at(1, 0) == doctest::Approx(0.9 * (at(0, 0) * weight(2, 3) + at(1, 0) / 3 + at(2, 0) / 3)).epsilon(0.01));
  CHECK(at(1, 0) > at(1, 1));
  CHECK(at(2, 1) > at(2, 0));
  CHECK(at(1, 0) == doctest::Approx(at(2, 1)));  // the path's symmetry
  CHECK(at(4, 0) == doctest::Approx(1).epsilon(1e-5));  // alone with its loop: 0.9 z + 0.1
  CHECK(at(5, 0) == 0);
  CHECK(at(5, 1) == 0);
}
