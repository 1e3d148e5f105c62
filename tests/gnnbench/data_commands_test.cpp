// The program's data commands: facts of known graphs, and one line with exit code and place for every kind of bad input.
#include <doctest/doctest.h>
#include <zlib.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "cli/process.h"
#include "cli/scratch.h"
#include "data/json.h"
#include "data/npy.h"
#include "data/zip_bytes.h"

using namespace tenfold;
using test::Scratch;
namespace fs = std::filesystem;

namespace {

test::Outcome gnnbench(std::vector<std::string> words, const Scratch& scratch, const std::string& input = "") {
  words.insert(words.begin(), TENFOLD_BUILD_DIR "/bin/gnnbench");
  return test::run(words, {.directory = scratch.path().string(), .variables = {}, .input = input});
}

Json info(std::vector<std::string> words, const Scratch& scratch) {
  words.insert(words.begin(), {"data", "info"});
  const test::Outcome outcome = gnnbench(std::move(words), scratch);
  CHECK_MESSAGE(outcome.exit_code == 0, outcome.err);
  return outcome.exit_code == 0 ? Json::parse(outcome.out)["result"] : Json();
}

template <class T>
std::string npy(data::NpyType type, std::vector<std::int64_t> shape, const std::vector<T>& values) {
  std::string elements(values.size() * sizeof(T), '\0');
  std::memcpy(elements.data(), values.data(), elements.size());
  return data::npy_header(type, shape) + elements;
}

std::string ints(const std::vector<std::int32_t>& values) {
  return npy(data::NpyType::i32, {static_cast<std::int64_t>(values.size())}, values);
}
std::string bytes(const std::vector<std::uint8_t>& values) {
  return npy(data::NpyType::boolean, {static_cast<std::int64_t>(values.size())}, values);
}

std::string objects() {
  std::string file = npy<std::int64_t>(data::NpyType::i64, {1}, {1});
  return file.replace(file.find("<i8"), 3, "|O8");
}

// A path 0-1-2 with two features, labels and masks; members may be replaced, added, or dropped by an empty content.
std::string path_npz(const std::vector<test::ZipMember>& changes = {}) {
  std::vector<test::ZipMember> members = {
      {.name = "adj_data.npy", .content = ints({1, 1})},
      {.name = "adj_indices.npy", .content = ints({1, 2})},
      {.name = "adj_indptr.npy", .content = ints({0, 1, 2, 2})},
      {.name = "adj_shape.npy", .content = ints({3, 3})},
      {.name = "attr_matrix.npy", .content = npy<float>(data::NpyType::f32, {3, 2}, {1, 2, 3, 4, 5, 6})},
      {.name = "labels.npy", .content = ints({0, 1, 0})},
      {.name = "train_mask.npy", .content = bytes({1, 0, 0})},
      {.name = "val_mask.npy", .content = bytes({0, 1, 0})},
      {.name = "test_mask.npy", .content = bytes({0, 0, 1})}};
  for (const test::ZipMember& change : changes) {
    const auto same = [&](const test::ZipMember& m) { return m.name == change.name; };
    std::erase_if(members, same);
    if (!change.content.empty()) members.push_back(change);
  }
  return zip_bytes(members);
}

struct Refusal {
  const Scratch& scratch;
  void operator()(const std::vector<std::string>& words, int exit_code, const std::string& gist) const {
    const test::Outcome outcome = gnnbench(words, scratch);
    CAPTURE(gist);
    CHECK_MESSAGE(outcome.exit_code == exit_code, outcome.err);
    CHECK(outcome.out.empty());
    CHECK_MESSAGE(outcome.err.find("gnnbench: error: ") != std::string::npos, outcome.err);
    CHECK_MESSAGE(outcome.err.find(gist) != std::string::npos, outcome.err);
  }
};

fs::path graphs_folder() {
  const char* data = std::getenv("TENFOLD_DATA");
  return fs::path(data != nullptr ? data : TENFOLD_DATA_DEFAULT) / "graphs";
}

}  // namespace

