// One evaluation: factors, components forward, the border's matrix, components backward, adjoints.
#include "hmc-marg/gaussian_block.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

namespace tenfold::hmc_marg {

namespace {

constexpr double kNotANumber = std::numeric_limits<double>::quiet_NaN();
constexpr double kLeastPivot = 1e-290, kLargestPivot = 1e290;
constexpr double kLog2 = 0.69314718055994530942;

std::size_t in_eights(std::size_t n) { return (n + 7) / 8 * 8; }

// One more positive pivot; the mantissa is brought back to [1, 2).
void multiply(BlockLog& log, double pivot) {
  const auto bits = std::bit_cast<std::int64_t>(log.mantissa * pivot);
  log.exponent += ((bits >> 52) & 0x7ff) - 1023;
  log.mantissa = std::bit_cast<double>((bits & 0xfffffffffffff) | 0x3ff0000000000000);
}

// M = S of the border [p][p] -> S^-1 in place, g -> e = S^-1 g in place; pivots go into the log. [p] doubles of scratch a row.
bool solve_border(int p, double* m, double* g, double* scratch, BlockLog& log) {
  if (p == 0) return true;
  if (p == 1) {  // as in most hierarchies: one shared mean
    if (!(m[0] > kLeastPivot && m[0] < kLargestPivot)) return false;
    multiply(log, m[0]);
    m[0] = 1.0 / m[0];
    g[0] *= m[0];
    return true;
  }
  double* const inverse_pivot = scratch;
  double* const column = scratch + p;
  double* const inverse = scratch + 2 * p;  // [p][p] of L^-1
  for (int j = 0; j < p; ++j) {
    double pivot = m[j * p + j];
    for (int k = 0; k < j; ++k) {
      column[k] = m[j * p + k] * m[k * p + k];
      pivot -= m[j * p + k] * column[k];
    }
    if (!(pivot > kLeastPivot && pivot < kLargestPivot)) return false;
    m[j * p + j] = pivot;
    multiply(log, pivot);
    inverse_pivot[j] = 1.0 / pivot;
    for (int i = j + 1; i < p; ++i) {
      double x = m[i * p + j];
      for (int k = 0; k < j; ++k) x -= m[i * p + k] * column[k];
      m[i * p + j] = x * inverse_pivot[j];
    }
  }
  for (int i = 1; i < p; ++i)
    for (int k = 0; k < i; ++k) g[i] -= m[i * p + k] * g[k];
  for (int i = 0; i < p; ++i) g[i] *= inverse_pivot[i];
  for (int i = p - 1; i >= 0; --i)
    for (int k = i + 1; k < p; ++k) g[i] -= m[k * p + i] * g[k];
  for (int j = 0; j < p; ++j) {
    inverse[j * p + j] = 1;
    for (int i = j + 1; i < p; ++i) {
      double x = -m[i * p + j];
      for (int k = j + 1; k < i; ++k) x -= m[i * p + k] * inverse[k * p + j];
      inverse[i * p + j] = x;
    }
  }
  for (int i = 0; i < p; ++i)
    for (int j = 0; j <= i; ++j) {
      double x = 0;
      for (int k = i; k < p; ++k) x += inverse[k * p + i] * inverse_pivot[k] * inverse[k * p + j];
      m[i * p + j] = m[j * p + i] = x;
    }
  return true;
}

}  // namespace

GaussianBlock::GaussianBlock(const BlockSystem& system, ChooseKernels choose)
    : layout_(std::make_shared<const BlockLayout>(lay_out(system, choose))) {
  const BlockLayout& layout = *layout_;
  const std::size_t p = layout.border_diagonal.size();
  const auto take = [this](std::size_t n) {
    const std::size_t here = workspace_.size;
    workspace_.size += in_eights(n);
    return here;
  };
  workspace_.work = take(layout.work);
  workspace_.scratch = take(layout.scratch);
  workspace_.factor = take(layout.factors.size());
  workspace_.factor_adjoint = take(layout.factors.size());
  workspace_.inverse_scale = take(layout.scales.size());
  workspace_.scale_adjoint = take(layout.scales.size());
  workspace_.border = take(p * p);
  workspace_.border_vector = take(p);
  workspace_.border_scratch = take(p * p + 3 * p);
}

std::size_t GaussianBlock::workspace_size() const { return 8 + workspace_.size; }

double GaussianBlock::evaluate(const double* values, double* adjoints, double* workspace) const {
  const BlockLayout& layout = *layout_;
  const auto misaligned = reinterpret_cast<std::uintptr_t>(workspace) / sizeof(double) % 8;
  double* const begin = workspace + (8 - misaligned) % 8;
  double* const work = begin + workspace_.work;
  double* const factor = begin + workspace_.factor;
  double* const factor_adjoint = begin + workspace_.factor_adjoint;
  double* const inverse_scale = begin + workspace_.inverse_scale;
  double* const scale_adjoint = begin + workspace_.scale_adjoint;
  double* const border = begin + workspace_.border;
  double* const border_vector = begin + workspace_.border_vector;
  const std::size_t p = layout.border_diagonal.size();

  for (const std::int32_t place : layout.positive)
    if (!(values[places_[static_cast<std::size_t>(place)]] > 0)) return kNotANumber;
  for (std::size_t i = 0; i < layout.scales.size(); ++i) {
    inverse_scale[i] = 1.0 / values[places_[static_cast<std::size_t>(layout.scales[i])]];
    scale_adjoint[i] = 0;
  }
  for (std::size_t i = 0; i < layout.factors.size(); ++i) {
    const BlockFactor& f = layout.factors[i];
    const double ref = f.ref < 0 ? 1.0 : values[places_[static_cast<std::size_t>(f.ref)]];
    factor[i] = f.scale < 0 ? ref : ref * inverse_scale[f.scale];
    factor_adjoint[i] = 0;
  }
  for (std::size_t i = 0; i < p; ++i) {
    for (std::size_t j = 0; j < p; ++j) border[i * p + j] = i == j ? layout.border_diagonal[i] : 0;
    border_vector[i] = 0;
  }

  BlockState state;
  state.factor = factor;
  state.factor_adjoint = adjoints == nullptr ? nullptr : factor_adjoint;
  state.scale_adjoint = scale_adjoint;
  state.border_size = static_cast<int>(p);
  state.border_matrix = border;
  state.border_vector = border_vector;
  state.scratch = begin + workspace_.scratch;
  for (const auto& data : layout.classes) {
    state.work = work + data->shape.work;
    data->kernels.forward(data->shape, state);
  }
  if (!state.good || !solve_border(static_cast<int>(p), border, border_vector, begin + workspace_.border_scratch, state.log))
    return kNotANumber;
  const double log_determinant = std::log(state.log.mantissa) + kLog2 * static_cast<double>(state.log.exponent);
  for (std::size_t i = 0; i < p; ++i) state.quadratic += layout.border_diagonal[i] * border_vector[i] * border_vector[i];
  for (const auto& data : layout.classes) {
    state.work = work + data->shape.work;
    data->kernels.backward(data->shape, state);
  }
  if (adjoints != nullptr) {
    for (std::size_t i = 0; i < layout.factors.size(); ++i) {
      const BlockFactor& f = layout.factors[i];
      if (f.ref >= 0)
        adjoints[places_[static_cast<std::size_t>(f.ref)]] +=
            f.scale < 0 ? factor_adjoint[i] : factor_adjoint[i] * inverse_scale[f.scale];
    }
    for (std::size_t i = 0; i < layout.scales.size(); ++i)
      adjoints[places_[static_cast<std::size_t>(layout.scales[i])]] += scale_adjoint[i] * inverse_scale[i];
  }
  return -0.5 * (state.quadratic + log_determinant);
}

}  // namespace tenfold::hmc_marg
