// inspect: what a model holds, costs, and what of it can be removed.
#include <charconv>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "mtl-prune/torch/jobs.h"
#include "mtl-prune/torch/pruning.h"
#include "mtl/architectures.h"
#include "mtl/torch/train_job.h"

namespace tenfold::mtl_prune {
namespace {

Source built_in(const InspectOptions& options, cli::Run& run) {
  const mtl::TaskFile tasks = options.model.tasks.empty() ? mtl::rooms_tasks() : mtl::read_tasks(options.model.tasks);
  mtl::ArchitectureSpec spec{.arch = options.arch, .layout = options.layout, .widths = {}};
  for (const std::string& text : options.widths) {
    std::int64_t width = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), width);
    if (error != std::errc{} || end != text.data() + text.size() || width < 1)
      usage_error("--widths: " + text + " is no number of channels");
    spec.widths.push_back(width);
  }
  mtl::Model model = mtl::build(spec, tasks, run.seed());
  model.tasks = tasks;
  const auto [height, width] =
      options.model.size.empty() ? std::pair<std::int64_t, std::int64_t>{96, 128} : parse_size(options.model.size);
  return make_source(options.arch, mtl::with_tasks(std::move(model), "", options.arch, height, width), height, width);
}

Json set_json(const Source& source, const UnitSet& set) {
  Json reaches = Json::array();
  const std::size_t bits = source.model.tasks.empty() ? source.model.model.graph.outputs.size() : source.model.tasks.size();
  for (std::size_t i = 0; i < bits; ++i)
    if ((set.reaches >> i & 1) != 0)
      reaches.push_back(source.model.tasks.empty() ? source.model.model.graph.outputs[i].name : source.model.tasks[i].name);
  Json balanced = Json::array();
  for (const Balance& balance : set.balances) balanced.push_back({{"node", balance.why}, {"blocks", balance.blocks.size()}});
  std::int64_t locked_units = 0;
  for (const Unit& unit : set.units) locked_units += unit.locked ? 1 : 0;
  return {{"id", set.id},
          {"size", set.units.size()},
          {"producers", parameters(source.units, set, Role::producer)},
          {"members", parameters(source.units, set, Role::member)},
          {"consumers", parameters(source.units, set, Role::consumer)},
          {"reaches", reaches},
          {"trunk", set.trunk},
          {"balanced", balanced},
          {"locked", set.locked},
          {"locked_units", locked_units},
          {"why", set.why.empty() ? Json(nullptr) : Json(set.why)}};
}

}  // namespace

Json inspect_job(const InspectOptions& options, cli::Run& run) {
  mtl::set_up_training();
  const Source source = options.arch.empty() ? open_source(options.model, nullptr) : built_in(options, run);
  Json sets = Json::array();
  std::int64_t trunk_units = 0;
  for (const UnitSet& set : source.units.sets) {
    sets.push_back(set_json(source, set));
    if (set.trunk && !set.locked) trunk_units += static_cast<std::int64_t>(set.units.size());
  }
  Json tasks = Json::array();
  for (std::size_t t = 0; t < source.model.tasks.size(); ++t) {
    const mtl::Task& task = source.model.tasks[t];
    tasks.push_back({{"name", task.name},
                     {"output", source.model.model.graph.outputs[static_cast<std::size_t>(source.model.output_of_task[t])].name},
                     {"type", mtl::name_of(task.type)},
                     {"channels", task.channels},
                     {"loss", mtl::name_of(task.loss)}});
  }
  Json outputs = Json::array();
  for (const mtl::Output& output : source.model.model.graph.outputs) {
    const mtl::Shape& shape = source.shapes[static_cast<std::size_t>(output.node)];
    outputs.push_back({{"name", output.name}, {"shape", shape}});
  }
  Json result = {{"model", source.name},
                 {"weights_sha256", mtl::weights_sha256(source.model.model.weights)},
                 {"size", {source.height, source.width}},
                 {"nodes", source.model.model.graph.nodes.size()}};
  result.update(cost_json(source.model, source.cost));
  result["trunk_units"] = trunk_units;
  result["tasks"] = tasks;
  result["outputs"] = outputs;
  result["sets"] = sets;
  result["notes"] = source.units.notes;
  return result;
}

}  // namespace tenfold::mtl_prune
