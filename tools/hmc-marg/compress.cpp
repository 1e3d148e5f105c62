// Groups are streamed: each keeps a triangle and takes its rows in chunks, so that memory is the rows' own.
#include "hmc-marg/compress.h"

#include <Eigen/Dense>
#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "base/stop.h"

namespace tenfold::hmc_marg {

namespace {

constexpr std::uint32_t kBetweenLooks = 1 << 16;  // at the flag of an interruption

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Column = std::pair<std::int32_t, Slot>;  // (z, ref); intercept columns have z = kIntercept

// R of a QR of rows that arrive one at a time.
class RunningTriangle {
 public:
  explicit RunningTriangle(std::size_t columns)
      : columns_(static_cast<Eigen::Index>(columns)), block_(std::max<Eigen::Index>(4 * columns_, 64), columns_) {}
  double* next_row() {
    if (used_ == block_.rows()) reduce();
    block_.row(used_).setZero();
    return block_.row(used_++).data();
  }
  // Upper triangular (trapezoidal) [at most columns x columns].
  Matrix triangle() {
    reduce();
    return block_.topRows(used_);
  }

 private:
  void reduce() {
    const Eigen::Index rows = std::min(used_, columns_);
    Eigen::HouseholderQR<Eigen::MatrixXd> qr(block_.topRows(used_));
    block_.topRows(rows) = qr.matrixQR().topRows(rows).triangularView<Eigen::Upper>();
    used_ = rows;
  }
  Eigen::Index columns_, used_ = 0;
  Matrix block_;
};

struct Group {
  Slot scale = 0;
  std::vector<Column> columns;
  std::vector<std::uint32_t> members;
};

class Compressor {
 public:
  Compressor(const Graph& graph, const GivenSlots& given, const RowSet& rows) : graph_(graph), given_(given), rows_(rows) {}

  RowSet run() {
    make_groups();
    for (const Group& group : groups_) {
      std::vector<Slot> atoms = union_of_atoms(group.members);
      if (atoms.size() <= kMaxCompressedAtoms) {
        reduce(group, group.members, atoms);
        continue;
      }
      std::map<std::vector<Slot>, std::vector<std::uint32_t>> by_atoms;
      for (const std::uint32_t k : group.members) by_atoms[atoms_of(k)].push_back(k);
      for (const auto& [own, members] : by_atoms) reduce(group, members, own);
    }
    merge_free_rows();
    return std::move(out_);
  }

 private:
  void make_groups() {
    std::map<std::pair<Slot, std::vector<Column>>, std::size_t> index;
    intercept_first_.reserve(rows_.rows.size() + 1);
    std::vector<Column> columns;
    for (std::uint32_t k = 0; k < rows_.rows.size(); ++k) {
      if (k % kBetweenLooks == 0) leave_if_stopped();
      const BlockRow& row = rows_.rows[k];
      columns.clear();
      intercept_first_.push_back(static_cast<std::uint32_t>(intercepts_.size()));
      const std::size_t start = intercepts_.size();
      bool deep = true;
      for (const AffineTerm& term : rows_.terms_of(row)) {
        if (term.z != kIntercept)
          columns.emplace_back(term.z, term.ref);
        else if (term.ref == 0)
          intercepts_.push_back(term);
        else
          deep = deep && decompose(graph_, given_, term.ref, term.number, kMaxCompressedAtoms, intercepts_);
      }
      if (!deep) {  // too many: the row's own intercept terms are the atoms
        intercepts_.resize(start);
        for (const AffineTerm& term : rows_.terms_of(row))
          if (term.z == kIntercept) intercepts_.push_back(term);
      }
      std::vector<AffineTerm> tail(intercepts_.begin() + static_cast<std::ptrdiff_t>(start), intercepts_.end());
      normalise(tail);
      intercepts_.resize(start);
      intercepts_.insert(intercepts_.end(), tail.begin(), tail.end());
      const auto [place, is_new] = index.try_emplace({row.scale, columns}, groups_.size());
      if (is_new) groups_.push_back({row.scale, columns, {}});
      groups_[place->second].members.push_back(k);
    }
    intercept_first_.push_back(static_cast<std::uint32_t>(intercepts_.size()));
  }

  std::span<const AffineTerm> intercept(std::uint32_t k) const {
    return {intercepts_.data() + intercept_first_[k], intercept_first_[k + 1] - intercept_first_[k]};
  }

  std::vector<Slot> atoms_of(std::uint32_t k) const {
    std::vector<Slot> atoms;
    for (const AffineTerm& term : intercept(k))
      if (term.ref != 0) atoms.push_back(term.ref);
    return atoms;  // sorted, as the terms are
  }

  // Stops growing soon after the limit.
  std::vector<Slot> union_of_atoms(const std::vector<std::uint32_t>& members) const {
    std::vector<Slot> atoms;
    for (const std::uint32_t k : members) {
      for (const AffineTerm& term : intercept(k)) {
        if (term.ref == 0) continue;
        const auto place = std::lower_bound(atoms.begin(), atoms.end(), term.ref);
        if (place == atoms.end() || *place != term.ref) atoms.insert(place, term.ref);
      }
      if (atoms.size() > kMaxCompressedAtoms) break;
    }
    return atoms;
  }

