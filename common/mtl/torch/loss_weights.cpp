#include "mtl/torch/loss_weights.h"

#include <algorithm>
#include <cmath>

namespace tenfold::mtl {
namespace {

constexpr const char* kParameter = "loss weights";  // no parameter of a graph has a blank in its name
constexpr double kTemperature = 2;
enum Row { sum = 0, count = 1, last = 2, before = 3 };

}  // namespace

LossWeights::LossWeights(std::string kind, const std::vector<Task>& tasks) : kind_(std::move(kind)) {
  for (const Task& task : tasks) own_.push_back(task.weight);
  const auto count = static_cast<std::int64_t>(tasks.size());
  if (kind_ == "uw") log_variance_ = at::zeros({count}, at::kFloat);
  if (kind_ == "dwa") dwa_ = at::zeros({4, count}, at::kDouble);
}

void LossWeights::begin_step(std::int64_t step, std::int64_t batches_per_epoch) {
  if (kind_ != "dwa" || step == 0 || step % batches_per_epoch != 0) return;
  dwa_[before].copy_(dwa_[last]);
  // A task that was absent all along keeps what it had.
  dwa_[last].copy_(at::where(dwa_[count] > 0, dwa_[sum] / dwa_[count].clamp_min(1), dwa_[last]));
  dwa_[sum].zero_();
  dwa_[count].zero_();
}

std::vector<double> LossWeights::values() const {
  std::vector<double> weights = own_;
  at::Tensor factors;
  if (kind_ == "uw") factors = at::exp(-log_variance_.to(at::kDouble)) / 2;
  if (kind_ == "dwa" && (dwa_[before] > 0).all().item<bool>())
    factors = at::softmax(dwa_[last] / dwa_[before] / kTemperature, 0) * static_cast<double>(own_.size());
  if (factors.defined())
    for (std::size_t i = 0; i < weights.size(); ++i) weights[i] *= factors[static_cast<std::int64_t>(i)].item<double>();
  return weights;
}

void LossWeights::add_gradients(const std::vector<double>& losses, std::map<std::string, at::Tensor>& parameters,
                                std::map<std::string, at::Tensor>& gradients) const {
  if (kind_ != "uw") return;
  at::Tensor gradient = at::zeros_like(log_variance_);
  for (std::size_t i = 0; i < losses.size(); ++i) {
    const auto row = static_cast<std::int64_t>(i);
    if (!std::isnan(losses[i])) gradient[row] = 0.5 - own_[i] * losses[i] * std::exp(-log_variance_[row].item<double>()) / 2;
  }
  parameters.emplace(kParameter, log_variance_);
  gradients.emplace(kParameter, gradient);
}

void LossWeights::end_step(const std::vector<double>& losses) {
  if (kind_ != "dwa") return;
  for (std::size_t i = 0; i < losses.size(); ++i) {
    if (std::isnan(losses[i])) continue;
    dwa_[sum][static_cast<std::int64_t>(i)] += losses[i];
    dwa_[count][static_cast<std::int64_t>(i)] += 1;
  }
}

std::map<std::string, at::Tensor> LossWeights::save() const {
  if (log_variance_.defined()) return {{"uw", log_variance_}};
  if (dwa_.defined()) return {{"dwa", dwa_}};
  return {};
}

void LossWeights::restore(const std::map<std::string, at::Tensor>& state) {
  if (log_variance_.defined()) log_variance_.copy_(state.at("uw"));
  if (dwa_.defined()) dwa_.copy_(state.at("dwa"));
}

}  // namespace tenfold::mtl
