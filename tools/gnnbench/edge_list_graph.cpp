// Reading edge lists, and putting label and feature files onto nodes.
#include "gnnbench/edge_list_graph.h"

#include <algorithm>
#include <functional>

#include "base/error.h"
#include "gnnbench/delimited.h"
#include "gnnbench/node_numbers.h"

namespace tenfold::gnnbench {

namespace {

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

bool is_id_name(std::string_view word) {
  std::string name(word);
  for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  for (const char* known : {"source", "target", "src",        "dst",      "from",      "to",        "u",      "v",
                            "node1",  "node2",  "node_1",     "node_2",   "id1",       "id2",       "id_1",   "id_2",
                            "head",   "tail",   "fromnodeid", "tonodeid", "source_id", "target_id", "citing", "cited"})
    if (name == known) return true;
  return false;
}

// The lines of an edge list: the first is held back until the second tells whether it is a header.
class EdgeLines {
 public:
  EdgeLines(data::LineReader& lines, NodeNumbers& numbers) : lines_(lines), numbers_(numbers) {}

  void read() {
    std::vector<std::string_view> words;
    while (const auto line = lines_.next()) {
      if (is_blank(*line)) continue;
      if (is_comment(*line)) {
        ++comments_;
        continue;
      }
      if (columns_ == 0) {
        first(*line);
        continue;
      }
      split_words(*line, separator_, words);
      if (words.size() != columns_)
        input_error(at_position(
            lines_.file(), lines_.line(), 0,
            columns_text(words.size()) + " where line " + std::to_string(first_line_) + " has " + std::to_string(columns_)));
      if (held_) release(whole_number(words[0]) && whole_number(words[1]));
      add(words[0], words[1], lines_.line());
    }
    if (held_) release(false);
  }

  std::int64_t edges() const { return edges_; }
  std::string notes() const {
    std::string out = lines_.file() + ": " + std::to_string(edges_) + (edges_ == 1 ? " edge" : " edges") +
                      ", words separated by " + separator_name(separator_);
    if (comments_ > 0) out += ", " + std::to_string(comments_) + (comments_ == 1 ? " comment line" : " comment lines");
    if (!header_.empty()) out += ", header \"" + header_ + "\"";
    if (columns_ > 2) out += ", columns after the second left out";
    return out + "; " + numbers_.how();
  }

 private:
  void first(std::string_view line) {
    separator_ = detect_separator(line);
    std::vector<std::string_view> words;
    split_words(line, separator_, words);
    columns_ = words.size();
    first_line_ = lines_.line();
    if (columns_ < 2)
      input_error(at_position(lines_.file(), first_line_, 0, "one column; an edge list has source and target on each line"));
    held_ = true;
    first_source_ = words[0];
    first_target_ = words[1];
    first_text_ = line.substr(0, 60);
  }

  void release(bool numbers_follow) {
    held_ = false;
    const bool numbers = whole_number(first_source_) || whole_number(first_target_);
    if ((numbers_follow && !numbers) || (is_id_name(first_source_) && is_id_name(first_target_)))
      header_ = first_text_;
    else
      add(first_source_, first_target_, first_line_);
  }

  void add(std::string_view source, std::string_view target, std::size_t line) {
    if (source.empty() || target.empty())
      input_error(at_position(lines_.file(), line, 0, "an edge without " + std::string(source.empty() ? "source" : "target")));
    numbers_.edge(source, target, lines_.file(), line);
    ++edges_;
  }

