// A table as text for a terminal: columns aligned, two blanks between them.
#pragma once

#include <cstddef>
#include <string>

#include "report/report.h"

namespace tenfold::report {

// The header and a line a row, each ended by a line feed, without trailing blanks. The first `words` columns are aligned left,
// the others, which hold numbers, right. Title and caption are left out.
std::string table_text(const Table& table, std::size_t words);

}  // namespace tenfold::report
