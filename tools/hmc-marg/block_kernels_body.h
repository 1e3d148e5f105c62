// The kernels' one source, included by the file of each instruction set inside an anonymous namespace.
// Vector<double, lanes> arithmetic is the compilers' vector extension; D and P are compile-time sizes (kAny: the class says).
// Workspace and scratch are aligned to 64 bytes.
// No <algorithm> or <vector> here: an inline function compiled for AVX-512 must not be the one that the linker keeps for all.

constexpr int kAny = -1;

using Wide = double __attribute__((vector_size(64)));
using WideBits = long long __attribute__((vector_size(64)));

inline void load_lanes(Wide& x, const double* from) { __builtin_memcpy(&x, from, sizeof x); }
inline void load_lanes(double& x, const double* from) { x = *from; }
using HalfWide = double __attribute__((vector_size(32)));
using HalfBits = long long __attribute__((vector_size(32)));
using PairWide = double __attribute__((vector_size(16)));
using PairBits = long long __attribute__((vector_size(16)));

// Upper half onto lower half, three times: one shuffle and one addition each.
template <class Half, class Pair, class Whole>
inline auto sum_halves(const Whole& x) {
  Half low, high;
  __builtin_memcpy(&low, &x, 32);
  __builtin_memcpy(&high, reinterpret_cast<const char*>(&x) + 32, 32);
  low += high;
  Pair first, second;
  __builtin_memcpy(&first, &low, 16);
  __builtin_memcpy(&second, reinterpret_cast<const char*>(&low) + 16, 16);
  first += second;
  return first[0] + first[1];
}
inline double sum_lanes(const Wide& x) { return sum_halves<HalfWide, PairWide>(x); }
inline long long sum_lanes(const WideBits& x) { return sum_halves<HalfBits, PairBits>(x); }
inline double sum_lanes(const double& x) { return x; }
inline void set_lane(Wide& x, int i, double value) { x[i] = value; }
inline void set_lane(double& x, int, double value) { x = value; }
inline double lane(const Wide& x, int i) { return x[i]; }
inline double lane(const double& x, int) { return x; }

// Running product of positive pivots; after each factor the mantissa is back in [1, 2).
struct WideLog {
  Wide mantissa = {1, 1, 1, 1, 1, 1, 1, 1};
  WideBits exponent = {}, good = {-1, -1, -1, -1, -1, -1, -1, -1};
  void multiply(const Wide& pivot) {
    good &= (pivot > 1e-290) & (pivot < 1e290);
    const Wide product = mantissa * pivot;
    WideBits bits;
    __builtin_memcpy(&bits, &product, sizeof bits);
    exponent += ((bits >> 52) & 0x7ff) - 1023;
    bits = (bits & 0xfffffffffffffLL) | 0x3ff0000000000000LL;
    __builtin_memcpy(&mantissa, &bits, sizeof bits);
  }
  void finish(BlockState& state) const {
    const Wide& m = mantissa;
    state.log.mantissa *= ((m[0] * m[1]) * (m[2] * m[3])) * ((m[4] * m[5]) * (m[6] * m[7]));
    state.log.exponent += sum_lanes(exponent);
    state.good = state.good && sum_lanes(good) == -kBlockLanes;
  }
};

struct NarrowLog {
  double mantissa = 1;
  long long exponent = 0;
  bool good = true;
  void multiply(const double& pivot) {
    good = good && pivot > 1e-290 && pivot < 1e290;
    const double product = mantissa * pivot;
    long long bits;
    __builtin_memcpy(&bits, &product, sizeof bits);
    exponent += ((bits >> 52) & 0x7ff) - 1023;
    bits = (bits & 0xfffffffffffffLL) | 0x3ff0000000000000LL;
    __builtin_memcpy(&mantissa, &bits, sizeof bits);
  }
  void finish(BlockState& state) const {
    state.log.mantissa *= mantissa;
    state.log.exponent += exponent;
    state.good = state.good && good;
  }
};

template <class V>
struct LogOf;
template <>
struct LogOf<Wide> {
  using Type = WideLog;
};
template <>
struct LogOf<double> {
  using Type = NarrowLog;
};

template <class V>
inline constexpr int kLanes = sizeof(V) / sizeof(double);

