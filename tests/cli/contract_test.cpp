// The contract: what conventions every tool keeps on the command line, checked on the programs themselves. A new tool is held to
// it by being in bin/. contract_runs_test.cpp has the part about run directories, interruption and files.
#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <filesystem>

#include "cli/contract.h"

namespace tenfold::test {
namespace {

// A name mistyped: its middle letter is missing, so that the name itself is the nearest.
std::string mistyped(std::string name) {
  name.erase(name.size() / 2, 1);
  return name;
}

bool is_option(const ContractSubcommand& subcommand, const std::string& name) { return subcommand.option(name) != nullptr; }

// Names of at least four letters that stay unknown when mistyped.
std::vector<std::string> mistypable(const ContractSubcommand& subcommand) {
  std::vector<std::string> names;
  for (const Json& option : subcommand.table["options"]) {
    const std::string name = option["name"].get<std::string>();
    if (name.size() >= 4 && !is_option(subcommand, mistyped(name))) names.push_back(name);
  }
  return names;
}

// The page's text with roff's escapes taken out: "\-\-seed" is --seed.
std::string plain_page(const std::string& page) {
  std::string out;
  for (std::size_t i = 0; i < page.size(); ++i)
    if (page[i] != '\\' || i + 1 == page.size() || page[i + 1] != '-') out += page[i];
  return out;
}

bool names_option(const std::string& page, const std::string& name) {
  const std::string option = "--" + name;
  for (std::size_t at = page.find(option); at != std::string::npos; at = page.find(option, at + 1)) {
    const char after = at + option.size() < page.size() ? page[at + option.size()] : ' ';
    if (!std::isalnum(static_cast<unsigned char>(after)) && after != '-') return true;
  }
  return false;
}

std::string examples_block(const Json& examples) {
  std::string out = "\nexamples:\n";
  for (const Json& example : examples) out += "  " + example.get<std::string>() + "\n";
  return out;
}

bool has_torch_part(const ContractTool& tool) {
  const std::filesystem::path folder = std::filesystem::path(tool.program).parent_path().parent_path() / "lib" / "tenfold";
  return std::filesystem::exists(folder / (tool.name + "-torch.so"));
}

TEST_CASE("contract: there are tools") { CHECK(!contract_tools().empty()); }

TEST_CASE("contract: help ends with the examples") {
  for (const ContractTool& tool : contract_tools()) {
    const Outcome outcome = run({tool.program, "--help"});
    CHECK_MESSAGE(outcome.exit_code == 0, tool.name << " --help: exit code " << outcome.exit_code);
    CHECK_MESSAGE(outcome.err.empty(), tool.name << " --help: writes on standard error: " << outcome.err);
    CHECK_MESSAGE(outcome.out.find("\nexamples:\n  " + tool.name) != std::string::npos, tool.name << " --help: no examples");
    for (const ContractSubcommand& subcommand : tool.subcommands)
      CHECK_MESSAGE(outcome.out.find("\n  " + subcommand.name() + " ") != std::string::npos,
                    tool.name << " --help: does not name " << subcommand.name());
  }
  for_each_subcommand([](const ContractTool& tool, const ContractSubcommand& subcommand) {
    const std::string where = place(tool, subcommand) + " --help";
    const Outcome outcome = run(Command{.inputs = {}, .options = {{"help", ""}}}.arguments(tool, subcommand));
    const Json& examples = subcommand.table["examples"];
    CHECK_MESSAGE(outcome.exit_code == 0, where << ": exit code " << outcome.exit_code << "; it said: " << outcome.err);
    CHECK_MESSAGE(!examples.empty(), where << ": no examples");
    CHECK_MESSAGE(outcome.out.ends_with(examples_block(examples)), where << ": does not end with its examples");
    for (const Json& option : subcommand.table["options"])
      CHECK_MESSAGE(names_option(outcome.out, option["name"].get<std::string>()),
                    where << ": does not name --" << option["name"]);
  });
}

TEST_CASE("contract: the examples run, and print what the schema accepts") {
  for_each_subcommand([](const ContractTool& tool, const ContractSubcommand& subcommand) {
    if (subcommand.is_demo()) return;
    for (const Json& entry : subcommand.table["examples"]) {
      const std::string example = entry.get<std::string>();
      const Scratch scratch;
      const std::string folder = tool.program.substr(0, tool.program.rfind('/'));
      const Outcome outcome =
          run({"bash", "-c", "set -o pipefail; " + example},
              {.directory = scratch.path().string(), .variables = {{"PATH", folder + ":" + getenv("PATH")}}, .input = ""});
      // A build without LibTorch has no LibTorch parts; then the example's error must say so.
      if (outcome.exit_code == 2 && outcome.err.find("the LibTorch part of") != std::string::npos && !has_torch_part(tool))
        continue;
      const bool own_output = is_plain(example) && example.find("--format human") == std::string::npos;
      const bool product_to_file =
          subcommand.product() && (example.find(" -o") != std::string::npos || example.find(" --out") != std::string::npos);
      if (own_output && !product_to_file)
        check_result("`" + example + "`", tool, subcommand, outcome);
      else
        CHECK_MESSAGE(outcome.exit_code == 0,
                      "`" << example << "`: exit code " << outcome.exit_code << "; it said: " << outcome.err);
    }
  });
}

TEST_CASE("contract: the man page names every subcommand, input and option") {
  for (const ContractTool& tool : contract_tools()) {
    const std::string page = plain_page(slurp(tool.man_page));
    CHECK_MESSAGE(!page.empty(), tool.name << ": no man page " << tool.man_page);
    for (const ContractSubcommand& subcommand : tool.subcommands) {
      CHECK_MESSAGE(page.find(subcommand.name()) != std::string::npos, tool.man_page << ": does not name " << subcommand.name());
      for (const Json& input : subcommand.table["inputs"])
        CHECK_MESSAGE(page.find(input["value"].get<std::string>()) != std::string::npos,
                      tool.man_page << ": does not name " << input["value"]);
      for (const Json& option : subcommand.table["options"])
        CHECK_MESSAGE(names_option(page, option["name"].get<std::string>()),
                      tool.man_page << ": does not name --" << option["name"].get<std::string>() << " of " << subcommand.name());
    }
  }
}

TEST_CASE("contract: --version names git and LibTorch, and completion is a script that bash takes") {
  for (const ContractTool& tool : contract_tools()) {
    const Outcome version = run({tool.program, "--version"});
    CHECK_MESSAGE(version.exit_code == 0, tool.name << " --version: exit code " << version.exit_code);
    CHECK_MESSAGE(version.out.starts_with(tool.name + " "), tool.name << " --version: " << version.out);
    CHECK_MESSAGE(version.out.find("git ") != std::string::npos, tool.name << " --version: " << version.out);
    CHECK_MESSAGE(version.out.find("LibTorch") != std::string::npos, tool.name << " --version: " << version.out);
    const Outcome script = run({tool.program, "--completion", "bash"});
    const Outcome checked = run({"bash", "-n", "/dev/stdin"}, {.directory = "", .variables = {}, .input = script.out});
    CHECK_MESSAGE(checked.exit_code == 0, tool.name << " --completion bash: bash says: " << checked.err);
    for (const ContractSubcommand& subcommand : tool.subcommands)
      for (const Json& option : subcommand.table["options"])
        CHECK_MESSAGE(names_option(script.out, option["name"].get<std::string>()),
                      tool.name << " --completion bash: lacks --" << option["name"]);
  }
}

// What bash would offer at the end of these words.
std::string completions(const ContractTool& tool, const std::vector<std::string>& words) {
  std::string function = "_" + tool.name;
  std::replace(function.begin(), function.end(), '-', '_');
  std::string script = run({tool.program, "--completion", "bash"}).out + "COMP_WORDS=(" + tool.name;
  for (const std::string& word : words) script += " '" + word + "'";
  script += ")\nCOMP_CWORD=" + std::to_string(words.size()) + "\n" + function + "\necho \" ${COMPREPLY[*]} \"\n";
  return run({"bash", "/dev/stdin"}, {.directory = "", .variables = {}, .input = script}).out;
}

TEST_CASE("contract: completion offers subcommands, of two words the second, and each one's own options") {
  for_each_subcommand([](const ContractTool& tool, const ContractSubcommand& subcommand) {
    std::vector<std::string> words;
    for (const std::string& word : subcommand.words) {
      const std::string offered = completions(tool, [&] {
        std::vector<std::string> typed = words;
        typed.emplace_back();
        return typed;
      }());
      CHECK_MESSAGE(offered.find(" " + word + " ") != std::string::npos, place(tool, subcommand)
                                                                             << ": offered instead: " << offered);
      words.push_back(word);
    }
    words.emplace_back("--");
    const std::string offered = completions(tool, words);
    for (const Json& option : subcommand.table["options"]) {
      const std::string name = option["name"].get<std::string>();
      CHECK_MESSAGE(offered.find(" --" + name + " ") != std::string::npos, place(tool, subcommand)
                                                                               << ": --" << name << " is not offered");
    }
    const auto count = std::count(offered.begin(), offered.end(), ' ') - 1;
    CHECK_MESSAGE(count == static_cast<std::ptrdiff_t>(subcommand.table["options"].size()),
                  place(tool, subcommand) << ": offers another's options: " << offered);
  });
}

TEST_CASE("contract: --dump-config fed back gives the same") {
  for_each_subcommand([](const ContractTool& tool, const ContractSubcommand& subcommand) {
    const std::string where = place(tool, subcommand) + " --dump-config";
    const Scratch scratch;
    const Launch launch{.directory = scratch.path().string(), .variables = {}, .input = ""};
    const Outcome first = run(base_command(tool, subcommand).with("dump-config", "").arguments(tool, subcommand), launch);
    CHECK_MESSAGE(first.exit_code == 0, where << ": exit code " << first.exit_code << "; it said: " << first.err);
    const Json config = Json::parse(first.out, nullptr, false);
    CHECK_MESSAGE(config.is_object(), where << ": not a JSON object: " << first.out);
    for (const char* left_out : {"out", "resume", "force", "format", "append", "progress"})
      CHECK_MESSAGE(!config.contains(left_out), where << ": holds " << left_out);
    const std::string file = scratch.file("dumped.json", first.out);
    const Outcome second =
        run(Command{.inputs = {}, .options = {{"config", file}, {"dump-config", ""}}}.arguments(tool, subcommand), launch);
    CHECK_MESSAGE(second.out == first.out,
                  where << ": fed back it gives " << second.out << second.err << " instead of " << first.out);
  });
}

TEST_CASE("contract: an unknown subcommand, flag or key names the nearest") {
  for (const ContractTool& tool : contract_tools()) {
    for (const ContractSubcommand& subcommand : tool.subcommands) {
      if (subcommand.words.size() != 1 || subcommand.name().size() < 4) continue;
      const Outcome outcome = run({tool.program, mistyped(subcommand.name())});
      check_error(tool.name + " " + mistyped(subcommand.name()), tool, outcome, 2);
      CHECK_MESSAGE(outcome.err.find("did you mean") != std::string::npos, tool.name << ": names nothing near: " << outcome.err);
    }
    check_error(tool.name + " without a subcommand", tool, run({tool.program}), 2);
  }
  for_each_subcommand([](const ContractTool& tool, const ContractSubcommand& subcommand) {
    const Scratch scratch;
    for (const std::string& name : mistypable(subcommand)) {
      const std::string wrong = mistyped(name);
      std::vector<std::string> words = Command{}.arguments(tool, subcommand);
      words.push_back("--" + wrong);
      const Outcome flag = run(words, {.directory = scratch.path().string(), .variables = {}, .input = ""});
      check_error(place(tool, subcommand) + " --" + wrong, tool, flag, 2);
      CHECK_MESSAGE(flag.err.find("did you mean --") != std::string::npos,
                    place(tool, subcommand) << " --" << wrong << ": names nothing near: " << flag.err);
    }
    const std::vector<std::string> names = mistypable(subcommand);
    const auto key = std::find_if(names.begin(), names.end(),
                                  [&](const std::string& name) { return (*subcommand.option(name))["in_config"] == true; });
    if (key == names.end()) return;
    const std::string file = scratch.file("mistyped.json", "{\n  \"" + mistyped(*key) + "\": 1}");
    const Outcome outcome = run(Command{.inputs = {}, .options = {{"config", file}}}.arguments(tool, subcommand));
    check_error(place(tool, subcommand) + " --config with " + mistyped(*key), tool, outcome, 2);
    CHECK_MESSAGE(outcome.err.find("did you mean") != std::string::npos,
                  place(tool, subcommand) << ": an unknown key names nothing near: " << outcome.err);
    CHECK_MESSAGE(outcome.err.find(":2:3: ") != std::string::npos,
                  place(tool, subcommand) << ": an unknown key without its line and column: " << outcome.err);
  });
}

TEST_CASE("contract: a value out of its bounds, of the wrong type or not among the words is refused") {
  for_each_subcommand([](const ContractTool& tool, const ContractSubcommand& subcommand) {
    for (const Json& option : subcommand.table["options"]) {
      const std::string kind = option["kind"].get<std::string>();
      std::string wrong = "no-such-word";
      if (kind == "string" || kind == "list" || kind == "flag") continue;
      const std::string name = option["name"].get<std::string>();
      std::vector<std::string> values = {wrong};
      if (option.contains("minimum")) values.push_back(std::to_string(option["minimum"].get<double>() - 1));
      if (kind == "number" || kind == "integer") values.push_back("nan");
      for (const std::string& value : values) {
        const Outcome outcome = run(Command{.inputs = {}, .options = {{name, value}}}.arguments(tool, subcommand));
        check_error(place(tool, subcommand) + " --" + name + " " + value, tool, outcome, 2);
        CHECK_MESSAGE(outcome.err.find("--" + name) != std::string::npos, place(tool, subcommand)
                                                                              << ": does not say which option: " << outcome.err);
      }
    }
  });
}

TEST_CASE("contract: without an input that it needs, a subcommand gives an example") {
  for_each_subcommand([](const ContractTool& tool, const ContractSubcommand& subcommand) {
    const Json& inputs = subcommand.table["inputs"];
    if (inputs.empty() || inputs[0]["required"] == false) return;
    const Outcome outcome = run(Command{}.arguments(tool, subcommand));
    check_error(place(tool, subcommand), tool, outcome, 2);
    CHECK_MESSAGE(outcome.err.find("for example: " + tool.name) != std::string::npos, place(tool, subcommand)
                                                                                          << ": no example: " << outcome.err);
  });
}

TEST_CASE("contract: a closed standard output is exit 5 and one line") {
  for (const ContractTool& tool : contract_tools())
    for (const char* word : {"--describe", "--help", "--version"})
      check_error(tool.name + " " + word + " into a closed pipe", tool,
                  run({tool.program, word}, {.directory = "", .variables = {}, .input = "", .closed_output = true}), 5);
}

}  // namespace
}  // namespace tenfold::test
