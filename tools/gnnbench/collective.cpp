// Sums in a fixed order, and barriers.
#include "gnnbench/collective.h"

#include <algorithm>
#include <array>
#include <string>

#include "base/error.h"

namespace tenfold::gnnbench {

namespace {

constexpr int kShareTag = message_tag(Traffic::allreduce, 0, 0), kSumTag = message_tag(Traffic::allreduce, 0, 1);
constexpr int kBarrierTag = kTagLimit;

// The values that rank w adds up.
template <class Real>
std::span<Real> part_of(std::span<Real> values, int w, int ranks) {
  const std::size_t begin = values.size() * static_cast<std::size_t>(w) / static_cast<std::size_t>(ranks);
  const std::size_t end = values.size() * static_cast<std::size_t>(w + 1) / static_cast<std::size_t>(ranks);
  return values.subspan(begin, end - begin);
}

}  // namespace

template <class Real>
void MessageTransport::sum_by_owner(std::span<Real> values) {
  const int ranks = size(), self = rank();
  if (ranks == 1 || values.empty()) return;
  const std::span<Real> mine = part_of(values, self, ranks);
  shares_.resize(mine.size_bytes() * static_cast<std::size_t>(ranks));
  const auto share = [&](int peer) {
    return std::span(reinterpret_cast<Real*>(shares_.data()) + mine.size() * static_cast<std::size_t>(peer), mine.size());
  };

  std::vector<Ticket> tickets;
  for (int peer = 0; peer < ranks; ++peer)
    if (peer != self && !mine.empty()) tickets.push_back(receive(peer, kShareTag, std::as_writable_bytes(share(peer))));
  for (int peer = 0; peer < ranks; ++peer)
    if (const auto theirs = part_of(values, peer, ranks); peer != self && !theirs.empty())
      tickets.push_back(send(peer, kShareTag, std::as_bytes(theirs)));
  std::copy(mine.begin(), mine.end(), share(self).begin());
  for (const Ticket ticket : tickets) wait(ticket);
  tickets.clear();

  std::copy(share(0).begin(), share(0).end(), mine.begin());
  for (int peer = 1; peer < ranks; ++peer)
    for (std::size_t i = 0; i < mine.size(); ++i) mine[i] += share(peer)[i];

  for (int peer = 0; peer < ranks; ++peer) {
    if (peer == self) continue;
    if (const auto theirs = part_of(values, peer, ranks); !theirs.empty())
      tickets.push_back(receive(peer, kSumTag, std::as_writable_bytes(theirs)));
    if (!mine.empty()) tickets.push_back(send(peer, kSumTag, std::as_bytes(mine)));
  }
  for (const Ticket ticket : tickets) wait(ticket);
}

void MessageTransport::all_reduce_sum(std::span<float> values) { sum_by_owner(values); }
void MessageTransport::all_reduce_sum(std::span<double> values) { sum_by_owner(values); }

void MessageTransport::barrier() {
  for (int distance = 1; distance < size(); distance *= 2) {
    const std::array<std::byte, 1> out = {};
    std::array<std::byte, 1> in = {};
    const Ticket sent = send((rank() + distance) % size(), kBarrierTag, out);
    wait(receive((rank() + size() - distance) % size(), kBarrierTag, in));
    wait(sent);
  }
}

void check_message(const Transport& transport, int peer, int tag) {
  if (peer < 0 || peer >= transport.size())
    usage_error("no worker " + std::to_string(peer) + " among " + std::to_string(transport.size()));
  if (tag < 0) usage_error("message tag " + std::to_string(tag) + " is negative");
}

std::uint64_t& TrafficCounters::of(Traffic traffic) {
  switch (traffic) {
    case Traffic::setup: return setup;
    case Traffic::forward: return forward;
    case Traffic::backward: return backward;
    case Traffic::allreduce: return allreduce;
    case Traffic::feature_fetch: return feature_fetch;
  }
  return setup;
}

}  // namespace tenfold::gnnbench