// The product of the mantissas stays below 2^8 per class: bring it back.
inline void renormalise(BlockLog& log) {
  long long bits;
  __builtin_memcpy(&bits, &log.mantissa, sizeof bits);
  log.exponent += ((bits >> 52) & 0x7ff) - 1023;
  bits = (bits & 0xfffffffffffffLL) | 0x3ff0000000000000LL;
  __builtin_memcpy(&log.mantissa, &bits, sizeof bits);
}

// Coefficients of a batch's rows: a[row][column] = sum of number * factor.
template <class V>
inline void fill_rows(const BlockClass& c, int batch, const double* factor, int width, V* a) {
  constexpr int W = kLanes<V>;
  const double* number = c.number + static_cast<std::size_t>(batch) * static_cast<std::size_t>(c.parts) * W;
  const std::uint32_t* gather = c.gather + static_cast<std::size_t>(batch) * static_cast<std::size_t>(c.gathers) * W;
  for (int k = 0; k < c.rows * width; ++k) a[k] = V{};
  for (int r = 0; r < c.rows; ++r) {
    V* row = a + r * width;
    for (int t = c.part_first[r]; t < c.part_first[r + 1]; ++t) {
      V x;
      load_lanes(x, number + t * W);
      const std::int32_t f = c.part[t].factor;
      if (f >= 0) {
        row[c.part[t].column] += x * factor[f];
      } else {
        V y{};
        for (int i = 0; i < W; ++i) set_lane(y, i, factor[gather[(-1 - f) * W + i]]);
        row[c.part[t].column] += x * y;
      }
    }
  }
}

// The columns of a row that have parts: those of the component first, then those of the border.
struct RowColumns {
  static constexpr int kMost = 128;
  int d = 0, p = 0;
  int component[kMost], border[kMost];  // border: 0 .. p-1
  RowColumns(const BlockClass& c, int r) {
    const auto put = [](int* list, int& size, int column) {
      if (size == 0 || list[size - 1] != column) list[size++] = column;
    };
    for (int k = c.part_first[r]; k < c.part_first[r + 1]; ++k) {
      const int column = c.part[k].column;
      if (column < c.d)
        put(component, d, column);
      else if (column < c.d + c.p)
        put(border, p, column - c.d);
    }
  }
};

// L D L' of the symmetric m [d][d] (lower triangle; L without its unit diagonal replaces it), 1/D into inverse_pivot.
template <class V, class Log>
inline void factor_component(int d, V* m, V* inverse_pivot, V* scratch, Log& log) {
  for (int j = 0; j < d; ++j) {
    V pivot = m[j * d + j];
    for (int k = 0; k < j; ++k) {
      scratch[k] = m[j * d + k] * m[k * d + k];  // the diagonal holds D
      pivot -= m[j * d + k] * scratch[k];
    }
    m[j * d + j] = pivot;
    log.multiply(pivot);
    inverse_pivot[j] = 1.0 / pivot;
    for (int i = j + 1; i < d; ++i) {
      V x = m[i * d + j];
      for (int k = 0; k < j; ++k) x -= m[i * d + k] * scratch[k];
      m[i * d + j] = x * inverse_pivot[j];
    }
  }
}

template <class V>
inline void solve_component(int d, const V* m, const V* inverse_pivot, V* x) {
  for (int i = 1; i < d; ++i)
    for (int k = 0; k < i; ++k) x[i] -= m[i * d + k] * x[k];
  for (int i = 0; i < d; ++i) x[i] *= inverse_pivot[i];
  for (int i = d - 1; i >= 0; --i)
    for (int k = i + 1; k < d; ++k) x[i] -= m[k * d + i] * x[k];
}

// M^-1 = sum_k w_k w_k' / D_k, w_k the rows of L^-1. Full matrix, [d][d].
template <class V>
inline void invert_component(int d, const V* m, const V* inverse_pivot, V* linv, V* inverse) {
  for (int j = 0; j < d; ++j)
    for (int i = j + 1; i < d; ++i) {
      V x = -m[i * d + j];
      for (int k = j + 1; k < i; ++k) x -= m[i * d + k] * linv[k * d + j];
      linv[i * d + j] = x;
    }
  for (int i = 0; i < d; ++i)
    for (int j = 0; j <= i; ++j) {
      V x = i == j ? inverse_pivot[i] : linv[i * d + j] * inverse_pivot[i];
      for (int k = i + 1; k < d; ++k) x += linv[k * d + i] * inverse_pivot[k] * linv[k * d + j];
      inverse[i * d + j] = x;
      inverse[j * d + i] = x;
    }
}

