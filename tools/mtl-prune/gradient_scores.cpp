#include "mtl-prune/gradient_scores.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <set>

namespace tenfold::mtl_prune {
namespace {

constexpr double kTiny = 1e-30;
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// A loss of 0 has gradients of 0, which stay 0.
double loss_of(const BatchStatistics& batch, int task) { return std::max(batch.losses[static_cast<std::size_t>(task)], kTiny); }

bool reaches(std::uint64_t mask, int task) { return (mask >> task & 1U) != 0; }

}  // namespace

std::vector<bool> filter_dimensions(const mtl::Model& model, const Units& units) {
  std::set<std::string> weights;
  for (const mtl::Node& node : model.graph.nodes)
    if (node.op == mtl::Op::conv2d || node.op == mtl::Op::conv_transpose2d || node.op == mtl::Op::linear)
      weights.insert(node.parameters.at("weight"));
  std::vector<bool> filters;
  for (const Dimension& dimension : units.dimensions)
    filters.push_back(dimension.role == Role::producer && weights.contains(dimension.parameter));
  return filters;
}

std::vector<std::uint64_t> dimension_reaches(const mtl::Model& model, const Units& units,
                                             const std::vector<int>& output_of_task) {
  const std::map<std::string, std::uint64_t> outputs = mtl::reached_by_parameter(model.graph);
  std::vector<std::uint64_t> out;
  for (const Dimension& dimension : units.dimensions) {
    const auto found = outputs.find(dimension.parameter);
    std::uint64_t tasks = 0;
    for (std::size_t t = 0; t < output_of_task.size(); ++t)
      if (found != outputs.end() && reaches(found->second, output_of_task[t])) tasks |= std::uint64_t{1} << t;
    out.push_back(tasks);
  }
  return out;
}

void RunningMean::add(double value) {
  sum += value;
  squares += value * value;
  ++count;
}

double RunningMean::standard_error() const {
  if (count < 2) return 0;
  const auto n = static_cast<double>(count);
  return std::sqrt(std::max(0.0, (squares - sum * sum / n) / (n - 1)) / n);
}

GradientScores::GradientScores(const mtl::Model& model, const Units& units, const std::vector<int>& output_of_task, Couple couple)
    : units_(units), couple_(couple), tasks_(static_cast<int>(output_of_task.size())) {
  const std::vector<bool> is_filter = filter_dimensions(model, units);
  const std::vector<std::uint64_t> reach = dimension_reaches(model, units, output_of_task);
  UnitSums empty;
  empty.norm.resize(static_cast<std::size_t>(tasks_));
  empty.cosine.resize(static_cast<std::size_t>(tasks_ * (tasks_ - 1) / 2));
  for (const UnitSet& set : units.sets) {
    std::vector<std::vector<Filter>>& of_set = filters_.emplace_back();
    for (const Unit& unit : set.units) {
      std::vector<Filter>& filters = of_set.emplace_back();
      int first = -1;
      for (const Slice& slice : units.slices(unit)) {
        if (!is_filter[static_cast<std::size_t>(slice.dimension)]) continue;
        if (first < 0) first = slice.dimension;
        if (couple_ == Couple::first && slice.dimension != first) continue;
        for (const std::int64_t index : units.indices(slice))
          filters.push_back({slice.dimension, index, reach[static_cast<std::size_t>(slice.dimension)]});
      }
    }
    sums_.emplace_back(set.units.size(), empty);
  }
}

std::vector<GradientScores::Pooled> GradientScores::pooled(const BatchStatistics& batch,
                                                           const std::vector<Filter>& filters) const {
  const auto pairs = static_cast<std::size_t>(tasks_ * (tasks_ + 1) / 2);
  std::vector<Pooled> out;
  for (const Filter& filter : filters) {
    const auto d = static_cast<std::size_t>(filter.dimension);
    const auto at = static_cast<std::size_t>(filter.index);
    const double* dots = batch.dots[d].data() + at * pairs;
    const double norm = batch.weight_norm[d][at];
    if (couple_ == Couple::joint && !out.empty()) {
      for (std::size_t p = 0; p < pairs; ++p) out[0].dots[p] += dots[p];
      out[0].weight_norm = std::hypot(out[0].weight_norm, norm);
      out[0].reaches |= filter.reaches;
    } else {
      out.push_back({{dots, dots + pairs}, norm, filter.reaches});
    }
  }
  return out;
}

// Mean of cosines over the pairs of tasks that reach the filter and have a loss in this batch; a pair with a zero gradient is 0.
void GradientScores::add_cosines(const BatchStatistics& batch, const std::vector<Filter>& filters, UnitSums& sums) {
  std::vector<double> conflict, magnitude;
  std::vector<std::vector<double>> norms(static_cast<std::size_t>(tasks_)), cosines(sums.cosine.size());
  for (const Pooled& filter : pooled(batch, filters)) {
    std::vector<int> present;
    double log_product = 0;
    for (int i = 0; i < tasks_; ++i) {
      if (!reaches(filter.reaches, i) || std::isnan(batch.losses[static_cast<std::size_t>(i)])) continue;
      present.push_back(i);
      const double norm = std::sqrt(filter.dots[static_cast<std::size_t>(pair_index(tasks_, i, i))]);
      norms[static_cast<std::size_t>(i)].push_back(norm);
      if (norm > 0) sums.any_gradient = true;
      log_product += std::log(filter.weight_norm * norm / loss_of(batch, i));
    }
    double sum = 0;
    int pairs = 0;
    for (std::size_t a = 0; a < present.size(); ++a) {
      for (std::size_t b = a + 1; b < present.size(); ++b, ++pairs) {
        const int i = present[a], j = present[b];
        const auto dot = [&](int k, int l) { return filter.dots[static_cast<std::size_t>(pair_index(tasks_, k, l))]; };
        const double cosine = dot(i, j) / ((std::sqrt(dot(i, i)) + kTiny) * (std::sqrt(dot(j, j)) + kTiny));
        cosines[static_cast<std::size_t>(pair_index(tasks_, i, j) - i - 1)].push_back(cosine);
        sum += cosine;
      }
    }
    if (pairs == 0) continue;
    conflict.push_back(sum / pairs);
    const double mean_size = std::exp(log_product / static_cast<double>(present.size()));  // exp(-inf) = 0: a dead filter
    magnitude.push_back((1 + sum / pairs) / 2 * mean_size);
  }
  if (!conflict.empty()) {
    sums.cosprune.add(coupled(conflict, couple_));
    sums.magnitude.add(coupled(magnitude, couple_));
  }
  for (std::size_t i = 0; i < norms.size(); ++i)
    if (!norms[i].empty()) sums.norm[i].add(coupled(norms[i], couple_));
  for (std::size_t p = 0; p < cosines.size(); ++p)
    if (!cosines[p].empty()) sums.cosine[p].add(coupled(cosines[p], couple_));
}

// dL_i/dg of the gate on all that is read of the unit: the sum over its consumers' columns.
void GradientScores::add_gates(const BatchStatistics& batch, const Unit& unit, UnitSums& sums) {
  std::vector<double> gate(static_cast<std::size_t>(tasks_));
  bool read = false;
  for (const Slice& slice : units_.slices(unit)) {
    if (units_.dimension(slice).role != Role::consumer) continue;
    read = true;
    const std::vector<double>& gates = batch.gates[static_cast<std::size_t>(slice.dimension)];
    for (const std::int64_t index : units_.indices(slice))
      for (std::size_t t = 0; t < gate.size(); ++t) gate[t] += gates[static_cast<std::size_t>(index) * gate.size() + t];
  }
  if (!read) return;
  double total = 0, most = 0, least = std::numeric_limits<double>::infinity(), sum = 0;
  int present = 0;
  for (std::size_t t = 0; t < gate.size(); ++t) {
    if (std::isnan(batch.losses[t])) continue;
    total += batch.weights[t] * gate[t];
    const double relative = std::abs(gate[t]) / loss_of(batch, static_cast<int>(t));
    most = std::max(most, relative);
    least = std::min(least, relative);
    sum += relative;
    ++present;
  }
  if (present == 0) return;
  sums.taylor.add(total * total);
  sums.task_max.add(most);
  sums.task_mean.add(sum / present);
  sums.task_min.add(least);
}

void GradientScores::add(const BatchStatistics& batch) {
  for (std::size_t s = 0; s < sums_.size(); ++s) {
    for (std::size_t u = 0; u < sums_[s].size(); ++u) {
      const Unit& unit = units_.sets[s].units[u];
      if (unit.locked) continue;
      add_cosines(batch, filters_[s][u], sums_[s][u]);
      add_gates(batch, unit, sums_[s][u]);
    }
  }
  ++batches_;
}

void GradientScores::saw(UnitRef unit, double nonzero, double values) {
  if (unit.set < 0) return;
  UnitSums& sums = at(static_cast<std::size_t>(unit.set), static_cast<std::size_t>(unit.unit));
  sums.nonzero += nonzero;
  sums.values += values;
}

void GradientScores::fill(ScoreTable& table) const {
  const auto score = [](const RunningMean& mean) { return UnitScore{mean.mean(), mean.standard_error(), mean.count > 0}; };
  const auto means = [](const std::vector<RunningMean>& all) {
    std::vector<double> out;
    for (const RunningMean& mean : all) out.push_back(mean.count ? mean.mean() : kNaN);
    return out;
  };
  table.batches = batches_;
  for (const std::vector<UnitSums>& set : sums_) {
    std::map<std::string, std::vector<UnitScore>> scores;
    auto& norm = table.gradient_norm.emplace_back();
    auto& cosine = table.pair_cosine.emplace_back();
    auto& apoz = table.apoz.emplace_back();
    auto& dead = table.dead.emplace_back();
    for (const UnitSums& unit : set) {
      scores["cosprune"].push_back(score(unit.cosprune));
      scores["cosprune-mag"].push_back(score(unit.magnitude));
      scores["taylor"].push_back(score(unit.taylor));
      scores["taylor-task:max"].push_back(score(unit.task_max));
      scores["taylor-task:mean"].push_back(score(unit.task_mean));
      scores["taylor-task:min"].push_back(score(unit.task_min));
      norm.push_back(means(unit.norm));
      cosine.push_back(means(unit.cosine));
      apoz.push_back(unit.values > 0 ? unit.nonzero / unit.values : kNaN);
      dead.push_back(batches_ > 0 && ((unit.values > 0 && unit.nonzero == 0) || !unit.any_gradient) ? 1 : 0);
    }
    for (auto& [name, of_set] : scores) table.scores[name].push_back(std::move(of_set));
  }
}

template <class Visit>
void GradientScores::visit(const UnitSums& unit, const Visit& number) {
  const auto mean = [&](const RunningMean& m) {
    number(m.sum);
    number(m.squares);
    number(static_cast<double>(m.count));
  };
  for (const RunningMean* m : {&unit.cosprune, &unit.magnitude, &unit.taylor, &unit.task_max, &unit.task_mean, &unit.task_min})
    mean(*m);
  for (const RunningMean& m : unit.norm) mean(m);
  for (const RunningMean& m : unit.cosine) mean(m);
  number(unit.nonzero);
  number(unit.values);
  number(unit.any_gradient ? 1.0 : 0.0);
}

std::vector<double> GradientScores::state() const {
  std::vector<double> out{static_cast<double>(batches_)};
  for (const std::vector<UnitSums>& set : sums_)
    for (const UnitSums& unit : set) visit(unit, [&](double value) { out.push_back(value); });
  return out;
}

void GradientScores::restore(const std::vector<double>& state) {
  std::size_t at = 0;
  const auto next = [&] { return state.at(at++); };
  const auto mean = [&](RunningMean& m) {
    m.sum = next();
    m.squares = next();
    m.count = static_cast<std::int64_t>(next());
  };
  batches_ = static_cast<std::int64_t>(next());
  for (std::vector<UnitSums>& set : sums_) {
    for (UnitSums& unit : set) {
      for (RunningMean* m : {&unit.cosprune, &unit.magnitude, &unit.taylor, &unit.task_max, &unit.task_mean, &unit.task_min})
        mean(*m);
      for (RunningMean& m : unit.norm) mean(m);
      for (RunningMean& m : unit.cosine) mean(m);
      unit.nonzero = next();
      unit.values = next();
      unit.any_gradient = next() != 0;
    }
  }
}

}  // namespace tenfold::mtl_prune
