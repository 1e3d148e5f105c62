// exp, log, log1p of the kernels: at most 2 ulp from the true value, and the same bits for every instruction set and lane.
#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "hmc-marg/kernels.h"

using namespace tenfold::hmc_marg;

namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();

// Distance to the true value in units of the last place of the result.
double ulps(double got, long double want) {
  if (std::isnan(got) && std::isnan(want)) return 0;
  if (got == static_cast<double>(want)) return 0;
  if (std::isinf(got) || std::isinf(want)) return kInf;
  int exponent;
  std::frexp(static_cast<double>(want), &exponent);
  const long double ulp = std::ldexp(1.0L, std::max(exponent - 53, -1074));
  return static_cast<double>(std::abs((static_cast<long double>(got) - want) / ulp));
}

using Function = void (*)(const double*, double*, std::size_t);

double worst(const std::vector<double>& x, Function f, long double (*exact)(long double)) {
  std::vector<double> out(x.size());
  f(x.data(), out.data(), x.size());
  double worst_ulps = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double u = ulps(out[i], exact(x[i]));
    if (u > worst_ulps) {
      worst_ulps = u;
      CAPTURE(x[i]);
      CAPTURE(out[i]);
      CHECK(u <= 2);
    }
  }
  return worst_ulps;
}

std::vector<double> random_bits(std::mt19937_64& random, int n) {
  std::vector<double> x;
  while (static_cast<int>(x.size()) < n) x.push_back(std::bit_cast<double>(random()));
  return x;
}

std::vector<double> inputs() {
  std::mt19937_64 random(20240611);
  std::vector<double> x = random_bits(random, 200000);
  std::uniform_real_distribution<double> wide(-750, 712), unit(-1, 3), small(-1e-3, 1e-3);
  for (int i = 0; i < 200000; ++i) {
    x.push_back(wide(random));
    x.push_back(unit(random));
    x.push_back(small(random));
  }
  for (const double edge : {0.0,
                            -0.0,
                            1.0,
                            -1.0,
                            kInf,
                            -kInf,
                            std::nan(""),
                            709.782712893384,
                            709.7827128933841,
                            -708.4,
                            -745.1332191019411,
                            -745.1332191019412,
                            -744.44,
                            5e-324,
                            2.2e-308,
                            2.2250738585072014e-308,
                            1.7976931348623157e308,
                            0.7071067811865475,
                            0.7071067811865476,
                            1.4142135623730949,
                            1.4142135623730951,
                            0.9999999999999999,
                            1.0000000000000002,
                            -0.9999999999999999,
                            -0.29289321881345254,
                            0.41421356237309503,
                            9007199254740993.0}) {
    x.push_back(edge);
  }
  return x;
}

std::vector<InstructionSet> sets() {
  std::vector<InstructionSet> all;
  for (const InstructionSet set : {InstructionSet::base, InstructionSet::avx2, InstructionSet::avx512}) {
    if (supported(set)) all.push_back(set);
  }
  return all;
}

}  // namespace

TEST_CASE("vector exp, log and log1p are within 2 ulp") {
  const std::vector<double> x = inputs();
  for (const InstructionSet set : sets()) {
    CAPTURE(static_cast<int>(set));
    worst(x, kernels(set).vector_exp, [](long double v) { return std::exp(v); });
    worst(x, kernels(set).vector_log, [](long double v) { return std::log(v); });
    worst(x, kernels(set).vector_log1p, [](long double v) { return std::log1p(v); });
  }
}

