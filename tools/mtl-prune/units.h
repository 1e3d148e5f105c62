// What can be removed: channel identities merged through the network (section 2.2 of the specification). A unit is the least set
// of channels that go together; a set is a connected component of units that share a producer dimension.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mtl/model.h"
#include "mtl/shapes.h"

namespace tenfold::mtl_prune {

// Indices of one dimension of one parameter that a unit owns.
struct Slice {
  enum class Role : std::uint8_t { producer, member, consumer };
  Role role = Role::producer;
  std::string parameter;
  int dim = 0;
  std::vector<std::int64_t> indices;  // ascending
};

struct Unit {
  std::vector<Slice> slices;  // producers, members, consumers; grouped consumers' virtual columns apart, see GroupedRead
};

// A grouped convolution's input: its weight has C_in / g columns that g blocks share, so removal selects per group.
struct GroupedRead {
  std::string parameter;
  std::int64_t groups = 1;
  std::vector<int> unit_of_channel;  // [C_in] unit of each input channel, -1 if locked
};

// Counts that must stay equal: `blocks` runs of channels, each a list of units of this set.
struct Balance {
  std::string why;                           // the grouped convolution's node
  std::vector<std::vector<int>> blocks;      // unit indices in the set
};

struct UnitSet {
  int id = 0;
  std::vector<Unit> units;
  std::vector<std::string> producers, members, consumers;  // parameter names, in node order
  std::vector<Balance> balances;
  std::uint64_t reaches = 0;   // outputs, a bit each: union over the producers' parameters
  bool locked = false;
  std::string why;             // node and source line of the first lock
  bool in_trunk() const { return (reaches & (reaches - 1)) != 0; }
};

struct Units {
  std::vector<UnitSet> sets;            // by the first producer's node
  std::vector<GroupedRead> grouped;
  std::vector<std::string> notes;       // "group_norm g: one group, never removable"
};

// O(channels alpha). shapes at any valid image size.
Units find_units(const mtl::Model& model, const std::vector<mtl::Shape>& shapes);

}  // namespace tenfold::mtl_prune
