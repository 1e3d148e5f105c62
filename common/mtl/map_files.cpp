#include "mtl/map_files.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "base/files.h"
#include "data/image.h"
#include "data/npz.h"
#include "mtl/labels.h"

namespace tenfold::mtl {

namespace {

constexpr std::int64_t kLongestSide = 1 << 15;

std::string shape_text(const std::vector<std::int64_t>& shape) {
  return fmt::format("({}{})", fmt::join(shape, ", "), shape.size() == 1 ? "," : "");
}

// [height, width, channels] to [channels, height, width].
template <class T>
std::vector<float> planar(const std::vector<T>& interleaved, std::size_t channels) {
  const std::size_t pixels = interleaved.size() / channels;
  std::vector<float> out(interleaved.size());
  for (std::size_t p = 0; p < pixels; ++p)
    for (std::size_t c = 0; c < channels; ++c) out[c * pixels + p] = static_cast<float>(interleaved[p * channels + c]);
  return out;
}

Planes png_planes(const data::PngImage& image) {
  return {.channels = image.channels,
          .height = image.height,
          .width = image.width,
          .white = image.maximum,
          .values = planar(image.values, static_cast<std::size_t>(image.channels))};
}

}  // namespace

Planes planes_of(const data::NpyArray& array) {
  const std::vector<std::int64_t>& shape = array.shape();
  if (shape.size() < 1 || shape.size() > 3)
    input_error(array.file() + ": shape " + shape_text(shape) + " where (height, width) or (height, width, channels) is due");
  for (const std::int64_t extent : shape)
    if (extent < 1 || extent > kLongestSide) input_error(array.file() + ": shape " + shape_text(shape) + " is not read");
  Planes planes;
  if (shape.size() == 1) {
    planes.channels = static_cast<int>(shape[0]);
    planes.values = array.to_floats();
    return planes;
  }
  planes.height = static_cast<int>(shape[0]);
  planes.width = static_cast<int>(shape[1]);
  planes.channels = shape.size() == 3 ? static_cast<int>(shape[2]) : 1;
  planes.values = planes.channels == 1 ? array.to_floats() : planar(array.to_floats(), static_cast<std::size_t>(planes.channels));
  return planes;
}

namespace {

Planes read_npz(const std::filesystem::path& path, const std::string& member) {
  const data::Npz npz = data::Npz::open(path);
  if (member.empty() && npz.names().size() != 1)
    input_error(fmt::format("{}: {} arrays; name one, as in {}:{}", path.string(), npz.names().size(), path.filename().string(),
                            npz.names().empty() ? "NAME" : npz.names().front()));
  return planes_of(npz.load(member.empty() ? npz.names().front() : member));
}

}  // namespace

void hash_file(Sha256& hash, const std::filesystem::path& path, const std::string& name, std::vector<std::string>* unreadable) {
  try {
    const MappedFile mapped(path);
    hash.update(fmt::format("{} {}\n", name, mapped.bytes().size()));
    hash.update(mapped.bytes());
  } catch (const Error& error) {
    if (error.exit_code() != ExitCode::input) throw;
    hash.update(name + " missing\n");
    if (unreadable) unreadable->push_back(error.message());
  }
}

Planes read_planes(const std::filesystem::path& path) {
  const std::string text = path.string();
  const std::size_t colon = text.rfind(".npz:");
  if (colon != std::string::npos) return read_npz(text.substr(0, colon + 4), text.substr(colon + 5));
  const std::string extension = path.extension().string();
  if (extension == ".png" || extension == ".PNG") return png_planes(data::read_png(path));
  if (extension == ".npy") return planes_of(data::NpyArray::map(path));
  if (extension == ".npz") return read_npz(path, "");
  input_error(text + ": a file whose name ends in .png, .npy or .npz is due");
}

Image image_of(Planes planes, const std::string& where) {
  if (planes.height == 0 || (planes.channels != 1 && planes.channels != 3))
    input_error(
        fmt::format("{}: {} channels where an image with 1 or 3 is due (height, width, channels)", where, planes.channels));
  Image image{.channels = planes.channels, .height = planes.height, .width = planes.width, .values = std::move(planes.values)};
  if (planes.white > 0)
    for (float& v : image.values) v = v / static_cast<float>(planes.white);
  check_range(image, where);
  return image;
}

void fit_channels(Image& image, const InputSpec& input, const std::string& where) {
  if (image.channels == input.channels()) return;
  if (image.channels == 3) input_error(where + ": 3 channels where the tasks' input has order L, one channel");
  const std::vector<float> grey = image.values;
  for (int c = 1; c < 3; ++c) image.values.insert(image.values.end(), grey.begin(), grey.end());
  image.channels = 3;
}

Label map_label(Planes planes, const Task& task, double scale, const std::string& where) {
  const int due = task.type == TaskType::normal ? 3 : 1;
  if (planes.height == 0 || planes.channels != due)
    input_error(fmt::format("{}: {} of {} channels where the label of {} has {} (height, width, channels)", where,
                            planes.height == 0 ? "a list" : "a map", planes.channels, task.name, due));
  Label label{.channels = due, .height = planes.height, .width = planes.width, .values = std::move(planes.values), .valid = {}};
  const bool classes = task.type == TaskType::segmentation;
  if (task.type == TaskType::normal && planes.white > 0) {
    const std::size_t pixels = label.values.size() / 3;
    for (std::size_t p = 0; p < pixels; ++p) {
      const bool black = label.values[p] == 0 && label.values[pixels + p] == 0 && label.values[2 * pixels + p] == 0;
      for (std::size_t c = 0; c < 3; ++c) {
        float& v = label.values[c * pixels + p];
        v = black ? 0 : 2 * v / static_cast<float>(planes.white) - 1;
      }
    }
  } else if (!classes && scale != 1) {
    for (float& v : label.values) v = static_cast<float>(v * scale);
  }
  mark_valid(label, task, where);
  return label;
}

}  // namespace tenfold::mtl
