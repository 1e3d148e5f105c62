#include "cli/contract.h"

#include <sstream>

namespace tenfold::test {
namespace {

bool looks_like_internals(const std::string& text) {
  for (const char* mark : {"terminate called", "what():", "std::", "Traceback", "core dumped", "AddressSanitizer",
                           "runtime error:", "[json.exception"})
    if (text.find(mark) != std::string::npos) return true;
  return false;
}

}  // namespace

void check_error(const std::string& where, const ContractTool& tool, const Outcome& outcome, int exit_code) {
  CHECK_MESSAGE(outcome.exit_code == exit_code, where << ": exit code " << outcome.exit_code << " (signal " << outcome.signal
                                                      << ") instead of " << exit_code << "; it said: " << outcome.err);
  CHECK_MESSAGE(outcome.out.empty(), where << ": an error with something on standard output: " << outcome.out.substr(0, 200));
  const std::string prefix = tool.name + ": error: ";
  int errors = 0;
  std::istringstream lines(outcome.err);
  for (std::string line; std::getline(lines, line);) {
    errors += line.starts_with(prefix) ? 1 : 0;
    CHECK_MESSAGE(line.starts_with(tool.name + ": "), where << ": a line on standard error that is not the tool's: " << line);
  }
  CHECK_MESSAGE(errors == 1, where << ": " << errors << " error lines instead of one: " << outcome.err);
  CHECK_MESSAGE(!looks_like_internals(outcome.err), where << ": an exception's own text: " << outcome.err);
}

void check_result(const std::string& where, const ContractTool& tool, const ContractSubcommand& subcommand,
                  const Outcome& outcome) {
  CHECK_MESSAGE((outcome.exit_code == 0 || outcome.exit_code == 1),
                where << ": exit code " << outcome.exit_code << "; it said: " << outcome.err);
  CHECK_MESSAGE(!outcome.out.empty(), where << ": nothing on standard output");
  if (outcome.out.empty()) return;
  const Json document = Json::parse(outcome.out, nullptr, false);
  const bool envelope = document.is_object() && document.contains("schema") && document.contains("result");
  if (subcommand.product()) {
    CHECK_MESSAGE(!envelope, where << ": declared as a product, but printed an envelope");
    return;
  }
  CHECK_MESSAGE(envelope, where << ": standard output is not one result document: " << outcome.out.substr(0, 200));
  if (!envelope) return;
  CHECK_MESSAGE(document["schema"] == subcommand.table["schema"],
                where << ": schema " << document["schema"] << ", described as " << subcommand.table["schema"]);
  const std::string schema = tool.schema_folder + "/" + subcommand.table["schema_file"].get<std::string>();
  const std::string violations = schema_violations(schema, outcome.out);
  CHECK_MESSAGE(violations.empty(), where << ": " << schema << ": " << violations);
}

}  // namespace tenfold::test
