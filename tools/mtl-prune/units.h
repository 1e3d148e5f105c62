// What can be removed: channel identities merged through the network (section 2.2 of the specification). A unit is the least
// set of channels that go together; a set is a connected component of units that share a producer dimension.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "mtl/model.h"
#include "mtl/shapes.h"

namespace tenfold::mtl_prune {

enum class Role : std::uint8_t { producer, member, consumer };

// One channel dimension of one parameter. A grouped convolution's weight [C_out, C_in / g, k, k] (transposed: [C_in, C_out / g,
// k, k]) has C_in (C_out) virtual indices in dimension 1: v = q * (C / g) + j is column j of the rows of group q.
struct Dimension {
  std::string parameter;
  int dim = 0;
  std::int64_t groups = 1;  // > 1: indices are virtual
  std::int64_t size = 0;    // of indices; virtual ones counted
  Role role = Role::producer;
  int node = 0;  // the first that uses it so
};

// The indices of one dimension that a unit owns: `count` entries of Units::index_pool from `first`, ascending.
struct Slice {
  int dimension = 0;  // into Units::dimensions
  int first = 0, count = 0;
};

struct Unit {
  int first = 0, count = 0;  // its slices in Units::slice_pool: producers, members, consumers
  bool locked = false;
};

// Counts that must stay equal: a grouped convolution's blocks of input or output channels. A unit stands in a block once for
// each of its channels there.
struct Balance {
  std::string why;                       // the grouped convolution's node
  std::vector<std::vector<int>> blocks;  // unit indices in the set
};

struct UnitSet {
  int id = 0;
  std::vector<Unit> units;          // by the first producer's index
  std::vector<int> dimensions;      // into Units::dimensions, in node order
  std::vector<Balance> balances;
  // The balances' common refinement: units that count alike in every block. Keeping the same share of each cell keeps every
  // balance, so a set keeps t * cell.size() / gcd(cell sizes) of each, t = 1, 2 ...; one cell where there is no balance.
  std::vector<std::vector<int>> cells;
  // Of each of these lists of units one must stay, or some tensor would have no channel left. Proper subsets of the set only.
  std::vector<std::vector<int>> covers;
  std::uint64_t reaches = 0;  // tasks, a bit each: union over the producers' parameters
  bool trunk = false;         // some producer's parameter reaches two tasks or more
  bool locked = false;        // every unit is
  std::string why;            // node, source line and reason of the first lock, "" where nothing is locked
};

struct UnitRef {
  int set = -1, unit = -1;  // -1: channels that never go (of the image, or made by nobody)
  bool operator==(const UnitRef&) const = default;
};

// Which dimension of a node's result carries channels, and the unit of each.
struct ChannelMap {
  int axis = -1;  // -1: none is tracked
  int rank = 0;   // of the result
  std::vector<UnitRef> units;
};

struct Units {
  std::vector<UnitSet> sets;  // by the first producer's node
  std::vector<Dimension> dimensions;
  std::vector<Slice> slice_pool;
  std::vector<std::int64_t> index_pool;
  std::vector<ChannelMap> nodes;   // by node of the graph
  std::vector<std::string> notes;  // "group_norm g: one group, never removable"

  std::span<const Slice> slices(const Unit& unit) const {
    return std::span(slice_pool).subspan(static_cast<std::size_t>(unit.first), static_cast<std::size_t>(unit.count));
  }
  std::span<const std::int64_t> indices(const Slice& slice) const {
    return std::span(index_pool).subspan(static_cast<std::size_t>(slice.first), static_cast<std::size_t>(slice.count));
  }
  const Dimension& dimension(const Slice& slice) const { return dimensions[static_cast<std::size_t>(slice.dimension)]; }
};

// The names of a set's parameters in this role, in node order, each once.
std::vector<std::string> parameters(const Units& units, const UnitSet& set, Role role);

// O(channels alpha). shapes: any valid image size. output_of_task: the output that each task reads (TaskModel's); empty: an
// output is a task.
Units find_units(const mtl::Model& model, const std::vector<mtl::Shape>& shapes, const std::vector<int>& output_of_task = {});

}  // namespace tenfold::mtl_prune