TEST_CASE("data info: published graphs have their published sizes") {
  const fs::path folder = graphs_folder();
  if (!fs::exists(folder)) {
    MESSAGE("skipped: no " << folder.string());
    return;
  }
  const Scratch scratch;
  // Symmetric entries, greatest degree, isolated nodes; classes and features as in PyG's tables.
  const auto check = [&](const char* name, int nnz, int degree, int isolated, int classes, int width) {
    CAPTURE(name);
    const Json facts = info({(folder / (std::string(name) + ".npz")).string()}, scratch);
    CHECK(facts["nnz"] == nnz);
    CHECK(facts["max_degree"] == degree);
    CHECK(facts["isolated"] == isolated);
    CHECK(facts["classes"] == classes);
    CHECK(facts["features"]["width"] == width);
  };
  check("cora", 10556, 168, 0, 7, 1433);
  check("cora_ml", 16316, 246, 0, 7, 2879);
  check("amazon_photo", 238162, 1434, 115, 8, 745);
  check("dblp", 105734, 339, 0, 4, 1639);
  check("coauthor_cs", 163788, 136, 0, 15, 6805);
  const Json split = info({(folder / "cora_public.npz").string()}, scratch)["split"];
  CHECK(split["train"] == 140);
  CHECK(split["val"] == 500);
  CHECK(split["test"] == 1000);
}

TEST_CASE("data info: the karate club, named, inside the program, from a pipe, from gzip") {
  const Scratch scratch;
  const Json facts = info({"sample_data/gnn/karate.csv", "--labels", "sample_data/gnn/karate_labels.csv"}, scratch);
  CHECK(facts["n"] == 34);
  CHECK(facts["nnz"] == 156);
  CHECK(facts["max_degree"] == 17);  // the administrator
  CHECK(facts["class_sizes"] == Json::array({17, 17}));
  CHECK(facts["homophily"].get<double>() == doctest::Approx(67.0 / 78));  // 11 friendships crossed the split
  CHECK(info({}, scratch)["digest"] == facts["digest"]);
  const test::Outcome piped = gnnbench({"data", "info", "-", "--labels", "sample_data/gnn/karate_labels.csv"}, scratch,
                                       test::slurp(scratch.path() / "sample_data/gnn/karate.csv"));
  CHECK_MESSAGE(piped.exit_code == 0, piped.err);
  CHECK(Json::parse(piped.out)["result"]["digest"] == facts["digest"]);
  CHECK(piped.err.find("separated by comma") != std::string::npos);
  CHECK(piped.err.find("ids count from 1") != std::string::npos);
  gzFile packed = gzopen((scratch.path() / "k.txt.gz").c_str(), "wb");
  const std::string text = test::slurp(scratch.path() / "sample_data/gnn/karate.csv");
  gzwrite(packed, text.data(), static_cast<unsigned>(text.size()));
  gzclose(packed);
  CHECK(info({"k.txt.gz", "--labels", "sample_data/gnn/karate_labels.csv"}, scratch)["digest"] == facts["digest"]);
  // The same graph as MatrixMarket.
  std::string mtx = "%%MatrixMarket matrix coordinate pattern symmetric\n34 34 78\n";
  std::string edges = text.substr(text.find("target\n") + 7);
  for (char& c : edges) c = c == ',' ? ' ' : c;
  scratch.file("k.mtx", mtx + edges);
  CHECK(info({"k.mtx", "--labels", "sample_data/gnn/karate_labels.csv"}, scratch)["nnz"] == 156);
}

