// Sample models, taken into the program by the assembler from sample_data/hmc-marg.
#include "hmc-marg/embedded.h"

#include <string>
#include <vector>

#include "base/error.h"
#include "base/suggest.h"

// Defines the byte range SYMBOL_begin .. SYMBOL_end with the content of a file.
#define TENFOLD_EMBED(symbol, file)                                                                \
  __asm__(".section .rodata\n.global " #symbol "_begin\n.global " #symbol "_end\n" #symbol         \
          "_begin:\n"                                                                              \
          ".incbin \"" TENFOLD_SAMPLE_DATA "/" file "\"\n" #symbol "_end:\n.byte 0\n.previous\n"); \
  extern "C" const char symbol##_begin[];                                                          \
  extern "C" const char symbol##_end[]

TENFOLD_EMBED(tenfold_schools_stan, "schools.stan");
TENFOLD_EMBED(tenfold_schools_json, "schools.json");
TENFOLD_EMBED(tenfold_sleepstudy_stan, "sleepstudy.stan");
TENFOLD_EMBED(tenfold_sleepstudy_json, "sleepstudy.json");
TENFOLD_EMBED(tenfold_hpp_stan, "hpp.stan");
TENFOLD_EMBED(tenfold_rats71_json, "rats71.json");
TENFOLD_EMBED(tenfold_baseball18_json, "baseball18.json");
TENFOLD_EMBED(tenfold_electric_stan, "electric.stan");
TENFOLD_EMBED(tenfold_fibrosis_stan, "fibrosis.stan");

namespace tenfold::hmc_marg {
namespace {

std::string_view between(const char* begin, const char* end) { return {begin, static_cast<std::size_t>(end - begin)}; }

}  // namespace

const EmbeddedModel& embedded_model(std::string_view name) {
#define TENFOLD_TEXT(symbol) between(symbol##_begin, symbol##_end)
  static const std::vector<EmbeddedModel> models = {
      {"eight-schools", TENFOLD_TEXT(tenfold_schools_stan), TENFOLD_TEXT(tenfold_schools_json)},
      {"sleepstudy", TENFOLD_TEXT(tenfold_sleepstudy_stan), TENFOLD_TEXT(tenfold_sleepstudy_json)},
      {"rats71", TENFOLD_TEXT(tenfold_hpp_stan), TENFOLD_TEXT(tenfold_rats71_json)},
      {"baseball18", TENFOLD_TEXT(tenfold_hpp_stan), TENFOLD_TEXT(tenfold_baseball18_json)},
      {"hpp", TENFOLD_TEXT(tenfold_hpp_stan), {}},
      {"electric", TENFOLD_TEXT(tenfold_electric_stan), {}},
      {"fibrosis", TENFOLD_TEXT(tenfold_fibrosis_stan), {}},
  };
#undef TENFOLD_TEXT
  std::vector<std::string> names;
  for (const EmbeddedModel& model : models) {
    if (model.name == name) return model;
    names.emplace_back(model.name);
  }
  const std::string near = nearest(name, names);
  std::string all;
  for (const std::string& known : names) all += (all.empty() ? "embedded:" : ", embedded:") + known;
  usage_error("no embedded model \"" + std::string(name) + "\"; " +
              (near.empty() ? "there are " + all : "did you mean embedded:" + near + "?"));
}

}  // namespace tenfold::hmc_marg