template <class V, int D, int P>
void forward_kernel(const BlockClass& c, BlockState& state) {
  constexpr int W = kLanes<V>;
  const int d = D == kAny ? c.d : D, p = P == kAny ? c.p : P, width = d + p + 1, rows = c.rows;
  constexpr int DD = D > 0 ? D * D : 1, DN = D > 0 ? D : 1;
  V local_m[DD], local_pivot[DN], local_scratch[DN], local_linv[DD];
  V* scratch = reinterpret_cast<V*>(state.scratch);
  V* const border = scratch;
  V* const border_g = border + p * p;
  V* const coupling = border_g + p;
  V* const any = coupling + p * d;
  V* const m = D == kAny ? any : local_m;
  V* const pivot = D == kAny ? any + d * d : local_pivot;
  V* const temporary = D == kAny ? any + d * d + d : local_scratch;
  V* const linv = D == kAny ? any + d * d + 2 * d : local_linv;
  for (int k = 0; k < p * p + p; ++k) border[k] = V{};
  typename LogOf<V>::Type log;
  const std::size_t batch_work = c.batch_work();
  for (int batch = 0; batch < c.batches; ++batch) {
    V* const a = reinterpret_cast<V*>(state.work) + static_cast<std::size_t>(batch) * batch_work;
    V* const x = a + rows * width;  // [p][d]
    V* const h = x + p * d;         // [d]
    V* const inverse = h + d;       // [d][d]
    fill_rows<V>(c, batch, state.factor, width, a);
    const double* diagonal = c.diagonal + static_cast<std::size_t>(batch) * static_cast<std::size_t>(d) * W;
    for (int i = 0; i < d; ++i) {
      for (int j = 0; j < i; ++j) m[i * d + j] = V{};
      load_lanes(m[i * d + i], diagonal + i * W);
      h[i] = V{};
    }
    for (int k = 0; k < p * d; ++k) coupling[k] = V{};
    for (int r = 0; r < rows; ++r) {
      const V* row = a + r * width;
      const V* b = row + d;
      const V intercept = row[d + p];
      if constexpr (W == 1) {  // few of many columns are met by a row
        const RowColumns at(c, r);
        for (int k = 0; k < at.d; ++k) {
          const int i = at.component[k];
          for (int l = 0; l < at.d; ++l)
            if (at.component[l] <= i) m[i * d + at.component[l]] += row[i] * row[at.component[l]];
          for (int l = 0; l < at.p; ++l) coupling[at.border[l] * d + i] += b[at.border[l]] * row[i];
          h[i] -= row[i] * intercept;
        }
        for (int k = 0; k < at.p; ++k) {
          const int q = at.border[k];
          for (int l = 0; l < at.p; ++l)
            if (at.border[l] <= q) border[q * p + at.border[l]] += b[q] * b[at.border[l]];
          border_g[q] -= b[q] * intercept;
        }
        continue;
      }
      for (int i = 0; i < d; ++i) {
        for (int j = 0; j <= i; ++j) m[i * d + j] += row[i] * row[j];
        for (int q = 0; q < p; ++q) coupling[q * d + i] += b[q] * row[i];
        h[i] -= row[i] * intercept;
      }
      for (int q = 0; q < p; ++q) {
        for (int s = 0; s <= q; ++s) border[q * p + s] += b[q] * b[s];
        border_g[q] -= b[q] * intercept;
      }
    }
    if (d == 0) continue;
    factor_component(d, m, pivot, temporary, log);
    solve_component(d, m, pivot, h);
    for (int q = 0; q < p; ++q) {
      for (int i = 0; i < d; ++i) x[q * d + i] = coupling[q * d + i];
      solve_component(d, m, pivot, x + q * d);
    }
    for (int q = 0; q < p; ++q) {
      for (int s = 0; s <= q; ++s)
        for (int i = 0; i < d; ++i) border[q * p + s] -= coupling[q * d + i] * x[s * d + i];
      for (int i = 0; i < d; ++i) border_g[q] -= coupling[q * d + i] * h[i];
    }
    if (state.factor_adjoint != nullptr) invert_component(d, m, pivot, linv, inverse);
  }
  log.finish(state);
  renormalise(state.log);
  for (int q = 0; q < p; ++q) {
    for (int s = 0; s <= q; ++s) {
      const double total = sum_lanes(border[q * p + s]);
      const int i = c.border[q], j = c.border[s];
      state.border_matrix[i * state.border_size + j] += total;
      if (i != j) state.border_matrix[j * state.border_size + i] += total;
    }
    state.border_vector[c.border[q]] += sum_lanes(border_g[q]);
  }
}

