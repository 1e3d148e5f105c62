// Labelled images for several tasks, read one by one: rooms (rendered), NYUv2 in MTAN's layout, a folder with dataset.json.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "mtl/tasks.h"

namespace tenfold::mtl {

// Planar, row-major [channels, height, width], RGB (or one channel) in [0, 1].
struct Image {
  int channels = 3, height = 0, width = 0;
  std::vector<float> values;
};

// What one task is to say of one image: [channels, height, width] for maps (channels 1; 3 for normals), [D] for regression, one
// number for classification. Classes are whole numbers.
struct Label {
  int channels = 0, height = 0, width = 0;  // height = width = 0: not a map
  std::vector<float> values;
  std::vector<std::uint8_t> valid;  // per pixel (per element where not a map): section 11.4's rule and the mask file
  bool any_valid() const;
};

struct Sample {
  std::string id;  // unique in its set; names files
  Image image;
  std::vector<Label> labels;  // by task
};

struct Fault {
  std::string item;    // id or path
  std::string reason;  // one line
};

class DataSet {
 public:
  virtual ~DataSet() = default;
  virtual std::size_t size() const = 0;
  virtual std::string id(std::size_t index) const = 0;
  // Throws Error input, one line, for an item that cannot be used. Callable from several threads.
  virtual Sample load(std::size_t index) const = 0;
  // SHA-256 that stands for the set's content: of version, seed, n and size for rooms; of names, sizes and bytes of the files
  // else. A file that cannot be read counts as missing, and its complaint is added to `unreadable`.
  virtual std::string sha256(std::vector<std::string>* unreadable = nullptr) const = 0;
  virtual const std::string& spec() const = 0;  // as given, defaults filled in
};

// SPEC: rooms:n=64,size=96x128,seed=7,split=test | nyuv2:ROOT[,split=S] | folder:DIR[,split=S]. `split` is what is taken where
// SPEC names none. Labels for `tasks` in their order, brought to InputSpec::size where it is given. A task finds its label by
// type in rooms and nyuv2 (segmentation, depth, normal; rooms also edge, keypoint) and by name in a folder. Throws Error usage
// for a SPEC that is none, input for a set that cannot be used at all (missing, empty, counts that differ).
std::unique_ptr<DataSet> open_data(std::string_view spec, const std::vector<Task>& tasks, const InputSpec& input,
                                   std::string_view split);

// The images and labels of the indices that can be used; the others are listed.
struct Loaded {
  std::vector<Sample> samples;
  std::vector<Fault> faults;
};
Loaded load_all(const DataSet& data, const std::vector<std::size_t>& indices, int threads);

// "rooms" without a SPEC: the tasks segmentation (13 classes), depth, normal.
TaskFile rooms_tasks();

}  // namespace tenfold::mtl
