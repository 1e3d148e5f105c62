// What the function library is made of: values from numbers and nodes, operations applied to lanes, sums and products of
// segments. Everything folds what is known and makes a node of the rest.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hmc-marg/library.h"

namespace tenfold::hmc_marg {

struct LibraryEntry {
  std::string_view name;
  LibraryFunction function;
};

// The library by subject; find_library_function searches them all.
std::span<const LibraryEntry> elementwise_functions();
std::span<const LibraryEntry> reduction_functions();
std::span<const LibraryEntry> container_functions();
std::span<const LibraryEntry> slice_functions();
std::span<const LibraryEntry> matrix_functions();
std::span<const LibraryEntry> linear_algebra_functions();

inline constexpr Type kReal{Base::real, 0};
inline constexpr Type kInteger{Base::integer, 0};
inline constexpr Type kVector{Base::vector, 0};
inline constexpr Type kRowVector{Base::row_vector, 0};
inline constexpr Type kMatrix{Base::matrix, 0};

// Values.
std::size_t scalar_count(std::span<const int> dims);
// The same, refusing what no memory holds: throws above 100 million scalars.
std::size_t allowed_count(const CallContext& context, std::span<const int> dims);
std::string dims_text(std::span<const int> dims);  // "[2, 3]"; "a scalar" if empty
inline bool is_scalar(const Value& x) { return x.dims.empty(); }
inline bool is_integer(const Value& x) { return x.type.base == Base::integer; }
bool fully_unknown(const Value& x);                   // every scalar is a slot
bool all_equal(const Value& x, double number);        // known, and each scalar is that number
Value known_value(Type type, std::vector<int> dims, std::vector<double> number);
Value real_scalar(double number);
Value integer_scalar(double number);
Value reshaped(const Value& x, Type type, std::vector<int> dims);  // the same scalars in the same order
Value join(std::span<const Value* const> parts, Type type, std::vector<int> dims);  // one after the other
Value join(std::initializer_list<const Value*> parts, Type type, std::vector<int> dims);
Value range_of(const Value& x, std::size_t first, std::size_t size, Type type, std::vector<int> dims);

// Matrix view of vectors, row vectors and matrices: a vector is a column. Throws where x is none of these.
struct Extent {
  std::size_t rows = 0, columns = 0;
};
Extent extent_of(const Value& x);
Value transposed(const Value& x);

// Arguments that must be known.
void require_known(const CallContext& context, const Value& x, std::string_view what);
int integer_argument(const CallContext& context, const Value& x, std::string_view what);
int size_argument(const CallContext& context, const Value& x, std::string_view what);  // 0 or more
Graph& graph_of(const CallContext& context);  // with the line set; throws where there is none

// Result type and sizes of a lane-wise operation: scalars are broadcast, containers must agree in size. Integers become real.
struct Shape {
  Type type;
  std::vector<int> dims;
};
Shape broadcast(const CallContext& context, std::string_view what, const Value& x, const Value& y);

// Lane-wise operations. A scalar operand is broadcast over the lanes of `shape`.
Value lanes(CallContext& context, Op op, const Value& x, Shape shape);
Value lanes(CallContext& context, Op op, const Value& x, const Value& y, Shape shape);
Value unary(CallContext& context, Op op, const Value& x);                         // the container type of x, real
Value binary(CallContext& context, Op op, const Value& x, const Value& y);  // broadcast, with the folds x+0, x-0, 1*x, x/1
Value power(CallContext& context, const Value& x, const Value& y);  // squares and roots as such

// Segments: out[i] reduces x[offsets[i] .. offsets[i+1]).
Value reduce(CallContext& context, Op op, const Value& x, std::span<const std::uint32_t> offsets, Shape shape);
Value reduce_all(CallContext& context, Op op, const Value& x);  // one segment, a real scalar
Value sum_of(CallContext& context, const Value& x);
// out[i] = sum over segment i of a_k b_k. A wholly known operand comes first in the node.
Value dot(CallContext& context, const Value& a, const Value& b, std::span<const std::uint32_t> offsets, Shape shape);
Value dot_of(CallContext& context, const Value& a, const Value& b);  // all of a with all of b
std::vector<std::uint32_t> equal_segments(std::size_t count, std::size_t length);  // 0, length, 2 length ...

// Operations on whole lists (softmax, cumulative_sum, cholesky, solve_*): as many scalars out as `shape` has. `rows`: see
// op_lists.h.
Value whole(CallContext& context, Op op, const Value& a, const Value& b, std::size_t rows, Shape shape);
Value whole(CallContext& context, Op op, const Value& a, std::size_t rows, Shape shape);

// Matrices.
Value matrix_product(CallContext& context, const Value& x, const Value& y);
Value cholesky_factor(CallContext& context, std::string_view what, const Value& a);  // of a symmetric a, lower triangle read
Value lower_solve(CallContext& context, const Value& l, const Value& b, bool transpose_l);  // L^-1 B or L^-T B; type of b
Value solve_general(CallContext& context, const Value& a, const Value& b);  // A^-1 B; A known, or symmetric positive definite
Value diagonal_of(const Value& a);  // vector
Value log_diagonal_sum(CallContext& context, const Value& a);  // sum of log a_ii
void require_square(const CallContext& context, std::string_view what, const Value& a);
// Throws where the known `a` is not symmetric to 1e-8, or its computed factor has a pivot that is not positive.
void require_positive_definite(const CallContext& context, std::string_view what, const Value& a, const Value& factor);

// The lanes of a univariate density or distribution function: scalars are broadcast, containers agree in size.
struct DensityLane {
  double x[kMaxDensityArguments] = {};  // a parameter is stood for by a number that every family admits in its place
};
class DensityLaneReader {
 public:
  DensityLaneReader(const CallContext& context, std::string_view family, Arguments args);  // throws where sizes differ
  std::size_t count() const { return count_; }
  bool all_known() const { return all_known_; }
  DensityLane lane(std::size_t i) const;
  bool checkable(Density family) const;  // false where what stands for parameters could be at fault: uniform's bounds
  void check(Density family, const DensityLane& lane) const;  // throws where the lane's arguments are inadmissible

 private:
  const CallContext& context_;
  Arguments args_;
  std::size_t count_ = 1;
  bool all_known_ = true;
};

// Densities of whole vectors (library_vector_densities.cpp): false if `family` is none of them.
bool apply_vector_density(CallContext& context, std::string_view family, Arguments args, std::span<const bool> is_data,
                          DensityResult& result);
// Lanes of a univariate family, appended to `result`; is_data per argument.
void add_density_lanes(CallContext& context, Density family, Arguments args, std::span<const bool> is_data,
                       DensityResult& result);

}  // namespace tenfold::hmc_marg
