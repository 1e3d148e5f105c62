// Rows, means, contrasts, clauses and the check of a twin.
#include "hmc-marg/compare.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>

#include <fmt/format.h>

#include "base/error.h"
#include "data/csv.h"
#include "data/number.h"
#include "stats/distributions.h"

namespace tenfold::hmc_marg {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

Json number(double x) { return std::isfinite(x) ? Json(x) : Json(nullptr); }
double number_from(const Json& json) { return json.is_null() ? kNaN : json.get<double>(); }
bool failed(const CompareRow& row) { return !row.error.empty(); }

using Figure = double (Figures::*)() const;

// The figure of each of a's runs beside that of b's run with the same seed, where both have it.
stats::PairedRatio paired(const std::vector<CompareRow>& rows, const std::string& model, const std::string& a,
                          const std::string& b, Figure figure) {
  std::vector<double> x, y;
  for (const CompareRow& of_a : rows)
    for (const CompareRow& of_b : rows) {
      if (of_a.model != model || of_b.model != model || of_a.variant != a || of_b.variant != b || of_a.seed != of_b.seed)
        continue;
      if (failed(of_a) || failed(of_b)) continue;
      const double left = (of_a.figures.*figure)(), right = (of_b.figures.*figure)();
      if (!(left > 0 && right > 0 && std::isfinite(left) && std::isfinite(right))) continue;
      x.push_back(left);
      y.push_back(right);
    }
  stats::PairedRatio none;
  none.ratio = kNaN;
  none.interval = {kNaN, kNaN};
  return x.empty() ? none : stats::compare_ratio(x, y);
}

stats::MeanInterval geometric_mean(std::vector<double> values) {
  std::erase_if(values, [](double v) { return !(v > 0 && std::isfinite(v)); });
  if (values.empty()) return {.n = 0, .mean = kNaN, .sd = kNaN, .interval = {kNaN, kNaN}};
  for (double& v : values) v = std::log(v);
  stats::MeanInterval out = stats::mean_interval(values);
  for (double* v : {&out.mean, &out.interval.low, &out.interval.high}) *v = std::exp(*v);
  return out;
}

Json ratio_json(const stats::PairedRatio& r) {
  if (r.n == 0) return nullptr;
  const auto log_of = [](double x) { return number(std::log(x)); };
  return {{"n", r.n},
          {"ratio", number(r.ratio)},
          {"ratio_ci", {number(r.n > 1 ? r.interval.low : kNaN), number(r.n > 1 ? r.interval.high : kNaN)}},
          {"log_ratio", log_of(r.ratio)},
          {"ci", {r.n > 1 ? log_of(r.interval.low) : Json(nullptr), r.n > 1 ? log_of(r.interval.high) : Json(nullptr)}},
          {"shown", r.shown},
          {"verdict", ratio_text(r)}};
}

std::vector<std::string> variants_of(const std::vector<CompareRow>& rows, const std::string& model) {
  std::vector<std::string> out;
  for (const CompareRow& row : rows)
    if (row.model == model && std::find(out.begin(), out.end(), row.variant) == out.end()) out.push_back(row.variant);
  return out;
}

std::vector<std::string> models_of(const std::vector<CompareRow>& rows) {
  std::vector<std::string> out;
  for (const CompareRow& row : rows)
    if (std::find(out.begin(), out.end(), row.model) == out.end()) out.push_back(row.model);
  return out;
}

}  // namespace

Json row_json(const CompareRow& row) {
  const Figures& f = row.figures;
  if (failed(row))
    return {{"model", row.model},       {"variant", row.variant},      {"seed", row.seed},
            {"sampled", nullptr},       {"min_ess", nullptr},          {"slowest", nullptr},
            {"gradients", nullptr},     {"leapfrogs", nullptr},        {"divergences", nullptr},
            {"max_rhat", nullptr},      {"ess_per_gradient", nullptr}, {"cpu_s", nullptr},
            {"ess_per_cpu_s", nullptr}, {"error", row.error}};
  return {{"model", row.model},
          {"variant", row.variant},
          {"seed", row.seed},
          {"sampled", f.sampled},
          {"min_ess", number(f.min_ess)},
          {"slowest", f.slowest},
          {"gradients", f.gradients},
          {"leapfrogs", f.leapfrogs},
          {"divergences", f.divergences},
          {"max_rhat", number(f.max_rhat)},
          {"ess_per_gradient", number(f.ess_per_gradient())},
          {"cpu_s", f.cpu_s},
          {"ess_per_cpu_s", number(f.ess_per_cpu_s())},
          {"error", nullptr}};
}

Json saved_row(const CompareRow& row) {
  Json json = row_json(row);
  json["means"] = Json::array();
  for (const ColumnMean& m : row.means) json["means"].push_back({m.name, number(m.mean), number(m.mcse)});
  return json;
}

