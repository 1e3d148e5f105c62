// What of a label counts (section 11.4's rule), and how samples are brought to one size. The readers of all data sets end here.
#pragma once

#include <string>
#include <vector>

#include "mtl/dataset.h"

namespace tenfold::mtl {

// Fills label.valid from label.values: classes that are not the ignored one, depth finite and above 3e-5, normals finite and
// longer than 0.5, other numbers finite and not the ignored one. Throws Error input, WHERE before the reason, for a class outside
// [0, K) that is not ignored or no whole number; the message names it and its place.
void mark_valid(Label& label, const Task& task, const std::string& where);

// Throws Error input where the image holds numbers that are not finite or outside [0, 1].
void check_range(const Image& image, const std::string& where);

// Throws Error input where the maps' sizes differ from the image's.
void check_sizes(const Sample& sample, const std::vector<Task>& tasks);

// Image bilinear, label maps nearest (mark_valid after it would say the same). Keypoints, edges and depth keep their numbers.
void bring_to_size(Sample& sample, int height, int width);

}  // namespace tenfold::mtl
