#include "cli/tool.h"

#include <cxxabi.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <new>
#include <nlohmann/json.hpp>
#include <system_error>
#include <typeinfo>

#include "base/error.h"
#include "base/log.h"
#include "base/suggest.h"
#include "cli/help.h"
#include "cli/invocation.h"
#include "cli/standard_output.h"

namespace tenfold::cli {
namespace {

std::string program_help(const Tool& tool) { return "`" + tool.name + " --help` lists them"; }

[[noreturn]] void refuse_first_word(const Tool& tool, const std::string& word) {
  const bool option = word.starts_with("-");
  std::vector<std::string> known = {"--help", "--version", "--describe", "--completion"};
  if (!option) {
    known.clear();
    for (const Subcommand& subcommand : tool.subcommands) known.push_back(subcommand.name);
  }
  const std::string near = nearest(word, known);
  usage_error("unknown " + std::string(option ? "option " : "subcommand ") + word +
              (near.empty() ? "; " + program_help(tool) : "; did you mean " + near + "?"));
}

void print_completion(const Tool& tool, const std::vector<std::string>& words) {
  if (words.size() != 2 || words[1] != "bash") usage_error("--completion: needs the shell's name; give bash");
  write_standard_output(bash_completion(tool));
}

// The subcommand that the words begin with, two words before one; null if none.
const Subcommand* find_subcommand(const Tool& tool, const std::vector<std::string>& words) {
  for (const std::size_t length : {std::size_t{2}, std::size_t{1}}) {
    if (words.size() < length) continue;
    const std::string name = length == 2 ? words[0] + " " + words[1] : words[0];
    for (const Subcommand& subcommand : tool.subcommands)
      if (subcommand.name == name) return &subcommand;
  }
  return nullptr;
}

int dispatch(const Tool& tool, const std::vector<std::string>& words) {
  if (words.empty()) usage_error("a subcommand is missing; " + program_help(tool));
  const std::string& first = words[0];
  if (first == "--help" || first == "-h" || first == "help")
    write_standard_output(tool_help(tool));
  else if (first == "--version")
    write_standard_output(version_text(tool));
  else if (first == "--describe")
    write_standard_output(data::dump_json(describe_tool(tool), 2) + "\n");
  else if (first == "--completion")
    print_completion(tool, words);
  else if (const Subcommand* subcommand = find_subcommand(tool, words))
    return invoke(tool, *subcommand, words);
  else
    refuse_first_word(tool, first);
  return 0;
}

// The type of an exception that no one here threw, for the one line about it; its own text is not for users.
std::string type_in_flight() {
  const std::type_info* type = abi::__cxa_current_exception_type();
  if (!type) return "unknown";
  int status = 0;
  char* demangled = abi::__cxa_demangle(type->name(), nullptr, nullptr, &status);
  const std::string name = demangled ? demangled : type->name();
  std::free(demangled);
  return name;
}

}  // namespace

int tool_main(int argc, char** argv, const Tool& tool) {
  guard_standard_streams();
  const Log log(tool.name);
  try {
    return dispatch(tool, std::vector<std::string>(argv + std::min(argc, 1), argv + argc));
  } catch (const Error& error) {
    log.error(error.message());
    return static_cast<int>(error.exit_code());
  } catch (const std::bad_alloc&) {
    log.error("out of memory; a machine with more of it, or a smaller input, would do");
  } catch (const std::filesystem::filesystem_error& error) {
    log.error(error.path1().string() + ": " + error.code().message());
  } catch (const std::system_error& error) {
    log.error("the system refused: " + error.code().message());
  } catch (...) {
    log.error("a fault of this program (" + type_in_flight() + "); please report it with the command line");
  }
  return static_cast<int>(ExitCode::machine);
}

}  // namespace tenfold::cli