CompareRow row_from_json(const Json& json) {
  try {
    CompareRow row;
    row.model = json.at("model").get<std::string>();
    row.variant = json.at("variant").get<std::string>();
    row.seed = json.at("seed").get<std::uint64_t>();
    if (!json.at("error").is_null()) {
      row.error = json.at("error").get<std::string>();
      return row;
    }
    Figures& f = row.figures;
    f.sampled = json.at("sampled").get<int>();
    f.min_ess = number_from(json.at("min_ess"));
    f.slowest = json.at("slowest").get<std::string>();
    f.cpu_s = json.at("cpu_s").get<double>();
    f.gradients = json.at("gradients").get<double>();
    f.leapfrogs = json.at("leapfrogs").get<long>();
    f.divergences = json.at("divergences").get<long>();
    f.max_rhat = number_from(json.at("max_rhat"));
    for (const Json& m : json.at("means"))
      row.means.push_back({m.at(0).get<std::string>(), number_from(m.at(1)), number_from(m.at(2))});
    return row;
  } catch (const Json::exception&) {
    input_error("a saved row of the comparison lacks a field or has one of another kind; start again with --force");
  }
}

std::string rows_csv(const std::vector<CompareRow>& rows) {
  std::string out;
  for (const CompareRow& row : rows) {
    const Json json = row_json(row);
    if (out.empty()) {
      for (const auto& [key, value] : json.items()) out += (out.empty() ? "" : ",") + key;
      out += "\n";
    }
    bool first = true;
    for (const auto& [key, value] : json.items()) {
      if (!first) out += ",";
      first = false;
      if (value.is_string())
        data::append_csv_cell(out, value.get<std::string>());
      else if (value.is_number_float())
        data::append_number(out, value.get<double>());
      else if (!value.is_null())
        out += value.dump();
    }
    out += "\n";
  }
  return out;
}

std::vector<VariantMeans> variant_means(const std::vector<CompareRow>& rows) {
  std::vector<VariantMeans> out;
  for (const std::string& model : models_of(rows))
    for (const std::string& variant : variants_of(rows, model)) {
      VariantMeans means;
      means.model = model;
      means.variant = variant;
      means.max_rhat = kNaN;
      std::vector<double> cpu, gradient, ess;
      double least = std::numeric_limits<double>::infinity();
      for (const CompareRow& row : rows) {
        if (row.model != model || row.variant != variant || failed(row)) continue;
        const Figures& f = row.figures;
        means.sampled = f.sampled;
        means.divergences += f.divergences;
        if (!(means.max_rhat >= f.max_rhat)) means.max_rhat = f.max_rhat;
        if (f.min_ess < least) {
          least = f.min_ess;
          means.slowest = f.slowest;
        }
        ess.push_back(f.min_ess);
        cpu.push_back(f.ess_per_cpu_s());
        gradient.push_back(f.ess_per_gradient());
      }
      if (ess.empty()) continue;
      means.min_ess = stats::mean_interval(ess).mean;
      means.per_cpu_s = geometric_mean(cpu);
      means.per_gradient = geometric_mean(gradient);
      out.push_back(std::move(means));
    }
  return out;
}

namespace {

// "chains of none disagree (R-hat 3.64)", or nothing.
std::string disagreement(const std::vector<CompareRow>& rows, const std::string& model, const std::string& variant) {
  double rhat = 0;
  for (const CompareRow& row : rows)
    if (row.model == model && row.variant == variant && !failed(row) && row.figures.max_rhat > rhat) rhat = row.figures.max_rhat;
  return rhat > kApart ? fmt::format("chains of {} disagree (R-hat {:.2f})", variant, rhat) : "";
}

}  // namespace

std::vector<Contrast> contrasts(const std::vector<CompareRow>& rows) {
  std::vector<Contrast> out;
  for (const std::string& model : models_of(rows)) {
    const std::vector<std::string> variants = variants_of(rows, model);
    const bool automatic = std::find(variants.begin(), variants.end(), kAuto) != variants.end();
    const std::string reference = automatic ? kAuto : variants.front();
    for (const std::string& other : variants) {
      if (other == reference) continue;
      Contrast c{.model = model,
                 .a = reference,
                 .b = other,
                 .per_cpu_s = paired(rows, model, reference, other, &Figures::ess_per_cpu_s),
                 .per_gradient = paired(rows, model, reference, other, &Figures::ess_per_gradient),
                 .caution = disagreement(rows, model, reference)};
      if (const std::string theirs = disagreement(rows, model, other); !theirs.empty())
        c.caution += (c.caution.empty() ? "" : ", ") + theirs;
      if (!c.caution.empty()) c.caution += ": no ratio of samplers that both reach the posterior";
      out.push_back(std::move(c));
    }
  }
  return out;
}

