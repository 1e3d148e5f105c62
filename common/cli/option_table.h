// The option table: one place for an option's name, default, help and bounds. The command line, --config, --dump-config,
// --describe, the completions and the man page's test all read it.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "data/json.h"

namespace tenfold::cli {

// What an option holds, as --describe names it.
enum class OptionKind { string, integer, number, on_off, flag, choice, list };

// An enum member behind its words.
struct ChoiceSlot {
  std::function<std::string()> get;
  std::function<void(std::string_view)> set;
};

// Where a value lives: a member of the subcommand's options struct. The member's value when the table is made is the default.
using OptionSlot = std::variant<std::string*, int*, std::int64_t*, std::uint64_t*, double*, bool*, std::vector<std::string>*,
                                std::optional<std::string>*, std::optional<std::int64_t>*, std::optional<double>*, ChoiceSlot>;

// One row of the table. Tools make rows through OptionTable and refine them through OptionRow.
struct OptionSpec {
  std::string name;        // "chains": long name without dashes; of an input its name in lower case ("model")
  std::string short_name;  // "c" or empty
  std::string value_name;  // what help prints for the value: "N", "FILE", "none|all|LIST"
  std::string help;
  OptionKind kind = OptionKind::string;
  OptionSlot slot;
  double minimum = -std::numeric_limits<double>::infinity();
  double maximum = std::numeric_limits<double>::infinity();
  bool minimum_open = false;         // the bound itself is refused
  bool maximum_open = false;
  std::vector<std::string> choices;  // kind choice: the words that are accepted
  bool input = false;                // positional
  bool many = false;                 // input: takes one or more
  bool required = false;             // input: no default
  std::string default_input;         // input: what runs when none is named
  bool stream = false;               // a file in whose place - means standard input
  bool identity = true;              // part of a run's identity; if not, a resumed run may change it
  bool in_config = true;             // may stand in a config file
  bool in_dump = true;               // stands in --dump-config and in config.json
};

// Refines the row just added: table.add("--chains", o.chains, "chains to run").at_least(1).
class OptionRow {
 public:
  explicit OptionRow(OptionSpec& spec) : spec_(&spec) {}

  OptionRow& at_least(double minimum);
  OptionRow& above(double minimum);  // open bound
  OptionRow& at_most(double maximum);
  OptionRow& below(double maximum);  // open bound
  OptionRow& between(double minimum, double maximum);          // both ends accepted
  OptionRow& strictly_between(double minimum, double maximum); // neither
  OptionRow& one_of(std::vector<std::string> words);           // of a string option
  OptionRow& shorthand(char letter);                           // -c beside --chains
  OptionRow& value_name(std::string name);                     // "FILE", "0|1|2|FILE"
  OptionRow& file();                                           // value_name FILE; - is standard input
  OptionRow& not_identity();                                   // a resumed run may change it
  OptionRow& not_dumped();                                     // not in --dump-config, and so not identity
  OptionRow& not_in_config();                                  // typed only

  // Inputs.
  OptionRow& defaults_to(std::string name);  // runs on this when nothing is named; said on stderr
  OptionRow& required();                     // exit 2 with an example when nothing is named

 private:
  OptionSpec* spec_;
};

class OptionTable {
 public:
  // Positional inputs, in order. An input with neither defaults_to() nor required() may be left out.
  OptionRow input(std::string name, std::string& slot, std::string help);
  OptionRow inputs(std::string name, std::vector<std::string>& slot, std::string help);  // one or more; the last

  // An option with a value. bool takes on or off; a list takes commas or repetition; optional ones default to null.
  OptionRow add(std::string name, std::string& slot, std::string help);
  OptionRow add(std::string name, int& slot, std::string help);
  OptionRow add(std::string name, std::int64_t& slot, std::string help);
  OptionRow add(std::string name, std::uint64_t& slot, std::string help);
  OptionRow add(std::string name, double& slot, std::string help);
  OptionRow add(std::string name, bool& slot, std::string help);
  OptionRow add(std::string name, std::vector<std::string>& slot, std::string help);
  OptionRow add(std::string name, std::optional<std::string>& slot, std::string help);
  OptionRow add(std::string name, std::optional<std::int64_t>& slot, std::string help);
  OptionRow add(std::string name, std::optional<double>& slot, std::string help);

  // A bare switch, off by default: --strict (and --strict=off, to win over a config file).
  OptionRow flag(std::string name, bool& slot, std::string help);

  // One word of an enum: table.choice("--metric", o.metric, {{"diag", Metric::diag}, {"dense", Metric::dense}}, "...").
  template <class Enum>
  OptionRow choice(std::string name, Enum& slot, std::initializer_list<std::pair<const char*, Enum>> words, std::string help) {
    std::vector<std::pair<std::string, Enum>> table(words.begin(), words.end());
    std::vector<std::string> names;
    for (const auto& word : table) names.push_back(word.first);
    ChoiceSlot choice_slot;
    choice_slot.get = [table, &slot] {
      for (const auto& word : table)
        if (word.second == slot) return word.first;
      return std::string();
    };
    choice_slot.set = [table, &slot](std::string_view text) {
      for (const auto& word : table)
        if (word.first == text) slot = word.second;
    };
    return add_choice(std::move(name), std::move(choice_slot), std::move(names), std::move(help));
  }

  std::vector<OptionSpec>& specs() { return specs_; }
  const std::vector<OptionSpec>& specs() const { return specs_; }
  OptionSpec* find(std::string_view name);  // by long name without dashes; null if absent

 private:
  OptionRow add_choice(std::string name, ChoiceSlot slot, std::vector<std::string> words, std::string help);
  OptionRow add_slot(std::string name, OptionKind kind, OptionSlot slot, std::string value_name, std::string help);

  std::vector<OptionSpec> specs_;
};

const char* name_of(OptionKind kind);            // "integer", as --describe says it
std::string bounds_text(const OptionSpec& spec);    // "at least 1", "above 0 and below 1"; empty without bounds
std::string expected_text(const OptionSpec& spec);  // "an integer at least 1", "one of none, all"

// The value a row holds now, as JSON; null where an optional is empty.
Json option_value(const OptionSpec& spec);

// Sets a row from what was typed, or from a JSON value of a config file. `where` begins the message of the error (exit 2) for a
// value of the wrong type, out of its bounds or not among the words: "--chains" or "run.json: chains".
void set_option(OptionSpec& spec, const std::vector<std::string>& typed, const std::string& where);
void set_option(OptionSpec& spec, const Json& value, const std::string& where);

}  // namespace tenfold::cli
