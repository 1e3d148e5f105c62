// Two gradients give the two coefficients of a kernel, a third whether it is one.
//   positive  dT/dx = p/x - q          integral  Gamma(p + 1) / q^(p + 1)
//             dT/dx = -p/x + q/x^2               Gamma(p - 1) / q^(p - 1)
//   unit      dT/dx = p/x - q/(1 - x)            B(p + 1, q + 1)
//   simplex   dT/dx_k = p_k/x_k                  prod_k Gamma(p_k + 1) / Gamma(sum_k (p_k + 1))
#include "hmc-marg/torch/family_integral.h"

#include <cmath>

#include "base/error.h"

namespace tenfold::hmc_marg::oracle {
namespace {

using torch::lgamma;
using torch::log;
using torch::Tensor;
using Tensors = std::vector<Tensor>;

constexpr double kEpsilon = 2.3e-16;

// T and its gradient at x. follow: autograd goes on through both.
struct Slope {
  Tensors x, gradient;
  Tensor value;
};

Slope slope_at(const std::function<Tensor(const Tensors&)>& T, const Tensors& x, bool follow) {
  Slope slope;
  for (const Tensor& at : x) slope.x.push_back(at.detach().clone().requires_grad_(true));
  slope.value = T(slope.x);
  slope.gradient = torch::autograd::grad({slope.value}, slope.x, {}, /*retain_graph=*/follow, /*create_graph=*/follow);
  return slope;
}

// Coefficients of every scalar from slopes at two points; inverse: which scalars of a positive variable have 1/x in their kernel.
struct Kernel {
  Tensor p, q, inverse;
};

Tensor slope_of(const FamilyVariable& variable, const Kernel& k, const Tensor& x) {
  if (variable.support == Support::simplex) return k.p / x;
  if (variable.support == Support::unit) return k.p / x - k.q / (1 - x);
  return torch::where(k.inverse, -k.p / x + k.q / (x * x), k.p / x - k.q);
}

// p log x - q x and its like.
Tensor log_kernel(const FamilyVariable& variable, const Kernel& k, const Tensor& x) {
  if (variable.support == Support::simplex) return k.p * log(x);
  if (variable.support == Support::unit) return k.p * log(x) + k.q * torch::log1p(-x);
  return torch::where(k.inverse, -k.p * log(x) - k.q / x, k.p * log(x) - k.q * x);
}

Kernel solve(const FamilyVariable& variable, const Tensor& x, const Tensor& g, const Tensor& y, const Tensor& h,
             const Tensor& inverse) {
  Kernel k;
  k.inverse = inverse;
  if (variable.support == Support::simplex) {
    k.p = g * x;
    k.q = torch::zeros_like(k.p);
  } else if (variable.support == Support::unit) {
    const Tensor a = g * (1 - x), b = h * (1 - y);  // p (1 - x) / x - q
    k.p = (a - b) / (1 / x - 1 / y);
    k.q = k.p * (1 - x) / x - a;
  } else {
    const Tensor p = (g - h) / (1 / x - 1 / y), q = p / x - g;
    const Tensor w = (g * x - h * y) / (1 / x - 1 / y), m = w / x - g * x;
    k.p = torch::where(inverse, m, p);
    k.q = torch::where(inverse, w, q);
  }
  return k;
}

Tensor log_integral(const FamilyVariable& variable, const Kernel& k, double& rounding) {
  const auto lost = [&](const Tensor& part) { rounding += kEpsilon * part.detach().abs().sum().item<double>(); };
  if (variable.support == Support::simplex) {
    const Tensor a = (k.p + 1).reshape({-1, variable.width}), each = lgamma(a), all = lgamma(a.sum(1));
    lost(each), lost(all);
    return each.sum() - all.sum();
  }
  if (variable.support == Support::unit) {
    const Tensor a = lgamma(k.p + 1), b = lgamma(k.q + 1), c = lgamma(k.p + k.q + 2);
    lost(a), lost(b), lost(c);
    return (a + b - c).sum();
  }
  const Tensor shape = torch::where(k.inverse, k.p - 1, k.p + 1);
  const Tensor a = lgamma(shape), b = shape * log(k.q);
  lost(a), lost(b);
  return (a - b).sum();
}

Tensor start(const FamilyVariable& variable) {
  const double x = variable.support == Support::simplex ? 1.0 / static_cast<double>(variable.width)
                   : variable.support == Support::unit  ? 0.4
                                                        : 1;
  return torch::full({variable.size}, x, torch::kFloat64);
}

// The k-th point beside x.
Tensor beside(const FamilyVariable& variable, const Tensor& x, int k) {
  return variable.support == Support::unit ? x + 0.2 * k : x * (1 + k);
}

// Which of the two kernels of a positive variable there is, and where it is large: another point to look from, as far from x as a
// kernel's scale is, where p and q weigh alike.
Tensor choose(const FamilyVariable& variable, const Tensors& x, const Tensors& g, Tensor& point) {
  const Tensor no = torch::zeros({variable.size}, torch::kBool), yes = torch::ones({variable.size}, torch::kBool);
  point = x[0];
  if (variable.support != Support::positive) return no;
  const Kernel rate = solve(variable, x[0], g[0], x[1], g[1], no), inverse = solve(variable, x[0], g[0], x[1], g[1], yes);
  const Tensor miss = (slope_of(variable, rate, x[2]) - g[2]).abs(), other = (slope_of(variable, inverse, x[2]) - g[2]).abs();
  const Tensor is_inverse = other < miss;
  point = torch::where(is_inverse, inverse.q / (inverse.p.abs() + 1), (rate.p.abs() + 1) / rate.q);
  if (!torch::isfinite(point).all().item<bool>() || !(point > 0).all().item<bool>())
    input_error("the oracle met a positive parameter whose density has no finite integral, or is of no conjugate family");
  return is_inverse;
}

}  // namespace

FamilyIntegral integrate_families(const std::vector<FamilyVariable>& variables, const std::function<Tensor(const Tensors&)>& T) {
  const std::size_t n = variables.size();
  const auto moved = [&](const Tensors& x, int k) {
    Tensors out;
    for (std::size_t v = 0; v < n; ++v) out.push_back(beside(variables[v], x[v], k));
    return out;
  };
  Tensors x, inverse;
  for (const FamilyVariable& variable : variables) x.push_back(start(variable));
  const Slope a = slope_at(T, x, false), b = slope_at(T, moved(x, 1), false), c = slope_at(T, moved(x, 2), false);
  for (std::size_t v = 0; v < n; ++v) {
    Tensor point;
    inverse.push_back(choose(variables[v], {a.x[v].detach(), b.x[v].detach(), c.x[v].detach()},
                             {a.gradient[v], b.gradient[v], c.gradient[v]}, point));
    x[v] = point;
  }
  const Slope first = slope_at(T, x, true), second = slope_at(T, moved(x, 1), true), third = slope_at(T, moved(x, 2), false);
  FamilyIntegral out;
  out.value = first.value;
  for (std::size_t v = 0; v < n; ++v) {
    const Tensor at = x[v];
    const Kernel k = solve(variables[v], at, first.gradient[v], second.x[v].detach(), second.gradient[v], inverse[v]);
    const Tensor off = (slope_of(variables[v], k, third.x[v].detach()) - third.gradient[v]).abs() * at;
    if (!(off <= 1e-6 * (1 + k.p.abs())).all().item<bool>())
      input_error("the oracle met an eliminated parameter whose density is of no conjugate family");
    const Tensor kernel = log_kernel(variables[v], k, at);
    out.rounding += kEpsilon * kernel.detach().abs().sum().item<double>();
    out.value = out.value - kernel.sum() + log_integral(variables[v], k, out.rounding);
  }
  out.rounding += 8 * kEpsilon * std::fabs(first.value.item<double>());
  return out;
}

}  // namespace tenfold::hmc_marg::oracle