  data::LineReader& lines_;
  NodeNumbers& numbers_;
  char separator_ = ' ';
  std::size_t columns_ = 0, first_line_ = 0;
  bool held_ = false;
  std::string first_source_, first_target_, first_text_, header_;
  std::int64_t edges_ = 0, comments_ = 0;
};

using NodeOfRow = std::function<std::int64_t(std::int64_t row)>;  // -1: not a node of the graph

void check_rows(const NodeRows& rows, std::int64_t nodes, const char* what) {
  if (!rows.keyed && rows.rows != nodes)
    input_error(rows.place(rows.rows - 1) + ": " + std::to_string(rows.rows) + " rows of " + what + ", n is " +
                std::to_string(nodes));
}

std::int64_t node_of(const NodeRows& rows, std::int64_t row, std::int64_t nodes, const NodeOfRow& keyed) {
  if (!rows.keyed) return row;
  const std::int64_t node = keyed(row);
  if (node < 0 || node >= nodes)
    input_error(rows.place(row) + ": id " + rows.ids[at(row)] + " is no node of the graph, n is " + std::to_string(nodes));
  return node;
}

void place_labels(RawGraph& graph, const LabelFile& file, const NodeOfRow& keyed) {
  check_rows(file, graph.nodes, "labels");
  require_labels_below_n(file, graph.nodes);
  graph.labels.assign(at(graph.nodes), -1);
  graph.classes = file.classes;
  std::vector<bool> seen(at(graph.nodes), false);
  for (std::int64_t r = 0; r < file.rows; ++r) {
    const std::int64_t node = node_of(file, r, graph.nodes, keyed);
    if (seen[at(node)])
      input_error(file.place(r) + ": id " + file.ids[at(r)] + " has a second label; several labels a node are not taken");
    seen[at(node)] = true;
    graph.labels[at(node)] = file.labels[at(r)];
  }
}

void place_features(RawGraph& graph, const FeatureFile& file, const NodeOfRow& keyed) {
  check_rows(file, graph.nodes, "features");
  if (file.rows != graph.nodes)
    input_error(file.place(file.rows - 1) + ": " + std::to_string(file.rows) + " rows of features, n is " +
                std::to_string(graph.nodes));
  const std::size_t width = at(file.table.width);
  graph.features = FeatureTable{};
  graph.features.width = file.table.width;
  graph.features.dense.resize(at(graph.nodes) * width);
  std::vector<bool> seen(at(graph.nodes), false);
  for (std::int64_t r = 0; r < file.rows; ++r) {
    const std::int64_t node = node_of(file, r, graph.nodes, keyed);
    if (seen[at(node)]) input_error(file.place(r) + ": id " + file.ids[at(r)] + " has a second row of features");
    seen[at(node)] = true;
    std::copy_n(file.table.dense.begin() + static_cast<std::ptrdiff_t>(at(r) * width), width,
                graph.features.dense.begin() + static_cast<std::ptrdiff_t>(at(node) * width));
  }
}

std::vector<std::size_t> mention_all(NodeNumbers& numbers, const NodeRows* rows) {
  std::vector<std::size_t> out;
  if (rows == nullptr || !rows->keyed) return out;
  for (std::size_t r = 0; r < rows->ids.size(); ++r) out.push_back(numbers.mention(rows->ids[r], rows->file, rows->lines[r]));
  return out;
}

std::optional<std::int64_t> fixed_nodes(const NodeRows* labels, const NodeRows* features) {
  for (const NodeRows* rows : {labels, features})
    if (rows != nullptr && !rows->keyed) return rows->rows;
  return {};
}

}  // namespace

void require_labels_below_n(const LabelFile& file, std::int64_t nodes) {
  for (std::size_t r = 0; r < file.labels.size(); ++r)
    if (file.labels[r] >= nodes)
      input_error(file.place(static_cast<std::int64_t>(r)) + ": label " + std::to_string(file.labels[r]) +
                  ": numbers are classes 0..C-1, and C cannot exceed n = " + std::to_string(nodes) + "; words, as c" +
                  std::to_string(file.labels[r]) + ", are numbered by alphabet");
}

RawGraph read_edge_list(data::LineReader& lines, const LabelFile* labels, const FeatureFile* features) {
  NodeNumbers numbers(fixed_nodes(labels, features));
  EdgeLines reader(lines, numbers);
  reader.read();
  if (reader.edges() == 0) input_error(lines.file() + ": an empty graph: the file has no edges");
  const std::vector<std::size_t> labelled = mention_all(numbers, labels);
  const std::vector<std::size_t> featured = mention_all(numbers, features);
  numbers.finish();
  RawGraph out;
  out.format = "edge-list";
  out.nodes = numbers.nodes();
  out.raw_edges = reader.edges();
  out.edges = numbers.take_edges();
  out.node_ids = numbers.take_ids();
  out.notes.push_back(reader.notes());
  if (labels != nullptr)
    place_labels(out, *labels, [&](std::int64_t row) { return std::int64_t{numbers.node(labelled[at(row)])}; });
  if (features != nullptr)
    place_features(out, *features, [&](std::int64_t row) { return std::int64_t{numbers.node(featured[at(row)])}; });
  const bool rows_by_order = (labels != nullptr && !labels->keyed) || (features != nullptr && !features->keyed);
  if (!out.node_ids.empty() && rows_by_order)
    out.warnings.push_back(lines.file() + ": ids were mapped, and rows of labels or features without ids follow that order");
  return out;
}

void attach_tables(RawGraph& graph, const LabelFile* labels, const FeatureFile* features) {
  std::unordered_map<std::string, std::int64_t> known;
  for (std::size_t v = 0; v < graph.node_ids.size(); ++v) known.emplace(graph.node_ids[v], static_cast<std::int64_t>(v));
  const auto find = [&](const NodeRows& rows) {
    return [&](std::int64_t row) -> std::int64_t {
      const std::string& id = rows.ids[at(row)];
      if (known.empty()) return whole_number(id).value_or(graph.first_id - 1) - graph.first_id;
      const auto found = known.find(id);
      return found == known.end() ? -1 : found->second;
    };
  };
  if (labels != nullptr) place_labels(graph, *labels, find(*labels));
  if (features != nullptr) place_features(graph, *features, find(*features));
}

}  // namespace tenfold::gnnbench
