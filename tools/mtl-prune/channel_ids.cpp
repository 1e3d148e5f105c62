// Identities in a union-find with locks, and where a reshape carries channels: what the sweep of channels.cpp works with.
#include "mtl-prune/channels.h"

#include <cstddef>
#include <numeric>
#include <utility>
#include <vector>

namespace tenfold::mtl_prune {

int ChannelIds::fresh(std::int64_t count) {
  const int first = size();
  parent_.resize(parent_.size() + static_cast<std::size_t>(count));
  std::iota(parent_.begin() + first, parent_.end(), first);
  lock_.resize(parent_.size(), -1);
  return first;
}

int ChannelIds::find(int id) {
  while (parent_[static_cast<std::size_t>(id)] != id) {
    int& up = parent_[static_cast<std::size_t>(id)];
    up = parent_[static_cast<std::size_t>(up)];
    id = up;
  }
  return id;
}

std::vector<int> ChannelIds::classes() const {
  std::vector<int> classes(parent_.size());
  for (std::size_t id = 0; id < classes.size(); ++id) {  // a parent is older than its child
    const auto parent = static_cast<std::size_t>(parent_[id]);
    classes[id] = parent == id ? static_cast<int>(id) : classes[parent];
  }
  return classes;
}

void ChannelIds::merge(int a, int b) {
  a = find(a);
  b = find(b);
  if (a == b) return;
  if (b < a) std::swap(a, b);  // the oldest id names the class
  parent_[static_cast<std::size_t>(b)] = a;
  const int lock = lock_[static_cast<std::size_t>(b)];
  if (lock >= 0) this->lock(a, lock);
}

void ChannelIds::lock(int id, int reason) {
  int& held = lock_[static_cast<std::size_t>(find(id))];
  if (held < 0 || reason < held) held = reason;
}

Carried carry_through_reshape(const mtl::Shape& from, const mtl::Shape& to, int axis) {
  // The smallest runs of dimensions [i0, i1) -> [o0, o1) of equal product that both shapes fall into.
  std::size_t i1 = 0, o1 = 0;
  while (i1 < from.size() || o1 < to.size()) {
    const std::size_t i0 = i1, o0 = o1;
    std::int64_t in = 1, out = 1;
    if (i1 < from.size()) in *= from[i1++];
    if (o1 < to.size()) out *= to[o1++];
    while (in != out) {
      if (in < out) {
        if (i1 == from.size()) return {};
        in *= from[i1++];
      } else {
        if (o1 == to.size()) return {};
        out *= to[o1++];
      }
    }
    // Where the shorter side is used up, only dimensions of size 1 are left over; they join the last run.
    const auto a = static_cast<std::size_t>(axis);
    if (a < i0 || a >= i1) continue;
    int target = -1;
    for (std::size_t o = o0; o < o1; ++o) {
      if (to[o] == 1) continue;
      if (target >= 0) return {};
      target = static_cast<int>(o);
    }
    if (target < 0) {  // a single channel
      if (o0 == o1) return {};
      target = static_cast<int>(o0);
    }
    std::int64_t inner = 1;
    for (std::size_t i = a + 1; i < i1; ++i) inner *= from[i];
    Carried carried{target, {}};
    carried.channel_of.resize(static_cast<std::size_t>(to[static_cast<std::size_t>(target)]));
    for (std::size_t p = 0; p < carried.channel_of.size(); ++p)
      carried.channel_of[p] = static_cast<std::int64_t>(p) / inner % from[a];
    return carried;
  }
  return {};
}

}  // namespace tenfold::mtl_prune
