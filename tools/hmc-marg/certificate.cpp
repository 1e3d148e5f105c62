// Random points, three densities, one identity.
#include "hmc-marg/certificate.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <memory>
#include <vector>

#include "base/error.h"
#include "base/philox.h"
#include "hmc-marg/block_system.h"
#include "hmc-marg/determined.h"
#include "hmc-marg/op_program.h"
#include "hmc-marg/recover.h"

namespace tenfold::hmc_marg {

namespace {

constexpr int kFewestPoints = 16;

std::string describe(int point, double joint, double conditional, double marginal) {
  char text[200];
  std::snprintf(text, sizeof text, "point %d: log joint %.17g, conditional %.17g, marginal %.17g, difference %.3g", point, joint,
                conditional, marginal, joint - conditional - marginal);
  return text;
}

}  // namespace

CertificateResult certify(const CertificateParts& parts, std::uint64_t seed, int points) {
  CertificateResult result;
  result.ok = true;
  std::vector<double> kept(static_cast<std::size_t>(parts.kept_free)), z(static_cast<std::size_t>(parts.eliminated));
  double worst = -1;
  for (int point = 0; point < points; ++point) {
    PhiloxStream random(seed, "certificate", static_cast<std::uint32_t>(point));
    const bool far = point % 4 == 3;
    for (double& q : kept) q = (far ? 6.0 : 2.0) * (2 * random.uniform() - 1);
    const bool conditioned = parts.condition(kept);
    if (conditioned) {
      if (point % 2 == 0)
        parts.draw(random, z);
      else
        parts.draw_wide(random, z);
    } else {
      std::fill(z.begin(), z.end(), 0.0);
      result.lost += !far;
    }
    double magnitude = 0;
    const double joint = parts.joint(kept, z, magnitude);
    if (!std::isfinite(joint)) continue;
    const double marginal = parts.marginal(kept);
    const double conditional = conditioned ? parts.log_conditional(z) : std::nan("");
    if (!std::isfinite(marginal) || !std::isfinite(conditional)) {
      if (far) continue;
      result.lost += conditioned;
      if (result.ok) result.worst = describe(point, joint, conditional, marginal);
      result.ok = false;
      continue;
    }
    ++result.points;
    const double error = std::fabs(joint - conditional - marginal);
    const double relative = error / std::max(1.0, magnitude);
    result.max_abs_error = std::max(result.max_abs_error, error);
    result.max_rel_error = std::max(result.max_rel_error, relative);
    if (relative > worst && result.ok) {
      worst = relative;
      result.worst = describe(point, joint, conditional, marginal);
    }
    if (!(relative <= kCertificateTolerance)) result.ok = false;
  }
  if (result.points < kFewestPoints) {
    if (result.ok)
      result.worst = "only " + std::to_string(result.points) + " of " + std::to_string(points) + " points have a finite density";
    result.ok = false;
  }
  return result;
}

namespace {

// The three densities of a model. The joint takes the eliminated scalars themselves, so that no Jacobian of theirs is on either
// side.
class ModelParts {
 public:
  ModelParts(const FactorGraph& model, const Marginal& marginal)
      : kept_(marginal.target.inputs.size()), recovery_(model, marginal), marginal_(lower(model.graph, marginal.target)) {
    TargetSpec joint;
    joint.inputs = marginal.target.inputs;
    for (const int p : marginal.eliminated) {
      const auto& slots = model.parameters[static_cast<std::size_t>(p)].value.slot;
      joint.inputs.insert(joint.inputs.end(), slots.begin(), slots.end());
    }
    joint.constant = model.constant;
    joint.terms = model.terms;
    for (const Factor& factor : model.factors) {
      joint.densities.push_back({factor.node, {}});
      const Node& node = model.graph.nodes()[factor.node];
      for (std::uint32_t i = 0; i < node.lanes; ++i) joint.outputs.push_back(node.first + i);
    }
    for (const BoundCheck& check : model.bound_checks) joint.nonnegative.push_back(check.difference);
    TargetSpec values;
    for (const int p : marginal.kept) {
      const Parameter& parameter = model.parameters[static_cast<std::size_t>(p)];
      for (const Slot slot : parameter.log_jacobian) joint.terms.push_back({slot, 1, 0});
      for (std::size_t i = 0; i < parameter.value.size(); ++i) {
        const Slot slot = parameter.value.known() ? 0 : parameter.value.slot[i];
        place_.push_back(slot == 0 ? -1 : static_cast<std::int32_t>(values.outputs.size()));
        constrained_.push_back(slot == 0 ? parameter.value.number[i] : 0);
        if (slot != 0) values.outputs.push_back(slot);
      }
    }
    for (const Term& term : joint.terms) {
      joint.outputs.push_back(term.slot);
      coefficient_.push_back(term.coefficient);
    }
    values.inputs = marginal.target.inputs;
    output_.resize(joint.outputs.size());
    value_.resize(values.outputs.size());
    constant_ = model.constant;
    joint_ = std::make_unique<Engine>(lower(model.graph, joint));
    values_ = std::make_unique<Engine>(lower(model.graph, values));
    point_.resize(joint.inputs.size());
  }