  void reduce(const Group& group, const std::vector<std::uint32_t>& members, const std::vector<Slot>& atoms) {
    const std::size_t support = group.columns.size(), width = support + atoms.size() + 1;
    if (members.size() <= width) {
      for (const std::uint32_t k : members) keep(k);
      return;
    }
    RunningTriangle running(width);
    BlockRow row = rows_.rows[members[0]];
    row.normalisers = 0;
    row.variate_of = -1;
    for (const std::uint32_t k : members) {
      row.normalisers += rows_.rows[k].normalisers;
      double* x = running.next_row();
      std::size_t column = 0;
      for (const AffineTerm& term : rows_.terms_of(rows_.rows[k]))
        if (term.z != kIntercept) x[column++] = term.number;
      for (const AffineTerm& term : intercept(k)) {
        const std::size_t place =
            term.ref == 0 ? atoms.size()
                          : static_cast<std::size_t>(std::lower_bound(atoms.begin(), atoms.end(), term.ref) - atoms.begin());
        x[support + place] += term.number;
      }
    }
    const Matrix r = running.triangle();
    std::vector<AffineTerm> terms;
    for (Eigen::Index i = 0; i < r.rows(); ++i) {
      terms.clear();
      for (std::size_t j = 0; j < width; ++j) {
        const double number = r(i, static_cast<Eigen::Index>(j));
        if (number == 0) continue;
        if (j < support)
          terms.push_back({group.columns[j].first, group.columns[j].second, number});
        else
          terms.push_back({kIntercept, j + 1 < width ? atoms[j - support] : 0, number});
      }
      normalise(terms);
      const bool first = i == 0;
      if (first || static_cast<std::size_t>(i) < support)
        out_.add(row, terms);
      else
        free_.add(row, terms);
      row.normalisers = 0;
    }
  }

  void keep(std::uint32_t k) {
    std::vector<AffineTerm> terms;
    const auto deep = intercept(k);
    const bool written_out = std::count_if(deep.begin(), deep.end(), [](const AffineTerm& t) { return t.ref != 0; }) <= 4;
    for (const AffineTerm& term : rows_.terms_of(rows_.rows[k]))
      if (term.z != kIntercept || !written_out) terms.push_back(term);
    if (written_out) terms.insert(terms.end(), deep.begin(), deep.end());
    normalise(terms);
    out_.add(rows_.rows[k], terms);
  }

  // Rows without z: per scale, over the union of their atoms if that is small, one triangle.
  void merge_free_rows() {
    std::map<Slot, std::vector<std::uint32_t>> by_scale;
    for (std::uint32_t k = 0; k < free_.rows.size(); ++k) by_scale[free_.rows[k].scale].push_back(k);
    for (const auto& [scale, members] : by_scale) {
      std::vector<Slot> atoms;
      for (const std::uint32_t k : members)
        for (const AffineTerm& term : free_.terms_of(free_.rows[k]))
          if (term.ref != 0 && !std::binary_search(atoms.begin(), atoms.end(), term.ref))
            atoms.insert(std::lower_bound(atoms.begin(), atoms.end(), term.ref), term.ref);
      if (atoms.size() > kMaxCompressedAtoms) {
        for (const std::uint32_t k : members) out_.add(free_.rows[k], free_.terms_of(free_.rows[k]));
        continue;
      }
      RunningTriangle running(atoms.size() + 1);
      for (const std::uint32_t k : members) {
        double* x = running.next_row();
        for (const AffineTerm& term : free_.terms_of(free_.rows[k]))
          x[term.ref == 0 ? static_cast<std::ptrdiff_t>(atoms.size())
                          : std::lower_bound(atoms.begin(), atoms.end(), term.ref) - atoms.begin()] += term.number;
      }
      const Matrix r = running.triangle();
      std::vector<AffineTerm> terms;
      for (Eigen::Index i = 0; i < r.rows(); ++i) {
        terms.clear();
        for (std::size_t j = 0; j <= atoms.size(); ++j)
          if (r(i, static_cast<Eigen::Index>(j)) != 0)
            terms.push_back({kIntercept, j < atoms.size() ? atoms[j] : 0, r(i, static_cast<Eigen::Index>(j))});
        normalise(terms);
        BlockRow row = free_.rows[members[0]];
        row.normalisers = 0;
        if (!terms.empty()) out_.add(row, terms);
      }
    }
  }

  const Graph& graph_;
  const GivenSlots& given_;
  const RowSet& rows_;
  RowSet out_, free_;
  std::vector<Group> groups_;
  std::vector<AffineTerm> intercepts_;         // decomposed intercepts of all rows
  std::vector<std::uint32_t> intercept_first_;
};

}  // namespace

RowSet compress(const Graph& graph, const GivenSlots& given, const RowSet& rows) { return Compressor(graph, given, rows).run(); }

}  // namespace tenfold::hmc_marg
