#include "mtl-prune/training_options.h"

#include <cmath>

#include "base/error.h"
#include "data/number.h"
#include "mtl-prune/ranking_options.h"

namespace tenfold::mtl_prune {

void describe(IterateOptions& o, cli::OptionTable& table) {
  describe_model(o.model, table);
  describe_data(o.data, table);
  describe_criterion(o, table);
  table.add("--until", o.until, "params=V or macs=V, the share of the dense network to keep; or units=N, the units left in scope")
      .value_name("WHAT=V");
  table.add("--step", o.step, "units that go at an event, or P% of those in scope at first").value_name("N|P%");
  table.add("--every", o.every, "training steps before each event, and after the last").between(1, 1e9);
  table.add("--batch", o.batch, "images a step").between(1, 65536);
  table.add("--lr", o.lr, "learning rate of AdamW at epoch 0").above(0);
  table.add("--weight-decay", o.weight_decay, "weight decay of AdamW").at_least(0);
  table.add("--epochs", o.epochs, "E: at epoch e the rate is lr/2 (1 + cos(pi e/(5E)))").between(1, 1e9);
  describe_ranking(o, table);
  table.add("--floor", o.floor, "units of each set that stay").between(1, 1e9);
  table.add("--couple", o.couple, "how a unit of several filters gets one score: mean, sum, max, min, joint, first")
      .value_name("RULE");
  table.add("--export", o.exports, "model files to write: torchscript, safetensors (with its graph)").value_name("FORMAT,..");
}

void describe(RetrainOptions& o, cli::OptionTable& table) {
  table.input("PLAN", o.plan, "plan.json of prune or iterate").required();
  table.input("MODEL", o.model.model, "the model it was made for").defaults_to(kEmbeddedModel);
  describe_model_rows(o.model, table);
  describe_data(o.data, table);
  table.add("--init", o.init, "weights to start from: random (new ones), pruned (what the plan leaves), or both to compare them")
      .value_name("random,pruned");
  table.add("--seeds", o.seeds, "runs of each, with seeds --seed, --seed + 1 ...").between(1, 1000);
  table.add("--steps", o.steps, "training steps of each run").between(1, 1e9);
  table.add("--lr", o.lr, "learning rates of Adam(0.5, 0.999); of several the best on the validation split").value_name("LR,..");
  table.add("--batch", o.batch, "images a step").between(1, 65536);
  table.add("--weight-decay", o.weight_decay, "weight decay, added to the gradient").at_least(0);
  table.add("--validate", o.validate, "steps between looks at the validation split; the best weights are kept").between(1, 1e9);
}

std::int64_t step_units(const std::string& step, std::int64_t in_scope) {
  const bool percent = step.ends_with('%');
  const std::optional<double> value = data::parse_number(percent ? std::string_view(step).substr(0, step.size() - 1) : step);
  if (!value || !(*value > 0) || (percent ? *value > 100 : *value != std::floor(*value) || *value > 1e9))
    usage_error("--step " + step + " is neither a number of units from 1 nor a share P% up to 100%");
  return percent ? std::max<std::int64_t>(1, std::llround(*value / 100 * static_cast<double>(in_scope)))
                 : static_cast<std::int64_t>(*value);
}

std::vector<double> learning_rates(const std::vector<std::string>& texts) {
  std::vector<double> rates;
  for (const std::string& text : texts) {
    const std::optional<double> value = data::parse_number(text);
    if (!value || !(*value > 0) || !std::isfinite(*value)) usage_error("--lr " + text + " is no learning rate above 0");
    rates.push_back(*value);
  }
  if (rates.empty()) usage_error("--lr names no learning rate");
  return rates;
}

SelectOptions select_options(const IterateOptions& o) {
  SelectOptions select;
  select.target = parse_target(o.until);
  select.allocate = o.allocate;
  select.normalize = o.normalize;
  select.scope = o.scope;
  select.criterion = check_criterion(o.criterion);
  select.dead = o.dead;
  select.private_units = o.private_units;
  select.floor = o.floor;
  parse_couple(o.couple);
  return select;
}

}  // namespace tenfold::mtl_prune
