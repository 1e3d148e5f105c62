// Writing .gnnb folders, and the digest.
#include "gnnbench/gnnb_store.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/error.h"
#include "base/files.h"
#include "base/sha256.h"
#include "data/json.h"
#include "gnnbench/gnnb_files.h"
#include "gnnbench/split.h"

namespace tenfold::gnnbench {

namespace fs = std::filesystem;

namespace {

template <class T>
std::span<const std::byte> bytes_of(std::span<const T> values) {
  return std::as_bytes(values);
}

struct ArrayOfDataset {
  const char* name;
  data::NpyType type;
  std::vector<std::int64_t> shape;
  std::span<const std::byte> bytes;
};

std::int64_t length(std::size_t size) { return static_cast<std::int64_t>(size); }

bool has_split(std::span<const std::uint8_t> split) {
  return std::any_of(split.begin(), split.end(), [](std::uint8_t p) { return p != 0; });
}

// The arrays a dataset has, as they are stored.
std::vector<ArrayOfDataset> arrays_of(const Dataset& data) {
  using data::NpyType;
  std::vector<ArrayOfDataset> out;
  out.push_back({"indptr.npy", NpyType::i64, {length(data.graph.indptr.size())}, bytes_of(data.graph.indptr)});
  out.push_back({"indices.npy", NpyType::i32, {length(data.graph.indices.size())}, bytes_of(data.graph.indices)});
  const Features& x = data.features;
  if (x.sparse()) {
    out.push_back({"x_indptr.npy", NpyType::i64, {length(x.indptr.size())}, bytes_of(x.indptr)});
    out.push_back({"x_indices.npy", NpyType::i32, {length(x.columns.size())}, bytes_of(x.columns)});
    out.push_back({"x_values.npy", NpyType::f32, {length(x.values.size())}, bytes_of(x.values)});
  } else if (x.width > 0) {
    out.push_back({"features.npy", NpyType::f32, {data.nodes(), x.width}, bytes_of(x.dense)});
  }
  if (!data.labels.empty()) out.push_back({"labels.npy", NpyType::i32, {data.nodes()}, bytes_of(data.labels)});
  if (has_split(data.split)) out.push_back({"split.npy", NpyType::u8, {data.nodes()}, bytes_of(data.split)});
  return out;
}

// Another process may take the name meanwhile: the move itself decides. Gives 0 or errno.
int move_folder(const fs::path& from, const fs::path& to, unsigned flags) {
  return ::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), flags) == 0 ? 0 : errno;
}

[[noreturn]] void refuse_target(const fs::path& path) {
  usage_error(path.string() + ": already there; --force replaces a .gnnb folder, or name another with --out");
}

bool is_free(const fs::path& path) {
  std::error_code ignored;
  return !fs::exists(path, ignored) || (fs::is_directory(path, ignored) && fs::is_empty(path, ignored));
}

fs::path numbered(const fs::path& path, int number) {
  if (number == 1) return path;
  fs::path out = path;
  out.replace_filename(path.stem().string() + "-" + std::to_string(number) + path.extension().string());
  return out;
}

}  // namespace

const char* name_of(Direction direction) {
  return direction == Direction::symmetric ? "sym" : direction == Direction::in ? "in" : "out";
}

std::string digest_of(std::int64_t nodes, std::int64_t width, int classes, Direction direction,
                      const std::vector<HashedFile>& files) {
  std::string text = "nodes " + std::to_string(nodes) + "\nwidth " + std::to_string(width) + "\nclasses " +
                     std::to_string(classes) + "\ndirection " + name_of(direction) + "\n";
  for (const char* name : kGnnbArrays)
    for (const HashedFile& file : files)
      if (file.name == name) text += file.name + " " + file.sha256 + "\n";
  return sha256_hex(text);
}

std::string dataset_digest(const Dataset& data) {
  std::vector<HashedFile> files;
  for (const ArrayOfDataset& array : arrays_of(data)) {
    Sha256 hash;
    hash.update(data::npy_header(array.type, array.shape));
    hash.update(array.bytes);
    files.push_back({array.name, hash.hex()});
  }
  return digest_of(data.nodes(), data.features.width, data.classes, data.direction, files);
}

