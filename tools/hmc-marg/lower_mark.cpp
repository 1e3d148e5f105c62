// Lowering, first step: which lanes the target, its derivative and the outputs need, and which depend on the inputs.
#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/stop.h"
#include "hmc-marg/lowering.h"

namespace tenfold::hmc_marg::lowering {

namespace {
constexpr std::size_t kBetweenLooks = 1 << 16;  // at the flag of an interruption
}

void Lowering::mark_roots() {
  for (const Slot slot : spec_.inputs) flags_[slot] |= kInput;
  program_.constant = spec_.constant;
  for (const DensityLanes& factor : spec_.densities) {
    const Node& n = graph_.nodes()[factor.node];
    const auto add = [&](Slot slot) {
      flags_[slot] |= kTarget | kActive;
      ++multiplicity_[slot];
    };
    if (factor.lanes.empty()) {
      for (std::uint32_t i = 0; i < n.lanes; ++i) add(n.first + i);
    } else {
      for (const std::uint32_t lane : factor.lanes) add(n.first + lane);
    }
  }
  const auto read = [&](Slot slot, std::uint8_t flag) {
    flags_[slot] |= flag;
    ++uses_[slot];
  };
  for (const Term& term : spec_.terms) read(term.slot, kTarget | kActive);
  for (const auto& factor : spec_.factors) {
    for (const Slot slot : factor->inputs()) read(slot, kTarget | kActive);
  }
  for (const Slot slot : spec_.nonnegative) read(slot, kTarget);
  for (const Slot slot : spec_.outputs) read(slot, kWanted);
}

// From the last lane to the first: readers come after what they read.
void Lowering::mark_needed() {
  const std::vector<Node>& nodes = graph_.nodes();
  for (std::size_t i = nodes.size(); i-- > 0;) {
    const Node& n = nodes[i];
    if (n.op == Op::constant) continue;
    if (i % kBetweenLooks == 0) leave_if_stopped();
    if (whole(n.op)) {
      std::uint8_t all = 0;
      for (std::uint32_t l = 0; l < n.lanes; ++l) {
        if (!has(n.first + l, kInput)) all |= flags_[n.first + l] & (kTarget | kActive | kWanted);
      }
      if (all == 0) continue;
      for (std::uint32_t l = 0; l < n.lanes; ++l) flags_[n.first + l] |= all;
      each_operand(n.first, [&](std::uint32_t, Slot s) {
        flags_[s] |= all;
        ++uses_[s];
      });
      continue;
    }
    for (std::uint32_t l = n.lanes; l-- > 0;) {
      const Slot slot = n.first + l;
      const std::uint8_t needs = flags_[slot] & (kTarget | kActive | kWanted);
      if (needs == 0 || has(slot, kInput)) continue;
      if (n.op == Op::parameter) machine_error("a program reads an unconstrained parameter that is not among its inputs");
      each_operand(slot, [&](std::uint32_t, Slot s) {
        flags_[s] |= needs;
        ++uses_[s];
      });
    }
  }
}

void Lowering::mark_varying() {
  for (const Node& n : graph_.nodes()) {
    for (std::uint32_t l = 0; l < n.lanes; ++l) {
      const Slot slot = n.first + l;
      if ((flags_[slot] & (kTarget | kWanted)) == 0) continue;
      if (has(slot, kInput)) {
        flags_[slot] |= kVaries;
        continue;
      }
      if (whole(n.op) && l > 0 && !has(n.first, kInput)) {
        flags_[slot] |= flags_[n.first] & kVaries;
        continue;
      }
      bool varies = false;
      each_operand(slot, [&](std::uint32_t, Slot s) { varies = varies || has(s, kVaries); });
      if (varies) flags_[slot] |= kVaries;
    }
  }
}

// A density lane that enters the target once and is read by nobody else is a factor; others become terms. Known ones fold.
void Lowering::settle_factors() {
  for (const DensityLanes& factor : spec_.densities) {
    const Node& n = graph_.nodes()[factor.node];
    const std::size_t count = factor.lanes.empty() ? n.lanes : factor.lanes.size();
    for (std::size_t i = 0; i < count; ++i) {
      const Slot slot = n.first + (factor.lanes.empty() ? static_cast<std::uint32_t>(i) : factor.lanes[i]);
      const std::uint32_t times = multiplicity_[slot];
      if (times == 0) continue;  // settled before
      multiplicity_[slot] = 0;
      if (times == 1 && uses_[slot] == 0 && has(slot, kVaries)) {
        flags_[slot] |= kFactor;
      } else {
        ++uses_[slot];
        terms_.emplace_back(slot, static_cast<double>(times));
      }
    }
  }
  for (const Term& term : spec_.terms) {
    if (known(term.slot)) {
      program_.constant += term.coefficient * graph_.constant_value(term.slot);
    } else {
      terms_.emplace_back(term.slot, term.coefficient);
    }
  }
}

}  // namespace tenfold::hmc_marg::lowering
