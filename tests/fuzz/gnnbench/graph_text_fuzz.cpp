// Edge lists and MatrixMarket of any bytes, the same bytes as a label file beside them: a graph whose ids are in range, or an
// Error.
#include <cstdlib>

#include "base/error.h"
#include "gnnbench/edge_list_graph.h"
#include "gnnbench/matrix_market_graph.h"

namespace {

using namespace tenfold;
using namespace tenfold::gnnbench;

void check(const RawGraph& graph) {
  for (const Edge& e : graph.edges)
    if (e.source < 0 || e.source >= graph.nodes || e.target < 0 || e.target >= graph.nodes) std::abort();
  if (!graph.node_ids.empty() && static_cast<std::int64_t>(graph.node_ids.size()) != graph.nodes) std::abort();
  for (const std::int32_t y : graph.labels)
    if (y < -1 || y >= graph.classes) std::abort();
}

template <class Read>
void attempt(Read read) {
  try {
    check(read());
  } catch (const Error&) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  // The graph before a line "---", its labels after it.
  const std::size_t cut = text.find("---\n");
  const std::string_view edges = text.substr(0, cut);
  data::LineReader lines(edges, "fuzz");
  if (edges.starts_with("%%M")) {
    attempt([&] {
      RawGraph graph = read_matrix_market(lines);
      if (graph.nodes > 1000) return RawGraph{};
      build_graph(graph.nodes, graph.edges, Direction::symmetric);
      return graph;
    });
    return 0;
  }
  attempt([&] {
    if (cut == std::string_view::npos) return read_edge_list(lines, nullptr, nullptr);
    const LabelFile labels = parse_labels(text.substr(cut + 4), "labels");
    return read_edge_list(lines, &labels, nullptr);
  });
  return 0;
}
