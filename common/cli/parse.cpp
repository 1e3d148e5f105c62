#include "cli/parse.h"

#include <CLI/CLI.hpp>
#include <algorithm>

#include "base/error.h"
#include "base/suggest.h"

namespace tenfold::cli {
namespace {

struct Declared {
  OptionSpec* spec;
  CLI::Option* option;
};

std::vector<Declared> declare(CLI::App& app, const std::vector<OptionTable*>& tables) {
  std::vector<Declared> declared;
  for (OptionTable* table : tables) {
    for (OptionSpec& spec : table->specs()) {
      if (spec.input) {
        CLI::Option* option = app.add_option(spec.value_name);
        option->type_name("TEXT")->expected(1, spec.many ? CLI::detail::expected_max_vector_size : 1);
        option->allow_extra_args(spec.many)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
        declared.push_back({&spec, option});
        continue;
      }
      const std::string name = (spec.short_name.empty() ? "" : "-" + spec.short_name + ",") + "--" + spec.name;
      CLI::Option* option = spec.kind == OptionKind::flag ? app.add_flag(name) : app.add_option(name);
      if (spec.kind != OptionKind::flag) option->type_name("TEXT")->expected(1)->allow_extra_args(false);
      option->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
      declared.push_back({&spec, option});
    }
  }
  return declared;
}

[[noreturn]] void refuse_unknown(const std::string& typed, const std::vector<Declared>& declared, const std::string& usage) {
  const std::string name = typed.substr(0, typed.find('='));
  std::vector<std::string> known;
  for (const Declared& d : declared)
    if (!d.spec->input) known.push_back("--" + d.spec->name);
  const std::string bare = name.substr(std::min(name.find_first_not_of('-'), name.size()));
  const std::string near = bare.size() < 2 ? "" : nearest("--" + bare, known);
  usage_error("unknown option " + name + (near.empty() ? "; " + usage + " lists them" : "; did you mean " + near + "?"));
}

}  // namespace

std::vector<TypedOption> parse_arguments(const std::vector<std::string>& arguments, const std::vector<OptionTable*>& tables,
                                         const std::string& usage) {
  CLI::App app;
  app.set_help_flag("");
  app.allow_extras();
  const std::vector<Declared> declared = declare(app, tables);
  try {
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::ArgumentMismatch& mismatch) {
    // CLI11 begins its text with the option's names; the rest is not ours to show.
    const std::string text = mismatch.what();
    for (const Declared& d : declared)
      if (!d.spec->input && text.find("--" + d.spec->name) != std::string::npos)
        usage_error("--" + d.spec->name + ": needs a value; give " + expected_text(*d.spec));
    usage_error("an option lacks its value; see " + usage);
  } catch (const CLI::ParseError&) {
    usage_error("the command line does not parse; see " + usage);
  }
  // What follows `--` are inputs, whatever they begin with; CLI11 leaves the mark itself among what is over.
  std::vector<std::string> extras = app.remaining();
  const auto mark = std::find(extras.begin(), extras.end(), "--");
  for (auto extra = extras.begin(); extra != mark; ++extra)
    if (extra->size() > 1 && (*extra)[0] == '-') refuse_unknown(*extra, declared, usage);
  if (mark != extras.end()) extras.erase(mark);
  if (!extras.empty()) usage_error("\"" + extras[0] + "\" is one input too many; see " + usage);

  std::vector<TypedOption> typed;
  for (const Declared& d : declared)
    if (d.option->count() > 0) typed.push_back({d.spec, d.option->results()});
  return typed;
}

}  // namespace tenfold::cli