TEST_CASE("data info: direction, repeated edges, loops") {
  const Scratch scratch;
  scratch.file("d.txt", "0 1\n0 1\n1 1\n0 2\n2 0\n3 0\n4 0\n");
  const Json sym = info({"d.txt"}, scratch), in = info({"d.txt", "--direction", "in"}, scratch),
             out = info({"d.txt", "--direction", "out"}, scratch);
  for (const Json* facts : {&sym, &in, &out}) {
    CHECK((*facts)["raw_edges"] == 7);
    CHECK((*facts)["duplicates"] == 1);
    CHECK((*facts)["self_loops"] == 1);
    CHECK((*facts)["asymmetric"] == 3);  // 0>1, 3>0, 4>0
    CHECK((*facts)["isolated"] == 0);
  }
  CHECK(sym["nnz"] == 8);
  CHECK(in["nnz"] == 5);
  CHECK(sym["max_degree"] == 4);
  CHECK(in["max_degree"] == 3);   // into 0: from 2, 3 and 4
  CHECK(out["max_degree"] == 2);  // out of 0: to 1 and 2
  // Of an archive row u holds the targets of u: here 0 > 1 and 0 > 2.
  scratch.file("d.npz", path_npz({{.name = "adj_indptr.npy", .content = ints({0, 2, 2, 2})}}));
  CHECK(info({"d.npz", "--direction", "in"}, scratch)["max_degree"] == 1);
  CHECK(info({"d.npz", "--direction", "out"}, scratch)["max_degree"] == 2);
}

TEST_CASE("data convert and split: to .gnnb and back") {
  const Scratch scratch;
  scratch.file("p.npz", path_npz({{.name = "names.npy", .content = objects()}}));
  const Json facts = info({"p.npz"}, scratch);
  const test::Outcome converted = gnnbench({"data", "convert", "p.npz", "-o", "p.gnnb"}, scratch);
  CHECK_MESSAGE(converted.exit_code == 0, converted.err);
  CHECK(converted.err.find("passed over, as no arrays of numbers: names") != std::string::npos);
  CHECK(info({"p.gnnb"}, scratch)["digest"] == facts["digest"]);
  CHECK(info({"p.gnnb"}, scratch)["split"] == facts["split"]);
  const test::Outcome split = gnnbench({"data", "split", "p.gnnb", "--split", "per-class:1,1,0", "-o", "s.gnnb"}, scratch);
  CHECK_MESSAGE(split.exit_code == 0, split.err);
  CHECK(Json::parse(split.out)["result"]["classes"][1]["train"] == 1);
  CHECK(info({"s.gnnb"}, scratch)["split"]["train"] == 2);
  CHECK(info({"s.gnnb"}, scratch)["split"]["name"] == "per-class:1,1,0 (seed 1)");
  const Refusal refuse{scratch};
  refuse({"data", "convert", "p.npz", "-o", "p.gnnb"}, 2, "p.gnnb: already there; --force replaces");
  CHECK(gnnbench({"data", "convert", "p.npz", "-o", "p.gnnb", "--force"}, scratch).exit_code == 0);
  refuse({"data", "convert", "p.npz", "-o", "sample_data", "--force"}, 2, "already there");
  refuse({"data", "info", "p.gnnb", "--direction", "in"}, 2, "stored with direction sym");
  CHECK(gnnbench({"data", "convert", "p.npz", "--feature-norm", "l1", "-o", "n.gnnb"}, scratch).exit_code == 0);
  CHECK(info({"n.gnnb"}, scratch)["features"]["norm"] == "l1");
  refuse({"data", "info", "n.gnnb", "--feature-norm", "std"}, 2, "stored with norm l1");
}

