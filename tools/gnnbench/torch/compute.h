// The threads that our kernels run on, carried to the backward pass by autograd's nodes. LibTorch's own threads are set apart
// (at::set_num_threads).
#pragma once

#include <torch/custom_class.h>

#include "base/threads.h"

namespace tenfold::gnnbench {

struct Compute : torch::CustomClassHolder {
  explicit Compute(int threads) : pool(threads) {}
  ThreadPool pool;
};
using ComputePtr = c10::intrusive_ptr<Compute>;

}  // namespace tenfold::gnnbench
