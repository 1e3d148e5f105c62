#include "gnnbench/torch/optimiser.h"

#include <cmath>
#include <map>

#include "base/error.h"
#include "gnnbench/torch/tensor_span.h"

namespace tenfold::gnnbench {

using torch::Tensor;

namespace {

constexpr double kBeta1 = 0.9, kBeta2 = 0.999, kEpsilon = 1e-8;

// Kingma and Ba, algorithm 1, L2 decay added to the gradient. One pass in one loop: LibTorch's takes ten of each parameter, each
// a loop over threads, whose barriers cost more than the arithmetic.
template <class Real>
void adam(std::span<Real> p, std::span<const Real> gradient, std::span<Real> mean, std::span<Real> square, double lr, double wd,
          std::int64_t step) {
  const double correction1 = 1 - std::pow(kBeta1, static_cast<double>(step));
  const double correction2 = 1 - std::pow(kBeta2, static_cast<double>(step));
  const auto decay = static_cast<Real>(wd), beta1 = static_cast<Real>(kBeta1), rest1 = static_cast<Real>(1 - kBeta1);
  const auto beta2 = static_cast<Real>(kBeta2), rest2 = static_cast<Real>(1 - kBeta2), epsilon = static_cast<Real>(kEpsilon);
  const auto size = static_cast<Real>(lr / correction1), root2 = static_cast<Real>(std::sqrt(correction2));
  for (std::size_t i = 0; i < p.size(); ++i) {
    const Real g = gradient[i] + decay * p[i];
    mean[i] = mean[i] * beta1 + rest1 * g;
    square[i] = square[i] * beta2 + rest2 * g * g;
    p[i] -= size * mean[i] / (std::sqrt(square[i]) / root2 + epsilon);
  }
}

}  // namespace

Optimiser::Optimiser(Parameters& parameters, double lr, double wd, DecayScope scope)
    : parameters_(parameters), lr_(lr), wd_(wd), scope_(scope), moments_(parameters.all().size()) {}

void Optimiser::zero_gradients() {
  for (Parameter& p : parameters_.all()) p.value.mutable_grad() = Tensor();
}

void Optimiser::reduce(Transport* transport) {
  for (Parameter& p : parameters_.all())
    if (!p.value.grad().defined()) p.value.mutable_grad() = torch::zeros_like(p.value);
  if (!transport || transport->size() == 1) return;
  std::vector<Tensor> flat;
  for (const Parameter& p : parameters_.all()) flat.push_back(p.value.grad().reshape({-1}));
  Tensor all = torch::cat(flat);
  by_type(all.scalar_type(), [&](auto real) { transport->all_reduce_sum(writable<decltype(real)>(all)); });
  std::int64_t at = 0;
  for (Parameter& p : parameters_.all()) {
    p.value.mutable_grad().copy_(all.narrow(0, at, p.value.numel()).view_as(p.value));
    at += p.value.numel();
  }
}

void Optimiser::step() {
  const torch::NoGradGuard off;
  for (std::size_t i = 0; i < moments_.size(); ++i) {
    Parameter& p = parameters_.all()[i];
    if (!p.value.grad().defined()) continue;
    Moments& m = moments_[i];
    if (m.step == 0) {
      m.mean = torch::zeros_like(p.value);
      m.square = torch::zeros_like(p.value);
    }
    ++m.step;
    const Tensor gradient = p.value.grad().contiguous();
    by_type(p.value.scalar_type(), [&](auto real) {
      using Real = decltype(real);
      adam<Real>(writable<Real>(p.value), reals<Real>(gradient), writable<Real>(m.mean), writable<Real>(m.square), lr_, decay(p),
                 m.step);
    });
  }
}

std::vector<std::pair<std::string, Tensor>> Optimiser::state() const {
  std::vector<std::pair<std::string, Tensor>> out;
  for (std::size_t i = 0; i < moments_.size(); ++i) {
    const std::string& name = parameters_.all()[i].spec.name;
    const Moments& m = moments_[i];
    if (m.step == 0) continue;
    out.emplace_back(name + ".exp_avg", m.mean);
    out.emplace_back(name + ".exp_avg_sq", m.square);
    out.emplace_back(name + ".step", torch::tensor({m.step}, torch::kInt64));
  }
  return out;
}

void Optimiser::restore(const std::vector<std::pair<std::string, Tensor>>& state, const std::string& file) {
  if (state.empty()) return;
  const std::map<std::string, Tensor> tensors(state.begin(), state.end());
  const auto at = [&](const std::string& name) {
    const auto found = tensors.find(name);
    if (found == tensors.end()) input_error(file + ": no " + name + "; the checkpoint is of another model");
    return found->second;
  };
  for (std::size_t i = 0; i < moments_.size(); ++i) {
    const Parameter& p = parameters_.all()[i];
    const Moments m{at(p.spec.name + ".exp_avg").clone(), at(p.spec.name + ".exp_avg_sq").clone(),
                    at(p.spec.name + ".step").item<std::int64_t>()};
    if (m.mean.sizes() != p.value.sizes() || m.square.sizes() != p.value.sizes())
      input_error(file + ": " + p.spec.name + ": moments of another shape; the checkpoint is of another model");
    moments_[i] = m;
  }
}

}  // namespace tenfold::gnnbench
