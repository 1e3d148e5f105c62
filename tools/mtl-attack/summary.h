// From the records of single images to the result: means with bootstrap intervals, and paired comparisons against a baseline
// rule.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mtl-attack/attack_options.h"
#include "mtl-attack/bootstrap.h"
#include "mtl-attack/clean_pass.h"
#include "mtl-attack/image_record.h"

namespace tenfold::mtl_attack {

struct CellOutcome {
  Cell cell;
  std::vector<ImageRecord> records;  // in the order of the images, failed ones included
  Metrics metrics;                   // over the images that did not fail
};

// An entry of "cells".
Json cell_json(const CellOutcome& outcome, const CleanPass& clean, const std::vector<std::string>& tasks, std::uint64_t seed);

// The paired difference of J between two cells of one attack and budget, over the images that both have.
Estimate paired_difference(const CellOutcome& a, const CellOutcome& b, std::uint64_t seed);

// Entries of "pairs": every rule against the baseline, attack by attack and budget by budget. Empty without the baseline's cells.
Json pairs_json(const std::vector<CellOutcome>& outcomes, const std::string& baseline, std::uint64_t seed);

Json clean_json(const CleanPass& clean, const std::vector<std::string>& tasks);
Json metrics_json(const Metrics& metrics);  // {METRIC: x} by task, in a list
// Of the whole run: the set's faulty items, and the images of each cell that were skipped.
std::vector<mtl::Fault> all_faults(const CleanPass& clean, const std::vector<CellOutcome>& outcomes);
Json data_json(const mtl::DataSet& data);
Json model_json(const VictimFacts& facts);
Json faults_json(const std::vector<mtl::Fault>& faults);

Json interval_json(const Estimate& estimate);  // [low, high]
// "1.66 [1.50, 1.83]".
std::string estimate_text(double mean, const Json& interval, int digits = 3);

}  // namespace tenfold::mtl_attack
