// What the contract's test cases share: going through all tools and subcommands, and saying which one failed.
#pragma once

#include <doctest/doctest.h>

#include <string>

#include "cli/contract_tools.h"
#include "cli/schema_check.h"
#include "cli/scratch.h"

namespace tenfold::test {

// "hmc-marg sample: " in front of every failure.
inline std::string place(const ContractTool& tool, const ContractSubcommand& subcommand) {
  return tool.name + " " + subcommand.name();
}

template <class Check>  // (tool, subcommand)
void for_each_subcommand(const Check& check) {
  for (const ContractTool& tool : contract_tools())
    for (const ContractSubcommand& subcommand : tool.subcommands) check(tool, subcommand);
}

inline std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : " ") + word;
  return out;
}

// The command ended with this code, standard output is empty, and standard error holds exactly one error line, in the form
// `tool: error: ...`, with nothing of an exception or a stack trace. Other lines may be the tool's own notes.
void check_error(const std::string& where, const ContractTool& tool, const Outcome& outcome, int exit_code);

// Exit 0 (or 1: a check that does not hold) and standard output as --describe declares it: one document that the schema accepts,
// or a product.
void check_result(const std::string& where, const ContractTool& tool, const ContractSubcommand& subcommand,
                  const Outcome& outcome);

}  // namespace tenfold::test
