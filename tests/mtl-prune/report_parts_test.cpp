// Charts of reports: what tells them apart, and labels that fit below bars.
#include "mtl-prune/report_parts.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

using namespace tenfold;
using namespace tenfold::mtl_prune;

TEST_CASE("bars of sets go by the set's number, which the table explains; a chart of one criterion names it") {
  const Json sets = Json::array({{{"id", 4},
                                  {"producers", {"blocks.3.0.shortcut.conv1.weight"}},
                                  {"size", 8},
                                  {"kept", 3},
                                  {"trunk", true},
                                  {"locked", false}}});
  const report::Chart chart = widths_chart(sets);
  for (const Json& row : chart.vega_lite["data"]["values"]) CHECK(row["label"] == "4");
  const report::Table table = widths_table(sets);
  CHECK(table.rows[0][0] == "4");
  CHECK(table.rows[0][1] == "blocks.3.0.shortcut.conv1.weight");

  const report::Chart of_one = widths_chart(sets, "taylor");
  CHECK(of_one.title.find("taylor") != std::string::npos);
  CHECK(of_one.vega_lite["title"].dump().find("taylor") != std::string::npos);  // what is drawn, not only what is listed
  CHECK(of_one.name != chart.name);

  const Json conflict = Json::array(
      {{{"set", 4}, {"producer", "blocks.3.0.shortcut.conv1.weight"}, {"tasks", {"seg", "depth"}}, {"mean_cosine", -0.25}}});
  const std::vector<report::Chart> atlas = conflict_chart(conflict);
  REQUIRE(atlas.size() == 1);
  CHECK(atlas[0].vega_lite["data"]["values"][0]["label"] == "4");
  CHECK(atlas[0].vega_lite["data"]["values"][0]["series"] == "seg and depth");
}
