// The options of ranking that prune and iterate share; each has them in its own struct, under the same names.
#pragma once

#include "cli/option_table.h"

namespace tenfold::mtl_prune {

template <class Options>
void describe_criterion(Options& o, cli::OptionTable& table) {
  table
      .add("--criterion", o.criterion,
           "cosprune, cosprune-mag, taylor, taylor-task:max|mean|min, l1, l2, bn or random; the lowest units go first")
      .value_name("NAME");
}

template <class Options>
void describe_ranking(Options& o, cli::OptionTable& table) {
  table.add("--allocate", o.allocate, "global: one ranking over all sets; uniform: the same share of each set")
      .one_of({"global", "uniform"});
  table.add("--normalize", o.normalize, "what scores are divided by before they are ranked over sets")
      .one_of({"none", "layer-mean", "layer-max", "per-mac"});
  table.add("--scope", o.scope, "trunk: what two tasks or more share; all: heads too; regex:NAMES of parameters")
      .value_name("trunk|all|regex:NAMES");
  table.add("--dead", o.dead, "units that no reader saw a value of: they go first, or stay at their score")
      .one_of({"first", "paper"});
  table.add("--private", o.private_units, "units without a conflict to measure: they stay, or go in proportion by taylor")
      .one_of({"keep", "taylor"});
}

}  // namespace tenfold::mtl_prune
