// Counts the bytes that leave, by what they are for, around any engine.
#pragma once

#include "gnnbench/collective.h"

namespace tenfold::gnnbench {

// Not safe from several threads. Barriers are not counted: they carry nothing.
class CountingTransport final : public MessageTransport {
 public:
  explicit CountingTransport(Transport& engine) : engine_(engine) {}

  int rank() const override { return engine_.rank(); }
  int size() const override { return engine_.size(); }
  std::string name() const override { return engine_.name(); }
  // Counts under the Traffic of its tag. What a rank sends to itself does not leave, and is not counted.
  Ticket send(int peer, int tag, std::span<const std::byte> bytes) override;
  Ticket receive(int peer, int tag, std::span<std::byte> bytes) override { return engine_.receive(peer, tag, bytes); }
  void wait(Ticket ticket) override { engine_.wait(ticket); }
  bool done(Ticket ticket) override { return engine_.done(ticket); }

  const TrafficCounters& counters() const { return counters_; }
  // A resumed run counts on.
  void set_counters(const TrafficCounters& counters) { counters_ = counters; }

 private:
  Transport& engine_;
  TrafficCounters counters_;
};

}  // namespace tenfold::gnnbench
