// Kernels of regular classes (BlockClass::intercepts): small components whose rows all have their parts in the same order, as
// most hierarchies have. Included by block_kernels_body.h.
//
// With d, p and the order of parts known at compile time a row is a few multiplications by shared factors, read from memory into
// all lanes; so cheap that coefficients are formed again on the way back, and only M^-1 and its products go through memory.

template <int D, int P>
struct RegularRow {
  Wide a[D > 0 ? D : 1], b[P > 0 ? P : 1], intercept;
  inline __attribute__((always_inline)) RegularRow(const double* number, const BlockPart* part, int intercepts,
                                                   const double* factor) {
    const auto set = [&](Wide& x, int k) __attribute__((always_inline)) {
      load_lanes(x, number + k * kBlockLanes);
      x *= factor[part[k].factor];
    };
    for (int i = 0; i < D; ++i) set(a[i], i);
    for (int q = 0; q < P; ++q) set(b[q], D + q);
    set(intercept, D + P);
    for (int k = 1; k < intercepts; ++k) {
      Wide more;
      set(more, D + P + k);
      intercept += more;
    }
  }
};

// Sums over the rows of a class: of its border, and of one batch.
template <int D, int P>
struct RegularSums {
  static constexpr int DN = D > 0 ? D : 1, PN = P > 0 ? P : 1;
  Wide border[PN * PN], border_g[PN];             // lower triangle
  Wide m[DN * DN], g[DN], coupling[PN * DN];      // M_cc lower triangle, g_c, M_bc [p][d]

  RegularSums() {
    for (int q = 0; q < P; ++q) {
      for (int s = 0; s < P; ++s) border[q * P + s] = Wide{};
      border_g[q] = Wide{};
    }
  }
  inline __attribute__((always_inline)) void add_batch(const BlockClass& c, const double* number, const double* diagonal,
                                                       const double* factor) {
    const int slots = D + P + c.intercepts;
    for (int i = 0; i < D; ++i) {
      for (int j = 0; j < i; ++j) m[i * D + j] = Wide{};
      load_lanes(m[i * D + i], diagonal + i * kBlockLanes);
      g[i] = Wide{};
      for (int q = 0; q < P; ++q) coupling[q * D + i] = Wide{};
    }
    for (int r = 0; r < c.rows; ++r, number += slots * kBlockLanes) {
      const RegularRow<D, P> row(number, c.part + r * slots, c.intercepts, factor);
      for (int i = 0; i < D; ++i) {
        for (int j = 0; j <= i; ++j) m[i * D + j] += row.a[i] * row.a[j];
        for (int q = 0; q < P; ++q) coupling[q * D + i] += row.b[q] * row.a[i];
        g[i] -= row.a[i] * row.intercept;
      }
      for (int q = 0; q < P; ++q) {
        for (int s = 0; s <= q; ++s) border[q * P + s] += row.b[q] * row.b[s];
        border_g[q] -= row.b[q] * row.intercept;
      }
    }
  }
  inline __attribute__((always_inline)) void finish(const BlockClass& c, BlockState& state) const {
    for (int q = 0; q < P; ++q) {
      for (int s = 0; s <= q; ++s) {
        const double total = sum_lanes(border[q * P + s]);
        const int i = c.border[q], j = c.border[s];
        state.border_matrix[i * state.border_size + j] += total;
        if (i != j) state.border_matrix[j * state.border_size + i] += total;
      }
      state.border_vector[c.border[q]] += sum_lanes(border_g[q]);
    }
  }
};

// Workspace of a batch: x = M^-1 B' [p][d], h = M^-1 g [d], M^-1 [d][d].
template <int D, int P>
void regular_forward(const BlockClass& c, BlockState& state) {
  constexpr int DN = D > 0 ? D : 1;
  RegularSums<D, P> sums;
  WideLog log;
  const double* number = c.number;
  const double* diagonal = c.diagonal;
  Wide* x = reinterpret_cast<Wide*>(state.work);
  for (int batch = 0; batch < c.batches; ++batch) {
    sums.add_batch(c, number, diagonal, state.factor);
    number += c.parts * kBlockLanes;
    if (D == 0) continue;
    diagonal += D * kBlockLanes;
    Wide pivot[DN], temporary[DN], linv[DN * DN];
    factor_component(D, sums.m, pivot, temporary, log);
    Wide* const h = x + P * D;
    solve_component(D, sums.m, pivot, sums.g);
    for (int i = 0; i < D; ++i) h[i] = sums.g[i];
    for (int q = 0; q < P; ++q) {
      Wide solved[DN];
      for (int i = 0; i < D; ++i) solved[i] = sums.coupling[q * D + i];
      solve_component(D, sums.m, pivot, solved);
      for (int i = 0; i < D; ++i) x[q * D + i] = solved[i];
      for (int s = q; s < P; ++s)
        for (int i = 0; i < D; ++i) sums.border[s * P + q] -= sums.coupling[s * D + i] * solved[i];
      for (int i = 0; i < D; ++i) sums.border_g[q] -= sums.coupling[q * D + i] * sums.g[i];
    }
    if (state.factor_adjoint != nullptr) invert_component(D, sums.m, pivot, linv, h + D);
    x += P * D + D + D * D;
  }
  log.finish(state);
  renormalise(state.log);
  sums.finish(c, state);
}