TEST_CASE("data: what an archive may not hold, each with key, place and n") {
  const Scratch scratch;
  const Refusal refuse{scratch};
  const auto npz = [&](const std::vector<test::ZipMember>& changes, const std::string& gist) {
    scratch.file("b.npz", path_npz(changes));
    refuse({"data", "info", "b.npz"}, 3, gist);
    refuse({"data", "convert", "b.npz", "-o", "b.gnnb"}, 3, gist);
    CHECK_FALSE(fs::exists(scratch.path() / "b.gnnb"));
  };
  const float nan = std::nanf(""), inf = INFINITY;
  npz({{.name = "adj_indices.npy", .content = ints({1, 3})}}, "b.npz: adj_indices: element 1 is 3, outside 0..2 (n is 3)");
  npz({{.name = "adj_indices.npy", .content = ints({-1, 2})}}, "element 0 is -1, outside 0..2 (n is 3)");
  npz({{.name = "adj_indptr.npy", .content = ints({0, 2, 1, 2})}}, "adj_indptr falls after element 1");
  npz({{.name = "adj_indptr.npy", .content = ints({0, 2, 2})}}, "adj_indptr has 3 elements, n is 3");
  npz({{.name = "adj_indptr.npy", .content = ints({0, 1, 2, 5})}}, "adj_indptr runs from 0 to 5");
  npz({{.name = "adj_shape.npy", .content = ints({3, 4})}}, "adj_shape is 3 x 4, not square");
  npz({{.name = "adj_shape.npy", .content = npy<std::int64_t>(data::NpyType::i64, {2}, {std::int64_t{1} << 31, 3})}}, "2^31");
  npz({{.name = "adj_indptr.npy", .content = ""}}, "no array \"adj_indptr\"");
  npz({{.name = "adj_shape.npy", .content = ints({0, 0})},
       {.name = "adj_indptr.npy", .content = ints({0})},
       {.name = "adj_indices.npy", .content = ints({})}},
      "an empty graph: 0 nodes");
  npz({{.name = "adj_indices.npy", .content = objects()}},
      "member adj_indices.npy: an object array, which is a pickle and never executed; re-save");
  npz({{.name = "labels.npy", .content = objects()}}, "member labels.npy: an object array");
  npz({{.name = "attr_matrix.npy", .content = npy<float>(data::NpyType::f32, {2, 2}, {1, 2, 3, 4})}},
      "2 rows of features, n is 3");
  npz({{.name = "attr_matrix.npy", .content = npy<float>(data::NpyType::f32, {3, 2}, {1, 2, 3, nan, inf, nan})}},
      "row 1, column 1 (from 0) is NaN, and 2 more");
  npz({{.name = "attr_matrix.npy", .content = npy<double>(data::NpyType::f64, {3, 1}, {1, 1e300, 1})}},
      "row 1, column 0 (from 0) is infinite, and 0 more");
  npz({{.name = "labels.npy", .content = ints({0, -2, 1})}}, "the label of node 1 is -2");
  npz({{.name = "labels.npy", .content = ints({0, 1, 3})}}, "the label of node 2 is 3; labels are 0..C-1 with C at most n = 3");
  npz({{.name = "labels.npy", .content = ints({0, 1})}}, "2 labels, n is 3");
  npz({{.name = "labels.npy", .content = npy<std::int32_t>(data::NpyType::i32, {3, 2}, {0, 1, 1, 0, 0, 0})}},
      "several labels a node");
  npz({{.name = "val_mask.npy", .content = bytes({1, 1, 0})}}, "masks overlap: 1 of 3 nodes");
  npz({{.name = "val_mask.npy", .content = bytes({0, 1})}}, "val_mask has 2 elements, n is 3");
  npz({{.name = "val_mask.npy", .content = npy<std::uint8_t>(data::NpyType::boolean, {3, 2}, {0, 0, 1, 1, 0, 0})}},
      "val_mask has 2 dimensions");
  npz({{.name = "val_mask.npy", .content = ""}, {.name = "val_idx.npy", .content = ints({3})}},
      "val_idx: element 0 is 3, n is 3");
}

