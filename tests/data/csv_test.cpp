// CSV of doubles: shortest round trips, comments, faults with their lines.
#include "data/csv.h"

#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <string>

#include "base/error.h"
#include "base/files.h"
#include "base/philox.h"
#include "base/temporary_folder.h"
#include "data/number.h"

using namespace tenfold;
using namespace tenfold::data;

namespace {

std::string error_of(std::string_view text) {
  try {
    parse_csv(text, "f.csv");
  } catch (const Error& error) {
    CHECK(error.exit_code() == ExitCode::input);
    return error.what();
  }
  return "no error";
}

std::string row_text(std::vector<double> values) {
  std::string out;
  append_csv_row(out, values);
  return out;
}

}  // namespace

TEST_CASE("numbers are the shortest text that reads back") {
  const double infinity = std::numeric_limits<double>::infinity();
  CHECK(row_text({0.1, -0.0, 0, 1, -42, 99999, 100000, 1e300, 5e-324, infinity, -infinity, std::nan("")}) ==
        "0.1,-0,0,1,-42,99999,1e+05,1e+300,5e-324,inf,-inf,nan\n");
  CHECK(row_text({-std::nan("")}) == "nan\n");
  CHECK(row_text({}) == "\n");
}

TEST_CASE("small integers look as std::to_chars writes any double") {
  for (int i = -120000; i <= 120000; i += 1) {
    const std::string text = row_text({static_cast<double>(i)});
    REQUIRE(text == number_text(i) + "\n");
  }
}

TEST_CASE("random bits survive writing and reading") {
  PhiloxStream stream(1, "csv round trip");
  std::vector<double> values;
  while (values.size() < 20000) {
    const double value = std::bit_cast<double>(stream.next_u64());
    if (!std::isnan(value)) values.push_back(value);
  }
  std::string text = "a,b,c,d\n";
  for (std::size_t i = 0; i < values.size(); i += 4) append_csv_row(text, std::span(values).subspan(i, 4));
  const CsvTable table = parse_csv(text, "f.csv");
  CHECK(table.rows == 5000);
  CHECK(table.values == values);
}

TEST_CASE("comments are kept with their place, before, within and after the rows") {
  const CsvTable table =
      parse_csv("# model = x\n#   nested = 1\nlp__,theta.1\n# Adaptation terminated\n1,2\n\n#\n3,4\r\n# end", "f.csv");
  CHECK(table.names == std::vector<std::string>{"lp__", "theta.1"});
  CHECK(table.header_line == 3);
  CHECK(table.values == std::vector<double>{1, 2, 3, 4});
  CHECK(table.at(1, 0) == 3);
  CHECK(table.column(1) == std::vector<double>{2, 4});
  CHECK(table.find("theta.1") == 1u);
  CHECK_FALSE(table.find("theta").has_value());
  REQUIRE(table.comments.size() == 5);
  CHECK(table.comments[0].text == "model = x");
  CHECK(table.comments[1].text == "  nested = 1");
  CHECK(table.comments[2].line == 4);
  CHECK(table.comments[2].rows_before == 0);
  CHECK(table.comments[3].text.empty());
  CHECK(table.comments[3].rows_before == 1);
  CHECK(table.comments[4].text == "end");
  CHECK(table.comments[4].rows_before == 2);
}

TEST_CASE("quotes, spaces, signs and the spellings of nan and infinity are read") {
  const CsvTable table = parse_csv("\"a\",\"b,\"\"c\", d \n\"1\", 2 ,+3\nNaN,nan,-nan\nInf,-inf,+Infinity\n", "f.csv");
  CHECK(table.names == std::vector<std::string>{"a", "b,\"c", "d"});
  CHECK(table.at(0, 0) == 1);
  CHECK(table.at(0, 1) == 2);
  CHECK(table.at(0, 2) == 3);
  for (std::size_t column = 0; column < 3; ++column) CHECK(std::isnan(table.at(1, column)));
  CHECK(table.at(2, 0) == std::numeric_limits<double>::infinity());
  CHECK(table.at(2, 1) == -std::numeric_limits<double>::infinity());
  CHECK(table.at(2, 2) == std::numeric_limits<double>::infinity());
}

