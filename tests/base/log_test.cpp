// Lines on standard error: what they quote is made printable.
#include "base/log.h"

#include <doctest/doctest.h>

using namespace tenfold;

TEST_CASE("what a message quotes does not steer the terminal") {
  CHECK(printable("caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80\ttab") == "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80\ttab");
  CHECK(printable("\x1b[31mred\x07") == "\\x1b[31mred\\x07");
  CHECK(printable(std::string_view("a\0b\x7f", 4)) == "a\\x00b\\x7f");
  CHECK(printable("\xff\xc3(\xe2\x82") == "\\xff\\xc3(\\xe2\\x82");  // no UTF-8
  CHECK(printable("\xc2\x9b"
                  "1m") ==
        "\\xc2\\x9b"
        "1m");            // one character that begins a control sequence
}
