#include "mtl-prune/torch/certificate.h"

#include <algorithm>
#include <cmath>

#include "base/philox.h"
#include "mtl-prune/removal.h"
#include "mtl/torch/executor.h"

namespace tenfold::mtl_prune {
namespace {

// The masks as the executor takes them: along dimension 1, or broadcast along the dimension that carries channels.
mtl::RunHooks gates(const mtl::Model& model, const Units& units, const Plan& plan, at::ScalarType dtype) {
  mtl::RunHooks hooks;
  for (const auto& [node, mask] : read_masks(model, units, plan)) {
    at::Tensor scale = at::empty({static_cast<std::int64_t>(mask.size())}, at::kFloat);
    std::copy(mask.begin(), mask.end(), scale.mutable_data_ptr<float>());
    scale = scale.to(dtype);
    const int input = model.graph.nodes[static_cast<std::size_t>(node)].inputs.front().node;
    const ChannelMap& map = units.nodes[static_cast<std::size_t>(input)];
    if (map.axis != 1) {
      std::vector<std::int64_t> shape(static_cast<std::size_t>(map.rank), 1);
      shape[static_cast<std::size_t>(map.axis)] = static_cast<std::int64_t>(mask.size());
      scale = scale.reshape(shape);
    }
    hooks.read_scale.emplace(node, scale);
  }
  return hooks;
}

struct Difference {
  double max_abs = 0, tolerance = 0, used = -1;  // used: the largest share of an output's own tolerance
  bool finite = true;
  std::vector<double> scales;
};

void compare(const std::vector<at::Tensor>& masked, const std::vector<at::Tensor>& removed, double epsilon, Difference& worst) {
  for (std::size_t i = 0; i < masked.size(); ++i) {
    const at::Tensor a = masked[i].to(at::kDouble), b = removed[i].to(at::kDouble);
    if (a.sizes() != b.sizes() || !at::isfinite(a).all().item<bool>() || !at::isfinite(b).all().item<bool>()) {
      worst.finite = false;
      continue;
    }
    const double difference = a.numel() == 0 ? 0 : (a - b).abs().max().item<double>();
    worst.scales.push_back(std::max(1.0, a.numel() == 0 ? 0 : a.abs().max().item<double>()));
    const double tolerance = epsilon * worst.scales.back();
    worst.max_abs = std::max(worst.max_abs, difference);
    if (difference / tolerance > worst.used) {
      worst.used = difference / tolerance;
      worst.tolerance = tolerance;
    }
  }
}

Difference difference(const mtl::Model& model, const mtl::Model& small, const Units& units, const Plan& plan,
                      const std::vector<at::Tensor>& images, at::ScalarType dtype, double epsilon) {
  const c10::InferenceMode no_grad;
  mtl::Executor dense(model, dtype), pruned(small, dtype);
  const mtl::RunHooks hooks = gates(model, units, plan, dtype);
  Difference worst;
  for (const at::Tensor& batch : images) compare(dense.run(batch.to(dtype), hooks), pruned.run(batch.to(dtype)), epsilon, worst);
  // The largest difference may be of another output than the one nearest to its tolerance.
  if (worst.used <= 1) worst.tolerance = std::max(worst.tolerance, worst.max_abs);
  return worst;
}

}  // namespace

Certificate certify(const mtl::Model& model, const mtl::Model& small, const Units& units, const Plan& plan,
                    const std::vector<at::Tensor>& images) {
  const Difference f32 = difference(model, small, units, plan, images, at::kFloat, 1e-5);
  const Difference f64 = difference(model, small, units, plan, images, at::kDouble, 1e-12);
  Certificate certificate;
  certificate.max_abs = f32.max_abs;
  certificate.tolerance = f32.tolerance;
  certificate.max_abs_float64 = f64.max_abs;
  certificate.tolerance_float64 = f64.tolerance;
  certificate.finite = f32.finite && f64.finite;
  certificate.scales = f64.scales;
  for (const at::Tensor& batch : images) {
    certificate.n += batch.size(0);
    certificate.sizes.push_back({batch.size(2), batch.size(3)});
  }
  return certificate;
}

at::Tensor noise_images(std::int64_t count, std::int64_t channels, std::int64_t height, std::int64_t width, std::uint64_t seed) {
  at::Tensor images = at::empty({count, channels, height, width}, at::kFloat);
  PhiloxStream stream(seed, "mtl-prune certificate", static_cast<std::uint32_t>(height), static_cast<std::uint32_t>(width));
  float* values = images.mutable_data_ptr<float>();
  for (std::int64_t i = 0; i < images.numel(); ++i) values[i] = static_cast<float>(stream.uniform());
  return images;
}

}  // namespace tenfold::mtl_prune
