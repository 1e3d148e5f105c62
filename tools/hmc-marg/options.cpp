// Shared options: the model and the plan.
#include "hmc-marg/options.h"

namespace tenfold::hmc_marg {

void describe_model(ModelOptions& o, cli::OptionTable& table) {
  table.input("MODEL", o.model, "a Stan program; - is standard input").file().defaults_to(kEmbeddedModel);
  table.add("--data", o.data, "data in CmdStan's JSON; - is standard input").file();
}

Model load(const ModelOptions& options, std::uint64_t seed) { return load_model(read_model(options.model, options.data), seed); }

void describe_plan(PlanOptions& o, cli::OptionTable& table) {
  table
      .add("--marginalize", o.marginalize,
           "what to integrate out: the set of least predicted cost, all that can be, none, or exactly the parameters named")
      .value_name("auto|all|none|LIST");
  table.add("--keep", o.keep, "parameters to sample in any case").value_name("LIST");
  table.add("--require", o.require, "parameters to integrate out; exit code 4 with the reason where that cannot be")
      .value_name("LIST");
  table
      .add("--reparam", o.reparam,
           "parameters to sample as epsilon, z = location + scale * epsilon; auto: those kept whose prior's location or scale is "
           "sampled, too")
      .value_name("none|auto|LIST");
  table.add("--compress", o.compress, "replace rows with known coefficients by their triangular factor, once");
  table
      .add("--plan", o.plan,
           "the set of least predicted cost; the better of the best two in a short run of both; or what a run's plan.json says")
      .value_name("auto|race|FILE");
}

}  // namespace tenfold::hmc_marg
