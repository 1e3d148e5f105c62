// Graphs made by rule: the degree-corrected stochastic block model of the demo, R-MAT, and shapes whose answers are known by
// hand. Every number is a function of (seed, what it is for), so that the bytes do not depend on the number of threads.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "gnnbench/csr.h"
#include "gnnbench/dataset.h"

namespace tenfold::gnnbench {

enum class GraphKind : std::uint8_t { dcsbm, rmat, ring, grid, star, path };
const char* name_of(GraphKind kind);

// Labels, features and split are made alike for every kind; only the edges differ.
//   y_v uniform over the classes; x_v = N(0, I) + feature_scale * mu[y_v], mu ~ N(0, I); last, a share label_noise of the labels
//   is drawn again, uniformly, so that no model can be right everywhere.
//   dcsbm  theta_v = 1 + Lomax(pareto); nodes * degree / 2 edges: u ~ theta, a class c (that of u with probability
//          class_probability, else uniform), v ~ theta within c. Karrer and Newman, "Stochastic blockmodels and community
//          structure in networks" (2011), eq. 12, with the degrees' law fixed.
//   rmat   nodes * degree / 2 edges of Chakrabarti, Zhan and Faloutsos, "R-MAT" (2004), with Graph500's (.57, .19, .19, .05) and
//          ids permuted; an edge that leaves [0, nodes) is drawn again.
//   ring, path, star (node 0 the hub), grid (rows of ceil(sqrt(nodes)), the last one maybe short, four neighbours)
// All are symmetrised and lose loops and repetitions, so that the mean degree ends a little below `degree`.
struct GenerateOptions {
  GraphKind kind = GraphKind::dcsbm;
  std::int64_t nodes = 60'000;
  double degree = 14;               // dcsbm, rmat
  int classes = 16;                 // C
  int features = 64;                // F; 0: none
  double class_probability = 0.5;   // dcsbm
  double pareto = 2.2;              // dcsbm
  double feature_scale = 0.25;
  double label_noise = 0.1;
  std::uint64_t seed = 1;
  std::string split = "random:0.5,0.15,0.35";
  std::uint64_t split_seed = 1;
};

// Throws Error(usage) for sizes that cannot be (nodes < 1 or >= 2^31, more edges than fit in memory's address range).
void check(const GenerateOptions& options);

// What the nodes are, apart from their features.
struct GeneratedNodes {
  std::vector<std::int32_t> classes;  // [n], y before the noise: edges and features follow it
  std::vector<std::int32_t> labels;   // [n], after
};
GeneratedNodes generate_nodes(const GenerateOptions& options, int threads);

BuiltGraph generate_graph(const GenerateOptions& options, std::span<const std::int32_t> classes, int threads);

// Rows first..first + rows - 1 of X, row-major [rows, features], into `out`.
void generate_features(const GenerateOptions& options, std::span<const std::int32_t> classes, std::int64_t first,
                       std::span<float> out, int threads);

// What a dataset says of itself before its arrays are there: name, source (the rule with its numbers), classes, split.
Dataset generate_facts(const GenerateOptions& options, const EdgeCounts& counts);
std::string generated_source(const GenerateOptions& options);

// All of it in memory.
Dataset generate_dataset(const GenerateOptions& options, int threads);

}  // namespace tenfold::gnnbench
