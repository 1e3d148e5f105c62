// Local ids by first appearance; forgetting them; the stamp's overflow.
#include "gnnbench/relabel_table.h"

#include <doctest/doctest.h>

using namespace tenfold::gnnbench;

TEST_CASE("local ids count up by first appearance and are forgotten by reset") {
  RelabelTable table(100);
  bool fresh = false;
  CHECK(table.insert(42, fresh) == 0);
  CHECK(fresh);
  CHECK(table.insert(7, fresh) == 1);
  CHECK(table.insert(42, fresh) == 0);
  CHECK(!fresh);
  CHECK(table.size() == 2);
  CHECK(table.find(7) == 1);
  CHECK(!table.find(8));
  table.reset();
  CHECK(table.size() == 0);
  CHECK(!table.find(42));
  CHECK(table.insert(7, fresh) == 0);
  CHECK(fresh);
}

TEST_CASE("when stamps run out nothing of earlier batches comes back") {
  RelabelTable table(4, 0xffffffffu - 1);
  bool fresh = false;
  table.insert(0, fresh);
  table.reset();  // the last stamp
  table.insert(1, fresh);
  table.reset();  // stamps begin anew
  for (NodeId v = 0; v < 4; ++v) CHECK(!table.find(v));
  CHECK(table.insert(3, fresh) == 0);
  CHECK(fresh);
  for (int batch = 0; batch < 3; ++batch) {
    table.reset();
    for (NodeId v = 0; v < 4; ++v) CHECK(!table.find(v));
  }
}
