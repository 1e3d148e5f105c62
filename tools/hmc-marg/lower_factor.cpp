// Instructions of density lanes. Factors have their known summands taken out: what depends on data alone is summed once, here.
#include <algorithm>
#include <cmath>
#include <limits>

#include "hmc-marg/lowering.h"
#include "hmc-marg/special_functions.h"

namespace tenfold::hmc_marg::lowering {

namespace {

constexpr double kHalfLogTwoPi = 0.91893853320467274178;
constexpr double kLogPi = 1.14472988584940017414;

bool all_positive(const std::vector<double>& x) {
  return std::ranges::all_of(x, [](double v) { return v > 0 && std::isfinite(v); });
}

template <class F>
double sum_of(const std::vector<double>& x, F f) {
  double sum = 0;
  for (const double v : x) sum += f(v);
  return sum;
}

template <class F>
double sum_of(const std::vector<double>& x, const std::vector<double>& y, F f) {
  double sum = 0;
  for (std::size_t i = 0; i < x.size(); ++i) sum += f(x[i], y[i]);
  return sum;
}

}  // namespace

void Lowering::emit_density(const Group& group, Instruction& in) {
  const Density family = node(lanes_[group.begin]).density;
  for (int k = 0; k < info(family).arguments; ++k) set_operand(in, k, operand_of(group, static_cast<std::uint32_t>(k)));
  const KernelPair forward = kernels_.density_forward[static_cast<int>(family)];
  const KernelPair reverse = kernels_.density_reverse[static_cast<int>(family)];
  if (forward.lanes == nullptr) {
    in.scalar = &info(family);
    in.forward = general::density_forward;
    in.reverse = general::density_reverse;
  } else {
    in.forward = in.lanes == 1 ? forward.one : forward.lanes;
    in.reverse = in.lanes == 1 ? reverse.one : reverse.lanes;
  }
}

void Lowering::emit_factor(const Group& group, Instruction& in) {
  in.factor = true;
  const Density family = node(lanes_[group.begin]).density;
  std::vector<Source> sources;
  for (int k = 0; k < info(family).arguments; ++k) sources.push_back(operand_of(group, static_cast<std::uint32_t>(k)));
  prepare_factor(family, sources, in);
  for (std::size_t k = 0; k < sources.size(); ++k) set_operand(in, static_cast<int>(k), sources[k]);
  const auto runs = [&](FactorKernel kernel) {
    const KernelPair pair = kernels_.factor[static_cast<int>(kernel)];
    return in.forward == pair.lanes || in.forward == pair.one;
  };
  std::size_t logs = 1;  // a lane
  if (in.forward == nullptr) {
    in.scalar = &info(family);
    in.forward = general::factor;
  } else if (runs(FactorKernel::normal_fixed_scale) || runs(FactorKernel::std_normal)) {
    logs = 0;
  } else if (runs(FactorKernel::cauchy) || runs(FactorKernel::student_t_fixed_freedom) || runs(FactorKernel::beta_fixed) ||
             runs(FactorKernel::gamma_fixed_shape) || runs(FactorKernel::bernoulli_logit) || runs(FactorKernel::binomial_logit) ||
             runs(FactorKernel::lognormal)) {
    logs = 2;
  }
  logs *= in.lanes;
  if (runs(FactorKernel::normal) && in.lanes > 1 && in.kind[2] == OperandKind::single) {
    in.forward = kernels_.factor[static_cast<int>(FactorKernel::normal_shared_scale)].lanes;
    logs = 1;
  }
  program_.logs += logs;
}

// Chooses the kernel, changes known arguments to what it wants, and adds the known summands to the program's constant. Arguments
// that the family does not admit go to the general kernel, which knows what to say of them.
void Lowering::prepare_factor(Density family, std::vector<Source>& sources, Instruction& in) {
  const auto use = [&](FactorKernel kernel) {
    const KernelPair pair = kernels_.factor[static_cast<int>(kernel)];
    in.forward = in.lanes == 1 ? pair.one : pair.lanes;
  };
  const auto numbers = [&](int k) -> std::vector<double>& { return sources[static_cast<std::size_t>(k)].number; };
  const auto known_argument = [&](int k) { return sources[static_cast<std::size_t>(k)].known; };
  const auto positive = [&](int k) { return known_argument(k) && all_positive(numbers(k)); };
  // Integers of data within [0, upper].
  const auto count = [&](int k) {
    return known_argument(k) &&
           std::ranges::all_of(numbers(k), [](double v) { return v >= 0 && v == std::floor(v) && std::isfinite(v); });
  };
  const auto invert_scale = [&](double constant) {
    program_.constant -= sum_of(numbers(2), [&](double s) { return std::log(s) + constant; });
    for (double& s : numbers(2)) s = 1 / s;
  };
  double& constant = program_.constant;
  switch (family) {
    case Density::lognormal:
      if (!positive(0)) {
        use(FactorKernel::lognormal);
        return;
      }
      // Normal in log y.
      for (double& y : numbers(0)) y = std::log(y);
      constant -= sum_of(numbers(0), [](double y) { return y; });
      [[fallthrough]];
    case Density::normal:
      if (positive(2)) {
        invert_scale(kHalfLogTwoPi);
        use(FactorKernel::normal_fixed_scale);
      } else {
        use(FactorKernel::normal);
      }
      return;
    case Density::std_normal: return use(FactorKernel::std_normal);
    case Density::cauchy:
      if (positive(2)) {
        invert_scale(kLogPi);
        use(FactorKernel::cauchy_fixed_scale);
      } else {
        use(FactorKernel::cauchy);
      }
      return;
    case Density::student_t:
      if (!positive(1)) return;
      constant += sum_of(numbers(1),
                         [](double nu) { return log_gamma((nu + 1) / 2) - log_gamma(nu / 2) - 0.5 * (std::log(nu) + kLogPi); });
      return use(FactorKernel::student_t_fixed_freedom);
    case Density::exponential: return use(FactorKernel::exponential);
    case Density::gamma:
      if (!positive(1)) return;
      constant -= sum_of(numbers(1), log_gamma);
      return use(FactorKernel::gamma_fixed_shape);
    case Density::beta:
      if (!positive(1) || !positive(2)) return;
      constant -= sum_of(numbers(1), numbers(2), log_beta);
      return use(FactorKernel::beta_fixed);
    case Density::bernoulli_logit:
      if (!known_argument(0) || !std::ranges::all_of(numbers(0), [](double y) { return y == 0 || y == 1; })) return;
      for (double& y : numbers(0)) y = 2 * y - 1;
      return use(FactorKernel::bernoulli_logit);
    case Density::binomial_logit: {
      if (!count(0) || !count(1)) return;
      for (std::size_t i = 0; i < numbers(0).size(); ++i) {
        if (numbers(0)[i] > numbers(1)[i]) return;
      }
      constant += sum_of(numbers(1), numbers(0), log_choose);
      return use(FactorKernel::binomial_logit);
    }
    case Density::poisson_log:
      if (!count(0)) return;
      constant -= sum_of(numbers(0), [](double y) { return log_gamma(y + 1); });
      return use(FactorKernel::poisson_log);
    default: return;
  }
}

}  // namespace tenfold::hmc_marg::lowering
