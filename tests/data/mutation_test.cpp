// The parsers on tens of thousands of broken texts: each gives a value or one Error input, and never a crash. The seed is
// printed; a failing text can be made again from it.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "base/error.h"
#include "base/philox.h"
#include "data/csv.h"
#include "data/json_reader.h"
#include "data/safetensors.h"

using namespace tenfold;
using namespace tenfold::data;

namespace {

constexpr std::uint64_t seed = 20240611;
constexpr int mutants = 20000;

// One to four changes: a byte replaced, dropped, doubled or put in, a stretch copied elsewhere, the end cut off.
std::string mutant(const std::string& original, PhiloxStream& random, std::string_view alphabet) {
  std::string text = original;
  for (std::uint32_t changes = 1 + random.below(4); changes > 0 && !text.empty(); --changes) {
    const std::size_t at = random.below(static_cast<std::uint32_t>(text.size()));
    const char byte = random.below(4) == 0 ? static_cast<char>(random.below(256))
                                           : alphabet[random.below(static_cast<std::uint32_t>(alphabet.size()))];
    switch (random.below(6)) {
      case 0: text[at] = byte; break;
      case 1: text.erase(at, 1 + random.below(3)); break;
      case 2: text.insert(at, 1, byte); break;
      case 3: text.insert(at, text.substr(random.below(static_cast<std::uint32_t>(text.size())), random.below(12))); break;
      case 4: text[at] = static_cast<char>(text[at] ^ (1 << random.below(8))); break;
      default:
        if (random.below(4) == 0) text.resize(at);
    }
  }
  return text;
}

// Parses many mutants; gives how many were accepted. Anything but an Error input escapes and fails the test.
template <class Parse>
int accepted(const std::vector<std::string>& originals, std::string_view alphabet, const char* purpose, Parse parse) {
  INFO("seed ", seed, ", purpose ", purpose);
  int count = 0;
  for (int i = 0; i < mutants; ++i) {
    PhiloxStream random(seed, purpose, static_cast<std::uint32_t>(i));
    const std::string text = mutant(originals[static_cast<std::size_t>(i) % originals.size()], random, alphabet);
    try {
      parse(text);
      ++count;
    } catch (const Error& error) {
      REQUIRE(error.exit_code() == ExitCode::input);
      REQUIRE(error.message().starts_with("f"));
      REQUIRE(error.message().find('\n') == std::string::npos);
    }
  }
  return count;
}

}  // namespace

TEST_CASE("mutated JSON") {
  const std::vector<std::string> originals = {
      R"({"N": 8, "y": [28, 8.5, -3e-2, NaN, -Infinity], "s": "a\u00e9\n\ud83d\ude00", "o": {"k": [[1, 2], [3, 4]], "t": true}})",
      "[[[]], {}, null, false, \"\xE2\x82\xAC\", 1E+5, 0, -0.0]\n"};
  const int count =
      accepted(originals, "{}[]\",:\\ue+-.0123456789NaInfty \n", "json", [](const std::string& text) { parse_json(text, "f"); });
  CHECK(count > mutants / 50);      // the mutants are not all hopeless,
  CHECK(count < mutants * 9 / 10);  // nor all harmless
}

TEST_CASE("mutated CSV") {
  const std::vector<std::string> originals = {"# model = x\nlp__,\"theta.1\",mu\n# Adaptation\n-1.5,2e-3,nan\n4,5,inf\n# end\n",
                                              "a\n1\n2\n3\n"};
  const int count =
      accepted(originals, "#,\"\n\r .e+-0123456789naif", "csv", [](const std::string& text) { parse_csv(text, "f"); });
  CHECK(count > mutants / 50);
  CHECK(count < mutants * 9 / 10);
}

TEST_CASE("mutated safetensors") {
  const std::vector<double> d = {1, 2, 3, 4};
  const std::vector<std::int32_t> i = {5, 6};
  const std::vector<TensorSource> tensors = {tensor_source("d", {2, 2}, d), tensor_source("i", {2}, i)};
  const std::vector<std::string> originals = {safetensors_bytes(tensors), safetensors_bytes(tensors, {{"format", "pt"}})};
  const int count = accepted(originals, "{}[]\",:0123456789FIU-", "safetensors", [](const std::string& text) {
    const Safetensors file = Safetensors::parse(std::as_bytes(std::span(text)), "f");
    double sum = 0;  // every byte that a view claims is there
    for (const TensorView& tensor : file.tensors()) {
      for (const double value : tensor.to_doubles()) sum += value;
    }
    CHECK((sum == sum || sum != sum));
  });
  CHECK(count > mutants / 200);
  CHECK(count < mutants * 9 / 10);
}
