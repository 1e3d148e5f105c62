#include "mtl-prune/options.h"

#include <algorithm>
#include <charconv>

#include "base/error.h"
#include "base/suggest.h"
#include "mtl-prune/ranking_options.h"

namespace tenfold::mtl_prune {

void describe_model_rows(ModelOptions& o, cli::OptionTable& table) {
  table.add("--tasks", o.tasks, "tasks.json: what the outputs mean; without it what the model itself says").value_name("FILE");
  table.add("--size", o.size, "image size that costs are counted at; without it the data's").value_name("HxW");
}

void describe_model(ModelOptions& o, cli::OptionTable& table) {
  table
      .input("MODEL", o.model, "TorchScript NAME.pt, NAME.mtg.json beside NAME.safetensors, or NAME.json naming arch and weights")
      .defaults_to(kEmbeddedModel);
  describe_model_rows(o, table);
}

void describe_data(DataOptions& o, cli::OptionTable& table) {
  table
      .add("--data", o.data,
           "rooms:KEYS, nyuv2:ROOT or folder:DIR; scores come from its train split, metrics from its test split")
      .value_name("SPEC");
  table.add("--test-images", o.test_images, "at most so many images of the test split").between(1, 1e9);
}

void describe_scoring(ScoringOptions& o, cli::OptionTable& table) {
  table.add("--batches", o.batches, "mini-batches that scores are averaged over").between(1, 1e9);
  table.add("--batch", o.batch, "images of a mini-batch").between(1, 65536);
  table.add("--couple", o.couple, "how a unit of several filters gets one score of weights: mean, sum, max, min, joint, first")
      .value_name("RULE");
  table.add("--stream", o.stream, "score layer by layer in one walk back; off: one autograd pass a task, for comparison");
}

void describe(InspectOptions& o, cli::OptionTable& table) {
  describe_model(o.model, table);
  table.add("--arch", o.arch, "inspect a built-in network instead: rooms-net, vgg16-mtl or vgg16-mtl-small").value_name("NAME");
  table.add("--layout", o.layout, "of --arch: shared, branch:K, independent, or a JSON list of partitions").value_name("LAYOUT");
  table.add("--widths", o.widths, "of --arch: channels of vgg16's 13 convolutions").value_name("N,N,..");
}

void describe(ScoreOptions& o, cli::OptionTable& table) {
  describe_model(o.model, table);
  describe_data(o.data, table);
  table.add("--criterion", o.criteria, "criteria to score by, repeated or with commas").value_name("NAME");
  table.add("--scope", o.scope, "units that rank correlations are taken over: trunk, all, or regex:NAMES").value_name("SCOPE");
  describe_scoring(o.scoring, table);
}

void describe(PruneOptions& o, cli::OptionTable& table) {
  describe_model(o.model, table);
  describe_data(o.data, table);
  describe_criterion(o, table);
  table.add("--target", o.target, "params=V or macs=V, the share to keep; or units=N, the units left in scope")
      .value_name("WHAT=V");
  describe_ranking(o, table);
  table.add("--confidence", o.confidence, "prune only units whose upper bound lies below the median score; 0: any")
      .at_least(0)
      .below(1);
  table.add("--floor", o.floor, "units of each set that stay").between(1, 1e9);
  table.add("--round", o.round, "a set keeps a multiple of so many channels, or all; auto: 1").value_name("auto|N");
  describe_scoring(o.scoring, table);
  table.add("--finetune", o.finetune, "training steps after pruning").between(0, 1e9);
  table.add("--lr", o.lr, "learning rate of --finetune (AdamW, cosine to 0)").above(0);
  table.add("--train-batch", o.train_batch, "images a step of --finetune").between(1, 65536);
  table.add("--export", o.exports, "model files to write: torchscript, safetensors (with its graph)").value_name("FORMAT,..");
  table.add("--latency-runs", o.latency_runs, "timed runs of each model, interleaved; 0: none").between(0, 100000);
}

void describe(VerifyOptions& o, cli::OptionTable& table) {
  table.input("DIR", o.directory, "run directory of prune or apply").required();
  table.add("--model", o.model, "the source model, where it does not lie where it lay").value_name("MODEL");
}

void describe(ApplyOptions& o, cli::OptionTable& table) {
  table.input("PLAN", o.plan, "plan.json of a prune").required();
  table.input("MODEL", o.model.model, "the model it was made for").defaults_to(kEmbeddedModel);
  describe_model_rows(o.model, table);
  table.add("--export", o.exports, "model files to write: torchscript, safetensors (with its graph)").value_name("FORMAT,..");
}

void describe(LatencyOptions& o, cli::OptionTable& table) {
  table.inputs("MODELS", o.models, "one model, or several that are compared with the first").defaults_to(kEmbeddedModel);
  table.add("--tasks", o.tasks, "tasks.json of models that do not carry their tasks").value_name("FILE");
  table.add("--size", o.size, "image size; without it the first model's, or 96x128").value_name("HxW");
  table.add("--batch", o.runs.batch, "images at once; several are measured one after the other").value_name("N,..");
  table.add("--runs", o.runs.runs, "timed runs of each model after the warm-up, one of each in turn").between(5, 100000);
  table.flag("--per-layer", o.per_layer, "time of each node too (models that are graphs, or lowered to one)");
}

void describe(DemoOptions& o, cli::OptionTable& table) {
  table.add("--batches", o.batches, "mini-batches of 8 that scores are averaged over").between(2, 10000);
  table.add("--steps", o.steps, "training steps after pruning, for each criterion").between(0, 1e6);
  table.add("--latency-runs", o.latency_runs, "timed runs of each model, interleaved").between(5, 100000);
}

std::pair<std::int64_t, std::int64_t> parse_size(const std::string& text) {
  const std::size_t x = text.find('x');
  std::int64_t height = 0, width = 0;
  const auto read = [&](std::size_t from, std::size_t to, std::int64_t& value) {
    const auto [end, error] = std::from_chars(text.data() + from, text.data() + to, value);
    return error == std::errc{} && end == text.data() + to && value >= 1 && value <= 65536;
  };
  if (x == std::string::npos || !read(0, x, height) || !read(x + 1, text.size(), width))
    usage_error("--size " + text + " is no image size; write 96x128 for height 96 and width 128");
  return {height, width};
}

void check_exports(const std::vector<std::string>& exports) {
  static const std::vector<std::string> formats = {"torchscript", "safetensors"};
  for (const std::string& format : exports) {
    if (std::ranges::find(formats, format) != formats.end()) continue;
    const std::string near = nearest(format, formats);
    usage_error("--export " + format + " is none of torchscript, safetensors" +
                (near.empty() ? "" : "; did you mean " + near + "?"));
  }
}

SelectOptions select_options(const PruneOptions& o) {
  SelectOptions select;
  select.target = parse_target(o.target);
  select.allocate = o.allocate;
  select.normalize = o.normalize;
  select.scope = o.scope;
  select.criterion = check_criterion(o.criterion);
  select.dead = o.dead;
  select.private_units = o.private_units;
  select.confidence = o.confidence;
  select.floor = o.floor;
  if (o.round != "auto") {
    const auto [end, error] = std::from_chars(o.round.data(), o.round.data() + o.round.size(), select.round);
    if (error != std::errc{} || end != o.round.data() + o.round.size() || select.round < 1)
      usage_error("--round " + o.round + " is neither auto nor a whole number from 1");
  }
  parse_couple(o.scoring.couple);
  return select;
}

}  // namespace tenfold::mtl_prune
