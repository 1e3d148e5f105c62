// The digest of everything a run drew.
#include "gnnbench/stream_digest.h"

#include <bit>

namespace tenfold::gnnbench {

static_assert(std::endian::native == std::endian::little, "ids are hashed as they lie in memory");

StreamDigest::StreamDigest(const std::string& saved) : hash_(Sha256::restore(saved)) {}

void StreamDigest::add_edges(const MiniBatch& batch) {
  for (auto block = batch.blocks.rbegin(); block != batch.blocks.rend(); ++block) {
    ids_.clear();
    for (std::int64_t v = 0; v < block->destinations; ++v) {
      const NodeId destination = block->sources[static_cast<std::size_t>(v)];
      for (const NodeId u : block->view().row(v)) {
        ids_.push_back(destination);
        ids_.push_back(block->sources[static_cast<std::size_t>(u)]);
      }
    }
    hash_.update(std::as_bytes(std::span(ids_)));
  }
}

void StreamDigest::add_nodes(std::span<const NodeId> nodes) {
  ids_.assign(nodes.begin(), nodes.end());
  hash_.update(std::as_bytes(std::span(ids_)));
}

std::string StreamDigest::hex() const { return Sha256::restore(hash_.save()).hex(); }
std::string StreamDigest::save() const { return hash_.save(); }

std::string combine_digests(std::span<const std::string> by_rank) {
  if (by_rank.size() == 1) return by_rank[0];
  Sha256 hash;
  for (const std::string& digest : by_rank) hash.update(digest);
  return hash.hex();
}

}  // namespace tenfold::gnnbench
