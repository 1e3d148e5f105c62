// Readers on graphs that can be checked by hand: what is detected, mapped, dropped and refused.
#include <doctest/doctest.h>

#include <functional>

#include "base/error.h"
#include "base/refusal.h"
#include "gnnbench/edge_list_graph.h"
#include "gnnbench/matrix_market_graph.h"

using namespace tenfold;
using namespace tenfold::gnnbench;

using tenfold::test::refusal;
using tenfold::test::says;

namespace {

RawGraph edges_of(const std::string& text, const LabelFile* labels = nullptr) {
  data::LineReader lines(text, "e.csv");
  return read_edge_list(lines, labels, nullptr);
}

RawGraph labelled(const std::string& text, const std::string& labels) {
  const LabelFile file = parse_labels(labels, "y.csv");
  return edges_of(text, &file);
}

RawGraph matrix_of(const std::string& text) {
  data::LineReader lines(text, "g.mtx");
  return read_matrix_market(lines);
}

std::string pairs(const RawGraph& graph) {
  std::string out;
  for (const Edge& e : graph.edges) out += std::to_string(e.source) + ">" + std::to_string(e.target) + " ";
  return out;
}

}  // namespace

TEST_CASE("edge list: separators, comments, headers, further columns") {
  const char* expected = "0>1 1>2 ";
  CHECK(pairs(edges_of("# c\n0 1\n1   2\n")) == expected);
  CHECK(pairs(edges_of("% c\n0\t1\n1\t2")) == expected);
  CHECK(pairs(edges_of("0,1,0.5\r\n1,2,7\r\n")) == expected);
  CHECK(pairs(edges_of("0;1\n\n1;2\n")) == expected);
  CHECK(pairs(edges_of("from,to\n0,1\n1,2\n")) == expected);      // known names
  CHECK(pairs(edges_of("alpha,omega\n0,1\n1,2\n")) == expected);  // words above numbers
  CHECK(pairs(edges_of("\"0\",\"1\"\n\"1\",\"2\"\n")) == expected);
  const RawGraph graph = edges_of("# c\nsource,target,weight\n1,2,3\n");
  CHECK(says(
      graph.notes.at(0),
      "1 edge, words separated by comma, 1 comment line, header \"source,target,weight\", columns after the second left out"));
  CHECK(says(graph.notes.at(0), "ids count from 1"));
  CHECK(graph.raw_edges == 1);
}

TEST_CASE("edge list: the base is what the ids allow") {
  CHECK(edges_of("0 1\n1 2\n").nodes == 3);
  const RawGraph one = edges_of("1 2\n2 3\n");
  CHECK(one.nodes == 3);
  CHECK(pairs(one) == "0>1 1>2 ");
  CHECK(one.node_ids.empty());
  // Node 3 of five has no edge, and is a node all the same.
  CHECK(edges_of("0 1\n1 2\n2 4\n").nodes == 5);
  // Four labels: ids 1..3 could count from 0, ids 1..4 cannot.
  CHECK(pairs(labelled("1 2\n2 3\n", "0\n1\n1\n0\n")) == "1>2 2>3 ");
  CHECK(pairs(labelled("1 2\n2 4\n", "0\n1\n1\n0\n")) == "0>1 1>3 ");
}

TEST_CASE("edge list: a byte order mark makes no node of its own; label files likewise") {
  const RawGraph graph = edges_of(
      "\xEF\xBB\xBF"
      "5,1\n1,2\n0,5\n3,4\n");
  CHECK(graph.nodes == 6);
  CHECK(graph.node_ids.empty());
  CHECK(pairs(graph) == pairs(edges_of("5,1\n1,2\n0,5\n3,4\n")));
  const RawGraph marked = labelled("0,1\n1,2\n",
                                   "\xEF\xBB\xBF"
                                   "0,1\n1,0\n2,1\n");
  CHECK(marked.labels == std::vector<std::int32_t>{1, 0, 1});
}

TEST_CASE("edge list: sparse numbers in numeric order, words by first appearance") {
  const RawGraph sparse = edges_of("500 7\n7 1000000\n");
  CHECK(sparse.nodes == 3);
  CHECK(pairs(sparse) == "1>0 0>2 ");
  CHECK(sparse.node_ids == std::vector<std::string>{"7", "500", "1000000"});
  const RawGraph words = edges_of("b,a\na,c d\n");
  CHECK(pairs(words) == "0>1 1>2 ");
  CHECK(words.node_ids == std::vector<std::string>{"b", "a", "c d"});
  // A word late in the file makes words of the numbers before it; 007 is not 7.
  const RawGraph late = edges_of("5 9\n9 007\n7 5\n");
  CHECK(late.node_ids == std::vector<std::string>{"5", "9", "007", "7"});
  CHECK(pairs(late) == "0>1 1>2 3>0 ");
}

