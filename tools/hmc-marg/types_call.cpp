// Calls: user functions before the library's, densities, draws; where in a program each may stand.
#include <fmt/format.h>

#include <algorithm>

#include "base/suggest.h"
#include "hmc-marg/checker.h"
#include "hmc-marg/functions.h"

namespace tenfold::hmc_marg {

namespace {

bool is_unnormalised(std::string_view name) { return name.ends_with("_lupdf") || name.ends_with("_lupmf"); }

// _lupdf and _lupmf call what is defined as _lpdf and _lpmf.
std::string normalised(std::string_view name) {
  if (!is_unnormalised(name)) return std::string(name);
  return std::string(name.substr(0, name.size() - 5)) + "l" + std::string(name.substr(name.size() - 3));
}

bool is_conditional(std::string_view name) {
  static constexpr std::string_view kEndings[] = {"_lpdf", "_lpmf", "_lupdf", "_lupmf", "_cdf", "_lcdf", "_lccdf"};
  return std::ranges::any_of(kEndings, [&](std::string_view ending) { return name.ends_with(ending); });
}

}  // namespace

void Checker::check_call(Expr& expr) {
  check_place(expr);
  if (expr.name == "target") {
    if (!expr.args.empty()) fail(expr.at, "target() takes no argument; remove it");
    expr.type = {Base::real, 0};
    expr.callee = "target";
    return;
  }
  const std::string defined = normalised(expr.name);
  if (!is_user_function(defined) && !is_library_function(expr.name)) unknown_function(expr);
  for (ExprPtr& arg : expr.args) check_value(*arg);
  check_bar(expr);
  const std::vector<Type> types = types_of(expr.args);
  if (const int function = find_overload(defined, types); function >= 0)
    check_user_call(expr, function);
  else
    check_library_call(expr, types);
}

void Checker::check_user_call(Expr& expr, int function) {
  const FunctionDefinition& definition = program_.functions[static_cast<std::size_t>(function)];
  expr.call = CallKind::user;
  expr.function = function;
  expr.callee = definition.name;
  expr.propto = is_unnormalised(expr.name);
  expr.type = definition.result;
  for (std::size_t i = 0; i < expr.args.size(); ++i)
    if (definition.arguments[i].data_only && !expr.args[i]->is_data)
      fail(expr.args[i]->at,
           fmt::format("argument {} of {} must be data, but this depends on parameters; compute it from data", i + 1, expr.name));
  join_data_types(expr);
  if (function_) facts_[static_cast<std::size_t>(function_index_)].calls.push_back({function, expr.at});
}

void Checker::check_library_call(Expr& expr, const std::vector<Type>& types) {
  const auto type = result_type(expr.name, types);
  if (!type) {
    const std::string defined = normalised(expr.name);
    if (find_overload(defined, types, true) >= 0)
      fail(expr.at, fmt::format("{} is declared further down; declare it before this use", defined));
    fail(expr.at, fmt::format("there is no {}({}); it is {}", expr.name, list_of_types(types, expr.bar ? " | " : ", "),
                              is_library_function(expr.name) ? signatures_of(expr.name) : user_signatures(defined)));
  }
  expr.type = *type;
  expr.callee = expr.name;
  join_data_types(expr);
  const auto density = density_call(expr.name);
  if (!density) return;
  expr.callee = density->family;
  expr.propto = is_unnormalised(expr.name);
  expr.call = density->suffix == "rng" ? CallKind::random : density->suffix.ends_with("cdf") ? CallKind::cdf : CallKind::density;
}

void Checker::check_bar(const Expr& expr) const {
  const bool conditional = is_conditional(expr.name);
  if (expr.bar && !conditional)
    fail(expr.at, fmt::format("{} is no density and takes its arguments with commas; write `,` for `|`", expr.name));
  if (!expr.bar && conditional && expr.args.size() > 1)
    fail(expr.at, fmt::format("the first argument of {} is followed by a bar; write {}(y | ...)", expr.name, expr.name));
}

void Checker::require_target(Position at, const char* what) const {
  if (in_model() || function_ends_with("_lp")) return;
  fail(at, fmt::format("{} can only stand in the model block or in a function that ends in _lp; move it", what));
}

void Checker::check_place(const Expr& expr) const {
  const std::string_view name = expr.name;
  if (name == "target") require_target(expr.at, "target()");
  if (name.ends_with("_rng")) {
    const bool allowed = function_ ? function_ends_with("_rng")
                                   : block_ == BlockKind::transformed_data || block_ == BlockKind::generated_quantities;
    if (!allowed)
      fail(expr.at,
           fmt::format(
               "{} draws random numbers, which only transformed data, generated quantities and _rng functions do; move it there",
               name));
  }
  if (is_unnormalised(name)) {
    const bool allowed = in_model() || function_ends_with("_lpdf") || function_ends_with("_lpmf") || function_ends_with("_lp");
    if (!allowed)
      fail(expr.at, fmt::format("{} can only stand in the model block and in _lpdf, _lpmf and _lp functions; write {}", name,
                                normalised(name)));
  }
  if (name.ends_with("_lp") && is_user_function(name)) {
    const bool allowed =
        function_ ? function_ends_with("_lp") : block_ == BlockKind::model || block_ == BlockKind::transformed_parameters;
    if (!allowed)
      fail(expr.at,
           fmt::format("{} changes the target, which only transformed parameters, the model block and _lp functions may; move it",
                       name));
  }
}

void Checker::unknown_function(const Expr& expr) const {
  const std::string& name = expr.name;
  if (variables_.contains(name))
    fail(expr.at, fmt::format("{} is a variable and cannot be called; index it with brackets", name));
  std::vector<std::string> names = library_function_names();
  for (const auto& [known, overloads] : overloads_) names.push_back(known);
  for (const std::string& family : density_names()) {
    names.push_back(family + (is_discrete(family) ? "_lpmf" : "_lpdf"));
    for (const char* suffix : {"_rng", "_cdf", "_lcdf", "_lccdf"})
      if (is_library_function(family + suffix)) names.push_back(family + suffix);
  }
  if (is_density(name))
    fail(expr.at, fmt::format("{} is a distribution and no function; write {}_{}(y | ...)", name, name,
                              is_discrete(name) ? "lpmf" : "lpdf"));
  if (const auto cut = name.rfind('_'); cut != std::string::npos && is_density(name.substr(0, cut))) {
    const std::string family = name.substr(0, cut);
    fail(expr.at,
         fmt::format("there is no function `{}`; the log density is {}_{}", name, family, is_discrete(family) ? "lpmf" : "lpdf"));
  }
  std::ranges::sort(names);
  const std::string near = nearest(name, names);
  fail(expr.at, fmt::format("there is no function `{}`; {}", name,
                            near.empty() ? "define it in the functions block" : "did you mean `" + near + "`?"));
}

}  // namespace tenfold::hmc_marg
