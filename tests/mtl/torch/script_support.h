// The small TorchScript files of tests/parity/mtl and what PyTorch answered.
#pragma once

#include "doctest_torch.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <string>

#include "base/files.h"
#include "data/json.h"

namespace tenfold::mtl::test {

inline std::string parity_path(const std::string& name) { return std::string(TENFOLD_SOURCE_DIR) + "/tests/parity/mtl/" + name; }
inline std::string script_path(const std::string& name) { return parity_path("torchscript/" + name); }

inline Json parity_answers() { return Json::parse(read_file(parity_path("torchscript.json")))["files"]; }

// sin(0.1 i) at flat index i, as torchscript.py makes it.
inline at::Tensor sine_image(std::int64_t n, std::int64_t h, std::int64_t w) {
  at::Tensor image = at::empty({n, 3, h, w}, at::kFloat);
  for (std::int64_t i = 0; i < image.numel(); ++i)
    image.data_ptr<float>()[i] = static_cast<float>(std::sin(0.1 * static_cast<double>(i)));
  return image;
}

// PyTorch's answer is the shape, the sum, the largest value and every 37th of the first.
inline void check_answer(const at::Tensor& output, const Json& answer) {
  CHECK(output.sizes().vec() == answer["shape"].get<std::vector<std::int64_t>>());
  const double scale = answer["abs_max"].get<double>();
  const at::Tensor flat = output.detach().to(at::kDouble).flatten();
  CHECK(flat.abs().max().item<double>() == doctest::Approx(scale).epsilon(1e-5));
  CHECK(std::abs(flat.sum().item<double>() - answer["sum"].get<double>()) <= 1e-5 * scale * static_cast<double>(flat.numel()));
  double off = 0;
  std::int64_t at = 0;
  for (const Json& value : answer["every_37th"]) {
    off = std::max(off, std::abs(flat[at].item<double>() - value.get<double>()));
    at += 37;
  }
  CHECK(off <= 1e-5 * scale);
}

}  // namespace tenfold::mtl::test
