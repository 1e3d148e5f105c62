// Fast Fourier transform of length 2^k (Cooley and Tukey 1965): forward decimates in frequency, inverse in time, so that
// neither has to permute.
#include "stats/fft.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <map>
#include <mutex>
#include <numbers>

#include "stats/moments.h"

namespace tenfold::stats {

Fft::Fft(std::size_t length) : length_(length), cosines_(length), sines_(length) {
  for (std::size_t half = 1; half < length; half *= 2) {
    for (std::size_t j = 0; j < half; ++j) {
      const double angle = std::numbers::pi * static_cast<double>(j) / static_cast<double>(half);
      cosines_[half + j] = std::cos(angle);
      sines_[half + j] = std::sin(angle);
    }
  }
}

void Fft::forward(std::span<double> real, std::span<double> imaginary) const {
  for (std::size_t half = length_ / 2; half >= 1; half /= 2) {
    const double* __restrict c = cosines_.data() + half;
    const double* __restrict s = sines_.data() + half;
    for (std::size_t block = 0; block < length_; block += 2 * half) {
      double* __restrict re0 = real.data() + block;
      double* __restrict im0 = imaginary.data() + block;
      double* __restrict re1 = re0 + half;
      double* __restrict im1 = im0 + half;
      for (std::size_t j = 0; j < half; ++j) {
        const double dr = re0[j] - re1[j];
        const double di = im0[j] - im1[j];
        re0[j] += re1[j];
        im0[j] += im1[j];
        re1[j] = dr * c[j] + di * s[j];
        im1[j] = di * c[j] - dr * s[j];
      }
    }
  }
}

void Fft::inverse(std::span<double> real, std::span<double> imaginary) const {
  for (std::size_t half = 1; half < length_; half *= 2) {
    const double* __restrict c = cosines_.data() + half;
    const double* __restrict s = sines_.data() + half;
    for (std::size_t block = 0; block < length_; block += 2 * half) {
      double* __restrict re0 = real.data() + block;
      double* __restrict im0 = imaginary.data() + block;
      double* __restrict re1 = re0 + half;
      double* __restrict im1 = im0 + half;
      for (std::size_t j = 0; j < half; ++j) {
        const double tr = re1[j] * c[j] - im1[j] * s[j];
        const double ti = im1[j] * c[j] + re1[j] * s[j];
        re1[j] = re0[j] - tr;
        im1[j] = im0[j] - ti;
        re0[j] += tr;
        im0[j] += ti;
      }
    }
  }
}

std::shared_ptr<const Fft> shared_fft(std::size_t length) {
  static std::mutex mutex;
  static std::map<std::size_t, std::shared_ptr<const Fft>> plans;  // one a power of two: few
  const std::lock_guard lock(mutex);
  std::shared_ptr<const Fft>& plan = plans[length];
  if (plan == nullptr) plan = std::make_shared<const Fft>(length);
  return plan;
}

MeanAutocovariance::MeanAutocovariance(std::size_t n)
    : n_(n),
      fft_(shared_fft(std::bit_ceil(std::max<std::size_t>(1, 2 * n - 1)))),
      real_(fft_->length()),
      imaginary_(fft_->length()),
      power_(fft_->length()) {}

std::span<const double> MeanAutocovariance::operator()(std::span<const double> series, std::size_t count) {
  std::fill(power_.begin(), power_.end(), 0.0);
  const auto load = [&](std::size_t index, std::vector<double>& into) {
    std::size_t filled = 0;
    if (index < count) {
      const std::span<const double> one = series.subspan(index * n_, n_);
      const double center = mean(one);
      for (; filled < n_; ++filled) into[filled] = one[filled] - center;
    }
    std::fill(into.begin() + static_cast<std::ptrdiff_t>(filled), into.end(), 0.0);
  };
  for (std::size_t first = 0; first < count; first += 2) {
    load(first, real_);
    load(first + 1, imaginary_);
    fft_->forward(real_, imaginary_);
    for (std::size_t k = 0; k < power_.size(); ++k) power_[k] += real_[k] * real_[k] + imaginary_[k] * imaginary_[k];
  }
  std::fill(imaginary_.begin(), imaginary_.end(), 0.0);
  fft_->inverse(power_, imaginary_);
  const double scale = 1.0 / (static_cast<double>(fft_->length()) * static_cast<double>(n_) * static_cast<double>(count));
  for (std::size_t t = 0; t < n_; ++t) power_[t] *= scale;
  return std::span<const double>(power_).first(n_);
}

}  // namespace tenfold::stats
