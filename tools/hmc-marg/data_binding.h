// Data variables read from CmdStan JSON and checked against their declarations, and transformed data computed from them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "data/json_reader.h"
#include "hmc-marg/evaluate.h"
#include "hmc-marg/interpret.h"

namespace tenfold::hmc_marg {

struct BoundData {
  CallTable calls;
  std::vector<Value> values;  // by slot of the program's frame; a default Value where the slot holds no data
  std::vector<char> is_set;
  EvaluationLimits limits;
};

// Lets the cells of data and transformed data read from `data`, which must outlive the interpreter.
void lend_data(Interpreter& interpreter, const BoundData& data);

// Nested JSON lists (a matrix: a list of rows) in value.h's layout. `where` heads the message ("program.stan:3:8: `y`").
// Throws Error(input): wrong shape, no number, fraction for an integer, NaN.
Value value_from_json(const data::JsonValue& json, const std::string& file, const Type& type, const std::vector<int>& dims,
                      const std::string& where);

// What violates the declared bounds or constraint, or nullopt. Bounds are evaluated anew.
std::optional<std::string> declaration_fault(Interpreter& interpreter, const Declaration& declaration, const Value& value);

std::string element_text(const Value& value, std::size_t place);  // "element [2, 3] ", "" for a scalar

}  // namespace tenfold::hmc_marg
