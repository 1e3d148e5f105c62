#include "gnnbench/torch/row_messages.h"

#include <chrono>
#include <exception>
#include <thread>

#include "base/clock.h"
#include "gnnbench/row_pieces.h"
#include "gnnbench/spmm.h"
#include "gnnbench/torch/tensor_span.h"

namespace tenfold::gnnbench {
namespace {

using torch::Tensor;

std::span<std::byte> bytes_of(const Tensor& rows) {
  TORCH_INTERNAL_ASSERT(rows.is_contiguous());
  return {static_cast<std::byte*>(rows.mutable_data_ptr()), rows.nbytes()};
}

}  // namespace

Messages::~Messages() {
  if (tickets_.empty()) return;
  try {
    if (std::uncaught_exceptions() == 0) {
      finish();
      return;
    }
    // All workers leave a run that failed as a whole, so that their messages arrive; a peer's may never.
    const double deadline = wall_s() + 1;
    while (!tickets_.empty() && wall_s() < deadline) {
      if (transport_->done(tickets_.back()))
        tickets_.pop_back();
      else
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  } catch (const std::exception&) {  // said by whoever waits for that peer next
  }
  if (!tickets_.empty()) new std::vector<Tensor>(std::move(kept_));
}

void Messages::send(int peer, int tag, const Tensor& rows) {
  if (rows.numel() == 0) return;
  kept_.push_back(rows);
  tickets_.push_back(transport_->send(peer, tag, bytes_of(rows)));
}

void Messages::receive(int peer, int tag, const Tensor& rows) {
  if (rows.numel() == 0) return;
  kept_.push_back(rows);
  tickets_.push_back(transport_->receive(peer, tag, bytes_of(rows)));
}

void Messages::finish() {
  while (!tickets_.empty()) {
    const Ticket ticket = tickets_.back();
    transport_->wait(ticket);
    tickets_.pop_back();
  }
  kept_.clear();
}

Tensor rows_of(const Tensor& x, std::span<const NodeId> ids, Compute& compute) {
  const Tensor from = x.contiguous();
  Tensor rows = torch::empty({static_cast<std::int64_t>(ids.size()), x.size(1)}, x.options());
  by_type(x.scalar_type(), [&](auto real) {
    using Real = decltype(real);
    gather_rows<Real>(reals<Real>(from), x.size(1), ids, writable<Real>(rows), compute.pool);
  });
  return rows;
}

void add_to_rows(Tensor& x, std::span<const NodeId> ids, const Tensor& rows, Compute& compute) {
  const std::int64_t width = x.size(1);
  by_type(x.scalar_type(), [&](auto real) {
    using Real = decltype(real);
    Real* to = writable<Real>(x).data();
    const Real* from = reals<Real>(rows).data();
    for_range(static_cast<std::int64_t>(ids.size()), width, compute.pool, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) {
        Real* row = to + ids[static_cast<std::size_t>(i)] * width;
        for (std::int64_t j = 0; j < width; ++j) row[j] += from[i * width + j];
      }
    });
  });
}

}  // namespace tenfold::gnnbench
