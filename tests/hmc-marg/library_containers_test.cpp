#include <cmath>

#include "hmc-marg/library_values.h"

using namespace tenfold::hmc_marg;
using namespace tenfold::hmc_marg::library_values;

TEST_CASE("containers of repeated numbers") {
  CHECK(both_ways("rep_vector", {real(3), integer(2)}).number == std::vector<double>{3, 3});
  CHECK(both_ways("rep_row_vector", {real(3), integer(2)}).type == Type{Base::row_vector, 0});
  CHECK(both_ways("rep_matrix", {real(3), integer(2), integer(3)}).dims == std::vector<int>{2, 3});
  CHECK(both_ways("rep_matrix", {vector({1, 2}), integer(2)}).number == std::vector<double>{1, 2, 1, 2});
  const Value rows = both_ways("rep_matrix", {row_vector({1, 2}), integer(3)});
  CHECK(rows.dims == std::vector<int>{3, 2});
  CHECK(rows.number == std::vector<double>{1, 1, 1, 2, 2, 2});
  const Value nested = both_ways("rep_array", {vector({1, 2}), integer(2), integer(3)});
  CHECK(nested.type == Type{Base::vector, 2});
  CHECK(nested.dims == std::vector<int>{2, 3, 2});
  CHECK(call("rep_array", {integer(1), integer(2)}).type == Type{Base::integer, 1});
  CHECK(call("rep_vector", {real(1), integer(0)}).number.empty());
  CHECK(message_of([] { call("rep_vector", {real(1), integer(-1)}); }).find("must not be negative") != std::string::npos);
  CHECK(message_of([] { call("rep_matrix", {real(1), integer(100000), integer(100000)}); }).find("more than 100 million") !=
        std::string::npos);
  CHECK(message_of([] { call("zeros_vector", {integer(2147483647)}); }).find("more than 100 million") != std::string::npos);
  CHECK(call("ones_vector", {integer(2)}).number == std::vector<double>{1, 1});
  CHECK(call("zeros_int_array", {integer(2)}).type == Type{Base::integer, 1});
  CHECK(call("identity_matrix", {integer(2)}).number == std::vector<double>{1, 0, 0, 1});
}

TEST_CASE("evenly spaced containers") {
  CHECK(call("linspaced_vector", {integer(5), real(0), real(1)}).number == std::vector<double>{0, 0.25, 0.5, 0.75, 1});
  CHECK(call("linspaced_row_vector", {integer(1), real(0), real(1)}).number == std::vector<double>{1});
  CHECK(call("linspaced_array", {integer(0), real(0), real(1)}).type == Type{Base::real, 1});
  CHECK(call("linspaced_int_array", {integer(3), integer(1), integer(5)}).number == std::vector<double>{1, 3, 5});
  CHECK(call("linspaced_int_array", {integer(3), integer(1), integer(6)}).number == std::vector<double>{1, 3, 5});
  CHECK(call("linspaced_int_array", {integer(6), integer(1), integer(3)}).number == std::vector<double>{1, 1, 2, 2, 3, 3});
  CHECK(call("linspaced_int_array", {integer(1), integer(1), integer(3)}).number == std::vector<double>{3});
}

TEST_CASE("conversions: matrices are column-major, arrays have their last index fastest") {
  const Value m = matrix(2, 3, {1, 4, 2, 5, 3, 6});  // 1 2 3 / 4 5 6
  CHECK(both_ways("to_vector", {m}).number == m.number);
  CHECK(both_ways("to_array_1d", {m}).number == m.number);
  CHECK(both_ways("to_matrix", {m, integer(3), integer(2)}).number == m.number);
  CHECK(both_ways("to_matrix", {vector({1, 2, 3, 4, 5, 6}), integer(2), integer(3), integer(0)}).number == m.number);
  const Value a = value({Base::real, 2}, {2, 3}, {1, 2, 3, 4, 5, 6});
  CHECK(both_ways("to_matrix", {a}).number == m.number);
  CHECK(both_ways("to_matrix", {value({Base::row_vector, 1}, {2, 3}, {1, 2, 3, 4, 5, 6})}).number == m.number);
  CHECK(both_ways("to_matrix", {vector({1, 2})}).dims == std::vector<int>{2, 1});
  CHECK(both_ways("to_matrix", {row_vector({1, 2})}).dims == std::vector<int>{1, 2});
  CHECK(both_ways("to_array_1d", {a}).number == a.number);
  CHECK(both_ways("to_array_2d", {m}).number == a.number);
  CHECK(call("to_vector", {integers({1, 2})}).type == Type{Base::vector, 0});
  CHECK(message_of([&] { call("to_matrix", {m, integer(2), integer(2)}); }).find("6 numbers") != std::string::npos);
}

TEST_CASE("joining") {
  CHECK(both_ways("append_row", {vector({1, 2}), real(3)}).number == std::vector<double>{1, 2, 3});
  CHECK(both_ways("append_row", {real(3), vector({1, 2})}).type == Type{Base::vector, 0});
  CHECK(both_ways("append_row", {matrix(1, 2, {1, 2}), row_vector({3, 4})}).number == std::vector<double>{1, 3, 2, 4});
  CHECK(both_ways("append_row", {row_vector({1, 2}), row_vector({3, 4})}).dims == std::vector<int>{2, 2});
  CHECK(both_ways("append_col", {row_vector({1}), row_vector({3, 4})}).number == std::vector<double>{1, 3, 4});
  CHECK(both_ways("append_col", {vector({1, 2}), vector({3, 4})}).dims == std::vector<int>{2, 2});
  CHECK(both_ways("append_col", {vector({1, 2}), matrix(2, 1, {3, 4})}).number == std::vector<double>{1, 2, 3, 4});
  CHECK(both_ways("append_array", {array({1}), array({2, 3})}).number == std::vector<double>{1, 2, 3});
  CHECK(call("append_array", {integers({}), integers({2})}).type == Type{Base::integer, 1});
  CHECK(message_of([] { call("append_col", {vector({1, 2}), vector({3})}); }) == "append_col: 2 rows and 1 rows do not match");
  CHECK(message_of([] { call("append_row", {matrix(1, 2, {1, 2}), row_vector({3})}); }) ==
        "append_row: 2 columns and 1 columns do not match");
}