TEST_CASE("faults are told with their line") {
  CHECK(error_of("") == "f.csv:1: no header line; the first line that is no comment names the columns");
  CHECK(error_of("# only\n# comments\n").starts_with("f.csv:2: no header line"));
  CHECK(error_of("a,b\n1,2\n1\n").starts_with("f.csv:3: a row of 1 values under 2 names"));
  CHECK(error_of("a,b\n1").find("cut off") != std::string::npos);
  CHECK(error_of("a,b\n1,2,3\n").starts_with("f.csv:2: a row of 3 values under 2 names"));
  CHECK(error_of("a,b\n#\n1,x\n") == "f.csv:3: 'x' in column 'b' is no number");
  CHECK(error_of("a,b\n1,\n").starts_with("f.csv:2: '' in column 'b'"));
  CHECK(error_of("a,b\n1,2 3\n").starts_with("f.csv:2: '2 3'"));
  CHECK(error_of("a\n0x1\n").starts_with("f.csv:2: '0x1'"));
  CHECK(error_of("a\n+-1\n").starts_with("f.csv:2: '+-1'"));
  CHECK(error_of("a\n1\x01\n") == "f.csv:2: '1?' in column 'a' is no number");
  CHECK(error_of("a,b,a\n").starts_with("f.csv:1: two columns are named 'a'"));
  CHECK(error_of("\"a\n").starts_with("f.csv:1: a quote"));
}

TEST_CASE("numbers beyond the doubles' range become infinity and zero, as strtod has it") {
  CHECK(std::isinf(parse_number("1e999").value()));
  CHECK(parse_number("-1e999").value() < 0);
  CHECK(parse_number("1e-999").value() == 0);
  CHECK_FALSE(parse_number("").has_value());
  CHECK_FALSE(parse_number("+").has_value());
  CHECK_FALSE(parse_number("1.0 ").has_value());
}

TEST_CASE("text cells are quoted where they must be") {
  std::string out;
  for (const char* cell : {"plain", "a,b", "say \"x\"", "two\nlines", "#no comment"}) {
    append_csv_cell(out, cell);
    out += '|';
  }
  CHECK(out == "plain|\"a,b\"|\"say \"\"x\"\"\"|\"two\nlines\"|\"#no comment\"|");
}

TEST_CASE("a writer's file is what it was told, and resuming cuts it back") {
  const TemporaryFolder folder;
  const std::vector<std::string> names = {"x", "y"};
  const std::vector<double> first = {1, 2}, second = {3, 4.5}, third = {5, 6};
  std::uint64_t checkpoint = 0;
  {
    CsvWriter writer(folder / "chain.csv");
    writer.comment("model = m\n  seed = 1");
    writer.header(names);
    writer.row(first);
    writer.sync();
    checkpoint = writer.bytes();
    writer.row(second);
    writer.close();
  }
  CHECK(read_file(folder / "chain.csv") == "# model = m\n#   seed = 1\nx,y\n1,2\n3,4.5\n");
  {
    CsvWriter writer = CsvWriter::resume(folder / "chain.csv", checkpoint);
    writer.row(third);
    CHECK(writer.bytes() == checkpoint + 4);
  }
  CHECK(read_file(folder / "chain.csv") == "# model = m\n#   seed = 1\nx,y\n1,2\n5,6\n");
  CHECK(read_csv(folder / "chain.csv").values == std::vector<double>{1, 2, 5, 6});
  CHECK_THROWS_AS(CsvWriter::resume(folder / "chain.csv", 10000), Error);
  CHECK_THROWS_AS(CsvWriter::resume(folder / "missing.csv", 0), Error);
  CHECK_THROWS_AS(CsvWriter(folder / "no/such.csv"), Error);
  CHECK_THROWS_AS(read_csv(folder / "missing.csv"), Error);
  CHECK_THROWS_AS(read_csv(folder.path()), Error);
}

TEST_CASE("a writer's buffer loses nothing over many rows") {
  const TemporaryFolder folder;
  const std::vector<std::string> names = {"i", "half"};
  CsvWriter writer(folder / "x.csv");
  writer.header(names);
  for (int i = 0; i < 30000; ++i) writer.row(std::vector<double>{static_cast<double>(i), i / 2.0});
  writer.close();
  const CsvTable table = read_csv(folder / "x.csv");
  REQUIRE(table.rows == 30000);
  for (std::size_t i = 0; i < table.rows; ++i) REQUIRE(table.at(i, 1) == static_cast<double>(i) / 2);
}
