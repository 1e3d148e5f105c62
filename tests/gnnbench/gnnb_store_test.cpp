// .gnnb folders: what goes in comes out, equal content has an equal digest, and damage is found.
#include "gnnbench/gnnb_store.h"
#include "base/refusal.h"

#include <doctest/doctest.h>

#include <fstream>

#include "base/error.h"
#include "base/sha256.h"
#include "base/temporary_folder.h"
#include "cli/scratch.h"
#include "gnnbench/load.h"

using namespace tenfold;
using namespace tenfold::gnnbench;
namespace fs = std::filesystem;

using tenfold::test::says;

namespace {

template <class T>
std::vector<T> copy(std::span<const T> values) {
  return {values.begin(), values.end()};
}

void put(const fs::path& path, const std::string& text) { std::ofstream(path, std::ios::binary) << text; }

LoadOptions from(const fs::path& path) {
  LoadOptions out;
  out.data = path.string();
  return out;
}

// Everything that training reads.
void check_equal(const Dataset& a, const Dataset& b) {
  CHECK(copy(a.graph.indptr) == copy(b.graph.indptr));
  CHECK(copy(a.graph.indices) == copy(b.graph.indices));
  CHECK(a.features.width == b.features.width);
  CHECK(copy(a.features.dense) == copy(b.features.dense));
  CHECK(copy(a.features.indptr) == copy(b.features.indptr));
  CHECK(copy(a.features.columns) == copy(b.features.columns));
  CHECK(copy(a.features.values) == copy(b.features.values));
  CHECK(copy(a.labels) == copy(b.labels));
  CHECK(copy(a.split) == copy(b.split));
  CHECK(a.classes == b.classes);
  CHECK(a.feature_norm == b.feature_norm);
  CHECK(a.split_name == b.split_name);
  CHECK(a.node_ids == b.node_ids);
  CHECK(a.digest == b.digest);
  CHECK(a.name == b.name);
  CHECK(a.counts.raw_edges == b.counts.raw_edges);
}

std::string refusal(const fs::path& path, bool verify = false) {
  return tenfold::test::refusal([&] { open_gnnb(path, verify); });
}

// A .gnnb folder of a labelled path with a split and sparse features.
fs::path small_store(const TemporaryFolder& folder) {
  put(folder / "p.txt", "a b\nb c\nc d\n");
  put(folder / "y.csv", "id,label\na,0\nb,1\nc,0\nd,1\n");
  LoadOptions options = from(folder / "p.txt");
  options.labels = (folder / "y.csv").string();
  options.features = "identity";
  options.store = "sparse";
  options.split = "random:0.5,0.25,0.25";
  return write_gnnb(open_dataset(options).data, {.path = folder / "p.gnnb"}).path;
}

void replace_bytes(const fs::path& file, const std::string& before, const std::string& after) {
  std::string text = test::slurp(file);
  const std::size_t at = text.find(before);
  REQUIRE(at != std::string::npos);
  put(file, text.replace(at, before.size(), after));
}

}  // namespace

TEST_CASE("gnnb: npz to gnnb gives the same dataset, dense and sparse") {
  const TemporaryFolder folder;
  for (const char* store : {"dense", "sparse"}) {
    LoadOptions options = from(fs::path(TENFOLD_SOURCE_DIR) / "sample_data/gnn/iris.npz");
    options.split = "per-class:10,30,60";
    options.store = store;
    options.feature_norm = "l2";
    const Dataset data = open_dataset(options).data;
    const fs::path path = folder / (std::string(store) + ".gnnb");
    const auto written = write_gnnb(data, {.path = path});
    CHECK(written.digest == data.digest);
    const Loaded back = open_dataset(from(path));
    check_equal(data, back.data);
    CHECK(back.data.format == "gnnb");
    CHECK(open_gnnb(path, true).digest == data.digest);
    // A second hand copies it without a change.
    const auto again = write_gnnb(back.data, {.path = folder / (std::string(store) + "-2.gnnb")});
    CHECK(again.digest == data.digest);
  }
}

TEST_CASE("gnnb: ids, labels and split of a text graph survive") {
  const TemporaryFolder folder;
  const fs::path path = small_store(folder);
  const Dataset data = open_gnnb(path, true);
  CHECK(data.node_ids == std::vector<std::string>{"a", "b", "c", "d"});
  CHECK(copy(data.labels) == std::vector<std::int32_t>{0, 1, 0, 1});
  CHECK(copy(data.graph.indices) == std::vector<NodeId>{1, 0, 2, 1, 3, 2});
  CHECK(data.part(Part::train).size() == 2);
}

TEST_CASE("gnnb: repeated and reversed edges and self loops change no digest; a real change does") {
  const TemporaryFolder folder;
  const auto digest = [&](const std::string& edges, const std::string& split = "random:0.5,0.25,0.25") {
    put(folder / "e.txt", edges);
    put(folder / "y.txt", "0\n1\n0\n1\n");
    LoadOptions options = from(folder / "e.txt");
    options.labels = (folder / "y.txt").string();
    options.features = "degree";
    options.split = split;
    return open_dataset(options).data.digest;
  };
  const std::string one = digest("0 1\n1 2\n2 3\n");
  CHECK(digest("3 2\n1 2\n0 1\n1 0\n2 1\n2 1\n3 3\n") == one);
  CHECK(digest("0 1\n1 2\n0 3\n") != one);
  CHECK(digest("0 1\n1 2\n2 3\n", "random:0.25,0.5,0.25") != one);
}

