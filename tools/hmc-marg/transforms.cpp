// Unconstrained scalars to constrained values, built from nodes of the graph. Each formula is followed by its log |J|.
#include "hmc-marg/transforms.h"

#include <cmath>

namespace tenfold::hmc_marg {
namespace {

using Slots = std::vector<Slot>;

// Lane-wise arithmetic on lists of slots; a list of one is broadcast.
class Builder {
 public:
  explicit Builder(Graph& graph) : graph_(graph) {}

  Slots unary(Op op, const Slots& x) {
    const std::vector<double> zeros(x.size());
    const Scalars operand{zeros, x};
    return consecutive(graph_.lane_wise(op, {&operand, 1}, static_cast<std::uint32_t>(x.size())), x.size());
  }
  Slots binary(Op op, const Slots& x, const Slots& y) {
    const std::size_t lanes = std::max(x.size(), y.size());
    const std::vector<double> zeros(lanes);
    const Scalars operands[] = {{std::span(zeros).first(x.size()), x}, {std::span(zeros).first(y.size()), y}};
    return consecutive(graph_.lane_wise(op, operands, static_cast<std::uint32_t>(lanes)), lanes);
  }
  Slots add(const Slots& x, const Slots& y) { return binary(Op::add, x, y); }
  Slots subtract(const Slots& x, const Slots& y) { return binary(Op::sub, x, y); }
  Slots multiply(const Slots& x, const Slots& y) { return binary(Op::mul, x, y); }
  Slots constant(double value) { return {graph_.constant(value)}; }
  Slots scaled(const Slots& x, double factor) { return factor == 1 ? x : multiply(x, constant(factor)); }
  Slot sum(const Slots& x) {
    if (x.empty()) return graph_.constant(0);
    if (x.size() == 1) return x[0];
    const std::vector<double> zeros(x.size());
    const Scalars operand{zeros, x};
    const std::uint32_t offsets[] = {0, static_cast<std::uint32_t>(x.size())};
    return graph_.segmented(Op::sum, {&operand, 1}, offsets);
  }
  Slot dot(const Slots& x, const Slots& y) {
    if (x.size() == 1) return multiply(x, y)[0];
    const std::vector<double> zeros(x.size());
    const Scalars operands[] = {{zeros, x}, {zeros, y}};
    const std::uint32_t offsets[] = {0, static_cast<std::uint32_t>(x.size())};
    return graph_.segmented(Op::dot, operands, offsets);
  }
  // Partial sums x_1, x_1 + x_2, ...
  Slots cumulative(const Slots& x) {
    Slots result;
    for (const Slot s : x) result.push_back(result.empty() ? s : add({result.back()}, {s})[0]);
    return result;
  }
  Slots softmax(const Slots& x) {
    const std::vector<double> zeros(x.size());
    const Scalars operand{zeros, x};
    return consecutive(graph_.whole(Op::softmax, {&operand, 1}, static_cast<std::uint32_t>(x.size())), x.size());
  }

  // A bound's or offset's scalars as slots.
  Slots slots_of(const Value& value) {
    Slots result(value.size());
    for (std::size_t i = 0; i < result.size(); ++i) {
      result[i] = value.known() || !value.slot[i] ? graph_.constant(value.number[i]) : value.slot[i];
    }
    return result;
  }

