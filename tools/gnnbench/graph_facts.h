// What `data info` tells of a dataset, and what other results say of the data they are about.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "data/json.h"
#include "gnnbench/dataset.h"

namespace tenfold::gnnbench {

struct GraphFacts {
  std::int64_t isolated = 0;        // neither in- nor out-neighbours
  std::int64_t max_degree = 0;      // longest row
  std::optional<double> homophily;  // of the edges with both ends labelled, the share with equal labels
};
GraphFacts graph_facts(const Dataset& data);

// The fields of `data info`: name, source, format, digest, direction, n, nnz, ... split.
Json info_json(const Dataset& data);
std::string info_text(const Dataset& data);

Json split_json(const Dataset& data);  // {"name", "train", "val", "test", "none"}

}  // namespace tenfold::gnnbench