  CertificateParts parts() {
    CertificateParts out;
    out.kept_free = static_cast<int>(kept_);
    out.eliminated = static_cast<int>(recovery_.eliminated_size());
    out.joint = [this](std::span<const double> kept, std::span<const double> z, double& magnitude) {
      std::copy(kept.begin(), kept.end(), point_.begin());
      std::copy(z.begin(), z.end(), point_.begin() + static_cast<std::ptrdiff_t>(kept_));
      const double density = joint_->log_density(point_);
      joint_->outputs(point_, output_);
      magnitude = std::fabs(constant_);
      const std::size_t lanes = output_.size() - coefficient_.size();
      for (std::size_t i = 0; i < output_.size(); ++i)
        magnitude += std::fabs(output_[i] * (i < lanes ? 1.0 : coefficient_[i - lanes]));
      return density;
    };
    out.marginal = [this](std::span<const double> kept) { return marginal_.log_density(kept); };
    out.condition = [this](std::span<const double> kept) {
      values_->outputs(kept, value_);
      for (std::size_t i = 0; i < place_.size(); ++i)
        if (place_[i] >= 0) constrained_[i] = value_[static_cast<std::size_t>(place_[i])];
      return recovery_.condition(constrained_);
    };
    out.draw = [this](PhiloxStream& random, std::span<double> z) { recovery_.draw(random, z); };
    out.draw_wide = [this](PhiloxStream& random, std::span<double> z) { recovery_.draw_independent(random, 3.0, z); };
    out.log_conditional = [this](std::span<const double> z) { return recovery_.log_conditional(z); };
    return out;
  }

 private:
  std::size_t kept_;
  Recovery recovery_;
  Engine marginal_;
  std::unique_ptr<Engine> joint_, values_;
  std::vector<double> point_, output_, value_, constrained_, coefficient_;
  std::vector<std::int32_t> place_;
  double constant_ = 0;
};

}  // namespace

CertificateResult certify(const FactorGraph& model, const Marginal& marginal, std::uint64_t seed, int points) {
  if (marginal.eliminated.empty()) return {.ok = true, .worst = ""};
  const auto refuse_undetermined = [&](double tolerance) {
    if (marginal.gaussian == nullptr) return;
    if (const auto scalar = undetermined(model, marginal, seed, tolerance)) infeasible_error(message(*scalar));
  };
  refuse_undetermined(kSingular);
  ModelParts model_parts(model, marginal);
  const CertificateResult result = certify(model_parts.parts(), seed, points);
  if (result.ok) return result;
  // A matrix too near to a singular one for its pivots to be numbers breaks the identity too; then that is the reason to give.
  refuse_undetermined(kSingularInSquares);
  return result;
}

}  // namespace tenfold::hmc_marg
