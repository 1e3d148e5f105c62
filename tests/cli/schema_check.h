// Validates a document against a JSON Schema (draft 7).
#pragma once

#include <string>

namespace tenfold::test {

// What does not fit, with its place, one a line; empty when the document fits. A schema that does not read is said too.
std::string schema_violations(const std::string& schema_file, const std::string& document);

}  // namespace tenfold::test
