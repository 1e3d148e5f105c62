// hmc-marg explain.
#include "hmc-marg/explain_command.h"

#include <nlohmann/json.hpp>

#include <fmt/format.h>

#include "hmc-marg/explain.h"
#include "hmc-marg/op_program.h"
#include "hmc-marg/plan_race.h"

namespace tenfold::hmc_marg {
namespace {

Json size_json(const FactorGraph& graph, const TargetSpec& target) {
  const OpProgramSize size = size_of(*lower(graph.graph, target));
  return {{"instructions", size.instructions}, {"values", size.values}, {"logs", size.logs}, {"bytes", size.bytes}};
}

// The declared data, for a program whose data was not given.
bool needs_data(const Program& program) { return !program.block(BlockKind::data).empty(); }

// lower=0 alone, lower=0 and upper=1, or a simplex: the bounds that a conjugate family needs, as far as they can be read off.
bool family_bounds(const Declaration& d) {
  const auto is = [](const ExprPtr& e, double x) { return e && e->kind == ExprKind::number && e->number == x; };
  if (d.constraint == ConstraintKind::simplex) return true;
  return d.constraint == ConstraintKind::bounded && is(d.lower, 0) && (!d.upper || is(d.upper, 1));
}

// Without data only types are known: most declared constraints rule a parameter out, everything else depends on the factors.
cli::Result explain_types(const ModelSource& source, const Program& program) {
  cli::Result result;
  Json declared = Json::array();
  std::string text = "Without data only the declarations are known; --data FILE gives the plan.\n";
  for (const StmtPtr& statement : program.block(BlockKind::parameters)) {
    const Declaration& d = statement->declaration;
    const bool free = d.constraint == ConstraintKind::none || d.constraint == ConstraintKind::affine;
    const bool family = family_bounds(d);
    declared.push_back({{"name", d.name}, {"type", to_string(d.type)}, {"candidate", free || family}, {"lines", {d.at.line}}});
    text += fmt::format("  {}  {}, line {}: {}\n", d.name, to_string(d.type), d.at.line,
                        free     ? "a candidate"
                        : family ? "a candidate where its densities are a conjugate family"
                                 : "constrained, will be sampled");
  }
  result.value = {{"model", {{"file", source.program_file}, {"sha256", source.program_sha256}}},
                  {"declarations", declared},
                  {"plan", nullptr}};
  result.human = text;
  return result;
}

}  // namespace

void describe(ExplainOptions& o, cli::OptionTable& table) {
  describe_model(o.model, table);
  describe_plan(o.plan, table);
}

cli::Result explain(const ExplainOptions& options, cli::Run& run) {
  ModelSource source = read_model(options.model.model, options.model.data);
  if (source.data_file.empty()) {
    const Program program = parse_program(source.program_text, source.program_file);
    if (needs_data(program)) return explain_types(source, program);
  }
  Model model = load_model(std::move(source), run.seed());
  const Marginal marginal = choose_plan(model, options.plan, run);
  const Dimensions dims = dimensions(model.graph, marginal);
  cli::Result result;
  result.value = {
      {"model", {{"file", model.source.program_file}, {"sha256", model.source.program_sha256}}},
      {"dims", {{"joint", dims.joint}, {"sampled", dims.sampled}, {"eliminated", dims.eliminated}}},
      {"plan", plan_json(marginal)},
      {"block", block_json(marginal)},
      {"cost", cost_json(marginal.cost)},
      {"alternatives", alternatives_json(model.graph, marginal)},
      {"race", race_json(model.graph, marginal)},
      {"size",
       {{"joint", size_json(model.graph, joint_target(model.graph))}, {"marginal", size_json(model.graph, marginal.target)}}}};
  result.human = plan_text(model, marginal) + cost_text(model.graph, marginal);
  return result;
}

}  // namespace tenfold::hmc_marg
