#include "mtl-attack/torch/network_victim.h"

#include <torch/torch.h>

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "mtl/torch/losses.h"

namespace tenfold::mtl_attack {
namespace {

using torch::autograd::grad;

// Each thread asks once: OpenMP keeps the number of threads by thread.
void one_kernel_thread() {
  thread_local const bool set = [] {
    at::set_num_threads(1);
    return true;
  }();
  (void)set;
}

std::vector<double> on_host(const at::Tensor& values) {
  const at::Tensor host = values.detach().to(at::kDouble).contiguous();
  return {host.const_data_ptr<double>(), host.const_data_ptr<double>() + host.numel()};
}

class NetworkOracle final : public Oracle {
 public:
  NetworkOracle(std::shared_ptr<const mtl::Network> network, const std::vector<const mtl::Sample*>& samples,
                std::vector<double> factors)
      : network_(std::move(network)), factors_(std::move(factors)) {
    one_kernel_thread();
    const mtl::Image& image = samples.front()->image;
    shape_ = {static_cast<std::int64_t>(samples.size()), image.channels, image.height, image.width};
    const std::vector<mtl::Task>& tasks = network_->tasks();
    for (std::size_t t = 0; t < tasks.size(); ++t) labels_.push_back(mtl::batch_labels(samples, static_cast<int>(t), tasks[t]));
    for (const mtl::Sample* sample : samples) {
      present_.emplace_back();
      for (const mtl::Label& label : sample->labels) present_.back().push_back(label.any_valid());
    }
  }

  const std::vector<bool>& present(std::size_t image) const override { return present_[image]; }

  std::vector<double> losses(std::span<const float> points, std::vector<std::vector<Prediction>>* predictions) override {
    one_kernel_thread();
    const at::NoGradGuard no_grad;
    const std::vector<at::Tensor> outputs = network_->outputs(image_of(points));
    if (predictions) *predictions = copied(outputs);
    return on_host(task_losses(outputs));
  }

  std::vector<double> weighted(std::span<const float> points, const Weigh& weigh, std::span<float> gradient) override {
    one_kernel_thread();
    const at::Tensor x = image_of(points).requires_grad_(true);
    const at::Tensor losses = task_losses(network_->outputs(x));
    std::vector<double> values = on_host(losses);
    const std::size_t tasks = labels_.size(), images = present_.size();
    at::Tensor weights = at::empty({static_cast<std::int64_t>(images), static_cast<std::int64_t>(tasks)});
    for (std::size_t b = 0; b < images; ++b) {
      const std::vector<double> w = weigh(b, std::span(values).subspan(b * tasks, tasks));
      for (std::size_t t = 0; t < tasks; ++t) weights.mutable_data_ptr<float>()[b * tasks + t] = static_cast<float>(w[t]);
    }
    // A task of weight 0 everywhere is left out of the sum: its head is not walked backwards.
    at::Tensor sum;
    for (std::size_t t = 0; t < tasks; ++t) {
      const auto column = static_cast<std::int64_t>(t);
      const at::Tensor w = weights.select(1, column);
      if (!per_task_[t].requires_grad() || !w.any().item<bool>()) continue;
      const at::Tensor part = (per_task_[t] * w).sum();
      sum = sum.defined() ? sum + part : part;
    }
    store(sum.defined() ? grad({sum}, {x}, {}, false, false, true)[0] : at::Tensor(), gradient);
    return values;
  }

  std::vector<double> each(std::span<const float> points, std::span<float> gradients) override {
    one_kernel_thread();
    const at::Tensor x = image_of(points).requires_grad_(true);
    std::vector<double> values = on_host(task_losses(network_->outputs(x)));
    const std::size_t n = points.size();
    for (std::size_t t = 0; t < labels_.size(); ++t) {
      const bool wanted = per_task_[t].requires_grad() &&
                          std::any_of(present_.begin(), present_.end(), [&](const std::vector<bool>& p) { return p[t]; });
      const bool more = t + 1 < labels_.size();
      store(wanted ? grad({per_task_[t].sum()}, {x}, {}, more, false, true)[0] : at::Tensor(), gradients.subspan(t * n, n));
    }
    return values;
  }

