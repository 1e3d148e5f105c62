// The iterators fgsm, pgd, mim and apgd on one image, as a state that is asked what it needs next and told the answer. So one
// driver can feed many images from one batch, and none of them sees another.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "mtl-attack/apgd_schedule.h"
#include "mtl-attack/box_step.h"
#include "mtl-attack/damage.h"
#include "mtl-attack/quantise.h"
#include "mtl-attack/rule.h"

namespace tenfold::mtl_attack {

// What a cell of a run does to every image.
struct AttackPlan {
  Rule rule;
  AttackKind attack = AttackKind::pgd;
  double eps = 8.0 / 255;
  double step = 0;  // a; 0: eps / steps
  int steps = 10;   // K
  double momentum = 1;
  Denominator denominator = Denominator::current;
  Objective objective = {};
  Tie tie = Tie::zero;
  bool worst_offset = true;  // worst: r_i counts
  bool keep_best = false;    // of the iterates; apgd always does
  bool integer = false;      // iterates stay on the 8-bit lattice
  bool trace = false;        // keep what each step promised and did

  int passes() const { return attack == AttackKind::fgsm ? 1 : steps; }
};

// With AttackPlan::trace, of step k: from x_k to x_{k+1}.
struct StepTrace {
  double objective = 0;  // f(x_k)
  double size = 0;       // a, or eta
  double gap = 0;        // of the step against the best of its box, relative to that: 0 for the closed form
  double predicted = 0;  // first-order change of what the rule adds up, NaN where it adds up no losses
  double realised = 0;   // the same, after the step; NaN where nothing was evaluated there
  int cuts = 0;          // worst, protect
};

class ImageAttack {
 public:
  enum class Need : std::uint8_t { weighted, each, losses, nothing };

  // clean: x, planar; start: where to begin, inside the ball. Keeps references to plan, facts and scale.
  ImageAttack(const AttackPlan& plan, const CleanImage& facts, const LossScale& scale, std::span<const float> clean,
              std::vector<float> start);

  Need need() const { return need_; }
  std::span<const float> point() const { return x_; }

  // The weights of Need::weighted at these losses.
  std::vector<double> weigh(std::span<const double> losses);
  // The answer at point(): losses [T], and gradients [n] or [T] of [n] as needed. A number that is not finite ends the attack.
  void take(std::span<const double> losses, const std::vector<std::span<const float>>& gradients);
  // The same for a point that is only evaluated after the end, so that the last step's trace is whole.
  void close_trace(std::span<const double> losses);

  const std::string& failure() const { return failure_; }  // empty: none
  std::span<const float> result() const;
  double best_objective() const { return best_f_; }
  int forward_passes() const { return forward_; }
  int backward_passes() const { return backward_; }
  const std::vector<bool>& floored() const { return floored_; }  // tasks whose denominator was the floor at least once
  const std::vector<StepTrace>& trace() const { return trace_; }
  bool dual_converged() const { return dual_converged_; }

 private:
  // A direction, or for worst and protect the rows that the step is made of.
  struct Direction {
    std::vector<float> c;
    std::vector<std::vector<float>> rows;  // [T] of [n]
    std::vector<double> offsets;           // r_i
    std::vector<double> weights;           // of the losses in what c promises; empty where it promises none
    double unit = 1;                       // c is the gradient of the promise divided by it
  };

  bool finite(std::span<const double> losses, const std::vector<std::span<const float>>& gradients);
  Direction direction(std::span<const double> losses, const std::vector<std::span<const float>>& gradients) const;
  void combine(Direction& out, const std::vector<std::span<const float>>& gradients) const;
  void keep_if_best(std::span<const double> losses, const Direction& direction);
  void step(const Direction& direction, std::span<const double> losses);
  std::vector<float> moved(const Direction& direction, float a);
  std::vector<float> dual_move(const Direction& direction, float a);
  std::vector<float> extrapolated(std::span<const float> z);
  void add_momentum(const std::vector<float>& c);
  void trace_step(const Direction& direction, std::span<const double> losses, std::span<const float> target,
                  std::span<const float> next, float a);
  void settle_need();

  const AttackPlan& plan_;
  const CleanImage& facts_;
  const LossScale& scale_;
  Ball ball_;
  Bytes clean_bytes_;
  int levels_ = 0;
  float a_ = 0;
  std::vector<float> x_, previous_, best_, momentum_;
  Direction best_direction_;
  std::vector<double> promised_weights_;  // of the losses in what the last step promises
  std::vector<double> losses_before_;
  double best_f_ = 0;
  bool has_best_ = false;
  std::optional<ApgdSchedule> schedule_;
  int k_ = 0;  // steps done
  Need need_ = Need::weighted;
  double unit_ = 1;
  std::vector<double> pass_weights_;
  std::string failure_;
  int forward_ = 0, backward_ = 0;
  std::vector<bool> floored_;
  std::vector<StepTrace> trace_;
  double dual_bound_ = 0, dual_value_ = 0;
  int dual_cuts_ = 0;
  bool dual_converged_ = true;
};

// Where restart r of an image begins: the clean image, or uniformly in the ball, by seed and names alone.
std::vector<float> random_start(std::span<const float> clean, double eps, std::uint64_t seed, const std::string& id, int restart);

}  // namespace tenfold::mtl_attack
