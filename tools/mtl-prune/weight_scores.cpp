// Criteria of weights alone.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <set>

#include "base/error.h"
#include "base/philox.h"
#include "base/suggest.h"
#include "mtl-prune/scores.h"

namespace tenfold::mtl_prune {
namespace {

// Calls visit with every element of one filter: index `at` of the dimension, virtual where it has groups.
template <class Visit>
void for_each_weight(const mtl::Tensor& tensor, const Dimension& dimension, std::int64_t at, const Visit& visit) {
  const auto axis = static_cast<std::size_t>(dimension.dim);
  std::int64_t outer = 1, inner = 1;
  for (std::size_t d = 0; d < axis; ++d) outer *= tensor.shape[d];
  for (std::size_t d = axis + 1; d < tensor.shape.size(); ++d) inner *= tensor.shape[d];
  const std::int64_t size = tensor.shape[axis];
  std::int64_t first = 0, last = outer;
  if (dimension.groups > 1) {  // the rows of its group alone
    const std::int64_t group = at / size, rows = outer / dimension.groups;
    first = group * rows;
    last = first + rows;
    at -= group * size;
  }
  for (std::int64_t o = first; o < last; ++o)
    for (std::int64_t i = 0; i < inner; ++i) visit(tensor.values[static_cast<std::size_t>((o * size + at) * inner + i)]);
}

double filter_score(bool squares, const mtl::Tensor& tensor, const Dimension& dimension, std::int64_t at) {
  double sum = 0;
  for_each_weight(tensor, dimension, at, [&](float w) {
    const double v = w;
    sum += squares ? v * v : std::abs(v);
  });
  return sum;
}

double magnitude(bool squares, const mtl::Model& model, const Units& units, const Unit& unit, Couple couple) {
  std::vector<double> filters;
  int first = -1;
  for (const Slice& slice : units.slices(unit)) {
    const Dimension& dimension = units.dimension(slice);
    if (dimension.role != Role::producer) continue;
    if (first < 0) first = slice.dimension;
    if (couple == Couple::first && slice.dimension != first) continue;
    for (const std::int64_t at : units.indices(slice))
      filters.push_back(filter_score(squares, model.weights.at(dimension.parameter), dimension, at));
  }
  return coupled(filters, couple);
}

std::set<std::string> norm_weights(const mtl::Model& model) {
  std::set<std::string> names;
  for (const mtl::Node& node : model.graph.nodes) {
    if (node.op != mtl::Op::batch_norm && node.op != mtl::Op::instance_norm && node.op != mtl::Op::group_norm) continue;
    if (const auto found = node.parameters.find("weight"); found != node.parameters.end()) names.insert(found->second);
  }
  return names;
}

// NaN where no norm with a scale stands behind the unit.
double norm_scale(const mtl::Model& model, const Units& units, const Unit& unit, const std::set<std::string>& norms,
                  Couple couple) {
  std::vector<double> scales;
  for (const Slice& slice : units.slices(unit)) {
    const Dimension& dimension = units.dimension(slice);
    if (!norms.contains(dimension.parameter)) continue;
    for (const std::int64_t at : units.indices(slice))
      scales.push_back(std::abs(model.weights.at(dimension.parameter).values[static_cast<std::size_t>(at)]));
  }
  return scales.empty() ? std::numeric_limits<double>::quiet_NaN() : coupled(scales, couple);
}

}  // namespace

double coupled(const std::vector<double>& filters, Couple couple) {
  if (filters.empty()) return 0;
  const double sum = std::accumulate(filters.begin(), filters.end(), 0.0);
  switch (couple) {
    case Couple::sum:
    case Couple::joint: return sum;  // of |w| or w^2 over all filters put end to end
    case Couple::max: return *std::ranges::max_element(filters);
    case Couple::min: return *std::ranges::min_element(filters);
    case Couple::mean:
    case Couple::first: break;
  }
  return sum / static_cast<double>(filters.size());
}

Couple parse_couple(std::string_view text) {
  static const std::vector<std::string> names = {"mean", "sum", "max", "min", "joint", "first"};
  const auto found = std::ranges::find(names, text);
  if (found != names.end()) return static_cast<Couple>(found - names.begin());
  const std::string near = nearest(text, names);
  usage_error("--couple " + std::string(text) + " is none of mean, sum, max, min, joint, first" +
              (near.empty() ? "" : "; did you mean " + near + "?"));
}

const std::vector<std::string>& criteria() {
  static const std::vector<std::string> names = {
      "cosprune", "cosprune-mag", "taylor", "taylor-task:max", "taylor-task:mean", "taylor-task:min", "l1", "l2", "bn", "random"};
  return names;
}

bool is_weight_criterion(std::string_view criterion) {
  return criterion == "l1" || criterion == "l2" || criterion == "bn" || criterion == "random";
}

std::string check_criterion(std::string_view criterion) {
  if (criterion == "taylor-task") return "taylor-task:max";
  if (std::ranges::find(criteria(), criterion) != criteria().end()) return std::string(criterion);
  std::string all;
  for (const std::string& name : criteria()) all += (all.empty() ? "" : ", ") + name;
  const std::string near = nearest(criterion, criteria());
  usage_error("--criterion " + std::string(criterion) + " is none of " + all +
              (near.empty() ? "" : "; did you mean " + near + "?"));
}

SetScores weight_scores(const std::string& criterion, const mtl::Model& model, const Units& units, Couple couple,
                        std::uint64_t seed) {
  const std::set<std::string> norms = criterion == "bn" ? norm_weights(model) : std::set<std::string>{};
  SetScores scores;
  for (const UnitSet& set : units.sets) {
    std::vector<UnitScore>& of_set = scores.emplace_back(set.units.size());
    PhiloxStream random(seed, "mtl-prune random", static_cast<std::uint32_t>(set.id));
    for (std::size_t u = 0; u < set.units.size(); ++u) {
      const Unit& unit = set.units[u];
      if (criterion == "random") {
        of_set[u].value = random.uniform();
      } else if (unit.locked) {
        of_set[u].ranked = false;
      } else if (criterion == "bn") {
        of_set[u].value = norm_scale(model, units, unit, norms, couple);
      } else {
        of_set[u].value = magnitude(criterion == "l2", model, units, unit, couple);
      }
    }
  }
  return scores;
}

}  // namespace tenfold::mtl_prune