 private:
  static Slots consecutive(Slot first, std::size_t n) {
    Slots result(n);
    for (std::size_t i = 0; i < n; ++i) result[i] = first + static_cast<Slot>(i);
    return result;
  }
  Graph& graph_;
};

struct Constrained {
  Slots value;
  Slots log_jacobian;  // summands
};

void append(Slots& to, const Slots& more) { to.insert(to.end(), more.begin(), more.end()); }

bool infinite(const Value& bound, std::size_t i) { return bound.known() || !bound.slot[i] ? std::isinf(bound.number[i]) : false; }

// lower a: a + e^q, log|J| = q. upper b: b - e^q, q. both: a + (b - a) inv_logit(q), log(b - a) - |q| - 2 log1p(e^-|q|).
Constrained bounded(Builder& build, const Parameter& p, const Slots& q) {
  const std::size_t n = q.size();
  const bool has_lower = p.lower.size() > 0, has_upper = p.upper.size() > 0;
  const auto at = [](const Value& bound, std::size_t i) { return bound.size() == 1 ? 0 : i; };
  // Elements by which bounds are finite.
  std::vector<std::size_t> elements[4];
  for (std::size_t i = 0; i < n; ++i) {
    const bool lower = has_lower && !infinite(p.lower, at(p.lower, i));
    const bool upper = has_upper && !infinite(p.upper, at(p.upper, i));
    elements[(lower ? 1 : 0) + (upper ? 2 : 0)].push_back(i);
  }
  const Slots lower = build.slots_of(p.lower), upper = build.slots_of(p.upper);
  const auto pick = [](const Slots& from, const std::vector<std::size_t>& places) {
    if (from.size() == 1) return from;
    Slots result;
    for (const std::size_t i : places) result.push_back(from[i]);
    return result;
  };
  Constrained result;
  result.value = q;
  for (int kind = 1; kind < 4; ++kind) {
    const auto& places = elements[kind];
    if (places.empty()) continue;
    const Slots free = n == 1 ? q : pick(q, places);
    Slots value;
    if (kind == 3) {
      const Slots a = pick(lower, places), width = build.subtract(pick(upper, places), a);
      value = build.add(a, build.multiply(width, build.unary(Op::inv_logit, free)));
      const Slots magnitude = build.unary(Op::abs, free);
      // log inv_logit(|q|) + log inv_logit(-|q|) = -|q| - 2 log1p(e^-|q|)
      const Slots tail = build.scaled(build.unary(Op::log1p, build.unary(Op::exp, build.unary(Op::neg, magnitude))), -2);
      Slots log_width = build.unary(Op::log, width);
      if (log_width.size() == 1 && free.size() > 1) log_width.assign(free.size(), log_width[0]);
      append(result.log_jacobian, log_width);
      append(result.log_jacobian, build.subtract(tail, magnitude));
    } else {
      const Slots e = build.unary(Op::exp, free);
      const bool zero = kind == 1 && p.lower.known() && p.lower.size() == 1 && p.lower.number[0] == 0;
      value = zero ? e : kind == 1 ? build.add(pick(lower, places), e) : build.subtract(pick(upper, places), e);
      append(result.log_jacobian, free);
    }
    for (std::size_t k = 0; k < places.size(); ++k) result.value[places[k]] = value[k];
  }
  return result;
}

// offset o, multiplier m: o + m q, log|J| = sum log m.
Constrained affine(Builder& build, const Parameter& p, const Slots& q) {
  Constrained result;
  result.value = q;
  if (p.multiplier.size() > 0) {
    const Slots m = build.slots_of(p.multiplier);
    result.value = build.multiply(m, q);
    Slots logs = build.unary(Op::log, m);
    if (logs.size() == 1) {
      logs = build.scaled(logs, static_cast<double>(q.size()));
    }
    result.log_jacobian = logs;
  }
  if (p.offset.size() > 0) result.value = build.add(build.slots_of(p.offset), result.value);
  return result;
}

// x_1 = q_1 (positive: e^q_1), x_k = x_{k-1} + e^q_k; log|J| = sum of the q that are exponentiated.
Constrained ordered(Builder& build, const Slots& q, bool positive) {
  if (q.empty()) return {};
  const std::size_t first = positive ? 0 : 1;
  const Slots exponents(q.begin() + static_cast<std::ptrdiff_t>(first), q.end());
  Slots steps = exponents.empty() ? Slots{} : build.unary(Op::exp, exponents);
  if (!positive) steps.insert(steps.begin(), q[0]);
  return {build.cumulative(steps), exponents};
}

// Isometric log-ratio: w_n = q_n / sqrt(n (n + 1)), v_n = sum_{k >= n} w_k - (n - 1) w_{n-1}, x = softmax(v);
// log|J| = sum log x_k + log(K) / 2.
Constrained simplex(Builder& build, const Slots& q, std::size_t size) {
  if (size == 0) return {};
  if (size == 1) return {build.constant(1), {}};
  Slots v(size);
  Slots w(q.size());
  for (std::size_t n = 1; n <= q.size(); ++n)
    w[n - 1] = build.scaled({q[n - 1]}, 1 / std::sqrt(static_cast<double>(n * (n + 1))))[0];
  Slot sum = 0;
  for (std::size_t n = size; n >= 1; --n) {
    // After the sum from n on: v_n (1-based) = sum - (n - 1) w_{n-1}.
    if (n <= q.size()) sum = sum ? build.add({sum}, {w[n - 1]})[0] : w[n - 1];
    const Slots less = n >= 2 ? build.scaled({w[n - 2]}, static_cast<double>(n - 1)) : Slots{};
    if (!sum) {
      v[n - 1] = build.unary(Op::neg, less)[0];
    } else {
      v[n - 1] = less.empty() ? sum : build.subtract({sum}, less)[0];
    }
  }
  Constrained result;
  result.value = build.softmax(v);
  result.log_jacobian = {build.sum(build.unary(Op::log, result.value))};
  append(result.log_jacobian, build.constant(0.5 * std::log(static_cast<double>(size))));
  return result;
}

// Lower triangle of a correlation matrix's factor from c = tanh(q): L_i1 = c, L_ij = c sqrt(1 - S) with
// S = sum_{k < j} L_ik^2, L_ii = sqrt(1 - S); log|J| = sum log(1 - c^2) + sum over j > 1 of log(1 - S) / 2.
// place(i, j): which q belongs to row i, column j.
template <class Place>
Constrained correlation_factor(Builder& build, const Slots& q, std::size_t size, Place place) {
  Constrained result;
  const Slot zero = build.constant(0)[0], one = build.constant(1)[0];
  result.value.assign(size * size, zero);
  if (size == 0) return result;
  result.value[0] = one;
  if (q.empty()) return result;
  const Slots c = build.unary(Op::tanh, q);
  // log(1 - tanh^2 q) = 2 (log 2 - |q| - log1p(e^{-2|q|})), exact in the tails.
  const Slots magnitude = build.unary(Op::abs, q);
  const Slots tail = build.unary(Op::log1p, build.unary(Op::exp, build.scaled(magnitude, -2)));
  append(result.log_jacobian, build.scaled(build.subtract(build.constant(std::log(2.0)), build.add(magnitude, tail)), 2));
  for (std::size_t i = 1; i < size; ++i) {
    Slot left = one;  // 1 - S
    for (std::size_t j = 0; j < i; ++j) {
      const Slot cij = c[place(i, j)];
      Slot entry = cij;
      if (j > 0) {
        append(result.log_jacobian, build.scaled(build.unary(Op::log, {left}), 0.5));
        entry = build.multiply({cij}, build.unary(Op::sqrt, {left}))[0];
      }
      result.value[i + j * size] = entry;
      left = build.subtract({left}, build.unary(Op::square, {entry}))[0];
    }
    result.value[i + i * size] = build.unary(Op::sqrt, {left})[0];
  }
  return result;
}

// L L' of a lower triangular factor, size rows.
Slots crossed(Builder& build, const Slots& factor, std::size_t size) {
  Slots result(size * size);
  for (std::size_t i = 0; i < size; ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      Slots a, b;
      for (std::size_t k = 0; k <= j; ++k) {
        a.push_back(factor[i + k * size]);
        b.push_back(factor[j + k * size]);
      }
      result[i + j * size] = result[j + i * size] = build.dot(a, b);
    }
  }
  return result;
}

Constrained correlation_matrix(Builder& build, const Slots& q, std::size_t size) {
  // Here the q run down the columns: (2,1), (3,1), ..., (3,2), ...
  Constrained factor =
      correlation_factor(build, q, size, [size](std::size_t i, std::size_t j) { return j * size - j * (j + 1) / 2 + i - j - 1; });
  Constrained result;
  result.log_jacobian = factor.log_jacobian;
  for (std::size_t k = 1; k < size; ++k) {
    if (k + 1 < size)
      append(result.log_jacobian,
             build.scaled(build.unary(Op::log, {factor.value[k + k * size]}), static_cast<double>(size - k - 1)));
  }
  result.value = crossed(build, factor.value, size);
  for (std::size_t k = 0; k < size; ++k) result.value[k + k * size] = build.constant(1)[0];
  return result;
}

// Row by row L_mn = q for n < m, L_mm = e^q, rows beyond the columns full; log|J| = sum log L_mm.
Constrained covariance_factor(Builder& build, const Slots& q, std::size_t rows, std::size_t columns) {
  Constrained result;
  result.value.assign(rows * columns, build.constant(0)[0]);
  std::size_t next = 0;
  for (std::size_t m = 0; m < rows; ++m) {
    for (std::size_t n = 0; n < std::min(m, columns); ++n) result.value[m + n * rows] = q[next++];
    if (m >= columns) continue;
    result.log_jacobian.push_back(q[next]);
    result.value[m + m * rows] = build.unary(Op::exp, {q[next++]})[0];
  }
  return result;
}

// L L'; log|J| = K log 2 + sum (K - k + 2) log L_kk, k from 1, of which log L_kk is the exponentiated q.
Constrained covariance_matrix(Builder& build, const Slots& q, std::size_t size) {
  const Constrained factor = covariance_factor(build, q, size, size);
  Constrained result;
  result.value = crossed(build, factor.value, size);
  for (std::size_t k = 0; k < size; ++k)
    append(result.log_jacobian, build.scaled({factor.log_jacobian[k]}, static_cast<double>(size - k + 1)));
  append(result.log_jacobian, build.constant(static_cast<double>(size) * std::log(2.0)));
  return result;
}

Constrained element(Builder& build, ConstraintKind constraint, std::span<const int> dims, const Slots& q) {
  const auto size = static_cast<std::size_t>(dims[0]);
  switch (constraint) {
    case ConstraintKind::simplex: return simplex(build, q, size);
    case ConstraintKind::ordered: return ordered(build, q, false);
    case ConstraintKind::positive_ordered: return ordered(build, q, true);
    case ConstraintKind::cholesky_factor_corr:
      return correlation_factor(build, q, size, [](std::size_t i, std::size_t j) { return i * (i - 1) / 2 + j; });
    case ConstraintKind::corr_matrix: return correlation_matrix(build, q, size);
    case ConstraintKind::cholesky_factor_cov: return covariance_factor(build, q, size, static_cast<std::size_t>(dims[1]));
    default: return covariance_matrix(build, q, size);
  }
}

}  // namespace

