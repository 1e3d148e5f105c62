#include "mtl-attack/apgd_schedule.h"

#include <algorithm>

namespace tenfold::mtl_attack {
namespace {

int share(double part, int steps) { return std::max(static_cast<int>(part * steps), 1); }

}  // namespace

ApgdSchedule::ApgdSchedule(int steps, double eta, double start)
    : window_(share(0.22, steps)),
      shrink_(share(0.03, steps)),
      least_window_(share(0.06, steps)),
      eta_(eta),
      best_at_check_(start) {}

bool ApgdSchedule::window_fails(double best) const {
  if (rises_ <= 0.75 * window_) return true;
  return !halved_ && best <= best_at_check_;
}

bool ApgdSchedule::record(double f, double best) {
  rises_ += f > last_ ? 1 : 0;
  last_ = f;
  if (++in_window_ < window_) return false;
  halved_ = window_fails(best);
  best_at_check_ = best;
  if (halved_) eta_ /= 2;
  in_window_ = rises_ = 0;
  window_ = std::max(window_ - shrink_, least_window_);
  return halved_;
}

std::vector<int> apgd_checkpoints(int steps) {
  std::vector<int> out;
  for (int window = share(0.22, steps), at = window; at <= steps; at += window) {
    out.push_back(at);
    window = std::max(window - share(0.03, steps), share(0.06, steps));
  }
  return out;
}

}  // namespace tenfold::mtl_attack
