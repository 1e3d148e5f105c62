// Features: store, norms, and those made from the graph.
#include "gnnbench/feature_table.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"

namespace tenfold::gnnbench {

namespace {

std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

// Divides values[begin, end) by their l2 norm, or by their l1 norm.
void divide_row(std::vector<float>& values, std::size_t begin, std::size_t end, bool l2) {
  double sum = 0;
  for (std::size_t i = begin; i < end; ++i) sum += l2 ? double{values[i]} * values[i] : std::fabs(double{values[i]});
  if (!(sum > 0)) return;
  const double norm = l2 ? std::sqrt(sum) : sum;
  for (std::size_t i = begin; i < end; ++i) values[i] = static_cast<float>(values[i] / norm);
}

void divide_rows(FeatureTable& table, bool l2) {
  if (table.sparse) {
    for (std::size_t v = 0; v + 1 < table.indptr.size(); ++v)
      divide_row(table.values, at(table.indptr[v]), at(table.indptr[v + 1]), l2);
    return;
  }
  const std::size_t width = at(table.width);
  for (std::size_t begin = 0; begin < table.dense.size(); begin += width) divide_row(table.dense, begin, begin + width, l2);
}

void standardise_columns(FeatureTable& table) {
  const std::size_t width = at(table.width), rows = table.dense.size() / width;
  std::vector<double> mean(width, 0), square(width, 0);
  for (std::size_t i = 0; i < table.dense.size(); ++i) mean[i % width] += table.dense[i];
  for (double& m : mean) m /= static_cast<double>(rows);
  for (std::size_t i = 0; i < table.dense.size(); ++i) {
    const double off = table.dense[i] - mean[i % width];
    square[i % width] += off * off;
  }
  for (double& s : square) s = s > 0 ? std::sqrt(s / static_cast<double>(rows)) : 1;
  for (std::size_t i = 0; i < table.dense.size(); ++i)
    table.dense[i] = static_cast<float>((table.dense[i] - mean[i % width]) / square[i % width]);
}

}  // namespace

Features FeatureTable::view() const {
  Features out;
  out.width = width;
  if (sparse) {
    out.indptr = indptr;
    out.columns = columns;
    out.values = values;
  } else {
    out.dense = dense;
  }
  return out;
}

FeatureTable FeatureTable::copy(const Features& features) {
  FeatureTable out;
  out.width = features.width;
  out.sparse = features.sparse();
  out.dense.assign(features.dense.begin(), features.dense.end());
  out.indptr.assign(features.indptr.begin(), features.indptr.end());
  out.columns.assign(features.columns.begin(), features.columns.end());
  out.values.assign(features.values.begin(), features.values.end());
  return out;
}

std::int64_t nonzeros(const Features& features) {
  const std::span<const float> entries = features.sparse() ? features.values : features.dense;
  return std::count_if(entries.begin(), entries.end(), [](float v) { return v != 0; });
}

double density(const Features& features, std::int64_t nodes) {
  if (features.width == 0 || nodes == 0) return 0;
  return static_cast<double>(nonzeros(features)) / (static_cast<double>(nodes) * static_cast<double>(features.width));
}

void tidy_sparse(FeatureTable& table) {
  std::vector<std::size_t> order;
  std::vector<NodeId> columns;
  std::vector<float> values;
  columns.reserve(table.columns.size());
  values.reserve(table.values.size());
  EdgeIndex begin = 0;
  for (std::size_t v = 0; v + 1 < table.indptr.size(); ++v) {
    const EdgeIndex end = table.indptr[v + 1];
    order.resize(at(end - begin));
    std::iota(order.begin(), order.end(), at(begin));
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return table.columns[a] < table.columns[b]; });
    for (std::size_t i = 0; i < order.size();) {
      const NodeId column = table.columns[order[i]];
      double sum = 0;
      for (; i < order.size() && table.columns[order[i]] == column; ++i) sum += table.values[order[i]];
      if (sum == 0) continue;
      columns.push_back(column);
      values.push_back(static_cast<float>(sum));
    }
    begin = end;
    table.indptr[v + 1] = static_cast<EdgeIndex>(columns.size());
  }
  table.columns = std::move(columns);
  table.values = std::move(values);
}

