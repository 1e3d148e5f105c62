// Reading label and feature files.
#include "gnnbench/node_table.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "base/error.h"
#include "base/files.h"
#include "data/line_reader.h"
#include "data/npy.h"
#include "data/number.h"
#include "gnnbench/delimited.h"

namespace tenfold::gnnbench {

namespace {

constexpr std::int64_t kMostLabels = 0x7ffffffe;

bool is_npy(const std::string& path) {
  if (path == "-") return false;
  const MappedFile file(path);
  return file.text().starts_with("\x93NUMPY");
}

std::string lower(std::string_view word) {
  std::string out(word);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

bool says_id(std::string_view word) {
  const std::string name = lower(word);
  return name == "id" || name == "node" || name == "node_id" || name == "nodeid" || name == "name" || name == "paper_id";
}

bool says_label(std::string_view word) {
  const std::string name = lower(word);
  return name == "label" || name == "labels" || name == "class" || name == "y" || name == "target" || name == "category" ||
         name == "community" || name == "club" || name == "species";
}

bool says_missing(std::string_view word) {
  const std::string name = lower(word);
  return name.empty() || name == "na" || name == "nan" || name == "-1";
}

// All rows of a text file as words; every row has as many as the first.
struct TextRows {
  std::string file;
  std::vector<std::string> words;  // [rows, columns]
  std::vector<std::size_t> lines;
  std::size_t columns = 0;

  std::size_t rows() const { return lines.size(); }
  const std::string& at(std::size_t row, std::size_t column) const { return words[row * columns + column]; }
  void drop_first() {
    words.erase(words.begin(), words.begin() + static_cast<std::ptrdiff_t>(columns));
    lines.erase(lines.begin());
  }
};

[[noreturn]] void ragged(const std::string& file, std::size_t line, std::size_t found, std::size_t due, std::size_t first_line) {
  input_error(at_position(file, line, 0,
                          columns_text(found) + " where line " + std::to_string(first_line) + " has " + std::to_string(due)));
}

// Without comma, tab or semicolon a row is a class name with blanks in it, unless it reads as id and label, or as numbers.
bool blanks_belong_to_names(const std::vector<std::string_view>& words) {
  if (words.size() == 2 && (whole_number(words[0]) || says_id(words[0]))) return false;
  return !std::all_of(words.begin(), words.end(), [](std::string_view w) { return whole_number(w).has_value(); });
}

TextRows read_label_rows(data::LineReader& lines) {
  TextRows out;
  out.file = lines.file();
  char separator = ' ';
  bool blanks_belong = false;
  std::vector<std::string_view> words;
  while (const auto line = lines.next()) {
    if (is_blank(*line) || is_comment(*line)) continue;
    if (out.lines.empty()) {
      separator = detect_separator(*line);
      split_words(*line, separator, words);
      blanks_belong = separator == ' ' && blanks_belong_to_names(words);
    }
    split_words(*line, separator, words);
    if (blanks_belong) words.assign(1, *line);
    if (out.lines.empty()) out.columns = words.size();
    if (words.size() != out.columns) ragged(out.file, lines.line(), words.size(), out.columns, out.lines.front());
    for (const std::string_view word : words) out.words.emplace_back(word);
    out.lines.push_back(lines.line());
  }
  return out;
}

void number_labels(LabelFile& out, const TextRows& rows, std::size_t column) {
  std::map<std::string, std::int32_t> names;
  bool whole = true;
  for (std::size_t r = 0; r < rows.rows(); ++r) {
    const std::string& word = rows.at(r, column);
    if (says_missing(word)) continue;
    whole = whole && whole_number(word).has_value();
    names.emplace(word, 0);
  }
  if (!whole) {
    std::int32_t next = 0;
    std::string list;
    for (auto& [name, number] : names) {
      list += next < 8 ? (next == 0 ? "" : ", ") + name : next == 8 ? ", ..." : "";
      number = next++;
    }
    out.classes = next;
    out.notes.push_back(out.file + ": class names become " + (next > 1 ? "0 to " : "") + std::to_string(next - 1) +
                        " in alphabetical order: " + list);
  }
  for (std::size_t r = 0; r < rows.rows(); ++r) {
    const std::string& word = rows.at(r, column);
    if (says_missing(word)) {
      out.labels.push_back(-1);
      continue;
    }
    const std::int64_t label = whole ? *whole_number(word) : names.at(word);
    if (label < 0 || label > kMostLabels)
      input_error(
          at_position(rows.file, rows.lines[r], 0, "label " + word + ": labels are 0, 1, ..., or -1 where a node has none"));
    out.labels.push_back(static_cast<std::int32_t>(label));
    out.classes = std::max(out.classes, static_cast<int>(label) + 1);
  }
}

LabelFile labels_of_text(data::LineReader lines) {
  TextRows rows = read_label_rows(lines);
  LabelFile out;
  out.file = rows.file;
  if (rows.rows() == 0) input_error(out.file + ": no labels: the file is empty");
  if (rows.columns > 2)
    input_error(at_position(
        out.file, rows.lines[0], 0,
        columns_text(rows.columns) + ": several labels a node are not taken; give one column of labels, or id and label"));
  const std::size_t last = rows.columns - 1;
  const bool number_below = rows.rows() > 1 && whole_number(rows.at(1, 0)) && !whole_number(rows.at(0, 0));
  if (number_below || says_label(rows.at(0, last)) || (last == 1 && says_id(rows.at(0, 0)))) rows.drop_first();
  out.keyed = rows.columns == 2;
  out.rows = static_cast<std::int64_t>(rows.rows());
  out.lines = rows.lines;
  if (out.keyed)
    for (std::size_t r = 0; r < rows.rows(); ++r) out.ids.push_back(rows.at(r, 0));
  number_labels(out, rows, last);
  return out;
}

LabelFile labels_of_npy(const std::string& path) {
  const data::NpyArray array = data::NpyArray::map(path);
  LabelFile out;
  out.file = path;
  const std::vector<std::int64_t>& shape = array.shape();
  if (shape.size() != 1 && !(shape.size() == 2 && shape[1] == 1))
    input_error(path + ": labels must be [n] or [n, 1]; several labels a node are not taken");
  out.rows = shape[0];
  for (const double value : array.to_doubles()) {
    if (!std::isnan(value) && (value < -1 || value > static_cast<double>(kMostLabels) || value != std::floor(value)))
      input_error(out.place(static_cast<std::int64_t>(out.labels.size())) + ": label " + data::number_text(value) +
                  ": labels are 0, 1, ..., or -1 where a node has none");
    out.labels.push_back(std::isnan(value) ? -1 : static_cast<std::int32_t>(value));
    out.classes = std::max(out.classes, out.labels.back() + 1);
  }
  return out;
}

FeatureFile features_of_text(const std::string& path) {
  FeatureFile out;
  data::LineReader lines(path);
  out.file = lines.file();
  char separator = ' ';
  std::size_t columns = 0, first_line = 0;
  std::vector<std::string_view> words;
  while (const auto line = lines.next()) {
    if (is_blank(*line) || is_comment(*line)) continue;
    const bool first = first_line == 0;
    if (first) separator = detect_separator(*line);
    split_words(*line, separator, words);
    if (first) {
      columns = words.size();
      first_line = lines.line();
      // A header has no number behind its first column.
      const bool header = std::none_of(words.begin() + (columns > 1 ? 1 : 0), words.end(),
                                       [](std::string_view w) { return data::parse_number(w).has_value(); });
      out.keyed = columns > 1 && (header ? says_id(words[0]) : !data::parse_number(words[0]).has_value());
      if (header) continue;
    }
    if (words.size() != columns) ragged(out.file, lines.line(), words.size(), columns, first_line);
    if (out.keyed) out.ids.emplace_back(words[0]);
    for (std::size_t c = out.keyed ? 1 : 0; c < columns; ++c) {
      const auto number = data::parse_number(words[c]);
      if (!number)
        input_error(
            at_position(out.file, lines.line(), 0,
                        "column " + std::to_string(c + 1) + ": \"" + std::string(words[c].substr(0, 40)) + "\" is no number"));
      out.table.dense.push_back(static_cast<float>(*number));
    }
    out.lines.push_back(lines.line());
  }
  out.rows = static_cast<std::int64_t>(out.lines.size());
  out.table.width = static_cast<std::int64_t>(columns) - (out.keyed ? 1 : 0);
  if (out.rows == 0) input_error(out.file + ": no features: the file has no rows");
  return out;
}

FeatureFile features_of_npy(const std::string& path) {
  const data::NpyArray array = data::NpyArray::map(path);
  if (array.shape().empty() || array.shape().size() > 2) input_error(path + ": features must be [n, F] or [n]");
  FeatureFile out;
  out.file = path;
  out.rows = array.shape()[0];
  out.table.width = array.shape().size() == 2 ? array.shape()[1] : 1;
  out.table.dense = array.to_floats();
  return out;
}

}  // namespace

std::string NodeRows::place(std::int64_t row) const {
  if (row >= 0 && static_cast<std::size_t>(row) < lines.size())
    return file + ":" + std::to_string(lines[static_cast<std::size_t>(row)]);
  return file + ": row " + std::to_string(row);
}

LabelFile read_labels(const std::string& path) {
  return is_npy(path) ? labels_of_npy(path) : labels_of_text(data::LineReader(path));
}

LabelFile parse_labels(std::string_view text, const std::string& file) { return labels_of_text(data::LineReader(text, file)); }

FeatureFile read_features_file(const std::string& path) {
  FeatureFile out = is_npy(path) ? features_of_npy(path) : features_of_text(path);
  require_finite(out.table.view(), out.file);
  return out;
}

}  // namespace tenfold::gnnbench
