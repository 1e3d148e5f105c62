// Fast Fourier transform of length 2^k, and autocovariances through it.
#pragma once

#include <complex>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace tenfold::stats {

// A plan of one length: roots of unity and the bit reversal, for many transforms. Deterministic.
class Fft {
 public:
  explicit Fft(std::size_t length);  // a power of two
  std::size_t length() const { return length_; }
  // In place, X_k = sum_j x_j exp(-2 pi i j k / length).
  void forward(std::span<std::complex<double>> x) const;

 private:
  std::size_t length_;
  std::vector<std::complex<double>> roots_;
  std::vector<std::uint32_t> reversed_;
};

// Biased autocovariances c_t = 1/n sum_{i < n - t} (x_i - mean)(x_{i+t} - mean), t = 0 .. n - 1, by the
// Wiener-Khinchin theorem on the series padded with zeros. The plan's length must be at least 2 n.
std::vector<double> autocovariance(std::span<const double> x, const Fft& plan);
std::vector<double> autocovariance(std::span<const double> x);

// Two series of one length for the price of one transform each way; the same numbers to rounding.
void autocovariance_pair(std::span<const double> x, std::span<const double> y, const Fft& plan,
                         std::span<double> out_x, std::span<double> out_y);

}  // namespace tenfold::stats
