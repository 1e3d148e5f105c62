// The options that say which images are attacked, how, and what is kept: of run, and in part of transfer and inspect.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/option_table.h"
#include "mtl-attack/image_attack.h"
#include "mtl-attack/victim.h"

namespace tenfold::mtl_attack {

// Where the model, its tasks and the images come from.
struct VictimOptions {
  std::string tasks;  // "": those the model carries
  std::string data = "rooms:n=16";
  bool lower = false;
};

struct AttackOptions {
  std::vector<std::string> rules = {"gb"};
  std::vector<std::string> attacks = {"pgd"};
  std::vector<std::string> eps = {"8/255"};
  int steps = 10;
  std::optional<std::string> step_size;
  double momentum = 1;
  int restarts = 1;
  bool random_start = false;
  Denominator denominator = Denominator::current;
  double loss_floor = 1e-3;
  Tie tie = Tie::zero;
  bool worst_offset = true;
  std::string objective = "auto";
  std::string keep = "last";
  bool integer = false;
  bool floats = false;
};

struct RunOptions {
  std::string model;
  VictimOptions victim;
  AttackOptions attack;
  std::string batch = "auto";
  std::int64_t limit = 0;
  std::string save_adv = "all";
  bool trace = false;
  std::string baseline = "total";
};

void describe_victim(VictimOptions& o, cli::OptionTable& table);
void describe_attack(AttackOptions& o, cli::OptionTable& table);
void describe(RunOptions& o, cli::OptionTable& table);

// The options as config.json holds them, back as a struct: what audit attacks again with. Unknown keys are left alone.
RunOptions run_options_from_config(const Json& config, const std::string& file);

// One rule x attack x budget.
struct Cell {
  std::string name;  // "gb-pgd-8": its folder below adv/ and its name in log.jsonl
  AttackPlan plan;
};

// Rules outermost, then attacks, then budgets. Throws Error usage for what does not parse or go together.
std::vector<Cell> make_cells(const AttackOptions& options, bool trace, const std::vector<std::string>& tasks);

// --batch auto is 1, since there every image is alone with its kernels. Throws Error usage.
int batch_size(const std::string& text);
// --save-adv all|N|none as a count. Throws Error usage.
std::size_t saved_images(const std::string& text);

std::vector<std::string> names_of(const std::vector<mtl::Task>& tasks);

}  // namespace tenfold::mtl_attack
