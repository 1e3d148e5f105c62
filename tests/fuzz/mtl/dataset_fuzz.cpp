// dataset.json of any bytes: items that can be counted, or an Error.
#include <cstdlib>

#include "base/error.h"
#include "mtl/data_sources.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tenfold;
  static const std::vector<mtl::Task> tasks = [] {
    std::vector<mtl::Task> out(4);
    out[0].name = "seg";
    out[1].name = "depth";
    out[1].type = mtl::TaskType::depth;
    out[2].name = "age";
    out[2].type = mtl::TaskType::classification;
    out[3].name = "pose";
    out[3].type = mtl::TaskType::regression;
    out[3].channels = 2;
    return out;
  }();
  try {
    if (mtl::count_folder_items({reinterpret_cast<const char*>(data), size}, "dataset.json", "test", tasks) == 0) std::abort();
  } catch (const Error& error) {
    if (error.exit_code() != ExitCode::usage && error.exit_code() != ExitCode::input) std::abort();
  }
  return 0;
}
