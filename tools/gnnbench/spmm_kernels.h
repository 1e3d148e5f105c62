// The inner loop of spmm, once an instruction set: spmm_plain.cpp, spmm_avx2.cpp, spmm_avx512.cpp, all of spmm_body.h.
#pragma once

#include <cstdint>

#include "base/instruction_set.h"
#include "gnnbench/csr.h"

namespace tenfold::gnnbench {

// One head of an SpmmInputOf as bare pointers; null where a span was empty.
template <class Real>
struct SpmmArguments {
  const EdgeIndex* indptr = nullptr;
  const NodeId* indices = nullptr;
  EdgeIndex edges = 0;
  const Real* weights = nullptr;  // stride weight_stride
  const EdgeIndex* edge_of = nullptr;
  const Real* column_weights = nullptr;
  const Real* self_weights = nullptr;  // stride weight_stride
  std::int64_t weight_stride = 1;
  bool add_self = false, mean = false, accumulate = false;
  const Real* divide = nullptr;
  const Real* x = nullptr;  // rows stride apart
  Real* out = nullptr;      // rows stride apart
  std::int64_t stride = 0;  // of x and out
  std::int64_t width = 0;   // columns of this head
};

// Rows [begin, end).
template <class Real>
using SpmmRows = void (*)(const SpmmArguments<Real>& arguments, std::int64_t begin, std::int64_t end);

void spmm_rows_plain(const SpmmArguments<float>& arguments, std::int64_t begin, std::int64_t end);
void spmm_rows_plain(const SpmmArguments<double>& arguments, std::int64_t begin, std::int64_t end);
void spmm_rows_avx2(const SpmmArguments<float>& arguments, std::int64_t begin, std::int64_t end);
void spmm_rows_avx512(const SpmmArguments<float>& arguments, std::int64_t begin, std::int64_t end);

SpmmRows<float> spmm_rows(InstructionSet set);

}  // namespace tenfold::gnnbench
