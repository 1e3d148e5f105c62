// Calls the function library on known numbers and on parameters that stand for the same numbers: both ways must agree.
#pragma once

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/error.h"
#include "hmc-marg/library.h"
#include "hmc-marg/op_lists.h"

namespace tenfold::hmc_marg::library_values {

inline Value value(Type type, std::vector<int> dims, std::vector<double> number) {
  return {type, std::move(dims), std::move(number), {}};
}
inline Value real(double x) { return known_scalar(x, Base::real); }
inline Value integer(int x) { return known_scalar(x, Base::integer); }
inline Value vector(std::vector<double> x) {
  const int n = static_cast<int>(x.size());
  return value({Base::vector, 0}, {n}, std::move(x));
}
inline Value row_vector(std::vector<double> x) {
  const int n = static_cast<int>(x.size());
  return value({Base::row_vector, 0}, {n}, std::move(x));
}
inline Value array(std::vector<double> x) {
  const int n = static_cast<int>(x.size());
  return value({Base::real, 1}, {n}, std::move(x));
}
inline Value integers(std::vector<double> x) {
  const int n = static_cast<int>(x.size());
  return value({Base::integer, 1}, {n}, std::move(x));
}
// Numbers column by column.
inline Value matrix(int rows, int columns, std::vector<double> x) {
  return value({Base::matrix, 0}, {rows, columns}, std::move(x));
}

inline Value call(CallContext& context, std::string_view name, const std::vector<Value>& args) {
  std::vector<const Value*> pointers;
  for (const Value& arg : args) pointers.push_back(&arg);
  const LibraryFunction function = find_library_function(name);
  const bool found = function != nullptr;
  REQUIRE_MESSAGE(found, name);
  return function(context, pointers);
}

inline Value call(std::string_view name, const std::vector<Value>& args) {
  CallContext context;
  return call(context, name, args);
}

inline std::string message_of(const std::function<void()>& act) {
  try {
    act();
  } catch (const Error& error) {
    CHECK(error.exit_code() == ExitCode::input);
    return error.message();
  }
  return "";
}

// The values of all slots, node by node, with the scalar forms: `parameters` gives the numbers of the parameter slots.
inline std::vector<double> evaluate_slots(const Graph& graph, const std::vector<double>& parameters) {
  std::vector<double> out(graph.slot_count(), 0.0);
  std::size_t next = 0;
  for (const Node& node : graph.nodes()) {
    std::vector<std::vector<double>> operands;
    for (const Operand& operand : graph.operands(node)) {
      operands.emplace_back();
      for (std::size_t i = 0; i < operand.size; ++i) operands.back().push_back(out[graph.slot_of(operand, i)]);
    }
    const auto operand_at = [&](std::size_t k, std::size_t i) { return operands[k][operands[k].size() == 1 ? 0 : i]; };
    for (std::uint32_t i = 0; i < node.lanes; ++i) {
      double& slot = out[node.first + i];
      if (node.op == Op::constant) {
        if (node.first > 0) slot = graph.constant_value(node.first + i);
      } else if (node.op == Op::parameter) {
        slot = parameters.at(next++);
      } else if (lane_wise(node.op)) {
        slot = info(node.op).value(operand_at(0, i), node.arity > 1 ? operand_at(1, i) : 0.0);
      } else if (segmented(node.op)) {
        const auto segments = graph.segments(node);
        std::vector<double> a, b;
        for (std::uint32_t k = segments[i]; k < segments[i + 1]; ++k) {
          a.push_back(operand_at(0, k));
          if (node.arity > 1) b.push_back(operand_at(1, k));
        }
        slot = segment_value(node.op, a.data(), b.data(), a.size());
      } else if (node.op == Op::density) {
        double x[kMaxDensityArguments] = {};
        for (std::size_t k = 0; k < node.arity; ++k) x[k] = operand_at(k, i);
        slot = info(node.density).log_density(x);
      }
    }
    if (node.op >= Op::softmax && node.op <= Op::solve_lower_transposed) {
      // Broadcast operands (a list of one repeated slot) are spread out again.
      const std::size_t first_size = node.rows ? std::size_t{node.rows} * node.rows : node.lanes;
      for (std::size_t k = 0; k < operands.size(); ++k)
        if (operands[k].size() == 1) operands[k].assign(k == 0 ? first_size : node.lanes, operands[k][0]);
      whole_value(node.op, node.lanes, node.rows, operands[0].data(), operands.size() > 1 ? operands[1].data() : nullptr,
                  out.data() + node.first);
    }
  }
  return out;
}

// A graph whose parameters stand for numbers.
struct Unknowns {
  Graph graph;
  std::vector<double> numbers;
  CallContext context;
  Unknowns() { context.graph = &graph; }
  // The same value with every `stride`-th scalar (from `first` on) a parameter.
  Value hide(const Value& x, std::size_t first = 0, std::size_t stride = 1) {
    Value out = x;
    std::size_t count = 0;
    for (std::size_t i = first; i < x.size(); i += stride) ++count;
    if (count == 0) return out;
    Slot slot = graph.parameters(static_cast<std::uint32_t>(count));
    out.slot.assign(x.size(), 0);
    for (std::size_t i = first; i < x.size(); i += stride) {
      numbers.push_back(x.number[i]);
      out.slot[i] = slot++;
      out.number[i] = std::nan("");  // must not be read
    }
    return out;
  }
  std::vector<double> numbers_of(const Value& x) const {
    const std::vector<double> slots = evaluate_slots(graph, numbers);
    std::vector<double> out = x.number;
    for (std::size_t i = 0; i < x.slot.size(); ++i)
      if (x.slot[i]) out[i] = slots[x.slot[i]];
    return out;
  }
};

inline bool close(double a, double b, double tolerance = 1e-12) {
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
  return a == b || std::fabs(a - b) <= tolerance * std::max(1.0, std::max(std::fabs(a), std::fabs(b)));
}

inline void check_numbers(const std::vector<double>& got, const std::vector<double>& expected, double tolerance = 1e-12) {
  REQUIRE(got.size() == expected.size());
  for (std::size_t i = 0; i < got.size(); ++i)
    CHECK_MESSAGE(close(got[i], expected[i], tolerance), "[", i, "] ", got[i], " against ", expected[i]);
}

// The result with known arguments, after checking that it comes out the same with every subset of the real arguments hidden
// behind parameters, wholly or every other scalar.
inline Value both_ways(const std::function<Value(CallContext&, const std::vector<Value>&)>& function,
                       const std::vector<Value>& args) {
  CallContext plain;
  const Value known = function(plain, args);
  CHECK(known.known());
  for (unsigned subset = 1; subset < 1u << args.size(); ++subset) {
    bool possible = true;
    for (std::size_t k = 0; k < args.size(); ++k) possible &= !((subset >> k) & 1u) || args[k].type.base != Base::integer;
    if (!possible) continue;
    for (const std::size_t stride : {1u, 2u}) {
      Unknowns unknowns;
      std::vector<Value> hidden = args;
      for (std::size_t k = 0; k < args.size(); ++k)
        if ((subset >> k) & 1u) hidden[k] = unknowns.hide(args[k], stride - 1, stride);
      const Value result = function(unknowns.context, hidden);
      CAPTURE(subset);
      CAPTURE(stride);
      CHECK(result.type == known.type);
      CHECK(result.dims == known.dims);
      check_numbers(unknowns.numbers_of(result), known.number, 1e-11);
    }
  }
  return known;
}

inline Value both_ways(std::string_view name, const std::vector<Value>& args) {
  CAPTURE(name);
  return both_ways([name](CallContext& context, const std::vector<Value>& a) { return call(context, name, a); }, args);
}

}  // namespace tenfold::hmc_marg::library_values
