#include "mtl-prune/score_table.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

#include <fmt/format.h>

#include "mtl-prune/select.h"

namespace tenfold::mtl_prune {
namespace {

std::string number(double value) { return std::isfinite(value) ? fmt::format("{}", value) : ""; }

// A field that holds a comma or a quote is quoted.
std::string field(const std::string& text) {
  if (text.find_first_of(",\"\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

std::vector<double> mean_ranks(std::span<const double> values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, {}, [&](std::size_t i) { return values[i]; });
  std::vector<double> ranks(values.size());
  for (std::size_t first = 0; first < order.size();) {
    std::size_t last = first;
    while (last + 1 < order.size() && values[order[last + 1]] == values[order[first]]) ++last;
    for (std::size_t i = first; i <= last; ++i) ranks[order[i]] = static_cast<double>(first + last) / 2;
    first = last + 1;
  }
  return ranks;
}

}  // namespace

std::string scores_csv(const Units& units, const ScoreTable& scores, const std::vector<std::string>& tasks) {
  std::string text = "set,unit,producer,locked";
  for (const auto& [name, of_sets] : scores.scores) text += "," + name + "," + name + "_se";
  const bool gradients = !scores.gradient_norm.empty();
  if (gradients) {
    for (const std::string& task : tasks) text += "," + field("norm_" + task);
    for (std::size_t i = 0; i < tasks.size(); ++i)
      for (std::size_t j = i + 1; j < tasks.size(); ++j) text += "," + field("cos_" + tasks[i] + "_" + tasks[j]);
    text += ",apoz,dead";
  }
  text += "\n";
  for (std::size_t s = 0; s < units.sets.size(); ++s) {
    const std::string producer = field(parameters(units, units.sets[s], Role::producer).front());
    for (std::size_t u = 0; u < units.sets[s].units.size(); ++u) {
      text += fmt::format("{},{},{},{}", s, u, producer, units.sets[s].units[u].locked ? 1 : 0);
      for (const auto& [name, of_sets] : scores.scores) {
        const UnitScore& score = of_sets[s][u];
        text += score.ranked ? "," + number(score.value) + "," + number(score.standard_error) : ",,";
      }
      if (gradients) {
        for (const double norm : scores.gradient_norm[s][u]) text += "," + number(norm);
        for (const double cosine : scores.pair_cosine[s][u]) text += "," + number(cosine);
        text += "," + number(scores.apoz[s][u]) + "," + (scores.dead[s][u] != 0 ? "1" : "0");
      }
      text += "\n";
    }
  }
  return text;
}

double spearman(std::span<const double> a, std::span<const double> b) {
  const std::vector<double> x = mean_ranks(a), y = mean_ranks(b);
  const double middle = (static_cast<double>(x.size()) - 1) / 2;
  double xy = 0, xx = 0, yy = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    xy += (x[i] - middle) * (y[i] - middle);
    xx += (x[i] - middle) * (x[i] - middle);
    yy += (y[i] - middle) * (y[i] - middle);
  }
  return xy / std::sqrt(xx * yy);
}

Json rank_correlations(const Units& units, const ScoreTable& scores, const std::vector<std::string>& criteria,
                       const std::string& scope) {
  const std::vector<bool> in = in_scope(units, scope);
  Json rows = Json::array();
  for (std::size_t i = 0; i < criteria.size(); ++i) {
    for (std::size_t j = i + 1; j < criteria.size(); ++j) {
      std::vector<double> a, b;
      for (std::size_t s = 0; s < units.sets.size(); ++s) {
        if (!in[s]) continue;
        for (std::size_t u = 0; u < units.sets[s].units.size(); ++u) {
          const UnitScore &x = scores.scores.at(criteria[i])[s][u], &y = scores.scores.at(criteria[j])[s][u];
          if (units.sets[s].units[u].locked || !x.ranked || !y.ranked || !std::isfinite(x.value) || !std::isfinite(y.value))
            continue;
          a.push_back(x.value);
          b.push_back(y.value);
        }
      }
      const double correlation = a.size() > 1 ? spearman(a, b) : std::nan("");
      rows.push_back({{"a", criteria[i]},
                      {"b", criteria[j]},
                      {"spearman", std::isfinite(correlation) ? Json(correlation) : Json(nullptr)},
                      {"n", a.size()}});
    }
  }
  return rows;
}

}  // namespace tenfold::mtl_prune
