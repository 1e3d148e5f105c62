#include "cli/option_table.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <type_traits>

#include "base/error.h"
#include "data/number.h"

namespace tenfold::cli {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

std::string without_dashes(const std::string& name) { return name.substr(std::min(name.find_first_not_of('-'), name.size())); }

// The key of an input in a config file: "model" of MODEL.
std::string lower_case(std::string text) {
  for (char& c : text) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c == ' ' ? '-' : c);
  return text;
}

std::string quoted(const std::string& text) { return "\"" + text + "\""; }

std::string join(const std::vector<std::string>& words, const char* separator) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : separator) + word;
  return out;
}

[[noreturn]] void refuse(const OptionSpec& spec, const std::string& where, const std::string& got) {
  usage_error(where + ": " + got + " will not do; give " + expected_text(spec));
}

double checked(const OptionSpec& spec, const std::string& where, double value) {
  const bool low = spec.minimum_open ? value <= spec.minimum : value < spec.minimum;
  const bool high = spec.maximum_open ? value >= spec.maximum : value > spec.maximum;
  if (std::isnan(value) || low || high) refuse(spec, where, data::number_text(value));
  return value;
}

template <class Integer>
Integer to_integer(const OptionSpec& spec, const std::string& where, const std::string& typed) {
  Integer value{};
  const char* end = typed.data() + typed.size();
  const auto parsed = std::from_chars(typed.data(), end, value);
  if (parsed.ec != std::errc() || parsed.ptr != end) {
    // 1e6 is an integer too, as long as a double holds it exactly.
    const std::optional<double> number = data::parse_number(typed);
    const double limit = std::min(static_cast<double>(std::numeric_limits<Integer>::max()), 9007199254740992.0);
    if (!number || std::floor(*number) != *number || *number > limit || *number < (std::is_signed_v<Integer> ? -limit : 0.0))
      refuse(spec, where, quoted(typed));
    value = static_cast<Integer>(*number);
  }
  checked(spec, where, static_cast<double>(value));
  return value;
}

double to_number(const OptionSpec& spec, const std::string& where, const std::string& typed) {
  const std::optional<double> value = data::parse_number(typed);
  if (!value) refuse(spec, where, quoted(typed));
  return checked(spec, where, *value);
}

bool to_bool(const OptionSpec& spec, const std::string& where, const std::string& typed) {
  if (typed == "on" || typed == "true") return true;
  if (typed == "off" || typed == "false") return false;
  refuse(spec, where, quoted(typed));
}

std::string to_word(const OptionSpec& spec, const std::string& where, const std::string& typed) {
  if (spec.kind == OptionKind::choice && std::find(spec.choices.begin(), spec.choices.end(), typed) == spec.choices.end())
    refuse(spec, where, quoted(typed));
  return typed;
}

std::vector<std::string> split_commas(const std::vector<std::string>& typed) {
  std::vector<std::string> out;
  for (const std::string& text : typed) {
    std::size_t begin = 0;
    while (begin <= text.size()) {
      const std::size_t end = std::min(text.find(',', begin), text.size());
      if (end > begin) out.push_back(text.substr(begin, end - begin));
      begin = end + 1;
    }
  }
  return out;
}

// The typed text of a JSON value, so that both ways in share one check; a JSON value of another type is refused first.
std::string text_of(const OptionSpec& spec, const Json& value, const std::string& where) {
  const bool number = spec.kind == OptionKind::integer || spec.kind == OptionKind::number;
  const bool boolean = spec.kind == OptionKind::on_off || spec.kind == OptionKind::flag;
  if (value.is_string() && !number) return value.get<std::string>();
  if (value.is_boolean() && boolean) return value.get<bool>() ? "on" : "off";
  if (value.is_number_unsigned() && number) return std::to_string(value.get<std::uint64_t>());
  if (value.is_number_integer() && number) return std::to_string(value.get<std::int64_t>());
  if (value.is_number_float() && number) return data::number_text(value.get<double>());
  refuse(spec, where, data::dump_json(value));
}

// Overloads by slot type: what the value is now, and how it is set from what was typed.
Json value_of(const std::string& slot) { return slot; }
Json value_of(int slot) { return slot; }
Json value_of(std::int64_t slot) { return slot; }
Json value_of(std::uint64_t slot) { return slot; }
Json value_of(double slot) { return slot; }
Json value_of(bool slot) { return slot; }
Json value_of(const std::vector<std::string>& slot) { return slot; }
template <class T>
Json value_of(const std::optional<T>& slot) {
  return slot ? Json(*slot) : Json(nullptr);
}

void assign(const OptionSpec& spec, const std::string& where, const std::string& typed, std::string& slot) {
  slot = to_word(spec, where, typed);
}
template <class Integer>
  requires std::is_integral_v<Integer>
