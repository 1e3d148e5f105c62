// Networks that are formulas, for tests that know the answer: each task's loss and gradient as functions of the image.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "mtl-attack/victim.h"

namespace tenfold::mtl_attack::testing {

struct ToyTask {
  std::function<double(std::span<const float>)> loss;
  std::function<std::vector<double>(std::span<const float>)> gradient;
};

inline ToyTask linear(std::vector<double> a, double b) {
  return {[a, b](std::span<const float> x) {
            double sum = b;
            for (std::size_t j = 0; j < a.size(); ++j) sum += a[j] * static_cast<double>(x[j]);
            return sum;
          },
          [a](std::span<const float>) { return a; }};
}

// factor * log(1 + exp(w.x + b)): smooth, positive, never flat.
inline ToyTask softplus(std::vector<double> w, double b, double factor = 1) {
  const auto z = [w, b](std::span<const float> x) {
    double sum = b;
    for (std::size_t j = 0; j < w.size(); ++j) sum += w[j] * static_cast<double>(x[j]);
    return sum;
  };
  return {[z, factor](std::span<const float> x) { return factor * std::log1p(std::exp(z(x))); },
          [z, w, factor](std::span<const float> x) {
            std::vector<double> g(w.size());
            const double s = 1 / (1 + std::exp(-z(x)));
            for (std::size_t j = 0; j < w.size(); ++j) g[j] = factor * s * w[j];
            return g;
          }};
}

// The same tasks for every image of the batch, or [B] lists of their own.
class ToyOracle final : public Oracle {
 public:
  ToyOracle(std::vector<std::vector<ToyTask>> images, std::vector<std::vector<bool>> present)
      : images_(std::move(images)), present_(std::move(present)) {}
  explicit ToyOracle(std::vector<ToyTask> tasks) : present_({std::vector<bool>(tasks.size(), true)}) {
    images_.push_back(std::move(tasks));
  }

  const std::vector<bool>& present(std::size_t image) const override { return present_[image]; }

  std::vector<double> losses(std::span<const float> points, std::vector<std::vector<Prediction>>* = nullptr) override {
    ++forwards;
    std::vector<double> out;
    for (std::size_t b = 0; b < images_.size(); ++b)
      for (std::size_t i = 0; i < images_[b].size(); ++i)
        out.push_back(present_[b][i] ? images_[b][i].loss(point(points, b)) : 0);
    return out;
  }

  std::vector<double> weighted(std::span<const float> points, const Weigh& weigh, std::span<float> gradient) override {
    const std::vector<double> values = losses(points);
    ++backwards;
    const std::size_t n = points.size() / images_.size();
    for (std::size_t b = 0; b < images_.size(); ++b) {
      const std::size_t tasks = images_[b].size();
      const std::vector<double> w = weigh(b, std::span(values).subspan(b * tasks, tasks));
      std::vector<double> sum(n, 0);
      for (std::size_t i = 0; i < tasks; ++i) {
        if (w[i] == 0) continue;
        const std::vector<double> g = images_[b][i].gradient(point(points, b));
        for (std::size_t j = 0; j < n; ++j) sum[j] += w[i] * g[j];
      }
      for (std::size_t j = 0; j < n; ++j) gradient[b * n + j] = static_cast<float>(sum[j]);
    }
    return values;
  }

  std::vector<double> each(std::span<const float> points, std::span<float> gradients) override {
    const std::size_t n = points.size() / images_.size();
    for (std::size_t b = 0; b < images_.size(); ++b)
      for (std::size_t i = 0; i < images_[b].size(); ++i) {
        ++backwards;
        const std::vector<double> g = images_[b][i].gradient(point(points, b));
        for (std::size_t j = 0; j < n; ++j) gradients[(i * images_.size() + b) * n + j] = static_cast<float>(g[j]);
      }
    return losses(points);
  }

  int forwards = 0, backwards = 0;

 private:
  std::span<const float> point(std::span<const float> points, std::size_t b) const {
    const std::size_t n = points.size() / images_.size();
    return points.subspan(b * n, n);
  }

  std::vector<std::vector<ToyTask>> images_;
  std::vector<std::vector<bool>> present_;
};

inline CleanImage clean_of(const std::vector<ToyTask>& tasks, std::span<const float> x) {
  CleanImage clean;
  for (const ToyTask& task : tasks) {
    clean.loss.push_back(task.loss(x));
    clean.present.push_back(true);
  }
  return clean;
}

}  // namespace tenfold::mtl_attack::testing