Json contrast_json(const Contrast& c) {
  return {{"model", c.model},
          {"a", c.a},
          {"b", c.b},
          {"ess_per_gradient", ratio_json(c.per_gradient)},
          {"ess_per_cpu_s", ratio_json(c.per_cpu_s)},
          {"caution", c.caution.empty() ? Json(nullptr) : Json(c.caution)}};
}

std::string rate_text(double x) {
  if (!std::isfinite(x)) return "-";
  if (!(x >= 1e-4 && x < 1e7)) return fmt::format("{:.1e}", x);
  const std::string rounded = fmt::format("{:.2e}", x);  // 9.9999 counts as 10
  const int exponent = std::stoi(rounded.substr(rounded.find('e') + 1));
  return fmt::format("{:.{}f}", x, std::max(0, 2 - exponent));
}

std::string ratio_text(const stats::PairedRatio& r) {
  if (r.n == 0) return "not measured";
  if (r.n == 1) return fmt::format("{} times (one seed: no interval)", rate_text(r.ratio));
  const std::string interval = fmt::format("({} to {})", rate_text(r.interval.low), rate_text(r.interval.high));
  return r.shown ? fmt::format("{} times {}", rate_text(r.ratio), interval) : "no difference shown " + interval;
}

const char* name_of(ClauseKind kind) {
  switch (kind) {
    case ClauseKind::not_slower: return "not_slower";
    case ClauseKind::eight_times: return "eight_times";
    case ClauseKind::no_divergences: return "no_divergences";
  }
  return "";
}

const char* name_of(ClauseStatus status) {
  switch (status) {
    case ClauseStatus::holds: return "holds";
    case ClauseStatus::does_not_hold: return "does_not_hold";
    case ClauseStatus::not_shown: return "not_shown";
    case ClauseStatus::not_run: return "not_run";
  }
  return "";
}

namespace {

ClauseStatus verdict_of(ClauseKind kind, const stats::PairedRatio& r) {
  const double claimed = kind == ClauseKind::not_slower ? 1 : kManyTimes;
  if (r.interval.low >= claimed) return ClauseStatus::holds;
  return r.interval.high < claimed ? ClauseStatus::does_not_hold : ClauseStatus::not_shown;
}

// A ratio clause against each rival that has figures: it must hold against all of them. The rival named is the one that auto
// beats least.
void judge_ratio(Clause& clause, const std::vector<CompareRow>& rows, const std::vector<std::string>& same_as_auto) {
  std::vector<std::string> rivals, without;
  for (const char* name : {kNone, kReparam}) {
    const auto is_rival = [&](const CompareRow& row) { return row.model == clause.model && row.variant == name; };
    if (!std::any_of(rows.begin(), rows.end(), is_rival)) continue;
    const bool measured = std::any_of(rows.begin(), rows.end(), [&](const CompareRow& r) { return is_rival(r) && !failed(r); });
    (measured ? rivals : without).emplace_back(name);
  }
  clause.status = ClauseStatus::holds;
  for (const std::string& rival : rivals) {
    const stats::PairedRatio r = paired(rows, clause.model, kAuto, rival, &Figures::ess_per_cpu_s);
    if (r.n < 2) {
      clause.status = ClauseStatus::not_run;
      clause.why = "one seed gives no interval";
      return;
    }
    clause.status = std::max(clause.status, verdict_of(clause.kind, r));
    clause.why += fmt::format("{}against {}: {}", clause.why.empty() ? "" : "; ", rival, ratio_text(r));
    if (const std::string apart = disagreement(rows, clause.model, rival); !apart.empty()) clause.why += ", but " + apart;
    if (!clause.against.empty() && r.ratio >= clause.per_cpu_s.ratio) continue;
    clause.against = rival;
    clause.per_cpu_s = r;
  }
  const auto add = [&](const std::string& text) { clause.why += (clause.why.empty() ? "" : "; ") + text; };
  for (const std::string& rival : without) add(rival + " did not run");
  for (const std::string& rival : same_as_auto) add(fmt::format("auto is the same program as {}", rival));
  if (rivals.empty()) {
    clause.status = ClauseStatus::not_run;
    if (clause.why.empty()) clause.why = "neither none nor reparam was asked for";
  } else if (const std::string apart = disagreement(rows, clause.model, kAuto); !apart.empty()) {
    clause.status = std::max(clause.status, ClauseStatus::not_shown);
    add(apart);
  }
}

}  // namespace

