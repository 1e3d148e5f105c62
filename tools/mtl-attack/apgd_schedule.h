// When Auto-PGD (Croce and Hein 2020, section 3) halves its step and goes back to the best iterate, for one image, as the
// authors' code does it: windows of 0.22 K steps, each 0.03 K shorter than the last, at least 0.06 K.
#pragma once

#include <vector>

namespace tenfold::mtl_attack {

class ApgdSchedule {
 public:
  // eta: the first step size, 2 eps. start: the objective at x_0.
  ApgdSchedule(int steps, double eta, double start);

  // After a step: f at its end, and the best so far, this one included. True: go on from the best iterate.
  bool record(double f, double best);

  double eta() const { return eta_; }

 private:
  bool window_fails(double best) const;

  int window_, shrink_, least_window_;
  int in_window_ = 0;
  double eta_;
  double last_ = 0;  // f of the step before; of the start it is taken as 0, as the published code does
  int rises_ = 0;    // steps of this window that ended higher than they began
  double best_at_check_;
  bool halved_ = true;  // at the last check
};

// The steps after which the schedule looks, for K steps.
std::vector<int> apgd_checkpoints(int steps);

}  // namespace tenfold::mtl_attack
