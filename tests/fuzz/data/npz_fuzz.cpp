// The .npz reader on any bytes: every member gives an array or an Error.
#include <cstdlib>

#include "base/error.h"
#include "data/npz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const auto npz = tenfold::data::Npz::parse({reinterpret_cast<const std::byte*>(data), size}, "fuzz.npz");
    for (const std::string& name : npz.names()) {
      try {
        const auto array = npz.load(name);
        if (array.size() != array.header().elements()) std::abort();
      } catch (const tenfold::Error&) {
      }
    }
  } catch (const tenfold::Error&) {
  }
  return 0;
}
