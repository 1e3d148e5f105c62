// What is attacked: a network, and the labelled images it is attacked on.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "mtl-attack/attack_options.h"
#include "mtl-attack/victim.h"
#include "mtl/dataset.h"

namespace tenfold::mtl_attack {

struct Scene {
  std::unique_ptr<mtl::DataSet> data;
  std::shared_ptr<const Victim> victim;
  std::vector<std::string> tasks;  // names
};

// Opens the model's tasks, then the data, then the network for the size of its first image. Throws Error: usage for tasks.json, a
// SPEC that is none, a device other than the CPU; input for what cannot be read.
Scene open_scene(const std::string& model, const VictimOptions& options);

// A second network on the same data: its tasks must be the first one's, in any order of its own outputs.
std::shared_ptr<const Victim> open_victim(const std::string& model, const VictimOptions& options, const mtl::DataSet& data);

void refuse_cuda(const std::string& device);

// One image as it is attacked: brought to 8 bits first (unless floats are kept), so that the clean image is a file, too.
struct Prepared {
  mtl::Sample sample;  // image.values are X / 255
  std::vector<std::uint8_t> bytes;  // X, planar
};
// Throws Error input for an item that cannot be used.
Prepared prepare(const mtl::DataSet& data, std::size_t index, bool floats);

// Throws Error input where a task's loss gives the image no gradient; looks at the first images until every task was seen.
void check_gradients(const Scene& scene);

}  // namespace tenfold::mtl_attack
