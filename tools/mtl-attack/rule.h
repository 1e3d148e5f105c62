// Rules: how the gradients of several tasks become one direction (or, for worst and protect, one step).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tenfold::mtl_attack {

enum class RuleKind : std::uint8_t {
  single,    // grad L_k
  total,     // sum_i grad L_i, raw, unit weights
  weights,   // sum_i a_i grad L_i
  gb,        // sum_i grad L_i / max(D_i, tau_i): gradient-balanced (arXiv 2305.12066)
  signsum,   // sum_i sign(grad L_i)
  gradnorm,  // sum_i grad L_i / norm1(grad L_i)
  worst,     // hurt the least hurt task most
  protect    // hurt the others, these not
};

enum class AttackKind : std::uint8_t { fgsm, pgd, mim, apgd };

enum class Denominator : std::uint8_t { current, clean, dataset };  // gb's D_i: L_i(x_k), L_i(x), the set's mean clean loss

struct Rule {
  RuleKind kind = RuleKind::gb;
  std::string name;             // "gb", "single:seg", "weights:1,2", "protect:seg+depth"
  int task = -1;                // single
  std::vector<double> weights;  // weights
  std::vector<bool> protect;    // protect, by task

  bool one_pass() const {
    return kind == RuleKind::single || kind == RuleKind::total || kind == RuleKind::weights || kind == RuleKind::gb;
  }
  bool is_step() const { return kind == RuleKind::worst || kind == RuleKind::protect; }
};

// Throws Error usage: an unknown rule or task (with the nearest), weights that are none or not one a task, worst or protect with
// one task, protect with all tasks or none.
Rule parse_rule(std::string_view text, const std::vector<std::string>& tasks);

// `single:*` becomes a rule a task; the numbers of weights:a,b, which a list option has parted at its commas, come together
// again; repetitions are dropped.
std::vector<Rule> parse_rules(const std::vector<std::string>& texts, const std::vector<std::string>& tasks);

std::string_view name_of(AttackKind kind);
std::string_view name_of(Denominator denominator);
AttackKind parse_attack(std::string_view text);  // Throws Error usage with the nearest

// worst and protect are steps and have no momentum sum. Throws Error usage.
void check_pair(const Rule& rule, AttackKind attack);

}  // namespace tenfold::mtl_attack
