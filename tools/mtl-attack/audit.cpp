#include "mtl-attack/audit.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include <fmt/format.h>

namespace tenfold::mtl_attack {
namespace {

bool is_time(const std::string& key) { return key.ends_with("_s"); }

double correlation_of(const std::vector<double>& a, const std::vector<double>& b) {
  const auto n = static_cast<double>(a.size());
  double ma = 0, mb = 0;
  for (std::size_t k = 0; k < a.size(); ++k) {
    ma += a[k] / n;
    mb += b[k] / n;
  }
  double aa = 0, bb = 0, ab = 0;
  for (std::size_t k = 0; k < a.size(); ++k) {
    aa += (a[k] - ma) * (a[k] - ma);
    bb += (b[k] - mb) * (b[k] - mb);
    ab += (a[k] - ma) * (b[k] - mb);
  }
  return ab / std::sqrt(aa * bb);  // NaN where nothing varies
}

template <class Value>
void check_same(AuditCheck& check, const std::string& what, std::span<const Value> found, std::span<const Value> expected) {
  ++check.examined;
  if (std::equal(found.begin(), found.end(), expected.begin(), expected.end())) return;
  std::size_t differing = 0;
  for (std::size_t j = 0; j < std::min(found.size(), expected.size()); ++j) differing += found[j] != expected[j] ? 1 : 0;
  check.failures.push_back(fmt::format("{}: {} of {} values differ", what, differing, expected.size()));
}

}  // namespace

void check_ball(AuditCheck& check, const std::string& file, std::span<const std::uint8_t> adversarial,
                std::span<const std::uint8_t> clean, int levels) {
  ++check.examined;
  for (std::size_t j = 0; j < clean.size(); ++j)
    if (std::abs(adversarial[j] - clean[j]) > levels) {
      check.failures.push_back(fmt::format("{}: value {} differs by {} grey levels from the clean image; {} are allowed", file, j,
                                           std::abs(adversarial[j] - clean[j]), levels));
      return;
    }
}

void check_ball(AuditCheck& check, const std::string& file, std::span<const float> adversarial, std::span<const float> clean,
                double eps) {
  ++check.examined;
  for (std::size_t j = 0; j < clean.size(); ++j) {
    const double x = static_cast<double>(adversarial[j]), change = std::abs(x - static_cast<double>(clean[j]));
    if (change <= eps + 1e-6 && x >= 0 && x <= 1) continue;
    check.failures.push_back(
        fmt::format("{}: value {} is {:g}, {:g} from the clean image; {:g} is allowed", file, j, x, change, eps));
    return;
  }
}

void check_bytes(AuditCheck& check, const std::string& what, std::span<const std::uint8_t> found,
                 std::span<const std::uint8_t> expected) {
  check_same(check, what, found, expected);
}

void check_values(AuditCheck& check, const std::string& what, std::span<const float> found, std::span<const float> expected) {
  check_same(check, what, found, expected);
}

bool same_number(double a, double b, double tolerance) {
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
  return std::abs(a - b) <= tolerance * std::max(1.0, std::abs(b));
}

void check_record(AuditCheck& check, const std::string& where, const ImageRecord& logged, const ImageRecord& again,
                  const std::vector<std::string>& tasks) {
  const auto compare = [&](const std::string& name, double a, double b) {
    ++check.examined;
    if (!same_number(a, b, check.tolerance))
      check.failures.push_back(fmt::format("{}: {} is logged as {:.8g}, the image gives {:.8g}", where, name, a, b));
  };
  compare("J", logged.J, again.J);
  compare("J_dataset", logged.J_dataset, again.J_dataset);
  compare("J_min", logged.J_min, again.J_min);
  compare("linf_levels", logged.linf_levels, again.linf_levels);
  compare("l2", logged.l2, again.l2);
  compare("ssim", logged.ssim, again.ssim);
  for (std::size_t t = 0; t < tasks.size(); ++t) {
    compare("r of " + tasks[t], logged.r[t], again.r[t]);
    compare("loss of " + tasks[t], logged.loss[t], again.loss[t]);
  }
}

void check_json(AuditCheck& check, const std::string& where, const Json& found, const Json& expected) {
  const auto fail = [&] {
    check.failures.push_back(
        fmt::format("result.json: {} is {}, should be {}", where, found.dump().substr(0, 60), expected.dump().substr(0, 60)));
  };
  if (expected.is_object()) {
    if (!found.is_object()) return fail();
    for (const auto& [key, value] : found.items())
      if (!expected.contains(key)) check.failures.push_back(fmt::format("result.json: {}.{} should not be there", where, key));
    for (const auto& [key, value] : expected.items()) {
      if (is_time(key)) continue;
      if (!found.contains(key))
        check.failures.push_back(fmt::format("result.json: {}.{} is missing", where, key));
      else
        check_json(check, where + "." + key, found[key], value);
    }
    return;
  }
  if (expected.is_array()) {
    if (!found.is_array() || found.size() != expected.size()) return fail();
    for (std::size_t k = 0; k < expected.size(); ++k) check_json(check, fmt::format("{}[{}]", where, k), found[k], expected[k]);
    return;
  }
  ++check.examined;
  if (expected.is_number_float() && found.is_number() &&
      same_number(found.get<double>(), expected.get<double>(), check.tolerance))
    return;
  const bool undefined = expected.is_number() && !std::isfinite(expected.get<double>());
  if (found == expected || (found.is_null() && undefined)) return;
  fail();
}

StepAccount account_of(const std::vector<StepTrace>& steps) {
  StepAccount out;
  std::vector<double> predicted, realised;
  double gaps = 0;
  for (const StepTrace& step : steps) {
    ++out.steps;
    gaps += step.gap;
    out.greatest_gap = std::max(out.greatest_gap, step.gap);
    if (std::isnan(step.predicted) || std::isnan(step.realised)) continue;
    predicted.push_back(step.predicted);
    realised.push_back(step.realised);
  }
  out.mean_gap = out.steps > 0 ? gaps / static_cast<double>(out.steps) : 0;
  out.predictions = static_cast<std::int64_t>(predicted.size());
  double above = 0, below = 0;
  for (std::size_t k = 0; k < predicted.size(); ++k) {
    above += realised[k];
    below += predicted[k];
  }
  out.fidelity = above / below;
  out.correlation = predicted.size() < 3 ? std::nan("") : correlation_of(predicted, realised);
  return out;
}

}  // namespace tenfold::mtl_attack
