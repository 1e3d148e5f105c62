// A temporary folder that looks like the repository's root: everything in it is a link to the real thing, so that the examples
// of the help run there and what they write stays there.
#pragma once

#include <filesystem>
#include <map>
#include <string>

namespace tenfold::test {

class Scratch {
 public:
  Scratch();
  ~Scratch();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::string file(const std::string& name, const std::string& bytes) const;  // writes it; its full path
  std::string fresh(const std::string& stem);                                 // a path where nothing is yet

 private:
  std::filesystem::path path_;
  int next_ = 0;
};

std::string slurp(const std::filesystem::path& path);

// Every regular file below root, by its path relative to it.
std::map<std::string, std::string> tree(const std::filesystem::path& root);

}  // namespace tenfold::test
