// The language's functions, operators and densities applied to values, known or not.
// A call with known scalars only is computed at once; otherwise it becomes nodes of the graph.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hmc-marg/ast.h"
#include "hmc-marg/dirichlet_prior.h"
#include "hmc-marg/value.h"

namespace tenfold {
class PhiloxStream;
}

namespace tenfold::hmc_marg {

// What a call needs to know besides its arguments.
struct CallContext {
  Graph* graph = nullptr;          // null: numbers only (generated quantities, transformed data)
  PhiloxStream* random = nullptr;  // for _rng functions
  const std::string* file = nullptr;
  Position at;
};

// Error(input) "FILE:LINE:COL: text" for a call that cannot be evaluated (size mismatch, index out of range, domain of known
// numbers).
[[noreturn]] void call_error(const CallContext& context, const std::string& text);

using Arguments = std::span<const Value* const>;
using LibraryFunction = Value (*)(CallContext&, Arguments);

LibraryFunction find_library_function(std::string_view name);  // null: none of that name. All names of functions.h are found.

Value apply_unary(CallContext& context, Operator op, const Value& x);
Value apply_binary(CallContext& context, Operator op, const Value& x, const Value& y);

// A density of the language on values: all families of the specification's section 2.2, vector ones included.
// Where it goes: lanes that are univariate densities are returned apart, so that the caller can make them factors.
struct DensityResult {
  struct Lanes {
    std::uint32_t node = 0;           // a density node, all its lanes with coefficient +1
    std::uint8_t data_arguments = 0;
  };
  std::vector<Lanes> factors;   // empty where all is known
  std::vector<Slot> terms;      // further summands with coefficient +1 (log determinants ...)
  std::optional<DirichletPrior> dirichlet;
  double constant = 0;          // known summands
  double dropped = 0;           // sum of the known summands that propto leaves out (a part of the full density)
};
// args: variate first. is_data: per argument, Stan's data type. The result is the FULL log density; with propto the caller
// subtracts `dropped`.
DensityResult apply_density(CallContext& context, std::string_view family, Arguments args, std::span<const bool> is_data);

// The same as one scalar value: sum of everything; with propto without `dropped`.
Value density_value(CallContext& context, std::string_view family, Arguments args, std::span<const bool> is_data, bool propto);

// family_rng(args...): vectorised where an argument is a container. Numbers only.
Value apply_random(CallContext& context, std::string_view family, Arguments args);

// log P(X <= y), log P(X > y), P(X <= y): suffix "lcdf", "lccdf", "cdf". Known numbers only, else Error(input).
Value apply_cdf(CallContext& context, std::string_view family, std::string_view suffix, Arguments args);

// Helpers that the interpreter shares.
Value known_scalar(double number, Base base);                   // integer or real
Value take(const Value& from, std::span<const std::uint32_t> places, Type type,
           std::vector<int> dims);  // gather of scalars: costs no node

}  // namespace tenfold::hmc_marg
