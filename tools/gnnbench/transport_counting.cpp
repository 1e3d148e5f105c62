// Counts the bytes that leave.
#include "gnnbench/transport_counting.h"

namespace tenfold::gnnbench {

Ticket CountingTransport::send(int peer, int tag, std::span<const std::byte> bytes) {
  if (peer != rank() && tag < kTagLimit) counters_.of(static_cast<Traffic>(tag >> 16)) += bytes.size();
  return engine_.send(peer, tag, bytes);
}

}  // namespace tenfold::gnnbench
