#include "mtl/torch/evaluate.h"

#include <limits>

#include "base/error.h"
#include "base/threads.h"
#include "mtl/torch/losses.h"

namespace tenfold::mtl {
namespace {

constexpr std::size_t kBatch = 8;

// What one batch contributes.
struct Part {
  std::vector<double> loss;
  std::vector<std::int64_t> present, absent;
  std::vector<MetricSums> metrics;
  std::size_t images = 0;
  std::vector<Fault> faults;
};

bool same_size(const Image& a, const Image& b) { return a.channels == b.channels && a.height == b.height && a.width == b.width; }

bool same_labels(const Sample& a, const Sample& b) {
  for (std::size_t t = 0; t < a.labels.size(); ++t)
    if (a.labels[t].height != b.labels[t].height || a.labels[t].width != b.labels[t].width) return false;
  return true;
}

void add_group(const Network& network, const std::vector<const Sample*>& group, Part& part) {
  const std::vector<at::Tensor> outputs = network.outputs(batch_images(group));
  for (std::size_t t = 0; t < network.tasks().size(); ++t) {
    const Task& task = network.tasks()[t];
    const at::Tensor output = outputs[t].to(at::kFloat).contiguous();
    const PerImage losses = per_image_loss(output, batch_labels(group, static_cast<int>(t), task), task);
    const at::Tensor loss = losses.loss.to(at::kDouble).contiguous();
    const std::int64_t each = output.numel() / output.size(0);
    for (std::size_t i = 0; i < group.size(); ++i) {
      const auto row = static_cast<std::int64_t>(i);
      if (losses.present[i]) part.loss[t] += loss.const_data_ptr<double>()[row];
      ++(losses.present[i] ? part.present : part.absent)[t];
      const std::span<const float> prediction(output.const_data_ptr<float>() + row * each, static_cast<std::size_t>(each));
      part.metrics[t].add(prediction, static_cast<int>(output.size(1)), task.is_map() ? static_cast<int>(output.size(2)) : 1,
                          task.is_map() ? static_cast<int>(output.size(3)) : 1, group[i]->labels[t]);
    }
  }
}

Part evaluate_batch(const Network& network, const DataSet& data, std::size_t begin, std::size_t end) {
  const at::NoGradGuard no_grad;
  const std::size_t tasks = network.tasks().size();
  Part part{std::vector<double>(tasks), std::vector<std::int64_t>(tasks), std::vector<std::int64_t>(tasks), {}, 0, {}};
  for (const Task& task : network.tasks()) part.metrics.emplace_back(task);
  std::vector<std::size_t> indices;
  for (std::size_t i = begin; i < end; ++i) indices.push_back(i);
  const Loaded loaded = load_all(data, indices, /*threads=*/1);
  part.faults = loaded.faults;
  part.images = loaded.samples.size();
  std::vector<const Sample*> group;
  const auto flush = [&] {
    if (!group.empty()) add_group(network, group, part);
    group.clear();
  };
  for (const Sample& sample : loaded.samples) {
    if (!group.empty() && !(same_size(group[0]->image, sample.image) && same_labels(*group[0], sample))) flush();
    group.push_back(&sample);
  }
  flush();
  return part;
}

}  // namespace

Evaluation evaluate(const Network& network, const DataSet& data, std::size_t limit, int threads) {
  const std::size_t images = limit == 0 ? data.size() : std::min(limit, data.size());
  const std::size_t batches = (images + kBatch - 1) / kBatch, tasks = network.tasks().size();
  std::vector<Part> parts(batches);
  parallel_for(static_cast<int>(batches), threads, [&](int b) {
    const auto begin = static_cast<std::size_t>(b) * kBatch;
    parts[static_cast<std::size_t>(b)] = evaluate_batch(network, data, begin, std::min(images, begin + kBatch));
  });

  Evaluation out{std::vector<double>(tasks), {}, std::vector<std::int64_t>(tasks), 0, {}};
  std::vector<MetricSums> metrics;
  for (const Task& task : network.tasks()) metrics.emplace_back(task);
  std::vector<std::int64_t> present(tasks);
  for (const Part& part : parts) {
    out.images += part.images;
    out.faults.insert(out.faults.end(), part.faults.begin(), part.faults.end());
    for (std::size_t t = 0; t < tasks; ++t) {
      out.loss[t] += part.loss[t];
      present[t] += part.present[t];
      out.absent[t] += part.absent[t];
      metrics[t].merge(part.metrics[t]);
    }
  }
  for (std::size_t t = 0; t < tasks; ++t) {
    out.loss[t] = present[t] ? out.loss[t] / static_cast<double>(present[t]) : std::numeric_limits<double>::quiet_NaN();
    out.metrics.push_back(metrics[t].values());
  }
  return out;
}

}  // namespace tenfold::mtl
