// Column names in CmdStan's order.
#include <doctest/doctest.h>

#include "hmc-marg/evaluate.h"

using namespace tenfold::hmc_marg;

TEST_CASE("columns run with the first index fastest, whatever the layout") {
  const Columns scalar = columns_of("mu", {Base::real, 0}, {});
  CHECK(scalar.names == std::vector<std::string>{"mu"});
  CHECK(scalar.place == std::vector<std::uint32_t>{0});

  const std::vector<int> dims{2, 3};
  const std::vector<std::string> names{"x.1.1", "x.2.1", "x.1.2", "x.2.2", "x.1.3", "x.2.3"};
  // A matrix lies by columns, an array of vectors by its first index.
  CHECK(columns_of("x", {Base::matrix, 0}, dims).names == names);
  CHECK(columns_of("x", {Base::matrix, 0}, dims).place == std::vector<std::uint32_t>{0, 1, 2, 3, 4, 5});
  CHECK(columns_of("x", {Base::vector, 1}, dims).names == names);
  CHECK(columns_of("x", {Base::vector, 1}, dims).place == std::vector<std::uint32_t>{0, 3, 1, 4, 2, 5});

  const std::vector<int> matrices{2, 2, 2};
  CHECK(columns_of("x", {Base::matrix, 1}, matrices).names[1] == "x.2.1.1");
  CHECK(columns_of("x", {Base::matrix, 1}, matrices).place == std::vector<std::uint32_t>{0, 4, 1, 5, 2, 6, 3, 7});

  const std::vector<int> none{0};
  CHECK(columns_of("x", {Base::vector, 0}, none).names.empty());
}
