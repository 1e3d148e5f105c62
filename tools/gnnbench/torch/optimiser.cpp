#include "gnnbench/torch/optimiser.h"

#include <map>

#include "base/error.h"
#include "gnnbench/torch/tensor_span.h"

namespace tenfold::gnnbench {

using torch::Tensor;
using torch::optim::AdamOptions;
using torch::optim::AdamParamState;

Optimiser::Optimiser(Parameters& parameters, double lr, double wd, DecayScope scope) : parameters_(parameters) {
  std::vector<Tensor> decayed, others;
  for (const Parameter& p : parameters.all())
    (scope == DecayScope::all || p.spec.layer == 0 ? decayed : others).push_back(p.value);
  std::vector<torch::optim::OptimizerParamGroup> groups;
  groups.emplace_back(decayed, std::make_unique<AdamOptions>(AdamOptions(lr).weight_decay(wd)));
  if (!others.empty()) groups.emplace_back(others, std::make_unique<AdamOptions>(AdamOptions(lr)));
  adam_ = std::make_unique<torch::optim::Adam>(groups, AdamOptions(lr));
}

void Optimiser::zero_gradients() { adam_->zero_grad(/*set_to_none=*/true); }

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

void Optimiser::step() { adam_->step(); }

std::vector<std::pair<std::string, Tensor>> Optimiser::state() const {
  std::vector<std::pair<std::string, Tensor>> out;
  for (const Parameter& p : parameters_.all()) {
    const auto found = adam_->state().find(p.value.unsafeGetTensorImpl());
    if (found == adam_->state().end()) continue;
    const auto& state = static_cast<const AdamParamState&>(*found->second);
    out.emplace_back(p.spec.name + ".exp_avg", state.exp_avg());
    out.emplace_back(p.spec.name + ".exp_avg_sq", state.exp_avg_sq());
    out.emplace_back(p.spec.name + ".step", torch::tensor({state.step()}, torch::kInt64));
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
  for (const Parameter& p : parameters_.all()) {
    auto kept = std::make_unique<AdamParamState>();
    kept->exp_avg(at(p.spec.name + ".exp_avg"));
    kept->exp_avg_sq(at(p.spec.name + ".exp_avg_sq"));
    kept->step(at(p.spec.name + ".step").item<std::int64_t>());
    if (kept->exp_avg().sizes() != p.value.sizes() || kept->exp_avg_sq().sizes() != p.value.sizes())
      input_error(file + ": " + p.spec.name + ": moments of another shape; the checkpoint is of another model");
    adam_->state()[p.value.unsafeGetTensorImpl()] = std::move(kept);
  }
}

}  // namespace tenfold::gnnbench
