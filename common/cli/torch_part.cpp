#include "cli/torch_part.h"

#include <dlfcn.h>

#include <cstdlib>
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

// LibTorch's OpenMP threads wait for their fellows at the end of every loop, by default spinning: beside other busy programs a
// thread that has lost its core makes its whole process burn and wait, and two threads take five to ten times as long as one. Who
// sleeps is woken first. That costs some microseconds a loop on an idle machine, some 5 % of an epoch on 7,650 nodes. Read when
// the library is loaded.
void sleep_at_barriers() {
  if (!std::getenv("GOMP_SPINCOUNT")) setenv("OMP_WAIT_POLICY", "passive", 0);
}

Module open_module(std::string_view tool) {
  const std::string path = module_path(tool);
  const std::string remedy = "; `scripts/build` makes it (`scripts/setup` first, where LibTorch is not set up)";
  std::error_code error;
  if (!fs::exists(path, error)) return {nullptr, path + ": the LibTorch part of " + std::string(tool) + " is not there" + remedy};
  sleep_at_barriers();
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
