// The library's index, and how a call says what is wrong.
#include "hmc-marg/library.h"

#include <unordered_map>

#include "base/error.h"
#include "hmc-marg/library_parts.h"

namespace tenfold::hmc_marg {

void call_error(const CallContext& context, const std::string& text) {
  static const std::string no_file;
  input_error(at_position(context.file ? *context.file : no_file, static_cast<std::size_t>(context.at.line),
                          static_cast<std::size_t>(context.at.column), text));
}

LibraryFunction find_library_function(std::string_view name) {
  static const auto index = [] {
    std::unordered_map<std::string_view, LibraryFunction> all;
    for (const auto entries : {elementwise_functions(), reduction_functions(), container_functions(), slice_functions(),
                               matrix_functions(), linear_algebra_functions()})
      for (const LibraryEntry& entry : entries) all.emplace(entry.name, entry.function);
    return all;
  }();
  const auto found = index.find(name);
  return found == index.end() ? nullptr : found->second;
}

}  // namespace tenfold::hmc_marg