template <class V, int D, int P>
void backward_kernel(const BlockClass& c, BlockState& state) {
  constexpr int W = kLanes<V>;
  const int d = D == kAny ? c.d : D, p = P == kAny ? c.p : P, width = d + p + 1, rows = c.rows;
  constexpr int DD = D > 0 ? D * D : 1, DN = D > 0 ? D : 1;
  V local_e[DN], local_v[DD], local_t[DN];
  V* scratch = reinterpret_cast<V*>(state.scratch);
  V* const part_sum = scratch;
  V* const scale_sum = part_sum + c.parts;
  V* const cross = scale_sum + rows;  // V of border and component, [p][d]
  V* const border_t = cross + p * d;  // [p]
  V* const any = border_t + p;
  V* const e = D == kAny ? any : local_e;
  V* const t = D == kAny ? any + d : local_t;
  V* const v = D == kAny ? any + 2 * d : local_v;
  double* const vb = reinterpret_cast<double*>(any + 2 * d + d * d);  // [p][p] of the class's own border
  double* const eb = vb + p * p;                                     // [p]
  for (int q = 0; q < p; ++q) {
    eb[q] = state.border_vector[c.border[q]];
    for (int s = 0; s < p; ++s) vb[q * p + s] = state.border_matrix[c.border[q] * state.border_size + c.border[s]];
  }
  const bool reverse = state.factor_adjoint != nullptr;
  for (int k = 0; k < c.parts + rows; ++k) part_sum[k] = V{};
  V quadratic{};
  const std::size_t batch_work = c.batch_work();
  for (int batch = 0; batch < c.batches; ++batch) {
    V* const a = reinterpret_cast<V*>(state.work) + static_cast<std::size_t>(batch) * batch_work;
    const V* const x = a + rows * width;
    const V* const h = x + p * d;
    const V* const inverse = h + d;
    const double* diagonal = c.diagonal + static_cast<std::size_t>(batch) * static_cast<std::size_t>(d) * W;
    for (int i = 0; i < d; ++i) {
      e[i] = h[i];
      for (int q = 0; q < p; ++q) e[i] -= x[q * d + i] * eb[q];
      V weight;
      load_lanes(weight, diagonal + i * W);
      quadratic += weight * e[i] * e[i];
    }
    if (reverse) {
      for (int q = 0; q < p; ++q)
        for (int i = 0; i < d; ++i) {
          V sum{};
          for (int s = 0; s < p; ++s) sum -= x[s * d + i] * vb[s * p + q];
          cross[q * d + i] = sum;
        }
      for (int i = 0; i < d; ++i)
        for (int j = 0; j <= i; ++j) {
          V sum = inverse[i * d + j];
          for (int q = 0; q < p; ++q) sum -= cross[q * d + i] * x[q * d + j];
          v[i * d + j] = sum;
          v[j * d + i] = sum;
        }
    }
    const double* number = c.number + static_cast<std::size_t>(batch) * static_cast<std::size_t>(c.parts) * W;
    const std::uint32_t* gather = c.gather + static_cast<std::size_t>(batch) * static_cast<std::size_t>(c.gathers) * W;
    for (int r = 0; r < rows; ++r) {
      V* const row = a + r * width;
      V* const b = row + d;
      V u = row[d + p], variance{};
      if constexpr (W == 1) {
        const RowColumns at(c, r);
        for (int k = 0; k < at.d; ++k) u += row[at.component[k]] * e[at.component[k]];
        for (int k = 0; k < at.p; ++k) u += b[at.border[k]] * eb[at.border[k]];
        quadratic += u * u;
        if (!reverse) continue;
        for (int k = 0; k < at.d; ++k) {
          const int i = at.component[k];
          V sum{};
          for (int l = 0; l < at.d; ++l) sum += v[i * d + at.component[l]] * row[at.component[l]];
          for (int l = 0; l < at.p; ++l) sum += cross[at.border[l] * d + i] * b[at.border[l]];
          t[i] = sum;
          variance += sum * row[i];
        }
        for (int k = 0; k < at.p; ++k) {
          const int q = at.border[k];
          V sum{};
          for (int l = 0; l < at.d; ++l) sum += cross[q * d + at.component[l]] * row[at.component[l]];
          for (int l = 0; l < at.p; ++l) sum += b[at.border[l]] * vb[q * p + at.border[l]];
          border_t[q] = sum;
          variance += sum * b[q];
        }
        for (int k = 0; k < at.d; ++k) row[at.component[k]] = -(u * e[at.component[k]] + t[at.component[k]]);
        for (int k = 0; k < at.p; ++k) b[at.border[k]] = -(u * eb[at.border[k]] + border_t[at.border[k]]);
      } else {
        for (int i = 0; i < d; ++i) u += row[i] * e[i];
        for (int q = 0; q < p; ++q) u += b[q] * eb[q];
        quadratic += u * u;
        if (!reverse) continue;
        for (int i = 0; i < d; ++i) {
          V sum{};
          for (int j = 0; j < d; ++j) sum += v[i * d + j] * row[j];
          for (int q = 0; q < p; ++q) sum += cross[q * d + i] * b[q];
          t[i] = sum;
          variance += sum * row[i];
        }
        for (int q = 0; q < p; ++q) {
          V sum{};
          for (int i = 0; i < d; ++i) sum += cross[q * d + i] * row[i];
          for (int s = 0; s < p; ++s) sum += b[s] * vb[q * p + s];
          border_t[q] = sum;
          variance += sum * b[q];
        }
        for (int i = 0; i < d; ++i) row[i] = -(u * e[i] + t[i]);  // from here on: adjoints
        for (int q = 0; q < p; ++q) b[q] = -(u * eb[q] + border_t[q]);
      }
      row[d + p] = -u;
      const V weight = u * u + variance;
      const std::int32_t scale = c.scale[r];
      if (scale >= 0) {
        scale_sum[r] += weight;
      } else if (scale <= -2) {
        for (int i = 0; i < W; ++i) state.scale_adjoint[gather[(-2 - scale) * W + i]] += lane(weight, i);
      }
      for (int k = c.part_first[r]; k < c.part_first[r + 1]; ++k) {
        const std::int32_t f = c.part[k].factor;
        if (f == 0) continue;  // the number 1
        V n;
        load_lanes(n, number + k * W);
        n *= row[c.part[k].column];
        if (f > 0) {
          part_sum[k] += n;
        } else {
          for (int i = 0; i < W; ++i) state.factor_adjoint[gather[(-1 - f) * W + i]] += lane(n, i);
        }
      }
    }
  }
  state.quadratic += sum_lanes(quadratic);
  if (!reverse) return;
  for (int k = 0; k < c.parts; ++k)
    if (c.part[k].factor > 0) state.factor_adjoint[c.part[k].factor] += sum_lanes(part_sum[k]);
  for (int r = 0; r < rows; ++r)
    if (c.scale[r] >= 0) state.scale_adjoint[c.scale[r]] += sum_lanes(scale_sum[r]);
}

