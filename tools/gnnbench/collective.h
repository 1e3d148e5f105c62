// What all workers do together, made of the messages of any engine: sums in a fixed order, and barriers.
#pragma once

#include <span>
#include <vector>

#include "gnnbench/transport.h"

namespace tenfold::gnnbench {

// An engine adds messages; the rest is the same for all of them, and so are its bits.
class MessageTransport : public Transport {
 public:
  // Part w of the values belongs to rank w, who gets the others' shares of it, adds them in rank order from rank 0 up, and sends
  // the sum to all. A rank sends 2 (W-1)/W of its values, and the bits depend on W alone: not on timing, and not, as with
  // MPI_Allreduce, on an algorithm chosen by size.
  void all_reduce_sum(std::span<float> values) override;
  void all_reduce_sum(std::span<double> values) override;
  // Dissemination: in round r a rank tells the one 2^r further, ceil(log2 W) rounds.
  void barrier() override;

 private:
  template <class Real>
  void sum_by_owner(std::span<Real> values);
  std::vector<std::byte> shares_;  // of the others, kept between calls
};

// Throws Error(usage) for a peer outside [0, size) or a negative tag.
void check_message(const Transport& transport, int peer, int tag);

}  // namespace tenfold::gnnbench
