// A small fuzzer for builds without libFuzzer: mutates seed files, always the same way, and hands each to the target.
//   fuzz-json MUTATIONS_PER_SEED SEED_FOLDER
// A crash or an input that takes 20 s ends the program with a signal, after the input was left in ./fuzz-crash.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "base/philox.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

std::string current_input;

void leave_input(int signal) {
  const int file = ::open("fuzz-crash", O_CREAT | O_TRUNC | O_WRONLY, 0644);
  if (file >= 0 && ::write(file, current_input.data(), current_input.size()) < 0) std::fputs("fuzz-crash not written\n", stderr);
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

std::vector<std::string> read_seeds(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> paths(std::filesystem::directory_iterator(folder), {});
  std::sort(paths.begin(), paths.end());
  std::vector<std::string> seeds;
  for (const auto& path : paths) {
    std::ifstream file(path, std::ios::binary);
    seeds.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  return seeds;
}

// One of the changes that break parsers: a byte, a stretch doubled, dropped or moved, the end cut, a piece of another seed.
void mutate(std::string& text, const std::vector<std::string>& seeds, tenfold::PhiloxStream& random) {
  const auto below = [&](std::size_t n) { return n == 0 ? 0 : random.next_u32() % n; };
  const std::size_t at = below(text.size() + 1);
  const std::size_t length = std::min(text.size() - at, below(20) + 1);
  switch (below(7)) {
    case 0: text.insert(at, 1, static_cast<char>(below(256))); break;
    case 1: text.replace(at, length, 1, static_cast<char>(below(128))); break;
    case 2: text.erase(at, length); break;
    case 3: text.insert(below(text.size() + 1), text.substr(at, length)); break;
    case 4: text.resize(at); break;
    case 5: {
      const std::string& other = seeds[below(seeds.size())];
      text.insert(at, other, below(other.size() + 1), below(40));
      break;
    }
    default:
      if (at < text.size()) text[at] = static_cast<char>(text[at] ^ (1u << below(8)));
  }
}

void run(const std::string& input) {
  current_input = input;
  ::alarm(20);
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(current_input.data()), current_input.size());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("usage: fuzz-X MUTATIONS_PER_SEED SEED_FOLDER\n", stderr);
    return 2;
  }
  for (const int signal : {SIGSEGV, SIGABRT, SIGFPE, SIGBUS, SIGILL, SIGALRM}) std::signal(signal, leave_input);
  const std::vector<std::string> seeds = read_seeds(argv[2]);
  const int mutations = std::atoi(argv[1]);
  for (std::size_t s = 0; s < seeds.size(); ++s) {
    run(seeds[s]);
    for (int m = 0; m < mutations; ++m) {
      tenfold::PhiloxStream random(1, "fuzz", static_cast<std::uint32_t>(s), static_cast<std::uint32_t>(m));
      std::string text = seeds[s];
      for (std::uint32_t changes = 1 + random.next_u32() % 4; changes > 0; --changes) mutate(text, seeds, random);
      run(text);
    }
  }
  std::printf("%zu seeds, %d mutations of each\n", seeds.size(), mutations);
  return seeds.empty() ? 1 : 0;
}
