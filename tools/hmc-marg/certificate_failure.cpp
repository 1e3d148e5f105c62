// The joint density at random points of all parameters, term by term where it is not finite.
#include "hmc-marg/certificate_failure.h"

#include <cmath>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.h"
#include "base/philox.h"
#include "hmc-marg/data_binding.h"
#include "hmc-marg/op_program.h"

namespace tenfold::hmc_marg {
namespace {

constexpr std::uint32_t kPoints = 64;

// "; of the data, `y` is infinite at element [3]", or nothing.
std::string infinite_data(const Model& model) {
  for (const StmtPtr& statement : model.program.block(BlockKind::data)) {
    const Declaration& d = statement->declaration;
    const Value& value = model.data->values[static_cast<std::size_t>(d.slot)];
    for (std::size_t i = 0; i < value.size(); ++i) {
      if (!std::isinf(value.number[i])) continue;
      std::string element = element_text(value, i);
      element.erase(element.find_last_not_of(": ") + 1);
      return fmt::format("; of the data, `{}` is infinite{}", d.name, element.empty() ? "" : " at " + element);
    }
  }
  return "";
}

std::string names(const FactorGraph& model, const std::vector<int>& parameters) {
  std::vector<std::string> out;
  for (const int p : parameters) out.push_back(model.parameters[static_cast<std::size_t>(p)].name);
  return fmt::format("{}", fmt::join(out, ", "));
}

}  // namespace

int first_failing_line(const FactorGraph& model, const TargetSpec& target, std::span<const double> q) {
  const auto fails = [&](TargetSpec one) {
    one.inputs = target.inputs;
    return !std::isfinite(reference_log_density(model.graph, one, q, {}));
  };
  for (const DensityLanes& lanes : target.densities) {
    TargetSpec one;
    one.densities = {lanes};
    if (fails(std::move(one))) return model.graph.nodes()[lanes.node].line;
  }
  for (const Term& term : target.terms) {
    TargetSpec one;
    one.terms = {term};
    if (fails(std::move(one))) return term.line;
  }
  for (const BoundCheck& check : model.bound_checks) {
    TargetSpec one;
    one.nonnegative = {check.difference};
    if (!target.nonnegative.empty() && fails(std::move(one))) return check.line;
  }
  return 0;
}

std::string certificate_failure(const Model& model, const Marginal& marginal, const CertificateResult& result,
                                std::uint64_t seed) {
  const FactorGraph& graph = model.graph;
  const TargetSpec joint = joint_target(graph);
  Engine engine(lower(graph.graph, joint));
  std::vector<double> q(joint.inputs.size()), first;
  int finite = 0;
  for (std::uint32_t point = 0; point < kPoints; ++point) {
    PhiloxStream random(seed, "certificate failure", point);
    for (double& x : q) x = 4 * random.uniform() - 2;
    finite += std::isfinite(engine.log_density(q));
    if (point == 0) first = q;
  }
  if (finite == 0) {
    const int line = first_failing_line(graph, joint, first);
    return at_position(line > 0 ? model.source.program_file : "", static_cast<std::size_t>(line), 0,
                       fmt::format("the density is not finite at any of {} points{}{}; check bounds and data", kPoints,
                                   line > 0 ? ", and this is the first term that is not" : "", infinite_data(model)));
  }
  if (result.points == 0 && result.lost > 0)
    return fmt::format(
        "the integral over {} is finite at none of {} points where the density is: the posterior is improper{}; give every "
        "parameter a proper prior",
        names(graph, marginal.eliminated), result.lost, infinite_data(model));
  return fmt::format(
      "the identity certificate is broken ({}): this model is not sampled marginalised; --marginalize none still works",
      result.worst);
}

std::string noncentred_failure(const CertificateResult& result) {
  return fmt::format("the identity certificate of the non-centred form is broken ({}); --reparam none still works", result.worst);
}

}  // namespace tenfold::hmc_marg
