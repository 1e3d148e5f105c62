#include "mtl-attack/cell_run.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include <fmt/format.h>

#include "base/clock.h"
#include "base/error.h"
#include "cli/state.h"
#include "mtl-attack/eps.h"
#include "mtl-attack/image_store.h"
#include "mtl-attack/ordered_work.h"
#include "mtl-attack/quantise.h"
#include "mtl-attack/ssim.h"

namespace tenfold::mtl_attack {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kSaveEvery_s = 2;

// One batch's share of a cell, on its way from a worker to the log.
struct BatchOutcome {
  std::vector<ImageRecord> records;
  std::vector<Metrics> metrics;  // by record
  bool unconverged = false;
};

class CellWork {
 public:
  CellWork(const Scene& scene, const Cell& cell, const CleanPass& clean, const CellSettings& settings,
           const std::map<std::string, ImageRecord>& done, cli::Run& run)
      : scene_(scene), cell_(cell), clean_(clean), settings_(settings), done_(done), run_(run) {}

  // The images from position `first` of clean.attacked on.
  BatchOutcome at(std::size_t first) const {
    const std::size_t end = std::min(first + static_cast<std::size_t>(settings_.batch), clean_.attacked.size());
    BatchOutcome out;
    // Images of another size than the first one's begin a batch of their own.
    for (std::size_t begin = first; begin < end;) {
      CleanBatch batch = load_batch(scene_, *scene_.victim,
                                    {clean_.attacked.begin() + static_cast<std::ptrdiff_t>(begin),
                                     clean_.attacked.begin() + static_cast<std::ptrdiff_t>(end)},
                                    settings_.floats);
      std::vector<StoredImage> stored;
      std::vector<ImageRecord> records;
      if (!read_done(batch, begin, stored, records)) attack(batch, begin, stored, records);
      evaluate(batch, stored, records, out);
      begin += batch.size();
    }
    return out;
  }

  bool is_logged(const std::string& id) const { return done_.contains(id); }

 private:
  std::string path(std::size_t position, const std::string& id) const {
    return position < settings_.save ? adversarial_path(cell_.name, id, settings_.floats) : "";
  }

  // True where every image of the batch has its line and its file: those files are what counts then.
  bool read_done(const CleanBatch& batch, std::size_t first, std::vector<StoredImage>& stored,
                 std::vector<ImageRecord>& records) const {
    for (std::size_t b = 0; b < batch.size(); ++b) {
      const auto known = done_.find(batch.images[b].sample.id);
      if (known == done_.end() || !known->second.failure.empty()) return false;
      const std::string file = path(first + b, known->first);
      if (file.empty() || !run_.directory() || !std::filesystem::exists(run_.directory()->path() / file)) return false;
    }
    for (std::size_t b = 0; b < batch.size(); ++b) {
      const ImageRecord& record = done_.find(batch.images[b].sample.id)->second;
      stored.push_back(read_stored(run_.directory()->path() / path(first + b, record.id), batch.images[b], settings_.floats));
      records.push_back(record);
    }
    return true;
  }

  void attack(CleanBatch& batch, std::size_t first, std::vector<StoredImage>& stored, std::vector<ImageRecord>& records) const {
    const double before = thread_cpu_s();
    const std::vector<Attacked> attacked = attack_clean(batch, cell_.plan, clean_, settings_.start);
    const double cpu_s = (thread_cpu_s() - before) / static_cast<double>(batch.size());
    std::vector<float> floats, eight;
    for (std::size_t b = 0; b < batch.size(); ++b) {
      const Prepared& image = batch.images[b];
      const Attacked& found = attacked[b];
      ImageRecord record;
      record.id = image.sample.id;
      record.failure = found.failure;
      record.restart = found.restart;
      record.forward_passes = found.forward_passes;
      record.backward_passes = found.backward_passes;
      record.floored = found.floored;
      record.dual_converged = found.dual_converged;
      record.trace = found.trace;
      record.cpu_s = cpu_s;
      stored.push_back(keep(stored_image(found.x, image, cell_.plan, settings_.floats), image, path(first + b, image.sample.id)));
      floats.insert(floats.end(), found.x.begin(), found.x.end());
      const std::vector<float> rounded = from_bytes(quantise(found.x, image.bytes, whole_levels(cell_.plan.eps)));
      eight.insert(eight.end(), rounded.begin(), rounded.end());
      records.push_back(std::move(record));
    }
    set_J(batch, floats, records, &ImageRecord::J_before_png);
    for (ImageRecord& record : records) record.J_8bit = kNaN;
    if (settings_.floats) set_J(batch, eight, records, &ImageRecord::J_8bit);
  }