TEST_CASE("vector functions give the same bits in every lane and for every instruction set") {
  std::vector<double> x = inputs();
  x.resize(60000);
  const auto same = [](double a, double b) {
    return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b) || (std::isnan(a) && std::isnan(b));
  };
  const KernelTable& base = kernels(InstructionSet::base);
  for (const auto member : {&KernelTable::vector_exp, &KernelTable::vector_log, &KernelTable::vector_log1p}) {
    std::vector<double> want(x.size());
    for (std::size_t i = 0; i < x.size(); ++i) (base.*member)(&x[i], &want[i], 1);  // the single-lane form
    for (const InstructionSet set : sets()) {
      for (std::size_t shift = 0; shift < 8; ++shift) {
        std::vector<double> got(x.size() - shift);
        (kernels(set).*member)(x.data() + shift, got.data(), got.size());
        std::size_t differing = 0;
        for (std::size_t i = 0; i < got.size(); ++i) differing += !same(got[i], want[i + shift]);
        CHECK(differing == 0);
      }
    }
  }
}

TEST_CASE("the largest doubles, one lane at a time, for every instruction set") {
  std::mt19937_64 random(7);
  std::uniform_real_distribution<double> mantissa(1, 2);
  for (const InstructionSet set : sets()) {
    const KernelTable& table = kernels(set);
    for (int i = 0; i < 2000; ++i) {
      const double x = std::ldexp(mantissa(random), 1023 - i % 3);
      CAPTURE(x);
      double out = 0;
      table.vector_log(&x, &out, 1);
      CHECK(ulps(out, std::log(static_cast<long double>(x))) <= 2);
      table.vector_log1p(&x, &out, 1);
      CHECK(ulps(out, std::log1p(static_cast<long double>(x))) <= 2);
      table.vector_exp(&x, &out, 1);
      CHECK(out == kInf);
      const double below = -x;
      table.vector_exp(&below, &out, 1);
      CHECK(out == 0);
    }
  }
}

TEST_CASE("rising powers and gamma trials give the same bits for every instruction set") {
  // Four blocks of falling heights: drops of 0 to 9, one of 70, and one that only logarithms take.
  std::vector<double> height(128), drop(128);
  std::vector<std::uint8_t> most(4, 0);
  for (std::size_t j = height.size(); j-- > 0;) {
    const double step = j == 40 ? 70 : j == 3 ? 600 : static_cast<double>((j * 7) % 10);
    drop[j] = step;
    height[j] = step + (j + 32 < height.size() ? height[j + 32] : 0);
    most[j / 32] = std::max(most[j / 32], static_cast<std::uint8_t>(std::min(step, 255.0)));
  }
  std::vector<double> shape(64), normal(64), uniform(64);
  for (std::size_t i = 0; i < shape.size(); ++i) {
    shape[i] = 1 + std::exp(0.5 * static_cast<double>(i) - 10);
    normal[i] = 3 * std::sin(static_cast<double>(i));
    uniform[i] = 0.5 + 0.499 * std::cos(static_cast<double>(i * i));
  }
  std::vector<double> first;
  for (const InstructionSet set : sets()) {
    CAPTURE(static_cast<int>(set));
    std::vector<double> all;
    for (const double a : {1e-150, 0.7, 35.0, 1e12, 1e69}) {
      RisingPowers out;
      kernels(set).rising_powers({4, height.data(), drop.data(), most.data()}, a, out);
      all.insert(all.end(), {out.mantissa, out.exponent, out.logs, out.slope});
      long double value = 0, slope = 0;
      for (std::size_t j = 0; j < height.size(); ++j) {
        const long double x = static_cast<long double>(a) + static_cast<long double>(j);
        value += height[j] * std::log(x);
        slope += height[j] / x;
      }
      const double found = std::log(out.mantissa) + out.exponent * std::log(2.0) + out.logs;
      CHECK(found == doctest::Approx(static_cast<double>(value)).epsilon(1e-13));
      CHECK(out.slope == doctest::Approx(static_cast<double>(slope)).epsilon(1e-13));
    }
    std::vector<double> value(64), certain(64);
    kernels(set).gamma_trials(shape.data(), normal.data(), uniform.data(), value.data(), certain.data(), 64);
    all.insert(all.end(), value.begin(), value.end());
    all.insert(all.end(), certain.begin(), certain.end());
    if (first.empty()) first = all;
    CHECK(all == first);
  }
}
