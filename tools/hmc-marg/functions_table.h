// The tables behind functions.h: one row a function, one row a family of densities.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "hmc-marg/ast.h"

namespace tenfold::hmc_marg {

// A function has signatures, a rule for what signatures cannot say (any array, any rank), or both; signatures are tried first.
// A signature is "result:arguments", one letter a type, several separated by spaces:
//   i int, r real, v vector, w row_vector, m matrix; I, R, V, W arrays of these; J array[,] int, Q array[,] real
struct FunctionRow {
  std::string_view name;
  std::string_view signatures;
  std::optional<Type> (*rule)(std::span<const Type>) = nullptr;
  std::string_view rule_text = {};  // the rule's signature as a message shows it, after the name
};
std::span<const FunctionRow> function_rows();

// Argument kinds of densities, one letter each, the variate first:
//   s reals: real, vector, row_vector or array[] real     t ints: int or array[] int
//   v vectors: vector, row_vector or an array of these    u vector or array[] vector
//   x vector   m matrix   l matrix or row_vector   c real or vector   r real   I array[] int
struct DensityRow {
  std::string_view family;
  bool discrete;              // _lpmf instead of _lpdf
  std::string_view arguments;
  bool univariate;            // scalar lanes: T[,] may follow
  bool cumulative;            // has _cdf, _lcdf, _lccdf
  std::string_view random;    // signatures of _rng as above; "*": lane-wise over the arguments after the variate; "": none
};
std::span<const DensityRow> density_rows();

Type type_of_letter(char letter);
// An int stands where a real is asked for, in arrays as well.
inline bool fits(const Type& parameter, const Type& argument) {
  return parameter.array_rank == argument.array_rank &&
         (parameter.base == argument.base || (parameter.base == Base::real && argument.base == Base::integer));
}

}  // namespace tenfold::hmc_marg