struct GnnbWriter::Contents {
  struct File {
    std::string name;
    std::uint64_t bytes = 0;
    std::string sha256;
    std::vector<std::int64_t> shape;
  };

  GnnbTarget target;
  fs::path temporary;
  std::vector<fs::path> made;  // parents that were not there
  std::vector<File> files;
  std::unique_ptr<AtomicFile> open;
  std::unique_ptr<Sha256> hash;
  std::uint64_t due = 0;  // bytes of the array that are still to come
  bool moved = false;

  const File* find(std::string_view name) const {
    const auto found = std::find_if(files.begin(), files.end(), [&](const File& f) { return f.name == name; });
    return found == files.end() ? nullptr : &*found;
  }

  void make_folder() {
    fs::path parent = fs::absolute(target.path).lexically_normal().parent_path();
    std::error_code error;
    for (fs::path part = parent; !fs::exists(part, error) && part.has_relative_path(); part = part.parent_path())
      made.push_back(part);
    fs::create_directories(parent, error);
    if (error) machine_error(parent.string() + ": cannot be made: " + error.message());
    temporary = parent / ("." + target.path.filename().string() + ".tmp-" + std::to_string(::getpid()));
    fs::remove_all(temporary, error);
    if (!fs::create_directory(temporary, error))
      machine_error(target.path.string() +
                    ": cannot be written: " + (error ? error.message() : "its temporary folder is in use"));
  }

  void put(std::span<const std::byte> bytes) {
    open->write(bytes);
    hash->update(bytes);
    files.back().bytes += bytes.size();
  }

  void start(const std::string& name, std::vector<std::int64_t> shape) {
    open = std::make_unique<AtomicFile>(temporary / name);
    hash = std::make_unique<Sha256>();
    files.push_back({name, 0, "", std::move(shape)});
  }

  void close() {
    open->commit();
    open.reset();
    files.back().sha256 = hash->hex();
  }

  // To the path, or the next free one; an earlier .gnnb is replaced in one step where that is allowed.
  fs::path move() {
    for (int number = 1;; ++number) {
      const fs::path to = numbered(target.path, number);
      int error = move_folder(temporary, to, RENAME_NOREPLACE);
      if (error == EEXIST && !target.may_number) {
        if (is_free(to)) {
          error = ::rename(temporary.c_str(), to.c_str()) == 0 ? 0 : errno;
        } else if (target.force && is_gnnb(to)) {
          error = move_folder(temporary, to, RENAME_EXCHANGE);
          std::error_code ignored;
          if (error == 0) fs::remove_all(temporary, ignored);  // the earlier one now
        } else {
          refuse_target(to);
        }
      }
      if (error == EEXIST && target.may_number) continue;
      if (error != 0) machine_error(to.string() + ": cannot be written: " + std::strerror(error));
      moved = true;
      return to;
    }
  }
};

GnnbWriter::GnnbWriter(GnnbTarget target) : contents_(std::make_unique<Contents>()) {
  Contents& c = *contents_;
  c.target = std::move(target);
  if (!c.target.path.has_filename()) c.target.path = c.target.path.parent_path();  // "a.gnnb/"
  if (!c.target.may_number && !is_free(c.target.path) && !(c.target.force && is_gnnb(c.target.path)))
    refuse_target(c.target.path);
  c.make_folder();
}

GnnbWriter::~GnnbWriter() {
  Contents& c = *contents_;
  if (c.moved) return;
  std::error_code ignored;
  c.open.reset();
  fs::remove_all(c.temporary, ignored);
  for (const fs::path& folder : c.made) ::rmdir(folder.c_str());
}

