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

namespace tenfold::hmc_marg {
namespace {

std::string_view between(const char* begin, const char* end) { return {begin, static_cast<std::size_t>(end - begin)}; }

}  // namespace

const EmbeddedModel& embedded_model(std::string_view name) {
  static const std::vector<EmbeddedModel> models = {
      {"eight-schools", between(tenfold_schools_stan_begin, tenfold_schools_stan_end),
       between(tenfold_schools_json_begin, tenfold_schools_json_end)},
      {"sleepstudy", between(tenfold_sleepstudy_stan_begin, tenfold_sleepstudy_stan_end),
       between(tenfold_sleepstudy_json_begin, tenfold_sleepstudy_json_end)},
  };
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
