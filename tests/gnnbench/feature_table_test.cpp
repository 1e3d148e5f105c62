// Features: norms by hand, what auto takes, the two stores.
#include "gnnbench/feature_table.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "base/error.h"

using namespace tenfold;
using namespace tenfold::gnnbench;

namespace {

FeatureTable dense(std::int64_t width, std::vector<float> values) {
  FeatureTable out;
  out.width = width;
  out.dense = std::move(values);
  return out;
}

std::vector<float> normed(FeatureTable table, const char* norm) {
  normalise(table, norm);
  return table.sparse ? table.values : table.dense;
}

}  // namespace

TEST_CASE("features: l1 and l2 rows, std columns") {
  const FeatureTable x = dense(2, {3, -4, 0, 0, 6, 8});
  CHECK(normed(x, "l1") == std::vector<float>{3 / 7.0f, -4 / 7.0f, 0, 0, 6 / 14.0f, 8 / 14.0f});
  CHECK(normed(x, "l2") == std::vector<float>{0.6f, -0.8f, 0, 0, 0.6f, 0.8f});
  CHECK(normed(x, "none") == x.dense);
  // Columns (3, 0, 6): mean 3, deviation sqrt(6); a constant column becomes 0.
  const std::vector<float> s = normed(dense(2, {3, 5, 0, 5, 6, 5}), "std");
  CHECK(s[0] == 0);
  CHECK(s[2] == doctest::Approx(-3 / std::sqrt(6.0)));
  CHECK(s[4] == doctest::Approx(3 / std::sqrt(6.0)));
  CHECK(s[1] == 0);
  CHECK_THROWS_AS(normed(to_sparse(x.view()), "std"), Error);
}

TEST_CASE("features: auto takes l2 where nothing is negative and half is zero") {
  CHECK(automatic_norm(dense(2, {0, 1, 0, 2}).view(), 2) == "l2");
  CHECK(automatic_norm(dense(2, {0, 1, 1, 2}).view(), 2) == "none");
  CHECK(automatic_norm(dense(2, {0, 0, 0, -2}).view(), 2) == "none");
}

TEST_CASE("features: sparse rows are the dense ones without zeros, and the norms agree") {
  const FeatureTable x = dense(3, {0, 2, 0, 0, 0, 0, 1, 0, 3});
  FeatureTable s = to_sparse(x.view());
  CHECK(s.indptr == std::vector<EdgeIndex>{0, 1, 1, 3});
  CHECK(s.columns == std::vector<NodeId>{1, 0, 2});
  CHECK(s.values == std::vector<float>{2, 1, 3});
  CHECK(to_dense(s.view(), 3).dense == x.dense);
  CHECK(density(s.view(), 3) == 3.0 / 9);
  for (const char* norm : {"l1", "l2"}) {
    FeatureTable a = x, b = s;
    normalise(a, norm);
    normalise(b, norm);
    CHECK(to_dense(b.view(), 3).dense == a.dense);
  }
}

TEST_CASE("features: sparse rows are sorted, equal columns summed, zeros dropped") {
  FeatureTable s;
  s.sparse = true;
  s.width = 4;
  s.indptr = {0, 4, 4, 6};
  s.columns = {3, 1, 3, 0, 2, 2};
  s.values = {1, 5, 2, 0, 4, -4};
  tidy_sparse(s);
  CHECK(s.indptr == std::vector<EdgeIndex>{0, 2, 2, 2});
  CHECK(s.columns == std::vector<NodeId>{1, 3});
  CHECK(s.values == std::vector<float>{5, 3});
}

TEST_CASE("features: the first that is not finite is named, and how many more") {
  const float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
  const auto message = [](const FeatureTable& table) {
    try {
      require_finite(table.view(), "x.npy");
    } catch (const Error& error) {
      return error.message();
    }
    return std::string("accepted");
  };
  CHECK(message(dense(2, {1, 2, 3, nan, inf, nan})) ==
        "x.npy: the feature in row 1, column 1 (from 0) is NaN, and 2 more are not finite");
  FeatureTable s = to_sparse(dense(3, {0, 2, 0, 0, 0, 0, 1, 0, inf}).view());
  CHECK(message(s) == "x.npy: the feature in row 2, column 2 (from 0) is infinite, and 0 more are not finite");
  CHECK(message(dense(1, {1})) == "accepted");
}

TEST_CASE("features: of the degree and of the identity") {
  const BuiltGraph path = build_graph(3, {{0, 1}, {1, 2}}, Direction::symmetric);
  const FeatureTable degree = degree_features(path.csr.view());
  CHECK(degree.width == 2);
  CHECK(degree.dense == std::vector<float>{std::log(2.0f), 1, std::log(3.0f), 1, std::log(2.0f), 1});
  CHECK(to_dense(identity_features(2).view(), 2).dense == std::vector<float>{1, 0, 0, 1});
}