void assign(const OptionSpec& spec, const std::string& where, const std::string& typed, Integer& slot) {
  slot = to_integer<Integer>(spec, where, typed);
}
void assign(const OptionSpec& spec, const std::string& where, const std::string& typed, double& slot) {
  slot = to_number(spec, where, typed);
}
void assign(const OptionSpec& spec, const std::string& where, const std::string& typed, bool& slot) {
  slot = to_bool(spec, where, typed);
}
template <class T>
void assign(const OptionSpec& spec, const std::string& where, const std::string& typed, std::optional<T>& slot) {
  T value{};
  assign(spec, where, typed, value);
  slot = std::move(value);
}

}  // namespace

std::string bounds_text(const OptionSpec& spec) {
  const bool low = spec.minimum != -kInfinity;
  const bool high = spec.maximum != kInfinity;
  const auto text = [](double bound) {
    return std::fabs(bound) < 1e15 && std::floor(bound) == bound ? std::to_string(static_cast<std::int64_t>(bound))
                                                                 : data::number_text(bound);
  };
  const std::string minimum = text(spec.minimum);
  const std::string maximum = text(spec.maximum);
  if (low && high && !spec.minimum_open && !spec.maximum_open) return "between " + minimum + " and " + maximum;
  std::string out;
  if (low) out = (spec.minimum_open ? "above " : "at least ") + minimum;
  if (high) out += (out.empty() ? "" : " and ") + std::string(spec.maximum_open ? "below " : "at most ") + maximum;
  return out;
}

std::string expected_text(const OptionSpec& spec) {
  const std::string bounds = bounds_text(spec);
  const std::string bounded = bounds.empty() ? "" : " " + bounds;
  switch (spec.kind) {
    case OptionKind::integer: return "an integer" + bounded;
    case OptionKind::number: return "a number" + bounded;
    case OptionKind::on_off:
    case OptionKind::flag: return "on or off";
    case OptionKind::choice: return "one of " + join(spec.choices, ", ");
    case OptionKind::list: return "a list of words";
    case OptionKind::string: break;
  }
  return spec.value_name == "FILE" ? "a file name" : "a text";
}

const char* name_of(OptionKind kind) {
  switch (kind) {
    case OptionKind::string: return "string";
    case OptionKind::integer: return "integer";
    case OptionKind::number: return "number";
    case OptionKind::on_off: return "on_off";
    case OptionKind::flag: return "flag";
    case OptionKind::choice: return "choice";
    case OptionKind::list: return "list";
  }
  return "";
}

Json option_value(const OptionSpec& spec) {
  return std::visit(
      [](const auto& slot) -> Json {
        if constexpr (std::is_same_v<std::decay_t<decltype(slot)>, ChoiceSlot>)
          return slot.get();
        else
          return value_of(*slot);
      },
      spec.slot);
}

void set_option(OptionSpec& spec, const std::vector<std::string>& typed, const std::string& where) {
  std::visit(
      [&](auto& slot) {
        using Slot = std::decay_t<decltype(slot)>;
        if constexpr (std::is_same_v<Slot, std::vector<std::string>*>) {
          *slot = spec.input ? typed : split_commas(typed);
        } else {
          if (typed.size() != 1) usage_error(where + ": given " + std::to_string(typed.size()) + " times; give it once");
          if constexpr (std::is_same_v<Slot, ChoiceSlot>)
            slot.set(to_word(spec, where, typed[0]));
          else
            assign(spec, where, typed[0], *slot);
        }
      },
      spec.slot);
}

void set_option(OptionSpec& spec, const Json& value, const std::string& where) {
  if (value.is_null()) {
    std::visit(
        [&](auto& slot) {
          if constexpr (requires { slot->reset(); })
            slot->reset();
          else
            refuse(spec, where, "null");
        },
        spec.slot);
    return;
  }
  if (spec.kind == OptionKind::list && value.is_array()) {
    std::vector<std::string> words;
    for (const Json& word : value) {
      if (!word.is_string()) refuse(spec, where, data::dump_json(word));
      words.push_back(word.get<std::string>());
    }
    *std::get<std::vector<std::string>*>(spec.slot) = words;
    return;
  }
  set_option(spec, std::vector<std::string>{text_of(spec, value, where)}, where);
}

