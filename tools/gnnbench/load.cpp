// From any input to a Dataset.
#include "gnnbench/load.h"

#include <algorithm>
#include <optional>

#include "base/error.h"
#include "base/files.h"
#include "data/line_reader.h"
#include "data/npz.h"
#include "gnnbench/edge_list_graph.h"
#include "gnnbench/embedded.h"
#include "gnnbench/feature_table.h"
#include "gnnbench/gnnb_files.h"
#include "gnnbench/gnnb_store.h"
#include "gnnbench/matrix_market_graph.h"
#include "gnnbench/npz_graph.h"
#include "gnnbench/split.h"

namespace tenfold::gnnbench {

namespace fs = std::filesystem;

namespace {

constexpr double kSparseBelow = 0.05;  // --store auto

// What a Dataset's spans point into, where it is not a mapped file alone.
struct Owned {
  Csr graph;
  FeatureTable features;
  std::vector<std::int32_t> labels;
  std::vector<std::uint8_t> split;
  std::shared_ptr<const void> mapped;
};

// Label and feature files that stand beside the graph.
struct Tables {
  std::optional<LabelFile> labels;
  std::optional<FeatureFile> features;

  explicit Tables(const LoadOptions& o) {
    if (!o.labels.empty()) labels = read_labels(o.labels);
    if (!o.node_features.empty()) features = read_features_file(o.node_features);
  }
  const LabelFile* label_file() const { return labels ? &*labels : nullptr; }
  const FeatureFile* feature_file() const { return features ? &*features : nullptr; }
};

bool begins_as_pickle(std::string_view bytes) { return bytes.size() > 1 && bytes[0] == '\x80' && bytes[1] >= 2 && bytes[1] <= 5; }

// What is neither text nor an archive, by its first bytes.
void refuse_foreign(std::string_view bytes, const std::string& file) {
  if (begins_as_pickle(bytes))
    input_error(file + ": a pickle, which is never executed; re-save the graph as .npz or as an edge list");
  if (bytes.starts_with("\x93NUMPY"))
    input_error(file + ": a single array (.npy); a graph is an .npz of arrays, a .gnnb folder, an edge list or a .mtx file");
}

// `open` gives a reader at the beginning of the text, as often as it is called.
template <class Open>
RawGraph read_text(Open open, const Tables& tables) {
  data::LineReader probe = open();
  const auto line = probe.next();
  data::LineReader lines = open();
  if (!line || !line->starts_with("%%MatrixMarket")) return read_edge_list(lines, tables.label_file(), tables.feature_file());
  RawGraph out = read_matrix_market(lines);
  attach_tables(out, tables.label_file(), tables.feature_file());
  return out;
}

RawGraph read_bytes(std::string_view bytes, const std::string& file, const Tables& tables) {
  refuse_foreign(bytes, file);
  if (!bytes.starts_with("PK\x03\x04") && !bytes.starts_with("PK\x05\x06"))
    return read_text([&] { return data::LineReader(bytes, file); }, tables);
  RawGraph out = read_npz_graph(data::Npz::parse(std::as_bytes(std::span(bytes)), file));
  attach_tables(out, tables.label_file(), tables.feature_file());
  return out;
}

RawGraph read_raw(const LoadOptions& options, const Tables& tables) {
  if (options.data == "-") {
    const std::string bytes = read_file("-");
    return read_bytes(bytes, "standard input", tables);
  }
  if (options.data.starts_with("embedded:")) {
    const EmbeddedGraph& graph = embedded_graph(options.data.substr(9));
    data::LineReader lines(graph.edges, options.data);
    const LabelFile own = tables.labels ? *tables.labels : parse_labels(graph.labels, options.data + " labels");
    return read_edge_list(lines, &own, tables.feature_file());
  }
  std::error_code ignored;
  if (fs::is_directory(options.data, ignored))
    input_error(options.data + ": a folder without manifest.json, so no .gnnb; name the file of a graph");
  const MappedFile file(options.data);
  return read_bytes(file.text(), options.data, tables);
}

std::string stem_of(const std::string& path) {
  if (path == "-") return "stdin";
  if (path.starts_with("embedded:")) return path.substr(9);
  fs::path name = fs::path(path).filename();
  if (name.extension() == ".gz") name = name.stem();
  return name.stem().empty() ? "graph" : name.stem().string();
}

// ---- from a reader's graph

void take_graph(const LoadOptions& options, RawGraph raw, Owned& owned, Loaded& out) {
  Dataset& d = out.data;
  BuiltGraph built = build_graph(raw.nodes, std::move(raw.edges), options.direction);
  owned.graph = std::move(built.csr);
  owned.features = std::move(raw.features);
  owned.labels = std::move(raw.labels);
  owned.split = std::move(raw.split);
  d.name = stem_of(options.data);
  d.source = options.data;
  d.format = raw.format;
  d.direction = options.direction;
  d.counts = built.counts;
  d.counts.raw_edges = raw.raw_edges;
  d.graph = owned.graph.view();
  d.features = owned.features.view();
  d.labels = owned.labels;
  d.classes = raw.classes;
  d.split = owned.split;
  d.split_name = owned.split.empty() ? "none" : "given";
  d.node_ids = std::move(raw.node_ids);
  out.notes = std::move(raw.notes);
  out.warnings = std::move(raw.warnings);
}

// ---- from a .gnnb folder; true where anything differs from what is stored

bool take_stored(const LoadOptions& options, const Tables& tables, Owned& owned, Loaded& out) {
  out.data = open_gnnb(options.data, options.verify);
  Dataset& d = out.data;
  d.source = options.data;
  owned.mapped = d.storage;
  if (options.direction != Direction::symmetric && options.direction != d.direction)
    usage_error("--direction " + std::string(name_of(options.direction)) + ": " + options.data + " is stored with direction " +
                name_of(d.direction) + "; convert it again from its source");
  if (d.direction != Direction::symmetric) out.notes.push_back(options.data + ": stored with direction " + name_of(d.direction));
  if (!tables.labels && !tables.features) return false;
  RawGraph raw;
  raw.nodes = d.nodes();
  raw.node_ids = d.node_ids;
  attach_tables(raw, tables.label_file(), tables.feature_file());
  if (tables.labels) {
    owned.labels = std::move(raw.labels);
    owned.split.assign(d.split.begin(), d.split.end());
    d.labels = owned.labels;
    d.split = owned.split;
    d.classes = raw.classes;
  }
  if (tables.features) {
    owned.features = std::move(raw.features);
    d.features = owned.features.view();
    d.feature_norm = "none";
  }
  return true;
}

// ---- features, labels, split as the options ask for

bool is_owned(const Dataset& d, const Owned& owned) {
  return d.features.sparse() ? d.features.indptr.data() == owned.features.indptr.data()
                             : d.features.dense.data() == owned.features.dense.data();
}

void own_features(Dataset& d, Owned& owned) {
  if (!is_owned(d, owned)) owned.features = FeatureTable::copy(d.features);
}

bool change_store(const LoadOptions& options, Dataset& d, Owned& owned, bool stored) {
  if (d.features.width == 0) return false;
  bool sparse = d.features.sparse();
  if (options.store != "auto")
    sparse = options.store == "sparse";
  else if (!stored)
    sparse = density(d.features, d.nodes()) < kSparseBelow;
  if (sparse == d.features.sparse()) return false;
  owned.features = sparse ? to_sparse(d.features) : to_dense(d.features, d.nodes());
  d.features = owned.features.view();
  return true;
}

bool change_norm(const LoadOptions& options, Dataset& d, Owned& owned) {
  if (d.feature_norm != "none") {
    if (options.feature_norm == "auto" || options.feature_norm == d.feature_norm) return false;
    usage_error("--feature-norm " + options.feature_norm + ": " + options.data + " is stored with norm " + d.feature_norm +
                "; convert it again from its source");
  }
  const std::string norm = options.feature_norm == "auto" ? automatic_norm(d.features, d.nodes()) : options.feature_norm;
  if (norm == "none" || d.features.width == 0) return false;
  own_features(d, owned);
  normalise(owned.features, norm);
  d.features = owned.features.view();
  d.feature_norm = norm;
  return true;
}

bool apply_features(const LoadOptions& options, Dataset& d, Owned& owned, bool stored) {
  bool changed = false;
  if (options.features != "given") {
    owned.features = options.features == "degree" ? degree_features(d.graph) : identity_features(d.nodes());
    d.features = owned.features.view();
    d.feature_norm = "none";
    stored = false;
    changed = true;
  }
  changed = change_store(options, d, owned, stored) || changed;
  return change_norm(options, d, owned) || changed;
}

// A node without label takes part in nothing.
void drop_unlabelled(Dataset& d, Owned& owned, std::vector<std::string>& warnings) {
  const auto unlabelled = [&](std::size_t v) { return d.split[v] != 0 && (d.labels.empty() || d.labels[v] < 0); };
  std::int64_t count = 0;
  for (std::size_t v = 0; v < d.split.size(); ++v) count += unlabelled(v);
  if (count == 0) return;
  if (owned.split.data() != d.split.data()) owned.split.assign(d.split.begin(), d.split.end());
  d.split = owned.split;
  for (std::size_t v = 0; v < d.split.size(); ++v)
    if (unlabelled(v)) owned.split[v] = 0;
  warnings.push_back(std::to_string(count) + " nodes of the split have no label and are in none of its parts");
}

bool apply_split(const LoadOptions& options, Dataset& d, Owned& owned, std::vector<std::string>& warnings) {
  if (options.split == "given") {
    drop_unlabelled(d, owned, warnings);
    return false;
  }
  owned.split = make_split(d.labels, d.classes, options.split, options.split_seed);
  d.split = owned.split;
  d.split_name = options.split + " (seed " + std::to_string(options.split_seed) + ")";
  return true;
}

std::string list_of(const std::vector<int>& numbers) {
  std::string out;
  for (std::size_t i = 0; i < numbers.size() && i < 8; ++i) out += (i == 0 ? "" : ", ") + std::to_string(numbers[i]);
  return out + (numbers.size() > 8 ? ", ..." : "");
}

}  // namespace

void describe_load(LoadOptions& o, cli::OptionTable& table, const std::string& default_data) {
  cli::OptionRow data = table.input(
      "DATA", o.data, "a .gnnb folder, gnn-benchmark .npz, edge list (.txt .csv .tsv, gzip) or .mtx; - is standard input");
  data.file();
  if (default_data.empty())
    data.required();
  else
    data.defaults_to(default_data);
  table.choice("--direction", o.direction, {{"sym", Direction::symmetric}, {"in", Direction::in}, {"out", Direction::out}},
               "sym adds each edge's reverse; in and out keep the direction, a row holding sources or targets");
  table.add("--split", o.split, "which nodes train, validate and test").value_name("given|random:A,B,C|per-class:T,V,S");
  table.add("--split-seed", o.split_seed, "seed of the split, apart from --seed");
  table.add("--features", o.features, "the input's, [ln(1+d), 1] of the degree d, or one-hot ids")
      .one_of({"given", "degree", "identity"});
  table
      .add("--feature-norm", o.feature_norm,
           "rows by their l1 or l2 norm, or columns to mean 0 and deviation 1; auto: l2 where X >= 0 and half of it 0")
      .one_of({"auto", "none", "l1", "l2", "std"});
  table.add("--store", o.store, "how features are kept; auto: sparse below 5 % of entries that are not 0")
      .one_of({"auto", "dense", "sparse"});
  table.add("--node-features", o.node_features, "features from a .npy or text file, a row a node").file();
  table.add("--labels", o.labels, "labels from a .npy or text file, a row a node, or id and label").file();
}

std::vector<std::string> label_warnings(const Dataset& d) {
  if (d.labels.empty()) return {};
  std::vector<bool> seen(static_cast<std::size_t>(d.classes), false);
  for (const std::int32_t label : d.labels)
    if (label >= 0) seen[static_cast<std::size_t>(label)] = true;
  std::vector<int> missing;
  for (int c = 0; c < d.classes; ++c)
    if (!seen[static_cast<std::size_t>(c)]) missing.push_back(c);
  if (missing.empty()) return {};
  return {std::to_string(missing.size()) + " of " + std::to_string(d.classes) + " classes have no node: " + list_of(missing)};
}

Loaded open_dataset(const LoadOptions& options) {
  check_split_rule(options.split);
  const Tables tables(options);
  const bool stored = is_gnnb(options.data);
  Loaded out;
  const auto owned = std::make_shared<Owned>();
  bool changed = !stored;
  if (stored)
    changed = take_stored(options, tables, *owned, out);
  else
    take_graph(options, read_raw(options, tables), *owned, out);
  if (tables.labels) out.notes.insert(out.notes.end(), tables.labels->notes.begin(), tables.labels->notes.end());
  Dataset& d = out.data;
  changed = apply_features(options, d, *owned, stored && !tables.features) || changed;
  for (std::string& warning : label_warnings(d)) out.warnings.push_back(std::move(warning));
  changed = apply_split(options, d, *owned, out.warnings) || changed;
  d.storage = owned;
  if (changed) d.digest = dataset_digest(d);
  return out;
}

Dataset load_dataset(const LoadOptions& options, cli::Run& run) {
  Loaded loaded = open_dataset(options);
  for (std::string& note : loaded.notes) run.note(std::move(note));
  for (std::string& warning : loaded.warnings) run.warn(std::move(warning));
  return std::move(loaded.data);
}

std::vector<std::string> require_task(const Dataset& data) {
  const std::string n = std::to_string(data.nodes());
  if (data.features.width == 0)
    input_error(data.source + ": no features; give --features degree or identity, or name a file with --node-features");
  const auto labelled = std::count_if(data.labels.begin(), data.labels.end(), [](std::int32_t y) { return y >= 0; });
  if (labelled == 0) input_error(data.source + ": 0 of " + n + " nodes have a label; name a file with --labels");
  const SplitCounts counts = count_split(data.split, data.nodes());
  if (counts.train == 0)
    input_error(data.source + ": no labelled node to train on: of " + n + " nodes " + std::to_string(labelled) +
                " have a label, " + std::to_string(counts.val) + " validate, " + std::to_string(counts.test) +
                " test; give --split random:0.6,0.2,0.2 or per-class:20,500,1000");
  std::vector<bool> trained(static_cast<std::size_t>(data.classes), false);
  for (std::size_t v = 0; v < data.split.size(); ++v)
    if (data.split[v] == static_cast<std::uint8_t>(Part::train)) trained[static_cast<std::size_t>(data.labels[v])] = true;
  std::vector<int> without;
  for (int c = 0; c < data.classes; ++c)
    if (!trained[static_cast<std::size_t>(c)]) without.push_back(c);
  std::vector<std::string> warnings;
  if (!without.empty())
    warnings.push_back(std::to_string(without.size()) + " of " + std::to_string(data.classes) +
                       " classes have no node to train on: " + list_of(without));
  if (std::count(trained.begin(), trained.end(), true) == 1)
    warnings.push_back("all training nodes are of one class: whatever is trained will answer that");
  if (counts.val == 0)
    warnings.push_back("no node validates: the last weights are kept, not the best ones, and --patience cannot act");
  if (counts.test == 0) warnings.push_back("no node tests");
  return warnings;
}

}  // namespace tenfold::gnnbench