  // Writes the file where it is kept, and goes on with what was read from it.
  StoredImage keep(StoredImage image, const Prepared& clean, const std::string& file) const {
    if (file.empty() || !run_.directory()) return image;
    const ImageSize size = size_of(clean.sample.image);
    if (settings_.floats) {
      image.values = store_floats(*run_.directory(), file, image.values, size);
    } else {
      image.bytes = store_png(*run_.directory(), file, image.bytes, size);
      image.values = from_bytes(image.bytes);
    }
    return image;
  }

  void set_J(CleanBatch& batch, const std::vector<float>& points, std::vector<ImageRecord>& records,
             double ImageRecord::* J) const {
    const std::vector<double> losses = batch.oracle->losses(points);
    const std::size_t tasks = scene_.tasks.size();
    for (std::size_t b = 0; b < batch.size(); ++b)
      records[b].*J = mean_present(
          relative_change(std::span(losses).subspan(b * tasks, tasks), *clean_.images[batch.indices[b]], clean_.scale));
  }

  void evaluate(CleanBatch& batch, const std::vector<StoredImage>& stored, std::vector<ImageRecord>& records,
                BatchOutcome& out) const {
    std::vector<float> points;
    for (const StoredImage& image : stored) points.insert(points.end(), image.values.begin(), image.values.end());
    std::vector<std::vector<Prediction>> predictions;
    const std::vector<double> losses = batch.oracle->losses(points, &predictions);
    const std::size_t tasks = scene_.tasks.size();
    for (std::size_t b = 0; b < batch.size(); ++b) {
      ImageRecord& record = records[b];
      const std::span<const double> own = std::span(losses).subspan(b * tasks, tasks);
      const CleanImage& facts = *clean_.images[batch.indices[b]];
      for (std::size_t t = 0; t < tasks && record.failure.empty(); ++t)
        if (facts.present[t] && !std::isfinite(own[t])) record.failure = "a loss that is not finite";
      if (!is_logged(record.id)) measure(record, stored[b], batch.images[b], own, facts, clean_.scale);
      out.metrics.push_back(metrics_of(scene_.victim->tasks(), predictions[b], batch.images[b].sample));
      out.records.push_back(is_logged(record.id) ? done_.find(record.id)->second : record);
    }
  }

  const Scene& scene_;
  const Cell& cell_;
  const CleanPass& clean_;
  const CellSettings& settings_;
  const std::map<std::string, ImageRecord>& done_;
  cli::Run& run_;
};

}  // namespace

CleanBatch load_batch(const Scene& scene, const Victim& victim, const std::vector<std::size_t>& indices, bool floats) {
  CleanBatch batch;
  for (const std::size_t index : indices) {
    Prepared image = prepare(*scene.data, index, floats);
    const auto same = [](const mtl::Image& a, const mtl::Image& b) {
      return a.channels == b.channels && a.height == b.height && a.width == b.width;
    };
    if (batch.size() > 0 && !same(image.sample.image, batch.images.front().sample.image)) break;
    batch.indices.push_back(index);
    batch.images.push_back(std::move(image));
  }
  std::vector<const mtl::Sample*> samples;
  for (const Prepared& image : batch.images) samples.push_back(&image.sample);
  batch.oracle = victim.oracle(samples);
  return batch;
}

