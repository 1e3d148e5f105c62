// Symbolic channel identity: every channel dimension of every parameter owns a vector of ids, made once per parameter, so that a
// parameter which several nodes use has one identity. One sweep in topological order carries an id vector with each result's
// channels and merges ids in a union-find. What units.cpp makes units and sets of.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "mtl-prune/units.h"
#include "mtl/model.h"

namespace tenfold::mtl_prune {

// Union-find over channel ids. A class is locked by the first reason (an index that grows along the sweep) that met one of its
// ids.
class ChannelIds {
 public:
  int fresh(std::int64_t count);  // the first of `count` new ids
  int size() const { return static_cast<int>(parent_.size()); }
  int find(int id);
  void merge(int a, int b);
  void lock(int id, int reason);
  // The class of every id, by its oldest member.
  std::vector<int> classes() const;
  int lock_of(int id) { return lock_[static_cast<std::size_t>(find(id))]; }  // -1: free

 private:
  std::vector<int> parent_;
  std::vector<int> lock_;
};

// A result's channels: which dimension they lie along, and the id of each index of it. No ids: not tracked.
struct Channels {
  int axis = -1;
  std::shared_ptr<const std::vector<int>> ids;

  bool tracked() const { return axis >= 0; }
};

// Channels of a grouped convolution's input or output, by block; equal counts of each block must stay.
struct BlockRule {
  int node = 0;
  std::vector<std::vector<int>> blocks;
};

struct Sweep {
  ChannelIds ids;
  std::vector<Dimension> dimensions;  // in node order
  std::vector<int> first_id;          // of each dimension; its ids are consecutive
  std::vector<Channels> nodes;
  std::vector<BlockRule> rules;
  std::vector<std::string> reasons;  // of locks
  std::vector<std::string> notes;
};

// Throws nothing of its own: what has no rule is locked, with its node as the reason.
Sweep sweep_channels(const mtl::Model& model, const std::vector<mtl::Shape>& shapes);

// The positions of a reshape that carries dimension `axis` of `from` whole or flattened into dimension `to_axis`: index i of
// `to_axis` holds channel channel_of[i]. axis -1: it does not survive.
struct Carried {
  int axis = -1;
  std::vector<std::int64_t> channel_of;
};
Carried carry_through_reshape(const mtl::Shape& from, const mtl::Shape& to, int axis);

}  // namespace tenfold::mtl_prune