template <class V, int D>
BlockKernels choose_border(const BlockClass& shape) {
  if (shape.p == 0) return {forward_kernel<V, D, 0>, backward_kernel<V, D, 0>, nullptr, nullptr};
  if (shape.p == 1) return {forward_kernel<V, D, 1>, backward_kernel<V, D, 1>, nullptr, nullptr};
  if (shape.p == 2) return {forward_kernel<V, D, 2>, backward_kernel<V, D, 2>, nullptr, nullptr};
  return {forward_kernel<V, D, kAny>, backward_kernel<V, D, kAny>, nullptr, nullptr};
}

#include "hmc-marg/block_kernels_regular.h"

inline BlockKernels choose(const BlockClass& shape) {
  if (shape.intercepts > 0) {
    if (shape.d == 0) return {regular_forward<0, 0>, regular_backward<0, 0>, nullptr, nullptr};
    return shape.d == 1 ? choose_regular<1>(shape) : choose_regular<2>(shape);
  }
  if (shape.lanes == 1) return {forward_kernel<double, kAny, kAny>, backward_kernel<double, kAny, kAny>, nullptr, nullptr};
  switch (shape.d) {
    case 0: return {forward_kernel<Wide, 0, kAny>, backward_kernel<Wide, 0, kAny>, nullptr, nullptr};
    case 1: return choose_border<Wide, 1>(shape);
    case 2: return choose_border<Wide, 2>(shape);
    case 3: return choose_border<Wide, 3>(shape);
    case 4: return choose_border<Wide, 4>(shape);
    default: return {forward_kernel<Wide, kAny, kAny>, backward_kernel<Wide, kAny, kAny>, nullptr, nullptr};
  }
}