std::vector<Attacked> attack_clean(CleanBatch& batch, const AttackPlan& plan, const CleanPass& clean, const StartOptions& start) {
  std::vector<BatchImage> images;
  for (std::size_t b = 0; b < batch.size(); ++b)
    images.push_back({batch.images[b].sample.id, &*clean.images[batch.indices[b]], batch.images[b].sample.image.values});
  return attack_batch(*batch.oracle, plan, images, clean.scale, start);
}

StoredImage stored_image(std::span<const float> x, const Prepared& clean, const AttackPlan& plan, bool floats) {
  if (floats) return {to_bytes(x), {x.begin(), x.end()}, true};
  StoredImage out;
  out.bytes = quantise(x, clean.bytes, whole_levels(plan.eps));
  out.values = from_bytes(out.bytes);
  return out;
}

StoredImage read_stored(const std::filesystem::path& path, const Prepared& clean, bool floats) {
  const ImageSize size = size_of(clean.sample.image);
  StoredImage out;
  out.floats = floats;
  if (floats) {
    out.values = read_floats(path, size);
    out.bytes = to_bytes(out.values);
  } else {
    out.bytes = read_png(path, size);
    out.values = from_bytes(out.bytes);
  }
  return out;
}

void measure(ImageRecord& record, const StoredImage& stored, const Prepared& clean, std::span<const double> losses,
             const CleanImage& facts, const LossScale& scale) {
  record.r = relative_change(losses, facts, scale);
  record.J = mean_present(record.r);
  record.J_min = least_present(record.r);
  record.J_dataset = damage_by_dataset(losses, facts, scale);
  record.loss.assign(losses.begin(), losses.end());
  for (std::size_t t = 0; t < record.loss.size(); ++t)
    if (!facts.present[t]) record.loss[t] = kNaN;
  double square = 0, greatest = 0;
  const std::vector<float>& before = clean.sample.image.values;
  for (std::size_t j = 0; j < before.size(); ++j) {
    const double d = static_cast<double>(stored.values[j]) - static_cast<double>(before[j]);
    square += d * d;
    greatest = std::max(greatest, std::abs(d));
  }
  const ImageSize size = size_of(clean.sample.image);
  record.l2 = std::sqrt(square);
  record.linf_levels = std::abs(255 * greatest - std::round(255 * greatest)) < 1e-4 ? std::round(255 * greatest) : 255 * greatest;
  record.ssim = stored.floats ? ssim(stored.values, before, size.channels, size.height, size.width)
                              : ssim(stored.bytes, clean.bytes, size.channels, size.height, size.width);
}

CellOutcome run_cell(const Scene& scene, const Cell& cell, const CleanPass& clean, const CellSettings& settings,
                     const std::map<std::string, ImageRecord>& done, CellProgress& progress, cli::Run& run) {
  const CellWork work(scene, cell, clean, settings, done, run);
  CellOutcome outcome{cell, {}, no_metrics(scene.victim->tasks())};
  const auto batch = static_cast<std::size_t>(settings.batch);
  const auto batches = static_cast<int>((clean.attacked.size() + batch - 1) / batch);
  double saved_at = wall_s();
  const auto take = [&](int, BatchOutcome& item) {
    for (std::size_t b = 0; b < item.records.size(); ++b) {
      ImageRecord& record = item.records[b];
      if (record.failure.empty()) add_metrics(outcome.metrics, item.metrics[b]);
      if (!work.is_logged(record.id)) run.log(to_json(record, cell.name, scene.tasks));
      record.trace.clear();
      outcome.records.push_back(std::move(record));
      run.step({.what = "attack", .done = ++progress.done, .total = progress.total, .unit = "images", .note = cell.name});
    }
    if (wall_s() - saved_at < kSaveEvery_s) return;
    run.save({});
    saved_at = wall_s();
  };
  const int taken = ordered_work<BatchOutcome>(
      batches, run.threads(), [&](int i) { return work.at(static_cast<std::size_t>(i) * batch); }, take,
      [&] { return run.stop(); });
  if (taken < batches) {
    run.save({});
    run.interrupted();
  }
  return outcome;
}

}  // namespace tenfold::mtl_attack
