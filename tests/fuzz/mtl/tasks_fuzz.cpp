// tasks.json of any bytes: tasks that are written and read again as the same, or an Error with the exit code of usage.
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "mtl/tasks.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tenfold;
  try {
    const mtl::TaskFile file = mtl::parse_tasks({reinterpret_cast<const char*>(data), size}, "fuzz.json");
    const std::string written = data::dump_json(mtl::to_json(file));
    if (data::dump_json(mtl::to_json(mtl::parse_tasks(written, "again.json"))) != written) std::abort();
  } catch (const Error& error) {
    if (error.message().starts_with("again.json")) std::abort();
    if (error.exit_code() != ExitCode::usage && error.exit_code() != ExitCode::input) std::abort();
  }
  return 0;
}
