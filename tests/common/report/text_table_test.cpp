// Tables as text: alignment, widths of characters beyond ASCII.
#include "report/text_table.h"

#include <doctest/doctest.h>

namespace tenfold::report {

TEST_CASE("words stand left, numbers right, and a line ends where its text does") {
  Table table;
  table.columns = {"name", "kind", "mean"};
  table.rows = {{"mu", "sampled", "1.5"}, {"theta.10", "", "-12.25"}};
  CHECK(table_text(table, 2) ==
        "name      kind       mean\n"
        "mu        sampled     1.5\n"
        "theta.10           -12.25\n");
  CHECK(table_text(table, 3) ==
        "name      kind     mean\n"
        "mu        sampled  1.5\n"
        "theta.10           -12.25\n");
}

TEST_CASE("a character of several bytes is one wide") {
  Table table;
  table.columns = {"", "x"};
  table.rows = {{"\xCE\xB8", "1"}, {"ab", "2"}};  // Greek theta
  CHECK(table_text(table, 1) == "    x\n\xCE\xB8   1\nab  2\n");
}

}  // namespace tenfold::report
