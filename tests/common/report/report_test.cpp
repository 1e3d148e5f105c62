// The report: whatever text it is given stays text, and nothing is fetched.
#include "report/report.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "report/vega.h"

namespace tenfold::report {
namespace {

std::size_t occurrences(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

constexpr const char* kHostile = "</script><script>alert(1)</script><b>\"'&";

TEST_CASE("hostile text stays text, everywhere it can stand") {
  Report report{.title = kHostile,
                .asked = kHostile,
                .answer = kHostile,
                .warnings = {kHostile},
                .text = kHostile,
                .tables = {{.title = kHostile, .columns = {kHostile}, .rows = {{kHostile}}, .caption = kHostile}},
                .charts = {lines(kHostile, kHostile, {{kHostile, {1}, {1}}}, {.x = kHostile, .y = kHostile})},
                .appendix = {},
                .command = kHostile,
                .facts = {{kHostile, kHostile}}};
  const std::string html = render_html(report);
  CHECK(html.find("alert(1)</script>") == std::string::npos);
  CHECK(html.find("<b>") == std::string::npos);
  CHECK(occurrences(html, "</script>") == 4);  // three libraries and the charts
}

TEST_CASE("the embedded scripts hold nothing that ends a script element") {
  for (const std::string_view script : {vega_script(), vega_lite_script(), vega_embed_script()}) {
    CHECK(script.size() > 50000);
    CHECK(script.find("</script") == std::string_view::npos);
    CHECK(script.find("<!--") == std::string_view::npos);
  }
}

TEST_CASE("nothing is loaded from anywhere") {
  const std::string html = render_html({.title = "t",
                                        .asked = "",
                                        .answer = "",
                                        .warnings = {},
                                        .tables = {},
                                        .charts = {lines("a", "A", {{"s", {1, 2}, {1, 2}}}, {.x = "x", .y = "y"})},
                                        .appendix = {},
                                        .command = "",
                                        .facts = {}});
  CHECK(html.find("<script src") == std::string::npos);
  CHECK(html.find("<link") == std::string::npos);
  CHECK(html.find("@import") == std::string::npos);
}

TEST_CASE("without charts a report carries no scripts") {
  const std::string html = render_html({.title = "t",
                                        .asked = "",
                                        .answer = "",
                                        .warnings = {},
                                        .tables = {},
                                        .charts = {},
                                        .appendix = {},
                                        .command = "",
                                        .facts = {}});
  CHECK(html.size() < 10000);
  CHECK(html.find("<script") == std::string::npos);
}

TEST_CASE("columns of numbers are aligned right, others left") {
  const std::string html =
      render_html({.title = "t",
                   .asked = "",
                   .answer = "",
                   .warnings = {},
                   .tables = {{.title = "T", .columns = {"name", "mean"}, .rows = {{"mu", "1.5e-3"}, {"7", "-"}}}},
                   .charts = {},
                   .appendix = {},
                   .command = "",
                   .facts = {}});
  CHECK(html.find("<td>7</td><td class=\"number\">-</td>") != std::string::npos);
  CHECK(html.find("<th class=\"number\">mean</th>") != std::string::npos);
}

TEST_CASE("numbers for tables are short") {
  CHECK(number_text(0.81234999) == "0.8123");
  CHECK(number_text(1.0 / 0.0) == "-");
  CHECK(number_text(123456789, 3) == "1.23e+08");
}

}  // namespace
}  // namespace tenfold::report
