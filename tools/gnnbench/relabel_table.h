// Global node ids to local ones, for one batch after another. A dense table with a stamp an entry: forgetting everything is one
// increment, and a look-up is one cache line at most, where a hash map would spend the sampler's time on collisions and memory.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "gnnbench/csr.h"

namespace tenfold::gnnbench {

class RelabelTable {
 public:
  // 8 bytes a node, as much as the graph's row starts, for any number of nodes. `stamp`: of the first batch (tests of its overflow).
  explicit RelabelTable(std::int64_t nodes, std::uint32_t stamp = 1) : entries_(static_cast<std::size_t>(nodes)), now_(stamp) {}

  // Forgets all ids. Once in 2^32 times this touches the whole table.
  void reset() {
    next_ = 0;
    if (++now_ != 0) return;
    std::fill(entries_.begin(), entries_.end(), Entry{});
    now_ = 1;
  }

  // The local id of `node`, which gets the next one where it has none; sets `fresh`.
  NodeId insert(NodeId node, bool& fresh) {
    Entry& entry = entries_[static_cast<std::size_t>(node)];
    fresh = entry.stamp != now_;
    // Without a branch: half of them are fresh, in no order.
    entry.local = fresh ? next_ : entry.local;
    entry.stamp = now_;
    next_ += fresh;
    return entry.local;
  }

  std::optional<NodeId> find(NodeId node) const {
    const Entry& entry = entries_[static_cast<std::size_t>(node)];
    if (entry.stamp != now_) return std::nullopt;
    return entry.local;
  }

  void prefetch(NodeId node) const { __builtin_prefetch(&entries_[static_cast<std::size_t>(node)], 1); }
  std::int64_t size() const { return next_; }

 private:
  struct Entry {
    std::uint32_t stamp = 0;  // never a batch's
    NodeId local = 0;
  };
  std::vector<Entry> entries_;
  std::uint32_t now_;
  NodeId next_ = 0;
};

}  // namespace tenfold::gnnbench
