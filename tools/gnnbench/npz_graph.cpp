// Reading gnn-benchmark .npz.
#include "gnnbench/npz_graph.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/error.h"
#include "data/number.h"

namespace tenfold::gnnbench {

namespace {

using data::NpyArray;
using data::Npz;

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

constexpr std::int64_t kMostNodes = 0x7fffffff;

struct SparseArrays {
  std::int64_t rows = 0, columns = 0;
  std::vector<std::int64_t> indptr, indices;
};

// PREFIX_shape, _indptr and _indices, checked; the values stay where they are.
SparseArrays read_sparse(const Npz& npz, const std::string& prefix) {
  SparseArrays out;
  const std::vector<std::int64_t> shape = npz.load(prefix + "_shape").to_int64s();
  const std::string where = npz.file() + ": " + prefix;
  if (shape.size() != 2 || shape[0] < 0 || shape[1] < 0) input_error(where + "_shape does not hold two sizes");
  out.rows = shape[0];
  out.columns = shape[1];
  if (out.rows >= kMostNodes || out.columns >= kMostNodes)
    input_error(where + "_shape: " + std::to_string(out.rows) + " x " + std::to_string(out.columns) +
                ", from 2^31 on ids do not fit");
  out.indptr = npz.load(prefix + "_indptr").to_int64s();
  out.indices = npz.load(prefix + "_indices").to_int64s();
  if (static_cast<std::int64_t>(out.indptr.size()) != out.rows + 1)
    input_error(where + "_indptr has " + std::to_string(out.indptr.size()) + " elements, n is " + std::to_string(out.rows));
  if (out.indptr.front() != 0 || out.indptr.back() != static_cast<std::int64_t>(out.indices.size()))
    input_error(where + "_indptr runs from " + std::to_string(out.indptr.front()) + " to " + std::to_string(out.indptr.back()) +
                ", not from 0 to the " + std::to_string(out.indices.size()) + " entries of " + prefix + "_indices");
  for (std::size_t i = 0; i + 1 < out.indptr.size(); ++i)
    if (out.indptr[i] > out.indptr[i + 1]) input_error(where + "_indptr falls after element " + std::to_string(i));
  for (std::size_t i = 0; i < out.indices.size(); ++i)
    if (out.indices[i] < 0 || out.indices[i] >= out.columns)
      input_error(where + "_indices: element " + std::to_string(i) + " is " + std::to_string(out.indices[i]) + ", outside 0.." +
                  std::to_string(out.columns - 1) + " (n is " + std::to_string(out.columns) + ")");
  return out;
}

void read_edges(const Npz& npz, RawGraph& out) {
  const SparseArrays adjacency = read_sparse(npz, "adj");
  if (adjacency.rows != adjacency.columns)
    input_error(npz.file() + ": adj_shape is " + std::to_string(adjacency.rows) + " x " + std::to_string(adjacency.columns) +
                ", not square");
  out.nodes = adjacency.rows;
  out.edges.reserve(adjacency.indices.size());
  for (std::int64_t u = 0; u < out.nodes; ++u)
    for (std::int64_t e = adjacency.indptr[at(u)]; e < adjacency.indptr[at(u) + 1]; ++e)
      out.edges.push_back({static_cast<NodeId>(u), static_cast<NodeId>(adjacency.indices[at(e)])});
  out.raw_edges = static_cast<std::int64_t>(out.edges.size());
}

void read_attributes(const Npz& npz, RawGraph& out) {
  FeatureTable& x = out.features;
  std::int64_t rows = 0;
  if (npz.has("attr_indptr") || npz.has("attr_data")) {
    SparseArrays attributes = read_sparse(npz, "attr");
    rows = attributes.rows;
    x.width = attributes.columns;
    x.sparse = true;
    x.indptr = std::move(attributes.indptr);
    x.columns.assign(attributes.indices.begin(), attributes.indices.end());
    x.values = npz.load("attr_data").to_floats();
    if (x.values.size() != x.columns.size())
      input_error(npz.file() + ": attr_data has " + std::to_string(x.values.size()) + " elements, attr_indices " +
                  std::to_string(x.columns.size()));
  } else if (npz.has("attr_matrix")) {
    const NpyArray matrix = npz.load("attr_matrix");
    if (matrix.shape().size() != 2) input_error(npz.file() + ": attr_matrix is not [n, F]");
    rows = matrix.shape()[0];
    x.width = matrix.shape()[1];
    x.dense = matrix.to_floats();
  } else {
    return;
  }
  if (rows != out.nodes)
    input_error(npz.file() + ": " + std::to_string(rows) + " rows of features, n is " + std::to_string(out.nodes));
  require_finite(x.view(), npz.file());
  if (x.sparse) tidy_sparse(x);
}

void read_label_array(const Npz& npz, RawGraph& out) {
  if (!npz.has("labels")) return;
  const NpyArray array = npz.load("labels");
  if (array.shape().size() != 1 && !(array.shape().size() == 2 && array.shape()[1] == 1))
    input_error(npz.file() + ": labels is not [n]; several labels a node are not taken");
  if (array.shape()[0] != out.nodes)
    input_error(npz.file() + ": " + std::to_string(array.shape()[0]) + " labels, n is " + std::to_string(out.nodes));
  for (const double value : array.to_doubles()) {
    const bool none = std::isnan(value) || value == -1;
    if (!none && (value < 0 || value >= static_cast<double>(out.nodes) || value != std::floor(value)))
      input_error(npz.file() + ": labels: the label of node " + std::to_string(out.labels.size()) + " is " +
                  data::number_text(value) + "; labels are 0..C-1 with C at most n = " + std::to_string(out.nodes) +
                  ", or -1 where a node has none");
    out.labels.push_back(none ? -1 : static_cast<std::int32_t>(value));
    out.classes = std::max(out.classes, out.labels.back() + 1);
  }
}

// Marks one part; gives how many of its nodes were in another part already.
std::int64_t mark(const Npz& npz, const std::string& name, Part part, RawGraph& out) {
  const bool mask = npz.has(name + "_mask");
  if (!mask && !npz.has(name + "_idx")) return 0;
  const std::string key = name + (mask ? "_mask" : "_idx");
  const NpyArray array = npz.load(key);
  const std::string where = npz.file() + ": " + key;
  if (array.shape().size() != 1)
    input_error(where + " has " + std::to_string(array.shape().size()) +
                " dimensions; one split is read: re-save the one you want");
  const std::vector<std::int64_t> values = array.to_int64s();
  if (mask && static_cast<std::int64_t>(values.size()) != out.nodes)
    input_error(where + " has " + std::to_string(values.size()) + " elements, n is " + std::to_string(out.nodes));
  std::int64_t overlaps = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (mask && values[i] == 0) continue;
    const std::int64_t node = mask ? static_cast<std::int64_t>(i) : values[i];
    if (node < 0 || node >= out.nodes)
      input_error(where + ": element " + std::to_string(i) + " is " + std::to_string(node) + ", n is " +
                  std::to_string(out.nodes));
    std::uint8_t& slot = out.split[at(node)];
    overlaps += slot != 0 && slot != static_cast<std::uint8_t>(part);
    slot = static_cast<std::uint8_t>(part);
  }
  return overlaps;
}

void read_split(const Npz& npz, RawGraph& out) {
  const std::array<std::pair<const char*, Part>, 3> parts = {{{"train", Part::train}, {"val", Part::val}, {"test", Part::test}}};
  bool given = false;
  for (const auto& [name, part] : parts)
    given = given || npz.has(std::string(name) + "_mask") || npz.has(std::string(name) + "_idx");
  if (!given) return;
  out.split.assign(at(out.nodes), 0);
  std::int64_t overlaps = 0;
  for (const auto& [name, part] : parts) overlaps += mark(npz, name, part, out);
  if (overlaps > 0)
    input_error(npz.file() + ": masks overlap: " + std::to_string(overlaps) + " of " + std::to_string(out.nodes) +
                " nodes are in more than one of train, val and test");
}

void note_skipped(const Npz& npz, RawGraph& out) {
  std::string skipped;
  for (const std::string& name : npz.names())
    if (npz.header(name).type == data::NpyType::other) skipped += (skipped.empty() ? "" : ", ") + name;
  if (!skipped.empty()) out.notes.push_back(npz.file() + ": passed over, as no arrays of numbers: " + skipped);
}

}  // namespace

RawGraph read_npz_graph(const Npz& npz) {
  RawGraph out;
  out.format = "npz";
  if (!npz.has("adj_indptr"))
    input_error(npz.file() + ": no array \"adj_indptr\"; a graph needs adj_data, adj_indices, adj_indptr and adj_shape");
  read_edges(npz, out);
  if (out.nodes == 0) input_error(npz.file() + ": an empty graph: 0 nodes");
  read_attributes(npz, out);
  read_label_array(npz, out);
  read_split(npz, out);
  note_skipped(npz, out);
  return out;
}

}  // namespace tenfold::gnnbench
