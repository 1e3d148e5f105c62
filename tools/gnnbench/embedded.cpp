// Sample graphs, taken into the program by the assembler from sample_data/gnn.
#include "gnnbench/embedded.h"

#include <string>
#include <vector>

#include "base/embed.h"
#include "base/error.h"
#include "base/suggest.h"

TENFOLD_EMBED(tenfold_karate_csv, TENFOLD_SAMPLE_GRAPHS "/karate.csv");
TENFOLD_EMBED(tenfold_karate_labels_csv, TENFOLD_SAMPLE_GRAPHS "/karate_labels.csv");

namespace tenfold::gnnbench {

const EmbeddedGraph& embedded_graph(std::string_view name) {
  static const std::vector<EmbeddedGraph> graphs = {
      {"karate", TENFOLD_EMBEDDED(tenfold_karate_csv), TENFOLD_EMBEDDED(tenfold_karate_labels_csv)},
  };
  std::vector<std::string> names;
  for (const EmbeddedGraph& graph : graphs) {
    if (graph.name == name) return graph;
    names.emplace_back(graph.name);
  }
  const std::string near = nearest(name, names);
  usage_error("embedded:" + std::string(name) + ": no such graph in the program; " +
              (near.empty() ? "there is embedded:karate" : "did you mean embedded:" + near + "?"));
}

}  // namespace tenfold::gnnbench