std::vector<Clause> judge_model(const std::string& model, bool many_times, const std::vector<CompareRow>& rows,
                                const std::string& missing, const std::vector<std::string>& same_as_auto) {
  std::vector<const CompareRow*> automatic;
  for (const CompareRow& row : rows)
    if (row.model == model && row.variant == kAuto) automatic.push_back(&row);
  const auto broken = std::find_if(automatic.begin(), automatic.end(), [](const CompareRow* row) { return failed(*row); });
  std::vector<Clause> out;
  for (const ClauseKind kind : {ClauseKind::not_slower, ClauseKind::eight_times, ClauseKind::no_divergences}) {
    if (kind == ClauseKind::eight_times && !many_times) continue;
    Clause clause;
    clause.kind = kind;
    clause.model = model;
    if (automatic.empty()) {
      clause.why = missing.empty() ? "auto was not asked for" : missing;
    } else if (broken != automatic.end()) {
      clause.status = ClauseStatus::does_not_hold;
      clause.why = fmt::format("auto failed with seed {}: {}", (*broken)->seed, (*broken)->error);
    } else if (kind == ClauseKind::no_divergences) {
      clause.divergences = 0;
      for (const CompareRow* row : automatic) clause.divergences += row->figures.divergences;
      clause.status = clause.divergences == 0 ? ClauseStatus::holds : ClauseStatus::does_not_hold;
      clause.why = fmt::format("{} in {} run{}", clause.divergences, automatic.size(), automatic.size() == 1 ? "" : "s");
    } else {
      judge_ratio(clause, rows, same_as_auto);
    }
    out.push_back(std::move(clause));
  }
  return out;
}

Json clauses_json(const std::vector<Clause>& clauses) {
  Json on_speed = Json::array(), on_divergences = Json::array();
  for (const Clause& c : clauses) {
    Json entry = {{"model", c.model},
                  {"status", name_of(c.status)},
                  {"why_not_run", c.status == ClauseStatus::not_run ? Json(c.why) : Json(nullptr)}};
    if (c.kind == ClauseKind::no_divergences) {
      entry["divergences"] = c.divergences < 0 ? Json(nullptr) : Json(c.divergences);
      on_divergences.push_back(std::move(entry));
      continue;
    }
    entry["clause"] = name_of(c.kind);
    entry["against"] = c.against.empty() ? Json(nullptr) : Json(c.against);
    entry["gain"] = ratio_json(c.per_cpu_s);
    on_speed.push_back(std::move(entry));
  }
  return {{"ess_per_cpu_s", on_speed}, {"divergences", on_divergences}};
}

namespace {

// Mean over the seeds of each column of a variant, in the order of its first run.
std::vector<ColumnMean> pooled_means(const std::vector<CompareRow>& rows, const std::string& model, const std::string& variant) {
  std::vector<ColumnMean> out;
  double runs = 0;
  for (const CompareRow& row : rows) {
    if (row.model != model || row.variant != variant || failed(row)) continue;
    if (runs++ == 0) {
      for (const ColumnMean& m : row.means) out.push_back({m.name, m.mean, m.mcse * m.mcse});
      continue;
    }
    for (std::size_t i = 0; i < std::min(out.size(), row.means.size()); ++i) {
      out[i].mean += row.means[i].mean;
      out[i].mcse += row.means[i].mcse * row.means[i].mcse;
    }
  }
  for (ColumnMean& m : out) m = {m.name, m.mean / runs, std::sqrt(m.mcse) / runs};
  return out;
}

}  // namespace

TwinCheck check_twin(const std::string& model, const std::vector<CompareRow>& rows) {
  TwinCheck check;
  const std::vector<ColumnMean> twin = pooled_means(rows, model, kTwin);
  std::vector<ColumnMean> own;
  for (const char* variant : {kAuto, kReparam, kNone})
    if (own.empty()) own = pooled_means(rows, model, variant);
  for (const ColumnMean& a : own) {
    const auto b = std::find_if(twin.begin(), twin.end(), [&](const ColumnMean& m) { return m.name == a.name; });
    if (b == twin.end()) continue;
    const double z = std::fabs(a.mean - b->mean) / std::hypot(a.mcse, b->mcse);
    if (!std::isfinite(z)) continue;
    ++check.compared;
    if (z <= check.max_abs_z) continue;
    check.max_abs_z = z;
    check.worst = a.name;
  }
  check.limit = check.compared == 0 ? kNaN : -stats::normal_quantile(0.0005 / check.compared);
  check.difference_shown = check.max_abs_z > check.limit;
  return check;
}

Json twin_json(const TwinCheck& c) {
  return {{"compared", c.compared},
          {"max_abs_z", c.compared == 0 ? Json(nullptr) : number(c.max_abs_z)},
          {"worst", c.worst.empty() ? Json(nullptr) : Json(c.worst)},
          {"limit", number(c.limit)},
          {"difference_shown", c.difference_shown}};
}

}  // namespace tenfold::hmc_marg