ElementSize element_size(ConstraintKind constraint, std::span<const int> dims) {
  std::size_t n = 1;
  for (const int d : dims) n *= static_cast<std::size_t>(d);
  const std::size_t k = dims.empty() ? 1 : static_cast<std::size_t>(dims[0]);
  switch (constraint) {
    case ConstraintKind::simplex: return {n, k ? k - 1 : 0};
    case ConstraintKind::cholesky_factor_corr:
    case ConstraintKind::corr_matrix: return {n, k ? k * (k - 1) / 2 : 0};
    case ConstraintKind::cov_matrix: return {n, k * (k + 1) / 2};
    case ConstraintKind::cholesky_factor_cov: {
      const auto columns = static_cast<std::size_t>(dims[1]);
      return {n, columns * (columns + 1) / 2 + (k - columns) * columns};
    }
    default: return {n, n};
  }
}

void constrain(Graph& graph, Parameter& p, int offset) {
  Builder build(graph);
  const std::size_t count = [&] {
    std::size_t n = 1;
    for (const int d : p.dims) n *= static_cast<std::size_t>(d);
    return n;
  }();
  const bool lane_wise =
      p.constraint == ConstraintKind::none || p.constraint == ConstraintKind::bounded || p.constraint == ConstraintKind::affine;
  const std::span<const int> inner = std::span(p.dims).subspan(static_cast<std::size_t>(p.type.array_rank));
  std::size_t elements = 1;
  for (int d = 0; d < p.type.array_rank; ++d) elements *= static_cast<std::size_t>(p.dims[static_cast<std::size_t>(d)]);
  const ElementSize size = element_size(p.constraint, inner);
  p.free_size = static_cast<std::uint32_t>(lane_wise ? count : elements * size.free);
  p.free_index = offset;
  p.free_first = p.free_size ? graph.parameters(p.free_size) : 0;
  Slots q(p.free_size);
  for (std::size_t i = 0; i < q.size(); ++i) q[i] = p.free_first + static_cast<Slot>(i);

  Constrained all;
  if (lane_wise && p.constraint == ConstraintKind::none) {
    all.value = q;
  } else if (lane_wise && count > 0) {
    all = p.constraint == ConstraintKind::bounded ? bounded(build, p, q) : affine(build, p, q);
  } else if (!lane_wise && count > 0) {
    for (std::size_t e = 0; e < elements; ++e) {
      const auto first = q.begin() + static_cast<std::ptrdiff_t>(e * size.free);
      const Constrained one = element(build, p.constraint, inner, Slots(first, first + static_cast<std::ptrdiff_t>(size.free)));
      append(all.value, one.value);
      append(all.log_jacobian, one.log_jacobian);
    }
  }
  p.value.type = p.type;
  p.value.dims = p.dims;
  p.value.number.assign(count, 0);
  p.value.slot = all.value;
  for (std::size_t i = 0; i < count; ++i) {
    // Zeros above a diagonal and the like are numbers, not slots.
    if (graph.is_constant(p.value.slot[i])) {
      p.value.number[i] = graph.constant_value(p.value.slot[i]);
      p.value.slot[i] = 0;
    }
  }
  // Known summands together, and one sum of the others.
  double known = 0;
  Slots terms;
  for (const Slot s : all.log_jacobian) {
    if (graph.is_constant(s)) {
      known += graph.constant_value(s);
    } else {
      terms.push_back(s);
    }
  }
  if (!terms.empty()) p.log_jacobian.push_back(build.sum(terms));
  if (known != 0) p.log_jacobian.push_back(graph.constant(known));
}

}  // namespace tenfold::hmc_marg