inline void take_root(Wide& x) {
#if defined(__AVX512F__)
  x = (Wide)_mm512_maskz_sqrt_pd(0xff, (__m512d)x);
#else
  for (int i = 0; i < kBlockLanes; i += 2) {
    const __m128d root = _mm_sqrt_pd(_mm_set_pd(x[i + 1], x[i]));
    x[i] = root[0];
    x[i + 1] = root[1];
  }
#endif
}

template <int D, int P>
void regular_condition(const BlockClass& c, BlockState& state) {
  RegularSums<D, P> sums;
  const double* number = c.number;
  const double* diagonal = c.diagonal;
  Wide* k = reinterpret_cast<Wide*>(state.work);
  WideBits good = {-1, -1, -1, -1, -1, -1, -1, -1};
  for (int batch = 0; batch < c.batches; ++batch) {
    sums.add_batch(c, number, diagonal, state.factor);
    number += c.parts * kBlockLanes;
    diagonal += D * kBlockLanes;
    Wide* const y = k + P * D;
    Wide* const l = y + D;
    Wide* const inverse = l + D * D;
    for (int j = 0; j < D; ++j)
      for (int i = j; i < D; ++i) {
        Wide x = sums.m[i * D + j];
        for (int n = 0; n < j; ++n) x -= l[i * D + n] * l[j * D + n];
        if (i == j) {
          good &= (x > 1e-290) & (x < 1e290);
          take_root(x);
          inverse[j] = 1.0 / x;
        } else {
          x *= inverse[j];
        }
        l[i * D + j] = x;
      }
    for (int i = 0; i < D; ++i) {
      Wide x = sums.g[i];
      for (int n = 0; n < i; ++n) x -= l[i * D + n] * y[n];
      y[i] = x * inverse[i];
      good &= (y[i] > -1e300) & (y[i] < 1e300);
      for (int q = 0; q < P; ++q) {
        Wide z = sums.coupling[q * D + i];
        for (int n = 0; n < i; ++n) z -= l[i * D + n] * k[q * D + n];
        k[q * D + i] = z * inverse[i];
      }
    }
    for (int q = 0; q < P; ++q)
      for (int i = 0; i < D; ++i) {
        for (int s = 0; s <= q; ++s) sums.border[q * P + s] -= k[q * D + i] * k[s * D + i];
        sums.border_g[q] -= k[q * D + i] * y[i];
      }
    k = inverse + D;
  }
  state.good = state.good && sum_lanes(good) == -kBlockLanes;
  sums.finish(c, state);
}

template <int D, int P>
void regular_draw(const BlockClass& c, const BlockState& state, double* x) {
  const Wide* k = reinterpret_cast<const Wide*>(state.work);
  for (int batch = 0; batch < c.batches; ++batch, x += D * kBlockLanes) {
    const Wide* const y = k + P * D;
    const Wide* const l = y + D;
    const Wide* const inverse = l + D * D;
    Wide e[D];
    for (int i = D - 1; i >= 0; --i) {
      load_lanes(e[i], x + i * kBlockLanes);
      e[i] += y[i];
      for (int q = 0; q < P; ++q) e[i] -= k[q * D + i] * state.border_vector[c.border[q]];
      for (int n = i + 1; n < D; ++n) e[i] -= l[n * D + i] * e[n];
      e[i] *= inverse[i];
      __builtin_memcpy(x + i * kBlockLanes, &e[i], sizeof(Wide));
    }
    k = inverse + D;
  }
}

