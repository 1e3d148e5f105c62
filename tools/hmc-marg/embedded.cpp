// Sample models, taken into the program by the assembler from sample_data/hmc-marg.
#include "hmc-marg/embedded.h"

#include <string>
#include <vector>

#include "base/embed.h"
#include "base/error.h"
#include "base/suggest.h"

TENFOLD_EMBED(tenfold_schools_stan, TENFOLD_SAMPLE_DATA "/schools.stan");
TENFOLD_EMBED(tenfold_schools_json, TENFOLD_SAMPLE_DATA "/schools.json");
TENFOLD_EMBED(tenfold_sleepstudy_stan, TENFOLD_SAMPLE_DATA "/sleepstudy.stan");
TENFOLD_EMBED(tenfold_sleepstudy_json, TENFOLD_SAMPLE_DATA "/sleepstudy.json");
TENFOLD_EMBED(tenfold_hpp_stan, TENFOLD_SAMPLE_DATA "/hpp.stan");
TENFOLD_EMBED(tenfold_rats71_json, TENFOLD_SAMPLE_DATA "/rats71.json");
TENFOLD_EMBED(tenfold_baseball18_json, TENFOLD_SAMPLE_DATA "/baseball18.json");
TENFOLD_EMBED(tenfold_electric_stan, TENFOLD_SAMPLE_DATA "/electric.stan");
TENFOLD_EMBED(tenfold_fibrosis_stan, TENFOLD_SAMPLE_DATA "/fibrosis.stan");

namespace tenfold::hmc_marg {

const EmbeddedModel& embedded_model(std::string_view name) {
  static const std::vector<EmbeddedModel> models = {
      {"eight-schools", TENFOLD_EMBEDDED(tenfold_schools_stan), TENFOLD_EMBEDDED(tenfold_schools_json)},
      {"sleepstudy", TENFOLD_EMBEDDED(tenfold_sleepstudy_stan), TENFOLD_EMBEDDED(tenfold_sleepstudy_json)},
      {"rats71", TENFOLD_EMBEDDED(tenfold_hpp_stan), TENFOLD_EMBEDDED(tenfold_rats71_json)},
      {"baseball18", TENFOLD_EMBEDDED(tenfold_hpp_stan), TENFOLD_EMBEDDED(tenfold_baseball18_json)},
      {"hpp", TENFOLD_EMBEDDED(tenfold_hpp_stan), {}},
      {"electric", TENFOLD_EMBEDDED(tenfold_electric_stan), {}},
      {"fibrosis", TENFOLD_EMBEDDED(tenfold_fibrosis_stan), {}},
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
