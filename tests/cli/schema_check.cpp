#include "cli/schema_check.h"

#include <nlohmann/json.hpp>
#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validation_results.hpp>
#include <valijson/validator.hpp>

#include "cli/scratch.h"

namespace tenfold::test {

std::string schema_violations(const std::string& schema_file, const std::string& document) {
  using valijson::adapters::NlohmannJsonAdapter;
  const std::string text = slurp(schema_file);
  if (text.empty()) return schema_file + ": no such schema";
  const nlohmann::json schema_json = nlohmann::json::parse(text, nullptr, false);
  if (schema_json.is_discarded()) return schema_file + ": not JSON";
  const nlohmann::json value = nlohmann::json::parse(document, nullptr, false);
  if (value.is_discarded()) return "not one JSON document";
  valijson::Schema schema;
  try {
    valijson::SchemaParser(valijson::SchemaParser::kDraft7).populateSchema(NlohmannJsonAdapter(schema_json), schema);
  } catch (const std::exception& error) {
    return schema_file + ": " + error.what();
  }
  valijson::ValidationResults results;
  std::string violations;
  if (valijson::Validator(valijson::Validator::kStrongTypes).validate(schema, NlohmannJsonAdapter(value), &results))
    return violations;
  for (valijson::ValidationResults::Error error; results.popError(error);) {
    for (const std::string& part : error.context) violations += part;
    violations += ": " + error.description + "\n";
  }
  return violations.empty() ? "does not fit" : violations;
}

}  // namespace tenfold::test
