// Messages between the workers of one run. Engines: Open MPI (processes, one communication thread each) and inproc (threads, for
// tests). Every engine is wrapped by one that counts bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace tenfold::gnnbench {

// What bytes are for.
enum class Traffic : std::uint8_t { setup = 0, forward = 1, backward = 2, allreduce = 3, feature_fetch = 4 };

// A tag a purpose, layer and parity of the update (or epoch), so that a message of the next update cannot be taken for one of
// this; layer < 2^15. Tags from kTagLimit up are the transport's own.
inline constexpr int kTagLimit = 8 << 16;
constexpr int message_tag(Traffic traffic, int layer, std::uint64_t update) {
  return static_cast<int>(traffic) << 16 | layer << 1 | static_cast<int>(update & 1);
}

// A message under way. The buffer given to send or receive must live until it is done.
using Ticket = std::uint64_t;

class Transport {
 public:
  virtual ~Transport() = default;
  virtual int rank() const = 0;
  virtual int size() const = 0;
  virtual std::string name() const = 0;  // mpi, inproc

  // Neither blocks; messages of one (sender, receiver, tag) arrive in order. Any number of bytes, the same on both sides. A peer
  // may be this rank itself. Throws Error(usage) for a peer or tag that cannot be.
  virtual Ticket send(int peer, int tag, std::span<const std::byte> bytes) = 0;
  virtual Ticket receive(int peer, int tag, std::span<std::byte> bytes) = 0;
  // Each ticket once: wait(), or done() until it says true. Throws Error(machine) where the message had another length, or its
  // peer has ended.
  virtual void wait(Ticket ticket) = 0;
  virtual bool done(Ticket ticket) = 0;

  // Sums in rank order, chunk by chunk with one owner a chunk: the same bits whatever the timing. In place, on all ranks.
  virtual void all_reduce_sum(std::span<float> values) = 0;
  virtual void all_reduce_sum(std::span<double> values) = 0;
  virtual void barrier() = 0;
};

// A worker that is a process of its own.
class WorkerTransport : public Transport {
 public:
  // All workers are done: they take leave of each other. Nothing may follow but the destructor.
  virtual void leave() = 0;
  // Ends all workers at once with this exit code, this one included.
  [[noreturn]] virtual void abort(int exit_code) = 0;
};

struct JoinOptions {
  std::filesystem::path heartbeats;  // a file of WorkerPulse, one a rank; empty: nobody listens
  std::size_t chunk_bytes = std::size_t{1} << 30;  // a longer message travels in pieces
};

// What a worker's communication thread tells about itself, in a mapping shared with the launcher.
struct WorkerPulse {
  std::uint64_t beat_ns = 0;  // CLOCK_MONOTONIC, a few times a second; 0: not there yet
  std::int64_t pid = 0;
};

// Bytes of send() by purpose, counted where they leave; all_reduce counts what this rank sent.
struct TrafficCounters {
  std::uint64_t setup = 0, forward = 0, backward = 0, allreduce = 0, feature_fetch = 0;

  std::uint64_t& of(Traffic traffic);
  std::uint64_t total() const { return setup + forward + backward + allreduce + feature_fetch; }
};

}  // namespace tenfold::gnnbench
