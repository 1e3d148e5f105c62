// Batches of a data set, epoch by epoch: each epoch a permutation that follows from the seed and its number alone.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "mtl/dataset.h"

namespace tenfold::mtl {

// A permutation of 0 .. n-1 (Fisher-Yates by a stream keyed with seed and epoch).
std::vector<std::size_t> epoch_order(std::size_t n, std::uint64_t seed, std::int64_t epoch);

class EpochReader {
 public:
  EpochReader(std::uint64_t seed, int batch) : seed_(seed), batch_(batch) {}

  // Whole batches of an epoch; 1 where the set is smaller than a batch.
  std::int64_t batches_per_epoch(const DataSet& data) const;

  // The samples of batch number `step`, counted over all epochs. Those that cannot be read are left out, and listed once.
  // Throws Error input if none can be read.
  std::vector<std::shared_ptr<const Sample>> read(const DataSet& data, std::int64_t step);

  const std::vector<Fault>& faults() const { return faults_; }

 private:
  std::shared_ptr<const Sample> load(const DataSet& data, std::size_t index);

  std::uint64_t seed_;
  int batch_;
  std::int64_t epoch_ = -1;
  std::vector<std::size_t> order_;
  std::map<std::size_t, std::shared_ptr<const Sample>> kept_;  // a small set is read once
  std::size_t kept_bytes_ = 0;
  std::vector<Fault> faults_;
  std::map<std::size_t, bool> faulty_;
};

}  // namespace tenfold::mtl
