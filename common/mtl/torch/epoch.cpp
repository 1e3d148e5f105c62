#include "mtl/torch/epoch.h"

#include <algorithm>
#include <numeric>

#include "base/error.h"
#include "base/philox.h"

namespace tenfold::mtl {
namespace {

constexpr std::size_t kMostKeptBytes = std::size_t{128} << 20;

std::size_t bytes(const Sample& sample) {
  std::size_t sum = sample.image.values.size() * sizeof(float);
  for (const Label& label : sample.labels) sum += label.values.size() * sizeof(float) + label.valid.size();
  return sum;
}

}  // namespace

std::vector<std::size_t> epoch_order(std::size_t n, std::uint64_t seed, std::int64_t epoch) {
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), std::size_t{0});
  PhiloxStream random(seed, "epoch order", static_cast<std::uint32_t>(epoch));
  for (std::size_t i = n; i > 1; --i) std::swap(order[i - 1], order[random.below(static_cast<std::uint32_t>(i))]);
  return order;
}

std::int64_t EpochReader::batches_per_epoch(const DataSet& data) const {
  return std::max<std::int64_t>(1, static_cast<std::int64_t>(data.size()) / batch_);
}

std::shared_ptr<const Sample> EpochReader::load(const DataSet& data, std::size_t index) {
  const auto kept = kept_.find(index);
  if (kept != kept_.end()) return kept->second;
  if (faulty_.contains(index)) return nullptr;
  try {
    auto sample = std::make_shared<const Sample>(data.load(index));
    if (kept_bytes_ + bytes(*sample) <= kMostKeptBytes) {
      kept_.emplace(index, sample);
      kept_bytes_ += bytes(*sample);
    }
    return sample;
  } catch (const Error& error) {
    if (error.exit_code() != ExitCode::input) throw;
    faulty_[index] = true;
    faults_.push_back({data.id(index), error.what()});
    return nullptr;
  }
}

std::vector<std::shared_ptr<const Sample>> EpochReader::read(const DataSet& data, std::int64_t step) {
  const std::int64_t batches = batches_per_epoch(data);
  if (step / batches != epoch_) {
    epoch_ = step / batches;
    order_ = epoch_order(data.size(), seed_, epoch_);
  }
  const auto begin = static_cast<std::size_t>(step % batches * batch_);
  std::vector<std::shared_ptr<const Sample>> samples;
  for (std::size_t i = begin; i < std::min(data.size(), begin + static_cast<std::size_t>(batch_)); ++i)
    if (auto sample = load(data, order_[i])) samples.push_back(std::move(sample));
  if (samples.empty()) input_error(data.spec() + ": no item of a whole batch can be read; " + faults_.back().reason);
  return samples;
}

}  // namespace tenfold::mtl
