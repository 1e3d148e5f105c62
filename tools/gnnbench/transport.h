// Messages between the workers of one run. Engines: Open MPI (processes, one communication thread each) and inproc (threads, for
// tests). Every engine is wrapped by one that counts bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace tenfold::gnnbench {

// A message under way. The buffer given to send or receive must live until it is done.
using Ticket = std::uint64_t;

class Transport {
 public:
  virtual ~Transport() = default;
  virtual int rank() const = 0;
  virtual int size() const = 0;
  virtual std::string name() const = 0;  // mpi, inproc

  // Never blocks; messages of one (sender, receiver, tag) arrive in order. Any number of bytes.
  virtual Ticket send(int peer, int tag, std::span<const std::byte> bytes) = 0;
  virtual Ticket receive(int peer, int tag, std::span<std::byte> bytes) = 0;
  virtual void wait(Ticket ticket) = 0;
  virtual bool done(Ticket ticket) = 0;

  // Sums in rank order, chunk by chunk with one owner a chunk: the same bits whatever the timing. In place, on all ranks.
  virtual void all_reduce_sum(std::span<float> values) = 0;
  virtual void all_reduce_sum(std::span<double> values) = 0;
  virtual void barrier() = 0;
};

// Bytes of send() by purpose, counted where they leave; all_reduce counts what this rank sent.
struct TrafficCounters {
  std::uint64_t setup = 0, forward = 0, backward = 0, allreduce = 0, feature_fetch = 0;
};

}  // namespace tenfold::gnnbench
