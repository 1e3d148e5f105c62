// Parameters and multiply-adds of the network as units go, in constant time per slice: every multiply-add of a convolution or
// linear layer is one element of its weight at one position, so that both are sums over weights of (elements * factor).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mtl-prune/units.h"
#include "mtl/model.h"

namespace tenfold::mtl_prune {

class Footprint {
 public:
  // shapes: of a batch of one.
  Footprint(const mtl::Model& model, const Units& units, const std::vector<mtl::Shape>& shapes);

  void remove(const Unit& unit) { change(unit, -1); }
  void put_back(const Unit& unit) { change(unit, 1); }

  double params() const { return params_; }
  double macs() const { return macs_; }

 private:
  struct Weight {
    std::vector<double> sizes;  // a grouped dimension: its share per group, whole numbers only while blocks are in balance
    double is_parameter = 1;    // 0: a running statistic
    double positions = 0;       // multiply-adds per element, summed over the nodes that use it
    double elements() const;
  };

  void change(const Unit& unit, int sign);

  const Units& units_;
  std::vector<Weight> weights_;
  std::vector<int> weight_of_dimension_;
  double params_ = 0, macs_ = 0;
};

}  // namespace tenfold::mtl_prune