TEST_CASE("sizes") {
  const Value m = matrix(2, 3, std::vector<double>(6));
  CHECK(call("rows", {m}).number[0] == 2);
  CHECK(call("cols", {m}).number[0] == 3);
  CHECK(call("size", {m}).number[0] == 6);
  CHECK(call("cols", {vector({1, 2})}).number[0] == 1);
  CHECK(call("rows", {row_vector({1, 2})}).number[0] == 1);
  const Value nested = value({Base::vector, 1}, {4, 2}, std::vector<double>(8));
  CHECK(call("size", {nested}).number[0] == 4);
  CHECK(call("num_elements", {nested}).number[0] == 8);
  CHECK(call("dims", {nested}).number == std::vector<double>{4, 2});
  CHECK(call("dims", {real(1)}).number.empty());
}

TEST_CASE("parts of vectors and arrays") {
  const Value x = vector({1, 2, 3, 4, 5});
  CHECK(both_ways("head", {x, integer(2)}).number == std::vector<double>{1, 2});
  CHECK(both_ways("tail", {x, integer(2)}).number == std::vector<double>{4, 5});
  CHECK(both_ways("segment", {x, integer(2), integer(3)}).number == std::vector<double>{2, 3, 4});
  CHECK(both_ways("reverse", {x}).number == std::vector<double>{5, 4, 3, 2, 1});
  CHECK(call("tail", {x, integer(0)}).number.empty());
  CHECK(call("segment", {x, integer(6), integer(0)}).number.empty());
  const Value nested = value({Base::vector, 1}, {3, 2}, {1, 2, 3, 4, 5, 6});
  CHECK(both_ways("tail", {nested, integer(1)}).number == std::vector<double>{5, 6});
  CHECK(both_ways("reverse", {nested}).number == std::vector<double>{5, 6, 3, 4, 1, 2});
  CHECK(message_of([&] { call("head", {x, integer(6)}); }).find("the size is 5") != std::string::npos);
  CHECK(message_of([&] { call("tail", {x, integer(6)}); }).find("the size is 5") != std::string::npos);
  CHECK(message_of([&] { call("segment", {x, integer(4), integer(3)}); }).find("3 elements from 4") != std::string::npos);
}

TEST_CASE("parts of matrices") {
  const Value m = matrix(3, 3, {1, 4, 7, 2, 5, 8, 3, 6, 9});  // 1 2 3 / 4 5 6 / 7 8 9
  CHECK(both_ways("row", {m, integer(2)}).number == std::vector<double>{4, 5, 6});
  CHECK(both_ways("row", {m, integer(2)}).type == Type{Base::row_vector, 0});
  CHECK(both_ways("col", {m, integer(2)}).number == std::vector<double>{2, 5, 8});
  CHECK(both_ways("sub_row", {m, integer(3), integer(2), integer(2)}).number == std::vector<double>{8, 9});
  CHECK(both_ways("sub_col", {m, integer(2), integer(3), integer(2)}).number == std::vector<double>{6, 9});
  CHECK(both_ways("block", {m, integer(2), integer(1), integer(2), integer(2)}).number == std::vector<double>{4, 7, 5, 8});
  CHECK(both_ways("diagonal", {m}).number == std::vector<double>{1, 5, 9});
  CHECK(both_ways("diag_matrix", {vector({2, 3})}).number == std::vector<double>{2, 0, 0, 3});
  CHECK(both_ways("transpose", {m}).number == std::vector<double>{1, 2, 3, 4, 5, 6, 7, 8, 9});
  CHECK(message_of([&] { call("row", {m, integer(4)}); }).find("out of range") != std::string::npos);
  CHECK(message_of([&] { call("block", {m, integer(2), integer(3), integer(1), integer(2)}); }).find("columns") !=
        std::string::npos);
}

TEST_CASE("sorting known numbers") {
  CHECK(call("sort_asc", {vector({3, 1, 2})}).number == std::vector<double>{1, 2, 3});
  CHECK(call("sort_desc", {integers({3, 1, 2})}).number == std::vector<double>{3, 2, 1});
  CHECK(call("sort_indices_asc", {vector({3, 1, 2})}).number == std::vector<double>{2, 3, 1});
  CHECK(call("sort_indices_desc", {vector({3, 1, 2})}).number == std::vector<double>{1, 3, 2});
  Unknowns unknowns;
  const Value x = unknowns.hide(vector({1, 2}));
  CHECK(message_of([&] { call(unknowns.context, "sort_asc", {x}); }).find("depends on a parameter") != std::string::npos);
}

TEST_CASE("moving numbers about makes no node") {
  Unknowns unknowns;
  const Value x = unknowns.hide(matrix(2, 2, {1, 2, 3, 4}));
  const std::size_t before = unknowns.graph.nodes().size();
  for (const char* name : {"to_vector", "transpose", "diagonal", "to_array_1d"}) call(unknowns.context, name, {x});
  call(unknowns.context, "append_row", {x, x});
  call(unknowns.context, "block", {x, integer(1), integer(1), integer(1), integer(2)});
  CHECK(unknowns.graph.nodes().size() == before);
}
