// Opening .gnnb folders. The manifest and the arrays may come from anyone: nothing that kernels rely on is believed.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/error.h"
#include "base/files.h"
#include "base/sha256.h"
#include "data/json_reader.h"
#include "data/line_reader.h"
#include "gnnbench/gnnb_files.h"
#include "gnnbench/gnnb_store.h"

namespace tenfold::gnnbench {

namespace fs = std::filesystem;

namespace {

using data::JsonValue;

// The manifest, member by member, with places for messages.
class Manifest {
 public:
  explicit Manifest(const fs::path& folder) : file_((folder / kGnnbManifest).string()), root_(data::read_json(file_)) {
    if (text(root_, "schema") != kGnnbSchema)
      data::input_error_at(file_, root_,
                           "its schema is not " + std::string(kGnnbSchema) + "; this is no .gnnb folder of this version");
  }

  const JsonValue& root() const { return root_; }
  const std::string& file() const { return file_; }

  const JsonValue& member(const JsonValue& object, const char* key) const {
    const JsonValue* found = object.find(key);
    if (found == nullptr) data::input_error_at(file_, object, std::string("lacks \"") + key + "\"");
    return *found;
  }
  std::string text(const JsonValue& object, const char* key) const {
    const JsonValue& value = member(object, key);
    if (!value.is_string()) data::input_error_at(file_, value, std::string("\"") + key + "\" is no text");
    return value.string();
  }
  std::int64_t count(const JsonValue& object, const char* key, std::int64_t maximum) const {
    const JsonValue& value = member(object, key);
    if (!value.fits_int64 || value.integer < 0 || value.integer > maximum)
      data::input_error_at(file_, value, std::string("\"") + key + "\" is no count up to " + std::to_string(maximum));
    return value.integer;
  }

 private:
  std::string file_;
  JsonValue root_;
};

constexpr std::int64_t kMostNodes = 0x7fffffff;
constexpr std::int64_t kMostEntries = std::int64_t{1} << 48;

// The mapped arrays of a folder, with the manifest's sizes and hashes compared.
class Arrays {
 public:
  Arrays(fs::path folder, const Manifest& manifest, bool verify)
      : folder_(std::move(folder)), manifest_(manifest), verify_(verify) {}

  bool has(const char* name) const { return manifest_.member(manifest_.root(), "files").find(name) != nullptr; }

  template <class T>
  std::span<const T> get(const char* name, std::vector<std::int64_t> shape) {
    check(name);
    data::NpyArray array = data::NpyArray::map(folder_ / name);
    if (array.shape() != shape) {
      std::string due;
      for (const std::int64_t extent : shape) due += (due.empty() ? "" : " x ") + std::to_string(extent);
      input_error(array.file() + ": its shape is not the " + due + " that the manifest's sizes call for");
    }
    held_.push_back(array.owner());
    return array.view<T>();
  }

  // Size and, where asked for, hash; kept for the digest.
  void check(const char* name) {
    const fs::path path = folder_ / name;
    const JsonValue& entry = manifest_.member(manifest_.member(manifest_.root(), "files"), name);
    const auto due = static_cast<std::uint64_t>(manifest_.count(entry, "bytes", INT64_MAX));
    const std::uint64_t bytes = MappedFile(path).bytes().size();
    if (bytes != due)
      input_error(path.string() + ": byte " + std::to_string(std::min(bytes, due)) + ": the file has " + std::to_string(bytes) +
                  " bytes where manifest.json states " + std::to_string(due));
    std::string hash = manifest_.text(entry, "sha256");
    if (verify_ && sha256_file(path) != hash)
      input_error(path.string() + ": byte 0 to " + std::to_string(bytes) +
                  ": SHA-256 is not the one in manifest.json; the file is damaged or was changed");
    hashes_.push_back({name, std::move(hash)});
  }

  const std::vector<HashedFile>& hashes() const { return hashes_; }
  std::shared_ptr<const void> storage() const { return std::make_shared<const std::vector<std::shared_ptr<const void>>>(held_); }

