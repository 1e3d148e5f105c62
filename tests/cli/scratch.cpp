#include "cli/scratch.h"

#include <stdlib.h>

#include <fstream>
#include <sstream>
#include <stdexcept>

namespace tenfold::test {
namespace fs = std::filesystem;

Scratch::Scratch() {
  std::string name = (fs::temp_directory_path() / "tenfold-contract-XXXXXX").string();
  if (!mkdtemp(name.data())) throw std::runtime_error("mkdtemp");
  path_ = name;
  for (const fs::directory_entry& entry : fs::directory_iterator(TENFOLD_SOURCE_DIR)) {
    const std::string base = entry.path().filename().string();
    if (base.starts_with('.') || base == "build") continue;
    fs::create_symlink(entry.path(), path_ / base);
  }
}

Scratch::~Scratch() {
  std::error_code error;
  fs::remove_all(path_, error);  // removes the links, not what they point to
}

std::string Scratch::file(const std::string& name, const std::string& bytes) const {
  const fs::path path = path_ / name;
  std::ofstream(path, std::ios::binary) << bytes;
  return path.string();
}

std::string Scratch::fresh(const std::string& stem) { return (path_ / (stem + "-" + std::to_string(++next_))).string(); }

std::string slurp(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

std::map<std::string, std::string> tree(const fs::path& root) {
  std::map<std::string, std::string> files;
  if (!fs::exists(root)) return files;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(root))
    if (entry.is_regular_file()) files[fs::relative(entry.path(), root).string()] = slurp(entry.path());
  return files;
}

}  // namespace tenfold::test