OptionRow& OptionRow::at_least(double minimum) {
  spec_->minimum = minimum;
  return *this;
}
OptionRow& OptionRow::at_most(double maximum) {
  spec_->maximum = maximum;
  return *this;
}
OptionRow& OptionRow::above(double minimum) {
  spec_->minimum_open = true;
  return at_least(minimum);
}
OptionRow& OptionRow::below(double maximum) {
  spec_->maximum_open = true;
  return at_most(maximum);
}
OptionRow& OptionRow::between(double minimum, double maximum) { return at_least(minimum).at_most(maximum); }
OptionRow& OptionRow::strictly_between(double minimum, double maximum) { return above(minimum).below(maximum); }
OptionRow& OptionRow::shorthand(char letter) {
  spec_->short_name = std::string(1, letter);
  return *this;
}
OptionRow& OptionRow::value_name(std::string name) {
  spec_->value_name = std::move(name);
  return *this;
}
OptionRow& OptionRow::not_identity() {
  spec_->identity = false;
  return *this;
}
OptionRow& OptionRow::not_in_config() {
  spec_->in_config = false;
  return not_dumped();
}
OptionRow& OptionRow::not_dumped() {
  spec_->in_dump = false;
  return not_identity();
}
OptionRow& OptionRow::required() {
  spec_->required = true;
  return *this;
}
OptionRow& OptionRow::defaults_to(std::string name) {
  spec_->default_input = std::move(name);
  return *this;
}

OptionRow& OptionRow::file() {
  spec_->stream = true;
  if (!spec_->input) spec_->value_name = "FILE";
  return *this;
}

OptionRow& OptionRow::one_of(std::vector<std::string> words) {
  spec_->kind = OptionKind::choice;
  spec_->value_name = join(words, "|");
  spec_->choices = std::move(words);
  return *this;
}

OptionRow OptionTable::add_slot(std::string name, OptionKind kind, OptionSlot slot, std::string value_name, std::string help) {
  OptionSpec& spec = specs_.emplace_back();
  spec.name = without_dashes(name);
  spec.kind = kind;
  spec.slot = std::move(slot);
  spec.value_name = std::move(value_name);
  spec.help = std::move(help);
  return OptionRow(spec);
}

OptionRow OptionTable::input(std::string name, std::string& slot, std::string help) {
  const OptionRow row = add_slot(lower_case(name), OptionKind::string, &slot, name, std::move(help));
  specs_.back().input = true;
  return row;
}

OptionRow OptionTable::inputs(std::string name, std::vector<std::string>& slot, std::string help) {
  const OptionRow row = add_slot(lower_case(name), OptionKind::list, &slot, name, std::move(help));
  specs_.back().input = true;
  specs_.back().many = true;
  return row;
}

OptionRow OptionTable::add(std::string name, std::string& slot, std::string help) {
  return add_slot(std::move(name), OptionKind::string, &slot, "TEXT", std::move(help));
}
OptionRow OptionTable::add(std::string name, int& slot, std::string help) {
  return add_slot(std::move(name), OptionKind::integer, &slot, "N", std::move(help));
}
OptionRow OptionTable::add(std::string name, std::int64_t& slot, std::string help) {
  return add_slot(std::move(name), OptionKind::integer, &slot, "N", std::move(help));
}
OptionRow OptionTable::add(std::string name, std::uint64_t& slot, std::string help) {
  return add_slot(std::move(name), OptionKind::integer, &slot, "N", std::move(help)).at_least(0);
}
OptionRow OptionTable::add(std::string name, double& slot, std::string help) {
  return add_slot(std::move(name), OptionKind::number, &slot, "X", std::move(help));
}
OptionRow OptionTable::add(std::string name, bool& slot, std::string help) {
  return add_slot(std::move(name), OptionKind::on_off, &slot, "on|off", std::move(help));
}
OptionRow OptionTable::add(std::string name, std::vector<std::string>& slot, std::string help) {
  return add_slot(std::move(name), OptionKind::list, &slot, "LIST", std::move(help));
}
OptionRow OptionTable::add(std::string name, std::optional<std::string>& slot, std::string help) {
  return add_slot(std::move(name), OptionKind::string, &slot, "TEXT", std::move(help));
}
OptionRow OptionTable::add(std::string name, std::optional<std::int64_t>& slot, std::string help) {
  return add_slot(std::move(name), OptionKind::integer, &slot, "N", std::move(help));
}
OptionRow OptionTable::add(std::string name, std::optional<double>& slot, std::string help) {
  return add_slot(std::move(name), OptionKind::number, &slot, "X", std::move(help));
}
OptionRow OptionTable::flag(std::string name, bool& slot, std::string help) {
  return add_slot(std::move(name), OptionKind::flag, &slot, "", std::move(help));
}

OptionRow OptionTable::add_choice(std::string name, ChoiceSlot slot, std::vector<std::string> words, std::string help) {
  return add_slot(std::move(name), OptionKind::choice, std::move(slot), "", std::move(help)).one_of(std::move(words));
}

OptionSpec* OptionTable::find(std::string_view name) {
  for (OptionSpec& spec : specs_)
    if (spec.name == name) return &spec;
  return nullptr;
}

}  // namespace tenfold::cli
