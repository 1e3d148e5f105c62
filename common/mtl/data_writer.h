// Data sets as files: a folder with dataset.json, or MTAN's layout of NYUv2. Nothing is lost: an image whose values are no whole
// 255ths, and classes that no byte holds, are written as .npy.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "data/json.h"
#include "mtl/dataset.h"

namespace tenfold::mtl {

enum class DataLayout : std::uint8_t { folder, nyuv2 };

class DataWriter {
 public:
  // `write` takes a path relative to the folder, with '/', and the file's bytes. Throws Error usage for tasks that MTAN's layout
  // has no place for.
  DataWriter(DataLayout layout, std::vector<Task> tasks, std::function<void(const std::string&, std::string_view)> write);

  // Throws Error usage for a split that the layout does not have.
  void check_split(const std::string& split) const;
  void begin_split(const std::string& split);
  void add(const Sample& sample);
  // dataset.json (of folders), tasks.json.
  void finish(const InputSpec& input);

 private:
  void add_to_folder(const Sample& sample);
  void add_to_nyuv2(const Sample& sample);

  DataLayout layout_;
  std::vector<Task> tasks_;
  std::function<void(const std::string&, std::string_view)> write_;
  std::string split_;
  std::size_t items_ = 0;  // of the split
  std::vector<std::pair<std::string, std::vector<std::string>>> splits_;  // items as JSON texts
};

}  // namespace tenfold::mtl
