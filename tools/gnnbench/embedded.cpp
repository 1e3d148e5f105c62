// Sample graphs, taken into the program by the assembler from sample_data/gnn.
#include "gnnbench/embedded.h"

#include <string>
#include <vector>

#include "base/error.h"
#include "base/suggest.h"

// Defines the byte range SYMBOL_begin .. SYMBOL_end with the content of a file.
#define TENFOLD_EMBED(symbol, file)                                                                  \
  __asm__(".section .rodata\n.global " #symbol "_begin\n.global " #symbol "_end\n" #symbol           \
          "_begin:\n"                                                                                \
          ".incbin \"" TENFOLD_SAMPLE_GRAPHS "/" file "\"\n" #symbol "_end:\n.byte 0\n.previous\n"); \
  extern "C" const char symbol##_begin[];                                                            \
  extern "C" const char symbol##_end[]

TENFOLD_EMBED(tenfold_karate_csv, "karate.csv");
TENFOLD_EMBED(tenfold_karate_labels_csv, "karate_labels.csv");

namespace tenfold::gnnbench {
namespace {

std::string_view between(const char* begin, const char* end) { return {begin, static_cast<std::size_t>(end - begin)}; }

}  // namespace

const EmbeddedGraph& embedded_graph(std::string_view name) {
  static const std::vector<EmbeddedGraph> graphs = {
      {"karate", between(tenfold_karate_csv_begin, tenfold_karate_csv_end),
       between(tenfold_karate_labels_csv_begin, tenfold_karate_labels_csv_end)},
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