template <int D, int P>
void regular_backward(const BlockClass& c, BlockState& state) {
  constexpr int DN = D > 0 ? D : 1, PN = P > 0 ? P : 1;
  const int slots = D + P + c.intercepts;
  Wide* const part_sum = reinterpret_cast<Wide*>(state.scratch);
  Wide* const scale_sum = part_sum + c.parts;
  double eb[PN], vb[PN * PN];
  for (int q = 0; q < P; ++q) {
    eb[q] = state.border_vector[c.border[q]];
    for (int s = 0; s < P; ++s) vb[q * P + s] = state.border_matrix[c.border[q] * state.border_size + c.border[s]];
  }
  const bool reverse = state.factor_adjoint != nullptr;
  for (int k = 0; k < c.parts + c.rows; ++k) part_sum[k] = Wide{};
  Wide quadratic{};
  const double* number = c.number;
  const double* diagonal = c.diagonal;
  const Wide* x = reinterpret_cast<const Wide*>(state.work);
  for (int batch = 0; batch < c.batches; ++batch, x += P * D + D + D * D, diagonal += D * kBlockLanes) {
    const Wide* const h = x + P * D;
    const Wide* const inverse = h + D;
    Wide e[DN], v[DN * DN], cross[PN * DN];
    for (int i = 0; i < D; ++i) {
      e[i] = h[i];
      for (int q = 0; q < P; ++q) e[i] -= x[q * D + i] * eb[q];
      Wide weight;
      load_lanes(weight, diagonal + i * kBlockLanes);
      quadratic += weight * e[i] * e[i];
    }
    if (reverse) {
      for (int q = 0; q < P; ++q)
        for (int i = 0; i < D; ++i) {
          Wide sum{};
          for (int s = 0; s < P; ++s) sum -= x[s * D + i] * vb[s * P + q];
          cross[q * D + i] = sum;
        }
      for (int i = 0; i < D; ++i)
        for (int j = 0; j <= i; ++j) {
          Wide sum = inverse[i * D + j];
          for (int q = 0; q < P; ++q) sum -= cross[q * D + i] * x[q * D + j];
          v[i * D + j] = v[j * D + i] = sum;
        }
    }
    for (int r = 0; r < c.rows; ++r, number += slots * kBlockLanes) {
      const RegularRow<D, P> row(number, c.part + r * slots, c.intercepts, state.factor);
      Wide u = row.intercept;
      for (int i = 0; i < D; ++i) u += row.a[i] * e[i];
      for (int q = 0; q < P; ++q) u += row.b[q] * eb[q];
      quadratic += u * u;
      if (!reverse) continue;
      Wide variance{};
      Wide* const sums = part_sum + r * slots;
      const auto add = [&](int k, const Wide& adjoint) __attribute__((always_inline)) {
        Wide n;
        load_lanes(n, number + k * kBlockLanes);
        sums[k] -= n * adjoint;
      };
      for (int i = 0; i < D; ++i) {
        Wide t{};
        for (int j = 0; j < D; ++j) t += v[i * D + j] * row.a[j];
        for (int q = 0; q < P; ++q) t += cross[q * D + i] * row.b[q];
        variance += t * row.a[i];
        add(i, u * e[i] + t);
      }
      for (int q = 0; q < P; ++q) {
        Wide t{};
        for (int i = 0; i < D; ++i) t += cross[q * D + i] * row.a[i];
        for (int s = 0; s < P; ++s) t += row.b[s] * vb[q * P + s];
        variance += t * row.b[q];
        add(D + q, u * eb[q] + t);
      }
      for (int k = 0; k < c.intercepts; ++k) add(D + P + k, u);
      scale_sum[r] += u * u + variance;
    }
  }
  state.quadratic += sum_lanes(quadratic);
  if (!reverse) return;
  for (int k = 0; k < c.parts; ++k)
    if (c.part[k].factor > 0) state.factor_adjoint[c.part[k].factor] += sum_lanes(part_sum[k]);
  for (int r = 0; r < c.rows; ++r)
    if (c.scale[r] >= 0) state.scale_adjoint[c.scale[r]] += sum_lanes(scale_sum[r]);
}

template <int D, int P>
BlockKernels regular_kernels() {
  return {regular_forward<D, P>, regular_backward<D, P>, regular_condition<D, P>, regular_draw<D, P>};
}

template <int D>
BlockKernels choose_regular(const BlockClass& shape) {
  return shape.p == 0 ? regular_kernels<D, 0>() : shape.p == 1 ? regular_kernels<D, 1>() : regular_kernels<D, 2>();
}
