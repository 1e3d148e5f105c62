#include "mtl-attack/summary.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "mtl-attack/eps.h"
#include "report/report.h"
#include "stats/quantile.h"

namespace tenfold::mtl_attack {
namespace {

// values(record) of the images that have one.
template <class Value>
std::vector<double> gathered(const CellOutcome& outcome, const Value& value) {
  std::vector<double> out;
  for (const ImageRecord& record : outcome.records) {
    if (!record.failure.empty()) continue;
    const double x = value(record);
    if (!std::isnan(x)) out.push_back(x);
  }
  return out;
}

double mean_of(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

double sum_of(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum;
}

Json task_json(const CellOutcome& outcome, const CleanPass& clean, std::size_t t, const std::string& purpose,
               std::uint64_t seed) {
  const std::vector<double> loss =
      gathered(outcome, [&](const ImageRecord& r) { return std::isnan(r.r[t]) ? r.r[t] : r.loss[t]; });
  const std::vector<double> change = gathered(outcome, [&](const ImageRecord& r) { return r.r[t]; });
  const Estimate estimate = bootstrap_mean(change, seed, purpose);
  const std::vector<std::vector<mtl::MetricValue>> now = {outcome.metrics[t].values()}, base = {clean.metrics[t].values()};
  return {{"loss_adv", mean_of(loss)},
          {"rel_change_mean", estimate.mean},
          {"rel_change_ci95", interval_json(estimate)},
          {"metrics_adv", metrics_json({outcome.metrics[t]})[0]},
          {"metric_change", mtl::average_metric_change(now, base)}};
}

std::string pair_key(const Cell& cell) { return std::string(name_of(cell.plan.attack)) + " " + levels_text(cell.plan.eps); }

}  // namespace

Json interval_json(const Estimate& estimate) {
  if (estimate.n < 2) return Json::array({nullptr, nullptr});
  return Json::array({estimate.low, estimate.high});
}

std::string estimate_text(double mean, const Json& interval, int digits) {
  std::string out = report::number_text(mean, digits);
  if (interval[0].is_number() && std::isfinite(interval[0].get<double>()))
    out += " [" + report::number_text(interval[0].get<double>(), digits) + ", " +
           report::number_text(interval[1].get<double>(), digits) + "]";
  return out;
}

Json metrics_json(const Metrics& metrics) {
  Json out = Json::array();
  for (const mtl::MetricSums& sums : metrics) {
    Json task = Json::object();
    for (const mtl::MetricValue& value : sums.values()) task[value.name] = value.defined ? Json(value.value) : Json(nullptr);
    out.push_back(std::move(task));
  }
  return out;
}

Json cell_json(const CellOutcome& outcome, const CleanPass& clean, const std::vector<std::string>& tasks, std::uint64_t seed) {
  const AttackPlan& plan = outcome.cell.plan;
  const auto J = gathered(outcome, [](const ImageRecord& r) { return r.J; });
  const auto mean = [&](double ImageRecord::* member) {
    return mean_of(gathered(outcome, [&](const ImageRecord& r) { return r.*member; }));
  };
  const Estimate estimate = bootstrap_mean(J, seed, outcome.cell.name);
  Json by_task = Json::object(), floored = Json::object();
  std::vector<std::vector<mtl::MetricValue>> now, base;
  for (std::size_t t = 0; t < tasks.size(); ++t) {
    by_task[tasks[t]] = task_json(outcome, clean, t, outcome.cell.name + " " + tasks[t], seed);
    floored[tasks[t]] =
        static_cast<std::int64_t>(sum_of(gathered(outcome, [&](const ImageRecord& r) { return r.floored[t] ? 1.0 : 0.0; })));
    now.push_back(outcome.metrics[t].values());
    base.push_back(clean.metrics[t].values());
  }
  const auto levels = gathered(outcome, [](const ImageRecord& r) { return r.linf_levels; });
  const double cpu_s = sum_of(gathered(outcome, [](const ImageRecord& r) { return r.cpu_s; }));
  const auto J_8bit = gathered(outcome, [](const ImageRecord& r) { return r.J_8bit; });
  return {{"rule", plan.rule.name},
          {"attack", name_of(plan.attack)},
          {"norm", "linf"},
          {"eps_levels", grey_levels(plan.eps)},
          {"steps", plan.passes()},
          {"denominator", name_of(plan.denominator)},
          {"n", J.size()},
          {"J_mean", estimate.mean},
          {"J_ci95", interval_json(estimate)},
          {"J_median", stats::median(J)},
          {"J_dataset_mean", mean(&ImageRecord::J_dataset)},
          {"J_min_task_mean", mean(&ImageRecord::J_min)},
          {"tasks", std::move(by_task)},
          {"avg_metric_change", mtl::average_metric_change(now, base)},
          {"linf_max_levels", levels.empty() ? 0 : *std::max_element(levels.begin(), levels.end())},
          {"l2_mean", mean(&ImageRecord::l2)},
          {"ssim_mean", mean(&ImageRecord::ssim)},
          {"J_before_png", mean(&ImageRecord::J_before_png)},
          {"J_8bit", J_8bit.empty() ? Json(nullptr) : Json(mean_of(J_8bit))},
          {"floored", std::move(floored)},
          {"forward_passes", mean_of(gathered(outcome, [](const ImageRecord& r) { return double(r.forward_passes); }))},
          {"backward_passes", mean_of(gathered(outcome, [](const ImageRecord& r) { return double(r.backward_passes); }))},
          {"cpu_s", cpu_s},
          {"images_per_s", cpu_s > 0 ? Json(static_cast<double>(J.size()) / cpu_s) : Json(nullptr)}};
}

Estimate paired_difference(const CellOutcome& a, const CellOutcome& b, std::uint64_t seed) {
  std::map<std::string, double> of_b;
  for (const ImageRecord& record : b.records)
    if (record.failure.empty()) of_b[record.id] = record.J;
  const std::vector<double> differences = gathered(a, [&](const ImageRecord& record) {
    const auto found = of_b.find(record.id);
    return found == of_b.end() ? std::nan("") : record.J - found->second;
  });
  return bootstrap_mean(differences, seed, a.cell.name + " - " + b.cell.name);
}

Json pairs_json(const std::vector<CellOutcome>& outcomes, const std::string& baseline, std::uint64_t seed) {
  std::map<std::string, const CellOutcome*> bases;
  for (const CellOutcome& outcome : outcomes)
    if (outcome.cell.plan.rule.name == baseline) bases[pair_key(outcome.cell)] = &outcome;
  Json pairs = Json::array();
  for (const CellOutcome& outcome : outcomes) {
    const auto base = bases.find(pair_key(outcome.cell));
    if (base == bases.end() || base->second == &outcome) continue;
    const Estimate difference = paired_difference(outcome, *base->second, seed);
    pairs.push_back({{"a", outcome.cell.plan.rule.name},
                     {"b", baseline},
                     {"attack", name_of(outcome.cell.plan.attack)},
                     {"eps_levels", grey_levels(outcome.cell.plan.eps)},
                     {"n", difference.n},
                     {"diff_mean", difference.mean},
                     {"diff_ci95", interval_json(difference)},
                     {"verdict", verdict(difference, outcome.cell.plan.rule.name, baseline)}});
  }
  return pairs;
}

Json clean_json(const CleanPass& clean, const std::vector<std::string>& tasks) {
  Json loss = Json::object(), metrics = Json::object(), floored = Json::object(), absent = Json::object();
  const Json by_task = metrics_json(clean.metrics);
  for (std::size_t t = 0; t < tasks.size(); ++t) {
    loss[tasks[t]] = clean.scale.mean[t];
    metrics[tasks[t]] = by_task[t];
    floored[tasks[t]] = clean.floored[t];
    absent[tasks[t]] = clean.absent[t];
  }
  return {
      {"loss", std::move(loss)}, {"metrics", std::move(metrics)}, {"floored", std::move(floored)}, {"absent", std::move(absent)}};
}

std::vector<mtl::Fault> all_faults(const CleanPass& clean, const std::vector<CellOutcome>& outcomes) {
  std::vector<mtl::Fault> faults = clean.faults;
  for (const CellOutcome& outcome : outcomes)
    for (const ImageRecord& record : outcome.records)
      if (!record.failure.empty()) faults.push_back({outcome.cell.name + "/" + record.id, record.failure});
  return faults;
}

Json data_json(const mtl::DataSet& data) { return {{"spec", data.spec()}, {"n", data.size()}, {"sha256", data.sha256()}}; }

Json model_json(const VictimFacts& facts) {
  return {{"path", facts.path},
          {"weights_sha256", facts.weights_sha256},
          {"params", facts.params},
          {"macs", facts.macs ? Json(*facts.macs) : Json(nullptr)}};
}

Json faults_json(const std::vector<mtl::Fault>& faults) {
  Json out = Json::array();
  for (const mtl::Fault& fault : faults) out.push_back({{"item", fault.item}, {"reason", fault.reason}});
  return out;
}

}  // namespace tenfold::mtl_attack
