// Reading MatrixMarket.
#include "gnnbench/matrix_market_graph.h"

#include "base/error.h"
#include "gnnbench/delimited.h"

namespace tenfold::gnnbench {

namespace {

constexpr std::int64_t kMostNodes = 0x7fffffff;

struct Banner {
  std::size_t columns = 2;  // of an entry's line
  bool symmetric = false;
};

class MatrixMarket {
 public:
  explicit MatrixMarket(data::LineReader& lines) : lines_(lines) {}

  RawGraph read() {
    const Banner banner = read_banner();
    RawGraph out;
    out.format = "matrix-market";
    out.first_id = 1;
    const std::int64_t entries = read_sizes(out);
    while (next()) {
      if (out.raw_edges == entries) refuse("entries go on after the " + std::to_string(entries) + " that the size line states");
      if (words_.size() != banner.columns)
        refuse(columns_text(words_.size()) + ", where the first line's kind of entries has " + std::to_string(banner.columns));
      const NodeId u = id(0, out.nodes), v = id(1, out.nodes);
      out.edges.push_back({u, v});
      if (banner.symmetric && u != v) out.edges.push_back({v, u});
      ++out.raw_edges;
    }
    if (out.raw_edges < entries)
      refuse("the file ends early, after " + std::to_string(out.raw_edges) + " of " + std::to_string(entries) + " entries");
    out.notes.push_back(lines_.file() + ": MatrixMarket, ids count from 1" + (banner.symmetric ? ", each entry both ways" : ""));
    return out;
  }

 private:
  [[noreturn]] void refuse(const std::string& what) const { input_error(at_position(lines_.file(), lines_.line(), 0, what)); }

  // Words of the next line that is no comment.
  bool next() {
    while (const auto line = lines_.next()) {
      if (is_blank(*line) || is_comment(*line)) continue;
      split_words(*line, detect_separator(*line) == '\t' ? '\t' : ' ', words_);
      return true;
    }
    return false;
  }

  Banner read_banner() {
    const auto line = lines_.next();
    if (!line) refuse("no MatrixMarket file: empty");
    std::string text(*line);
    for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    split_words(text, ' ', words_);
    if (words_.size() != 5 || words_[0] != "%%matrixmarket" || words_[1] != "matrix")
      refuse("the first line is not %%MatrixMarket matrix coordinate FIELD SYMMETRY");
    if (words_[2] != "coordinate")
      refuse("a matrix in the form \"" + std::string(words_[2]) + "\"; graphs are read from coordinate files");
    Banner out;
    if (words_[3] == "pattern")
      out.columns = 2;
    else if (words_[3] == "real" || words_[3] == "integer" || words_[3] == "double")
      out.columns = 3;
    else if (words_[3] == "complex")
      out.columns = 4;
    else
      refuse("entries of kind \"" + std::string(words_[3]) + "\"; pattern, integer, real and complex are read");
    out.symmetric = words_[4] == "symmetric" || words_[4] == "skew-symmetric" || words_[4] == "hermitian";
    if (!out.symmetric && words_[4] != "general")
      refuse("symmetry \"" + std::string(words_[4]) + "\"; general, symmetric, skew-symmetric and hermitian are read");
    return out;
  }

  std::int64_t read_sizes(RawGraph& out) {
    if (!next()) refuse("the file ends early, before the size line");
    std::int64_t sizes[3] = {0, 0, 0};
    if (words_.size() != 3)
      refuse("the size line has " + std::to_string(words_.size()) + " numbers, not rows, columns and entries");
    for (std::size_t i = 0; i < 3; ++i) {
      const auto size = whole_number(words_[i]);
      if (!size || *size < 0) refuse("the size line has \"" + std::string(words_[i].substr(0, 40)) + "\" where a count is due");
      sizes[i] = *size;
    }
    if (sizes[0] != sizes[1])
      refuse("a matrix of " + std::to_string(sizes[0]) + " x " + std::to_string(sizes[1]) + " is no graph");
    if (sizes[0] >= kMostNodes) refuse(std::to_string(sizes[0]) + " nodes; fewer than 2^31 are taken");
    if (sizes[0] == 0) refuse("an empty graph: 0 nodes");
    out.nodes = sizes[0];
    return sizes[2];
  }

  NodeId id(std::size_t word, std::int64_t nodes) const {
    const auto value = whole_number(words_[word]);
    if (!value) refuse("\"" + std::string(words_[word].substr(0, 40)) + "\" is no node id");
    if (*value < 1 || *value > nodes)
      refuse("node id " + std::to_string(*value) + " is outside 1..n, n is " + std::to_string(nodes));
    return static_cast<NodeId>(*value - 1);
  }

  data::LineReader& lines_;
  std::vector<std::string_view> words_;
};

}  // namespace

RawGraph read_matrix_market(data::LineReader& lines) { return MatrixMarket(lines).read(); }

}  // namespace tenfold::gnnbench
