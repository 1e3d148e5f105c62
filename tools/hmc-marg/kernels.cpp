// The table of an instruction set, and kernels for everything without a fast form.
#include "hmc-marg/kernels.h"

#include "hmc-marg/op_lists.h"

namespace tenfold::hmc_marg {

const KernelTable& kernels(InstructionSet set) {
  switch (set) {
    case InstructionSet::avx512: return kKernelsAvx512;
    case InstructionSet::avx2: return kKernelsAvx2;
    case InstructionSet::base: break;
  }
  return kKernelsBase;
}

namespace general {

namespace {

std::uint32_t place(const Instruction& in, const Machine& m, int operand, std::uint32_t i) {
  switch (in.kind[operand]) {
    case OperandKind::single: return in.at[operand];
    case OperandKind::range: return in.at[operand] + i;
    case OperandKind::list: break;
  }
  return m.index[in.at[operand] + i];
}

double take_adjoint(const Instruction& in, Machine& m, std::uint32_t i) {
  const double adjoint = m.adjoint[in.out + i];
  m.adjoint[in.out + i] = 0;
  return adjoint;
}

int arguments(const Instruction& in, const Machine& m, std::uint32_t i, double* x, std::uint32_t* places) {
  const int count = static_cast<const DensityInfo*>(in.scalar)->arguments;
  for (int k = 0; k < count; ++k) {
    places[k] = place(in, m, k, i);
    x[k] = m.value[places[k]];
  }
  return count;
}

}  // namespace

void lane_wise_forward(const Instruction& in, Machine& m) {
  const OpInfo& op = *static_cast<const OpInfo*>(in.scalar);
  for (std::uint32_t i = 0; i < in.lanes; ++i) {
    const double y = op.arity == 2 ? m.value[place(in, m, 1, i)] : 0;
    m.value[in.out + i] = op.value(m.value[place(in, m, 0, i)], y);
  }
}

void lane_wise_reverse(const Instruction& in, Machine& m) {
  const OpInfo& op = *static_cast<const OpInfo*>(in.scalar);
  for (std::uint32_t i = 0; i < in.lanes; ++i) {
    const double adjoint = take_adjoint(in, m, i);
    const std::uint32_t x = place(in, m, 0, i);
    const std::uint32_t y = op.arity == 2 ? place(in, m, 1, i) : x;
    double dx = 0, dy = 0;
    op.partials(m.value[x], m.value[y], m.value[in.out + i], dx, dy);
    if (in.varies & 1) m.adjoint[x] += adjoint * dx;
    if (in.varies & 2) m.adjoint[y] += adjoint * dy;
  }
}

void factor(const Instruction& in, Machine& m) {
  const DensityInfo& family = *static_cast<const DensityInfo*>(in.scalar);
  double x[kMaxDensityArguments], d[kMaxDensityArguments];
  std::uint32_t places[kMaxDensityArguments];
  double sum = 0;
  for (std::uint32_t i = 0; i < in.lanes; ++i) {
    const int count = arguments(in, m, i, x, places);
    sum += family.gradient(x, d);
    for (int k = 0; k < count; ++k) {
      if (in.varies >> k & 1) m.adjoint[places[k]] += d[k];
    }
  }
  m.log_density += sum;
}

void density_forward(const Instruction& in, Machine& m) {
  double x[kMaxDensityArguments];
  std::uint32_t places[kMaxDensityArguments];
  for (std::uint32_t i = 0; i < in.lanes; ++i) {
    arguments(in, m, i, x, places);
    m.value[in.out + i] = static_cast<const DensityInfo*>(in.scalar)->log_density(x);
  }
}

void density_reverse(const Instruction& in, Machine& m) {
  double x[kMaxDensityArguments], d[kMaxDensityArguments];
  std::uint32_t places[kMaxDensityArguments];
  for (std::uint32_t i = 0; i < in.lanes; ++i) {
    const double adjoint = take_adjoint(in, m, i);
    if (adjoint == 0) continue;
    const int count = arguments(in, m, i, x, places);
    static_cast<const DensityInfo*>(in.scalar)->gradient(x, d);
    for (int k = 0; k < count; ++k) {
      if (in.varies >> k & 1) m.adjoint[places[k]] += d[k] * adjoint;
    }
  }
}

namespace {

// Copies a stretch of an operand into the workspace.
const double* gather(const Instruction& in, const Machine& m, int operand, std::uint32_t begin, std::uint32_t end, double* to) {
  if (in.kind[operand] == OperandKind::range) return m.value + in.at[operand] + begin;
  for (std::uint32_t i = begin; i < end; ++i) to[i - begin] = m.value[place(in, m, operand, i)];
  return to;
}

}  // namespace

void segment_forward(const Instruction& in, Machine& m) {
  const std::uint32_t* offset = m.index + in.extra;
  for (std::uint32_t s = 0; s < in.lanes; ++s) {
    const double* a = gather(in, m, 0, offset[s], offset[s + 1], m.workspace);
    m.value[in.out + s] = segment_value(static_cast<Op>(in.at[2]), a, nullptr, offset[s + 1] - offset[s]);
  }
}

void segment_reverse(const Instruction& in, Machine& m) {
  const std::uint32_t* offset = m.index + in.extra;
  for (std::uint32_t s = 0; s < in.lanes; ++s) {
    const std::uint32_t n = offset[s + 1] - offset[s];
    const double adjoint = take_adjoint(in, m, s);
    const double* a = gather(in, m, 0, offset[s], offset[s + 1], m.workspace);
    double* da = m.workspace + n;
    segment_partials(static_cast<Op>(in.at[2]), a, nullptr, n, m.value[in.out + s], da, nullptr);
    for (std::uint32_t i = 0; i < n; ++i) m.adjoint[place(in, m, 0, offset[s] + i)] += da[i] * adjoint;
  }
}

namespace {

std::uint32_t second_size(const Instruction& in) {
  const Op op = static_cast<Op>(in.at[2]);
  return op == Op::solve_lower || op == Op::solve_lower_transposed ? in.lanes : 0;
}

}  // namespace

void whole_forward(const Instruction& in, Machine& m) {
  const double* a = gather(in, m, 0, 0, in.at[3], m.workspace);
  const double* b = gather(in, m, 1, 0, second_size(in), m.workspace + in.at[3]);
  whole_value(static_cast<Op>(in.at[2]), in.lanes, in.extra, a, b, m.value + in.out);
}

void whole_reverse(const Instruction& in, Machine& m) {
  const std::uint32_t first = in.at[3], second = second_size(in);
  const double* a = gather(in, m, 0, 0, first, m.workspace);
  const double* b = gather(in, m, 1, 0, second, m.workspace + first);
  double* da = m.workspace + first + second;
  double* db = da + first;
  hmc_marg::whole_reverse(static_cast<Op>(in.at[2]), in.lanes, in.extra, a, b, m.value + in.out, m.adjoint + in.out, da, db);
  for (std::uint32_t i = 0; i < in.lanes; ++i) m.adjoint[in.out + i] = 0;
  if (in.varies & 1) {
    for (std::uint32_t i = 0; i < first; ++i) m.adjoint[place(in, m, 0, i)] += da[i];
  }
  if (in.varies & 2) {
    for (std::uint32_t i = 0; i < second; ++i) m.adjoint[place(in, m, 1, i)] += db[i];
  }
}

}  // namespace general

}  // namespace tenfold::hmc_marg
