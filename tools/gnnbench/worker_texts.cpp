#include "gnnbench/worker_texts.h"

#include <cstdint>

namespace tenfold::gnnbench {

std::vector<std::string> gather_texts(const std::string& own, Transport* transport) {
  if (!transport || transport->size() == 1) return {own};
  const int tag = message_tag(Traffic::setup, 0, 0);
  std::uint64_t size = own.size();
  if (transport->rank() != 0) {
    const Ticket length = transport->send(0, tag, std::as_bytes(std::span(&size, 1)));
    const Ticket bytes = transport->send(0, tag, std::as_bytes(std::span(own)));
    transport->wait(length);
    transport->wait(bytes);
    return {};
  }
  std::vector<std::string> all = {own};
  for (int peer = 1; peer < transport->size(); ++peer) {
    transport->wait(transport->receive(peer, tag, std::as_writable_bytes(std::span(&size, 1))));
    std::string text(size, '\0');
    transport->wait(transport->receive(peer, tag, std::as_writable_bytes(std::span(text))));
    all.push_back(std::move(text));
  }
  return all;
}

void sum_over_workers(std::span<double> values, Transport* transport) {
  if (transport && transport->size() > 1) transport->all_reduce_sum(values);
}

}  // namespace tenfold::gnnbench