TEST_CASE("data: files that end early, are damaged or foreign") {
  const Scratch scratch;
  const Refusal refuse{scratch};
  const std::string whole = path_npz();
  scratch.file("cut.npz", whole.substr(0, whole.size() - 40));
  refuse({"data", "info", "cut.npz"}, 3, "cut.npz: byte " + std::to_string(whole.size() - 40) + ": ends without the directory");
  scratch.file("crc.npz", path_npz({{.name = "labels.npy", .content = ints({0, 1, 0}), .checksum_error = 1}}));
  refuse({"data", "info", "crc.npz"}, 3, "crc.npz: member labels.npy: byte 140 of its content: CRC error");
  scratch.file("cut.txt.gz", std::string("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03", 10));
  refuse({"data", "info", "cut.txt.gz"}, 3, "cut.txt.gz: byte 10: the gzip stream ends early");
  scratch.file("ind.x", std::string("\x80\x02}q\x01.", 6));
  refuse({"data", "info", "ind.x"}, 3, "ind.x: a pickle, which is never executed");
  scratch.file("one.npy", ints({1}));
  refuse({"data", "info", "one.npy"}, 3, "a single array");
  refuse({"data", "info", "sample_data"}, 3, "sample_data: a folder without manifest.json");
  refuse({"data", "info", "none.npz"}, 3, "none.npz: cannot be read: no such file");
  refuse({"data", "info", "embedded:karat"}, 2, "did you mean embedded:karate?");
  CHECK(gnnbench({"data", "convert", "sample_data/gnn/iris.npz", "-o", "i.gnnb"}, scratch).exit_code == 0);
  std::string labels = test::slurp(scratch.path() / "i.gnnb" / "labels.npy");
  labels[128] = 1;
  scratch.file("i.gnnb/labels.npy", labels);
  refuse({"data", "info", "i.gnnb"}, 3, "labels.npy: byte 0 to 728: SHA-256 is not the one in manifest.json");
  refuse({"data", "convert", "i.gnnb", "-o", "j.gnnb"}, 3, "SHA-256");
}

TEST_CASE("data: text files beside the graph, each refusal with file and line") {
  const Scratch scratch;
  const Refusal refuse{scratch};
  scratch.file("e.txt", "0 1\n1 2\n");
  scratch.file("y.csv", "0\n1\n0\n");
  const auto features = [&](const std::string& text, const std::string& gist) {
    scratch.file("x.csv", text);
    refuse({"data", "info", "e.txt", "--node-features", "x.csv"}, 3, gist);
  };
  features("1,2\n3,4\n5\n", "x.csv:3: 1 column where line 1 has 2");
  features("1,2\n3,b\n5,6\n", "x.csv:2: column 2: \"b\" is no number");
  features("a,b\n1,2\n3,nan\n5,inf\n", "x.csv: the feature in row 1, column 1 (from 0) is NaN, and 1 more");
  features("1,2\n3,4\n", "e.txt:2: node id 2 is too large, n is 2 and ids count from 0");
  scratch.file("x.csv", "1,2\n3,4\n5,6\n7,8\n");
  refuse({"data", "info", "e.txt", "--node-features", "x.csv", "--labels", "y.csv"}, 3, "x.csv:4: 4 rows of features, n is 3");
  refuse({"data", "info", "sample_data/gnn/iris.npz", "--node-features", "x.csv"}, 3, "x.csv:4: 4 rows of features, n is 150");
  scratch.file("x.csv", "id,w\n2,30\n0,10\n1,20\n");
  CHECK(info({"e.txt", "--node-features", "x.csv", "--labels", "y.csv"}, scratch)["features"]["width"] == 1);
}

TEST_CASE("data split: a task without labels, or too few of them") {
  const Scratch scratch;
  const Refusal refuse{scratch};
  scratch.file("e.txt", "0 1\n1 2\n");
  scratch.file("y.csv", "0\n-1\n1\n");
  refuse({"data", "split", "e.txt"}, 3, "no node has a label; name a file with --labels");
  refuse({"data", "split", "e.txt", "--labels", "y.csv", "--split", "per-class:1,1,1"}, 3, "0 labelled nodes are left after 2");
  refuse({"data", "split", "e.txt", "--labels", "y.csv", "--split", "given"}, 2, "data split makes a split");
  refuse({"data", "split", "e.txt", "--labels", "y.csv", "--split", "randm:1,0,0"}, 2, "did you mean random?");
  CHECK(gnnbench({"data", "split", "e.txt", "--labels", "y.csv", "--split", "random:1,0,0", "-o", "s.gnnb"}, scratch).exit_code ==
        0);
  CHECK(info({"s.gnnb"}, scratch)["split"]["train"] == 2);  // the node without label is in none
}