TEST_CASE("label files: ids, names, missing ones") {
  const RawGraph graph = labelled("b,a\na,c\n", "id,label\na,yes\nc,no\nlonely,yes\nb,NA\n");
  CHECK(graph.nodes == 4);
  CHECK(graph.node_ids == std::vector<std::string>{"b", "a", "c", "lonely"});
  CHECK(graph.classes == 2);  // no 0, yes 1
  CHECK(graph.labels == std::vector<std::int32_t>{-1, 1, 0, 1});
  CHECK(labelled("0 1\n1 2\n", "2\n-1\n0\n").labels == std::vector<std::int32_t>{2, -1, 0});
  CHECK(labelled("0 1\n", "y\n1\n0\n").labels == std::vector<std::int32_t>{1, 0});
  CHECK(labelled("1 2\n", "1 0\n2 1\n").labels == std::vector<std::int32_t>{0, 1});
  CHECK(labelled("0 1\n", "Mr. Hi\nOfficer\n").labels == std::vector<std::int32_t>{0, 1});
}

TEST_CASE("edge list: refusals name line, value and n") {
  const auto edges = [](const char* text) { return refusal([&] { edges_of(text); }); };
  const auto both = [](const char* text, const char* y) { return refusal([&] { labelled(text, y); }); };
  CHECK(says(edges("0 1\n2 -3\n"), "e.csv:2: node id -3 is negative"));
  CHECK(says(edges("0 1\n2 3 4\n"), "e.csv:2: 3 columns where line 1 has 2"));
  CHECK(says(edges("0 1\n2\n"), "e.csv:2: 1 column"));
  CHECK(says(edges("0\n1\n"), "e.csv:1: one column"));
  CHECK(says(edges("0,1\n2,\n"), "e.csv:2: an edge without target"));
  CHECK(says(edges(""), "an empty graph"));
  CHECK(says(edges("# nothing\n"), "an empty graph"));
  CHECK(says(both("0 1\n1 5\n", "0\n1\n1\n"), "e.csv:2: node id 5 is too large, n is 3"));
  CHECK(says(both("0 1\n1 3\n", "0\n1\n1\n"), "e.csv:2: node id 3 is too large, n is 3 and ids count from 0"));
  CHECK(says(both("0 1\n", "0\n2\n"),
             "y.csv:2: label 2: numbers are classes 0..C-1, and C cannot exceed n = 2; words, as c2, are numbered by alphabet"));
  CHECK(says(both("0 1\n", "0\n-2\n"), "y.csv:2: label -2"));
  CHECK(says(both("0 1\n", "0 1 1\n1 0 0\n"), "several labels a node"));
  CHECK(says(both("a b\n", "id,label\na,0\na,1\nb,0\n"), "y.csv:3: id a has a second label"));
  CHECK(says(both("a b\n", "0\n1\n1\n"), "y.csv:3: 3 rows of labels, n is 2"));
}

TEST_CASE("MatrixMarket: kinds, symmetry, refusals") {
  const RawGraph general = matrix_of("%%MatrixMarket matrix coordinate pattern general\n% c\n3 3 2\n1 2\n3 1\n");
  CHECK(general.nodes == 3);
  CHECK(pairs(general) == "0>1 2>0 ");
  const RawGraph symmetric = matrix_of("%%MatrixMarket MATRIX coordinate REAL symmetric\n3 3 2\n2 1 -1e3\n3 3 1\n");
  CHECK(pairs(symmetric) == "1>0 0>1 2>2 ");
  CHECK(symmetric.raw_edges == 2);
  const auto refused = [](const std::string& rest) { return refusal([&] { matrix_of("%%MatrixMarket matrix " + rest); }); };
  CHECK(says(refused("array real general\n2 2\n1\n0\n"), "g.mtx:1: a matrix in the form \"array\""));
  CHECK(says(refused("coordinate pattern general\n2 3 1\n1 1\n"), "g.mtx:2: a matrix of 2 x 3 is no graph"));
  CHECK(says(refused("coordinate pattern general\n2 2 1\n1 3\n"), "g.mtx:3: node id 3 is outside 1..n, n is 2"));
  CHECK(says(refused("coordinate pattern general\n2 2 1\n0 1\n"), "g.mtx:3: node id 0 is outside 1..n"));
  CHECK(says(refused("coordinate pattern general\n2 2 2\n1 2\n"), "g.mtx:3: the file ends early, after 1 of 2 entries"));
  CHECK(says(refused("coordinate pattern general\n2 2 1\n1 2\n2 1\n"), "g.mtx:4: entries go on after the 1"));
  CHECK(says(refused("coordinate real general\n2 2 1\n1 2\n"), "g.mtx:3: 2 columns"));
  CHECK(says(refused("coordinate pattern general\n0 0 0\n"), "an empty graph"));
  CHECK(says(refused("coordinate pattern general\n2147483648 2147483648 0\n"), "2147483648 nodes; fewer than 2^31"));
}
