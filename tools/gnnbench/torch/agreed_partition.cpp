#include "gnnbench/torch/agreed_partition.h"

#include <vector>

namespace tenfold::gnnbench {

Partition agreed_partition(const Dataset& data, int parts, const PartitionOptions& options, const std::filesystem::path& cache,
                           Transport* transport) {
  Partition partition;
  if (!transport || transport->rank() == 0) {
    std::vector<std::uint8_t> train;
    if (options.balance_train)
      for (const std::uint8_t part : data.split) train.push_back(static_cast<Part>(part) == Part::train);
    partition = stored_partition(data, parts, train, options, cache);
  } else {
    partition.parts = parts;
    partition.part_of.resize(static_cast<std::size_t>(data.nodes()));
  }
  if (!transport) return partition;
  const int tag = message_tag(Traffic::setup, 0, 0);
  const auto bytes = std::as_writable_bytes(std::span(partition.part_of));
  if (transport->rank() != 0) {
    transport->wait(transport->receive(0, tag, bytes));
    return partition;
  }
  std::vector<Ticket> tickets;
  for (int peer = 1; peer < transport->size(); ++peer) tickets.push_back(transport->send(peer, tag, bytes));
  for (const Ticket ticket : tickets) transport->wait(ticket);
  return partition;
}

}  // namespace tenfold::gnnbench
