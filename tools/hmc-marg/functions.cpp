// Look-up in the tables of functions and densities.
#include "hmc-marg/functions.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "hmc-marg/functions_table.h"

namespace tenfold::hmc_marg {

namespace {

const FunctionRow* function_row(std::string_view name) {
  static const auto by_name = [] {
    std::unordered_map<std::string_view, const FunctionRow*> rows;
    for (const FunctionRow& row : function_rows()) rows.emplace(row.name, &row);
    return rows;
  }();
  const auto found = by_name.find(name);
  return found == by_name.end() ? nullptr : found->second;
}

const DensityRow* density_row(std::string_view family) {
  const auto rows = density_rows();
  const auto found = std::ranges::find(rows, family, &DensityRow::family);
  return found == rows.end() ? nullptr : &*found;
}

// Calls visit(signature) for each of a list "r:v r:w"; stops at the first true.
template <typename Visit>
bool any_signature(std::string_view list, Visit visit) {
  while (!list.empty()) {
    const std::size_t end = std::min(list.find(' '), list.size());
    if (visit(list.substr(0, end))) return true;
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return false;
}

std::optional<Type> match(std::string_view list, std::span<const Type> arguments) {
  std::optional<Type> result;
  any_signature(list, [&](std::string_view signature) {
    const std::string_view parameters = signature.substr(2);
    if (parameters.size() != arguments.size()) return false;
    for (std::size_t i = 0; i < arguments.size(); ++i)
      if (!fits(type_of_letter(parameters[i]), arguments[i])) return false;
    result = type_of_letter(signature[0]);
    return true;
  });
  return result;
}

bool fits_density_argument(char kind, const Type& type) {
  const auto any_of = [&](std::string_view letters) {
    return std::ranges::any_of(letters, [&](char letter) { return fits(type_of_letter(letter), type); });
  };
  switch (kind) {
    case 's': return any_of("rvwR");
    case 't': return any_of("iI");
    case 'v': return any_of("vwVW");
    case 'u': return any_of("vV");
    case 'x': return any_of("v");
    case 'm': return any_of("m");
    case 'l': return any_of("mw");
    case 'c': return any_of("rv");
    case 'r': return any_of("r");
    case 'I': return any_of("I");
    default: return false;
  }
}

std::string_view kind_text(char kind) {
  switch (kind) {
    case 's': return "reals";
    case 't': return "ints";
    case 'v': return "vectors";
    case 'u': return "vectors";
    case 'x': return "vector";
    case 'm': return "matrix";
    case 'l': return "matrix";
    case 'c': return "real or vector";
    case 'r': return "real";
    case 'I': return "array[] int";
    default: return "";
  }
}

bool fits_density(const DensityRow& row, std::size_t first, std::span<const Type> arguments) {
  if (arguments.size() + first != row.arguments.size()) return false;
  for (std::size_t i = 0; i < arguments.size(); ++i)
    if (!fits_density_argument(row.arguments[first + i], arguments[i])) return false;
  return true;
}

// A draw a lane: a scalar for scalars, else an array.
std::optional<Type> random_type(const DensityRow& row, std::span<const Type> arguments) {
  if (row.random != "*") return match(row.random, arguments);
  if (!fits_density(row, 1, arguments)) return {};
  const bool many = std::ranges::any_of(arguments, [](const Type& type) { return type.rank() > 0; });
  return Type{row.discrete ? Base::integer : Base::real, many ? 1 : 0};
}

std::optional<Type> density_type(const DensityCall& call, std::span<const Type> arguments) {
  const DensityRow& row = *density_row(call.family);
  if (call.suffix == "rng") return random_type(row, arguments);
  return fits_density(row, 0, arguments) ? std::optional<Type>(Type{Base::real, 0}) : std::nullopt;
}

bool has_suffix(const DensityRow& row, std::string_view suffix) {
  if (suffix == "rng") return !row.random.empty();
  if (suffix == "cdf" || suffix == "lcdf" || suffix == "lccdf") return row.cumulative;
  return row.discrete == (suffix == "lpmf" || suffix == "lupmf");
}

std::string signature_text(std::string_view name, std::string_view parameters) {
  std::string text = std::string(name) + "(";
  for (std::size_t i = 0; i < parameters.size(); ++i) text += (i ? ", " : "") + to_string(type_of_letter(parameters[i]));
  return text + ")";
}

std::string density_signature(std::string_view name, const DensityCall& call) {
  const DensityRow& row = *density_row(call.family);
  std::string text = std::string(name) + "(";
  const bool random = call.suffix == "rng";
  if (random && row.random != "*") {
    std::string all;
    any_signature(row.random, [&](std::string_view signature) {
      all += (all.empty() ? "" : ", ") + signature_text(name, signature.substr(2));
      return false;
    });
    return all;
  }
  const std::size_t first = random ? 1 : 0;
  for (std::size_t i = first; i < row.arguments.size(); ++i) {
    if (i > first) text += i == 1 && !random ? " | " : ", ";
    text += kind_text(row.arguments[i]);
  }
  return text + ")";
}

}  // namespace

std::optional<DensityCall> density_call(std::string_view name) {
  static constexpr std::string_view kSuffixes[] = {"lpdf", "lpmf", "lupdf", "lupmf", "cdf", "lcdf", "lccdf", "rng"};
  const std::size_t underscore = name.rfind('_');
  if (underscore == std::string_view::npos) return {};
  const DensityCall call{name.substr(0, underscore), name.substr(underscore + 1)};
  if (std::ranges::find(kSuffixes, call.suffix) == std::end(kSuffixes)) return {};
  const DensityRow* row = density_row(call.family);
  return row && has_suffix(*row, call.suffix) ? std::optional(call) : std::nullopt;
}

bool is_density(std::string_view family) { return density_row(family) != nullptr; }

bool is_discrete(std::string_view family) {
  const DensityRow* row = density_row(family);
  return row && row->discrete;
}

bool is_univariate(std::string_view family) {
  const DensityRow* row = density_row(family);
  return row && row->univariate;
}

bool has_cumulative(std::string_view family) {
  const DensityRow* row = density_row(family);
  return row && row->cumulative;
}

bool is_library_function(std::string_view name) { return function_row(name) || density_call(name); }

std::optional<Type> result_type(std::string_view name, std::span<const Type> arguments) {
  if (const FunctionRow* row = function_row(name)) {
    if (const auto type = match(row->signatures, arguments)) return type;
    return row->rule ? row->rule(arguments) : std::nullopt;
  }
  const auto call = density_call(name);
  return call ? density_type(*call, arguments) : std::nullopt;
}

std::vector<std::string> library_function_names() {
  std::vector<std::string> names;
  for (const FunctionRow& row : function_rows()) names.emplace_back(row.name);
  return names;
}

std::vector<std::string> density_names() {
  std::vector<std::string> names;
  for (const DensityRow& row : density_rows()) names.emplace_back(row.family);
  return names;
}

std::string signatures_of(std::string_view name) {
  if (const auto call = density_call(name)) return density_signature(name, *call);
  const FunctionRow* row = function_row(name);
  if (!row) return "";
  std::string text;
  const auto append = [&](const std::string& signature) { text += (text.empty() ? "" : ", ") + signature; };
  any_signature(row->signatures, [&](std::string_view signature) {
    append(signature_text(name, signature.substr(2)));
    return false;
  });
  if (row->rule) append(std::string(name) + std::string(row->rule_text));
  return text;
}

}  // namespace tenfold::hmc_marg
