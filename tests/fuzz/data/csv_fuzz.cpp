// The CSV reader on any bytes: a rectangular table or an Error.
#include <cstdlib>
#include <string_view>

#include "base/error.h"
#include "data/csv.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const auto table = tenfold::data::parse_csv({reinterpret_cast<const char*>(data), size}, "fuzz.csv");
    if (table.values.size() != table.rows * table.columns()) std::abort();
  } catch (const tenfold::Error&) {
  }
  return 0;
}