 private:
  fs::path folder_;
  const Manifest& manifest_;
  bool verify_;
  std::vector<std::shared_ptr<const void>> held_;
  std::vector<HashedFile> hashes_;
};

// Row pointers from 0 to `entries`, never falling; in each row ascending columns below `columns`, where `loops` is false without
// the row's own number. The file names begin the messages.
void check_rows(std::span<const EdgeIndex> indptr, std::span<const NodeId> indices, std::int64_t columns, bool loops,
                const std::string& indptr_file, const std::string& indices_file) {
  if (indptr.front() != 0 || indptr.back() != static_cast<EdgeIndex>(indices.size()))
    input_error(indptr_file + ": runs from " + std::to_string(indptr.front()) + " to " + std::to_string(indptr.back()) +
                ", not from 0 to the " + std::to_string(indices.size()) + " entries");
  for (std::size_t v = 0; v + 1 < indptr.size(); ++v)
    if (indptr[v] > indptr[v + 1]) input_error(indptr_file + ": falls after element " + std::to_string(v));
  for (std::size_t v = 0; v + 1 < indptr.size(); ++v) {
    NodeId last = -1;
    for (EdgeIndex e = indptr[v]; e < indptr[v + 1]; ++e) {
      const NodeId u = indices[static_cast<std::size_t>(e)];
      if (u > last && u < columns && (loops || static_cast<std::size_t>(u) != v)) {
        last = u;
        continue;
      }
      const std::string where = indices_file + ": element " + std::to_string(e) + " is " + std::to_string(u);
      if (u < 0 || u >= columns)
        input_error(where + ", outside 0.." + std::to_string(columns - 1) + " (n is " + std::to_string(columns) + ")");
      if (u <= last) input_error(where + " after " + std::to_string(last) + "; ids must ascend within a row");
      input_error(where + ", a self loop");
    }
  }
}

Features read_features(Arrays& arrays, const Manifest& manifest, std::int64_t nodes, const fs::path& folder) {
  const JsonValue& entry = manifest.member(manifest.root(), "features");
  const std::string store = manifest.text(entry, "store");
  Features out;
  out.width = manifest.count(entry, "width", kMostNodes);
  if (store == "none" || out.width == 0) return Features{};
  if (store == "dense") {
    out.dense = arrays.get<float>("features.npy", {nodes, out.width});
    return out;
  }
  if (store != "sparse") data::input_error_at(manifest.file(), entry, "\"store\" is none of none, dense and sparse");
  out.indptr = arrays.get<EdgeIndex>("x_indptr.npy", {nodes + 1});
  const EdgeIndex entries = out.indptr.back();
  if (entries < 0 || entries > kMostEntries)
    input_error((folder / "x_indptr.npy").string() + ": its last element is " + std::to_string(entries));
  out.columns = arrays.get<NodeId>("x_indices.npy", {entries});
  out.values = arrays.get<float>("x_values.npy", {entries});
  check_rows(out.indptr, out.columns, out.width, true, (folder / "x_indptr.npy").string(), (folder / "x_indices.npy").string());
  return out;
}

void check_labels(std::span<const std::int32_t> labels, int classes, const std::string& file) {
  std::size_t bad = 0, first = 0;
  for (std::size_t v = 0; v < labels.size(); ++v)
    if ((labels[v] < -1 || labels[v] >= classes) && bad++ == 0) first = v;
  if (bad > 0)
    input_error(file + ": the label of node " + std::to_string(first) + " is " + std::to_string(labels[first]) + ", outside 0.." +
                std::to_string(classes - 1) + ", and " + std::to_string(bad - 1) + " more are");
}

void check_split(std::span<const std::uint8_t> split, std::span<const std::int32_t> labels, const std::string& file) {
  for (std::size_t v = 0; v < split.size(); ++v) {
    if (split[v] == 0) continue;
    const std::string where = file + ": node " + std::to_string(v);
    if (split[v] > 3) input_error(where + " is in part " + std::to_string(split[v]) + "; 0 none, 1 train, 2 val, 3 test");
    if (labels.empty() || labels[v] < 0) input_error(where + " is in a part of the split but has no label");
  }
}

std::vector<std::string> read_node_ids(const fs::path& path, std::int64_t nodes) {
  std::vector<std::string> ids;
  data::LineReader lines(path);
  while (const auto line = lines.next()) ids.emplace_back(*line);
  if (static_cast<std::int64_t>(ids.size()) != nodes)
    input_error(path.string() + ": " + std::to_string(ids.size()) + " ids, n is " + std::to_string(nodes));
  return ids;
}

Direction direction_of(const Manifest& manifest) {
  const std::string word = manifest.text(manifest.root(), "direction");
  for (const Direction direction : {Direction::symmetric, Direction::in, Direction::out})
    if (word == name_of(direction)) return direction;
  data::input_error_at(manifest.file(), manifest.member(manifest.root(), "direction"), "direction is none of sym, in and out");
}

}  // namespace

bool is_gnnb(const fs::path& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored) && fs::exists(path / kGnnbManifest, ignored);
}

