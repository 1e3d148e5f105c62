// The .npy reader on any bytes: an array whose elements lie inside the input, or an Error.
#include <cstdlib>

#include "base/error.h"
#include "data/npy.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const auto array = tenfold::data::NpyArray::parse({reinterpret_cast<const std::byte*>(data), size}, "fuzz.npy");
    if (array.size() != array.header().elements()) std::abort();
    if (array.to_doubles().size() != array.size() || array.to_floats().size() != array.size()) std::abort();
    if (array.to_int64s().size() != array.size()) std::abort();
  } catch (const tenfold::Error&) {
  }
  return 0;
}
