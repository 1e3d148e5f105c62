// From the ids of a text file to nodes 0..n-1: ids from 0 or from 1 as they are, sparse numbers in numeric order, other words by
// first appearance.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "gnnbench/csr.h"

namespace tenfold::gnnbench {

// Collects edges, then numbers their ends. While all ids are whole numbers an edge takes 16 bytes.
class NodeNumbers {
 public:
  // `fixed_n`: the number of nodes, where rows of labels or features tell it; ids are then 0..n-1 or 1..n.
  explicit NodeNumbers(std::optional<std::int64_t> fixed_n = {}) : fixed_n_(fixed_n) {}

  // Throws Error(input) with file, line, value and n for a negative id, or one beyond a fixed n.
  void edge(std::string_view source, std::string_view target, const std::string& file, std::size_t line);
  // A node that may have no edge (a row of a label file). Gives a handle for node().
  std::size_t mention(std::string_view id, const std::string& file, std::size_t line);

  // No more edge or mention after this. Throws Error(input) for ids that fit neither base of a fixed n, and for 2^31 nodes.
  void finish();

  std::int64_t nodes() const { return nodes_; }
  NodeId node(std::size_t mentioned) const { return number_[mentioned]; }
  std::vector<Edge> take_edges();
  std::vector<std::string> take_ids();       // where ids were mapped
  const std::string& how() const { return how_; }  // "ids count from 1", for the note

 private:
  struct Place {
    std::string file;
    std::size_t line = 0;
  };
  std::int64_t intern(std::string_view word);
  void turn_to_words();
  std::int64_t see(std::int64_t id, const std::string& file, std::size_t line);
  void renumber(std::int64_t base);
  void map_sparse();

  std::optional<std::int64_t> fixed_n_;
  std::vector<std::pair<std::int64_t, std::int64_t>> edges_;  // ids, or word numbers
  std::vector<std::int64_t> mentioned_;
  std::vector<NodeId> number_;
  std::int64_t lowest_ = std::numeric_limits<std::int64_t>::max(), highest_ = -1;
  Place highest_at_;
  bool words_ = false;
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  std::unordered_map<std::string, std::int64_t, Hash, std::equal_to<>> word_number_;
  std::vector<std::string> ids_;
  std::int64_t nodes_ = 0;
  std::string how_;
};

}  // namespace tenfold::gnnbench
