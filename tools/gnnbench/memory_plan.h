// What a run will hold in memory, part by part, before it begins; and which smaller setting would fit.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gnnbench/dataset.h"
#include "gnnbench/train_options.h"

namespace tenfold::gnnbench {

struct MemoryPart {
  std::string name;
  std::uint64_t bytes = 0;
};

// Of one worker's process, rank 0. Full-graph: what the backward pass keeps of each layer (its input, and A x where that is the
// narrower) and one layer's transients. Mini-batch: the same over the rows that a batch can have at most, B prod(k) a hop, never
// above n. Evaluation, on rank 0, stands beside it: the greater of the two counts.
struct MemoryPlan {
  std::vector<MemoryPart> parts;
  std::uint64_t total() const;
};
MemoryPlan plan_memory(const TrainPlan& plan, const Dataset& data);

// --memory, or 90 % of the machine's or cgroup's.
std::uint64_t memory_limit(const TrainOptions& options);

// Throws Error(infeasible) where the plan of all workers together exceeds the limit: the parts, the largest --hidden (or, where
// none fits, --batch) with which the run is let through, as it is to be typed, and the --memory that would do.
void check_memory(const TrainPlan& plan, const Dataset& data);

// Whether half as much again might be too much: what training and evaluation free and cannot reuse of each other came to a third
// of the plan on 169k nodes.
bool memory_is_tight(const TrainPlan& plan, const Dataset& data);

}  // namespace tenfold::gnnbench
