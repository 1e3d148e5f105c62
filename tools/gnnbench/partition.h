// Parts of a graph (METIS 5.1.0 k-way, random, range) and what crosses between them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "gnnbench/csr.h"

namespace tenfold::gnnbench {

enum class PartitionMethod : std::uint8_t { metis, random, range };
enum class PartitionObjective : std::uint8_t { vol, cut };
const char* name_of(PartitionMethod method);
const char* name_of(PartitionObjective objective);

struct PartitionOptions {
  PartitionMethod method = PartitionMethod::metis;
  PartitionObjective objective = PartitionObjective::vol;  // cluster always cuts
  bool balance_train = false;    // the train mask as a second vertex weight
  std::uint64_t seed = 42;
};

struct Partition {
  int parts = 1;
  std::vector<std::int32_t> part_of;  // [n]
  std::int64_t metis_objective = -1;  // what METIS returned; -1 without METIS
};

// k = 1 never calls METIS (5.1.0 dies there). Directed graphs are partitioned on their symmetrised structure. train [n] 0/1, may
// be empty. Throws Error(usage) for k < 1 or k > n, Error(input) for 2^31 edges or more (range and random still work).
Partition partition_graph(CsrView graph, bool symmetric, int k, std::span<const std::uint8_t> train,
                          const PartitionOptions& options);

// R_w, the remote in-neighbours of part w, and B_ij, the nodes of i that are in-neighbours of a node of j.
struct Boundary {
  int parts = 1;
  std::vector<std::vector<NodeId>> halo;                 // [w] global ids by owner, then id
  std::vector<std::vector<std::vector<NodeId>>> send;    // [i][j] = B_ij, ascending; [i][i] empty
  std::int64_t cut_edges = 0;  // entries of the CSR between parts, each undirected edge of a symmetric graph once
  std::int64_t halo_rows() const;  // sum |R_w| = sum |B_ij|
};
Boundary boundary(CsrView graph, bool symmetric, const Partition& partition);

}  // namespace tenfold::gnnbench
