// A tool's LibTorch part: a module beside the program, opened when the first subcommand asks for it.
//
// The tool declares an abstract class with a virtual destructor and no LibTorch type in tools/<tool>/torch_part.h. The module
// implements it and says once, in one .cpp:
//   TENFOLD_TORCH_PART(tenfold::hmc_marg::TorchPart, tenfold::hmc_marg::DenseOracle)
// and the program opens it:
//   auto part = cli::open_torch_part<hmc_marg::TorchPart>("hmc-marg");
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/version.h"

namespace tenfold::cli {

// The two symbols a module exports.
inline constexpr const char* kTorchPartBuildId = "tenfold_torch_part_build_id";
inline constexpr const char* kTorchPartMake = "tenfold_torch_part_make";

// Opens lib/tenfold/<tool>-torch.so, found relative to the executable, and asks it for its object (owned by the caller; the
// module stays loaded). Throws Error: exit 2 with the command that builds it when it is missing or of another build.
void* make_torch_part(std::string_view tool);

// Whether the module is there and of this build. Opens it.
bool torch_part_available(std::string_view tool);

template <class Part>
std::unique_ptr<Part> open_torch_part(std::string_view tool) {
  return std::unique_ptr<Part>(static_cast<Part*>(make_torch_part(tool)));
}

}  // namespace tenfold::cli

// Part is the abstract class, Implementation a default-constructible class derived from it. The pointer is handed over as a
// Part*, because a void* made from the derived class may differ.
#define TENFOLD_TORCH_PART(Part, Implementation)                                                                                \
  extern "C" __attribute__((visibility("default"))) const char* tenfold_torch_part_build_id() { return ::tenfold::build_id(); } \
  extern "C" __attribute__((visibility("default"))) void* tenfold_torch_part_make() {                                           \
    return static_cast<void*>(static_cast<Part*>(new Implementation()));                                                        \
  }
