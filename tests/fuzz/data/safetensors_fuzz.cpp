// The safetensors reader on any bytes: views that lie inside the input, or an Error.
#include <cstdlib>
#include <span>

#include "base/error.h"
#include "data/safetensors.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span<const std::byte> bytes(reinterpret_cast<const std::byte*>(data), size);
  try {
    const auto file = tenfold::data::Safetensors::parse(bytes, "fuzz.safetensors");
    for (const auto& tensor : file.tensors()) {
      std::size_t elements = 1;
      for (const std::int64_t extent : tensor.shape) elements *= static_cast<std::size_t>(extent);
      if (elements != tensor.elements()) std::abort();
      unsigned sum = 0;  // touches every byte, which the sanitizer watches
      for (const std::byte byte : tensor.bytes) sum += static_cast<unsigned>(byte);
      if (sum == ~0u) std::abort();
    }
  } catch (const tenfold::Error&) {
  }
  return 0;
}