TEST_CASE("gnnb: the digest is that of the manual") {
  const TemporaryFolder folder;
  put(folder / "e.txt", "0 1\n");
  const Dataset data = open_dataset(from(folder / "e.txt")).data;
  const fs::path path = write_gnnb(data, {.path = folder / "e.gnnb"}).path;
  const std::string text = "nodes 2\nwidth 0\nclasses 0\ndirection sym\nindptr.npy " + sha256_file(path / "indptr.npy") +
                           "\nindices.npy " + sha256_file(path / "indices.npy") + "\n";
  CHECK(data.digest == sha256_hex(text));
  CHECK(says(test::slurp(path / "manifest.json"), data.digest));
}

TEST_CASE("gnnb: damage is found, by size at once and by hash when verified") {
  const TemporaryFolder folder;
  const fs::path path = small_store(folder);
  const auto reset = [&] {
    fs::remove_all(path);
    small_store(folder);
  };
  fs::resize_file(path / "indices.npy", 140);
  CHECK(says(refusal(path), "indices.npy: byte 140: the file has 140 bytes where manifest.json states 152"));
  reset();
  fs::remove(path / "labels.npy");
  CHECK(says(refusal(path), "labels.npy: cannot be read: no such file"));
  reset();
  std::string values = test::slurp(path / "x_values.npy");
  values[130] = static_cast<char>(values[130] ^ 1);
  put(path / "x_values.npy", values);
  CHECK(refusal(path) == "accepted");  // no kernel minds
  CHECK(says(refusal(path, true), "x_values.npy: byte 0 to 144: SHA-256 is not the one in manifest.json"));
  reset();
  // What kernels mind is found without hashes.
  const auto element = [&](const char* file, std::size_t index, std::int32_t value) {
    std::string bytes = test::slurp(path / file);
    for (std::size_t i = 0; i < 4; ++i) bytes[128 + 4 * index + i] = static_cast<char>(value >> (8 * i));
    put(path / file, bytes);
    const std::string message = refusal(path);
    reset();
    return message;
  };
  CHECK(says(element("indices.npy", 2, 4), "indices.npy: element 2 is 4, outside 0..3 (n is 4)"));
  CHECK(says(element("indices.npy", 2, -1), "element 2 is -1, outside"));
  CHECK(says(element("indices.npy", 2, 1), "a self loop"));
  CHECK(says(element("indices.npy", 2, 0), "element 2 is 0 after 0; ids must ascend within a row"));
  CHECK(says(element("indptr.npy", 2, 9), "indptr.npy: falls after element 1"));
  CHECK(says(element("labels.npy", 3, 2), "labels.npy: the label of node 3 is 2, outside 0..1, and 0 more are"));
  CHECK(says(element("x_indices.npy", 0, 4), "x_indices.npy: element 0 is 4, outside 0..3"));
}

TEST_CASE("gnnb: a manifest that lies is refused") {
  const TemporaryFolder folder;
  const fs::path path = small_store(folder);
  const auto changed = [&](const std::string& before, const std::string& after) {
    replace_bytes(path / "manifest.json", before, after);
    const std::string message = refusal(path);
    fs::remove_all(path);
    small_store(folder);
    return message;
  };
  CHECK(says(changed("\"nodes\": 4", "\"nodes\": 5"), "indptr.npy: its shape is not the 6"));
  CHECK(says(changed("\"nodes\": 4", "\"nodes\": 3000000000"), "\"nodes\" is no count up to 2147483647"));
  CHECK(says(changed("\"nodes\": 4", "\"nodes\": 0"), "an empty graph"));
  CHECK(says(changed("gnnb/1", "gnnb/2"), "this is no .gnnb folder of this version"));
  CHECK(says(changed("\"sym\"", "\"up\""), "direction is none of"));
  CHECK(says(changed("\"classes\": 2", "\"classes\": 3"), "its digest does not follow"));
  CHECK(says(changed("\"digest\": \"", "\"digest\": \"0"), "its digest does not follow"));
  CHECK(says(changed("\"edges\"", "\"edgse\""), "manifest.json:1:1: lacks \"edges\""));
}

TEST_CASE("gnnb: a folder appears whole or not at all, and only --force replaces one") {
  const TemporaryFolder folder;
  put(folder / "e.txt", "0 1\n");
  const Dataset data = open_dataset(from(folder / "e.txt")).data;
  {
    GnnbWriter writer({.path = folder / "deep/er/x.gnnb"});
    writer.begin("indptr.npy", data::NpyType::i64, {3});
    CHECK_FALSE(fs::exists(folder / "deep/er/x.gnnb"));
  }
  CHECK_FALSE(fs::exists(folder / "deep"));  // nothing is left of it
  write_gnnb(data, {.path = folder / "x.gnnb"});
  CHECK_THROWS_AS(write_gnnb(data, {.path = folder / "x.gnnb"}), Error);
  CHECK(write_gnnb(data, {.path = folder / "x.gnnb", .may_number = true}).path == folder / "x-2.gnnb");
  CHECK(write_gnnb(data, {.path = folder / "x.gnnb", .force = true}).path == folder / "x.gnnb");
  fs::create_directory(folder / "mine");
  put(folder / "mine" / "keep.txt", "mine");
  CHECK_THROWS_AS(write_gnnb(data, {.path = folder / "mine", .force = true}), Error);
  CHECK(test::slurp(folder / "mine" / "keep.txt") == "mine");
  fs::create_directory(folder / "empty");
  CHECK(write_gnnb(data, {.path = folder / "empty"}).path == folder / "empty");
  for (const auto& entry : fs::directory_iterator(folder.path())) CHECK_FALSE(says(entry.path().string(), ".tmp-"));
}