FeatureTable to_sparse(const Features& dense) {
  FeatureTable out;
  out.width = dense.width;
  out.sparse = true;
  out.indptr = {0};
  const std::size_t width = at(dense.width);
  for (std::size_t begin = 0; begin < dense.dense.size(); begin += width) {
    for (std::size_t j = 0; j < width; ++j) {
      if (dense.dense[begin + j] == 0) continue;
      out.columns.push_back(static_cast<NodeId>(j));
      out.values.push_back(dense.dense[begin + j]);
    }
    out.indptr.push_back(static_cast<EdgeIndex>(out.columns.size()));
  }
  return out;
}

FeatureTable to_dense(const Features& sparse, std::int64_t nodes) {
  std::int64_t bytes = 0;
  if (__builtin_mul_overflow(nodes, sparse.width * 4, &bytes) || bytes > std::int64_t{1} << 40)
    infeasible_error("dense features of " + std::to_string(nodes) + " x " + std::to_string(sparse.width) +
                     " do not fit any memory; give --store sparse");
  FeatureTable out;
  out.width = sparse.width;
  out.dense.assign(at(nodes) * at(sparse.width), 0);
  for (std::size_t v = 0; v < at(nodes); ++v)
    for (EdgeIndex e = sparse.indptr[v]; e < sparse.indptr[v + 1]; ++e)
      out.dense[v * at(sparse.width) + at(sparse.columns[at(e)])] = sparse.values[at(e)];
  return out;
}

void require_finite(const Features& features, const std::string& file) {
  const std::span<const float> entries = features.sparse() ? features.values : features.dense;
  const auto bad = [](float v) { return !std::isfinite(v); };
  const auto first = std::find_if(entries.begin(), entries.end(), bad);
  if (first == entries.end()) return;
  const auto place = first - entries.begin();
  std::int64_t row = 0, column = 0;
  if (features.sparse()) {
    row = std::upper_bound(features.indptr.begin(), features.indptr.end(), place) - features.indptr.begin() - 1;
    column = features.columns[at(place)];
  } else {
    row = place / features.width;
    column = place % features.width;
  }
  const auto more = std::count_if(first + 1, entries.end(), bad);
  input_error(file + ": the feature in row " + std::to_string(row) + ", column " + std::to_string(column) + " (from 0) is " +
              (std::isnan(*first) ? "NaN" : "infinite") + ", and " + std::to_string(more) + " more are not finite");
}

std::string automatic_norm(const Features& features, std::int64_t nodes) {
  if (features.width == 0) return "none";
  const std::span<const float> entries = features.sparse() ? features.values : features.dense;
  if (std::any_of(entries.begin(), entries.end(), [](float v) { return v < 0; })) return "none";
  return density(features, nodes) <= 0.5 ? "l2" : "none";
}

void normalise(FeatureTable& table, const std::string& norm) {
  if (norm == "none" || table.width == 0) return;
  if (norm == "l1" || norm == "l2") return divide_rows(table, norm == "l2");
  if (table.sparse)
    usage_error("--feature-norm std would fill the zeros of sparse features; give l1, l2 or none, or --store dense");
  standardise_columns(table);
}

FeatureTable degree_features(CsrView graph) {
  FeatureTable out;
  out.width = 2;
  for (std::int64_t v = 0; v < graph.rows(); ++v) {
    out.dense.push_back(static_cast<float>(std::log1p(static_cast<double>(graph.degree(v)))));
    out.dense.push_back(1);
  }
  return out;
}

FeatureTable identity_features(std::int64_t nodes) {
  FeatureTable out;
  out.width = nodes;
  out.sparse = true;
  out.indptr.resize(at(nodes) + 1);
  std::iota(out.indptr.begin(), out.indptr.end(), EdgeIndex{0});
  out.columns.resize(at(nodes));
  std::iota(out.columns.begin(), out.columns.end(), NodeId{0});
  out.values.assign(at(nodes), 1);
  return out;
}

}  // namespace tenfold::gnnbench
