// Workers send each other random messages and check every byte of what arrives.
#include <unistd.h>

#include <array>
#include <cmath>
#include <cstring>
#include <map>
#include <nlohmann/json.hpp>
#include <tuple>

#include "base/error.h"
#include "base/philox.h"
#include "base/sha256.h"
#include "cli/state.h"
#include "gnnbench/transport_counting.h"
#include "gnnbench/worker_jobs.h"

namespace tenfold::gnnbench {

namespace {

struct Message {
  int from = 0, to = 0, tag = 0;
  std::string bytes;
};

// All messages of a round between all workers, the same on each of them; those of one pair and tag in the order they are sent.
std::vector<Message> messages_of_round(std::uint64_t seed, int ranks, std::uint32_t round, std::uint32_t largest) {
  std::vector<Message> out;
  for (int from = 0; from < ranks; ++from)
    for (int to = 0; to < ranks; ++to) {
      PhiloxStream random(seed, "exchange", round, static_cast<std::uint32_t>(from), static_cast<std::uint32_t>(to));
      const std::uint32_t count = random.below(4);
      for (std::uint32_t i = 0; i < count; ++i) {
        const int tag = message_tag(static_cast<Traffic>(random.below(3)), static_cast<int>(random.below(2)), round);
        std::string bytes(random.below(8) == 0 ? 0 : random.below(largest) + 1, '\0');
        for (char& byte : bytes) byte = static_cast<char>(random.next_u32());
        out.push_back({from, to, tag, std::move(bytes)});
      }
    }
  return out;
}

std::size_t pick(PhiloxStream& random, std::size_t n) { return random.below(static_cast<std::uint32_t>(n)); }

// Sends and receives this rank's share. Messages of different lanes start in any order, all are waited for in any order.
std::vector<std::string> exchange(Transport& transport, const std::vector<Message>& messages, PhiloxStream random) {
  struct Lane {
    bool sends;
    std::vector<std::size_t> messages;  // in their order
    std::size_t started = 0;
  };
  std::vector<Lane> lanes;
  std::map<std::tuple<bool, int, int>, std::size_t> lane_of;
  std::vector<std::string> received(messages.size());
  const auto put = [&](bool sends, int peer, int tag, std::size_t m) {
    const auto [place, fresh] = lane_of.try_emplace({sends, peer, tag}, lanes.size());
    if (fresh) lanes.push_back({sends, {}});
    lanes[place->second].messages.push_back(m);
  };
  for (std::size_t m = 0; m < messages.size(); ++m) {
    if (messages[m].from == transport.rank()) put(true, messages[m].to, messages[m].tag, m);
    if (messages[m].to == transport.rank()) put(false, messages[m].from, messages[m].tag, m);
    received[m].resize(messages[m].bytes.size());
  }

  std::vector<Ticket> tickets;
  while (!lanes.empty()) {
    const std::size_t l = pick(random, lanes.size());
    Lane& lane = lanes[l];
    const std::size_t m = lane.messages[lane.started++];
    const Message& message = messages[m];
    tickets.push_back(lane.sends ? transport.send(message.to, message.tag, std::as_bytes(std::span(message.bytes)))
                                 : transport.receive(message.from, message.tag, std::as_writable_bytes(std::span(received[m]))));
    if (lane.started == lane.messages.size()) lanes.erase(lanes.begin() + static_cast<std::ptrdiff_t>(l));
  }
  while (!tickets.empty()) {
    const std::size_t t = pick(random, tickets.size());
    if (random.below(2) == 0)
      transport.wait(tickets[t]);
    else if (!transport.done(tickets[t]))
      continue;
    tickets.erase(tickets.begin() + static_cast<std::ptrdiff_t>(t));
  }
  return received;
}

// Numbers that differ by orders of magnitude, so that another order of adding gives other bits.
template <class Real>
std::vector<Real> numbers_of(std::uint64_t seed, std::uint32_t round, int rank) {
  PhiloxStream length(seed, "exchange length", round), random(seed, "exchange numbers", round, static_cast<std::uint32_t>(rank));
  std::vector<Real> out(length.below(300));
  for (Real& x : out) x = static_cast<Real>(random.normal() * std::ldexp(1.0, static_cast<int>(random.below(40)) - 20));
  return out;
}

template <class Real>
void check_sum(Transport& transport, std::uint64_t seed, std::uint32_t round) {
  std::vector<Real> sum = numbers_of<Real>(seed, round, 0), mine = numbers_of<Real>(seed, round, transport.rank());
  for (int rank = 1; rank < transport.size(); ++rank) {
    const std::vector<Real> theirs = numbers_of<Real>(seed, round, rank);
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += theirs[i];
  }
  transport.all_reduce_sum(std::span<Real>(mine));
  if (!sum.empty() && std::memcmp(sum.data(), mine.data(), sum.size() * sizeof(Real)) != 0)
    machine_error("worker " + std::to_string(transport.rank()) + ": a sum over the workers is not that in rank order");
}

// On rank 0 what rank `rank` has; its own elsewhere.
template <class T>
T from_rank(Transport& transport, int rank, const T& mine) {
  T out = mine;
  if (rank == 0) return out;
  const int tag = message_tag(Traffic::setup, 0, 0);
  if (transport.rank() == rank) transport.wait(transport.send(0, tag, std::as_bytes(std::span(&mine, 1))));
  if (transport.rank() == 0) transport.wait(transport.receive(rank, tag, std::as_writable_bytes(std::span(&out, 1))));
  return out;
}

}  // namespace

Json exchange_job(const Json& job, Transport& engine, cli::Run& run) {
  CountingTransport transport(engine);
  const auto seed = job.at("seed").get<std::uint64_t>();
  const auto rounds = job.at("rounds").get<std::uint32_t>(), largest = job.at("largest_bytes").get<std::uint32_t>();
  std::string pids = "workers";
  for (int rank = 0; rank < transport.size(); ++rank) pids += " " + std::to_string(from_rank(engine, rank, getpid()));
  run.note(pids);

  const std::optional<cli::State> state = run.resume_from();
  Sha256 digest = state ? Sha256::restore(state->blobs.at("digest")) : Sha256();
  std::uint64_t count = 0, bytes = 0;
  std::uint32_t round = 0;
  if (state) {
    round = state->json.at("round").get<std::uint32_t>();
    count = state->json.at("messages").get<std::uint64_t>();
    bytes = state->json.at("bytes").get<std::uint64_t>();
    transport.set_counters({.forward = state->json.at("sent").get<std::uint64_t>()});
  }
  for (; round < rounds; ++round) {
    std::array<float, 1> stop = {run.stop() ? 1.0f : 0.0f};
    engine.all_reduce_sum(std::span<float>(stop));
    if (stop[0] > 0) {
      run.save({.json = {{"round", round}, {"messages", count}, {"bytes", bytes}, {"sent", transport.counters().total()}},
                .blobs = {{"digest", digest.save()}}});
      run.interrupted();
    }
    const std::vector<Message> messages = messages_of_round(seed, transport.size(), round, largest);
    const auto rank = static_cast<std::uint32_t>(transport.rank());
    const std::vector<std::string> received = exchange(transport, messages, PhiloxStream(seed, "exchange order", round, rank));
    for (std::size_t m = 0; m < messages.size(); ++m) {
      if (messages[m].to != transport.rank()) continue;
      if (received[m] != messages[m].bytes)
        machine_error("worker " + std::to_string(rank) + ": a message from worker " + std::to_string(messages[m].from) +
                      " arrived changed");
      digest.update(received[m]);
      ++count;
      bytes += received[m].size();
    }
    check_sum<float>(transport, seed, round);
    check_sum<double>(transport, seed, round);
    transport.barrier();
    run.step({"exchanging", round + 1.0, static_cast<double>(rounds), "round", ""});
  }
  return {{"ranks", transport.size()},
          {"messages", count},
          {"bytes", bytes},
          {"sent", transport.counters().total()},
          {"digest", digest.hex()}};
}

}  // namespace tenfold::gnnbench
