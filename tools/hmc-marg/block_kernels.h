// Arithmetic of the Gaussian block over batches of like components, eight at a time (or one at a time where there are few).
// Residuals are r = c + a'e_component + b'e_border with unit scale; M = diag + sum (a, b)(a, b)' per component and border.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tenfold::hmc_marg {

inline constexpr int kBlockLanes = 8;

// One product that enters a row: number * factor, added to the row's column.
struct BlockPart {
  std::int32_t column = 0;  // 0..d-1: component, d..d+p-1: border, d+p: intercept
  std::int32_t factor = 0;  // index of a factor that all components share, or -1 - k: gather k
};

// Components of equal structure, padded to whole batches of `lanes` with zeros. Arrays of batches: [batches][...][lanes].
struct BlockClass {
  int d = 0, p = 0, rows = 0, batches = 0, parts = 0, gathers = 0, lanes = kBlockLanes;
  // Above 0: each row has the parts component 0 .. d-1, border 0 .. p-1, and so many of its intercept, none of them gathered.
  // Where a row has fewer the number is 0.
  int intercepts = 0;
  const std::int32_t* part_first = nullptr;  // [rows + 1]
  const BlockPart* part = nullptr;           // [parts]
  const double* number = nullptr;            // [batches][parts][lanes]
  const std::uint32_t* gather = nullptr;     // [batches][gathers][lanes] factor or scale indices
  const std::int32_t* scale = nullptr;       // [rows] index of a scale, -1: none, -2 - k: gather k
  const double* diagonal = nullptr;          // [batches][d][lanes] 1: whitened or padding, 0: flat
  const std::int32_t* border = nullptr;      // [p] places in the border
  std::size_t work = 0;                      // where its workspace begins
  // Workspace of a batch, in vectors of `lanes`: rows x (d + p + 1) coefficients, p x d of M^-1 B', d of M^-1 g, d x d of M^-1.
  std::size_t batch_work() const {
    const auto dd = static_cast<std::size_t>(d), pp = static_cast<std::size_t>(p);
    return static_cast<std::size_t>(rows) * (dd + pp + 1) + pp * dd + dd + dd * dd;
  }
  // The same of the conditional: p x d of L_bc = (L^-1 B)', d of L^-1 g, d x d of L with d of its inverse diagonal.
  std::size_t condition_work() const {
    const auto dd = static_cast<std::size_t>(d), pp = static_cast<std::size_t>(p);
    return pp * dd + 2 * dd + dd * dd;
  }
  // Vectors needed besides, while the class is worked on.
  std::size_t scratch() const {
    const auto dd = static_cast<std::size_t>(d), pp = static_cast<std::size_t>(p);
    return 4 * dd * dd + 4 * dd + 2 * pp * dd + 2 * pp * pp + 4 * pp + static_cast<std::size_t>(parts) +
           static_cast<std::size_t>(rows) + 8;
  }
};

// Sum of logs as mantissa * 2^exponent, so that one log serves all pivots.
struct BlockLog {
  double mantissa = 1;
  long long exponent = 0;
};

struct BlockState {
  const double* factor = nullptr;  // values
  double* factor_adjoint = nullptr;  // null: value only
  double* scale_adjoint = nullptr;  // sums of u^2 + v: to be divided by the scale
  int border_size = 0;
  double* border_matrix = nullptr;  // forward: [P][P] accumulated; backward: V of the border
  double* border_vector = nullptr;  // forward: [P] accumulated g; backward: e of the border
  double* work = nullptr;  // the class's own
  double* scratch = nullptr;
  BlockLog log;
  double quadratic = 0;  // backward: sum of squares of residuals and of whitened e
  bool good = true;  // forward: all pivots positive and finite
};

struct BlockKernels {
  void (*forward)(const BlockClass&, BlockState&) = nullptr;
  void (*backward)(const BlockClass&, BlockState&) = nullptr;
  // Of regular classes, for draws from the conditional; null for others and for d = 0. condition: M = L L' of each component into
  // work (condition_work() a batch), L_bc L_bc' and L_bc L^-1 g off the border, good. draw: x [batches][d][lanes] -> L'^-1 (x +
  // L^-1 g - L_bc' b) with b = border_vector.
  void (*condition)(const BlockClass&, BlockState&) = nullptr;
  void (*draw)(const BlockClass&, const BlockState&, double* x) = nullptr;
};

using ChooseKernels = BlockKernels (*)(const BlockClass& shape);

// The fastest for this machine: compiled for AVX-512, AVX2 and plain x86-64-v2, the same sums in the same order in each.
BlockKernels block_kernels(const BlockClass& shape);

BlockKernels block_kernels_plain(const BlockClass& shape);
BlockKernels block_kernels_avx2(const BlockClass& shape);
BlockKernels block_kernels_avx512(const BlockClass& shape);

}  // namespace tenfold::hmc_marg
