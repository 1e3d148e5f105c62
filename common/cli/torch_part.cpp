#include "cli/torch_part.h"

#include <dlfcn.h>

#include <filesystem>

#include "base/error.h"

namespace tenfold::cli {
namespace fs = std::filesystem;
namespace {

struct Module {
  void* handle = nullptr;
  std::string fault;  // why there is none; empty when there is
};

// bin/tool finds ../lib/tenfold; a program beside lib/ finds ./lib/tenfold.
std::string module_path(std::string_view tool) {
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  const std::string name = std::string(tool) + "-torch.so";
  const fs::path beside = program.parent_path() / "lib" / "tenfold" / name;
  if (fs::exists(beside, error)) return beside.string();
  return (program.parent_path().parent_path() / "lib" / "tenfold" / name).lexically_normal().string();
}

Module open_module(std::string_view tool) {
  const std::string path = module_path(tool);
  const std::string remedy = "; `scripts/build` makes it (`scripts/setup` first, where LibTorch is not set up)";
  std::error_code error;
  if (!fs::exists(path, error)) return {nullptr, path + ": the LibTorch part of " + std::string(tool) + " is not there" + remedy};
  void* handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle) return {nullptr, path + ": the LibTorch part of " + std::string(tool) + " does not load" + remedy};
  using BuildId = const char* (*)();
  const BuildId id = reinterpret_cast<BuildId>(dlsym(handle, kTorchPartBuildId));
  if (!id || !dlsym(handle, kTorchPartMake) || std::string_view(id()) != build_id()) {
    dlclose(handle);
    return {nullptr, path + ": the LibTorch part of " + std::string(tool) + " is of another build" + remedy};
  }
  return {handle, ""};
}

}  // namespace

bool torch_part_available(std::string_view tool) { return open_module(tool).handle != nullptr; }

void* make_torch_part(std::string_view tool) {
  const Module module = open_module(tool);
  if (!module.handle) usage_error(module.fault);
  using Make = void* (*)();
  return reinterpret_cast<Make>(dlsym(module.handle, kTorchPartMake))();
}

}  // namespace tenfold::cli
