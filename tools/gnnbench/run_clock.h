// The clock of a training run: seconds by what they are spent on. The train clock is the sum of what training itself needs
// (sampling stalls, gathering, forward, backward, communication, optimiser, and the precomputed A X, under forward); loading,
// partitioning, evaluation, checkpoints and logs stand beside it.
#pragma once

#include <array>
#include <cstdint>

#include "data/json.h"

namespace tenfold::gnnbench {

enum class Section : std::uint8_t { sample, gather, forward, backward, comm, optim, eval, setup, other };
inline constexpr std::size_t kSections = 9;

class RunClock {
 public:
  // Starts in `other`.
  RunClock();

  // From now on time counts for this section.
  void enter(Section section);
  // Seconds counted for `from` that were spent on `to`.
  void move(Section from, Section to, double seconds);

  double train_s();  // as of now
  double cpu_s();    // of this process, while the train clock ran
  double wall_s();   // since the start, all sections, the parts before a resumption included
  double spent_s(Section section);

  Json breakdown();  // {sample, gather, forward, backward, comm, optim, eval, setup}
  Json state();
  void restore(const Json& state);

 private:
  void settle();  // counts up to now

  std::array<double, kSections> seconds_{};
  double cpu_ = 0;
  double wall_mark_ = 0, cpu_mark_ = 0;
  Section section_ = Section::other;
};

}  // namespace tenfold::gnnbench
