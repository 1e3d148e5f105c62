// What an attack asks of a network: losses and gradients of a batch of images. The LibTorch part answers; so do the closed forms
// of the tests.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "mtl/dataset.h"
#include "mtl/tasks.h"

namespace tenfold::mtl_attack {

struct Prediction {  // of one image and task, as the network gave it
  int channels = 0, height = 0, width = 0;
  std::vector<float> values;
};

// One batch: B images of one size with their labels. Points are [B, n], n = channels x height x width of planar values in
// [0, 1]; losses are [B, T], 0 where absent. Every image's answer depends on that image alone. Used by one thread at a time.
class Oracle {
 public:
  virtual ~Oracle() = default;
  virtual const std::vector<bool>& present(std::size_t image) const = 0;  // [T]

  // One forward pass. predictions, where wanted, [B][T].
  virtual std::vector<double> losses(std::span<const float> points,
                                     std::vector<std::vector<Prediction>>* predictions = nullptr) = 0;

  // One forward and one backward pass: `weigh` turns an image's losses into task weights w, which then count as constants;
  // gradient [B, n] is that of sum_i w_i L_i for each image.
  using Weigh = std::function<std::vector<double>(std::size_t image, std::span<const double> losses)>;
  virtual std::vector<double> weighted(std::span<const float> points, const Weigh& weigh, std::span<float> gradient) = 0;

  // One forward and T backward passes: gradients [T, B, n].
  virtual std::vector<double> each(std::span<const float> points, std::span<float> gradients) = 0;
};

struct VictimFacts {
  std::string path;
  std::string weights_sha256;
  std::int64_t params = 0;
  std::optional<std::int64_t> macs;  // for one image; unknown where the model does not lower to a graph
};

class Victim {
 public:
  virtual ~Victim() = default;
  virtual const std::vector<mtl::Task>& tasks() const = 0;
  virtual const VictimFacts& facts() const = 0;
  // Throws Error input naming a task from whose loss no gradient reaches the image (argmax, detach, integers on the way).
  virtual void check_gradients(const mtl::Sample& sample) const = 0;
  // Callable from several threads; the samples live as long as the oracle. loss_factors, empty or [T], multiply the losses.
  virtual std::unique_ptr<Oracle> oracle(const std::vector<const mtl::Sample*>& samples,
                                         const std::vector<double>& loss_factors = {}) const = 0;
};

}  // namespace tenfold::mtl_attack
