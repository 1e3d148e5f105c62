// Calls: the library, densities as values, random draws, user functions.
#include <algorithm>
#include <cmath>

#include "hmc-marg/interpret.h"

namespace tenfold::hmc_marg {
namespace {

constexpr std::size_t kMaxDepth = 200;

// Evaluated arguments: the variables themselves where they are variables.
struct Evaluated {
  std::vector<Value> storage;
  std::vector<const Value*> pointers;
  explicit Evaluated(std::size_t n) : storage(n), pointers(n) {}
};

}  // namespace

Scalar Interpreter::call_scalar(const Expr& e) {
  if (e.call == CallKind::library && e.library_index >= 0) {
    const Op op = library_[static_cast<std::size_t>(e.library_index)].op;
    if (op != Op::constant && e.args[0]->type.rank() == 0 && e.args.back()->type.rank() == 0) {
      Scalar x[2];
      const std::size_t n = e.args.size();
      for (std::size_t i = 0; i < n; ++i) x[i] = scalar(*e.args[i]);
      if (!x[0].slot && !x[1].slot) return {info(op).value(x[0].number, x[1].number), 0};
      return lane(op, {x, n});
    }
  } else if (e.call == CallKind::density && e.library_index >= 0) {
    // A univariate density of known scalars, as loops of generated quantities have it.
    const Density family = library_[static_cast<std::size_t>(e.library_index)].density;
    bool fast = !graph_ && family != Density::none && !e.propto && e.args.size() <= kMaxDensityArguments;
    for (std::size_t i = 0; fast && i < e.args.size(); ++i) fast = e.args[i]->type.rank() == 0;
    if (fast) {
      double x[kMaxDensityArguments];
      for (std::size_t i = 0; i < e.args.size(); ++i) x[i] = scalar(*e.args[i]).number;
      const double value = info(family).log_density(x);
      if (!std::isnan(value)) return {value, 0};
    }
  }
  return as_scalar(call(e));
}

Value Interpreter::call(const Expr& e) {
  if (e.call == CallKind::user) {
    std::vector<const Expr*> arguments;
    for (const ExprPtr& arg : e.args) arguments.push_back(arg.get());
    // A function that adds to the target drops what the model would; a density only where it is called unnormalised.
    const bool adds = program_.functions[static_cast<std::size_t>(e.function)].name.ends_with("_lp");
    return call_user(e.function, arguments, adds ? frame_->propto : effective_propto(e), e.at);
  }
  if (e.call == CallKind::density) return call_density(e);
  if (e.call == CallKind::library && e.library_index < 0) return as_value(target_value(), Base::real);
  Evaluated evaluated(e.args.size());
  for (std::size_t i = 0; i < e.args.size(); ++i) evaluated.pointers[i] = &reference(*e.args[i], evaluated.storage[i]);
  context_.at = e.at;
  if (e.call == CallKind::cdf) return call_distribution_function(e, evaluated.pointers);
  if (e.call == CallKind::random) {
    if (!context_.random) fail(e.at, "random numbers are drawn in transformed data and generated quantities only");
    return apply_random(context_, e.callee, evaluated.pointers);
  }
  return library_[static_cast<std::size_t>(e.library_index)].function(context_, evaluated.pointers);
}

Value Interpreter::call_density(const Expr& e) {
  Evaluated evaluated(e.args.size());
  bool is_data[16] = {};
  if (e.args.size() > std::size(is_data)) fail(e.at, "too many arguments");
  for (std::size_t i = 0; i < e.args.size(); ++i) {
    evaluated.pointers[i] = &reference(*e.args[i], evaluated.storage[i]);
    is_data[i] = data_type(*e.args[i]);
  }
  context_.at = e.at;
  return density_value(context_, e.callee, evaluated.pointers, {is_data, e.args.size()}, effective_propto(e));
}

Value Interpreter::call_user(int function, std::span<const Expr* const> arguments, bool propto, Position at) {
  const FunctionDefinition& definition = program_.functions[static_cast<std::size_t>(function)];
  if (depth_ >= kMaxDepth)
    fail(at, "`" + definition.name + "` is called more than " + std::to_string(kMaxDepth) +
                 " levels deep; recursion is not supported");
  // All arguments first: they may call functions that use the same frame.
  std::vector<Cell> cells(arguments.size());
  std::uint64_t data_arguments = 0;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const Expr& e = *arguments[i];
    const Type& type = definition.arguments[i].type;
    if (data_type(e)) data_arguments |= std::uint64_t{1} << i;
    if (e.kind == ExprKind::variable && at_type(e) == type) {
      cells[i].borrowed = &this->at(e.slot).get();
    } else {
      cells[i].value = evaluate(e);
      cells[i].value.type = type;
    }
  }
  if (call_frames_.size() <= depth_) call_frames_.push_back(std::make_unique<Frame>());
  Frame& frame = *call_frames_[depth_];
  frame.cells.resize(std::max(frame.cells.size(), static_cast<std::size_t>(definition.frame_size)));
  for (std::size_t i = 0; i < cells.size(); ++i) frame.cells[i] = std::move(cells[i]);
  frame.function = &definition;
  frame.data_arguments = data_arguments;
  frame.propto = propto;
  Frame* const caller = frame_;
  const int line = at.line;
  frame_ = &frame;
  ++depth_;
  returned_ = Value{};
  try {
    const Flow flow = execute_all(definition.body);
    if (flow != Flow::leave_function && definition.result.base != Base::none) {
      fail(definition.at, "`" + definition.name + "` ends without returning a value");
    }
  } catch (...) {
    frame_ = caller;
    --depth_;
    throw;
  }
  frame_ = caller;
  --depth_;
  if (graph_) graph_->set_line(line);
  Value result = std::move(returned_);
  if (definition.result.base != Base::none) result.type = definition.result;
  return result;
}

Type Interpreter::at_type(const Expr& e) const { return at(e.slot).get().type; }

// foo_lcdf(y | ...): the family is the callee, the suffix is in the name as written.
Value Interpreter::call_distribution_function(const Expr& e, Arguments args) {
  const std::size_t dash = e.name.rfind('_');
  return apply_cdf(context_, e.callee, std::string_view(e.name).substr(dash + 1), args);
}

}  // namespace tenfold::hmc_marg
