// The target: sampling statements, `target +=`, truncation.
#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "hmc-marg/interpret.h"

namespace tenfold::hmc_marg {

void Interpreter::add_to_target(Scalar s, Position at) {
  if (graph_) graph_->count_summands(1);
  if (s.slot) {
    target_.entries.push_back({s.slot, at.line});
  } else {
    add_known(s.number, at);
  }
}

void Interpreter::add_known(double number, Position at) {
  target_.constant += number;
  if (std::isfinite(number)) return;
  infeasible_error(at_position(program_.file, static_cast<std::size_t>(at.line), static_cast<std::size_t>(at.column),
                               "the log density here is " +
                                   std::string(std::isnan(number) ? "NaN"
                                               : number > 0       ? "infinite"
                                                                  : "-infinity") +
                                   " whatever the parameters; look at the data that enter"));
}

// The sum so far, as a program reads it.
Scalar Interpreter::target_value() {
  if (!graph_) return {target_.constant, 0};
  Scalar sum{target_.constant, 0};
  const auto add = [&](Slot slot) { sum = arithmetic(Operator::add, sum, {0, slot}, false, {}); };
  for (const Target::Entry& entry : target_.entries) add(entry.slot);
  for (const Target::DensityNode& density : target_.densities) {
    const Node node = graph_->nodes()[density.node];
    for (std::uint32_t i = 0; i < node.lanes; ++i) add(node.first + i);
  }
  return sum;
}

void Interpreter::add_density(std::string_view family, Arguments args, std::span<const bool> is_data, bool propto, Position at) {
  if (!graph_) fail(at, "the target is incremented in the model and transformed parameters only");
  context_.at = at;
  const DensityResult result = apply_density(context_, family, args, is_data);
  // What is known counts, too: a loop of it takes as long.
  graph_->count_summands(std::max<std::size_t>(result.factors.size() + result.terms.size(), 1));
  add_known(result.constant, at);
  if (propto) target_.dropped += result.dropped;
  for (const DensityResult::Lanes& lanes : result.factors)
    target_.densities.push_back({lanes.node, lanes.data_arguments, at.line});
  if (result.dirichlet) {
    target_.dirichlets.push_back(*result.dirichlet);
    target_.dirichlets.back().line = at.line;
  }
  for (const Slot slot : result.terms) target_.entries.push_back({slot, at.line});
}

void Interpreter::sample(const Stmt& s) {
  if (s.function >= 0) {
    std::vector<const Expr*> arguments{s.left.get()};
    for (const ExprPtr& arg : s.args) arguments.push_back(arg.get());
    if (s.truncated) fail(s.at, "a truncated density of the program's own runs in CmdStan, not here");
    add_to_target(as_scalar(call_user(s.function, arguments, frame_->propto, s.at)), s.at);
    return;
  }
  constexpr std::size_t kMost = 8;
  Value storage[kMost];
  const Value* pointers[kMost];
  bool is_data[kMost];
  const std::size_t n = s.args.size() + 1;
  if (n > kMost) fail(s.at, "`" + s.name + "` has too many arguments");
  for (std::size_t i = 0; i < n; ++i) {
    const Expr& e = i == 0 ? *s.left : *s.args[i - 1];
    pointers[i] = &reference(e, storage[i]);
    is_data[i] = data_type(e);
  }
  add_density(s.callee, {pointers, n}, {is_data, n}, frame_->propto, s.at);
  if (s.truncated) truncate(s, {pointers, n});
}

// y ~ family(...) T[lower, upper]: the density is divided by the mass between the bounds, both included, and 0 outside.
void Interpreter::truncate(const Stmt& s, Arguments args) {
  const auto bound = [&](const ExprPtr& e) { return known(scalar(*e), e->at, "this truncation bound"); };
  double lower = -std::numeric_limits<double>::infinity(), upper = std::numeric_limits<double>::infinity();
  if (s.low) lower = bound(s.low);
  if (s.high) upper = bound(s.high);
  const Value& y = *args[0];
  std::size_t count = y.size();
  for (std::size_t i = 0; i < y.size(); ++i) {
    if (y.known() || !y.slot[i]) {
      if (!(y.number[i] >= lower && y.number[i] <= upper)) add_known(-std::numeric_limits<double>::infinity(), s.at);
      continue;
    }
    const Scalar variate{0, y.slot[i]};
    if (s.low) target_.nonnegative.push_back(arithmetic(Operator::subtract, variate, {lower, 0}, false, s.at).slot);
    if (s.high) target_.nonnegative.push_back(arithmetic(Operator::subtract, {upper, 0}, variate, false, s.at).slot);
  }
  if (count > 1) {
    for (const Value* arg : args.subspan(1)) {
      if (!arg->dims.empty())
        fail(s.at, "truncation of a vectorised density with vector parameters runs in no Stan; write a loop");
    }
  }
  const Scalar mass = truncation_mass(s, args, s.low ? &lower : nullptr, s.high ? &upper : nullptr);
  for (std::size_t i = 0; i < count; ++i) add_to_target(mass.slot ? lane(Op::neg, mass) : Scalar{-mass.number, 0}, s.at);
}

void Interpreter::increment_by_density(const Expr& e) {
  std::vector<Value> storage(e.args.size());
  std::vector<const Value*> pointers(e.args.size());
  bool is_data[16] = {};
  if (e.args.size() > std::size(is_data)) fail(e.at, "too many arguments");
  for (std::size_t i = 0; i < e.args.size(); ++i) {
    pointers[i] = &reference(*e.args[i], storage[i]);
    is_data[i] = data_type(*e.args[i]);
  }
  add_density(e.callee, pointers, {is_data, e.args.size()}, effective_propto(e), e.at);
}

// target += e. Sums of densities are taken apart here, where the types of their arguments are known.
void Interpreter::increment(const Expr& e, Position at) {
  if (e.kind == ExprKind::binary && e.op == Operator::add && e.type.rank() == 0 && e.args[0]->type.rank() == 0 &&
      e.args[1]->type.rank() == 0) {
    increment(*e.args[0], at);
    increment(*e.args[1], at);
    return;
  }
  if (e.kind == ExprKind::call && e.call == CallKind::density && graph_) {
    increment_by_density(e);
    return;
  }
  if (e.type.rank() == 0) {
    add_to_target(scalar(e), at);
    return;
  }
  const Value value = evaluate(e);
  for (std::size_t i = 0; i < value.size(); ++i) add_to_target({value.number[i], value.known() ? 0 : value.slot[i]}, at);
}

}  // namespace tenfold::hmc_marg
