// The digest of everything a run drew, by which two runs are told to have trained on the same samples: SHA-256 over int64
// little-endian ids, update by update. It is kept outside the train clock.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/sha256.h"
#include "gnnbench/block.h"

namespace tenfold::gnnbench {

class StreamDigest {
 public:
  StreamDigest() = default;
  // From what save() returned; throws Error(input) if it is none.
  explicit StreamDigest(const std::string& saved);

  // ns, labor: the (destination, source) global ids of every edge, hop 1 first, in block order.
  void add_edges(const MiniBatch& batch);
  // cluster: the batch's node ids; bns: the kept ids of an ordered pair of workers.
  void add_nodes(std::span<const NodeId> nodes);

  std::string hex() const;   // of what was added so far; more may follow
  std::string save() const;  // for a checkpoint, text

 private:
  Sha256 hash_;
  std::vector<std::int64_t> ids_;
};

// Of W > 1 workers: SHA-256 of their digests' texts in rank order; of one, its own.
std::string combine_digests(std::span<const std::string> by_rank);

}  // namespace tenfold::gnnbench
