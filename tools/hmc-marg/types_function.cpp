// User functions: overloads, what their names promise, bodies, returns on all paths, no recursion.
#include <fmt/format.h>

#include <algorithm>

#include "hmc-marg/checker.h"
#include "hmc-marg/functions.h"
#include "hmc-marg/functions_table.h"

namespace tenfold::hmc_marg {

namespace {

constexpr std::size_t kMaxOverloads = 100;

std::vector<Type> argument_types(const FunctionDefinition& definition) {
  std::vector<Type> types;
  for (const FunctionDefinition::Argument& argument : definition.arguments) types.push_back(argument.type);
  return types;
}

bool has_ending(std::string_view name, std::initializer_list<std::string_view> endings) {
  return std::ranges::any_of(endings, [&](std::string_view ending) { return name.ends_with(ending); });
}

}  // namespace

// Forward declarations go; what they make visible is remembered.
void Checker::collect_functions() {
  std::vector<FunctionDefinition> written = std::move(program_.functions);
  program_.functions.clear();
  const auto same = [](const FunctionDefinition& a, const FunctionDefinition& b) {
    return a.name == b.name && argument_types(a) == argument_types(b);
  };
  std::unordered_map<std::string, std::vector<std::size_t>> by_name;
  for (std::size_t i = 0; i < written.size(); ++i) by_name[written[i].name].push_back(i);
  std::vector<std::size_t> first(written.size());
  for (std::size_t i = 0; i < written.size(); ++i) {
    if (by_name[written[i].name].size() > kMaxOverloads)
      fail(written[i].at, fmt::format("{} is declared more than {} times; rename some", written[i].name, kMaxOverloads));
    check_function_head(written[i]);
    first[i] = i;
    bool defined = written[i].has_body;
    for (const std::size_t j : by_name[written[i].name]) {
      if (j == i || !same(written[i], written[j])) continue;
      if (written[i].result != written[j].result)
        fail(written[std::max(i, j)].at,
             fmt::format("{} is declared twice with different results; make them agree", written[i].name));
      if (written[i].has_body && written[j].has_body)
        fail(written[std::max(i, j)].at, fmt::format("{} is defined twice for the same arguments; remove one", written[i].name));
      defined |= written[j].has_body;
      first[i] = std::min(first[i], j);
    }
    if (!defined) fail(written[i].at, fmt::format("{} is declared, but never defined; write its body", written[i].name));
  }
  for (std::size_t i = 0; i < written.size(); ++i)
    if (written[i].has_body) add_definition(std::move(written[i]), static_cast<int>(first[i]), static_cast<int>(i));
  facts_.resize(program_.functions.size());
}

void Checker::add_definition(FunctionDefinition definition, int first_seen, int written_at) {
  const int index = static_cast<int>(program_.functions.size());
  overloads_[definition.name].push_back({index, first_seen});
  written_at_.push_back(written_at);
  program_.functions.push_back(std::move(definition));
}

void Checker::check_function_head(const FunctionDefinition& definition) const {
  const std::string_view name = definition.name;
  const std::vector<Type> types = argument_types(definition);
  if (result_type(name, types))
    fail(definition.at, fmt::format("{} is a function of the language for these arguments; rename it", name));
  if (has_ending(name, {"_lpdf", "_lpmf", "_lcdf", "_lccdf", "_cdf"})) {
    if (definition.result != Type{Base::real, 0})
      fail(definition.at, fmt::format("{} must return real, as its name ends like a density's; change one", name));
    if (types.empty()) fail(definition.at, fmt::format("{} needs an argument, the variate; add it", name));
    if (name.ends_with("_lpdf") && types[0].base == Base::integer)
      fail(definition.arguments[0].at, "the variate of an _lpdf function must be real; name the function _lpmf for integers");
    if (name.ends_with("_lpmf") && types[0].base != Base::integer)
      fail(definition.arguments[0].at, "the variate of an _lpmf function must be int; name the function _lpdf for reals");
  }
}

void Checker::check_function(int function) {
  FunctionDefinition& definition = program_.functions[static_cast<std::size_t>(function)];
  function_ = &definition;
  function_index_ = function;
  frame_size_ = 0;
  loops_ = 0;
  open_scope();
  for (std::size_t i = 0; i < definition.arguments.size(); ++i) {
    const FunctionDefinition::Argument& argument = definition.arguments[i];
    Variable variable{
        argument.type, argument.at, -1, Origin::argument, argument.data_only || argument.type.base == Base::integer, 0};
    if (!variable.is_data) variable.data_if_arguments = std::uint64_t{1} << i;
    declare_name(argument.name, variable);
  }
  open_scope();
  for (StmtPtr& stmt : definition.body) check(*stmt);
  close_scope();
  close_scope();
  if (definition.result.base != Base::none && !always_returns(definition.body))
    fail(definition.at, fmt::format("{} can end without returning its {}; end every branch with return or reject",
                                    definition.name, to_string(definition.result)));
  definition.frame_size = frame_size_;
}

bool Checker::always_returns(const std::vector<StmtPtr>& statements) const {
  return std::ranges::any_of(statements, [&](const StmtPtr& stmt) {
    switch (stmt->kind) {
      case StmtKind::return_value:
      case StmtKind::reject: return true;
      case StmtKind::block: return always_returns(stmt->body);
      case StmtKind::if_else: return always_returns(stmt->body) && always_returns(stmt->otherwise);
      default: return false;
    }
  });
}

// The functions that call nothing first, then those that call only these, and so on: what is left calls itself.
void Checker::check_call_depth() const {
  const std::size_t count = facts_.size();
  std::vector<std::vector<int>> callers(count);
  std::vector<std::size_t> waiting(count);
  std::vector<int> height(count), ready;
  for (std::size_t f = 0; f < count; ++f) {
    waiting[f] = facts_[f].calls.size();
    height[f] = facts_[f].height;
    for (const FunctionCall& call : facts_[f].calls)
      callers[static_cast<std::size_t>(call.callee)].push_back(static_cast<int>(f));
    if (waiting[f] == 0) ready.push_back(static_cast<int>(f));
  }
  for (std::size_t next = 0; next < ready.size(); ++next) {
    const auto callee = static_cast<std::size_t>(ready[next]);
    if (height[callee] > kMaxHeight)
      fail(program_.functions[callee].at, fmt::format("{} calls functions that call functions too deep; write some of them out",
                                                      program_.functions[callee].name));
    for (const int caller : callers[callee]) {
      int& above = height[static_cast<std::size_t>(caller)];
      above = std::max(above, facts_[static_cast<std::size_t>(caller)].height + height[callee]);
      if (--waiting[static_cast<std::size_t>(caller)] == 0) ready.push_back(caller);
    }
  }
  for (std::size_t f = 0; f < count; ++f)
    for (const FunctionCall& call : facts_[f].calls)
      if (waiting[f] > 0 && waiting[static_cast<std::size_t>(call.callee)] > 0)
        fail(call.at, fmt::format("{} calls itself, at once or through others: recursion runs in CmdStan, not here; write a loop",
                                  program_.functions[static_cast<std::size_t>(call.callee)].name));
}

// Of the overloads that fit, the one with the fewest promotions from int to real.
int Checker::find_overload(std::string_view name, const std::vector<Type>& arguments, bool later) const {
  const auto found = overloads_.find(std::string(name));
  if (found == overloads_.end()) return -1;
  int best = -1;
  std::size_t least = 0;
  for (const Overload& overload : found->second) {
    const std::vector<Type> parameters = argument_types(program_.functions[static_cast<std::size_t>(overload.function)]);
    if (parameters.size() != arguments.size()) continue;
    if (!later && function_ && overload.first_seen > written_at_[static_cast<std::size_t>(function_index_)]) continue;
    bool suitable = true;
    std::size_t promotions = 0;
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      suitable &= fits(parameters[i], arguments[i]);
      promotions += parameters[i] != arguments[i] ? 1 : 0;
    }
    if (!suitable || (best >= 0 && promotions >= least)) continue;
    best = overload.function;
    least = promotions;
  }
  return best;
}

std::string Checker::user_signatures(std::string_view name) const {
  std::string text;
  const auto found = overloads_.find(std::string(name));
  if (found == overloads_.end()) return text;
  for (const Overload& overload : found->second) {
    const FunctionDefinition& definition = program_.functions[static_cast<std::size_t>(overload.function)];
    text += fmt::format("{}{}({})", text.empty() ? "" : ", ", name, list_of_types(argument_types(definition)));
  }
  return text;
}

}  // namespace tenfold::hmc_marg
