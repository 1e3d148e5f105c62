// Images and label maps from files of their own: PNG, npy, npz.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/sha256.h"
#include "data/npy.h"
#include "mtl/dataset.h"

namespace tenfold::mtl {

// Planar numbers of a file: [channels, height, width]; an array of one dimension has height 0. `white`: the number that stands
// for 1 in a PNG, 0 for arrays.
struct Planes {
  int channels = 1, height = 0, width = 0;
  int white = 0;
  std::vector<float> values;
};

// [height, width] or [height, width, channels] of any real dtype, byte order and memory order. Throws Error input.
Planes planes_of(const data::NpyArray& array);

// By the file's name: .png, .npy, .npz (its only member; of several the one named behind a colon, "labels.npz:seg"). Throws Error
// input `FILE: ...`.
Planes read_planes(const std::filesystem::path& path);

// A file's name, size and bytes into the hash of a set. What cannot be read is one faulty item, not the end of the set: it counts
// as missing, by name, and is listed where that is wanted.
void hash_file(Sha256& hash, const std::filesystem::path& path, const std::string& name, std::vector<std::string>* unreadable);

// u in [0, 1] with 1 or 3 channels. Throws Error input: out of range, not finite, other channels.
Image image_of(Planes planes, const std::string& where);

// One image, grey spread over three channels where the model takes those. Throws Error input where it takes one and there are
// three.
void fit_channels(Image& image, const InputSpec& input, const std::string& where);

// A map of the task's channels. PNGs hold classes and depths as they are, normals as (n + 1) / 2 with black for none. `scale`
// multiplies what is no class. Throws Error input: other channels, classes out of range.
Label map_label(Planes planes, const Task& task, double scale, const std::string& where);

}  // namespace tenfold::mtl