Dataset open_gnnb(const fs::path& path, bool verify) {
  const Manifest manifest(path);
  const JsonValue& root = manifest.root();
  Dataset out;
  out.name = manifest.text(root, "name");
  out.source = manifest.text(root, "source");
  out.format = "gnnb";
  out.direction = direction_of(manifest);
  const JsonValue& counts = manifest.member(root, "source_counts");
  out.counts = {.raw_edges = manifest.count(counts, "raw_edges", INT64_MAX),
                .self_loops = manifest.count(counts, "self_loops", INT64_MAX),
                .duplicates = manifest.count(counts, "duplicates", INT64_MAX),
                .asymmetric = manifest.count(counts, "asymmetric", INT64_MAX)};
  const std::int64_t nodes = manifest.count(root, "nodes", kMostNodes);
  const std::int64_t edges = manifest.count(root, "edges", kMostEntries);
  if (nodes == 0) input_error(manifest.file() + ": an empty graph: 0 nodes");
  out.classes = static_cast<int>(manifest.count(root, "classes", nodes));
  out.feature_norm = manifest.text(manifest.member(root, "features"), "norm");
  out.split_name = manifest.text(root, "split");

  Arrays arrays(path, manifest, verify);
  out.graph.indptr = arrays.get<EdgeIndex>("indptr.npy", {nodes + 1});
  out.graph.indices = arrays.get<NodeId>("indices.npy", {edges});
  check_rows(out.graph.indptr, out.graph.indices, nodes, false, (path / "indptr.npy").string(), (path / "indices.npy").string());
  if (out.direction == Direction::symmetric && verify && !is_symmetric(out.graph))
    input_error((path / "indices.npy").string() + ": an edge's reverse is missing, though the direction is sym");
  out.features = read_features(arrays, manifest, nodes, path);
  if (arrays.has("labels.npy")) {
    out.labels = arrays.get<std::int32_t>("labels.npy", {nodes});
    check_labels(out.labels, out.classes, (path / "labels.npy").string());
  }
  if (arrays.has("split.npy")) {
    out.split = arrays.get<std::uint8_t>("split.npy", {nodes});
    check_split(out.split, out.labels, (path / "split.npy").string());
  }
  if (arrays.has(kGnnbNodeIds)) {
    arrays.check(kGnnbNodeIds);
    out.node_ids = read_node_ids(path / kGnnbNodeIds, nodes);
  }
  out.digest = manifest.text(root, "digest");
  if (digest_of(nodes, out.features.width, out.classes, out.direction, arrays.hashes()) != out.digest)
    input_error(manifest.file() + ": its digest does not follow from its sizes and hashes; the manifest was changed");
  out.storage = arrays.storage();
  return out;
}

}  // namespace tenfold::gnnbench
