// What writing and opening .gnnb folders share: the names, in the digest's order, and hashes.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "gnnbench/dataset.h"

namespace tenfold::gnnbench {

inline constexpr const char* kGnnbSchema = "tenfold.gnnbench.gnnb/1";
inline constexpr const char* kGnnbManifest = "manifest.json";
inline constexpr const char* kGnnbNodeIds = "node_ids.txt";
inline constexpr const char* kGnnbArrays[] = {"indptr.npy",    "indices.npy",  "features.npy", "x_indptr.npy",
                                              "x_indices.npy", "x_values.npy", "labels.npy",   "split.npy"};

const char* name_of(Direction direction);  // sym, in, out

struct HashedFile {
  std::string name, sha256;
};

// Of the arrays' hashes, in any order.
std::string digest_of(std::int64_t nodes, std::int64_t width, int classes, Direction direction,
                      const std::vector<HashedFile>& files);

}  // namespace tenfold::gnnbench
