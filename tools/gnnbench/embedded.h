// The sample graph inside the program: what runs when no input is named.
#pragma once

#include <string_view>

namespace tenfold::gnnbench {

struct EmbeddedGraph {
  std::string_view name;
  std::string_view edges;   // an edge list
  std::string_view labels;  // a label file
};

// Throws Error(usage), naming the nearest. The texts are those of sample_data/gnn.
const EmbeddedGraph& embedded_graph(std::string_view name);

}  // namespace tenfold::gnnbench