void GnnbWriter::begin(const std::string& name, data::NpyType type, std::vector<std::int64_t> shape) {
  Contents& c = *contents_;
  if (c.open != nullptr || c.find(name) != nullptr) machine_error("a fault of this program: " + name + " is written twice");
  const std::string header = data::npy_header(type, shape);
  c.due = data::size_of(type);
  for (const std::int64_t extent : shape) c.due *= static_cast<std::uint64_t>(extent);
  c.start(name, std::move(shape));
  c.put(std::as_bytes(std::span(header)));
}

void GnnbWriter::write(std::span<const std::byte> bytes) {
  if (bytes.size() > contents_->due) machine_error("a fault of this program: more elements than the array's shape has");
  contents_->due -= bytes.size();
  contents_->put(bytes);
}

void GnnbWriter::end() {
  if (contents_->due != 0) machine_error("a fault of this program: fewer elements than the array's shape has");
  contents_->close();
}

void GnnbWriter::array(const std::string& name, data::NpyType type, std::vector<std::int64_t> shape,
                       std::span<const std::byte> bytes) {
  begin(name, type, std::move(shape));
  write(bytes);
  end();
}

void GnnbWriter::node_ids(std::span<const std::string> ids) {
  Contents& c = *contents_;
  c.start(kGnnbNodeIds, {length(ids.size())});
  std::string text;
  for (const std::string& id : ids) {
    text += id + "\n";
    if (text.size() < 1 << 20) continue;
    c.put(std::as_bytes(std::span(text)));
    text.clear();
  }
  c.put(std::as_bytes(std::span(text)));
  c.close();
}

GnnbWriter::Written GnnbWriter::finish(const Dataset& facts) {
  Contents& c = *contents_;
  const auto* indptr = c.find("indptr.npy");
  const auto* indices = c.find("indices.npy");
  if (indptr == nullptr || indices == nullptr) machine_error("a fault of this program: a .gnnb folder without its graph");
  const auto* dense = c.find("features.npy");
  const bool sparse = c.find("x_values.npy") != nullptr;
  Written out;
  out.nodes = indptr->shape[0] - 1;
  out.edges = indices->shape[0];
  std::vector<HashedFile> hashed;
  Json files = Json::object();
  for (const Contents::File& file : c.files) {
    hashed.push_back({file.name, file.sha256});
    files[file.name] = {{"bytes", file.bytes}, {"sha256", file.sha256}};
    out.bytes += file.bytes;
    out.files.push_back(file.name);
  }
  out.files.emplace_back(kGnnbManifest);
  const std::int64_t width = dense != nullptr ? dense->shape[1] : sparse ? facts.features.width : 0;
  out.digest = digest_of(out.nodes, width, facts.classes, facts.direction, hashed);
  const Json manifest = {{"schema", kGnnbSchema},
                         {"name", facts.name},
                         {"source", facts.source},
                         {"source_format", facts.format},
                         {"digest", out.digest},
                         {"nodes", out.nodes},
                         {"edges", out.edges},
                         {"direction", name_of(facts.direction)},
                         {"source_counts",
                          {{"raw_edges", facts.counts.raw_edges},
                           {"self_loops", facts.counts.self_loops},
                           {"duplicates", facts.counts.duplicates},
                           {"asymmetric", facts.counts.asymmetric}}},
                         {"features",
                          {{"width", width},
                           {"store", dense != nullptr ? "dense"
                                     : sparse         ? "sparse"
                                                      : "none"},
                           {"norm", facts.feature_norm}}},
                         {"classes", facts.classes},
                         {"split", facts.split_name},
                         {"files", files}};
  write_file_atomic(c.temporary / kGnnbManifest, data::dump_json(manifest, 2) + "\n");
  out.path = c.move();
  return out;
}

GnnbWriter::Written write_gnnb(const Dataset& data, GnnbTarget target) {
  GnnbWriter writer(std::move(target));
  for (const ArrayOfDataset& array : arrays_of(data)) writer.array(array.name, array.type, array.shape, array.bytes);
  if (!data.node_ids.empty()) writer.node_ids(data.node_ids);
  return writer.finish(data);
}

}  // namespace tenfold::gnnbench
