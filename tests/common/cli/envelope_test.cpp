// The result document.
#include "cli/envelope.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

namespace tenfold::cli {
namespace {

TEST_CASE("NaN and infinity become null, and one warning says where") {
  const double infinity = std::numeric_limits<double>::infinity();
  const Json result = {{"a", 1.5}, {"rows", Json::array({Json{{"x", std::nan("")}}, Json{{"x", 2}}, Json{{"x", -infinity}}})}};
  const Json envelope = make_envelope(
      {.schema = "tenfold.t.s/1", .argv = {"t", "s"}, .seed = 7, .threads = 1, .started_at = "", .elapsed_s = 0, .cpu_s = 0},
      Json::object(), result, {"first"});
  CHECK(envelope["result"].dump() == R"({"a":1.5,"rows":[{"x":null},{"x":2},{"x":null}]})");
  CHECK(envelope["warnings"] ==
        Json::array({"first", "2 values of the result are not finite and null here: /rows/0/x, /rows/2/x"}));
  CHECK(envelope["seed"] == 7);
  CHECK(envelope["host"]["gpu"].is_null());
}

TEST_CASE("without randomness there is no seed") {
  CHECK(make_envelope({.schema = "", .argv = {}, .seed = {}, .started_at = ""}, Json::object(), 1, {})["seed"].is_null());
}

}  // namespace
}  // namespace tenfold::cli
