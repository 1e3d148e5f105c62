// Which nodes train, validate and test: by ascending keyed uniform of the node id, so that a split depends on (labels, seed)
// alone.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "gnnbench/dataset.h"

namespace tenfold::gnnbench {

// `rule`: random:a,b,c, fractions of the labelled nodes with a + b + c <= 1 (cumulative counts rounded half away from zero), or
// per-class:t,v,s: the first t nodes of each class train (all of a smaller class), of the others the first v validate and the
// next s test. [n], a Part each; a node without label is in none. Throws Error(usage) for another rule, Error(input) with counts
// where there are too few labelled nodes.
std::vector<std::uint8_t> make_split(std::span<const std::int32_t> labels, int classes, const std::string& rule,
                                     std::uint64_t split_seed);

// Throws Error(usage) where `rule` is neither given nor one that make_split takes: before anything is read.
void check_split_rule(const std::string& rule);

struct SplitCounts {
  std::int64_t train = 0, val = 0, test = 0, none = 0;
};
SplitCounts count_split(std::span<const std::uint8_t> split, std::int64_t nodes);

}  // namespace tenfold::gnnbench