 private:
  at::Tensor image_of(std::span<const float> points) const {
    at::Tensor x = at::empty(shape_);
    std::copy(points.begin(), points.end(), x.mutable_data_ptr<float>());
    return x;
  }

  // [B, T], and by task in per_task_.
  at::Tensor task_losses(const std::vector<at::Tensor>& outputs) {
    per_task_.clear();
    const std::vector<mtl::Task>& tasks = network_->tasks();
    for (std::size_t t = 0; t < labels_.size(); ++t) {
      mtl::PerImage own = mtl::per_image_loss(outputs[t], labels_[t], tasks[t]);
      for (std::size_t b = 0; b < present_.size(); ++b) present_[b][t] = present_[b][t] && own.present[b];
      per_task_.push_back(factors_.empty() ? own.loss : own.loss * factors_[t]);
    }
    return at::stack(per_task_, 1);
  }

  std::vector<std::vector<Prediction>> copied(const std::vector<at::Tensor>& outputs) const {
    std::vector<std::vector<Prediction>> out(present_.size());
    for (const at::Tensor& output : outputs) {
      const at::Tensor values = output.to(at::kFloat).contiguous();
      const std::int64_t each = values.numel() / values.size(0);
      for (std::size_t b = 0; b < out.size(); ++b) {
        const float* own = values.const_data_ptr<float>() + static_cast<std::int64_t>(b) * each;
        const auto size = [&](std::int64_t d) { return values.dim() > d ? static_cast<int>(values.size(d)) : 1; };
        out[b].push_back({size(1), size(2), size(3), {own, own + each}});
      }
    }
    return out;
  }

  static void store(const at::Tensor& gradient, std::span<float> to) {
    if (!gradient.defined()) {
      std::fill(to.begin(), to.end(), 0.0F);
      return;
    }
    const at::Tensor flat = gradient.contiguous();
    std::copy_n(flat.const_data_ptr<float>(), to.size(), to.begin());
  }

  std::shared_ptr<const mtl::Network> network_;
  std::vector<double> factors_;
  std::vector<std::int64_t> shape_;
  std::vector<mtl::LabelBatch> labels_;
  std::vector<std::vector<bool>> present_;
  std::vector<at::Tensor> per_task_;
};

class NetworkVictim final : public Victim {
 public:
  NetworkVictim(std::shared_ptr<const mtl::Network> network, VictimFacts facts)
      : network_(std::move(network)), facts_(std::move(facts)) {}

  const std::vector<mtl::Task>& tasks() const override { return network_->tasks(); }
  const VictimFacts& facts() const override { return facts_; }
  std::unique_ptr<Oracle> oracle(const std::vector<const mtl::Sample*>& samples,
                                 const std::vector<double>& loss_factors) const override {
    return std::make_unique<NetworkOracle>(network_, samples, loss_factors);
  }

  void check_gradients(const mtl::Sample& sample) const override {
    one_kernel_thread();
    const at::Tensor x = mtl::batch_images({&sample}).clone().requires_grad_(true);
    const std::vector<at::Tensor> outputs = network_->outputs(x);
    for (std::size_t t = 0; t < tasks().size(); ++t) {
      if (!sample.labels[t].any_valid()) continue;
      const mtl::PerImage own =
          mtl::per_image_loss(outputs[t], mtl::batch_labels({&sample}, static_cast<int>(t), tasks()[t]), tasks()[t]);
      const bool reaches = own.loss.requires_grad() && grad({own.loss.sum()}, {x}, {}, true, false, true)[0].defined();
      if (!reaches)
        input_error("task " + tasks()[t].name +
                    ": no gradient from its loss to the image (argmax, detach or whole numbers on the way); "
                    "give the model an output that can be differentiated");
    }
  }

 private:
  std::shared_ptr<const mtl::Network> network_;
  VictimFacts facts_;
};

}  // namespace

std::unique_ptr<Victim> make_victim(std::shared_ptr<const mtl::Network> network, VictimFacts facts) {
  return std::make_unique<NetworkVictim>(std::move(network), std::move(facts));
}

}  // namespace tenfold::mtl_attack
