// What an audit checks of a finished run, as arithmetic on what was read: no check knows where its numbers came from.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "data/json.h"
#include "mtl-attack/image_record.h"

namespace tenfold::mtl_attack {

struct AuditCheck {
  std::string name;
  std::int64_t examined = 0;         // how many files, numbers or steps
  std::vector<std::string> failures;  // one line each
  double tolerance = 1e-6;            // of numbers that are counted again
  bool holds() const { return failures.empty(); }
};

// Every |Q_j - X_j| <= levels. Says the first place that breaks it.
void check_ball(AuditCheck& check, const std::string& file, std::span<const std::uint8_t> adversarial,
                std::span<const std::uint8_t> clean, int levels);
void check_ball(AuditCheck& check, const std::string& file, std::span<const float> adversarial, std::span<const float> clean,
                double eps);

// Bytes that must be the same.
void check_bytes(AuditCheck& check, const std::string& what, std::span<const std::uint8_t> found,
                 std::span<const std::uint8_t> expected);
void check_values(AuditCheck& check, const std::string& what, std::span<const float> found, std::span<const float> expected);

// |a - b| <= tolerance max(1, |b|); NaN equals NaN.
bool same_number(double a, double b, double tolerance);

// Numbers of a record that was made again: J, r, losses, sizes.
void check_record(AuditCheck& check, const std::string& where, const ImageRecord& logged, const ImageRecord& again,
                  const std::vector<std::string>& tasks);

// Every member of `found` (a result's part) against `expected`, made again: numbers by same_number, counts and all else exactly.
// Members whose names end in _s are times.
void check_json(AuditCheck& check, const std::string& where, const Json& found, const Json& expected);

// Steps of attacks that were run again: the greatest gap (relative to the bound), and how well c.d predicted the change.
struct StepAccount {
  std::int64_t steps = 0;
  double greatest_gap = 0, mean_gap = 0;
  std::int64_t predictions = 0;
  double fidelity = 0;  // sum of realised over sum of predicted change; 1: the loss is as linear as the step assumes
  double correlation = 0;  // of predicted and realised, over steps; NaN for fewer than three
};
StepAccount account_of(const std::vector<StepTrace>& steps);

}  // namespace tenfold::mtl_attack
