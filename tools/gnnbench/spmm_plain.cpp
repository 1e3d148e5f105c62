// spmm for x86-64-v2, and in double precision.
#include <cstring>

#include "gnnbench/spmm_kernels.h"

namespace tenfold::gnnbench {

namespace {

#include "gnnbench/spmm_body.h"

// 16 bytes.
template <class R, class V>
struct Plain {
  using Real = R;
  using Vector = V;
  static constexpr int lanes = 16 / sizeof(R);
  static constexpr int most = 8;  // of 16 registers
  static Vector zero() { return Vector{}; }
  static Vector all(Real x) { return Vector{} + x; }
  static Vector load(const Real* p) { return load_first(p, lanes); }
  static Vector load_first(const Real* p, int n) {
    Vector x{};
    std::memcpy(&x, p, static_cast<std::size_t>(n) * sizeof(Real));
    return x;
  }
  static void store(Real* p, Vector x) { store_first(p, x, lanes); }
  static void store_first(Real* p, Vector x, int n) { std::memcpy(p, &x, static_cast<std::size_t>(n) * sizeof(Real)); }
  static Vector plus(Vector a, Vector b) { return a + b; }
  static Vector times(Vector a, Vector b) { return a * b; }
  static Vector over(Vector a, Vector b) { return a / b; }
};
using Floats = float __attribute__((vector_size(16)));
using Doubles = double __attribute__((vector_size(16)));

}  // namespace

void spmm_rows_plain(const SpmmArguments<float>& a, std::int64_t begin, std::int64_t end) {
  rows_of<Plain<float, Floats>>(a, begin, end);
}
void spmm_rows_plain(const SpmmArguments<double>& a, std::int64_t begin, std::int64_t end) {
  rows_of<Plain<double, Doubles>>(a, begin, end);
}

}  // namespace tenfold::gnnbench
