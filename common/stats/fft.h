// Fast Fourier transform of length 2^k, and mean autocovariances through it in O(n log n).
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

namespace tenfold::stats {

// A plan of one length, with its roots of unity. Real and imaginary parts lie in arrays of their own, [length].
// The frequencies stay in bit-reversed order: forward, a product per frequency, and inverse need no other.
class Fft {
 public:
  explicit Fft(std::size_t length);  // a power of two
  std::size_t length() const { return length_; }

  // In place. X_k = sum_j x_j exp(-2 pi i j k / length); X_k lands at the place whose bits are k's reversed.
  void forward(std::span<double> real, std::span<double> imaginary) const;
  // In place, from that order; gives length times the series (not divided).
  void inverse(std::span<double> real, std::span<double> imaginary) const;

 private:
  std::size_t length_;
  std::vector<double> cosines_, sines_;  // stage of half length h at [h, 2h): cos and sin of pi j / h
};

// The plan of a length, made once and kept: its sines and cosines take as long as several transforms. Thread safe.
std::shared_ptr<const Fft> shared_fft(std::size_t length);

// Autocovariances of several series of one length n, averaged over the series:
//   c_t = 1/m sum_series 1/n sum_{i < n - t} (x_i - mean)(x_{i+t} - mean),   t = 0 .. n - 1, each series about its own mean,
// by the Wiener-Khinchin theorem on series padded with zeros. Two series go as real and imaginary part of one transform,
// the power spectra are added, and one inverse transform serves all: the real part of the inverse of a real spectrum is
// that of its even part, in which the pairs' cross terms cancel.
class MeanAutocovariance {
 public:
  explicit MeanAutocovariance(std::size_t n);
  // series is row-major [count, n], count >= 1; the result is [n] and lives until the next call.
  std::span<const double> operator()(std::span<const double> series, std::size_t count);

 private:
  std::size_t n_;
  std::shared_ptr<const Fft> fft_;
  std::vector<double> real_, imaginary_, power_;
};

}  // namespace tenfold::stats
