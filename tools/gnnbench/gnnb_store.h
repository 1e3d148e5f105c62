// .gnnb: a graph with its features, labels and split as a folder of .npy files, mapped into memory, under a manifest with a
// SHA-256 a file. indptr.npy int64 [n + 1]; indices.npy int32 [edges]; features.npy float32 [n, F] or x_indptr.npy int64,
// x_indices.npy int32, x_values.npy float32; labels.npy int32 [n], -1 none; split.npy uint8 [n], 0 none, 1 train, 2 val, 3 test;
// node_ids.txt, a line a node, where ids were mapped. Arrays that a graph has not are absent.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "data/npy.h"
#include "gnnbench/dataset.h"

namespace tenfold::gnnbench {

// SHA-256 over the lines `nodes N`, `width F`, `classes C`, `direction D`, and `NAME HASH` of each array file above, in that
// order: the same for equal content, whatever it was read from. Neither names nor node ids nor the source's counts enter.
std::string dataset_digest(const Dataset& data);

// Where a command writes a .gnnb folder.
struct GnnbTarget {
  std::filesystem::path path;
  bool force = false;        // replace a .gnnb folder that is there
  bool may_number = false;   // the name was not asked for: take NAME-2, NAME-3, ... where it is taken
};

// Writes a .gnnb folder array by array, hashed on the way; nothing is at its path until finish(), then all of it. A writer that
// is destroyed before leaves no trace. What the manifest says of sizes, classes, norm and source comes from the Dataset given to
// finish(), whose arrays are not looked at: they may be empty where they were written piece by piece.
class GnnbWriter {
 public:
  // Throws Error(usage) where something is at the path that may not be replaced.
  explicit GnnbWriter(GnnbTarget target);
  GnnbWriter(const GnnbWriter&) = delete;
  GnnbWriter& operator=(const GnnbWriter&) = delete;
  ~GnnbWriter();

  // begin, write as often as need be until the shape is full, end. `name` is one of the files above.
  void begin(const std::string& name, data::NpyType type, std::vector<std::int64_t> shape);
  void write(std::span<const std::byte> bytes);
  void end();
  void array(const std::string& name, data::NpyType type, std::vector<std::int64_t> shape, std::span<const std::byte> bytes);
  void node_ids(std::span<const std::string> ids);

  // Writes the manifest and moves the folder to its path. Of `facts` it takes name, source, format, direction, counts,
  // feature_norm, classes and split_name; sizes come from what was written.
  struct Written {
    std::filesystem::path path;
    std::string digest;
    std::int64_t nodes = 0, edges = 0;
    std::uint64_t bytes = 0;
    std::vector<std::string> files;  // the manifest last
  };
  Written finish(const Dataset& facts);

 private:
  struct Contents;
  std::unique_ptr<Contents> contents_;
};

GnnbWriter::Written write_gnnb(const Dataset& data, GnnbTarget target);

bool is_gnnb(const std::filesystem::path& path);  // a folder with a manifest.json

// The folder mapped. What kernels rely on is checked (sizes, rising indptr, ascending ids in range without loops, labels, split);
// the hashes only where `verify`. `name`, `source`, `digest` as in the manifest, the digest computed anew where `verify`. Throws
// Error(input) with the file, and the byte where one is cut off or damaged.
Dataset open_gnnb(const std::filesystem::path& path, bool verify);

}  // namespace tenfold::gnnbench
