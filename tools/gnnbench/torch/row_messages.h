// Rows of tensors as messages: under way with the memory that they are read from or written to, packed where they leave, added
// where gradients come home.
#pragma once

#include <torch/torch.h>

#include <span>
#include <vector>

#include "gnnbench/csr.h"
#include "gnnbench/torch/compute.h"
#include "gnnbench/transport.h"

namespace tenfold::gnnbench {

// Messages that have begun. Their tensors are contiguous and are kept alive until they are done.
class Messages {
 public:
  explicit Messages(Transport& transport) : transport_(&transport) {}
  Messages(const Messages&) = delete;
  Messages& operator=(const Messages&) = delete;
  // Waits for what is left. Where an error leaves the run it waits a second at most, as a peer may be gone; the memory is then
  // given up, for the transport may still write to it.
  ~Messages();

  // Neither blocks. No rows are no message, on both sides.
  void send(int peer, int tag, const torch::Tensor& rows);
  void receive(int peer, int tag, const torch::Tensor& rows);
  // Until all are done. Throws Error(machine) where a peer has ended.
  void finish();

 private:
  Transport* transport_;
  std::vector<Ticket> tickets_;
  std::vector<torch::Tensor> kept_;
};

// x[ids[i]] for each i: [ids, D] of x [*, D].
torch::Tensor rows_of(const torch::Tensor& x, std::span<const NodeId> ids, Compute& compute);

// x[ids[i]] += rows[i]; ids are distinct.
void add_to_rows(torch::Tensor& x, std::span<const NodeId> ids, const torch::Tensor& rows, Compute& compute);

}  // namespace tenfold::gnnbench
