// The identities that `verify` checks on a user's own graph, and the half of them that needs no LibTorch: what the graph
// promises, the products with it against a plain loop in float64, samples against the graph they come from, dropout masks against
// themselves in another order, and what parts exchange against a count by hand.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/threads.h"
#include "gnnbench/dataset.h"
#include "gnnbench/keyed_random.h"

namespace tenfold::gnnbench {

struct Check {
  std::string name;
  double deviation = 0;  // a count of violations where tolerance is 0; not a number: does not hold
  double tolerance = 0;

  bool holds() const { return deviation <= tolerance; }
};

// Rows ascend without repeats and loops; a graph that calls itself symmetric is its own transpose.
std::vector<Check> graph_checks(const Dataset& data);
// Sums, means, gcn's weights, maxima and the transposed product at several widths; tolerance 1e-5 of the terms' magnitudes, or
// of 1.
std::vector<Check> product_checks(const Dataset& data, const RandomKey& key, ThreadPool& pool);
// ns: min(k, d) distinct in-neighbours a row. labor: there is one uniform a source that explains every kept and dropped edge.
// cluster: the edges between the chosen parts' nodes, all of them.
std::vector<Check> sample_checks(const Dataset& data, const RandomKey& key);
// A mask does not depend on the order of rows, on which rows stand beside, or on the number of threads.
std::vector<Check> dropout_checks(const Dataset& data, const RandomKey& key, ThreadPool& pool);
// sum |R_w| = sum |B_ij|, both what a loop over the edges finds; on a symmetric graph METIS's volume is that number.
std::vector<Check> partition_checks(const Dataset& data, const std::vector<int>& parts);

}  // namespace tenfold::gnnbench
