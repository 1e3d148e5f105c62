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

// Workspace of a batch: x = M^-1 B' [p][d], h = M^-1 g [d], M^-1 [d][d].
template <int D, int P>
void regular_forward(const BlockClass& c, BlockState& state) {
  constexpr int DN = D > 0 ? D : 1, PN = P > 0 ? P : 1;
  const int slots = D + P + c.intercepts;
  Wide border[PN * PN], border_g[PN];
  for (int q = 0; q < P; ++q) {
    for (int s = 0; s < P; ++s) border[q * P + s] = Wide{};
    border_g[q] = Wide{};
  }
  WideLog log;
  const double* number = c.number;
  const double* diagonal = c.diagonal;
  Wide* x = reinterpret_cast<Wide*>(state.work);
  for (int batch = 0; batch < c.batches; ++batch, x += P * D + D + D * D, diagonal += D * kBlockLanes) {
    Wide m[DN * DN], g[DN], coupling[PN * DN];
    for (int i = 0; i < D; ++i) {
      for (int j = 0; j < i; ++j) m[i * D + j] = Wide{};
      load_lanes(m[i * D + i], diagonal + i * kBlockLanes);
      g[i] = Wide{};
      for (int q = 0; q < P; ++q) coupling[q * D + i] = Wide{};
    }
    for (int r = 0; r < c.rows; ++r, number += slots * kBlockLanes) {
      const RegularRow<D, P> row(number, c.part + r * slots, c.intercepts, state.factor);
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
    if (D == 0) continue;
    Wide pivot[DN], temporary[DN], linv[DN * DN];
    factor_component(D, m, pivot, temporary, log);
    Wide* const h = x + P * D;
    solve_component(D, m, pivot, g);
    for (int i = 0; i < D; ++i) h[i] = g[i];
    for (int q = 0; q < P; ++q) {
      Wide solved[DN];
      for (int i = 0; i < D; ++i) solved[i] = coupling[q * D + i];
      solve_component(D, m, pivot, solved);
      for (int i = 0; i < D; ++i) x[q * D + i] = solved[i];
      for (int s = q; s < P; ++s)
        for (int i = 0; i < D; ++i) border[s * P + q] -= coupling[s * D + i] * solved[i];
      for (int i = 0; i < D; ++i) border_g[q] -= coupling[q * D + i] * g[i];
    }
    if (state.factor_adjoint != nullptr) invert_component(D, m, pivot, linv, h + D);
  }
  log.finish(state);
  renormalise(state.log);
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

template <int D>
BlockKernels choose_regular(const BlockClass& shape) {
  if (shape.p == 0) return {regular_forward<D, 0>, regular_backward<D, 0>};
  if (shape.p == 1) return {regular_forward<D, 1>, regular_backward<D, 1>};
  return {regular_forward<D, 2>, regular_backward<D, 2>};
}
